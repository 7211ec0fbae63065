// What Permit's own PDP asks for (facts 10). The SDK calls none of it.
import { ok, param, type Call, type Route } from './call.ts';
import { refuse } from './errors.ts';
import { foreign } from './keys.ts';
import { nameOf, type Environment, type Resource, type Role } from './rows.ts';
import { environmentOf } from './router.ts';

const KEPT_LOGS = 1000;

const byKey = <T>(rows: Iterable<T>, entry: (row: T) => readonly [string, unknown]) => Object.fromEntries([...rows].map(entry));

/** `x_y` of a user set becomes `userset_x_5fy`. */
const escaped = (type: string, key: string) => `${type}_${key.replace(/[_-]/g, (char) => `_${char.charCodeAt(0).toString(16)}`)}`;

/** Actions by type; that a group stands here as its actions is assumed (facts 10). */
function grantsOf(environment: Environment, { resource, permissions }: Role): Record<string, string[]> {
  const grants: Record<string, string[]> = {};
  for (const permission of permissions) {
    const [type, action] = permission.includes(':') ? permission.split(':') as [string, string] : [resource!.key, permission];
    (grants[type] ??= []).push(...environment.resources.find(type)?.groups.rows.find(({ key }) => key === action)?.actions ?? [action]);
  }
  return grants;
}

const rolesOf = (environment: Environment, { roles }: Environment | Resource) => byKey(roles.rows, (role) => [role.key, { grants: grantsOf(environment, role), attributes: role.attributes ?? {} }]);

const settings = (noDirectRoles: boolean) => ({ superseded_by_direct_role: noDirectRoles });

const toType = ({ actions, roles }: Resource) => ({
  actions: actions.rows.map(({ key }) => key),
  derived_roles: byKey(roles.rows.filter(({ derivation }) => derivation !== undefined), ({ key, derivation }) => [key, {
    settings: settings(derivation!.noDirectRoles),
    rules: derivation!.rules.map(({ role, on, relation, noDirectRoles }) => ({ related_resource: on.key, related_role: role.key, relation: relation.key, settings: settings(noDirectRoles) })),
  }]),
});

function users(environment: Environment) {
  return byKey(environment.users.rows, ({ key, email, firstName, lastName, attributes, assignments }) => {
    const inTenants = Map.groupBy([...assignments].filter(({ instance }) => instance === undefined), ({ tenant }) => tenant.key);
    return [key, { roleAssignments: byKey(inTenants, ([tenant, held]) => [tenant, held.map(({ role }) => role.key)]), attributes: { ...attributes, key, email, first_name: firstName, last_name: lastName } }];
  });
}

/** With the internal pseudo-role of whoever is in a tenant (facts 9). */
function roleAssignments(environment: Environment) {
  return byKey(environment.users.rows.filter(({ assignments }) => assignments.size > 0), ({ key, assignments }) => {
    const held: Record<string, string[]> = {};
    for (const { instance, tenant, role } of assignments) (held[instance === undefined ? `__tenant:${tenant.key}` : nameOf(instance)] ??= []).push(role.key);
    for (const { tenant } of assignments) if (!held[`__tenant:${tenant.key}`]?.includes('tenant-association')) (held[`__tenant:${tenant.key}`] ??= []).push('tenant-association');
    return [`user:${key}`, held];
  });
}

function relationships(environment: Environment) {
  const related: Record<string, Record<string, Record<string, string[]>>> = {};
  for (const { subject, relation, object } of environment.tuples.rows) (((related[nameOf(object)] ??= {})[`relation:${relation.key}`] ??= {})[subject.resource.key] ??= []).push(subject.key);
  return related;
}

function conditionSetRules(environment: Environment) {
  const rules: Record<string, Record<string, Record<string, string[]>>> = {};
  for (const { userSet, resourceSet, resource, action } of environment.rules.rows) (((rules[userSet.key] ??= {})[resourceSet.key] ??= {})[resource.key] ??= []).push(action);
  return rules;
}

const own = ({ resources }: Environment) => resources.rows.filter(({ builtIn }) => !builtIn);

const instances = (environment: Environment) => byKey(environment.instances.rows, (row) => [nameOf(row), { tenant: row.tenant.key, attributes: row.attributes }]);

const document = (environment: Environment) => ({
  use_debugger: false,
  users: users(environment),
  tenants: byKey(environment.tenants.rows, ({ key, attributes }) => [key, { attributes: attributes ?? {} }]),
  roles: rolesOf(environment, environment),
  role_permissions: { __tenant: rolesOf(environment, environment), ...byKey(own(environment), (resource) => [resource.key, rolesOf(environment, resource)]) },
  condition_sets: byKey(environment.sets.rows, ({ type, key }) => [escaped(type, key), { type, key }]),
  condition_set_rules: conditionSetRules(environment),
  resource_instances: instances(environment),
  relationships: relationships(environment),
  resource_types: byKey(own(environment), (resource) => [resource.key, toType(resource)]),
  role_assignments: roleAssignments(environment),
  mapping_rules: { all: [] },
});

const PARTS = { '': document, '/optimized': document, '/users': users, '/role_assignments': roleAssignments, '/resource_instances': instances, '/relationships': relationships } as const;

function checked(call: Call): Environment {
  if (param(call, 'org') !== call.world.organizationId) throw foreign();
  return environmentOf(call);
}

/** @param logs receives what a PDP uploads; the last thousand stay. */
export function internalRoutes(logs: unknown[]): readonly Route[] {
  return [
    ...Object.entries(PARTS).map(([path, part]): Route => ['GET', `/v2/internal/opal_data/:org/:proj/:env${path}`, (call) => ok(part(checked(call)))]),
    // Stubs: what is here is enough for a client to go on, and says where nothing is.
    ['POST', '/v2/pdps/me/config', ({ world, key: { environment } }) => {
      if (environment === undefined) throw refuse('MISSING_PERMISSIONS', 'A PDP needs the API key of an environment.');
      return ok({
        opal_common: {}, opal_client: { DATA_TOPICS: [], CLIENT_TOKEN: '', SERVER_URL: '', SERVER_WS_URL: '', SERVER_PUBSUB_URL: '', DEFAULT_DATA_SOURCES_CONFIG_URL: '', SCOPE_ID: '', DEFAULT_UPDATE_CALLBACKS: {} },
        pdp: { BACKEND_SERVICE_URL: '' }, context: { org_id: world.organizationId, project_id: environment.project.id, env_id: environment.id, client_id: environment.id },
      });
    }],
    ['POST', '/v2/pdps/me/state', () => ok({})],
    ['PUT', '/v2/pdps/me/state', () => ok({})],
    ['POST', '/v2/decision-logs/ingress', ({ body }) => {
      logs.push(...Array.isArray(body) ? body.slice(-KEPT_LOGS) : [body]);
      logs.splice(0, Math.max(0, logs.length - KEPT_LOGS));
      return ok({});
    }],
  ];
}
