import { endServers, metric, QUESTION, readRecords, startServer, type RunningServer } from '../support/server.ts';

let server: RunningServer;
beforeAll(async () => { server = await startServer(); });
afterAll(endServers);

test.each([
  { name: 'an identity that the credential is not bound to', token: 'demo-telemetry', question: { identity: 'user:sam' }, status: 403, code: 'not_your_identity' },
  { name: 'onBehalfOf an identity that the credential is not bound to', token: 'demo-telemetry', question: { onBehalfOf: 'user:sam' }, status: 403, code: 'not_your_identity' },
  { name: 'R36: production with a staging token', token: 'demo-staging', question: {}, status: 403, code: 'environment_mismatch' },
  { name: 'J27: a minRevision above the present one', token: 'demo-gateway', question: { minRevision: 1_000_000 }, status: 409, code: 'stale_revision' },
  { name: 'J27: a minRevision in an environment that nobody knows', token: 'demo-gateway', question: { environment: 'moon', minRevision: 0 }, status: 409, code: 'stale_revision' },
])('$name: $status $code, no decision, and a record of kind refused', async ({ token, question, status, code }) => {
  const before = (await readRecords(server.dataDir)).length;
  const received = await server.send('/check', { token, body: { ...QUESTION, ...question }, headers: { 'x-request-id': `ask-${code}` } });
  expect(received.status).toBe(status);
  expect(received.json()).toEqual({ code, message: expect.any(String), requestId: `ask-${code}` });
  // A later answer, which is durable, comes after it.
  await server.check();
  const later = (await readRecords(server.dataDir)).slice(before).filter(({ kind }) => kind !== 'input');
  expect(later.map(({ kind }) => kind)).toEqual(['refused', 'decision']);
  expect(later[0]).toMatchObject({ code, caller: token, requestId: `ask-${code}`, vendor: 'mixpanel' });
  expect(later[0]!['decisionId']).toBeUndefined();
});

test('R36: refusals are counted by code', async () => {
  const before = await metric(server, 'sluice_refused_total{code="environment_mismatch"}') ?? 0;
  await server.send('/check', { token: 'demo-staging', body: QUESTION });
  expect(await metric(server, 'sluice_refused_total{code="environment_mismatch"}')).toBe(before + 1);
});

test('J27: a minRevision that is met is answered', async () => {
  const { revision } = await server.check();
  expect((await server.check({ ...QUESTION, minRevision: revision.number })).revision.number).toBe(revision.number);
});

test('J33: what could not be read, or comes without a token, leaves no record', async () => {
  await server.check();
  const before = (await readRecords(server.dataDir)).length;
  expect((await server.send('/check', { token: null, body: QUESTION })).status).toBe(401);
  expect((await server.send('/check', { token: 'nobody', body: QUESTION })).status).toBe(401);
  expect((await server.send('/check', { body: '{' })).status).toBe(400);
  expect((await server.send('/check', { body: { ...QUESTION, fields: [] } })).status).toBe(400);
  const { log } = await server.check();
  expect(log.index).toBe(before);
});

test('R36: one item of a batch that the credential is not bound to gets its error and its record', async () => {
  const before = (await readRecords(server.dataDir)).length;
  const received = await server.send('/check/batch', { token: 'demo-telemetry', body: { defaults: QUESTION, items: [{}, { identity: 'user:sam' }, { environment: 'staging' }] } });
  expect(received.status).toBe(200);
  const [first, second, third] = received.json()['items'] as [Record<string, unknown>, { error: object }, { error: object }];
  expect(first['decision']).toBe('deny');
  expect(second).toEqual({ error: { code: 'not_your_identity', message: expect.any(String) } });
  expect(third).toEqual({ error: { code: 'environment_mismatch', message: expect.any(String) } });
  await server.check();
  const kinds = (await readRecords(server.dataDir)).slice(before).map(({ kind }) => kind).filter((kind) => kind !== 'input');
  expect(kinds).toEqual(['decision', 'refused', 'refused', 'decision']);
});
