// The reading of an environment through the unmodified SDK, against the emulator: what is complete is given, what can't
// be proven complete is an error of a known kind, and nothing is ever given in part.
import { PermitError, type PermitData } from '../../../src/sources/permit/data.ts';
import { contentDigest } from '../../../src/sources/permit/keep/rows.ts';
import { scanPermit, type ScanTimes } from '../../../src/sources/permit/read/scan.ts';
import { closeEmulators, FACTS, SCHEMA, start } from '../../emulators/harness.ts';
import { DEMO_KEYS, type Emulator } from '../../emulators/permit/emulator.ts';
import type { Effect } from '../../emulators/permit/faults.ts';
import { collect } from './map-support.ts';

afterEach(closeEmulators);

const TIMES: ScanTimes = { timeoutMs: 2000, pauseMs: 0, pause: async (_ms, signal) => signal.throwIfAborted() };

const scan = ({ url }: Emulator, options: { readonly key?: string; readonly signal?: AbortSignal; readonly times?: Partial<ScanTimes>; readonly mayRequest?: () => Promise<number> } = {}) => scanPermit(
  { apiUrl: url, key: options.key ?? DEMO_KEYS.production, signal: options.signal ?? new AbortController().signal, mayRequest: options.mayRequest ?? (async () => 0) },
  { ...TIMES, ...options.times },
);

async function failureOf(scanning: Promise<unknown>): Promise<PermitError> {
  const error: unknown = await scanning.then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(PermitError);
  expect((error as Error).message).not.toContain('permit_key');
  return error as PermitError;
}

const withoutScope = ({ scope: _, ...lists }: PermitData) => JSON.stringify(lists);

const addUsers = (emulator: Emulator, count: number, prefix = 'service|u') => {
  for (let n = 0; n < count; n += 1) emulator.act({ method: 'POST', url: `${FACTS}/users`, body: { key: `${prefix}${n}`, attributes: { n } } });
};

test('the example world is read whole', async () => {
  const emulator = await start({ example: true });
  const { data, requests } = await scan(emulator);
  expect(withoutScope(data)).toBe(withoutScope(sorted(collect(emulator, 'production'))));
  expect(requests).toBe(emulator.requests.length);
});

test('lists longer than a page are read to their end, whatever the SDK would ask for by itself', async () => {
  const emulator = await start({ example: true });
  addUsers(emulator, 250);
  for (let n = 0; n < 130; n += 1) {
    emulator.act({ method: 'POST', url: `${FACTS}/tenants`, body: { key: `t${n}`, name: `t${n}` } });
    emulator.act({ method: 'POST', url: `${SCHEMA}/roles`, body: { key: `r${n}`, name: `r${n}` } });
    emulator.act({ method: 'POST', url: `${FACTS}/relationship_tuples`, body: { subject: `account:p${n}`, relation: 'parent', object: `account:c${n}`, tenant: 'default' } });
  }
  const { data } = await scan(emulator);
  expect(withoutScope(data)).toBe(withoutScope(sorted(collect(emulator, 'production'))));
  expect([data.users.length, data.tenants.length, data.tuples.length > 130, data.instances.length > 260]).toEqual([258, 131, true, true]);
});

test.each([99, 100, 101, 200, 400, 401])('%i users: the end of a list is a page that is not full', async (count) => {
  const emulator = await start();
  addUsers(emulator, count);
  expect((await scan(emulator)).data.users).toHaveLength(count);
});

describe('the key', () => {
  test.each([
    ['unknown', 'permit_key_of_nobody', 'refuses the key'], ['of a project', DEMO_KEYS.project, 'key of a project'], ['of an organization', DEMO_KEYS.organization, 'key of an organization'],
  ])('%s', async (_, key, message) => {
    const emulator = await start();
    const error = await failureOf(scan(emulator, { key }));
    expect(error).toMatchObject({ kind: 'key', message: expect.stringContaining(message) });
    expect(emulator.requests).toHaveLength(1);
  });

  test('rotated: the old one is refused, the new one reads on', async () => {
    const emulator = await start({ example: true });
    emulator.rotateKey(DEMO_KEYS.production, 'permit_key_new');
    expect(await failureOf(scan(emulator))).toMatchObject({ kind: 'key' });
    expect((await scan(emulator, { key: 'permit_key_new' })).data.users.length).toBeGreaterThan(0);
  });
});

/** Where a fault may come: the path, how many requests pass before, and what asks there. */
const PHASES: Readonly<Record<string, { readonly path: string; readonly skip?: number; readonly query?: Readonly<Record<string, string>> }>> = {
  scope: { path: '/v2/api-key/scope' },
  'the scope, asked by the SDK': { path: '/v2/api-key/scope', skip: 1 },
  resources: { path: '/v2/schema/*/*/resources' },
  roles: { path: '/v2/schema/*/*/roles' },
  'condition sets': { path: '/v2/schema/*/*/condition_sets' },
  rules: { path: '/v2/facts/*/*/set_rules' },
  tenants: { path: '/v2/facts/*/*/tenants' },
  users: { path: '/v2/facts/*/*/users' },
  'a later page of users': { path: '/v2/facts/*/*/users', query: { page: '2' } },
  'users, in the second pass': { path: '/v2/facts/*/*/users', skip: 2 },
  'role assignments': { path: '/v2/facts/*/*/role_assignments' },
  instances: { path: '/v2/facts/*/*/resource_instances' },
  tuples: { path: '/v2/facts/*/*/relationship_tuples' },
  counts: { path: '/v2/projects/*/envs/*/stats' },
};
const ENDURING: readonly (readonly [string, Effect, PermitError['kind']])[] = [
  ['401', { kind: 'status', status: 401 }, 'key'], ['403', { kind: 'status', status: 403 }, 'key'],
  ['429', { kind: 'status', status: 429, retryAfter: '0' }, 'limited'], ['429 with HTML', { kind: 'status', status: 429, body: 'html' }, 'limited'],
  ['500', { kind: 'status', status: 500 }, 'unreachable'], ['502 with HTML', { kind: 'status', status: 502, body: 'html' }, 'unreachable'], ['503 with null', { kind: 'status', status: 503, body: 'null' }, 'unreachable'], ['504 with nothing', { kind: 'status', status: 504, body: 'empty' }, 'unreachable'],
  ['404', { kind: 'status', status: 404 }, 'invalid'],
  ['a reset', { kind: 'reset', at: 'start' }, 'unreachable'], ['a reset in the body', { kind: 'reset' }, 'unreachable'], ['half an answer', { kind: 'truncated' }, 'invalid'],
];
const CASES = Object.entries(PHASES).flatMap(([phase, match]) => ENDURING.map(([name, effect, kind]) => [name, phase, match, effect, kind] as const));

let shared: Emulator;
let whole: string;
describe('a fault at any point', () => {
  beforeEach(async () => {
    shared = await start({ example: true });
    addUsers(shared, 120);
    whole = contentDigest((await scan(shared)).data);
  });

  test.each(Object.entries(PHASES))('that lasts, at %s: an error of its kind; once it is over the next reading is whole', async (phase, match) => {
    for (const [name, , , effect, kind] of CASES.filter(([, at]) => at === phase)) {
      const id = shared.faults.add({ ...match, ...effect });
      expect([name, (await failureOf(scan(shared))).kind]).toEqual([name, kind]);
      shared.faults.remove(id);
    }
    expect(contentDigest((await scan(shared)).data)).toBe(whole);
  });

  test.each(Object.entries(PHASES))('that passes, at %s: it is asked again, and the reading is whole', async (_, match) => {
    for (const [, , , effect, kind] of CASES.filter(([, phase]) => phase === 'users')) {
      if (kind !== 'unreachable' && kind !== 'limited') continue;
      shared.faults.add({ ...match, ...effect, times: 2 });
      expect(contentDigest((await scan(shared)).data)).toBe(whole);
    }
  });

  test.each(Object.entries(PHASES).filter(([phase]) => !phase.includes('scope') && phase !== 'counts'))('200 with an empty list that lasts, at %s: what Permit counts says otherwise, or it is read as empty twice', async (_, match) => {
    shared.faults.add({ ...match, kind: 'emptied' });
    const result = await scan(shared).then(({ data }) => contentDigest(data), (error: unknown) => (error as PermitError).kind);
    expect(result).not.toBe(whole);
  });

  test('no answer at all: the request is given up, and the reading with it', async () => {
    shared.faults.add({ kind: 'hang', path: '/v2/facts/*/*/users' });
    expect(await failureOf(scan(shared, { times: { timeoutMs: 100 } }))).toMatchObject({ kind: 'unreachable', message: expect.stringContaining('did not answer') });
  });

  test('called off while nothing answers: it ends at once', async () => {
    shared.faults.add({ kind: 'hang', path: '/v2/facts/*/*/tenants' });
    const controller = new AbortController();
    const scanning = scan(shared, { signal: controller.signal, times: { timeoutMs: 60_000 } }).catch((error: unknown) => error);
    while (shared.faults.list()[0]!.hits === 0) await new Promise((resolve) => { setImmediate(resolve); });
    controller.abort();
    expect(await scanning).toMatchObject({ name: 'AbortError' });
  });
});

describe('lists that move', () => {
  test('a row made or deleted between two pages: read again until two readings agree', async () => {
    const emulator = await start({ example: true });
    addUsers(emulator, 220);
    const remove = { method: 'DELETE', url: `${FACTS}/users/service%7Cu5` };
    const add = { method: 'POST', url: `${FACTS}/users`, body: { key: 'service|early' }, skewMs: -86_400_000 };
    emulator.faults.add({ kind: 'then', path: '/v2/facts/*/*/users', requests: [remove] });
    emulator.faults.add({ kind: 'then', path: '/v2/facts/*/*/users', requests: [add], skip: 4 });
    const { data } = await scan(emulator);
    expect(withoutScope(data)).toBe(withoutScope(sorted(collect(emulator, 'production'))));
  });

  test('an environment that never holds still is not read at all', async () => {
    const emulator = await start({ example: true });
    let n = 0;
    const changing = async () => {
      if ((n += 1) % 7 === 0) emulator.act({ method: 'POST', url: `${FACTS}/users`, body: { key: `service|x${n}` } });
      return 0;
    };
    expect(await failureOf(scan(emulator, { mayRequest: changing }))).toMatchObject({ kind: 'unstable' });
  });

  test('another order in every page, or rows that come twice: never given', async () => {
    const emulator = await start({ example: true });
    addUsers(emulator, 220);
    emulator.faults.add({ kind: 'duplicate', path: '/v2/facts/*/*/users' });
    expect(await failureOf(scan(emulator))).toMatchObject({ kind: 'unstable' });
    emulator.faults.clear();
    emulator.faults.add({ kind: 'reorder', path: '/v2/facts/*/*/users' });
    const result = await scan(emulator).then(({ data }) => withoutScope(data), (error: unknown) => (error as PermitError).kind);
    expect(['unstable', withoutScope(sorted(collect(emulator, 'production')))]).toContain(result);
  });
});

test.each(['old', 'new'] as const)('an API of %s version is read as far as it speaks', async (as) => {
  const emulator = await start({ example: true });
  const { data } = await scan(emulator);
  emulator.faults.add({ kind: 'version', as });
  const other = await scan(emulator);
  expect(other.data.users).toEqual(data.users);
  expect(other.data.tuples).toEqual(data.tuples); // an old API doesn't say their tenants: the objects' count
  if (as === 'new') expect(contentDigest(other.data)).toBe(contentDigest(data));
});

test('every request waits for its leave, and the waiting is no work', async () => {
  const emulator = await start({ example: true });
  let asked = 0;
  const { requests, workedMs } = await scan(emulator, { mayRequest: async () => { asked += 1; return 1_000_000; } });
  expect(asked).toBe(requests);
  expect(workedMs).toBeLessThan(0); // a million seconds that nobody spent are taken off
});

function sorted(data: PermitData): PermitData {
  const by = <T>(list: readonly T[], key: (one: T) => string) => [...list].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const textOf = (one: object) => JSON.stringify(Object.values(one));
  return {
    ...data, rules: by(data.rules, textOf), assignments: by(data.assignments, textOf),
    resources: data.resources.map((resource) => ({ ...resource, actionGroups: Object.fromEntries(by(Object.entries(resource.actionGroups), ([name]) => name).map(([name, actions]) => [name, [...actions].sort()])), relations: Object.fromEntries(by(Object.entries(resource.relations), ([name]) => name)), roles: by(resource.roles.map((role) => ({ key: role.key, permissions: [...role.permissions].sort(), extends: role.extends, derived: role.derived, noDirectRoles: role.noDirectRoles })), ({ key }) => key) })),
    tuples: by(data.tuples, ({ subject, relation, object, tenant }) => `${object}\n${relation}\n${subject}\n${tenant}`),
  };
}
