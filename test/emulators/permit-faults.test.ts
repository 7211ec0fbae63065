// Each knob: what a client sees of it, and that nothing else is disturbed.
import type { Permit } from 'permitio';
import { addDocuments, addUsers, ask, closeEmulators, FACTS, SCHEMA, sdk, start } from './harness.ts';
import { DEMO_KEYS, type Emulator } from './permit/emulator.ts';
import type { Fault } from './permit/faults.ts';

let emulator: Emulator;
let permit: Permit;

beforeEach(async () => {
  emulator = await start();
  permit = sdk(emulator);
});
afterEach(closeEmulators);

const USERS = '/v2/facts/*/*/users';
const users = (query = '') => ask(emulator, 'GET', `${FACTS}/users${query}`);
const statuses = async (count: number) => {
  const seen: number[] = [];
  while (seen.length < count) seen.push((await users()).status);
  return seen;
};
/** Every user, as a naive client reads them: page by page, to the first that is not full. */
async function readAll(perPage: number): Promise<string[]> {
  const keys: string[] = [];
  for (let page = 1; ; page += 1) {
    const { data } = (await users(`?page=${page}&per_page=${perPage}`)).body as { readonly data: readonly { readonly key: string }[] };
    keys.push(...data.map(({ key }) => key));
    if (data.length < perPage) return keys;
  }
}

describe('no whole answer', () => {
  test('hang: none comes until the client has had enough; other paths answer', async () => {
    emulator.faults.add({ kind: 'hang', path: USERS });
    const asked = fetch(`${emulator.url}${FACTS}/users`, { signal: AbortSignal.timeout(50) });
    await expect(asked).rejects.toThrow('timeout');
    expect((await ask(emulator, 'GET', `${SCHEMA}/roles`)).status).toBe(200);
  });

  test('latency: the answer comes, later', async () => {
    emulator.faults.add({ kind: 'latency', path: USERS, ms: 80 });
    await expect(fetch(`${emulator.url}${FACTS}/users`, { signal: AbortSignal.timeout(10) })).rejects.toThrow('timeout');
    expect((await users()).status).toBe(200);
  });

  test('reset instead of an answer: nothing was done', async () => {
    emulator.faults.add({ kind: 'reset', at: 'start', method: 'POST' });
    await expect(permit.api.users.create({ key: 'u' })).rejects.toMatchObject({ originalError: { code: 'ECONNRESET' } });
    expect((await permit.api.users.list()).data).toEqual([]);
  });

  test('reset after half of the body: it was done, and the client cannot know', async () => {
    emulator.faults.add({ kind: 'reset', method: 'POST' });
    const answer = await fetch(`${emulator.url}${FACTS}/users`, { method: 'POST', headers: { authorization: `Bearer ${DEMO_KEYS.production}` }, body: '{"key":"u"}' });
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow('terminated');
    expect((await permit.api.users.list()).data.map(({ key }) => key)).toEqual(['u']);
  });

  test('truncated: whole for HTTP, half for JSON', async () => {
    await addUsers(permit, 3);
    const { text } = await users();
    emulator.faults.add({ kind: 'truncated', path: USERS });
    const cut = await users();
    expect([cut.status, cut.headers.get('content-type'), cut.body]).toEqual([200, 'application/json', undefined]);
    expect(text.startsWith(cut.text)).toBe(true);
    expect(cut.headers.get('content-length')).toBe(String(cut.text.length));
  });
});

describe('refusals', () => {
  test.each([401, 403, 429, 500, 502, 503])('%i as JSON, with a code that a client may look at', async (status) => {
    emulator.faults.add({ kind: 'status', status });
    expect(await users()).toMatchObject({ status, body: { id: expect.any(String), title: expect.any(String), error_code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) } });
    await expect(permit.api.users.list()).rejects.toThrow();
  });

  test.each([['html', 'text/html', '<html>'], ['null', 'application/json', 'null'], ['empty', null, '']] as const)('as %s', async (body, type, text) => {
    emulator.faults.add({ kind: 'status', status: 502, body });
    const answer = await users();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([502, type]);
    expect(answer.text.startsWith(text)).toBe(true);
    expect(answer.text.length > 0).toBe(text !== '');
  });

  test('a null body makes the SDK throw what is none of its errors', async () => {
    await permit.api.users.list();
    emulator.faults.add({ kind: 'status', status: 500, body: 'null' });
    await expect(permit.api.users.list()).rejects.toThrow(TypeError);
  });

  test('429 with Retry-After is what the SDK waits for, if it is told to', async () => {
    emulator.faults.add({ kind: 'status', status: 429, retryAfter: '0', path: USERS, times: 2 });
    expect((await users()).headers.get('retry-after')).toBe('0');
    const { api } = sdk(emulator, undefined, { retry: { maxRetries: 3, retryDelay: 1 } });
    expect((await api.users.list()).data).toEqual([]);
    expect(emulator.requests.filter(({ url }) => url.includes('/users')).map(({ status }) => status)).toEqual([429, 429, 200]);
  });

  test('a code of one\'s own', async () => {
    emulator.faults.add({ kind: 'status', status: 400, code: 'PAGINATION_SIZE_OVERREACHED', query: { page: '2' } });
    expect((await users('?page=1')).status).toBe(200);
    expect(await users('?page=2')).toMatchObject({ status: 400, body: { error_code: 'PAGINATION_SIZE_OVERREACHED' } });
  });
});

describe('lists that are wrong', () => {
  test('200 with [], whatever was asked; and a list emptied in its own form', async () => {
    await addUsers(permit, 3);
    const empty = emulator.faults.add({ kind: 'empty', path: USERS });
    expect(await users()).toMatchObject({ status: 200, body: [] });
    emulator.faults.remove(empty);
    emulator.faults.add({ kind: 'emptied' });
    expect((await users()).body).toEqual({ data: [], total_count: 0, page_count: 0 });
    expect((await ask(emulator, 'GET', `${FACTS}/tenants`)).body).toEqual([]);
    expect((await ask(emulator, 'GET', `${FACTS}/users/user-0`)).body).toMatchObject({ key: 'user-0' });
  });

  test('a row deleted between pages: another is passed over', async () => {
    await addUsers(permit, 6);
    emulator.faults.add({ kind: 'then', path: USERS, requests: [{ method: 'DELETE', url: `${FACTS}/users/user-0` }] });
    expect(await readAll(3)).toEqual(['user-0', 'user-1', 'user-2', 'user-4', 'user-5']);
    expect(await readAll(3)).toEqual(['user-1', 'user-2', 'user-3', 'user-4', 'user-5']);
  });

  test('a row inserted between pages: at the end it is read, at the start another comes twice', async () => {
    await addUsers(permit, 4);
    const insert = (key: string, skewMs: number): Fault => ({ kind: 'then', path: USERS, requests: [{ method: 'POST', url: `${FACTS}/users`, body: { key }, skewMs }] });
    emulator.faults.add(insert('last', 0));
    expect(await readAll(3)).toEqual(['user-0', 'user-1', 'user-2', 'user-3', 'last']);
    emulator.faults.add(insert('first', -60_000));
    expect(await readAll(3)).toEqual(['user-0', 'user-1', 'user-2', 'user-2', 'user-3', 'last']);
    expect(await readAll(3)).toEqual(['first', 'user-0', 'user-1', 'user-2', 'user-3', 'last']);
  });

  test('what a fault can not do is said to the client that met it', async () => {
    emulator.faults.add({ kind: 'then', path: USERS, requests: [{ method: 'DELETE', url: `${FACTS}/users/nobody` }] });
    expect(await users()).toMatchObject({ status: 500, body: { message: expect.stringContaining('nobody') } });
  });

  test('duplicates: the first rows come twice, and the total does not count them', async () => {
    await addUsers(permit, 3);
    emulator.faults.add({ kind: 'duplicate', path: USERS, rows: 2 });
    expect(await readAll(2)).toEqual(['user-0', 'user-1', 'user-0', 'user-1', 'user-2']);
    expect((await users()).body).toMatchObject({ total_count: 3 });
  });

  test('reorder: every page is cut from another order, the same by the same seed', async () => {
    const read = async () => {
      const seeded = await start({ seed: 7 });
      await addUsers(sdk(seeded), 40);
      seeded.faults.add({ kind: 'reorder', path: USERS });
      emulator = seeded;
      return readAll(10);
    };
    const first = await read();
    expect(first).toHaveLength(40);
    expect(new Set(first).size).toBeLessThan(40);
    expect(await read()).toEqual(first);
  });
});

describe('another version of the API', () => {
  beforeEach(async () => {
    await addDocuments(permit);
    await permit.api.roles.create({ key: 'viewer', name: 'Viewer', attributes: { extends: 'stays' } });
    await permit.api.relationshipTuples.create({ subject: 'folder:f', relation: 'parent', object: 'document:d', tenant: 'default' });
  });

  test('old: without extends, without the tenant of tuples, without when', async () => {
    emulator.faults.add({ kind: 'version', as: 'old' });
    const role = await permit.api.roles.get('viewer');
    expect(role).not.toHaveProperty('extends');
    expect(role.attributes).toEqual({ extends: 'stays' });
    expect((await permit.api.relationshipTuples.list({}))[0]).not.toHaveProperty('tenant');
    expect((await permit.api.resourceInstances.list())[0]).toHaveProperty('tenant', 'default');
    const { granted_to } = await permit.api.resourceRoles.get('document', 'editor') as unknown as { readonly granted_to: { readonly when: object; readonly users_with_role: readonly object[] } };
    expect(granted_to.users_with_role[0]).not.toHaveProperty('when');
    expect(granted_to.when).toEqual({ no_direct_roles_on_object: false });
  });

  test('new: with members that nobody knows', async () => {
    emulator.faults.add({ kind: 'version', as: 'new' });
    expect(await permit.api.roles.list()).toMatchObject([{ key: 'viewer', newer_member: expect.anything() }]);
  });
});

describe('which requests a fault meets', () => {
  test('so many, after so many, of one method, on one path', async () => {
    emulator.faults.add({ kind: 'status', status: 503, path: USERS, method: 'GET', skip: 1, times: 2 });
    expect(await statuses(4)).toEqual([200, 503, 503, 200]);
    await addUsers(permit, 1);
    expect(emulator.faults.list()).toMatchObject([{ id: 1, hits: 2 }]);
  });

  test('some of them, the same ones by the same seed', async () => {
    const read = async (seed: number) => {
      emulator = await start({ seed });
      emulator.faults.add({ kind: 'status', status: 503, chance: 0.5 });
      return statuses(20);
    };
    const first = await read(3);
    expect(new Set(first)).toEqual(new Set([200, 503]));
    expect(await read(3)).toEqual(first);
    expect(await read(4)).not.toEqual(first);
  });

  test('a path below, by **', async () => {
    emulator.faults.add({ kind: 'status', status: 503, path: '/v2/schema/**' });
    expect([(await ask(emulator, 'GET', `${SCHEMA}/resources/x/roles`)).status, (await users()).status]).toEqual([503, 200]);
  });
});

describe('the control interface', () => {
  test('adds, shows and removes faults, and is met by none', async () => {
    expect((await ask(emulator, 'POST', '/_faults', { body: { kind: 'status', status: 503, path: '/**', body: 'html' } })).body).toEqual({ id: 1 });
    expect((await users()).status).toBe(503);
    expect((await ask(emulator, 'GET', '/_faults')).body).toEqual([{ id: 1, hits: 1, fault: expect.objectContaining({ kind: 'status', status: 503, body: 'html' }) }]);
    await ask(emulator, 'POST', '/_faults', { body: { kind: 'latency', ms: 1 } });
    expect((await ask(emulator, 'DELETE', '/_faults/1')).status).toBe(204);
    expect((await users()).status).toBe(200);
    await ask(emulator, 'DELETE', '/_faults');
    expect(emulator.faults.list()).toEqual([]);
  });

  test.each([
    ['an unknown kind', { kind: 'earthquake' }], ['no kind', {}], ['a misspelt member', { kind: 'hang', pathh: '/**' }],
    ['a status that is text', { kind: 'status', status: '503' }], ['a latency of nothing', { kind: 'latency' }], ['a member of another kind', { kind: 'hang', ms: 5 }],
  ])('refuses %s', async (_name, body) => {
    expect((await ask(emulator, 'POST', '/_faults', { body })).status).toBe(422);
    expect(emulator.faults.list()).toEqual([]);
  });

  test('the last thousand requests are kept', async () => {
    await ask(emulator, 'GET', '/v2/api-key/scope');
    for (let n = 0; n < 1000; n += 1) await users(`?page=${n + 1}`);
    expect([emulator.requests.length, emulator.requests[0]!.url, emulator.requests.at(-1)!.url]).toEqual([1000, `${FACTS}/users?page=1`, `${FACTS}/users?page=1000`]);
  });

  test('rotates keys, sets the clock, shows what was asked', async () => {
    await users();
    await ask(emulator, 'PUT', '/_clock', { body: { skewMs: -365 * 86_400_000 } });
    const { created_at } = await permit.api.users.create({ key: 'u' });
    expect(Date.parse(created_at)).toBeLessThan(Date.now() - 364 * 86_400_000);
    expect((await ask(emulator, 'POST', '/_keys', { body: { from: DEMO_KEYS.production, to: 'permit_key_next' } })).status).toBe(204);
    expect((await users()).status).toBe(401);
    expect((await ask(emulator, 'GET', '/_requests')).body).toMatchObject([{ method: 'GET', status: 200 }, { url: '/v2/api-key/scope' }, { method: 'POST', status: 200 }, { method: 'GET', status: 401 }]);
    expect((await ask(emulator, 'GET', '/_nothing')).status).toBe(404);
  });
});
