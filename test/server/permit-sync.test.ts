// A server whose environments are administered in Permit: the real program, the real SDK, the emulator.
import { closeEmulators } from '../emulators/harness.ts';
import { DEMO_KEYS } from '../emulators/permit/emulator.ts';
import { endServers, failToStart, metric, newDataDir, readRecords, startLoad, until } from '../support/server.ts';
import { codes } from '../support/world.ts';
import { act, administered, grant, QUESTION, revoke, statusOf, writeKeys } from './permit-support.ts';

afterAll(async () => {
  await endServers();
  await closeEmulators();
});

const ready = async ({ server }: Awaited<ReturnType<typeof administered>>) => until(() => server.send('/readyz'), ({ status }) => status === 200);

test('a role that is revoked in Permit denies here, memoised or not, and one that is given permits', async () => {
  const world = await administered();
  const { emulator, server } = world;
  await ready(world);
  const before = await server.check(QUESTION);
  expect([before.decision, before.revision.number]).toEqual(['allow', 1]);
  expect((await server.check(QUESTION)).decision).toBe('allow');

  revoke(emulator);
  const after = await until(() => server.check(QUESTION), ({ decision }) => decision !== 'allow');
  expect([after.decision, codes(after), after.revision.number]).toEqual(['deny', ['identity_not_allowed'], 2]);
  expect((await server.check({ ...QUESTION, environment: 'staging' })).decision).toBe('allow'); // an environment of its own
  expect((await server.check({ ...QUESTION, minRevision: 2 })).decision).toBe('deny');

  grant(emulator);
  expect((await until(() => server.check(QUESTION), ({ decision }) => decision === 'allow')).revision.number).toBe(3);
  const activations = (await readRecords(server.dataDir)).filter(({ kind }) => kind === 'snapshot_activated');
  expect(activations.at(-1)!['permit']).toMatchObject({ production: { number: expect.any(Number), digest: expect.stringMatching(/^sha256:/) }, staging: { number: 1 } });
});

test('J27: a question that asks for a revision waits a little for it, then gets 409', async () => {
  const world = await administered();
  await ready(world);
  const { revision } = await world.server.check(QUESTION);
  const waiting = world.server.send('/check', { body: { ...QUESTION, minRevision: revision.number + 1 } });
  expect((await world.server.setVendor('datadog', 'under_review')).status).toBe(200); // any change is a revision
  const answered = await waiting;
  expect([answered.status, (answered.json()['revision'] as { number: number }).number]).toEqual([200, revision.number + 1]);
  expect((await world.server.send('/check', { body: { ...QUESTION, minRevision: revision.number + 5 } })).status).toBe(409);
});

test('the memo never gives the old answer again once a revocation is in: under load, in the order of the log', async () => {
  const world = await administered();
  const { emulator, server } = world;
  await ready(world);
  const load = startLoad(server, 8);
  await until(() => server.check(QUESTION), ({ decision }) => decision === 'allow');
  revoke(emulator);
  await until(() => server.check(QUESTION), ({ decision }) => decision === 'deny');
  expect((await load.stop()).failures).toEqual([]);
  const records = (await readRecords(server.dataDir)).filter((record) => record['environment'] === 'production' && record['identity'] === 'service:telemetry' && record['vendor'] === 'mixpanel'); // of first parties it keeps another role
  const numbers = records.map((record) => (record['revision'] as { readonly number: number }).number);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(records.filter((record) => (record['revision'] as { readonly number: number }).number > 1 && JSON.stringify(record['fields']).includes('"effect":"allow"'))).toEqual([]);
});

test('R72: with Permit gone a restart answers the same at once, and says how old it is', async () => {
  const world = await administered();
  await ready(world);
  const before = await world.server.check(QUESTION);
  await world.server.end('SIGKILL');
  await world.emulator.close();
  const server = await world.again();
  const after = await server.check(QUESTION);
  expect([after.decision, after.revision.number, after.revision.digest]).toEqual(['allow', before.revision.number, before.revision.digest]);
  expect(after.revision.ageMs).toBeGreaterThan(before.revision.ageMs);
  const later = await until(() => statusOf(server), ({ failures }) => failures > 0);
  expect(later.lastAttempt).toMatchObject({ outcome: 'unreachable', message: expect.stringContaining('ECONNREFUSED') });
  expect(await metric(server, 'sluice_sync_failures{env="production"}')).toBeGreaterThan(0);
  expect(server.output()).not.toContain('permit_key');
});

test('never ready before a verified snapshot: questions of that environment get 503, of others an answer', async () => {
  const world = await administered({ apiUrl: 'http://127.0.0.1:9' });
  const { server } = world;
  const readyz = await server.send('/readyz');
  expect([readyz.status, readyz.json()]).toEqual([503, { status: 'not_ready', reasons: ['facts_unverified'] }]);
  const refused = await server.send('/check', { body: QUESTION });
  expect([refused.status, refused.json()['code']]).toEqual([503, 'not_ready']);
  expect((await server.check({ ...QUESTION, environment: 'development' })).decision).toBe('deny');
  expect(await metric(server, 'sluice_facts_unverified')).toBe(2);
});

test('a key that is rotated in its file is used without a restart', async () => {
  const world = await administered();
  await ready(world);
  world.emulator.rotateKey(DEMO_KEYS.production, 'permit_key_new');
  await until(() => statusOf(world.server), ({ lastAttempt }) => lastAttempt?.outcome === 'key');
  expect((await world.server.check(QUESTION)).decision).toBe('allow');
  await writeKeys(world.keysFile, { production: 'permit_key_new', staging: DEMO_KEYS.staging });
  await until(() => statusOf(world.server), ({ lastAttempt }) => lastAttempt?.outcome === 'unchanged');
  expect(world.server.output()).not.toContain('permit_key_new');
});

test('going back pins what was, is recorded and survives a restart; resuming lets the newest decide', async () => {
  const world = await administered();
  await ready(world);
  revoke(world.emulator);
  await until(() => world.server.check(QUESTION), ({ decision }) => decision === 'deny');
  expect((await act(world.server, { action: 'rollback' })).status).toBe(200);
  expect((await world.server.check(QUESTION)).decision).toBe('allow');
  expect((await world.server.send('/readyz')).json()).toMatchObject({ status: 'degraded', sync: 'pinned' });
  expect(await metric(world.server, 'sluice_sync_pinned{env="production"}')).toBe(1);
  await world.server.end();
  const server = await world.again();
  const pinned = await server.check(QUESTION);
  expect(pinned.decision).toBe('allow');
  const polled = await until(() => statusOf(server), ({ lastAttempt }) => lastAttempt?.outcome === 'stored');
  expect(polled).toMatchObject({ pinned: 1, active: { number: 1 } });
  expect((await server.check(QUESTION)).revision.ageMs).toBeGreaterThan(pinned.revision.ageMs);
  expect((await act(server, { action: 'resume' })).status).toBe(200);
  expect((await server.check(QUESTION)).decision).toBe('deny');
  const changes = (await readRecords(server.dataDir)).filter(({ kind }) => kind === 'config_changed');
  expect(changes.map((record) => [record['sync'], record['environment'], record['caller']])).toEqual([['rollback', 'production', 'demo-admin'], ['resume', 'production', 'demo-admin']]);
});

interface Refusal { readonly body: object; readonly status: 400 | 403 | 404; readonly environment?: string; readonly token?: string }

test.each<readonly [string, Refusal]>([
  ['no power', { body: { action: 'resume' }, token: 'demo-gateway', status: 403 }],
  ['no such action', { body: { action: 'forward' }, status: 400 }],
  ['no such environment', { body: { action: 'poll' }, environment: 'development', status: 404 }],
  ['no such generation', { body: { action: 'rollback', generation: 99 }, status: 400 }],
  ['more than is known', { body: { action: 'poll', force: true }, status: 400 }],
])('what is refused: %s', async (_, { body, environment = 'production', token = 'demo-admin', status }) => {
  shared ??= await administered();
  await ready(shared);
  const received = await shared.server.send(`/admin/sync/${environment}`, { body, token });
  expect([received.status, received.json()['code']]).toEqual([status, { 400: 'request_invalid', 403: 'forbidden', 404: 'not_found' }[status]]);
  expect((await shared.server.send(`/admin/sync/${environment}/poll`, { body: {}, token: 'demo-gateway' })).status).toBe(403);
});
let shared: Awaited<ReturnType<typeof administered>> | undefined;

test('a file of keys that names an environment that is not there keeps it from starting', async () => {
  const dataDir = await newDataDir();
  const keys = `${dataDir}/keys.txt`;
  await writeKeys(keys, { prodction: 'permit_key_x' });
  const { stderr, code } = await failToStart({ dataDir, env: { SLUICE_PERMIT_KEYS_FILE: keys } });
  expect([code, stderr]).toEqual([1, expect.stringMatching(/prodction/)]);
  expect(stderr).not.toContain('permit_key_x');
});
