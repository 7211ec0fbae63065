import { attributes, idOrKey, key, list, object, oneOf, optional, readBody, text, type Shape } from '../body.ts';
import { NO_CONTENT, ok, param, type EnvironmentCall, type Route } from '../call.ts';
import { dropPermission, removeAction, removeRelation } from '../cascade.ts';
import { duplicate, notFound, refuse } from '../errors.ts';
import { tail } from '../json.ts';
import { listing, type Form } from '../paging.ts';
import { ATTRIBUTE_TYPES, type Action, type ActionGroup, type Attribute, type Environment, type Relation, type Resource } from '../rows.ts';
import type { Row, Table } from '../table.ts';
import { findResource } from './find.ts';

interface Part<T> {
  readonly kind: string;
  readonly form: Form;
  readonly table: (resource: Resource) => Table<T & Row>;
  readonly create: (call: EnvironmentCall, resource: Resource) => T & Row;
  readonly update?: (call: EnvironmentCall, resource: Resource, row: T) => void;
  readonly remove: (environment: Environment, resource: Resource, row: T) => void;
  readonly toJson: (call: EnvironmentCall, resource: Resource, row: T) => object;
}

const ActionBody = { name: text, description: optional(text), attributes: optional(attributes) };
const GroupBody = { ...ActionBody, actions: optional(list(idOrKey)) };
const RelationBody = { name: text, description: optional(text), subject_resource: idOrKey };

/** Absent: stays. */
const patched = <S extends Readonly<Record<string, Shape<unknown>>>>(shape: S) => object(Object.fromEntries(Object.entries(shape).map(([name, one]) => [name, optional(one)])) as { [K in keyof S]: Shape<(S[K] extends Shape<infer T> ? T : never) | undefined> });

const actions: Part<Action> = {
  kind: 'action', form: 'array',
  table: (resource) => resource.actions,
  create: ({ world, body }) => ({ ...world.stamp(), ...readBody(body, object({ key, ...ActionBody })) }),
  update({ body }, _resource, row) {
    const { name, description, attributes: given } = readBody(body, patched(ActionBody));
    row.name = name ?? row.name;
    row.description = description ?? row.description;
    row.attributes = given ?? row.attributes;
  },
  remove: removeAction,
  toJson: ({ world, environment }, resource, row) => ({
    key: row.key, name: row.name, description: row.description ?? null, attributes: row.attributes ?? null, permission_name: `${resource.key}:${row.key}`, resource_id: resource.id, ...tail(world.organizationId, environment, row),
  }),
};

const groups: Part<ActionGroup> = {
  kind: 'action group', form: 'array',
  table: (resource) => resource.groups,
  create({ world, body }, resource) {
    const { actions: members, ...rest } = readBody(body, object({ key, ...GroupBody }));
    return { ...world.stamp(), ...rest, actions: keysOf(resource, members ?? []) };
  },
  update({ body }, resource, row) {
    const { name, description, attributes: given, actions: members } = readBody(body, patched(GroupBody));
    if (members !== undefined) row.actions = keysOf(resource, members);
    row.name = name ?? row.name;
    row.description = description ?? row.description;
    row.attributes = given ?? row.attributes;
  },
  remove(environment, resource, row) {
    resource.groups.remove(row);
    dropPermission(environment, resource, row.key);
  },
  toJson: ({ world, environment }, resource, row) => ({
    key: row.key, name: row.name, description: row.description ?? null, attributes: row.attributes ?? null, actions: row.actions, resource_id: resource.id, ...tail(world.organizationId, environment, row),
  }),
};

const keysOf = ({ actions: known }: Resource, names: readonly string[]) => names.map((name) => {
  const action = known.find(name);
  if (action === undefined) throw notFound('action', name);
  return action.key;
});

const attributeParts: Part<Attribute> = {
  kind: 'attribute', form: 'array',
  table: (resource) => resource.attributes,
  create: ({ world, body }) => ({ ...world.stamp(), ...readBody(body, object({ key, type: oneOf(ATTRIBUTE_TYPES), description: optional(text) })) }),
  update({ body }, _resource, row) {
    const { type, description } = readBody(body, object({ type: optional(oneOf(ATTRIBUTE_TYPES)), description: optional(text) }));
    row.type = type ?? row.type;
    row.description = description ?? row.description;
  },
  remove: (_environment, resource, row) => resource.attributes.remove(row),
  toJson: ({ world, environment }, resource, row) => ({
    key: row.key, type: row.type, description: row.description ?? null, resource_id: resource.id, resource_key: resource.key, built_in: false, ...tail(world.organizationId, environment, row),
  }),
};

// The list answers `{data,…}` although the SDK's type says array (facts 3), and there is no PATCH (facts 4).
const relations: Part<Relation> = {
  kind: 'relation', form: 'paginated',
  table: (resource) => resource.relations,
  create({ world, body, environment }) {
    const { subject_resource, ...rest } = readBody(body, object({ key, ...RelationBody }));
    return { ...world.stamp(), ...rest, subject: findResource(environment, subject_resource) };
  },
  remove: removeRelation,
  toJson: ({ world, environment }, resource, row) => ({
    key: row.key, name: row.name, description: row.description ?? null,
    subject_resource: row.subject.key, subject_resource_id: row.subject.id, object_resource: resource.key, object_resource_id: resource.id, ...tail(world.organizationId, environment, row),
  }),
};

/** `key` is how the type stands in the path: a parameter, or `users` for the attributes of `__user`. */
function routesOf<T extends { readonly key: string }>(path: string, part: Part<T>, resourceOf: (call: EnvironmentCall) => Resource): readonly Route<EnvironmentCall>[] {
  const find = (call: EnvironmentCall) => {
    const resource = resourceOf(call);
    const row = part.table(resource).find(param(call, 'key'));
    if (row === undefined) throw notFound(part.kind, param(call, 'key'));
    return { resource, row };
  };
  const { update } = part;
  return [
    ['GET', path, (call) => {
      const resource = resourceOf(call);
      return listing(part.form, part.table(resource).rows, (row) => part.toJson(call, resource, row));
    }],
    ['POST', path, (call) => {
      const resource = resourceOf(call);
      const row = part.create(call, resource);
      if (part.table(resource).find(row.key) !== undefined) throw duplicate(part.kind, row.key);
      return ok(part.toJson(call, resource, part.table(resource).add(row)));
    }],
    ['GET', `${path}/:key`, (call) => {
      const { resource, row } = find(call);
      return ok(part.toJson(call, resource, row));
    }],
    ...update === undefined ? [] : [['PATCH', `${path}/:key`, (call: EnvironmentCall) => {
      const { resource, row } = find(call);
      update(call, resource, row);
      row.updatedAtMs = call.world.now();
      return ok(part.toJson(call, resource, row));
    }] as const],
    ['DELETE', `${path}/:key`, (call) => {
      const { resource, row } = find(call);
      part.remove(call.environment, resource, row);
      return NO_CONTENT;
    }],
  ];
}

const ofParameter = (call: EnvironmentCall) => findResource(call.environment, param(call, 'resource'));

// Of the built-in types only attributes can be changed (assumed, facts 3).
const ofOwn = (call: EnvironmentCall) => {
  const resource = ofParameter(call);
  if (resource.builtIn) throw refuse('INVALID_INPUT', `The resource '${resource.key}' is built in.`);
  return resource;
};

export const partRoutes: readonly Route<EnvironmentCall>[] = [
  ...routesOf('/users/attributes', attributeParts, ({ environment }) => findResource(environment, '__user')),
  ...routesOf('/resources/:resource/attributes', attributeParts, ofParameter),
  ...routesOf('/resources/:resource/actions', actions, ofOwn),
  ...routesOf('/resources/:resource/action_groups', groups, ofOwn),
  ...routesOf('/resources/:resource/relations', relations, ofOwn),
];
