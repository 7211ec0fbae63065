import { attributes, idOrKey, key, list, object, optional, readBody, type Attributes } from '../body.ts';
import { NO_CONTENT, ok, param, type EnvironmentCall, type Route } from '../call.ts';
import { removeInstance } from '../cascade.ts';
import { duplicate, refuse } from '../errors.ts';
import { tail } from '../json.ts';
import { listing } from '../paging.ts';
import { nameOf, type Attribute, type Environment, type Instance, type Resource } from '../rows.ts';
import { findResource } from '../schema/find.ts';
import type { World } from '../world.ts';
import { mismatch } from './assign.ts';
import { findInstance, findTenant, isNamed } from './find.ts';
import { toTuple } from './tuples.ts';

const Create = object({ key, resource: idOrKey, tenant: idOrKey, attributes: optional(attributes) });

const toInstance = (world: World, environment: Environment, { key, resource, tenant, attributes, ...row }: Instance) => ({
  key, resource: resource.key, tenant: tenant.key, resource_id: resource.id, tenant_id: tenant.id, attributes, ...tail(world.organizationId, environment, row),
});

const toDetailed = (world: World, environment: Environment, instance: Instance) => ({
  ...toInstance(world, environment, instance), relationships: environment.tuples.rows.filter(({ object }) => object === instance).map((tuple) => toTuple(world, environment, tuple)),
});

const FITS: Readonly<Record<Attribute['type'], (value: unknown) => boolean>> = {
  bool: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  time: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  array: Array.isArray,
  json: () => true,
};

/** Assumed (facts 7): only attributes that the type declares are looked at, and null fits everywhere. */
function checkAttributes(resource: Resource, given: Attributes): void {
  for (const { key: name, type } of resource.attributes.rows) {
    const value = given[name];
    if (value !== undefined && value !== null && !FITS[type](value)) throw refuse('MISMATCH_ATTRIBUTES_TYPES', `The attribute '${name}' of '${resource.key}' must be of the type ${type}.`);
  }
}

function filtered(environment: Environment, query: URLSearchParams): readonly Instance[] {
  const [tenant, resource] = [query.get('tenant'), query.get('resource')];
  if (tenant === null && resource === null) return environment.instances.rows;
  return environment.instances.rows.filter((row) => (tenant === null || isNamed(row.tenant, tenant)) && (resource === null || isNamed(row.resource, resource)));
}

interface Plan extends Pick<Instance, 'key' | 'resource' | 'tenant' | 'attributes'> {
  /** The one that is there already. */
  readonly known: Instance | undefined;
}

/** @throws {Refusal} 404, and 400 for attributes that don't fit or an instance of another tenant (assumed, facts 7, 9). */
function planOf(environment: Environment, { key: given, ...rest }: ReturnType<typeof Create>): Plan {
  const [resource, tenant] = [findResource(environment, rest.resource), findTenant(environment, rest.tenant)];
  checkAttributes(resource, rest.attributes ?? {});
  const known = environment.instances.find(`${resource.key}:${given}`);
  if (known !== undefined && known.tenant !== tenant) throw mismatch(`The resource instance '${nameOf(known)}' is in the tenant '${known.tenant.key}'.`);
  return { key: given, resource, tenant, attributes: rest.attributes ?? {}, known };
}

/** By key, since one that comes twice is made by the first. */
function replace({ world, environment }: EnvironmentCall, { known: _, ...plan }: Plan): Instance {
  const known = environment.instances.find(nameOf(plan as Instance));
  if (known === undefined) return environment.instances.add({ ...world.stamp(), ...plan });
  known.attributes = plan.attributes;
  known.updatedAtMs = world.now();
  return known;
}

const find = (call: EnvironmentCall) => findInstance(call.environment, param(call, 'instance'));
const answer = ({ world, environment }: EnvironmentCall, instance: Instance) => ok(toInstance(world, environment, instance));

export const instanceRoutes: readonly Route<EnvironmentCall>[] = [
  ['GET', '/resource_instances', ({ world, environment, query }) => listing('array', filtered(environment, query), (row) => toInstance(world, environment, row))],
  // The shape of `relationships` is assumed (facts 5): the tuples whose object it is.
  ['GET', '/resource_instances/detailed', ({ world, environment, query }) => listing('paginated', filtered(environment, query), (row) => toDetailed(world, environment, row))],
  ['POST', '/resource_instances', (call) => {
    const plan = planOf(call.environment, readBody(call.body, Create));
    if (plan.known !== undefined) throw duplicate('resource instance', nameOf(plan.known));
    return answer(call, replace(call, plan));
  }],
  ['GET', '/resource_instances/:instance', (call) => answer(call, find(call))],
  ['PATCH', '/resource_instances/:instance', (call) => {
    const instance = find(call);
    const given = readBody(call.body, object({ attributes: optional(attributes) })).attributes;
    if (given !== undefined) {
      checkAttributes(instance.resource, given);
      instance.attributes = given;
    }
    instance.updatedAtMs = call.world.now();
    return answer(call, instance);
  }],
  ['DELETE', '/resource_instances/:instance', (call) => {
    removeInstance(call.environment, find(call));
    return NO_CONTENT;
  }],
  // Assumed (facts 4), as for users: the answer is the body; one that can't be made refuses all, one that isn't there is passed over.
  ['PUT', '/bulk/resource_instances', (call) => {
    const given = readBody(call.body, object({ operations: list(Create) })).operations;
    const plans = given.map((one) => planOf(call.environment, one));
    for (const plan of plans) replace(call, plan);
    return ok(call.body);
  }],
  ['DELETE', '/bulk/resource_instances', (call) => {
    for (const name of readBody(call.body, object({ idents: list(idOrKey) })).idents) {
      const instance = call.environment.instances.find(name);
      if (instance !== undefined) removeInstance(call.environment, instance);
    }
    return ok(call.body);
  }],
];
