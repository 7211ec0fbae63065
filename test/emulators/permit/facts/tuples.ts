import { idOrKey, list, object, optional, readBody } from '../body.ts';
import { NO_CONTENT, ok, type EnvironmentCall, type Route } from '../call.ts';
import { duplicate, notFound, refuse } from '../errors.ts';
import { tail } from '../json.ts';
import { listing } from '../paging.ts';
import { nameOf, type Environment, type Instance, type Relation, type Tuple } from '../rows.ts';
import type { World } from '../world.ts';
import { findOrPlan, isThere, make, mismatch, type Target } from './assign.ts';
import { findInstance, findTenant, isNamed } from './find.ts';

const Named = { subject: idOrKey, relation: idOrKey, object: idOrKey };
const Create = object({ ...Named, tenant: optional(idOrKey) });
const Delete = object(Named);

export const toTuple = (world: World, environment: Environment, row: Tuple) => ({
  subject: nameOf(row.subject), relation: row.relation.key, object: nameOf(row.object), tenant: row.object.tenant.key,
  subject_id: row.subject.id, relation_id: row.relation.id, object_id: row.object.id, tenant_id: row.object.tenant.id, ...tail(world.organizationId, environment, row),
});

const details = ({ id, key, resource, tenant, attributes }: Instance) => ({ id, key, resource: resource.key, tenant: tenant.key, attributes });

// The members of the details are assumed (facts 5 has their names only).
const toDetailed = (world: World, environment: Environment, row: Tuple) => ({
  ...toTuple(world, environment, row), subject_details: details(row.subject), object_details: details(row.object),
  relation_details: { id: row.relation.id, key: row.relation.key, name: row.relation.name },
  tenant_details: { id: row.object.tenant.id, key: row.object.tenant.key, name: row.object.tenant.name, attributes: row.object.tenant.attributes ?? null },
});

interface Plan {
  readonly subject: Target;
  readonly relation: Relation;
  readonly object: Target;
}

/** @throws {Refusal} 404, and 400 for a relation to another type or over two tenants (assumed, facts 7). */
function plan(environment: Environment, given: ReturnType<typeof Create>): Plan {
  const tenant = given.tenant === undefined ? undefined : findTenant(environment, given.tenant);
  const known = (name: string) => environment.instances.find(name)?.tenant;
  // A tenant is ignored where both exist; where one does, the other is created beside it.
  const home = known(given.object) ?? known(given.subject) ?? tenant;
  const [subject, target] = [findOrPlan(environment, given.subject, home), findOrPlan(environment, given.object, home)];
  const relation = relationOf(target.resource.relations, given.relation);
  if (relation.subject !== subject.resource) throw refuse('MISMATCH_RELATION_TYPE', `The relation '${relation.key}' is to '${relation.subject.key}', not to '${subject.resource.key}'.`);
  if (subject.tenant !== target.tenant) throw mismatch(`'${given.subject}' and '${given.object}' are in different tenants.`);
  return { subject, relation, object: target };
}

function relationOf(relations: { find(idOrKey: string): Relation | undefined }, name: string): Relation {
  const relation = relations.find(name);
  if (relation === undefined) throw notFound('relation', name);
  return relation;
}

const keyOf = (subject: Instance, relation: Relation, target: Instance) => [subject.id, relation.id, target.id].join(' ');

function isKnown({ tuples }: Environment, { subject, relation, object: target }: Plan): boolean {
  return isThere(subject) && isThere(target) && tuples.find(keyOf(subject, relation, target)) !== undefined;
}

function add({ world, environment }: EnvironmentCall, planned: Plan): Tuple {
  const [subject, target] = [make(world, environment, planned.subject), make(world, environment, planned.object)];
  return environment.tuples.find(keyOf(subject, planned.relation, target)) ?? environment.tuples.add({ ...world.stamp(), subject, relation: planned.relation, object: target });
}

/** @throws {Refusal} 404. */
function find(environment: Environment, given: ReturnType<typeof Delete>): Tuple {
  const [subject, target] = [findInstance(environment, given.subject), findInstance(environment, given.object)];
  const tuple = environment.tuples.find(keyOf(subject, relationOf(target.resource.relations, given.relation), target));
  if (tuple === undefined) throw notFound('relationship tuple', `${given.subject} ${given.relation} ${given.object}`);
  return tuple;
}

const FILTERS: Readonly<Record<string, (tuple: Tuple, wanted: string) => boolean>> = {
  tenant: ({ object: { tenant } }, wanted) => isNamed(tenant, wanted),
  subject: ({ subject }, wanted) => isNamed({ id: subject.id, key: nameOf(subject) }, wanted),
  relation: ({ relation }, wanted) => isNamed(relation, wanted),
  object: ({ object: target }, wanted) => isNamed({ id: target.id, key: nameOf(target) }, wanted),
  subject_type: ({ subject }, wanted) => isNamed(subject.resource, wanted),
  object_type: ({ object: target }, wanted) => isNamed(target.resource, wanted),
};

function filtered({ tuples }: Environment, query: URLSearchParams): readonly Tuple[] {
  const wanted = Object.entries(FILTERS).flatMap(([name, fits]) => query.has(name) ? [(tuple: Tuple) => fits(tuple, query.get(name)!)] : []);
  return wanted.length === 0 ? tuples.rows : tuples.rows.filter((tuple) => wanted.every((fits) => fits(tuple)));
}

export const tupleRoutes: readonly Route<EnvironmentCall>[] = [
  ['GET', '/relationship_tuples', ({ world, environment, query }) => listing('array', filtered(environment, query), (row) => toTuple(world, environment, row))],
  ['GET', '/relationship_tuples/detailed', ({ world, environment, query }) => listing('paginated', filtered(environment, query), (row) => toDetailed(world, environment, row))],
  ['POST', '/relationship_tuples', (call) => {
    const given = readBody(call.body, Create);
    const planned = plan(call.environment, given);
    if (isKnown(call.environment, planned)) throw duplicate('relationship tuple', `${given.subject} ${given.relation} ${given.object}`);
    return ok(toTuple(call.world, call.environment, add(call, planned)));
  }],
  ['DELETE', '/relationship_tuples', ({ environment, body }) => {
    environment.tuples.remove(find(environment, readBody(body, Delete)));
    return NO_CONTENT;
  }],
  // Assumed (facts 4), as for users: the answer is the body; one that can't be made refuses all, one that is there stays.
  ['POST', '/relationship_tuples/bulk', (call) => {
    const given = readBody(call.body, object({ operations: list(Create) })).operations;
    for (const one of given) plan(call.environment, one);
    for (const one of given) add(call, plan(call.environment, one));
    return ok(call.body);
  }],
  ['DELETE', '/relationship_tuples/bulk', ({ environment, body }) => {
    const rows = new Set(readBody(body, object({ idents: list(Delete) })).idents.map((one) => find(environment, one)));
    environment.tuples.sweep((row) => rows.has(row));
    return ok(body);
  }],
];
