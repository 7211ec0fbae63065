import type { Vendor, VendorSelector } from '../facts.ts';
import type { KnownGrant } from './catalogue.ts';
import type { Profile } from './profiles.ts';
import { covers } from './selectors.ts';

/** What selectors look at in a vendor. */
export interface NamedVendor {
  readonly id: string;
  readonly party: Vendor['party'];
  readonly categories: readonly string[];
}

export const namesVendor = (grant: KnownGrant, vendor: NamedVendor): boolean => grant.vendors.some((selector) => selects(selector, vendor));

const selects = (selector: VendorSelector, { id, party, categories }: NamedVendor) => (selector.vendor === undefined || selector.vendor === id)
  && (selector.party === undefined || selector.party === party)
  && (selector.categories ?? []).every((category) => categories.includes(category));

export const coversProfile = (grant: KnownGrant, { input, ancestors }: Profile): boolean => covers(grant.covers, input.category, ancestors)
  && !covers(grant.spares, input.category, ancestors);

/** Every grant that names this vendor and covers this profile, whoever holds it; by id. */
export type GrantIndex = (vendor: NamedVendor, profile: Profile) => readonly KnownGrant[];

/** Fills itself as it is asked: a list for each profile and each vendor, or kind of vendor where no grant names it by id. */
export function createGrantIndex(grants: Iterable<KnownGrant>): GrantIndex {
  const sorted = [...grants].sort((a, b) => (a.id < b.id ? -1 : 1));
  const named = new Set(sorted.flatMap(({ vendors }) => vendors.flatMap(({ vendor }) => vendor ?? [])));
  const byVendor = new Map<string, Map<Profile, readonly KnownGrant[]>>();
  return (vendor, profile) => {
    const key = named.has(vendor.id) ? `id ${vendor.id}` : `kind ${vendor.party} ${vendor.categories.join(' ')}`;
    let byProfile = byVendor.get(key);
    if (byProfile === undefined) byVendor.set(key, byProfile = new Map());
    let found = byProfile.get(profile);
    if (found === undefined) byProfile.set(profile, found = sorted.filter((grant) => namesVendor(grant, vendor) && coversProfile(grant, profile)));
    return found;
  };
}
