import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { EFFECTS } from '../../src/core/answer.ts';
import type { Caller } from '../../src/core/facts.ts';
import { createApp } from '../../src/http/app.ts';
import { createOpenApi } from '../../src/http/openapi.ts';
import type { Proofs } from '../../src/http/decisions/proofs.ts';
import { toCursor } from '../../src/log/index/ask/parse.ts';
import { openLogIndex, type LogIndex } from '../../src/log/index/log-index.ts';
import { openLog, type OpenedLog } from '../../src/log/log.ts';
import { createReading, type Reading } from '../../src/service/reading.ts';
import { createServer, listen } from '../../src/http/server.ts';
import { recordsOf } from '../log/support.ts';
import { until } from '../support/server.ts';
import { CALLERS, CANARY, fakePdp, send, type SendOptions } from './harness.ts';
import { validatorOf } from './described.ts';

const AT_MS = Date.UTC(2026, 10, 22, 12);
const AUDITOR: Caller = { ...CALLERS[0]!, id: 'auditor', powers: ['read_log'] };
const PROOFS: Proofs = {
  proofOf: async (index) => (index === 0 ? undefined : `c2sp.org/tlog-proof@v1\nindex ${index}\n`),
  checkpoint: async () => 'sluice/test\n7\n',
  tile: async (path) => (path === '0/x001/067' ? Buffer.from([0, 255, 1]) : undefined),
};

let folder: string;
let log: OpenedLog;
let index: LogIndex;
let reading: Reading;
let port: number;
const close: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'decisions-'));
  let atMs = AT_MS;
  log = await openLog({ dir: join(folder, 'log'), now: () => (atMs += 1000) });
  index = openLogIndex({ dir: join(folder, 'log'), folder: join(folder, 'index'), origin: log.origin, durable: () => log.size() - log.queued(), logger: { info() {}, warn() {} } });
  reading = createReading({ log, index, hash: (name) => `?${String(name.length).padStart(16, '0')}` });
  const pdp = fakePdp({ callerOf: (token) => [...CALLERS, AUDITOR, { ...AUDITOR, id: 'slow-auditor', ratePerSecond: 2 }].find(({ id }) => id === token) });
  const server = createServer(createApp({ pdp, logger: pino({ level: 'silent' }), registry: new Registry(), config: { demoCallers: true }, isDraining: () => false, reading, proofs: PROOFS }));
  port = await listen(server, 0, '127.0.0.1');
  close.push(() => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }), () => index.close(), () => log.close());
});
afterEach(async () => {
  for (const end of close.splice(0)) await end();
  rmSync(folder, { recursive: true, force: true });
});

const get = (path: string, options: SendOptions = {}) => send(port, path, { token: 'auditor', ...options });
const records = () => recordsOf(join(folder, 'log'));
const ofKind = (kind: string) => records().filter((record) => record['kind'] === kind);

async function decide(count: number, members: object = {}): Promise<void> {
  const appended = Array.from({ length: count }, (_, n) => log.append({ kind: 'decision', members: JSON.stringify({
    decisionId: `01JD${String(log.size()).padStart(22, '0')}`, requestId: `r-${n}`, caller: 'gateway', identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production',
    decision: EFFECTS[n % 4], fields: [{ paths: ['city'], profile: 0, effect: 'allow', category: 'user.location', rules: ['telemetry-basic'] }], reasons: [], ...members,
    expiresAt: null, ageMs: 1, memo: false, micros: 1,
  }).slice(1, -1) }).durable);
  await Promise.all(appended);
}

const indexes = (text: string) => (JSON.parse(text) as { records: { index: number }[] }).records.map((record) => record.index);

test('issue 6.3: an auditor gets what fits, the newest first, and all that was recorded when asked', async () => {
  await decide(8);
  const { status, text, json } = await get('/decisions?decision=deny&vendor=mixpanel&limit=10');
  expect({ status, indexes: indexes(text), next: json()['next'] }).toEqual({ status: 200, indexes: [7, 3], next: null });
  expect((await get('/decisions?decision=deny&decision=allow&order=oldest')).text).toContain('"index":0');
});

test('pages follow one another by next, and a cursor of another query is refused', async () => {
  await decide(7);
  const first = await get('/decisions?limit=3');
  const next = String(first.json()['next']);
  await decide(5); // the log grows meanwhile
  expect(indexes(first.text)).toEqual([6, 5, 4]);
  expect(indexes((await get(`/decisions?limit=3&after=${next}`)).text)).toEqual([3, 2, 1]);
  expect((await get(`/decisions?limit=3&vendor=mixpanel&after=${next}`)).json()).toMatchObject({ code: 'request_invalid', message: expect.stringContaining('another query') as string });
  expect((await get('/decisions?after=nonsense')).status).toBe(400);
  // A new origin has other records in the same places: to go on there would pass some over, and nobody would know.
  const of = (origin: string) => get(`/decisions?limit=3&after=${toCursor({ filter: { kind: ['decision', 'permitted', 'refused'] }, order: 'newest' }, 4, origin)}`);
  expect((await of('sluice/ffffffffffffffff')).json()).toMatchObject({ code: 'request_invalid', message: expect.stringContaining('of another log') as string });
  expect(indexes((await of(log.origin)).text)).toEqual([3, 2, 1]);
});

test.each([
  { query: 'vendro=mixpanel', says: 'did you mean vendor?' },
  { query: 'decision=dney', says: 'did you mean deny?' },
  { query: 'kind=decisions', says: 'did you mean decision?' },
  { query: 'reason=combinations', says: 'did you mean combination?' },
  { query: 'limit=0', says: 'from 1 to 1000' },
  { query: 'limit=1001', says: 'from 1 to 1000' },
  { query: 'limit=1&limit=2', says: 'limit may come once' },
  { query: 'from=yesterday', says: 'takes a date' },
  { query: 'to=2026-02-31', says: 'takes a date' }, // a day of March, if it were left to Date.parse
  { query: 'from=2026-11-22&to=2026-11-21', says: 'to must be after from' },
  { query: 'order=up', says: 'newest or oldest' },
  { query: 'vendor=', says: '1 to 512 characters' },
  { query: `vendor=${'x'.repeat(513)}`, says: '1 to 512 characters' },
  { query: Array.from({ length: 51 }, (_, n) => `vendor=v${n}`).join('&'), says: '50 times' },
  { query: 'revision=latest', says: 'a number, or a digest' },
  { query: 'format=xml', says: 'json, ndjson, csv' },
  { query: `${CANARY}=1`, says: 'there is no filter of this name' },
  { query: `reason=${CANARY}`, says: 'no such value' },
])('400 for $query says what is right, and nothing is recorded (J33)', async ({ query, says }) => {
  const { status, text } = await get(`/decisions?${query}`);
  expect({ status, text }).toEqual({ status: 400, text: expect.stringContaining(says) as string });
  expect(text).not.toContain(CANARY);
  expect(records()).toEqual([]);
});

test('a bare date as to ends with its day (J28), and a time is exclusive', async () => {
  await decide(4);
  expect(indexes((await get('/decisions?from=2026-11-22&to=2026-11-22')).text)).toEqual([3, 2, 1, 0]);
  expect(indexes((await get('/decisions?from=2026-11-22T12:00:02Z&to=2026-11-22T13:00:04%2B01:00')).text)).toEqual([2, 1]);
  expect(indexes((await get('/decisions?to=2026-11-21')).text)).toEqual([]);
});

test.each(['/decisions', '/decisions/0', '/decisions/0/proof', '/log/checkpoint', '/log/tile/0/x001/067'])('%s: only who may read the log reads it; others leave a record', async (path) => {
  await decide(1);
  expect((await get(path, { token: null })).status).toBe(401);
  expect((await get(path, { method: 'POST' })).status).toBe(405);
  expect((await get(path, { token: 'gateway', headers: { 'x-request-id': 'r-9' } })).json()).toMatchObject({ code: 'forbidden' });
  await log.append({ kind: 'stop', members: '' }).durable;
  expect(ofKind('refused')).toEqual([expect.objectContaining({ code: 'forbidden', caller: 'gateway', requestId: 'r-9' })]);
  expect(ofKind('log_read')).toEqual([]);
});

test('J30: every reading is on record before it is given, with the filters, and names that no record has only as a hash', async () => {
  await decide(3);
  await get(`/decisions?vendor=mixpanel&vendor=${CANARY}&requestId=r-1&limit=1`, { headers: { 'x-request-id': 'r-77' } });
  expect(ofKind('log_read')).toEqual([expect.objectContaining({
    caller: 'auditor', requestId: 'r-77', read: 'page', format: 'json', rows: 1, order: 'newest', requested: '?0000000000000003',
    filter: { vendor: ['mixpanel', '?0000000000000013'], kind: ['decision', 'permitted', 'refused'] },
  })]);
});

test('J30: a name that nobody knew when it was asked about is found by itself, and is not in what is recorded of the search', async () => {
  await decide(1, { vendor: '?0000000000000013' });
  expect(indexes((await get(`/decisions?vendor=${CANARY}`)).text)).toEqual([0]);
  expect(JSON.stringify(ofKind('log_read'))).not.toContain(CANARY);
});

test('a reading that can not be recorded is none', async () => {
  await decide(1);
  await get('/decisions');
  await log.close();
  expect((await get('/decisions')).json()).toMatchObject({ code: 'audit_unavailable' });
  expect((await get('/decisions?format=csv')).json()).toMatchObject({ code: 'audit_unavailable' });
});

test('one record by its decision or its index', async () => {
  await decide(2);
  expect((await get('/decisions/01JD0000000000000000000001')).json()).toMatchObject({ index: 1, decision: 'transform' });
  expect((await get('/decisions/0')).json()).toMatchObject({ index: 0 });
  for (const id of ['01JD0000000000000000000009', '99', '-1', CANARY]) expect((await get(`/decisions/${id}`)).status).toBe(404);
  expect((await get('/decisions/0?x=1')).status).toBe(400);
  expect(ofKind('log_read').map(({ read, rows }) => [read, rows])).toEqual([['record', 1], ['record', 1], ['record', 0], ['record', 0], ['record', 0], ['record', 0]]);
  expect(JSON.stringify(ofKind('log_read'))).not.toContain(CANARY);
});

test('NDJSON gives the stored lines, all of them, in one answer; the record of its end says how many', async () => {
  await decide(1203);
  const { headers, text } = await get('/decisions?order=oldest', { headers: { accept: 'application/x-ndjson' } });
  expect(headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  const stored = records().filter(({ kind }) => kind === 'decision');
  expect(text.split('\n').slice(0, -1).map((line): unknown => JSON.parse(line))).toEqual(stored);
  expect(ofKind('log_read').map(({ state, rows }) => [state, rows])).toEqual([['begun', undefined], ['ended', 1203]]);
});

test('a page of long records ends before its limit, and the next goes on there', async () => {
  await decide(250, { pad: 'x'.repeat(50_000) });
  const found: number[] = [];
  for (let next: string | null = ''; next !== null;) {
    const { text, json } = await get(`/decisions?limit=1000${next === '' ? '' : `&after=${next}`}`);
    expect(Buffer.byteLength(text)).toBeLessThan(2 ** 23 + 100_000);
    found.push(...indexes(text));
    next = json()['next'] as string | null;
  }
  expect(found).toEqual(Array.from({ length: 250 }, (_, n) => 249 - n));
});

test('with a limit an export is one page, and says where the next begins', async () => {
  await decide(5);
  const page = await get('/decisions?format=ndjson&limit=2');
  expect(page.text.split('\n')).toHaveLength(3);
  const next = await get(`/decisions?format=ndjson&limit=2&after=${page.headers['x-next-after'] as string}`);
  expect(next.text.split('\n').slice(0, -1).map((line) => (JSON.parse(line) as { index: number }).index)).toEqual([2, 1]);
});

test('CSV: a cell that a spreadsheet would run begins with an apostrophe', async () => {
  await decide(1, { identity: '=cmd|\' /C calc\'!A0', vendor: '+1', environment: '-1', purpose: '@SUM(A1)', event: '\t=1', channel: 'a "quoted", b' });
  const { headers, text } = await get('/decisions', { headers: { accept: 'text/csv' } });
  expect(headers['content-type']).toMatch(/^text\/csv/);
  const [head = '', row = ''] = text.split('\r\n');
  expect(head).toMatch(/^index,time,kind,decisionId/);
  for (const cell of ['"\'=cmd|\' /C calc\'!A0"', '\'+1', '\'-1', '\'@SUM(A1)', '"\'\t=1"', '"a ""quoted"", b"', 'city=allow']) expect(row).toContain(`,${cell},`);
});

test('a client that goes ends its export, and the record says that it was broken off', async () => {
  await decide(2000, { pad: 'x'.repeat(4000) });
  const controller = new AbortController();
  const response = await fetch(`http://127.0.0.1:${port}/decisions?format=ndjson`, { headers: { authorization: 'Bearer auditor' }, signal: controller.signal });
  await response.body!.getReader().read();
  controller.abort();
  for (let tries = 0; ofKind('log_read').length < 2 && tries < 500; tries += 1) await log.append({ kind: 'stop', members: '' }).durable;
  expect(ofKind('log_read')[1]).toMatchObject({ state: 'broken_off' });
  expect(ofKind('log_read')[1]!['rows']).toBeLessThan(2000);
});

test('clients that don\'t read what they asked for hold no more than a few exports in memory; once they go there is room', async () => {
  await decide(1000, { pad: 'x'.repeat(5000) });
  const held = Array.from({ length: 16 }, () => new AbortController());
  const open = ({ signal }: AbortController) => fetch(`http://127.0.0.1:${port}/decisions?format=ndjson`, { headers: { authorization: 'Bearer auditor' }, signal });
  expect((await Promise.all(held.map(open))).map(({ status }) => status)).toEqual(held.map(() => 200));
  expect(await get('/decisions?format=ndjson')).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  expect((await get('/decisions?limit=1')).status).toBe(200); // a page is not kept
  for (const controller of held) controller.abort();
  await until(() => get('/decisions?format=csv&from=2027-01-01'), ({ status }) => status === 200);
  for (let n = 0; n < 40; n += 1) expect((await get('/decisions?format=csv&from=2027-01-01')).status).toBe(200);
});

test('a rate holds for all of it, since each leaves a record, of those who may not read too', async () => {
  await decide(1);
  for (const token of ['slow', 'slow-auditor']) {
    for (const path of ['/decisions?limit=1', '/decisions/0', '/decisions/0/proof', '/log/checkpoint', '/log/tile/0/x001/067']) {
      const statuses = [];
      for (let n = 0; n < 8; n += 1) statuses.push((await get(path, { token })).status);
      expect([path, statuses.includes(429)]).toEqual([path, true]);
    }
  }
});

test('F20: HEAD tells GET\'s length and type, and is recorded like it; what is streamed has no length, so that nothing is read', async () => {
  await decide(2);
  for (const path of ['/decisions?kind=decision', '/decisions?kind=decision&format=csv&limit=1', '/decisions?kind=decision&format=ndjson&limit=2', '/decisions/1', '/decisions/1/proof', '/log/checkpoint', '/log/tile/0/x001/067', '/openapi.json']) {
    const before = ofKind('log_read').length;
    const head = await get(path, { method: 'HEAD' });
    const recorded = ofKind('log_read').length - before;
    const whole = await get(path);
    expect([path, head.status, head.text, head.headers['content-length'], head.headers['content-type'], head.headers['x-next-after']]).toEqual([path, whole.status, '', whole.headers['content-length'], whole.headers['content-type'], whole.headers['x-next-after']]);
    expect([path, recorded]).toEqual([path, ofKind('log_read').length - before - recorded]);
  }
  expect((await get('/decisions/77', { method: 'HEAD' })).status).toBe(404);
  const before = ofKind('log_read').length;
  const head = await get('/decisions?format=ndjson', { method: 'HEAD' });
  expect([head.status, head.text, head.headers['content-length'], head.headers['content-type'], ofKind('log_read').length]).toEqual([200, '', undefined, 'application/x-ndjson; charset=utf-8', before]);
});

test('proofs, checkpoint and tiles are given as they are, on record', async () => {
  await decide(2);
  expect(await get('/decisions/1/proof')).toMatchObject({ status: 200, text: 'c2sp.org/tlog-proof@v1\nindex 1\n' });
  expect((await get('/decisions/0/proof')).status).toBe(404);
  expect((await get('/log/checkpoint')).text).toBe('sluice/test\n7\n');
  expect((await get('/log/tile/0/x001/067')).headers).toMatchObject({ 'content-type': 'application/octet-stream', 'content-length': '3' });
  for (const path of ['/log/tile/0/x001/068', '/log/tile/../origin', '/log/tile/0/%2e%2e/067']) expect((await get(path)).status).toBe(404);
  expect(ofKind('log_read').map(({ read }) => read)).toEqual(['record', 'proof', 'record', 'checkpoint', 'tile']);
});

test('what is served is described', async () => {
  const app = createApp({ pdp: fakePdp(), logger: pino({ level: 'silent' }), registry: new Registry(), config: { demoCallers: true }, isDraining: () => false, reading, proofs: PROOFS });
  const routes = (app.router as unknown as { stack: { route?: { path: string } }[] }).stack.flatMap(({ route }) => (route === undefined ? [] : [route.path.replace(/[:*](\w+)/g, '{$1}')]));
  expect(routes.toSorted()).toEqual(Object.keys(createOpenApi({ reading: true, proofs: true }).paths).toSorted());
  expect((await get('/openapi.json')).text).toContain('"/decisions/{id}"');
});

test.each([
  { name: 'a page', path: '/decisions', template: '/decisions', status: 200 },
  { name: 'a page with more', path: '/decisions?limit=1', template: '/decisions', status: 200 },
  { name: 'a bad filter', path: '/decisions?x=1', template: '/decisions', status: 400 },
  { name: 'nobody', path: '/decisions', token: null, template: '/decisions', status: 401 },
  { name: 'no power', path: '/decisions', token: 'gateway', template: '/decisions', status: 403 },
  { name: 'a record', path: '/decisions/0', template: '/decisions/{id}', status: 200 },
  { name: 'no record', path: '/decisions/77', template: '/decisions/{id}', status: 404 },
])('$path: $name → $status as described', async ({ path, template, status, token = 'auditor' }) => {
  await decide(2);
  const received = await get(path, { token });
  const validate = validatorOf(createOpenApi({ reading: true }), 'paths', template, 'get', 'responses', status, 'content', 'application/json', 'schema');
  validate(received.json());
  expect({ status: received.status, errors: validate.errors }).toEqual({ status, errors: null });
});
