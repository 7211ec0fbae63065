import { endServers, lasting, newDataDir, readRecords, startServer, until } from '../support/server.ts';
import { codes, copyPolicies, removeWorlds } from '../support/world.ts';

afterAll(async () => {
  await endServers();
  await removeWorlds();
});

const MAX_AGE_MS = 2_000;
const QUESTION = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id', 'region'] };
const ENVIRONMENTS = { environments: { production: { tier: 'production', maxAge: '2s' }, staging: { tier: 'staging' }, development: { tier: 'development' } } };

test('R72: facts older than maxAge deny every field, also a memoised question; a reload makes them fresh', async () => {
  const server = await startServer({ policies: await copyPolicies({ 'environments.yaml': ENVIRONMENTS }) });
  expect(await server.reload()).toMatchObject({ ok: true });
  const fresh = await server.check(QUESTION);
  expect(fresh.decision).toBe('allow');
  expect(Date.parse(fresh.expiresAt!) - Date.now()).toBeLessThanOrEqual(MAX_AGE_MS);

  const stale = await until(() => server.check(QUESTION), ({ decision }) => decision !== 'allow');
  expect(stale.reasons).toEqual([expect.objectContaining({ code: 'stale_facts', fields: ['anon_user_id', 'region'] })]);
  expect(stale.decision).toBe('deny');
  expect(stale.fix).toBeNull();
  expect(stale.revision.ageMs).toBeGreaterThanOrEqual(MAX_AGE_MS);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(fresh.expiresAt!));
  expect((await readRecords(server.dataDir))[stale.log.index]).toMatchObject({ kind: 'decision', decision: 'deny', memo: false });
  // An environment without a bound is not concerned.
  expect((await server.check({ ...QUESTION, environment: 'staging' })).decision).toBe('allow');

  expect(await server.reload()).toMatchObject({ ok: true });
  const again = await server.check(QUESTION);
  expect(lasting(again)).toEqual({ ...lasting(fresh), expiresAt: again.expiresAt });
});

test('R72: /permitted is denied by stale facts too', async () => {
  const server = await startServer({ policies: await copyPolicies({ 'environments.yaml': ENVIRONMENTS }) });
  await until(() => server.check(QUESTION), (answer) => codes(answer).includes('stale_facts'));
  const { fields: _, ...question } = QUESTION;
  const answer = (await server.send('/permitted', { body: question })).json() as { fields: Record<string, { effect: string }>; reasons: { code: string }[] };
  expect([...new Set(Object.values(answer.fields).map(({ effect }) => effect))]).toEqual(['deny']);
  expect(answer.reasons.map(({ code }) => code)).toContain('stale_facts');
});

test('R72: some categories may be decided by older facts, or only by younger ones, than the others', async () => {
  const production = { tier: 'production', maxAge: '7d', maxAgeOf: { 'user.unique_id.*': '1s' } };
  const server = await startServer({ policies: await copyPolicies({ 'environments.yaml': { environments: { ...ENVIRONMENTS.environments, production } } }) });
  const answer = await until(() => server.check(QUESTION), ({ decision }) => decision !== 'allow');
  expect(answer.fields).toMatchObject({ anon_user_id: { effect: 'deny', rules: ['stale-facts'] }, region: { effect: 'allow' } });
  expect(answer.fix).toEqual({ drop: ['anon_user_id'], exact: true });
  expect(answer.reasons).toEqual([expect.objectContaining({ code: 'stale_facts', fields: ['anon_user_id'] })]);
});

test('J28: an answer by stale facts does not say that it ended in the past', async () => {
  const server = await startServer({ policies: await copyPolicies({ 'environments.yaml': ENVIRONMENTS }) });
  const stale = await until(() => server.check(QUESTION), (answer) => codes(answer).includes('stale_facts'));
  expect(stale.expiresAt === null || Date.parse(stale.expiresAt) > Date.now()).toBe(true);
});

test('R72: with nothing but its files a restart answers the same, under the same revision', async () => {
  const dataDir = await newDataDir();
  const policies = await copyPolicies({});
  const first = await startServer({ dataDir, policies });
  const before = await first.check();
  await first.end('SIGKILL');
  const second = await startServer({ dataDir, policies });
  expect(lasting(await second.check())).toEqual(lasting(before));
});
