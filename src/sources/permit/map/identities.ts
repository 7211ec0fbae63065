import type { Identity, IdentityType, Role } from '../../../core/facts.ts';
import type { PermitData } from '../data.ts';
import { identityOf, instanceOf, isKey } from './keys.ts';
import type { Unmappables } from './unmapped.ts';

/** Permit's own pseudo-role of whoever is in a tenant. */
const IN_TENANT = 'tenant-association';

/** Users as identities, with the roles that they have in each tenant. */
export function mapIdentities({ users, assignments, roles, tenants }: PermitData, unmapped: Unmappables): ReadonlyMap<string, Identity> {
  const known = { roles: plainRoles(roles), tenants: new Set(tenants) };
  const byUser = new Map<string, Map<string, Set<string>>>();
  for (const { user, role, tenant, instance } of assignments) {
    if (instance !== undefined || role === IN_TENANT) continue;
    if (!known.roles.has(role) || !known.tenants.has(tenant)) {
      unmapped.add(`role assignment ${user} ${role} in ${tenant}`, known.tenants.has(tenant) ? 'there is no such role' : 'there is no such tenant');
      continue;
    }
    const held = byUser.get(user) ?? new Map<string, Set<string>>();
    byUser.set(user, held.set(tenant, (held.get(tenant) ?? new Set()).add(role)));
  }

  const share = sharer();
  const identities = new Map<string, Identity>();
  for (const { key, attributes } of users) {
    const found = identityOf(key);
    if ('reason' in found) {
      unmapped.add(`user ${key}`, found.reason);
      continue;
    }
    const { id } = found;
    const assigned = byUser.get(key);
    identities.set(id, {
      id, type: id.slice(0, id.indexOf(':')) as IdentityType, roles: [], ...(assigned !== undefined && { assigned: share(assigned) }),
      attributes: { ...attributes, key }, // conditions read `user.key` as Permit writes it
    });
  }
  for (const user of byUser.keys()) {
    const found = identityOf(user);
    if (!('id' in found && identities.has(found.id))) unmapped.add(`role assignments of ${user}`, 'there is no such user, or it is no identity');
  }
  return identities;
}

/** Of a hundred thousand users most have the same few roles. */
function sharer(): (held: ReadonlyMap<string, ReadonlySet<string>>) => ReadonlyMap<string, readonly string[]> {
  const known = new Map<string, ReadonlyMap<string, readonly string[]>>();
  return (held) => {
    const plain = [...held].map(([tenant, roles]) => [tenant, [...roles].sort()] as const).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify(plain);
    const before = known.get(key);
    if (before === undefined) known.set(key, new Map(plain));
    return known.get(key)!;
  };
}

/** `vendor#x` and `userset:x` stand for something else. */
const plainRoles = (roles: PermitData['roles']): ReadonlySet<string> => new Set(roles.map(({ key }) => key).filter(isKey));

/** Roles of the tenants' level; one that it extends and that isn't there gives nothing. */
export function mapRoles({ roles }: PermitData, unmapped: Unmappables): readonly Role[] {
  const known = plainRoles(roles);
  return roles.flatMap(({ key, extends: extended }) => {
    if (!isKey(key)) {
      unmapped.add(`role ${key}`, 'its key has characters that Permit does not allow');
      return [];
    }
    for (const other of extended) if (!known.has(other)) unmapped.add(`role ${key}`, `it extends ${other}, which is no role`);
    return [{ id: key, extends: extended.filter((other) => known.has(other)) }];
  });
}

/** Ids that stand for a user and for an instance alike: nobody could tell them apart. A person that others act for is one node. */
export function conflictsOf({ users, instances, tuples, assignments }: PermitData): readonly string[] {
  const ids = new Map(users.flatMap(({ key }) => {
    const found = identityOf(key);
    return 'id' in found && !found.id.startsWith('user:') ? [[found.id, key] as const] : [];
  }));
  const named = new Set<string>();
  const name = (id: string) => {
    if (ids.has(id) && instanceOf(id) !== undefined) named.add(id);
  };
  for (const { type, key } of instances) name(`${type}:${key}`);
  for (const { subject, object } of tuples) for (const id of [subject, object]) name(id);
  for (const { instance } of assignments) if (instance !== undefined) name(instance);
  return [...named].sort().map((id) => `${id} is both the user ${ids.get(id)!} and the instance ${id}: rename one of them`);
}
