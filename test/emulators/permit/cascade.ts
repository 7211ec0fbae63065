// What goes with what is removed. That deletes cascade is known (facts 4); how far is assumed, and in doubt more goes,
// since a right that stays without its reason would be the worse mistake.
import type { Action, ConditionSet, Environment, Instance, Relation, Resource, Role, Tenant, User } from './rows.ts';

export function removeResource(environment: Environment, resource: Resource): void {
  removeInstances(environment, (instance) => instance.resource === resource);
  for (const role of [...resource.roles.rows]) removeRole(environment, role);
  for (const other of environment.resources.rows) for (const relation of other.relations.rows.filter(({ subject }) => subject === resource)) removeRelation(environment, other, relation);
  for (const relation of [...resource.relations.rows]) removeRelation(environment, resource, relation);
  for (const { key } of [...resource.actions.rows, ...resource.groups.rows]) dropPermission(environment, resource, key);
  for (const set of environment.sets.rows.filter((one) => one.resource === resource)) removeSet(environment, set);
  environment.rules.sweep((rule) => rule.resource === resource);
  for (const { sweep } of [resource.actions, resource.attributes, resource.groups]) sweep(() => true);
  environment.resources.remove(resource);
}

/** Of a tenant's level or of a resource. */
export function removeRole(environment: Environment, role: Role): void {
  removeAssignments(environment, (assignment) => assignment.role === role);
  for (const set of environment.sets.rows.filter((one) => one.role === role)) removeSet(environment, set);
  const peers = (role.resource ?? environment).roles;
  for (const peer of peers.rows) peer.extends = peer.extends.filter((key) => key !== role.key);
  dropDerivations(environment, (rule) => rule.role === role);
  peers.remove(role);
}

export function removeRelation(environment: Environment, resource: Resource, relation: Relation): void {
  environment.tuples.sweep((tuple) => tuple.relation === relation);
  dropDerivations(environment, (rule) => rule.relation === relation);
  resource.relations.remove(relation);
}

export function removeAction(environment: Environment, resource: Resource, action: Action): void {
  resource.actions.remove(action);
  for (const group of resource.groups.rows) group.actions = group.actions.filter((key) => key !== action.key);
  dropPermission(environment, resource, action.key);
}

/** Takes the permission for an action or a group from every role and rule. */
export function dropPermission(environment: Environment, resource: Resource, action: string): void {
  const whole = `${resource.key}:${action}`;
  for (const role of environment.roles.rows) role.permissions = role.permissions.filter((permission) => permission !== whole);
  for (const role of resource.roles.rows) role.permissions = role.permissions.filter((permission) => permission !== whole && permission !== action);
  environment.rules.sweep((rule) => rule.resource === resource && rule.action === action);
}

/** With the sets below it: without its parent a set would hold more than it did. */
export function removeSet(environment: Environment, set: ConditionSet): void {
  for (const child of environment.sets.rows.filter(({ parent }) => parent === set)) removeSet(environment, child);
  environment.rules.sweep(({ userSet, resourceSet }) => userSet === set || resourceSet === set);
  environment.sets.remove(set);
}

export function removeTenant(environment: Environment, tenant: Tenant): void {
  removeAssignments(environment, (assignment) => assignment.tenant === tenant);
  removeInstances(environment, (instance) => instance.tenant === tenant);
  environment.tenants.remove(tenant);
}

export function removeUser(environment: Environment, user: User): void {
  if (user.assignments.size > 0) removeAssignments(environment, (assignment) => assignment.user === user);
  environment.users.remove(user);
}

export function removeInstance(environment: Environment, instance: Instance): void {
  removeInstances(environment, (one) => one === instance);
}

export function removeAssignments(environment: Environment, gone: Parameters<Environment['assignments']['sweep']>[0]): number {
  const swept = environment.assignments.sweep(gone);
  for (const assignment of swept) assignment.user.assignments.delete(assignment);
  return swept.length;
}

/** Gives back all rows, one by one or not. */
export function emptyEnvironment(environment: Environment): void {
  for (const resource of [...environment.resources.rows]) removeResource(environment, resource);
  for (const { sweep } of [environment.assignments, environment.tuples, environment.instances, environment.rules, environment.sets, environment.roles, environment.tenants, environment.users]) sweep(() => true);
}

function removeInstances(environment: Environment, gone: (instance: Instance) => boolean): void {
  const swept = new Set(environment.instances.sweep(gone));
  if (swept.size === 0) return;
  removeAssignments(environment, ({ instance }) => instance !== undefined && swept.has(instance));
  environment.tuples.sweep(({ subject, object }) => swept.has(subject) || swept.has(object));
}

function dropDerivations(environment: Environment, gone: (rule: NonNullable<Role['derivation']>['rules'][number]) => boolean): void {
  for (const { roles } of environment.resources.rows) for (const role of roles.rows) {
    if (role.derivation !== undefined) role.derivation = { ...role.derivation, rules: role.derivation.rules.filter((rule) => !gone(rule)) };
  }
}
