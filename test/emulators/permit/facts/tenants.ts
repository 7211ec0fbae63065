import { attributes, idOrKey, key, list, object, optional, readBody, text } from '../body.ts';
import { NO_CONTENT, ok, param, type EnvironmentCall, type Route } from '../call.ts';
import { removeAssignments, removeTenant } from '../cascade.ts';
import { duplicate } from '../errors.ts';
import { tail, timestamp } from '../json.ts';
import { listing } from '../paging.ts';
import type { Environment, Tenant } from '../rows.ts';
import type { World } from '../world.ts';
import { findTenant, findUser, holds } from './find.ts';
import { isInTenant, searched, toUser } from './users.ts';

const Rest = { description: optional(text), attributes: optional(attributes) };

// last_action_at is volatile (facts 5); that it changes with every read is assumed, and the harder case.
const toTenant = (world: World, environment: Environment, tenant: Tenant) => ({
  key: tenant.key, name: tenant.name, description: tenant.description ?? null, attributes: tenant.attributes ?? null, last_action_at: timestamp(world.now()),
  ...tail(world.organizationId, environment, tenant),
});

const find = (call: EnvironmentCall) => findTenant(call.environment, param(call, 'tenant'));
const answer = ({ world, environment }: EnvironmentCall, tenant: Tenant) => ok(toTenant(world, environment, tenant));

const Create = object({ key, name: text, ...Rest });

export const tenantRoutes: readonly Route<EnvironmentCall>[] = [
  ['GET', '/tenants', ({ world, environment, query }) => listing('array', searched(environment.tenants.rows, query, ({ key, name }) => [key, name]), (tenant) => toTenant(world, environment, tenant))],
  ['POST', '/tenants', (call) => {
    const given = readBody(call.body, Create);
    if (call.environment.tenants.find(given.key) !== undefined) throw duplicate('tenant', given.key);
    return answer(call, call.environment.tenants.add({ ...call.world.stamp(), ...given }));
  }],
  ['GET', '/tenants/:tenant', (call) => answer(call, find(call))],
  ['PATCH', '/tenants/:tenant', (call) => {
    const tenant = find(call);
    const { name, description, attributes: given } = readBody(call.body, object({ name: optional(text), ...Rest }));
    tenant.name = name ?? tenant.name;
    tenant.description = description ?? tenant.description;
    tenant.attributes = given ?? tenant.attributes;
    tenant.updatedAtMs = call.world.now();
    return answer(call, tenant);
  }],
  ['DELETE', '/tenants/:tenant', (call) => {
    removeTenant(call.environment, find(call));
    return NO_CONTENT;
  }],
  ['GET', '/tenants/:tenant/users', (call) => {
    const { world, environment, query } = call;
    const tenant = find(call);
    const role = query.get('role');
    const inside = environment.users.rows.filter((user) => isInTenant(user, tenant) && (role === null || holds(user, role, tenant)));
    return listing('paginated', searched(inside, query, ({ key, email, firstName, lastName }) => [key, email, firstName, lastName]), (user) => toUser(world, environment, user));
  }],
  // The user stays, with what it holds in other tenants.
  ['DELETE', '/tenants/:tenant/users/:user', (call) => {
    const [tenant, user] = [find(call), findUser(call.environment, param(call, 'user'))];
    removeAssignments(call.environment, (assignment) => assignment.user === user && assignment.tenant === tenant);
    return NO_CONTENT;
  }],
  // Assumed (facts 4), as for users: the answer is the body; one key that exists refuses all, one that doesn't is passed over.
  ['POST', '/bulk/tenants', (call) => {
    const given = readBody(call.body, object({ operations: list(Create) })).operations;
    const keys = new Set<string>();
    for (const one of given) {
      if (keys.has(one.key) || call.environment.tenants.find(one.key) !== undefined) throw duplicate('tenant', one.key);
      keys.add(one.key);
    }
    for (const one of given) call.environment.tenants.add({ ...call.world.stamp(), ...one });
    return ok(call.body);
  }],
  ['DELETE', '/bulk/tenants', (call) => {
    for (const name of readBody(call.body, object({ idents: list(idOrKey) })).idents) {
      const tenant = call.environment.tenants.find(name);
      if (tenant !== undefined) removeTenant(call.environment, tenant);
    }
    return ok(call.body);
  }],
];
