import type { Answer } from '../../src/core/answer.ts';
import { endServers, lasting, QUESTION, readRecords, startServer, type RunningServer } from '../support/server.ts';
import { pathsOf } from '../support/world.ts';

let server: RunningServer;
beforeAll(async () => { server = await startServer(); });
afterAll(endServers);

const BASE = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production' };
const EVENT = 'genai_dashboard.viewed';
const FIELDS = ['account_id', 'anon_user_id', 'browser', 'city', 'country', 'customer_name', 'email', 'feature_flag', 'org_id', 'region', 'tool_name', 'url'];

type Permitted = Omit<Answer, 'decision' | 'fix'>;

async function permitted(question: object): Promise<Permitted> {
  const received = await server.send('/permitted', { body: question });
  expect(received.status).toBe(200);
  return received.json() as unknown as Permitted;
}

test('/permitted gives each field of the event the verdict that it has alone; no decision, no fix; a record of its own kind', async () => {
  const answer = await permitted({ ...BASE, event: EVENT });
  expect(Object.keys(answer).sort()).toEqual(['approval', 'decisionId', 'expiresAt', 'fields', 'log', 'mode', 'obligations', 'reasons', 'revision']);
  expect(Object.keys(answer.fields).sort()).toEqual(FIELDS);
  for (const field of FIELDS) {
    const alone = await server.check({ ...BASE, event: EVENT, fields: [field] });
    expect([field, answer.fields[field]]).toEqual([field, alone.fields[field]]);
  }
  const record = (await readRecords(server.dataDir))[answer.log.index]!;
  expect(record).toMatchObject({ kind: 'permitted', decisionId: answer.decisionId, event: EVENT });
  expect(pathsOf(record).toSorted()).toEqual(FIELDS);
});

test('/permitted without an event answers for every category, over 64 profiles', async () => {
  const answer = await permitted({ ...BASE, purpose: 'analytics' });
  expect(Object.keys(answer.fields).length).toBeGreaterThan(64);
  expect(answer.fields['user.unique_id.pseudonymous']).toMatchObject({ effect: 'allow' });
  expect(answer.fields['user.location.imprecise.city']).toMatchObject({ effect: 'transform' });
  expect(answer.fields['system.tenant.org_id']).toMatchObject({ effect: 'deny' });
});

test('/permitted doesn\'t judge combinations: each field stands for itself', async () => {
  const question = { ...BASE, identity: 'service:checkout', vendor: 'amplitude', purpose: 'analytics' };
  const names = ['user.device.user_agent', 'user.device.timezone', 'user.device.screen', 'user.device.language'];
  const answer = await permitted(question);
  expect(names.map((name) => answer.fields[name]?.effect)).toEqual(['allow', 'allow', 'allow', 'allow']);
  const together = await server.check({ ...question, categories: names });
  expect(together.reasons.map(({ code }) => code)).toContain('combination');
});

test('/permitted of an unknown event permits nothing', async () => {
  const answer = await permitted({ ...BASE, event: 'nobody.knows' });
  expect(Object.values(answer.fields).filter(({ effect }) => effect !== 'deny')).toEqual([]);
  expect(answer.reasons[0]!.code).toBe('unknown_event');
  expect(answer.reasons[0]!.fields.length).toBe(Object.keys(answer.fields).length);
});

test('/permitted refuses fields, and needs what a question needs', async () => {
  expect((await server.send('/permitted', { body: { ...BASE, event: EVENT, fields: ['city'] } })).status).toBe(400);
  expect((await server.send('/permitted', { body: { vendor: 'mixpanel', environment: 'production' } })).status).toBe(400);
});

test('J26: a bad item of a batch gets its own error, the others their decisions, under one revision, with the rows recorded', async () => {
  const items = [{ rows: 250 }, { fields: [] }, { fieldz: ['city'] }, { fields: ['anon_user_id'], rows: 3 }, { vendor: null }, { identity: 'service:telemetry', minRevision: 1_000 }];
  const received = await server.send('/check/batch', { body: { defaults: QUESTION, items } });
  expect(received.status).toBe(200);
  const [first, empty, unknown, fourth, without, stale] = received.json()['items'] as [Answer, ...unknown[]] as [Answer, object, object, Answer, object, object];

  expect(empty).toEqual({ error: { code: 'request_invalid', message: expect.any(String) } });
  expect(unknown).toEqual({ error: { code: 'request_invalid', message: expect.stringMatching(/fieldz.*fields/) } });
  expect(without).toEqual({ error: { code: 'request_invalid', message: expect.stringMatching(/vendor/) } });
  expect(stale).toEqual({ error: { code: 'stale_revision', message: expect.any(String) } });
  expect(first.decision).toBe('deny');
  expect(fourth.decision).toBe('allow');
  expect(fourth.revision.digest).toBe(first.revision.digest);
  expect(fourth.revision.number).toBe(first.revision.number);
  expect(lasting(first)).toEqual(lasting(await server.check()));

  const records = await readRecords(server.dataDir);
  expect(records[first.log.index]).toMatchObject({ kind: 'decision', decisionId: first.decisionId, rows: 250 });
  expect(records[fourth.log.index]).toMatchObject({ kind: 'decision', decisionId: fourth.decisionId, rows: 3 });
});

test('J26: a thousand items are judged under one revision, and each has a record of its own', async () => {
  const items = Array.from({ length: 1000 }, (_, index) => ({ rows: index + 1 }));
  const answers = (await server.send('/check/batch', { body: { defaults: QUESTION, items } })).json()['items'] as Answer[];
  expect(answers).toHaveLength(1000);
  expect(new Set(answers.map(({ revision }) => revision.digest)).size).toBe(1);
  expect(new Set(answers.map(({ log }) => log.index)).size).toBe(1000);
  const records = await readRecords(server.dataDir);
  expect(answers.map(({ log }) => records[log.index]!['rows'])).toEqual(items.map(({ rows }) => rows));
});

test('J26: a batch that is none: 400, and 413 over a thousand items', async () => {
  for (const body of [{}, { items: [] }, { items: {} }, { items: [{}], default: {} }]) expect((await server.send('/check/batch', { body })).status).toBe(400);
  expect((await server.send('/check/batch', { body: { items: Array.from({ length: 1001 }, () => ({})) } })).status).toBe(413);
});
