import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Answer } from '../../src/core/answer.ts';
import { endServers, QUESTION, readRecords, startServer, type RunningServer } from '../support/server.ts';
import { pathsOf } from '../support/world.ts';

let server: RunningServer;
beforeAll(async () => { server = await startServer({ env: { LOG_LEVEL: 'trace' } }); });
afterAll(endServers);

// Lower case, so that it survives where a host is written in lower case.
const CANARY = 'canary7f3d9a1c';
const BASE = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed' };

const ANSWERED: readonly { readonly name: string; readonly question: object }[] = [
  { name: 'identity', question: { ...QUESTION, identity: `service:${CANARY}` } },
  { name: 'onBehalfOf', question: { ...QUESTION, onBehalfOf: `user:${CANARY}` } },
  { name: 'vendor', question: { ...QUESTION, vendor: CANARY } },
  { name: 'environment', question: { ...QUESTION, environment: CANARY } },
  { name: 'purpose', question: { ...QUESTION, purpose: `analytics.${CANARY}` } },
  { name: 'event', question: { ...QUESTION, event: CANARY } },
  { name: 'event by a pattern', question: { ...QUESTION, event: `use_tool__${CANARY}` } },
  { name: 'path', question: { ...BASE, fields: [CANARY, `properties.${CANARY}[].x`] } },
  { name: 'dynamic key', question: { ...BASE, event: 'settings.changed', fields: [`config.${CANARY}`] } },
  { name: 'dynamic key of a payload', question: { ...BASE, event: 'settings.changed', payload: { config: { [CANARY]: CANARY } } } },
  { name: 'key and value of a payload', question: { ...BASE, payload: { [CANARY]: CANARY, anon_user_id: CANARY, city: { [CANARY]: [CANARY] } } } },
  { name: 'secret in a payload', question: { ...BASE, payload: { anon_user_id: `Bearer ${CANARY}`, url: `https://${CANARY}:${CANARY}@example.com/?token=${CANARY}` } } },
  { name: 'category', question: { identity: BASE.identity, vendor: 'mixpanel', environment: 'production', purpose: 'analytics', categories: [`user.${CANARY}`] } },
  { name: 'region', question: { ...QUESTION, dataSubject: { region: CANARY } } },
  { name: 'about', question: { ...BASE, identity: 'user:sam', vendor: 'intercom', event: 'account.report', about: `account:${CANARY}`, aggregate: { groupBy: ['plan'], minCell: 20 }, fields: ['plan'] } },
  { name: 'groupBy', question: { ...BASE, identity: 'user:sam', vendor: 'intercom', event: 'usage.report', aggregate: { groupBy: [CANARY], minCell: 20 }, fields: ['plan'] } },
  { name: 'destination', question: { identity: BASE.identity, destination: `https://${CANARY}.example/${CANARY}?${CANARY}=${CANARY}#${CANARY}`, environment: 'production', event: BASE.event, fields: ['city'] } },
  { name: 'path of a known destination', question: { identity: BASE.identity, destination: `https://api.mixpanel.com/${CANARY}?${CANARY}`, environment: 'production', event: BASE.event, fields: ['city'] } },
  { name: 'supports', question: { ...QUESTION, supports: [CANARY] } },
];

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

test.each(ANSWERED)('J30: an unknown $name is answered, twice, and recorded only as a hash', async ({ question }) => {
  for (let round = 0; round < 2; round += 1) {
    const answer = await server.check(question);
    const record = (await readRecords(server.dataDir))[answer.log.index];
    expect(record).toMatchObject({ kind: 'decision', decisionId: answer.decisionId });
    expect(JSON.stringify(record)).not.toContain(CANARY);
  }
});

test('J30: an unknown name stands in full in the answer, and as ? and 16 hex in the record', async () => {
  const answer: Answer = await server.check({ ...BASE, fields: [CANARY] });
  expect(Object.keys(answer.fields)).toEqual([CANARY]);
  const record = (await readRecords(server.dataDir))[answer.log.index]!;
  expect(pathsOf(record)).toEqual([expect.stringMatching(/^\?[0-9a-f]{16}$/)]);
});

test.each([
  { name: 'a context name', status: 400, body: { ...QUESTION, context: { [CANARY]: true } } },
  { name: 'a context value', status: 400, body: { ...QUESTION, context: { audience: CANARY } } },
  { name: 'a key of the question', status: 400, body: { ...QUESTION, [CANARY]: CANARY } },
  { name: 'a channel', status: 400, body: { ...QUESTION, channel: CANARY } },
  { name: 'a body that is no JSON', status: 400, body: `{"identity":${CANARY}` },
  { name: 'a repeated key', status: 400, body: `{"${CANARY}":1,"${CANARY}":2}` },
  { name: 'a refused identity', status: 403, token: 'demo-telemetry', body: { ...QUESTION, identity: `service:${CANARY}` } },
  { name: 'a refused environment', status: 403, token: 'demo-staging', body: { ...QUESTION, environment: CANARY } },
  { name: 'a stale environment', status: 409, body: { ...QUESTION, environment: CANARY, minRevision: 1 } },
  { name: 'a token', status: 401, token: CANARY, body: QUESTION },
])('J30: $name in what is refused: $status', async ({ status, body, token = 'demo-gateway' }) => {
  expect((await server.send('/check', { body, token })).status).toBe(status);
});

test('J30: paths, headers, batches, /permitted and the switch', async () => {
  expect((await server.send(`/${CANARY}`)).status).toBe(404);
  expect((await server.send(`/check?${CANARY}`, { body: QUESTION })).status).toBe(200);
  expect((await server.send('/check', { body: QUESTION, headers: { 'x-canary': CANARY, 'user-agent': CANARY, origin: CANARY } })).status).toBe(200);
  expect((await server.send(`/admin/vendors/${CANARY}/state`, { body: { state: 'breached' }, token: 'demo-admin' })).status).toBe(404);
  expect((await server.send('/admin/vendors/mixpanel/state', { body: { state: CANARY }, token: 'demo-admin' })).status).toBe(400);
  expect((await server.send('/check', { method: 'PUT', body: { [CANARY]: 1 } })).status).toBe(405);
  expect((await server.send('/check/batch', { body: { defaults: BASE, items: [{ fields: [CANARY] }, { [CANARY]: 1 }, { context: { [CANARY]: 1 }, fields: ['city'] }] } })).status).toBe(200);
  for (const question of [{ event: CANARY }, { identity: CANARY }, { vendor: CANARY }, { purpose: CANARY }]) {
    expect((await server.send('/permitted', { body: { ...BASE, ...question } })).status).toBe(200);
  }
});

test.each([`${CANARY}${'x'.repeat(64)}`, `${CANARY} x`, `${CANARY}:x`])('J30: an X-Request-ID that is not fit is replaced: %s', async (id) => {
  const received = await server.send('/check', { body: QUESTION, headers: { 'x-request-id': id } });
  expect(received.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
});

test('J30, R67: after all of this no file of the data directory, no output and no metric holds the name', async () => {
  const { text } = await server.send('/metrics');
  expect(text).not.toContain(CANARY);
  const exit = await server.end();
  expect(exit.code).toBe(0);
  expect(`${exit.stdout}${exit.stderr}`.toLowerCase()).not.toContain(CANARY);
  const files = await filesBelow(server.dataDir);
  expect(files.some((file) => file.includes('/log/segments/'))).toBe(true);
  const holding: string[] = [];
  for (const file of files) {
    if (path.basename(file).toLowerCase().includes(CANARY) || (await readFile(file, 'latin1')).toLowerCase().includes(CANARY)) holding.push(file);
  }
  expect(holding).toEqual([]);
});
