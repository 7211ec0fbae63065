// The traps: how lists are paged and counted, what is found by what, which body is refused, what a key opens.
import type { Permit } from 'permitio';
import { addDocuments, addUsers, ALL_RULES, ask, closeEmulators, FACTS, failure, SCHEMA, sdk, start } from './harness.ts';
import { DEMO_KEYS, type Emulator } from './permit/emulator.ts';

let emulator: Emulator;
let permit: Permit;

beforeEach(async () => {
  emulator = await start();
  permit = sdk(emulator);
});
afterEach(closeEmulators);

const lengthOf = (body: unknown) => (Array.isArray(body) ? body : (body as { readonly data: readonly unknown[] }).data).length;

describe('pages', () => {
  test('of 30 rows by default: a list of the SDK without page parameters ends there, without an error', async () => {
    await addUsers(permit, 65);
    const { data, total_count, page_count } = await permit.api.users.list();
    expect([data.length, total_count, page_count]).toEqual([30, 65, 3]);
    expect(emulator.requests.at(-1)!.url).toBe(`/v2/facts/${await scope()}/users`);
    const pages = await Promise.all([1, 2, 3, 4].map((page) => permit.api.users.list({ page, perPage: 30 })));
    expect(pages.map((page) => page.data.length)).toEqual([30, 30, 5, 0]);
    expect(new Set(pages.flatMap((page) => page.data.map(({ key }) => key))).size).toBe(65);
  });

  test('so do tenants, tuples and instances; what the SDK pages by itself comes 100 at a time', async () => {
    await addDocuments(permit);
    await permit.api.relationshipTuples.bulkRelationshipTuples(Array.from({ length: 120 }, (_, n) => ({ subject: 'folder:f', relation: 'parent', object: `document:d${n}`, tenant: 'default' })));
    for (let n = 0; n < 40; n += 1) await permit.api.tenants.create({ key: `t${n}`, name: `T${n}` });
    for (let n = 0; n < 120; n += 1) emulator.act({ method: 'POST', url: `${SCHEMA}/roles`, body: { key: `r${n}`, name: `R${n}` } });
    expect(await permit.api.tenants.list()).toHaveLength(30);
    expect(await permit.api.relationshipTuples.list({})).toHaveLength(30);
    expect(await permit.api.resourceInstances.list()).toHaveLength(30);
    expect(await permit.api.roles.list()).toHaveLength(100);
    expect(emulator.requests.at(-1)!.url).toContain('/roles?page=1&per_page=100');
    expect(await permit.api.roles.list({ page: 2 })).toHaveLength(20);
  });

  test.each([
    ['per_page=101', 'per_page'], ['per_page=0', 'per_page'], ['per_page=ten', 'per_page'], ['per_page=1.5', 'per_page'], ['per_page=', 'per_page'],
    ['page=0', 'page'], ['page=-1', 'page'], ['page=x', 'page'], ['include_total_count=maybe', 'include_total_count'],
  ])('%s is 422 with the place', async (query, name) => {
    const { status, body } = await ask(emulator, 'GET', `${SCHEMA}/roles?${query}`);
    expect([status, body]).toEqual([422, { detail: [{ loc: ['query', name], msg: expect.any(String), type: expect.any(String) }] }]);
  });

  test('100 a page is allowed, and so is a page after the last', async () => {
    expect((await ask(emulator, 'GET', `${SCHEMA}/roles?per_page=100&page=1000`)).body).toEqual([]);
  });

  test('are in the order of creation; a row that was made in the past comes first', async () => {
    await addUsers(permit, 3);
    emulator.act({ method: 'POST', url: `${FACTS}/users`, body: { key: 'early' }, skewMs: -60_000 });
    emulator.act({ method: 'POST', url: `${FACTS}/users`, body: { key: 'late' } });
    expect((await permit.api.users.list()).data.map(({ key }) => key)).toEqual(['early', 'user-0', 'user-1', 'user-2', 'late']);
  });
});

async function scope(): Promise<string> {
  const { body } = await ask(emulator, 'GET', '/v2/api-key/scope');
  const { project_id, environment_id } = body as { readonly project_id: string; readonly environment_id: string };
  return `${project_id}/${environment_id}`;
}

describe('the form of a list', () => {
  const PAGED = { data: expect.any(Array), total_count: expect.any(Number), page_count: expect.any(Number) };

  test.each([
    ['an array, or counted with the flag', [`${SCHEMA}/resources`, `${SCHEMA}/roles`, `${SCHEMA}/condition_sets`, `${FACTS}/role_assignments`], expect.any(Array), PAGED],
    ['always counted', [`${FACTS}/users`, `${FACTS}/tenants/default/users`, `${SCHEMA}/resources/document/relations`, `${FACTS}/role_assignments/detailed`, `${FACTS}/relationship_tuples/detailed`, `${FACTS}/resource_instances/detailed`], PAGED, PAGED],
    ['always an array', [
      `${FACTS}/tenants`, `${FACTS}/relationship_tuples`, `${FACTS}/resource_instances`, `${FACTS}/set_rules`, `${SCHEMA}/users/attributes`,
      ...['roles', 'attributes', 'actions', 'action_groups'].map((part) => `${SCHEMA}/resources/document/${part}`),
    ], expect.any(Array), expect.any(Array)],
  ])('%s', async (_form, paths, plain, flagged) => {
    await addDocuments(permit);
    for (const path of paths) {
      expect((await ask(emulator, 'GET', path)).body).toEqual(plain);
      expect((await ask(emulator, 'GET', `${path}?include_total_count=true`)).body).toEqual(flagged);
    }
  });

  test('the SDK takes relations for an array, and gets what there is', async () => {
    await addDocuments(permit);
    const relations: unknown = await permit.api.resourceRelations.list({ resourceKey: 'document' });
    expect(relations).toMatchObject({ data: [{ key: 'parent', subject_resource: 'folder' }], total_count: 1, page_count: 1 });
  });

  test('detailed rows hold what they name', async () => {
    await addDocuments(permit);
    await addUsers(permit, 1);
    await permit.api.roleAssignments.assign({ user: 'user-0', role: 'editor', resource_instance: 'document:d', tenant: 'default' });
    await permit.api.relationshipTuples.create({ subject: 'folder:f', relation: 'parent', object: 'document:d', tenant: 'default' });
    expect(await permit.api.roleAssignments.list({ detailed: true })).toMatchObject([{ user: { key: 'user-0' }, role: { key: 'editor', permissions: ['document:write'] }, tenant: { key: 'default' }, resource_instance: { key: 'd', resource: 'document' } }]);
    expect((await ask(emulator, 'GET', `${FACTS}/relationship_tuples/detailed`)).body).toMatchObject({ data: [{ subject_details: { key: 'f' }, object_details: { key: 'd' }, relation_details: { key: 'parent' } }] });
    expect((await ask(emulator, 'GET', `${FACTS}/resource_instances/detailed`)).body).toMatchObject({ data: [{ key: 'd', relationships: [{ subject: 'folder:f' }] }, { key: 'f', relationships: [] }] });
  });

  test('built-in types are hidden unless they are asked for; the attributes of users are those of __user', async () => {
    expect((await ask(emulator, 'GET', `${SCHEMA}/resources?include_built_in=true`)).body).toMatchObject([{ key: '__user' }, { key: '__tenant' }]);
    await permit.api.resourceAttributes.create('__user', { key: 'clearance', type: 'number' });
    const attributes = await permit.api.resourceAttributes.list({ resourceKey: '__user' });
    expect(attributes).toMatchObject([{ key: 'clearance', type: 'number', resource_key: '__user' }]);
    expect((await ask(emulator, 'GET', `${SCHEMA}/users/attributes`)).body).toEqual(attributes);
  });

  test('last_action_at of a tenant changes from reading to reading, the rest does not', async () => {
    const first = await permit.api.tenants.get('default');
    emulator.skew(5000);
    const { last_action_at, ...rest } = await permit.api.tenants.get('default');
    expect(last_action_at).not.toBe(first.last_action_at);
    expect({ ...rest, last_action_at: first.last_action_at }).toEqual(first);
  });
});

describe('what a list finds', () => {
  test('search takes part of a key, one row of ten', async () => {
    await addUsers(permit, 10);
    expect((await permit.api.users.list({ search: 'user-1' })).data.map(({ key }) => key)).toEqual(['user-1']);
    expect(await permit.api.tenants.list({ search: 'DEFAULT' })).toHaveLength(1);
  });

  test('role assignments by user, role, tenant and instance, each of which may be repeated', async () => {
    await addDocuments(permit);
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer' });
    await addUsers(permit, 3);
    for (let n = 0; n < 3; n += 1) await permit.api.roleAssignments.assign({ user: `user-${n}`, role: 'viewer', tenant: 'default' });
    await permit.api.roleAssignments.assign({ user: 'user-0', role: 'editor', tenant: 'default', resource_instance: 'document:d' });
    const found = async (filter: Parameters<typeof permit.api.roleAssignments.list>[0]) => (await permit.api.roleAssignments.list(filter) as readonly { readonly user: string; readonly role: string }[]).map(({ user, role }) => `${user} ${role}`);
    expect(await found({ user: ['user-0', 'user-2'] as unknown as string })).toEqual(['user-0 viewer', 'user-2 viewer', 'user-0 editor']);
    expect(emulator.requests.at(-1)!.url).toContain('?user=user-0&user=user-2&');
    expect(await found({ role: 'editor' })).toEqual(['user-0 editor']);
    expect(await found({ user: 'user-0', tenant: 'default', resourceInstance: 'document:d' })).toEqual(['user-0 editor']);
    expect(await found({ user: 'nobody' })).toEqual([]);
    expect((await permit.api.users.list({ role: 'editor' })).data.map(({ key }) => key)).toEqual(['user-0']);
    expect(await permit.api.roleAssignments.list({ includeTotalCount: true, perPage: 2 })).toMatchObject({ total_count: 4, page_count: 2, data: [{}, {}] });
  });

  test('rules by set and permission, condition sets by type', async () => {
    await addDocuments(permit);
    for (const key of ['viewer', 'editor']) {
      await permit.api.roles.create({ key, name: key });
      await permit.api.conditionSetRules.create({ user_set: key, is_role: true, permission: 'document:read', resource_set: 'document', is_resource: true });
    }
    const rules = await permit.api.conditionSetRules.list({ ...ALL_RULES, userSetKey: '__autogen_editor' });
    expect(rules.map(({ user_set }) => user_set)).toEqual(['__autogen_editor']);
    expect((await ask(emulator, 'GET', `${SCHEMA}/condition_sets?type=resourceset`)).body).toMatchObject([{ key: '__autogen_document', type: 'resourceset', autogenerated: true }]);
  });

  test('tuples by each of their parts, instances by type and tenant, with ids as with keys', async () => {
    await addDocuments(permit);
    const { relationshipTuples, resourceInstances, tenants, resources } = permit.api;
    const tuple = await relationshipTuples.create({ subject: 'folder:f', relation: 'parent', object: 'document:d', tenant: 'default' });
    await relationshipTuples.create({ subject: 'account:a', relation: 'account', object: 'folder:f' });
    for (const filter of [{ objectType: 'document' }, { subject: 'folder:f' }, { subject: tuple.subject_id }, { relation: 'parent' }, { object: 'document:d' }, { subjectType: 'folder' }]) {
      expect((await relationshipTuples.list(filter)).map(({ id }) => id)).toEqual([tuple.id]);
    }
    expect(await relationshipTuples.list({ tenant: 'nowhere' })).toEqual([]);
    const { id: folder } = await resources.get('folder');
    const { id: tenant } = await tenants.get('default');
    expect((await resourceInstances.list({ resource: folder, tenant })).map(({ key }) => key)).toEqual(['f']);
  });
});

describe('bodies', () => {
  const user = (key: unknown) => ['POST', `${FACTS}/users`, { key }] as const;

  test.each([
    ['a user with a colon', ...user('service:telemetry'), ['body', 'key']],
    ['a user that is a number', ...user(7), ['body', 'key']],
    ['a user without a key', 'POST', `${FACTS}/users`, {}, ['body', 'key']],
    ['a user that is a list', 'POST', `${FACTS}/users`, [], ['body']],
    ['an e-mail that is no text', 'POST', `${FACTS}/users`, { key: 'u', email: 7 }, ['body', 'email']],
    ['attributes that are a list', 'POST', `${FACTS}/users`, { key: 'u', attributes: [] }, ['body', 'attributes']],
    ['a role with a dot', 'POST', `${SCHEMA}/roles`, { key: 'a.b', name: 'A' }, ['body', 'key']],
    ['a role without a name', 'POST', `${SCHEMA}/roles`, { key: 'a' }, ['body', 'name']],
    ['an action with a dot', 'POST', `${SCHEMA}/resources`, { key: 'r', name: 'R', actions: { 'a.b': {} } }, ['body', 'actions', 'a.b']],
    ['a resource without actions', 'POST', `${SCHEMA}/resources`, { key: 'r', name: 'R' }, ['body', 'actions']],
    ['an attribute of no type', 'POST', `${SCHEMA}/resources`, { key: 'r', name: 'R', actions: {}, attributes: { a: { type: 'colour' } } }, ['body', 'attributes', 'a', 'type']],
    ['an instance with a pipe', 'POST', `${FACTS}/resource_instances`, { key: 'a|b', resource: 'r', tenant: 'default' }, ['body', 'key']],
    ['an instance without a tenant', 'POST', `${FACTS}/resource_instances`, { key: 'a', resource: 'r' }, ['body', 'tenant']],
    ['a tenant with a dot', 'POST', `${FACTS}/tenants`, { key: 'a.b', name: 'A' }, ['body', 'key']],
    ['a resource set of no resource', 'POST', `${SCHEMA}/condition_sets`, { key: 's', name: 'S', type: 'resourceset' }, ['body', 'resource_id']],
    ['an assignment to nothing', 'POST', `${FACTS}/role_assignments`, { user: 'u', role: 'r' }, ['body', 'tenant']],
    ['a bulk of no list', 'POST', `${FACTS}/role_assignments/bulk`, { operations: [] }, ['body']],
    ['one of a bulk', 'POST', `${FACTS}/bulk/users`, { operations: [{ key: 'a' }, { key: 'b:c' }] }, ['body', 'operations', 1, 'key']],
  ])('%s is 422 with its place', async (...[, method, path, body, loc]) => {
    if (path.endsWith('role_assignments')) emulator.act({ method: 'POST', url: `${FACTS}/users`, body: { key: 'u' } });
    const answer = await ask(emulator, method, path, { body });
    expect([answer.status, answer.body]).toEqual([422, { detail: [{ loc, msg: expect.any(String), type: expect.any(String) }] }]);
  });

  test('all mistakes are listed; the SDK has no message for them', async () => {
    expect((await ask(emulator, 'POST', `${SCHEMA}/roles`, { body: { key: 'a b', permissions: 'x' } })).body).toMatchObject({ detail: [{ loc: ['body', 'key'] }, { loc: ['body', 'name'] }, { loc: ['body', 'permissions'] }] });
    expect(await failure(permit.api.users.create({ key: 'a:b' }))).toEqual({ status: 422, code: undefined, message: '' });
  });

  test('keys of users take pipes, dots and ats', async () => {
    await permit.api.users.create({ key: 'user|sam.o-k+1@acme_x' });
    expect(await permit.api.users.get('user|sam.o-k+1@acme_x')).toMatchObject({ key: 'user|sam.o-k+1@acme_x' });
  });

  test('what is no JSON is 422, what is too long 413; the emulator says when it is full', async () => {
    const raw = (body: string) => fetch(`${emulator.url}${FACTS}/users`, { method: 'POST', headers: { authorization: `Bearer ${DEMO_KEYS.production}` }, body });
    expect((await raw('{"key":')).status).toBe(422);
    expect((await raw(' '.repeat(17 * 1024 * 1024))).status).toBe(413);
    const small = await start({ maxRows: 20 });
    const { status, body } = await ask(small, 'POST', `${FACTS}/bulk/users`, { body: { operations: Array.from({ length: 20 }, (_, n) => ({ key: `u${n}` })) } });
    expect([status, body]).toEqual([507, { detail: 'The emulator holds 20 rows, and no more.' }]);
  });

  test('errors are Permit\'s: id, title, code, message', async () => {
    expect((await ask(emulator, 'GET', `${SCHEMA}/roles/none`)).body).toEqual({ id: expect.any(String), title: 'not found', error_code: 'NOT_FOUND', message: expect.stringContaining('none') });
    expect((await ask(emulator, 'GET', '/v2/nothing')).body).toEqual({ detail: 'Not Found' });
    expect((await ask(emulator, 'PUT', `${SCHEMA}/roles`)).status).toBe(405);
  });
});

describe('the older way of extending a role', () => {
  test('parents are put and deleted', async () => {
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer' });
    await permit.api.roles.create({ key: 'editor', name: 'Editor' });
    expect((await ask(emulator, 'PUT', `${SCHEMA}/roles/editor/parents/viewer`)).body).toMatchObject({ extends: ['viewer'] });
    expect((await ask(emulator, 'DELETE', `${SCHEMA}/roles/editor/parents/viewer`)).body).toMatchObject({ extends: [] });
  });
});

test('lists stay lists however many rows they hold', async () => {
  await addUsers(permit, 250);
  const sizes = await Promise.all([1, 2, 3].map(async (page) => lengthOf((await ask(emulator, 'GET', `${FACTS}/users?page=${page}&per_page=100`)).body)));
  expect(sizes).toEqual([100, 100, 50]);
});
