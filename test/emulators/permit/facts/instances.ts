import { attributes, idOrKey, key, object, optional, readBody, type Attributes } from '../body.ts';
import { NO_CONTENT, ok, param, type EnvironmentCall, type Route } from '../call.ts';
import { removeInstance } from '../cascade.ts';
import { duplicate, refuse } from '../errors.ts';
import { tail } from '../json.ts';
import { listing } from '../paging.ts';
import type { Attribute, Environment, Instance, Resource } from '../rows.ts';
import { findResource } from '../schema/find.ts';
import type { World } from '../world.ts';
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

const find = (call: EnvironmentCall) => findInstance(call.environment, param(call, 'instance'));
const answer = ({ world, environment }: EnvironmentCall, instance: Instance) => ok(toInstance(world, environment, instance));

export const instanceRoutes: readonly Route<EnvironmentCall>[] = [
  ['GET', '/resource_instances', ({ world, environment, query }) => listing('array', filtered(environment, query), (row) => toInstance(world, environment, row))],
  // The shape of `relationships` is assumed (facts 5): the tuples whose object it is.
  ['GET', '/resource_instances/detailed', ({ world, environment, query }) => listing('paginated', filtered(environment, query), (row) => toDetailed(world, environment, row))],
  ['POST', '/resource_instances', (call) => {
    const { world, environment } = call;
    const given = readBody(call.body, Create);
    const [resource, tenant] = [findResource(environment, given.resource), findTenant(environment, given.tenant)];
    if (environment.instances.find(`${resource.key}:${given.key}`) !== undefined) throw duplicate('resource instance', `${resource.key}:${given.key}`);
    checkAttributes(resource, given.attributes ?? {});
    return answer(call, environment.instances.add({ ...world.stamp(), key: given.key, resource, tenant, attributes: given.attributes ?? {} }));
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
];
