import { attributes, idOrKey, list, object, optional, readBody, text, userKey } from '../body.ts';
import { NO_CONTENT, ok, param, type EnvironmentCall, type Route } from '../call.ts';
import { removeUser } from '../cascade.ts';
import { duplicate } from '../errors.ts';
import { tail } from '../json.ts';
import { listing } from '../paging.ts';
import type { Environment, Tenant, User } from '../rows.ts';
import type { World } from '../world.ts';
import { assign, planAssignment, type Plan } from './assign.ts';
import { findUser, holds } from './find.ts';

const Rest = { email: optional(text), first_name: optional(text), last_name: optional(text), attributes: optional(attributes) };
const Full = { ...Rest, role_assignments: optional(list(object({ role: idOrKey, tenant: optional(idOrKey), resource_instance: optional(idOrKey) }))) };
const Create = object({ key: userKey, ...Full });

type Given = ReturnType<typeof Create>;

export const isInTenant = ({ assignments }: User, tenant: Tenant) => [...assignments].some((assignment) => assignment.tenant === tenant);

/** `roles` are those in tenants; that a role on an instance only associates the user with its tenant is assumed (facts 5). */
export function toUser(world: World, environment: Environment, user: User) {
  const held = [...user.assignments];
  const roles = held.filter(({ instance }) => instance === undefined).map(({ role, tenant }) => ({ role: role.key, tenant: tenant.key }));
  const tenants = [...new Set(held.map(({ tenant }) => tenant.key))];
  return {
    key: user.key, email: user.email ?? null, first_name: user.firstName ?? null, last_name: user.lastName ?? null, attributes: user.attributes, roles,
    associated_tenants: tenants.map((tenant) => ({ tenant, roles: roles.filter((one) => one.tenant === tenant).map(({ role }) => role), status: 'active' })),
    ...tail(world.organizationId, environment, user),
  };
}

/** Case doesn't matter; which members are searched is assumed (facts 4). */
export function searched<T>(rows: readonly T[], query: URLSearchParams, texts: (row: T) => readonly (string | undefined)[]): readonly T[] {
  const wanted = query.get('search')?.toLowerCase();
  return wanted === undefined ? rows : rows.filter((row) => texts(row).some((one) => one?.toLowerCase().includes(wanted)));
}

/** The roles that a user is made with. @throws {Refusal} 404, 422 before anything is changed. */
function planRoles(environment: Environment, given: Given): (user: User) => readonly Plan[] {
  const plan = (user: User) => (given.role_assignments ?? []).map((one) => planAssignment(environment, one, user));
  plan({ key: given.key } as User);
  return plan;
}

function create({ world, environment }: EnvironmentCall, given: Given): User {
  const roles = planRoles(environment, given);
  const user = environment.users.add({
    ...world.stamp(), key: given.key, email: given.email, firstName: given.first_name, lastName: given.last_name, attributes: given.attributes ?? {}, assignments: new Set(),
  });
  for (const plan of roles(user)) assign(world, environment, plan);
  return user;
}

/** What is left out is emptied; roles that are given are added (assumed, facts 4). */
function replace({ world, environment }: EnvironmentCall, user: User, given: Given): void {
  const roles = planRoles(environment, given);
  user.email = given.email;
  user.firstName = given.first_name;
  user.lastName = given.last_name;
  user.attributes = given.attributes ?? {};
  user.updatedAtMs = world.now();
  for (const plan of roles(user)) assign(world, environment, plan);
}

const operations = <T>(shape: Parameters<typeof list<T>>[0]) => object({ operations: list(shape) });

export const userRoutes: readonly Route<EnvironmentCall>[] = [
  ['GET', '/users', ({ world, environment, query }) => {
    const role = query.get('role');
    const held = role === null ? environment.users.rows : environment.users.rows.filter((user) => holds(user, role));
    return listing('paginated', searched(held, query, ({ key, email, firstName, lastName }) => [key, email, firstName, lastName]), (user) => toUser(world, environment, user));
  }],
  ['POST', '/users', (call) => {
    const given = readBody(call.body, Create);
    if (call.environment.users.find(given.key) !== undefined) throw duplicate('user', given.key);
    return ok(toUser(call.world, call.environment, create(call, given)));
  }],
  ['GET', '/users/:user', (call) => ok(toUser(call.world, call.environment, findUser(call.environment, param(call, 'user'))))],
  // That the path's key wins over the body's is assumed (facts 4).
  ['PUT', '/users/:user', (call) => {
    const given = { ...readBody(call.body, object({ key: optional(userKey), ...Full })), key: readBody(param(call, 'user'), userKey) };
    const known = call.environment.users.find(given.key);
    if (known !== undefined) replace(call, known, given);
    return { status: known === undefined ? 201 : 200, body: toUser(call.world, call.environment, known ?? create(call, given)) };
  }],
  ['PATCH', '/users/:user', (call) => {
    const user = findUser(call.environment, param(call, 'user'));
    const { email, first_name, last_name, attributes: given } = readBody(call.body, object(Rest));
    user.email = email ?? user.email;
    user.firstName = first_name ?? user.firstName;
    user.lastName = last_name ?? user.lastName;
    user.attributes = given ?? user.attributes;
    user.updatedAtMs = call.world.now();
    return ok(toUser(call.world, call.environment, user));
  }],
  ['DELETE', '/users/:user', (call) => {
    removeUser(call.environment, findUser(call.environment, param(call, 'user')));
    return NO_CONTENT;
  }],

  // Assumed (facts 4) of bulk operations on users: the answer is the body that was sent, as the SDK's types have it, and
  // one key that exists refuses the whole creation; a deletion passes over keys that don't.
  ['POST', '/bulk/users', (call) => {
    const given = readBody(call.body, operations(Create)).operations;
    const keys = new Set<string>();
    for (const { key } of given) {
      if (keys.has(key) || call.environment.users.find(key) !== undefined) throw duplicate('user', key);
      keys.add(key);
    }
    for (const one of given) planRoles(call.environment, one);
    for (const one of given) create(call, one);
    return ok(call.body);
  }],
  ['PUT', '/bulk/users', (call) => {
    const given = readBody(call.body, operations(Create)).operations;
    for (const one of given) planRoles(call.environment, one);
    for (const one of given) {
      const known = call.environment.users.find(one.key);
      if (known === undefined) create(call, one); else replace(call, known, one);
    }
    return ok(call.body);
  }],
  ['DELETE', '/bulk/users', (call) => {
    for (const name of readBody(call.body, object({ idents: list(idOrKey) })).idents) {
      const user = call.environment.users.find(name);
      if (user !== undefined) removeUser(call.environment, user);
    }
    return ok(call.body);
  }],
];
