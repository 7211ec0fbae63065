import fc from 'fast-check';
import type { Answer } from '../../src/core/answer.ts';
import { endServers, lasting, newDataDir, QUESTION, readRecords, startServer, type RunningServer } from '../support/server.ts';

afterAll(endServers);

const EVENTS = {
  'genai_dashboard.viewed': ['anon_user_id', 'region', 'city', 'country', 'feature_flag', 'org_id', 'customer_name', 'tool_name', 'email', 'url', 'browser', 'nobody.knows'],
  'usage.event': ['event', 'anon_id', 'feature_flag', 'ts', 'email', 'ip', 'user_id'],
  'usage.report': ['plan', 'week', 'active_users', 'email', 'ip'],
  'account.report': ['account_id', 'plan', 'week', 'seats_used'],
  'genai.tool_run': ['prompt_category', 'error_code', 'tenant_id', 'user_id', 'tool_name', 'prompt', 'latency_ms'],
  'settings.changed': ['anon_id', 'ts', 'config.theme', 'config.x-1'],
  'use_tool__search': ['anything'],
} as const;

const CATEGORIES = ['user.contact.email', 'system.tenant.org_id', 'user.unique_id.pseudonymous', 'system.operations.feature_flag', 'nobody.knows'];
const value = fc.constantFrom<unknown>('x', 25, true, null, 'someone@example.com', 'AKIAIOSFODNN7EXAMPLE', '203.0.113.7');

const asked = fc.constantFrom(...Object.entries(EVENTS)).chain(([event, paths]) => {
  const some = fc.uniqueArray(fc.constantFrom(...paths), { minLength: 1, maxLength: 6 });
  return fc.oneof(
    { weight: 4, arbitrary: some.map((fields) => ({ event, fields })) },
    { weight: 2, arbitrary: fc.tuple(some, fc.array(value, { minLength: 6, maxLength: 6 })).map(([keys, values]) => ({ event, payload: Object.fromEntries(keys.map((key, index) => [key, values[index]])) })) },
    { weight: 1, arbitrary: fc.uniqueArray(fc.constantFrom(...CATEGORIES), { minLength: 1 }).map((categories) => ({ categories })) },
  );
});

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 });

const anything = fc.record({
  identity: fc.constantFrom('service:analytics-pipeline', 'service:telemetry', 'service:telemetry', 'service:checkout', 'user:sam', 'agent:copilot', 'webhook:crm-sync', 'service:nobody'),
  vendor: fc.constantFrom('vendor-x', 'mixpanel', 'mixpanel', 'amplitude', 'segment', 'intercom', 'openai', 'internal-obs', 'nobody-inc'),
  environment: fc.constantFrom('production', 'production', 'staging', 'development', 'moon'),
  purpose: maybe(fc.constantFrom('analytics', 'analytics.reporting', 'essential.service.operations.support', 'marketing', 'nothing')),
  channel: maybe(fc.constantFrom('telemetry', 'export', 'prompt', 'tool_call')),
  onBehalfOf: fc.option(fc.constantFrom('user:sam', 'user:dana'), { nil: undefined, freq: 5 }),
  about: maybe(fc.constantFrom('account:A1', 'account:A2')),
  aggregate: maybe(fc.record({ groupBy: fc.constantFrom(['plan'], ['plan', 'week'], ['email']), minCell: fc.constantFrom(1, 9, 10, 25) })),
  dataSubject: maybe(fc.record({ region: fc.constantFrom('EU', 'US', 'DE') })),
  supports: maybe(fc.constantFrom([], ['drop'], ['drop', 'coarsen_geo', 'hmac'])),
  context: maybe(fc.record({ consent: fc.boolean() })),
}).chain((question) => asked.map((fields) => ({ ...question, ...fields })));

/** Much of it may leave. */
const harmless = fc.record({
  identity: fc.constant('service:telemetry'),
  vendor: fc.constantFrom('mixpanel', 'amplitude', 'internal-obs'),
  environment: fc.constantFrom('production', 'staging'),
  event: fc.constant('genai_dashboard.viewed'),
  fields: fc.uniqueArray(fc.constantFrom('anon_user_id', 'region', 'city', 'feature_flag'), { minLength: 1 }),
});

const anyQuestion = fc.oneof({ weight: 3, arbitrary: anything }, { weight: 1, arbitrary: harmless });

/** Asks all, a batch at a time; an item's error stands for itself. */
async function askAll(server: RunningServer, questions: readonly object[]) {
  const received = await server.send('/check/batch', { body: { items: questions } });
  expect(received.status).toBe(200);
  return received.json()['items'] as (Answer | { error: object })[];
}

const withoutMoment = (answer: Answer | { error: object }) => ('error' in answer ? answer : lasting(answer));

test('J29: two hundred questions get the same answers with the memo and without, and when repeated', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const questions = fc.sample(anyQuestion, { numRuns: 200, seed }).map((question) => JSON.parse(JSON.stringify(question)) as object);
  const without = await startServer({ dataDir: await newDataDir(), env: { SLUICE_MEMO_MB: '0' } });
  const memoised = await startServer({ dataDir: await newDataDir(), env: { SLUICE_MEMO_MB: '64' } });

  const expected = (await askAll(without, questions)).map(withoutMoment);
  const first = (await askAll(memoised, questions)).map(withoutMoment);
  const repeats = await askAll(memoised, questions);
  const pairs = questions.map((question, index) => ({ seed, question, answer: expected[index] }));
  expect(questions.map((question, index) => ({ seed, question, answer: first[index] }))).toEqual(pairs);
  expect(questions.map((question, index) => ({ seed, question, answer: withoutMoment(repeats[index]!) }))).toEqual(pairs);

  // They are worth comparing.
  const decisions = new Set(expected.map((answer) => ('error' in answer ? 'error' : answer.decision)));
  expect([...decisions]).toEqual(expect.arrayContaining(['allow', 'deny', 'transform']));

  const answered = repeats.filter((answer): answer is Answer => 'log' in answer);
  expect(answered.length).toBeGreaterThan(150);
  const records = await readRecords(memoised.dataDir);
  expect(answered.filter(({ log }) => records[log.index]!['memo'] !== true)).toEqual([]);
  expect((await readRecords(without.dataDir)).filter(({ memo }) => memo === true)).toEqual([]);
});

test('J29: a repeat is recorded like a first asking, with an id and an index of its own', async () => {
  const server = await startServer();
  const [first, second] = [await server.check(), await server.check()];
  const records = await readRecords(server.dataDir);
  const strip = ({ index: _, time: __, decisionId: ___, requestId: ____, memo: _____, micros: ______, ageMs: _______, ...rest }: Record<string, unknown>) => rest;
  expect(strip(records[second.log.index]!)).toEqual(strip(records[first.log.index]!));
  expect([records[first.log.index]!['memo'], records[second.log.index]!['memo']]).toEqual([false, true]);
  expect(second.decisionId).not.toBe(first.decisionId);
});

test('J29: whom the caller may speak for is judged for a memoised question too', async () => {
  const server = await startServer();
  const repeated = [await server.check(), await server.check()].at(-1)!;
  expect((await readRecords(server.dataDir))[repeated.log.index]!['memo']).toBe(true);
  expect((await server.send('/check', { token: 'demo-staging', body: QUESTION })).json()['code']).toBe('environment_mismatch');
});
