import { VENDOR_STATES, type Edge, type Facts, type Vendor, type VendorState } from '../../core/facts.ts';
import type { Mapped } from './map/map.ts';
import type { Unmappables } from './map/unmapped.ts';
import type { MappedVendor } from './map/vendors.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The vendors of either source. Permit alone gives claims, regions and other attributes. First party is who both say is; what
 * a vendor is, for what restricts, is all that either says, and for what grants only what both say. Of the states the worst.
 */
export function mergeVendors(catalogue: Facts['vendors'], stated: Mapped['vendors'], unmapped: Unmappables): Facts['vendors'] {
  const ids = [...new Set([...catalogue.keys(), ...stated.keys()])].sort();
  return new Map(ids.map((id) => [id, mergeVendor(id, catalogue.get(id), stated.get(id), unmapped)]));
}

// What a source says of a vendor that it doesn't have.
const UNKNOWN: Pick<Vendor, 'party' | 'categories' | 'hosts' | 'packages' | 'regions' | 'state' | 'claims' | 'breachedMs'> & { readonly name?: string } = {
  party: 'third', categories: [], hosts: [], packages: [], regions: [], state: 'active', claims: [],
};

function mergeVendor(id: string, catalogued: Vendor | undefined, mapped: MappedVendor | undefined, unmapped: Unmappables): Vendor {
  const [known, stated] = [catalogued ?? UNKNOWN, mapped ?? UNKNOWN];
  const { hosts, packages, breachedMs } = known;
  const { regions, claims } = stated;
  if (catalogued === undefined) unmapped.add(`vendor ${id}`, 'the catalogue does not have it: it counts as a third party of no category, and without hosts');
  if (mapped === undefined) unmapped.add(`catalogue vendor ${id}`, 'Permit does not have it: it is in no tenant, so nothing is permitted there, and it states nothing');
  return {
    id,
    name: known.name ?? stated.name ?? id,
    ...(known.party === stated.party ? { party: known.party } : { party: 'third', disputed: true }),
    categories: [...new Set([...known.categories, ...stated.categories])],
    confirmed: known.categories.filter((category) => stated.categories.includes(category)),
    hosts,
    packages,
    regions,
    state: worst(worst(known.state, stated.state), stateSince({ id, breachedMs, claims }, unmapped)),
    ...(breachedMs !== undefined && { breachedMs }),
    claims,
    ...(mapped !== undefined && { tenant: mapped.tenant, attributes: mapped.attributes }),
  };
}

const worst = (a: VendorState, b: VendorState): VendorState => VENDOR_STATES[Math.max(VENDOR_STATES.indexOf(a), VENDOR_STATES.indexOf(b))]!;

/** After a breach only claims issued since make a vendor active (R83); one of the day of the breach is not surely since. */
function stateSince({ id, breachedMs, claims }: Pick<Vendor, 'id' | 'claims'> & { readonly breachedMs: number | undefined }, unmapped: Unmappables): VendorState {
  const renewed = breachedMs === undefined || (claims.length > 0 && claims.every(({ issuedMs = -Infinity }) => issuedMs >= breachedMs + DAY_MS));
  if (!renewed) unmapped.add(`vendor ${id}`, 'it counts as breached: it was, and not all of its claims in Permit are issued since');
  return renewed ? 'active' : 'breached';
}

/** The edges of either source. A tuple says that the edge is there: the catalogue may say more of it, but not that it is off. */
export function mergeEdges(catalogue: readonly Edge[], stated: readonly Edge[]): readonly Edge[] {
  const keyOf = ({ from, to, type }: Edge) => JSON.stringify([from, to, type]);
  const [known, there] = [new Set(catalogue.map(keyOf)), new Set(stated.map(keyOf))];
  return [
    ...catalogue.map((edge) => {
      const { on, ...always } = edge;
      return on === false && there.has(keyOf(edge)) ? always : edge;
    }),
    ...stated.filter((edge) => !known.has(keyOf(edge))),
  ];
}
