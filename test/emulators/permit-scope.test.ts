// What a key opens, and what else the API shows of itself: projects, environments, counts, the document of a PDP.
import { gzipSync } from 'node:zlib';
import { PermitContextError } from 'permitio';
import { addDocuments, addUsers, ask, closeEmulators, FACTS, failure, SCHEMA, sdk, start } from './harness.ts';
import { DEMO_KEYS, PROJECT, type Emulator } from './permit/emulator.ts';

let emulator: Emulator;

beforeEach(async () => { emulator = await start(); });
afterEach(closeEmulators);

const scopeOf = async (key: string) => (await ask(emulator, 'GET', '/v2/api-key/scope', { key })).body;

describe('three levels of keys', () => {
  test('the scope names what a key is for', async () => {
    const id = expect.stringMatching(/^[0-9a-f]{32}$/);
    expect(await scopeOf(DEMO_KEYS.production)).toEqual({ organization_id: id, project_id: id, environment_id: id });
    expect(await scopeOf(DEMO_KEYS.project)).toEqual({ organization_id: id, project_id: id, environment_id: null });
    expect(await scopeOf(DEMO_KEYS.organization)).toEqual({ organization_id: id, project_id: null, environment_id: null });
  });

  test('the SDK refuses schema and facts by itself without a key of an environment', async () => {
    for (const key of [DEMO_KEYS.project, DEMO_KEYS.organization]) {
      await expect(sdk(emulator, key).api.roles.list()).rejects.toThrow(PermitContextError);
      await expect(sdk(emulator, key).api.users.list()).rejects.toThrow(PermitContextError);
    }
    expect(emulator.requests.every(({ url }) => url === '/v2/api-key/scope')).toBe(true);
  });

  test('F19: ids in paths and filters may have the dashes of a UUID; a user\'s roles lie under the user too', async () => {
    const { project_id: project, environment_id: environment } = await scopeOf(DEMO_KEYS.production) as { project_id: string; environment_id: string };
    const dashed = (id: string) => id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    const facts = `/v2/facts/${dashed(project)}/${dashed(environment).toUpperCase()}`;
    await ask(emulator, 'POST', `${SCHEMA}/roles`, { body: { key: 'viewer', name: 'Viewer' } });
    const { id } = (await ask(emulator, 'POST', `${facts}/users`, { body: { key: 'u' } })).body as { id: string };
    const held = { role: 'viewer', tenant: 'default' };
    expect(await ask(emulator, 'POST', `${facts}/users/${dashed(id)}/roles`, { body: held })).toMatchObject({ status: 200, body: { user: 'u', ...held } });
    expect(await ask(emulator, 'POST', `${facts}/users/u/roles`, { body: held })).toMatchObject({ status: 409 });
    expect(await ask(emulator, 'GET', `${facts}/role_assignments?user=${dashed(id)}`)).toMatchObject({ body: [{ user: 'u' }] });
    expect(await ask(emulator, 'DELETE', `${facts}/users/u/roles`, { body: held })).toMatchObject({ status: 204 });
    expect(await ask(emulator, 'GET', `${facts}/users/${id}-`)).toMatchObject({ status: 404 });
    expect(await ask(emulator, 'GET', `/v2/facts/${dashed(project)}/${dashed(id)}/users`)).toMatchObject({ status: 403 });
  });

  test.each([['none', undefined], ['a wrong one', 'permit_key_wrong'], ['an empty one', '']])('%s is 401, everywhere', async (_name, key) => {
    for (const path of ['/v2/api-key/scope', `${SCHEMA}/roles`, `${FACTS}/users`, '/v2/projects']) {
      expect(await ask(emulator, 'GET', path, { key })).toMatchObject({ status: 401, body: { error_code: 'UNAUTHORIZED', message: expect.any(String) } });
    }
  });

  test('the SDK hides whether the key is wrong or the API is down', async () => {
    await expect(sdk(emulator, 'permit_key_wrong').api.roles.list()).rejects.toThrow('could not fetch the api key scope');
    emulator.faults.add({ kind: 'status', status: 503 });
    await expect(sdk(emulator).api.roles.list()).rejects.toThrow('could not fetch the api key scope');
  });

  test('a foreign environment is 403, whether it exists or not; what is nowhere is 404 to who may know', async () => {
    for (const path of [`/v2/facts/${PROJECT}/staging/users`, `/v2/facts/${PROJECT}/nowhere/users`, '/v2/facts/other/production/users', `/v2/projects/${PROJECT}/envs/staging`]) {
      expect(await ask(emulator, 'GET', path)).toMatchObject({ status: 403, body: { error_code: 'FORBIDDEN_ACCESS' } });
    }
    expect(await ask(emulator, 'GET', `/v2/facts/${PROJECT}/nowhere/users`, { key: DEMO_KEYS.project })).toMatchObject({ status: 404 });
    expect(await ask(emulator, 'GET', `/v2/facts/${PROJECT}/staging/users`, { key: DEMO_KEYS.organization })).toMatchObject({ status: 200 });
  });

  test('environments are found by id as by key, and hold nothing of each other', async () => {
    const { project_id, environment_id } = await scopeOf(DEMO_KEYS.production) as { readonly project_id: string; readonly environment_id: string };
    await addUsers(sdk(emulator), 1);
    expect(await ask(emulator, 'GET', `/v2/facts/${project_id}/${environment_id}/users/user-0`)).toMatchObject({ status: 200 });
    expect((await sdk(emulator, DEMO_KEYS.staging).api.users.list()).data).toEqual([]);
  });

  test('a key that is rotated is refused from then on, and the new one opens the same', async () => {
    const before = await scopeOf(DEMO_KEYS.production);
    emulator.rotateKey(DEMO_KEYS.production, 'permit_key_new');
    expect(await ask(emulator, 'GET', '/v2/api-key/scope')).toMatchObject({ status: 401 });
    expect(await scopeOf('permit_key_new')).toEqual(before);
  });
});

describe('projects and environments', () => {
  test('an environment is created, counted, renamed, opened by its key and deleted', async () => {
    const { api } = sdk(emulator, DEMO_KEYS.project);
    expect((await api.projects.list()).map(({ key }) => key)).toEqual([PROJECT]);
    expect(await api.environments.create(PROJECT, { key: 'test', name: 'Test' })).toMatchObject({ key: 'test' });
    expect((await api.environments.list({ projectKey: PROJECT })).map(({ key }) => key)).toEqual(['production', 'staging', 'test']);
    const { secret } = await api.environments.getApiKey(PROJECT, 'test');
    const permit = sdk(emulator, secret!);
    await addDocuments(permit);
    await addUsers(permit, 2);
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer' });
    await permit.api.conditionSetRules.create({ user_set: 'viewer', is_role: true, permission: 'folder:read', resource_set: 'folder', is_resource: true });
    expect((await api.environments.getStats(PROJECT, 'test')).stats).toMatchObject({ roles: 1, users: 2, resources: 3, tenants: 1, policies: 1 });
    expect(await api.environments.update(PROJECT, 'test', { name: 'Trial' })).toMatchObject({ name: 'Trial' });
    await api.environments.delete(PROJECT, 'test');
    expect(await ask(emulator, 'GET', '/v2/api-key/scope', { key: secret })).toMatchObject({ status: 401 });
    expect(await failure(api.environments.get(PROJECT, 'test'))).toMatchObject({ status: 404 });
  });

  test('a key of an environment counts its own, and may not create or delete', async () => {
    const { api } = sdk(emulator);
    expect((await api.environments.getStats(PROJECT, 'production')).stats).toMatchObject({ roles: 0, users: 0, resources: 0, tenants: 1 });
    expect((await api.environments.list({ projectKey: PROJECT })).map(({ key }) => key)).toEqual(['production']);
    expect(await failure(api.environments.delete(PROJECT, 'production'))).toMatchObject({ status: 403, code: 'MISSING_PERMISSIONS' });
    expect(await ask(emulator, 'POST', '/v2/projects', { key: DEMO_KEYS.project, body: { key: 'p', name: 'P' } })).toMatchObject({ status: 403 });
    expect(await ask(emulator, 'POST', '/v2/projects', { key: DEMO_KEYS.organization, body: { key: 'p', name: 'P' } })).toMatchObject({ status: 200, body: { key: 'p' } });
  });
});

describe('what a PDP asks for', () => {
  test('the data document', async () => {
    const permit = sdk(emulator);
    await addDocuments(permit);
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer', permissions: ['document:read'] });
    await permit.api.users.create({ key: 'u', email: 'u@acme.example', attributes: { team: 'growth' }, role_assignments: [{ role: 'viewer', tenant: 'default' }] });
    await permit.api.roleAssignments.assign({ user: 'u', role: 'editor', resource_instance: 'folder:f1', tenant: 'default' });
    await permit.api.relationshipTuples.create({ subject: 'folder:f1', relation: 'parent', object: 'document:d1' });
    await permit.api.conditionSets.create({ key: 'x_y-z', name: 'X', type: 'userset', conditions: {} });
    const { organization_id, project_id, environment_id } = await scopeOf(DEMO_KEYS.production) as Readonly<Record<string, string>>;
    const path = `/v2/internal/opal_data/${organization_id}/${project_id}/${environment_id}`;
    const { body } = await ask(emulator, 'GET', path);
    expect(body).toMatchObject({
      users: { u: { roleAssignments: { default: ['viewer'] }, attributes: { key: 'u', email: 'u@acme.example', team: 'growth' } } },
      tenants: { default: { attributes: {} } },
      roles: { viewer: { grants: { document: ['read'] } } },
      role_permissions: { __tenant: { viewer: { grants: { document: ['read'] } } }, folder: { editor: { grants: { folder: ['read', 'write'] } } } },
      condition_sets: { userset_x_5fy_2dz: { type: 'userset', key: 'x_y-z' } },
      resource_instances: { 'document:d1': { tenant: 'default', attributes: {} } },
      relationships: { 'document:d1': { 'relation:parent': { folder: ['f1'] } } },
      resource_types: { document: { actions: ['read', 'write'], derived_roles: { editor: { settings: { superseded_by_direct_role: false }, rules: [{ related_resource: 'folder', related_role: 'editor', relation: 'parent' }] } } } },
      role_assignments: { 'user:u': { '__tenant:default': ['viewer', 'tenant-association'], 'folder:f1': ['editor'] } },
      mapping_rules: { all: [] },
    });
    expect((await ask(emulator, 'GET', `${path}/relationships`)).body).toEqual({ 'document:d1': { 'relation:parent': { folder: ['f1'] } } });
    expect(await ask(emulator, 'GET', path, { key: DEMO_KEYS.staging })).toMatchObject({ status: 403 });
    expect(await ask(emulator, 'GET', path.replace(organization_id!, 'f'.repeat(32)))).toMatchObject({ status: 403 });
  });

  test('its configuration is a stub, and its decision log, gzipped, is kept', async () => {
    expect(await ask(emulator, 'POST', '/v2/pdps/me/config', { body: { pdp_instance_id: 'x' } })).toMatchObject({ status: 200, body: { context: await scopeOfPdp() } });
    const headers = { 'authorization': `Bearer ${DEMO_KEYS.production}`, 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const upload = await fetch(`${emulator.url}/v2/decision-logs/ingress`, { method: 'POST', headers, body: gzipSync(JSON.stringify([{ decision_id: '1' }, { decision_id: '2' }])) });
    expect(upload.status).toBe(200);
    expect(emulator.decisionLogs).toEqual([{ decision_id: '1' }, { decision_id: '2' }]);
    await ask(emulator, 'POST', '/v2/decision-logs/ingress', { body: Array.from({ length: 999 }, (_, n) => ({ decision_id: `${n + 3}` })) });
    expect([emulator.decisionLogs.length, emulator.decisionLogs[0], emulator.decisionLogs.at(-1)]).toEqual([1000, { decision_id: '2' }, { decision_id: '1001' }]);
  });

  async function scopeOfPdp() {
    const { organization_id, project_id, environment_id } = await scopeOf(DEMO_KEYS.production) as Readonly<Record<string, string>>;
    return { org_id: organization_id, project_id, env_id: environment_id, client_id: expect.any(String) };
  }
});
