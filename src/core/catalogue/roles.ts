import type { Alternatives, Facts, Identity, Vendor } from '../facts.ts';
import { holds } from './conditions.ts';
import type { Graph } from '../graph/graph.ts';

/** Before a resource role: `vendor#telemetry` is held on one vendor. */
const ON_VENDOR = 'vendor#';

/**
 * All roles of an identity, those that its roles extend included; sorted. With a vendor also those that count for it alone:
 * assigned in its tenant, held on it by the graph (an overrun holds none), and of user sets those that the identity may be in,
 * as far as its own attributes tell. Nothing is worked out before it is asked for.
 */
export type RolesOf = (identity: string, vendor?: string) => readonly string[];

export function createRoles(facts: Pick<Facts, 'identities' | 'roles' | 'vendors'>, graph: Graph): RolesOf {
  const { identities, roles, vendors } = facts;
  const close = createClosure(roles);
  const onVendors = [...roles.values()].filter(({ id }) => id.startsWith(ON_VENDOR));
  const sets = [...roles.values()].flatMap(({ id, heldIf }) => (heldIf === undefined ? [] : [{ id, heldIf }]));

  const heldOn = (identity: string, vendor: Vendor): readonly string[] => {
    if (!onVendors.some(({ heldOn: ids }) => ids?.has(vendor.id) !== false)) return [];
    const { relations, overrun } = graph.relations(identity, `vendor:${vendor.id}`);
    return overrun ? [] : relations.map((relation) => `${ON_VENDOR}${relation}`).filter((role) => roles.has(role));
  };
  const forVendor = (identity: Identity, vendor: Vendor): readonly string[] => [
    ...(vendor.tenant === undefined ? [] : identity.assigned?.get(vendor.tenant) ?? []),
    ...heldOn(identity.id, vendor),
    // A vendor that Permit doesn't have is in no tenant: nobody may send there.
    ...(vendor.tenant === undefined ? [] : sets.filter(({ heldIf }) => mayMeet(heldIf, identity)).map(({ id }) => id)),
  ];

  return (id, vendorId) => {
    const identity = identities.get(id);
    if (identity === undefined) return [];
    const vendor = vendorId === undefined ? undefined : vendors.get(vendorId);
    return close(vendor === undefined ? identity.roles : [...identity.roles, ...forVendor(identity, vendor)]);
  };
}

/** Keeps what each role stands for; most identities have one. */
function createClosure(roles: Facts['roles']): (held: readonly string[]) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  const closeOne = (role: string): readonly string[] => {
    const before = known.get(role);
    if (before !== undefined) return before;
    const closed = new Set([role]);
    for (const id of closed) for (const extended of roles.get(id)?.extends ?? []) closed.add(extended);
    const sorted = [...closed].sort();
    if (roles.has(role)) known.set(role, sorted);
    return sorted;
  };
  return (held) => (held.length === 1 ? closeOne(held[0]!) : [...new Set(held.flatMap(closeOne))].sort());
}

/** Whether some alternative is left when only atoms on the identity's own attributes are looked at. The rest is Rego's. */
function mayMeet(alternatives: Alternatives, { attributes }: Identity): boolean {
  const input = { identity: { attributes } };
  return alternatives.some((atoms) => holds([atoms.filter(({ path, ref }) => isOwn(path) && (ref === undefined || isOwn(ref)))], input));
}

const isOwn = ([root, part]: readonly string[]) => root === 'identity' && part === 'attributes';
