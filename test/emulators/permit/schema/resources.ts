import { attributes, dictionary, idOrKey, key, object, oneOf, optional, readBody, text } from '../body.ts';
import { NO_CONTENT, ok, param, type EnvironmentCall, type Route } from '../call.ts';
import { removeAction, removeRelation, removeResource, removeRole } from '../cascade.ts';
import { duplicate, refuse } from '../errors.ts';
import { tail } from '../json.ts';
import { listing, readFlag } from '../paging.ts';
import { ATTRIBUTE_TYPES, type Environment, type Resource } from '../rows.ts';
import { newResource, type World } from '../world.ts';
import type { Table, Row } from '../table.ts';
import { findResource } from './find.ts';
import { newRole, readRole, RoleBlock, toRole } from './roles.ts';

const ActionBlock = object({ name: optional(text), description: optional(text), attributes: optional(attributes) });
const AttributeBlock = object({ type: oneOf(ATTRIBUTE_TYPES), description: optional(text) });
const Blocks = { attributes: optional(dictionary(AttributeBlock)), roles: optional(dictionary(RoleBlock)), relations: optional(dictionary(idOrKey)) };
const Rest = { urn: optional(text), description: optional(text), ...Blocks };
const Replace = { name: text, actions: dictionary(ActionBlock), ...Rest };
const Create = object({ key, ...Replace });
const Update = object({ name: optional(text), actions: optional(dictionary(ActionBlock)), ...Rest });

type Given = ReturnType<typeof Update>;

const byKey = <T extends { readonly key: string }>({ rows }: { readonly rows: readonly T[] }, toJson: (row: T) => unknown) => Object.fromEntries(rows.map((row) => [row.key, toJson(row)]));

export const toResource = (world: World, environment: Environment, resource: Resource) => ({
  key: resource.key, name: resource.name, urn: resource.urn ?? null, description: resource.description ?? null,
  actions: byKey(resource.actions, ({ id, key, name, description, attributes }) => ({ id, key, name, description: description ?? null, attributes: attributes ?? null })),
  attributes: byKey(resource.attributes, ({ id, key, type, description }) => ({ id, key, type, description: description ?? null })),
  roles: byKey(resource.roles, (role) => toRole(world, environment, role)),
  relations: byKey(resource.relations, ({ subject }) => ({ resource_id: subject.id, resource: subject.key })),
  action_groups: byKey(resource.groups, ({ actions }) => actions),
  ...tail(world.organizationId, environment, resource),
});

/**
 * A block that is given replaces the one that is there, by PATCH too (assumed, facts 4): what is in both keeps its id,
 * what is in the old one alone goes with all that hangs on it.
 */
function fill(world: World, environment: Environment, resource: Resource, given: Given): void {
  resource.name = given.name ?? resource.name;
  resource.urn = given.urn ?? resource.urn;
  resource.description = given.description ?? resource.description;
  replaceBlock(resource.actions, given.actions, (row) => removeAction(environment, resource, row), (key, { name = key, description, attributes }, row) => {
    if (row !== undefined) Object.assign(row, { name, description, attributes });
    else resource.actions.add({ ...world.stamp(), key, name, description, attributes });
  });
  replaceBlock(resource.attributes, given.attributes, (row) => resource.attributes.remove(row), (key, { type, description }, row) => {
    if (row !== undefined) Object.assign(row, { type, description });
    else resource.attributes.add({ ...world.stamp(), key, type, description });
  });
  replaceBlock(resource.relations, given.relations, (row) => removeRelation(environment, resource, row), (key, type, row) => {
    const subject = findResource(environment, type);
    if (row?.subject === subject) return;
    if (row !== undefined) removeRelation(environment, resource, row);
    resource.relations.add({ ...world.stamp(), key, name: key, description: undefined, subject });
  });
  fillRoles(world, environment, resource, given.roles);
}

/** All are made first, so that they may name each other. */
function fillRoles(world: World, environment: Environment, resource: Resource, given: Given['roles']): void {
  replaceBlock(resource.roles, given, (row) => removeRole(environment, row), (key, { name = key }, row) => {
    if (row === undefined) resource.roles.add(newRole(world, resource, { key, name }));
  });
  for (const [key, role] of given ?? []) readRole({ environment, resource }, role)(resource.roles.find(key)!);
}

function replaceBlock<T extends Row & { readonly key: string }, B>(table: Table<T>, block: ReadonlyMap<string, B> | undefined, remove: (row: T) => void, put: (key: string, item: B, row: T | undefined) => void): void {
  if (block === undefined) return;
  for (const row of table.rows.filter(({ key }) => !block.has(key))) remove(row);
  for (const [key, item] of block) put(key, item, table.rows.find((row) => row.key === key));
}

// Built-in types are reached for their attributes alone (assumed, facts 3).
function ownResource(call: EnvironmentCall): Resource {
  const resource = findResource(call.environment, param(call, 'resource'));
  if (resource.builtIn) throw refuse('INVALID_INPUT', `The resource '${resource.key}' is built in.`);
  return resource;
}

function changed({ world, environment }: EnvironmentCall, resource: Resource, given: Given) {
  for (const type of given.relations?.values() ?? []) findResource(environment, type);
  fill(world, environment, resource, given);
  resource.updatedAtMs = world.now();
  return ok(toResource(world, environment, resource));
}

export const resourceRoutes: readonly Route<EnvironmentCall>[] = [
  ['GET', '/resources', ({ world, environment, query }) => {
    const shown = readFlag(query, 'include_built_in') ? environment.resources.rows : environment.resources.rows.filter(({ builtIn }) => !builtIn);
    return listing('either', shown, (row: Resource) => toResource(world, environment, row));
  }],
  ['POST', '/resources', ({ world, environment, body }) => {
    const { key, ...given } = readBody(body, Create);
    if (environment.resources.find(key) !== undefined) throw duplicate('resource', key);
    const resource = environment.resources.add(newResource(world, { key, name: given.name }));
    try {
      fill(world, environment, resource, given);
    } catch (error) {
      removeResource(environment, resource);
      throw error;
    }
    return ok(toResource(world, environment, resource));
  }],
  ['GET', '/resources/:resource', (call) => ok(toResource(call.world, call.environment, findResource(call.environment, param(call, 'resource'))))],
  // What a PUT leaves out is emptied.
  ['PUT', '/resources/:resource', (call) => {
    const { attributes = new Map(), roles = new Map(), relations = new Map(), ...given } = readBody(call.body, object(Replace));
    return changed(call, ownResource(call), { ...given, attributes, roles, relations });
  }],
  ['PATCH', '/resources/:resource', (call) => changed(call, ownResource(call), readBody(call.body, Update))],
  ['DELETE', '/resources/:resource', (call) => {
    removeResource(call.environment, ownResource(call));
    return NO_CONTENT;
  }],
];
