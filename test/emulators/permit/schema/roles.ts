import { attributes, idOrKey, key, list, object, optional, readBody, text } from '../body.ts';
import { NO_CONTENT, ok, param, type EnvironmentCall, type Route } from '../call.ts';
import { removeRole } from '../cascade.ts';
import { duplicate, notFound, refuse } from '../errors.ts';
import { tail } from '../json.ts';
import { listing } from '../paging.ts';
import type { Derivation, Environment, Resource, Role } from '../rows.ts';
import { Derived, derivationOf, toGrantedTo } from './derivations.ts';
import { findResource, findRole } from './find.ts';
import type { World } from '../world.ts';

const RoleBody = {
  description: optional(text), permissions: optional(list(text)), attributes: optional(attributes), extends: optional(list(idOrKey)), granted_to: optional(Derived),
};
const Create = object({ key, name: text, ...RoleBody });
const Update = object({ name: optional(text), ...RoleBody });
/** In `roles` of a resource the key stands before it. */
export const RoleBlock = object({ name: optional(text), ...RoleBody });

type Given = ReturnType<typeof Update>;

/** Of the tenants' level, or of a resource. */
interface Level {
  readonly environment: Environment;
  readonly resource: Resource | undefined;
}

export const toRole = (world: World, environment: Environment, role: Role) => ({
  key: role.key, name: role.name, description: role.description ?? null, permissions: role.permissions, attributes: role.attributes ?? null, extends: role.extends,
  granted_to: toGrantedTo(role),
  ...role.resource === undefined ? {} : { resource: role.resource.key, resource_id: role.resource.id },
  ...tail(world.organizationId, environment, role),
});

/** Everything is looked up before anything is changed. */
export function readRole(level: Level, given: Given): (role: Role) => void {
  const { resource } = level;
  const permissions = given.permissions === undefined ? undefined : checked(level, given.permissions);
  // Assumed (facts 3): a cycle is accepted, which is the harder case for whoever reads it.
  const parents = given.extends?.map((parent) => findRole(resource ?? level.environment, parent).key);
  const derivation: Derivation | undefined = given.granted_to === undefined ? undefined : derivationOf(level.environment, ownedBy(resource), given.granted_to);
  return (role) => {
    role.name = given.name ?? role.name;
    role.description = given.description ?? role.description;
    role.attributes = given.attributes ?? role.attributes;
    role.permissions = permissions ?? role.permissions;
    role.extends = parents ?? role.extends;
    role.derivation = derivation ?? role.derivation;
  };
}

export const newRole = (world: World, resource: Resource | undefined, given: { readonly key: string; readonly name: string }): Role => ({
  ...world.stamp(), ...given, resource, description: undefined, attributes: undefined, permissions: [], extends: [], derivation: undefined,
});

function ownedBy(resource: Resource | undefined): Resource {
  if (resource === undefined) throw refuse('INVALID_INPUT', 'Only a role of a resource can be derived.'); // assumed, facts 9
  return resource;
}

/** @throws {Refusal} 400 for the form (assumed, facts 7), 404 for what isn't there. */
function checked({ environment, resource }: Level, permissions: readonly string[]): readonly string[] {
  for (const permission of permissions) {
    const [type, action, rest] = permission.includes(':') || resource === undefined ? permission.split(':') : [resource.key, permission];
    if (!type || !action || rest !== undefined) throw refuse('INVALID_PERMISSION_FORMAT', `The permission '${permission}' is not of the form resource:action.`);
    findAction(findResource(environment, type), action);
  }
  return [...new Set(permissions)];
}

/** The key of an action or, assumed (facts 5), of a group of actions. @throws {Refusal} 404. */
export function findAction(resource: Resource, name: string): string {
  const found = resource.actions.find(name) ?? resource.groups.find(name);
  if (found === undefined) throw notFound('action', `${resource.key}:${name}`);
  return found.key;
}

/** Of resource roles both spellings are the same permission. */
const whole = (resource: Resource | undefined, permission: string) => resource === undefined || permission.includes(':') ? permission : `${resource.key}:${permission}`;

function routesOf(path: string, resourceOf: (call: EnvironmentCall) => Resource | undefined): readonly Route<EnvironmentCall>[] {
  const levelOf = (call: EnvironmentCall): Level => ({ environment: call.environment, resource: resourceOf(call) });
  const find = (call: EnvironmentCall) => {
    const level = levelOf(call);
    return { level, role: findRole(level.resource ?? level.environment, param(call, 'role')) };
  };
  const answer = ({ world, environment }: EnvironmentCall, role: Role) => ok(toRole(world, environment, role));
  const changed = (call: EnvironmentCall, role: Role) => {
    role.updatedAtMs = call.world.now();
    return answer(call, role);
  };
  const permissionsIn = ({ body }: EnvironmentCall) => readBody(body, object({ permissions: list(text) })).permissions;
  return [
    ['GET', path, (call) => {
      const { environment, resource } = levelOf(call);
      return listing(resource === undefined ? 'either' : 'array', (resource ?? environment).roles.rows, (role) => toRole(call.world, environment, role));
    }],
    ['POST', path, (call) => {
      const level = levelOf(call);
      const { key, name, ...given } = readBody(call.body, Create);
      const { roles } = level.resource ?? level.environment;
      if (roles.find(key) !== undefined) throw duplicate('role', key);
      const fill = readRole(level, { name, ...given });
      const role = roles.add(newRole(call.world, level.resource, { key, name }));
      fill(role);
      return answer(call, role);
    }],
    ['GET', `${path}/:role`, (call) => answer(call, find(call).role)],
    ['PATCH', `${path}/:role`, (call) => {
      const { level, role } = find(call);
      readRole(level, readBody(call.body, Update))(role);
      return changed(call, role);
    }],
    ['DELETE', `${path}/:role`, (call) => {
      removeRole(call.environment, find(call).role);
      return NO_CONTENT;
    }],
    ['POST', `${path}/:role/permissions`, (call) => {
      const { level, role } = find(call);
      const held = new Set(role.permissions.map((permission) => whole(level.resource, permission)));
      role.permissions = [...role.permissions, ...checked(level, permissionsIn(call)).filter((permission) => !held.has(whole(level.resource, permission)))];
      return changed(call, role);
    }],
    // 200, as the SDK gives back the role (assumed: facts 4 says 204 of deletes).
    ['DELETE', `${path}/:role/permissions`, (call) => {
      const { level, role } = find(call);
      const gone = new Set(permissionsIn(call).map((permission) => whole(level.resource, permission)));
      role.permissions = role.permissions.filter((permission) => !gone.has(whole(level.resource, permission)));
      return changed(call, role);
    }],
    // How an older API says `extends` (facts 3).
    ['PUT', `${path}/:role/parents/:parent`, (call) => {
      const { level, role } = find(call);
      const parent = findRole(level.resource ?? level.environment, param(call, 'parent'));
      role.extends = [...new Set([...role.extends, parent.key])];
      return changed(call, role);
    }],
    ['DELETE', `${path}/:role/parents/:parent`, (call) => {
      const { level, role } = find(call);
      const parent = findRole(level.resource ?? level.environment, param(call, 'parent'));
      role.extends = role.extends.filter((one) => one !== parent.key);
      return changed(call, role);
    }],
  ];
}

export const roleRoutes: readonly Route<EnvironmentCall>[] = [
  ...routesOf('/roles', () => undefined),
  ...routesOf('/resources/:resource/roles', (call) => findResource(call.environment, param(call, 'resource'))),
];

