// An environment that changes while it is read, or that doesn't fit together.
import { closeEmulators, FACTS, SCHEMA, start } from '../../emulators/harness.ts';
import type { Emulator } from '../../emulators/permit/emulator.ts';
import type { Inner } from '../../emulators/permit/faults.ts';
import { failed, fillMany, LISTS, openProxy, rowsOf, scan, type ListName, type Passing, type Proxy } from './support.ts';

let emulator: Emulator;
let proxy: Proxy | undefined;
beforeEach(async () => {
  emulator = await start();
  fillMany(emulator);
});
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
  await closeEmulators();
});

const PAST = -60_000;
const post = (url: string, body: object, skewMs = 0): Inner => ({ method: 'POST', url, body, skewMs });
const DELETED: Readonly<Record<ListName, Inner>> = {
  resources: { method: 'DELETE', url: `${SCHEMA}/resources/type9` }, roles: { method: 'DELETE', url: `${SCHEMA}/roles/role9` }, conditionSets: { method: 'DELETE', url: `${SCHEMA}/condition_sets/set9` },
  rules: { method: 'DELETE', url: `${FACTS}/set_rules`, body: { user_set: 'set0', permission: 'type0:read', resource_set: 'set9' } },
  tenants: { method: 'DELETE', url: `${FACTS}/tenants/tenant9` }, users: { method: 'DELETE', url: `${FACTS}/users/user%7C9` },
  assignments: { method: 'DELETE', url: `${FACTS}/role_assignments`, body: { user: 'user|9', role: 'role0', tenant: 'default' } },
  instances: { method: 'DELETE', url: `${FACTS}/resource_instances/type0%3Ai9` },
  tuples: { method: 'DELETE', url: `${FACTS}/relationship_tuples`, body: { subject: 'type0:i9', relation: 'parent', object: 'type0:i10' } },
};
const inserted = (skewMs: number): Readonly<Record<ListName, Inner>> => ({
  resources: post(`${SCHEMA}/resources`, { key: 'new', name: 'N', actions: {} }, skewMs), roles: post(`${SCHEMA}/roles`, { key: 'new', name: 'N' }, skewMs),
  conditionSets: post(`${SCHEMA}/condition_sets`, { key: 'new', name: 'N', conditions: {} }, skewMs),
  rules: post(`${FACTS}/set_rules`, { user_set: 'set0', permission: 'type0:read', resource_set: 'type9', is_resource: true }, skewMs),
  tenants: post(`${FACTS}/tenants`, { key: 'new', name: 'N' }, skewMs), users: post(`${FACTS}/users`, { key: 'new' }, skewMs),
  assignments: post(`${FACTS}/role_assignments`, { user: 'user|9', role: 'role9', tenant: 'default' }, skewMs),
  instances: post(`${FACTS}/resource_instances`, { key: 'new', resource: 'type1', tenant: 'default' }, skewMs),
  tuples: post(`${FACTS}/relationship_tuples`, { subject: 'type0:i9', relation: 'parent', object: 'type0:i20' }, skewMs),
});

describe.each([['deleted', DELETED], ['inserted at the end', inserted(0)], ['inserted at the start', inserted(PAST)]] as const)('a row that is %s between two pages', (_how, changes) => {
  test.each(Object.keys(LISTS) as ListName[])('of %s: what is read is what is there in the end', async (list) => {
    emulator.faults.add({ kind: 'then', path: LISTS[list], requests: [changes[list]] });
    const { data } = await scan(emulator);
    expect(emulator.faults.list()[0]!.hits).toBe(1);
    emulator.faults.clear();
    expect(JSON.stringify(data)).toBe(JSON.stringify((await scan(emulator)).data));
  });
});

test('a row that changes between the readings, and nothing else: two more readings tell what holds', async () => {
  emulator.faults.add({ kind: 'then', path: '/v2/projects/*/envs/*/stats', requests: [{ method: 'PATCH', url: `${FACTS}/users/user%7C9`, body: { attributes: { number: -1 } } }] });
  expect((await scan(emulator)).data.users.find(({ key }) => key === 'user|9')!.attributes).toEqual({ number: -1 });
});

test.each(['assignments', 'tuples', 'instances', 'conditionSets'] as const)('the %s come empty in one of the readings, whichever it is: all are read', async (list) => {
  const { data } = await scan(emulator);
  for (const skip of [0, 1]) {
    emulator.faults.add({ kind: 'emptied', path: LISTS[list], query: { page: '1' }, skip, times: 1 });
    expect(JSON.stringify((await scan(emulator)).data)).toBe(JSON.stringify(data));
    emulator.faults.clear();
  }
});

test('lists that change with every reading: unstable, after so many', async () => {
  for (let i = 0; i < 10; i += 1) emulator.faults.add({ kind: 'then', path: '/v2/projects/*/envs/*/stats', skip: i, requests: [{ method: 'PATCH', url: `${FACTS}/users/user%7C9`, body: { attributes: { number: i + 1000 } } }] });
  const pauses: number[] = [];
  const error = await failed(scan(emulator, {}, { random: () => 0.5, pause: (ms) => Promise.resolve(pauses.push(ms)) }));
  expect([error.kind, error.message]).toEqual(['unstable', expect.stringContaining('two readings in a row differ')]);
  expect(emulator.requests.filter(({ url }) => url.includes('/stats'))).toHaveLength(6);
  expect(pauses).toEqual([1500, 1500, 1500, 1500]);
});

describe('what the knobs can\'t do', () => {
  const error = async (alter: (passing: Passing) => object | undefined) => {
    proxy = await openProxy(emulator, alter);
    return failed(scan({ url: proxy.url }));
  };
  const onRows = (list: string, change: (rows: Record<string, unknown>[], query: URLSearchParams) => unknown[]) => ({ path, query, body }: Passing) => {
    if (!path.endsWith(`/${list}`)) return undefined;
    const rows = change(rowsOf(body), query);
    return { body: Array.isArray(body) ? rows : { ...body as object, data: rows } };
  };

  test('a server of shorter pages than were asked for is seen, where no total tells', async () => {
    const short = await error(onRows('relationship_tuples', (rows) => rows.slice(0, 50)));
    expect([short.kind, short.message]).toEqual(['unstable', expect.stringContaining('relationship tuples have more rows after page 1, which wasn\'t full')]);
  });

  test('one that knows no pages is refused', async () => {
    const all = rowsOf(emulator.act({ method: 'GET', url: `${FACTS}/tenants?per_page=100` }));
    const endless = await error(onRows('tenants', () => [...all, ...all]));
    expect([endless.kind, endless.message]).toEqual(['invalid', expect.stringContaining('page 1 holds 200 rows, though 100 were asked for')]);
  });

  test('a total that changes from page to page, or that isn\'t met', async () => {
    const changing = await error(({ path, query, body }) => path.endsWith('/users') ? { body: { ...body as object, total_count: 205 + Number(query.get('page')) } } : undefined);
    expect([changing.kind, changing.message]).toEqual(['unstable', expect.stringContaining('total of the users changed')]);
    await proxy!.close();
    const unmet = await error(({ path, body }) => path.endsWith('/role_assignments') ? { body: { ...body as object, total_count: 206 } } : undefined);
    expect([unmet.kind, unmet.message]).toEqual(['unstable', expect.stringContaining('have 205 rows, their total is 206')]);
  });

  test('counts of the environment that no list meets', async () => {
    const { kind, message } = await error(({ path, body }) => path.endsWith('/stats') ? { body: { ...body as object, stats: { users: 204 } } } : undefined);
    expect([kind, message]).toEqual(['unstable', expect.stringContaining('Permit counts 204 users, and lists 205')]);
  });

  test('a parent that isn\'t listed: its conditions would be left out', async () => {
    const { kind, message } = await error(onRows('condition_sets', (rows) => rows.map((row) => row['key'] === 'set7' ? { ...row, parent_id: 'f'.repeat(32) } : row)));
    expect([kind, message]).toEqual(['unstable', expect.stringContaining('the condition set set7 refers to')]);
  });

  test('a tuple of an older API whose object isn\'t listed', async () => {
    emulator.faults.add({ kind: 'version', as: 'old' });
    const { kind, message } = await error(onRows('resource_instances', (rows) => rows.map((row) => row['key'] === 'i7' ? { ...row, key: 'i7-other' } : row)));
    expect([kind, message]).toEqual(['unstable', expect.stringContaining('the instance type0:i7 of a relationship tuple')]);
  });
});
