import { malformed, notFound, refuse } from '../errors.ts';
import { nameOf, type Assignment, type Environment, type Instance, type Resource, type Role, type Tenant, type User } from '../rows.ts';
import { findResource, findRole } from '../schema/find.ts';
import type { World } from '../world.ts';
import { findTenant } from './find.ts';

/** An instance that is there, or that is to be made: tuples and role assignments create what they name (facts 4). */
export type Target = Instance | { readonly resource: Resource; readonly key: string; readonly tenant: Tenant };

/** An assignment whose parts are all known to exist, or to be creatable. */
export interface Plan {
  readonly user: User;
  readonly role: Role;
  readonly tenant: Tenant;
  readonly target: Target | undefined;
}

/** The type and key in `type:key`; undefined for anything else. */
export function splitName(name: string): readonly [type: string, key: string] | undefined {
  const [, type, key] = /^([A-Za-z0-9\-_]+):([A-Za-z0-9\-_]+)$/.exec(name) ?? [];
  return type === undefined || key === undefined ? undefined : [type, key];
}

/** @throws {Refusal} 404; 400 where there is neither instance nor tenant (assumed, facts 4). */
export function findOrPlan(environment: Environment, name: string, tenant: Tenant | undefined): Target {
  const known = environment.instances.find(name);
  if (known !== undefined) return known;
  const parts = splitName(name);
  if (parts === undefined) throw notFound('resource instance', name);
  const resource = findResource(environment, parts[0]);
  if (tenant === undefined) throw refuse('INVALID_INPUT', `The resource instance '${name}' does not exist, and without a tenant it can not be created.`);
  return { resource, key: parts[1], tenant };
}

export const isThere = (target: Target): target is Instance => 'id' in target;

export function make(world: World, environment: Environment, target: Target): Instance {
  if (isThere(target)) return target;
  return environment.instances.find(`${target.resource.key}:${target.key}`) ?? environment.instances.add({ ...world.stamp(), ...target, attributes: {} });
}

interface Wanted {
  readonly role: string;
  readonly tenant?: string | undefined;
  readonly resource_instance?: string | undefined;
}

/** @throws {Refusal} 404; 422 without tenant and instance (assumed, facts 4). */
export function planAssignment(environment: Environment, { role, tenant: tenantName, resource_instance: name }: Wanted, user: User): Plan {
  const given = tenantName === undefined ? undefined : findTenant(environment, tenantName);
  if (name === undefined) {
    if (given === undefined) throw malformed([{ loc: ['body', 'tenant'], msg: 'field required', type: 'value_error.missing' }]);
    return { user, role: findRole(environment, role), tenant: given, target: undefined };
  }
  const target = findOrPlan(environment, name, given);
  if (given !== undefined && given !== target.tenant) throw mismatch(`The resource instance '${name}' is in the tenant '${target.tenant.key}'.`);
  return { user, role: findRole(target.resource, role), tenant: target.tenant, target };
}

export const mismatch = (message: string) => refuse('MISMATCH_RESOURCE_INSTANCES_TENANTS', message);

export function findAssignment(environment: Environment, { user, role, tenant, target }: Plan): Assignment | undefined {
  const instance = target === undefined || isThere(target) ? target : environment.instances.find(nameOf(target as Instance));
  if (target !== undefined && instance === undefined) return undefined;
  return environment.assignments.find([user.id, role.id, tenant.id, instance?.id].join(' '));
}

/** One that is there already stays as it is. */
export function assign(world: World, environment: Environment, plan: Plan): { readonly assignment: Assignment; readonly created: boolean } {
  const known = findAssignment(environment, plan);
  if (known !== undefined) return { assignment: known, created: false };
  const { user, role, tenant, target } = plan;
  const assignment = environment.assignments.add({ ...world.stamp(), user, role, tenant, instance: target === undefined ? undefined : make(world, environment, target) });
  user.assignments.add(assignment);
  return { assignment, created: true };
}
