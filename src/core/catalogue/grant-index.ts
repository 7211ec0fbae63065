import type { Vendor, VendorSelector } from '../facts.ts';
import type { KnownGrant } from './catalogue.ts';
import type { Profile } from './profiles.ts';
import { covers, nearness, type Selectors } from './selectors.ts';

/** What selectors look at in a vendor. */
export interface NamedVendor {
  readonly id: string;
  readonly party: Vendor['party'];
  readonly disputed?: boolean;
  /** All that it may be. */
  readonly categories: readonly string[];
  /** What it surely is; absent: all of them. */
  readonly confirmed?: readonly string[];
}

/** Whether a grant is for the vendor: on doubt it isn't. */
export const namesVendor = (grant: KnownGrant, vendor: NamedVendor): boolean => grant.vendors.some((selector) => selects(selector, { ...vendor, categories: vendor.confirmed ?? vendor.categories, disputed: false }));

/** Whether what restricts is for the vendor: on doubt it is. */
export const mayName = (selectors: readonly VendorSelector[], vendor: NamedVendor): boolean => selectors.some((selector) => selects(selector, vendor));

const selects = (selector: VendorSelector, { id, party, disputed, categories }: NamedVendor) => (selector.vendor === undefined || selector.vendor === id)
  && (selector.party === undefined || disputed === true || selector.party === party)
  && (selector.categories ?? []).every((category) => categories.includes(category));

/** The same for vendors that no selector tells apart. @param named vendors that some selector names by id. */
export const vendorKey = ({ id, party, disputed = false, categories, confirmed }: NamedVendor, named: ReadonlySet<string>): string => (
  named.has(id) ? `id ${id}` : `kind ${party} ${disputed} ${categories.join(' ')}; ${confirmed?.join(' ')}`
);

export const coversProfile = (grant: KnownGrant, { input, ancestors }: Profile): boolean => covers(grant.covers, input.category, ancestors)
  && !covers(grant.spares, input.category, ancestors);

/**
 * Every grant that names this vendor and covers this profile, whoever holds it: first those that
 * name more of its category, then in the order of `all`.
 */
export type GrantIndex = (vendor: NamedVendor, profile: Profile) => readonly KnownGrant[];

/** Fills itself as it is asked: a list for each profile and each list of grants. @param all those that name the vendor; the same list for the same. */
export function createGrantIndex(all: (vendor: NamedVendor) => readonly KnownGrant[]): GrantIndex {
  const byList = new Map<readonly KnownGrant[], Map<Profile, readonly KnownGrant[]>>();
  return (vendor, profile) => {
    const grants = all(vendor);
    let byProfile = byList.get(grants);
    if (byProfile === undefined) byList.set(grants, byProfile = new Map());
    let found = byProfile.get(profile);
    if (found === undefined)
      byProfile.set(
        profile,
        (found = nearestFirst(
          grants.filter((grant) => coversProfile(grant, profile)),
          profile,
        )),
      );
    return found;
  };
}

/** The categories that a grant names, whatever terms leave of them: how near it is to others (J7). */
export const writtenOf = ({ written, covers: left }: KnownGrant): Selectors => written ?? left;

const nearestFirst = (grants: readonly KnownGrant[], { input }: Profile): readonly KnownGrant[] => grants
  .map((grant) => ({ grant, near: nearness(writtenOf(grant), input.category) }))
  .sort((a, b) => b.near - a.near)
  .map(({ grant }) => grant);
