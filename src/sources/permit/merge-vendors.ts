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

function mergeVendor(id: string, known: Vendor | undefined, stated: MappedVendor | undefined, unmapped: Unmappables): Vendor {
  const [party, other] = [known?.party ?? 'third', stated?.party ?? 'third'];
  const categories = [known?.categories ?? [], stated?.categories ?? []];
  const state = worst(known?.state ?? 'active', stated?.state ?? 'active');
  const vendor: Vendor = {
    id,
    name: known?.name ?? stated?.name ?? id,
    party: party === 'first' && other === 'first' ? 'first' : 'third',
    ...(party !== other && { disputed: true }),
    categories: [...new Set(categories.flat())],
    confirmed: categories[0]!.filter((category) => categories[1]!.includes(category)),
    hosts: known?.hosts ?? [],
    packages: known?.packages ?? [],
    regions: stated?.regions ?? [],
    state,
    ...(known?.breachedMs !== undefined && { breachedMs: known.breachedMs }),
    claims: stated?.claims ?? [],
    ...(stated !== undefined && { tenant: stated.tenant, attributes: stated.attributes }),
  };
  if (known === undefined) unmapped.add(`vendor ${id}`, 'the catalogue does not have it: it counts as a third party of no category, and without hosts');
  if (stated === undefined) unmapped.add(`catalogue vendor ${id}`, 'Permit does not have it: it is in no tenant, so nothing is permitted there, and it states nothing');
  if (!isBreachedStill(vendor)) return vendor;
  unmapped.add(`vendor ${id}`, 'it counts as breached: it was, and not all of its claims in Permit are issued since (R83)');
  return { ...vendor, state: worst(state, 'breached') };
}

const worst = (a: VendorState, b: VendorState): VendorState => VENDOR_STATES[Math.max(VENDOR_STATES.indexOf(a), VENDOR_STATES.indexOf(b))]!;

/** Issued on the day of the breach is not surely after it. */
const isBreachedStill = ({ breachedMs, claims }: Vendor): boolean => breachedMs !== undefined
  && (claims.length === 0 || claims.some(({ issuedMs }) => issuedMs === undefined || issuedMs < breachedMs + DAY_MS));

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
