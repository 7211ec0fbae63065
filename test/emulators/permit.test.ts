// The emulator, by the calls of the unmodified SDK: what is written is what is read, as Permit would say it.
import type { Permit } from 'permitio';
import { addDocuments, addUsers, ALL_RULES, closeEmulators, failure, sdk, start } from './harness.ts';
import type { Emulator } from './permit/emulator.ts';

let emulator: Emulator;
let permit: Permit;

beforeEach(async () => {
  emulator = await start();
  permit = sdk(emulator);
});
afterEach(closeEmulators);

const ID = /^[0-9a-f]{32}$/;
const TAIL = {
  id: expect.stringMatching(ID), organization_id: expect.stringMatching(ID), project_id: expect.stringMatching(ID), environment_id: expect.stringMatching(ID),
  created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/), updated_at: expect.stringMatching(/\+00:00$/),
};

test('a fresh environment holds no role, no resource and exactly one tenant', async () => {
  expect(await permit.api.roles.list()).toEqual([]);
  expect(await permit.api.resources.list()).toEqual([]);
  expect((await permit.api.tenants.list()).map(({ key }) => key)).toEqual(['default']);
});

describe('users', () => {
  test('create, get by key and id, update, delete', async () => {
    const made = await permit.api.users.create({ key: 'service|telemetry', email: 'a@b.example', first_name: 'A', attributes: { team: 'growth' } });
    expect(made).toEqual({ key: 'service|telemetry', email: 'a@b.example', first_name: 'A', last_name: null, attributes: { team: 'growth' }, roles: [], associated_tenants: [], ...TAIL });
    expect(await permit.api.users.get('service|telemetry')).toEqual(made);
    expect(await permit.api.users.getById(made.id)).toEqual(made);
    expect(await permit.api.users.update(made.id, { last_name: 'B' })).toEqual({ ...made, last_name: 'B', updated_at: TAIL.updated_at });
    await permit.api.users.delete('service|telemetry');
    expect(await failure(permit.api.users.get('service|telemetry'))).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(emulator.requests.at(-2)).toMatchObject({ method: 'DELETE', status: 204 });
  });

  test('a user is made with its roles, which are echoed; a second one with its key is 409', async () => {
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer' });
    const made = await permit.api.users.create({ key: 'u', role_assignments: [{ role: 'viewer', tenant: 'default' }] });
    expect(made.roles).toEqual([{ role: 'viewer', tenant: 'default' }]);
    expect(made.associated_tenants).toEqual([{ tenant: 'default', roles: ['viewer'], status: 'active' }]);
    expect(await failure(permit.api.users.create({ key: 'u' }))).toMatchObject({ status: 409, code: 'DUPLICATE_ENTITY', message: expect.stringContaining("'u'") });
  });

  test('sync creates (201), then replaces (200)', async () => {
    expect((await permit.api.users.sync({ key: 'u', email: 'a@b.example', attributes: { a: 1 } }))).toMatchObject({ created: true, user: { key: 'u', email: 'a@b.example' } });
    expect((await permit.api.users.sync({ key: 'u', attributes: { b: 2 } }))).toMatchObject({ created: false, user: { email: null, attributes: { b: 2 } } });
    expect(emulator.requests.map(({ status }) => status)).toEqual([200, 201, 200]);
  });

  test('bulk create, replace, delete', async () => {
    await permit.api.users.bulkUserCreate([{ key: 'a' }, { key: 'b', attributes: { n: 1 } }]);
    expect(await failure(permit.api.users.bulkUserCreate([{ key: 'c' }, { key: 'b' }]))).toMatchObject({ status: 409 });
    expect(await failure(permit.api.users.bulkUserCreate([{ key: 'c' }, { key: 'e', role_assignments: [{ role: 'none', tenant: 'default' }] }]))).toMatchObject({ status: 404 });
    await permit.api.users.bulkUserReplace([{ key: 'b', attributes: { n: 2 } }, { key: 'd' }]);
    expect((await permit.api.users.list()).data.map(({ key, attributes }) => [key, attributes])).toEqual([['a', {}], ['b', { n: 2 }], ['d', {}]]);
    await permit.api.users.bulkUserDelete(['a', 'd', 'nobody']);
    expect((await permit.api.users.list()).data.map(({ key }) => key)).toEqual(['b']);
  });

  test('a deleted user takes its assignments along', async () => {
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer' });
    await permit.api.users.create({ key: 'u', role_assignments: [{ role: 'viewer', tenant: 'default' }] });
    await permit.api.users.delete('u');
    expect(await permit.api.roleAssignments.list({})).toEqual([]);
  });
});

describe('tenants', () => {
  test('create, get, update, delete; without attributes these are null', async () => {
    const made = await permit.api.tenants.create({ key: 'acme', name: 'Acme' });
    expect(made).toEqual({ key: 'acme', name: 'Acme', description: null, attributes: null, last_action_at: expect.any(String), ...TAIL });
    expect(await permit.api.tenants.update('acme', { attributes: { region: 'EU' } })).toMatchObject({ name: 'Acme', attributes: { region: 'EU' } });
    expect(await permit.api.tenants.getById(made.id)).toMatchObject({ key: 'acme', attributes: { region: 'EU' } });
    expect(await failure(permit.api.tenants.create({ key: 'acme', name: 'Again' }))).toMatchObject({ status: 409 });
    await permit.api.tenants.delete('acme');
    expect(await failure(permit.api.tenants.get('acme'))).toMatchObject({ status: 404 });
  });

  test('its users are those with a role in it; one that is taken out stays a user', async () => {
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer' });
    await permit.api.tenants.create({ key: 'acme', name: 'Acme' });
    await permit.api.users.bulkUserCreate([{ key: 'a' }, { key: 'b' }]);
    await permit.api.roleAssignments.bulkAssign([{ user: 'a', role: 'viewer', tenant: 'acme' }, { user: 'a', role: 'viewer', tenant: 'default' }, { user: 'b', role: 'viewer', tenant: 'default' }]);
    expect((await permit.api.tenants.listTenantUsers({ tenantKey: 'acme' })).data.map(({ key }) => key)).toEqual(['a']);
    await permit.api.tenants.deleteTenantUser('acme', 'a');
    expect((await permit.api.tenants.listTenantUsers({ tenantKey: 'acme' })).data).toEqual([]);
    expect((await permit.api.users.get('a')).roles).toEqual([{ role: 'viewer', tenant: 'default' }]);
  });

  test('deleting one that is in use takes instances, tuples and assignments along', async () => {
    await addDocuments(permit);
    await permit.api.tenants.create({ key: 'acme', name: 'Acme' });
    await permit.api.users.create({ key: 'u' });
    await permit.api.relationshipTuples.create({ subject: 'folder:f', relation: 'parent', object: 'document:d', tenant: 'acme' });
    await permit.api.roleAssignments.assign({ user: 'u', role: 'editor', resource_instance: 'folder:f' });
    await permit.api.tenants.delete('acme');
    expect([await permit.api.resourceInstances.list(), await permit.api.relationshipTuples.list({}), await permit.api.roleAssignments.list({})]).toEqual([[], [], []]);
  });
});

describe('roles', () => {
  test('create, get, update, delete; without permissions these are []', async () => {
    const made = await permit.api.roles.create({ key: 'viewer', name: 'Viewer' });
    expect(made).toEqual({ key: 'viewer', name: 'Viewer', description: null, permissions: [], attributes: null, extends: [], granted_to: null, ...TAIL });
    expect(await permit.api.roles.update('viewer', { description: 'Reads' })).toMatchObject({ name: 'Viewer', description: 'Reads' });
    expect(await permit.api.roles.getById(made.id)).toMatchObject({ key: 'viewer', description: 'Reads' });
    await permit.api.roles.delete('viewer');
    expect(await permit.api.roles.list()).toEqual([]);
  });

  test('permissions are added and removed; what no resource knows is refused', async () => {
    await addDocuments(permit);
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer', permissions: ['document:read'] });
    expect((await permit.api.roles.assignPermissions('viewer', ['folder:read', 'document:read'])).permissions).toEqual(['document:read', 'folder:read']);
    expect((await permit.api.roles.removePermissions('viewer', ['document:read'])).permissions).toEqual(['folder:read']);
    expect(await failure(permit.api.roles.assignPermissions('viewer', ['document:burn']))).toMatchObject({ status: 404 });
    expect(await failure(permit.api.roles.assignPermissions('viewer', ['read']))).toMatchObject({ status: 400, code: 'INVALID_PERMISSION_FORMAT' });
  });

  test('a role that is extended and deleted is extended no longer', async () => {
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer' });
    await permit.api.roles.create({ key: 'editor', name: 'Editor', extends: ['viewer'] } as Parameters<typeof permit.api.roles.create>[0]);
    expect(await permit.api.roles.get('editor')).toMatchObject({ extends: ['viewer'] });
    await permit.api.roles.delete('viewer');
    expect(await permit.api.roles.get('editor')).toMatchObject({ extends: [] });
  });
});

describe('resources', () => {
  test('one call embeds actions, attributes, roles, relations and action groups', async () => {
    await addDocuments(permit);
    await permit.api.actionGroups.create('document', { key: 'all', name: 'All', actions: ['read', 'write'] });
    const resource = await permit.api.resources.get('document');
    expect(resource).toEqual({
      key: 'document', name: 'Document', urn: null, description: null, ...TAIL,
      actions: { read: { id: TAIL.id, key: 'read', name: 'read', description: null, attributes: null }, write: { id: TAIL.id, key: 'write', name: 'Write', description: null, attributes: null } },
      attributes: { pages: { id: TAIL.id, key: 'pages', type: 'number', description: null } },
      relations: { parent: { resource_id: (await permit.api.resources.get('folder')).id, resource: 'folder' } },
      action_groups: { all: ['read', 'write'] },
      roles: { editor: await permit.api.resourceRoles.get('document', 'editor') },
    });
  });

  test('PATCH leaves what it does not name; PUT empties it; what goes takes its permissions along', async () => {
    await addDocuments(permit);
    await permit.api.roles.create({ key: 'writer', name: 'Writer', permissions: ['document:read', 'document:write'] });
    const before = await permit.api.resources.get('document');
    expect(await permit.api.resources.update('document', { name: 'Paper' })).toEqual({ ...before, name: 'Paper', updated_at: TAIL.updated_at });
    const replaced = await permit.api.resources.replace('document', { name: 'Paper', actions: { read: {} } });
    expect(replaced).toMatchObject({ attributes: {}, relations: {}, roles: {}, actions: { read: { id: before.actions!['read']!.id } } });
    expect((await permit.api.roles.get('writer')).permissions).toEqual(['document:read']);
  });

  test('one that can not be made whole is not made', async () => {
    expect(await failure(permit.api.resources.create({ key: 'x', name: 'X', actions: {}, relations: { parent: 'nothing' } }))).toMatchObject({ status: 404 });
    expect(await permit.api.resources.list()).toEqual([]);
  });

  test('deleting a type that is in use takes instances, tuples, assignments, sets, rules and derivations along', async () => {
    await addDocuments(permit);
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer', permissions: ['folder:read'] });
    await permit.api.users.create({ key: 'u' });
    await permit.api.relationshipTuples.create({ subject: 'folder:f', relation: 'parent', object: 'document:d', tenant: 'default' });
    await permit.api.roleAssignments.assign({ user: 'u', role: 'editor', resource_instance: 'folder:f' });
    await permit.api.conditionSetRules.create({ user_set: 'viewer', is_role: true, permission: 'folder:read', resource_set: 'folder', is_resource: true });
    await permit.api.resources.delete('folder');
    expect((await permit.api.resourceInstances.list()).map(({ resource }) => resource)).toEqual(['document']);
    expect([await permit.api.relationshipTuples.list({}), await permit.api.roleAssignments.list({}), await permit.api.conditionSetRules.list(ALL_RULES)]).toEqual([[], [], []]);
    expect((await permit.api.conditionSets.list()).map(({ key }) => key)).toEqual(['__autogen_viewer']);
    expect(await permit.api.resources.get('document')).toMatchObject({ relations: {}, roles: { editor: { granted_to: { users_with_role: [] } } } });
    expect((await permit.api.roles.get('viewer')).permissions).toEqual([]);
  });

  test('actions, attributes and action groups: create, list, get, update, delete', async () => {
    await addDocuments(permit);
    const { resourceActions, resourceAttributes, actionGroups } = permit.api;
    expect(await resourceActions.create('document', { key: 'share', name: 'Share' })).toMatchObject({ key: 'share', permission_name: 'document:share', ...TAIL });
    expect(await resourceActions.update('document', 'share', { name: 'Pass on' })).toMatchObject({ name: 'Pass on' });
    expect((await resourceActions.list({ resourceKey: 'document' })).map(({ key }) => key)).toEqual(['read', 'write', 'share']);
    expect(await actionGroups.create('document', { key: 'out', name: 'Out', actions: ['share'] })).toMatchObject({ key: 'out', actions: ['share'] });
    expect(await actionGroups.list({ resourceKey: 'document' })).toHaveLength(1);
    await resourceActions.delete('document', 'share');
    expect(await actionGroups.get('document', 'out')).toMatchObject({ actions: [] });
    await actionGroups.delete('document', 'out');

    expect(await resourceAttributes.create('document', { key: 'secret', type: 'bool' })).toMatchObject({ resource_key: 'document', built_in: false, type: 'bool' });
    expect(await resourceAttributes.update('document', 'secret', { type: 'string', description: 'How' })).toMatchObject({ type: 'string', description: 'How' });
    await resourceAttributes.delete('document', 'pages');
    expect((await resourceAttributes.list({ resourceKey: 'document' })).map(({ key }) => key)).toEqual(['secret']);
  });
});

describe('resource roles, relations, derivations', () => {
  test('roles of a resource: create, permissions, update, delete', async () => {
    await addDocuments(permit);
    const { resourceRoles } = permit.api;
    expect(await resourceRoles.create('document', { key: 'reader', name: 'Reader', permissions: ['read'] })).toMatchObject({ permissions: ['read'], resource: 'document', extends: [], granted_to: null });
    expect((await resourceRoles.assignPermissions('document', 'reader', ['document:read', 'write'])).permissions).toEqual(['read', 'write']);
    expect((await resourceRoles.removePermissions('document', 'reader', ['document:write'])).permissions).toEqual(['read']);
    expect(await resourceRoles.update('document', 'reader', { name: 'Sees' })).toMatchObject({ name: 'Sees' });
    expect((await resourceRoles.list({ resourceKey: 'document' })).map(({ key }) => key)).toEqual(['editor', 'reader']);
    await resourceRoles.delete('document', 'reader');
    expect(await failure(resourceRoles.get('document', 'reader'))).toMatchObject({ status: 404 });
  });

  test('a derivation is created, conditioned and deleted', async () => {
    await addDocuments(permit);
    const { resourceRoles } = permit.api;
    const rule = { role: 'admin', on_resource: 'account', linked_by_relation: 'account' };
    const { id: role_id } = await resourceRoles.get('account', 'admin');
    expect(await resourceRoles.createRoleDerivation('folder', 'viewer', { ...rule, when: { no_direct_roles_on_object: true } })).toEqual({
      ...rule, when: { no_direct_roles_on_object: true }, role_id, resource_id: (await permit.api.resources.get('account')).id, relation_id: (await permit.api.resourceRelations.get('folder', 'account')).id,
    });
    expect(await failure(resourceRoles.createRoleDerivation('folder', 'viewer', rule))).toMatchObject({ status: 409 });
    expect(await failure(resourceRoles.createRoleDerivation('folder', 'viewer', { ...rule, on_resource: 'document', role: 'editor' }))).toMatchObject({ status: 400, code: 'MISMATCH_RELATION_TYPE' });
    expect(await resourceRoles.updateRoleDerivationConditions('folder', 'viewer', { no_direct_roles_on_object: true })).toEqual({ no_direct_roles_on_object: true });
    expect(await resourceRoles.get('folder', 'viewer')).toMatchObject({ granted_to: { when: { no_direct_roles_on_object: true }, users_with_role: [rule] } });
    await resourceRoles.deleteRoleDerivation('folder', 'viewer', rule);
    expect(await resourceRoles.get('folder', 'viewer')).toMatchObject({ granted_to: { users_with_role: [] } });
  });

  test('a role or a relation that goes takes the derivations by it along', async () => {
    const rules = async () => (await permit.api.resourceRoles.get('document', 'editor') as unknown as { readonly granted_to: { readonly users_with_role: readonly object[] } }).granted_to.users_with_role;
    await addDocuments(permit);
    expect(await rules()).toHaveLength(1);
    await permit.api.resourceRoles.delete('folder', 'editor');
    expect(await rules()).toEqual([]);
    await permit.api.resourceRoles.createRoleDerivation('document', 'editor', { role: 'viewer', on_resource: 'folder', linked_by_relation: 'parent' });
    await permit.api.resourceRelations.delete('document', 'parent');
    expect(await rules()).toEqual([]);
  });

  test('relations: create, get, delete with the tuples of it', async () => {
    await addDocuments(permit);
    expect(await permit.api.resourceRelations.create('document', { key: 'copy_of', name: 'Copy', subject_resource: 'document' })).toMatchObject({ subject_resource: 'document', object_resource: 'document', ...TAIL });
    await permit.api.relationshipTuples.create({ subject: 'document:a', relation: 'copy_of', object: 'document:b', tenant: 'default' });
    await permit.api.resourceRelations.delete('document', 'copy_of');
    expect(await permit.api.relationshipTuples.list({})).toEqual([]);
  });
});

describe('role assignments', () => {
  beforeEach(async () => {
    await addDocuments(permit);
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer' });
    await addUsers(permit, 3);
  });

  test('assign and unassign in a tenant', async () => {
    const one = { user: 'user-0', role: 'viewer', tenant: 'default' };
    const { updated_at: _, ...tail } = TAIL;
    expect(await permit.api.roleAssignments.assign(one)).toEqual({ ...one, resource_instance: null, resource_instance_id: null, user_id: TAIL.id, role_id: TAIL.id, tenant_id: TAIL.id, ...tail });
    expect(await failure(permit.api.users.assignRole(one))).toMatchObject({ status: 409 });
    expect(await permit.api.users.getAssignedRoles({ user: 'user-0', tenant: 'default' })).toHaveLength(1);
    await permit.api.users.unassignRole(one);
    expect(await permit.api.roleAssignments.list({})).toEqual([]);
    expect(await failure(permit.api.roleAssignments.unassign(one))).toMatchObject({ status: 404 });
  });

  test('on an instance, which is created, or whose tenant is taken', async () => {
    expect(await permit.api.roleAssignments.assign({ user: 'user-0', role: 'editor', resource_instance: 'document:d', tenant: 'default' })).toMatchObject({ resource_instance: 'document:d', tenant: 'default' });
    expect(await permit.api.roleAssignments.assign({ user: 'user-1', role: 'editor', resource_instance: 'document:d' })).toMatchObject({ resource_instance: 'document:d', tenant: 'default' });
    expect(await permit.api.resourceInstances.list()).toMatchObject([{ key: 'd', resource: 'document', tenant: 'default', attributes: {} }]);
    await permit.api.tenants.create({ key: 'acme', name: 'Acme' });
    expect(await failure(permit.api.roleAssignments.assign({ user: 'user-2', role: 'editor', resource_instance: 'document:d', tenant: 'acme' }))).toMatchObject({ status: 400, code: 'MISMATCH_RESOURCE_INSTANCES_TENANTS' });
    expect(await failure(permit.api.roleAssignments.assign({ user: 'user-2', role: 'editor', resource_instance: 'document:new' }))).toMatchObject({ status: 400, code: 'INVALID_INPUT' });
    expect(await failure(permit.api.roleAssignments.unassign({ user: 'user-0', role: 'editor', resource_instance: 'document:new' }))).toMatchObject({ status: 404 });
    await permit.api.roleAssignments.unassign({ user: 'user-0', role: 'editor', resource_instance: 'document:d' });
    expect((await permit.api.roleAssignments.list({})).map(({ user }) => user)).toEqual(['user-1']);
  });

  test('bulk counts what it did, and does all or nothing', async () => {
    const both = ['user-0', 'user-1'].map((user) => ({ user, role: 'viewer', tenant: 'default' }));
    expect(await failure(permit.api.roleAssignments.bulkAssign([...both, { user: 'nobody', role: 'viewer', tenant: 'default' }]))).toMatchObject({ status: 404 });
    expect(await permit.api.roleAssignments.bulkAssign(both)).toEqual({ assignments_created: 2 });
    expect(await permit.api.roleAssignments.bulkUnassign([both[0]!])).toEqual({ assignments_removed: 1 });
    expect((await permit.api.roleAssignments.list({})).map(({ user }) => user)).toEqual(['user-1']);
  });
});

describe('instances and tuples', () => {
  beforeEach(() => addDocuments(permit));

  test('instances: create, get by id and by type:key, update, delete', async () => {
    const made = await permit.api.resourceInstances.create({ key: 'd1', resource: 'document', tenant: 'default', attributes: { pages: 3 } });
    expect(made).toEqual({ key: 'd1', resource: 'document', tenant: 'default', resource_id: TAIL.id, tenant_id: TAIL.id, attributes: { pages: 3 }, ...TAIL });
    expect(await permit.api.resourceInstances.get('document:d1')).toEqual(made);
    expect(emulator.requests.at(-1)!.url).toContain('/resource_instances/document%3Ad1');
    expect(await permit.api.resourceInstances.getById(made.id)).toEqual(made);
    expect(await permit.api.resourceInstances.update('document:d1', { attributes: { pages: 4 } })).toMatchObject({ attributes: { pages: 4 } });
    expect(await failure(permit.api.resourceInstances.update('document:d1', { attributes: { pages: 'four' } }))).toMatchObject({ status: 400, code: 'MISMATCH_ATTRIBUTES_TYPES' });
    await permit.api.resourceInstances.delete('document:d1');
    expect(await permit.api.resourceInstances.list()).toEqual([]);
  });

  test('a tuple creates the instances that it names, in its tenant', async () => {
    const tuple = { subject: 'folder:f', relation: 'parent', object: 'document:d' };
    expect(await failure(permit.api.relationshipTuples.create(tuple))).toMatchObject({ status: 400, code: 'INVALID_INPUT' });
    expect(await permit.api.relationshipTuples.create({ ...tuple, tenant: 'default' })).toEqual({ ...tuple, tenant: 'default', subject_id: TAIL.id, relation_id: TAIL.id, object_id: TAIL.id, tenant_id: TAIL.id, ...TAIL });
    expect((await permit.api.resourceInstances.list()).map(({ resource, key }) => `${resource}:${key}`)).toEqual(['folder:f', 'document:d']);
    expect(await failure(permit.api.relationshipTuples.create({ ...tuple, tenant: 'default' }))).toMatchObject({ status: 409 });
    await permit.api.relationshipTuples.delete(tuple);
    expect(await permit.api.relationshipTuples.list({})).toEqual([]);
    expect(await failure(permit.api.relationshipTuples.delete(tuple))).toMatchObject({ status: 404 });
  });

  test('a tuple of another type, or over two tenants, is refused', async () => {
    await permit.api.tenants.create({ key: 'acme', name: 'Acme' });
    await permit.api.resourceInstances.create({ key: 'f', resource: 'folder', tenant: 'acme' });
    await permit.api.resourceInstances.create({ key: 'd', resource: 'document', tenant: 'default' });
    expect(await failure(permit.api.relationshipTuples.create({ subject: 'folder:f', relation: 'parent', object: 'document:d' }))).toMatchObject({ status: 400, code: 'MISMATCH_RESOURCE_INSTANCES_TENANTS' });
    expect(await failure(permit.api.relationshipTuples.create({ subject: 'document:x', relation: 'parent', object: 'document:d' }))).toMatchObject({ status: 400, code: 'MISMATCH_RELATION_TYPE' });
    expect(await failure(permit.api.relationshipTuples.create({ subject: 'folder:f', relation: 'owner', object: 'document:d' }))).toMatchObject({ status: 404 });
  });

  test('a deleted instance takes the roles on it along', async () => {
    await permit.api.users.create({ key: 'u' });
    await permit.api.roleAssignments.assign({ user: 'u', role: 'editor', resource_instance: 'document:d', tenant: 'default' });
    await permit.api.resourceInstances.delete('document:d');
    expect([await permit.api.roleAssignments.list({}), (await permit.api.users.get('u')).associated_tenants]).toEqual([[], []]);
  });

  test('bulk create and delete of tuples; a deleted instance takes its tuples along', async () => {
    const tuples = [1, 2, 3].map((n) => ({ subject: 'folder:f', relation: 'parent', object: `document:d${n}`, tenant: 'default' }));
    expect(await failure(permit.api.relationshipTuples.bulkRelationshipTuples([...tuples, { ...tuples[0]!, relation: 'none' }]))).toMatchObject({ status: 404 });
    expect(await permit.api.relationshipTuples.list({})).toEqual([]);
    await permit.api.relationshipTuples.bulkRelationshipTuples(tuples);
    expect(await permit.api.relationshipTuples.list({})).toHaveLength(3);
    await permit.api.relationshipTuples.bulkUnRelationshipTuples(tuples.slice(0, 1).map(({ tenant: _, ...tuple }) => tuple));
    await permit.api.resourceInstances.delete('document:d3');
    expect((await permit.api.relationshipTuples.list({})).map(({ object }) => object)).toEqual(['document:d2']);
  });
});

describe('condition sets and rules', () => {
  beforeEach(() => addDocuments(permit));

  const conditions = { allOf: [{ allOf: [{ 'user.email': { contains: '@acme' } }] }] };

  test('sets: create, get, update, delete with those below and the rules', async () => {
    const { conditionSets, conditionSetRules } = permit.api;
    const acme = await conditionSets.create({ key: 'acme', name: 'Acme', type: 'userset', conditions });
    expect(acme).toEqual({ key: 'acme', type: 'userset', autogenerated: false, resource_id: null, resource: null, name: 'Acme', description: null, conditions, parent_id: null, ...TAIL });
    const below = await conditionSets.create({ key: 'below', name: 'Below', type: 'userset', conditions: {}, parent_id: 'acme' } as unknown as Parameters<typeof conditionSets.create>[0]);
    expect(below.parent_id).toBe(acme.id);
    expect(await conditionSets.create({ key: 'long', name: 'Long', type: 'resourceset', resource_id: 'document', conditions: { 'resource.pages': { 'greater-than': 100 } } } as unknown as Parameters<typeof conditionSets.create>[0]))
      .toMatchObject({ type: 'resourceset', resource: { key: 'document' } });
    expect(await conditionSets.update('acme', { name: 'ACME' })).toMatchObject({ name: 'ACME', conditions });
    await conditionSetRules.create({ user_set: 'below', permission: 'document:read', resource_set: 'long' });
    await conditionSets.delete('acme');
    expect((await conditionSets.list()).map(({ key }) => key)).toEqual(['long']);
    expect(await conditionSetRules.list(ALL_RULES)).toEqual([]);
  });

  test('a parent must be of the same type, and no set is its own ancestor', async () => {
    const { conditionSets } = permit.api;
    await conditionSets.create({ key: 'a', name: 'A', type: 'userset' });
    const under = (parent: string) => ({ parent_id: parent }) as unknown as Parameters<typeof conditionSets.update>[1];
    await conditionSets.create({ key: 'b', name: 'B', type: 'userset', ...under('a') });
    await conditionSets.create({ key: 'r', name: 'R', type: 'resourceset', resource_id: 'document' as unknown as object });
    expect(await failure(conditionSets.update('a', under('b')))).toMatchObject({ status: 400 });
    expect(await failure(conditionSets.update('a', under('a')))).toMatchObject({ status: 400 });
    expect(await failure(conditionSets.update('a', under('r')))).toMatchObject({ status: 400 });
  });

  test('rules: the SDK takes the first of the array; plain roles and resources stand as __autogen_', async () => {
    const { conditionSetRules } = permit.api;
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer' });
    const made = await conditionSetRules.create({ user_set: 'viewer', is_role: true, permission: 'document:read', resource_set: 'folder', is_resource: true });
    expect(made).toMatchObject({ user_set: '__autogen_viewer', permission: 'document:read', resource_set: '__autogen_folder', ...TAIL });
    expect(await conditionSetRules.list({ userSetKey: '__autogen_viewer', permissionKey: 'document:read', resourceSetKey: '__autogen_folder' })).toEqual([made]);
    expect(await conditionSetRules.list({ permissionKey: 'document:write' } as typeof ALL_RULES)).toEqual([]);
    expect(await failure(conditionSetRules.create({ user_set: '__autogen_viewer', permission: 'document:read', resource_set: '__autogen_folder' }))).toMatchObject({ status: 409 });
    await conditionSetRules.delete({ user_set: 'viewer', is_role: true, permission: 'document:read', resource_set: 'folder', is_resource: true });
    expect(await conditionSetRules.list(ALL_RULES)).toEqual([]);
  });
});
