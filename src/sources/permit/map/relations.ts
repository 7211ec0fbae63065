import { EDGE_TYPES, type Edge, type EdgeType, type Facts, type RelationRule, type Tuple } from '../../../core/facts.ts';
import type { PermitData, PermitResource, PermitTuple } from '../data.ts';
import { identityOf, instanceOf, isKey } from './keys.ts';
import type { Unmappables } from './unmapped.ts';

export const VENDOR = 'vendor';
const isEdge = (relation: string): relation is EdgeType => EDGE_TYPES.some((type) => type === relation);

/** Resource roles as relations of their type: held directly, by a role that extends it, or by a role on a related object. */
export function mapRules({ resources }: PermitData, unmapped: Unmappables): readonly RelationRule[] {
  const types = new Map(resources.map((resource) => [resource.key, resource]));
  return resources.flatMap((resource) => {
    if (!isKey(resource.key)) return [];
    const names = resource.roles.map(({ key }) => key);
    const relations = relationsOf(resource);
    for (const [relation] of Object.entries(resource.relations)) if (!relations.has(relation)) unmapped.add(`relation ${resource.key}#${relation}`, 'a role of the type has the same key: rename one of them');
    const roles = resource.roles.map((role): RelationRule => {
      const object = `resource role ${resource.key}#${role.key}`;
      for (const other of role.extends) if (!names.includes(other)) unmapped.add(object, `it extends ${other}, which is no role of ${resource.key}`);
      const via = role.derived.flatMap(({ role: is, on, relation, noDirectRoles }) => {
        const fits = relations.get(relation) === on && types.get(on)?.roles.some(({ key }) => key === is) === true;
        if (!fits) unmapped.add(object, `it derives from ${on}#${is} through ${relation}, which does not lead there`);
        return fits ? [{ relation, is, ...((noDirectRoles || role.noDirectRoles) && { unlessDirect: names }) }] : [];
      });
      const from = resource.roles.filter((other) => other.extends.includes(role.key)).map(({ key }) => key).filter((key) => key !== role.key);
      return { type: resource.key, relation: role.key, from, via };
    });
    return [...roles, ...[...relations.keys()].map((relation): RelationRule => ({ type: resource.key, relation, from: [], via: [] }))];
  });
}

/** By name: the type of the subject. Not those that a role of the type is called like, since both would be one. */
const relationsOf = ({ relations, roles }: PermitResource): ReadonlyMap<string, string> => (
  new Map(Object.entries(relations).filter(([relation]) => isKey(relation) && !roles.some(({ key }) => key === relation)))
);

/** Assignments of resource roles, and tuples, within one tenant each. */
export function mapTuples(data: PermitData, identities: Facts['identities'], unmapped: Unmappables): readonly Tuple[] {
  const tenants = new Map(data.instances.filter(({ type, key }) => isKey(type) && isKey(key)).map(({ type, key, tenant }) => [`${type}:${key}`, tenant]));
  const roles = new Map(data.resources.map(({ key, roles: own }) => [key, new Set(own.map((role) => role.key))]));
  const relations = new Map(data.resources.map((resource) => [resource.key, relationsOf(resource)]));
  const assigned = data.assignments.flatMap(({ user, role, tenant, instance }): readonly Tuple[] => {
    if (instance === undefined) return [];
    const identity = identityOf(user);
    const reason = instanceMistake(instance, tenant, tenants)
      ?? (roles.get(typeOf(instance))?.has(role) === true ? undefined : 'there is no such role on it')
      ?? ('id' in identity && identities.has(identity.id) ? undefined : 'there is no such user, or it is no identity');
    if (reason === undefined && 'id' in identity) return [{ subject: identity.id, relation: role, object: instance }];
    unmapped.add(`role assignment ${user} ${role} on ${instance}`, reason!);
    return [];
  });
  const related = data.tuples.flatMap((tuple): readonly Tuple[] => {
    const { subject, relation, object, tenant } = tuple;
    const subjectType = relations.get(typeOf(object))?.get(relation);
    const reason = instanceMistake(subject, tenant, tenants) ?? instanceMistake(object, tenant, tenants)
      ?? (subjectType === typeOf(subject) ? undefined : 'its type has no such relation to that of the subject');
    if (reason === undefined) return [{ subject, relation, object }];
    if (edgeOf(tuple) === undefined) unmapped.add(`tuple ${subject} ${relation} ${object}`, reason);
    return [];
  });
  return [...assigned, ...related];
}

const typeOf = (id: string) => id.slice(0, Math.max(0, id.indexOf(':')));

function instanceMistake(id: string, tenant: string, tenants: ReadonlyMap<string, string>): string | undefined {
  const own = tenants.get(id);
  if (own === undefined) return instanceOf(id) === undefined ? `${id} is no instance: type:key` : `there is no instance ${id}`;
  return own === tenant ? undefined : `${id} is of the tenant ${own}, this of ${tenant}: nothing is derived from one tenant to another`;
}

/** By `vendor#role`: the vendors on which somebody might hold it, directly, by a role that extends it, or through another object. */
export function holdableOn(tuples: readonly Tuple[], rules: readonly RelationRule[]): ReadonlyMap<string, ReadonlySet<string>> {
  const own = new Map(rules.filter(({ type }) => type === VENDOR).map((rule) => [rule.relation, rule]));
  const byRelation = new Map<string, Set<string>>();
  for (const { relation, object } of tuples) {
    if (object.startsWith(`${VENDOR}:`)) byRelation.set(relation, (byRelation.get(relation) ?? new Set()).add(object.slice(VENDOR.length + 1)));
  }
  return new Map([...own.keys()].map((role) => {
    const names = new Set([role]);
    for (const name of names) for (const other of own.get(name)?.from ?? []) names.add(other);
    const ways = [...names].flatMap((name) => [name, ...(own.get(name)?.via ?? []).map(({ relation }) => relation)]);
    return [`${VENDOR}#${role}`, new Set(ways.flatMap((way) => [...byRelation.get(way) ?? []]))];
  }));
}

/** Who hands data on to whom. An edge only restricts, so it counts whatever its tenant, and also to what is no vendor. */
export function mapEdges({ tuples }: PermitData): readonly Edge[] {
  const edges = new Map(tuples.flatMap((tuple) => {
    const edge = edgeOf(tuple);
    return edge === undefined ? [] : [[JSON.stringify(edge), edge] as const];
  }));
  return [...edges].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, edge]) => edge);
}

/** `vendor:openai sub_processor vendor:mixpanel` says that Mixpanel uses OpenAI. */
function edgeOf({ subject, relation, object }: PermitTuple): Edge | undefined {
  if (!isEdge(relation)) return undefined; // of a million tuples most are none
  const [from, to] = [instanceOf(object), instanceOf(subject)];
  if (from?.type !== VENDOR) return undefined;
  return { from: from.key, to: to?.type === VENDOR ? to.key : subject, type: relation };
}

/** People whose id is no key of an instance, where some may be spoken for: nobody can be given `acts_for` on them. */
export function listUnspeakable({ resources, users }: PermitData, unmapped: Unmappables): void {
  if (!resources.some(({ key, roles }) => key === 'user' && roles.some((role) => role.key === 'acts_for'))) return;
  for (const { key } of users) {
    if (key.startsWith('user|') && 'id' in identityOf(key) && !isKey(key.slice('user|'.length))) {
      unmapped.add(`user ${key}`, 'nobody can act for it through Permit: its id is no key of an instance (letters, digits, - and _)');
    }
  }
}
