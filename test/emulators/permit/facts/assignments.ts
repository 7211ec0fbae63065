import { idOrKey, list, object, optional, readBody } from '../body.ts';
import { NO_CONTENT, ok, param, type EnvironmentCall, type Reply, type Route } from '../call.ts';
import { duplicate, notFound } from '../errors.ts';
import { place, timestamp } from '../json.ts';
import { listing, readFlag, type Form } from '../paging.ts';
import { nameOf, type Assignment, type Environment } from '../rows.ts';
import type { World } from '../world.ts';
import { assign, findAssignment, planAssignment } from './assign.ts';
import { findInstance, findUser, isNamed } from './find.ts';

const Members = { role: idOrKey, tenant: optional(idOrKey), resource_instance: optional(idOrKey) };
const Wanted = object({ user: idOrKey, ...Members });
const OfUser = object(Members);

type Given = ReturnType<typeof Wanted>;

const toAssignment = (world: World, environment: Environment, row: Assignment) => ({
  user: row.user.key, role: row.role.key, tenant: row.tenant.key,
  resource_instance: row.instance === undefined ? null : nameOf(row.instance), resource_instance_id: row.instance?.id ?? null,
  user_id: row.user.id, role_id: row.role.id, tenant_id: row.tenant.id,
  ...place(world.organizationId, environment, row), created_at: timestamp(row.createdAtMs),
});

const toDetailed = (world: World, environment: Environment, row: Assignment) => {
  const { user, role, tenant, instance } = row;
  return {
    user: { id: user.id, key: user.key, email: user.email ?? null, first_name: user.firstName ?? null, last_name: user.lastName ?? null, attributes: user.attributes },
    role: { id: role.id, key: role.key, name: role.name, permissions: role.permissions },
    tenant: { id: tenant.id, key: tenant.key, name: tenant.name, attributes: tenant.attributes ?? null },
    resource_instance: instance === undefined ? null : { id: instance.id, key: instance.key, resource: instance.resource.key, attributes: instance.attributes },
    ...place(world.organizationId, environment, row), created_at: timestamp(row.createdAtMs),
  };
};

/** Each parameter may be repeated: any of its values will do. */
function filtered(environment: Environment, query: URLSearchParams): readonly Assignment[] {
  const [users, roles, tenants, instances] = ['user', 'role', 'tenant', 'resource_instance'].map((name) => query.getAll(name)) as [string[], string[], string[], string[]];
  const isIn = (row: { readonly id: string; readonly key: string }, names: readonly string[]) => names.length === 0 || names.some((name) => isNamed(row, name));
  const from = users.length === 0 ? environment.assignments.rows : [...new Set(users.flatMap((name) => environment.users.find(name) ?? []))].flatMap((user) => [...user.assignments]).sort((a, b) => a.createdAtMs - b.createdAtMs || a.order - b.order);
  if (roles.length + tenants.length + instances.length === 0) return from;
  return from.filter(({ role, tenant, instance }) => isIn(role, roles) && isIn(tenant, tenants)
    && (instances.length === 0 || (instance !== undefined && instances.some((name) => isNamed({ id: instance.id, key: nameOf(instance) }, name)))));
}

const listAssignments = (form: Form, isDetailed: (query: URLSearchParams) => boolean) => ({ world, environment, query }: EnvironmentCall) => {
  const toJson = isDetailed(query) ? toDetailed : toAssignment;
  return listing(form, filtered(environment, query), (row) => toJson(world, environment, row));
};

const planned = ({ environment }: EnvironmentCall, wanted: Given) => planAssignment(environment, wanted, findUser(environment, wanted.user));

/** What an unassignment names must be there: it creates nothing. */
function existing({ environment }: EnvironmentCall, wanted: Given) {
  if (wanted.resource_instance !== undefined) findInstance(environment, wanted.resource_instance);
  return planAssignment(environment, wanted, findUser(environment, wanted.user));
}

function unassign({ environment }: EnvironmentCall, row: Assignment): void {
  row.user.assignments.delete(row);
  environment.assignments.remove(row);
}

// That a second assignment is 409, and an unknown one 404, is assumed (facts 4, 7).
function assignOne(call: EnvironmentCall, wanted: Given): Reply {
  const { assignment, created } = assign(call.world, call.environment, planned(call, wanted));
  if (!created) throw duplicate('role assignment', `${wanted.user} ${wanted.role}`);
  return ok(toAssignment(call.world, call.environment, assignment));
}

function unassignOne(call: EnvironmentCall, wanted: Given): Reply {
  const row = findAssignment(call.environment, existing(call, wanted));
  if (row === undefined) throw notFound('role assignment', `${wanted.user} ${wanted.role}`);
  unassign(call, row);
  return NO_CONTENT;
}

export const assignmentRoutes: readonly Route<EnvironmentCall>[] = [
  ['GET', '/role_assignments', listAssignments('either', (query) => readFlag(query, 'detailed'))],
  ['GET', '/role_assignments/detailed', listAssignments('paginated', () => true)],
  ['POST', '/role_assignments', (call) => assignOne(call, readBody(call.body, Wanted))],
  ['DELETE', '/role_assignments', (call) => unassignOne(call, readBody(call.body, Wanted))],
  // So the SDKs of Python, Go and Java assign: the user stands in the path alone.
  ['POST', '/users/:user/roles', (call) => assignOne(call, { ...readBody(call.body, OfUser), user: param(call, 'user') })],
  ['DELETE', '/users/:user/roles', (call) => unassignOne(call, { ...readBody(call.body, OfUser), user: param(call, 'user') })],
  // Assumed (facts 4): one that can't be made refuses all; what is there already, or is not, doesn't count.
  ['POST', '/role_assignments/bulk', (call) => {
    const plans = readBody(call.body, list(Wanted)).map((wanted) => planned(call, wanted));
    return ok({ assignments_created: plans.filter((plan) => assign(call.world, call.environment, plan).created).length });
  }],
  ['DELETE', '/role_assignments/bulk', (call) => {
    const plans = readBody(call.body, list(Wanted)).map((wanted) => existing(call, wanted));
    const rows = new Set(plans.flatMap((plan) => findAssignment(call.environment, plan) ?? []));
    for (const row of rows) unassign(call, row);
    return ok({ assignments_removed: rows.size });
  }],
];
