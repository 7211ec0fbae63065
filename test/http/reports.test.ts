import { Ajv2020 } from 'ajv/dist/2020.js';
import { spawnSync } from 'node:child_process';
import { request, type ClientRequest, type Server } from 'node:http';
import path from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Caller } from '../../src/core/facts.ts';
import { createApp } from '../../src/http/app.ts';
import { createOpenApi } from '../../src/http/openapi.ts';
import { createReports } from '../../src/http/reports/reports.ts';
import { createServer, listen } from '../../src/http/server.ts';
import { openLog, type OpenedLog } from '../../src/log/log.ts';
import { openLogIndex, type LogIndex } from '../../src/log/index/log-index.ts';
import { createReading } from '../../src/service/reading.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { INCIDENT_SCHEMA } from '../../src/reports/incident-schema.ts';
import { REPORTS } from '../../src/reports/run.ts';
import { recordsOf } from '../log/support.ts';
import { record, TELEMETRY } from '../reports/support.ts';
import { endServers } from '../support/server.ts';
import { NOON, ROOT } from '../support/world.ts';
import { CALLERS, CANARY, fakePdp, QUESTION, send, type SendOptions } from './harness.ts';

const AUDITOR: Caller = { ...CALLERS[0]!, id: 'auditor', powers: ['read_log'] };
const lines: string[] = [];
let dir: string;
let log: OpenedLog;
let index: LogIndex;
let server: Server;
let port: number;

beforeAll(async () => {
  const recorder = await record();
  await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'city'], rows: 40 });
  await recorder.ask({ ...TELEMETRY, fields: ['email'] });
  await recorder.permitted({ ...TELEMETRY, channel: 'telemetry', dataSubject: {}, context: {} });
  await recorder.close();
  dir = recorder.dir;
  let atMs = NOON + 60_000;
  log = await openLog({ dir, now: () => (atMs += 1000) });
  index = openLogIndex({ dir, folder: path.join(recorder.dataDir, 'index'), origin: log.origin, durable: () => log.size() - log.queued(), logger: { info() {}, warn() {} } });
  const facts = await loadYaml(path.join(ROOT, 'policies'));
  const reading = createReading({ log, index, hash: () => '?0000000000000000' });
  const pdp = fakePdp({ callerOf: (token) => [...CALLERS, AUDITOR].find(({ id }) => id === token) });
  server = createServer(createApp({
    pdp, reading, reports: createReports({ dir, facts: () => facts, now: () => NOON + 3_600_000 }), registry: new Registry(), config: { demoCallers: true }, isDraining: () => false,
    logger: pino({ level: 'trace', base: null }, { write: (line: string) => void lines.push(line) }),
  }));
  port = await listen(server, 0, '127.0.0.1');
}, 60_000);
afterAll(async () => {
  await new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
  await index.close();
  await log.close();
  await endServers();
});

const get = (url: string, options: SendOptions = {}) => send(port, url, { token: 'auditor', ...options });
const reads = () => recordsOf(dir).filter(({ kind }) => kind === 'log_read').map(({ read, what, caller }) => [read, what, caller]);
/** Resolves when the server has the next request; by then the client may go. */
const arrived = () => new Promise<void>((resolve) => { server.once('request', () => resolve()); });

test('every report comes in every form that it says it has, and its reading is on record before it is given', async () => {
  const parameters: Readonly<Record<string, string>> = { vendor: 'mixpanel', detected: '2025-11-08T12:00:00Z' };
  for (const [kind, { required, formats }] of Object.entries(REPORTS)) for (const format of formats) {
    const query = new URLSearchParams({ ...Object.fromEntries(required.map((name) => [name, parameters[name]!])), ...(kind === 'negative' && { category: 'user.content' }), format });
    const { status, headers, text } = await get(`/reports/${kind}?${query}`);
    expect([kind, format, status]).toEqual([kind, format, 200]);
    expect(headers).toMatchObject({ 'content-type': expect.stringContaining(format), 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(text.length).toBeGreaterThan(40);
    expect(reads().at(-1)).toEqual(['report', expect.stringContaining(kind), 'auditor']);
  }
  expect((await get('/reports/exposure?vendor=mixpanel')).json()).toMatchObject({ permittedToLeave: { decisions: 1, rows: 40 }, refused: { decisions: 1 }, onlyAsked: { decisions: 1 } });
  expect((await get('/reports/exposure?vendor=mixpanel', { headers: { accept: 'text/markdown, */*' } })).headers['content-type']).toContain('text/markdown');
}, 60_000);

test('R82: the incident has the form that is documented, with and without a clock', async () => {
  const validate = new Ajv2020({ strict: false, formats: { int64: true, 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } }).compile(INCIDENT_SCHEMA);
  for (const more of ['', '&detected=2025-11-09&notified=2025-11-25', '&detected=2025-11-09&aware=2025-11-20&told=2025-11-22&from=2026-01-01&to=2027-01-01']) {
    validate((await get(`/reports/incident?vendor=mixpanel${more}`)).json());
    expect(validate.errors).toBeNull();
  }
  expect(validate({ report: 'incident' })).toBe(false);
  expect(createOpenApi({ reports: true }).components.schemas).toMatchObject({ IncidentReport: INCIDENT_SCHEMA });
}, 60_000);

test('F20: HEAD tells GET\'s length, and is recorded like it; a client that takes every type gets the first', async () => {
  const before = reads().length;
  const head = await get('/reports/negative?vendor=mixpanel&category=user.contact.email&format=markdown', { method: 'HEAD' });
  const whole = await get('/reports/negative?vendor=mixpanel&category=user.contact.email&format=markdown');
  expect([head.status, head.text, head.headers['content-type'], reads().length]).toEqual([200, '', 'text/markdown; charset=utf-8', before + 2]);
  // The reading is itself a record, which the report counts in its basis.
  expect(Math.abs(Number(head.headers['content-length']) - Buffer.byteLength(whole.text))).toBeLessThan(10);
  const type = async (accept: string) => (await get('/reports/exposure?vendor=mixpanel', { method: 'HEAD', headers: { accept } })).headers['content-type'];
  expect(await type('application/json, text/markdown, text/csv')).toBe('application/json; charset=utf-8');
  expect(await type('application/json;q=0.5, text/markdown')).toBe('text/markdown; charset=utf-8');
});

test('for auditors alone; a refusal is on record, and nothing is made', async () => {
  const before = reads().length;
  expect((await get('/reports/exposure?vendor=mixpanel', { token: null })).status).toBe(401);
  expect((await get('/reports/exposure?vendor=mixpanel', { token: 'gateway' })).json()).toMatchObject({ code: 'forbidden' });
  expect((await get('/reports/exposure?vendor=mixpanel', { token: 'admin' })).status).toBe(403);
  expect((await get('/reports/exposure?vendor=mixpanel', { method: 'POST', body: {} })).status).toBe(405);
  expect((await get('/reports/exposure?vendor=mixpanel', { method: 'HEAD', token: 'gateway' })).status).toBe(403);
  expect(reads().length).toBe(before);
  // A refusal waits for no disk; this does, and is written behind it.
  await log.append({ kind: 'bundle_activated', members: '' }).durable;
  expect(recordsOf(dir).filter(({ kind, code }) => kind === 'refused' && code === 'forbidden')).toHaveLength(3);
});

test.each([
  ['/reports/exposures?vendor=mixpanel', 404, 'there is no such report'], ['/reports/exposure', 400, 'exposure needs vendor'], ['/reports/exposure?vendor=mixpanel&vendr=x', 400, 'did you mean vendor'],
  ['/reports/exposure?vendor=mixpanle', 400, 'did you mean mixpanel?'], ['/reports/exposure?vendor=mixpanel&from=yesterday', 400, 'from takes a time'], ['/reports/exposure?vendor=mixpanel&from=2026-02-01&to=2026-01-01', 400, 'from must be before to'],
  ['/reports/exposure?vendor=mixpanel&format=csv', 400, 'comes as json, markdown'], ['/reports/exposure?vendor=mixpanel&vendor=b', 400, 'given twice'], ['/reports/unused-grants?days=0', 400, 'days takes'],
  ['/reports/negative?vendor=mixpanel', 400, 'category or field'], ['/reports/data-flow?app=genai-dashbord', 400, 'did you mean genai-dashboard?'], ['/reports/__proto__', 404, 'there is no such report'],
])('%s is %d: %s', async (url, status, message) => {
  const before = reads().length;
  const received = await get(url);
  expect([received.status, received.json()['message'], reads().length]).toEqual([status, expect.stringContaining(message), before]);
});

test('a name that nobody knows is in no record, no log line and no error', async () => {
  for (const url of [`/reports/exposure?vendor=${CANARY}`, `/reports/negative?field=${CANARY}`, `/reports/data-flow?app=${CANARY}`, `/reports/processing?controller=${CANARY}&format=json`, `/reports/${CANARY}`]) {
    const { status, text } = await get(url);
    // What was asked is told back to whoever asked, and to nobody else.
    if (status !== 200) expect(text).not.toContain(CANARY);
  }
  expect(JSON.stringify(recordsOf(dir)) + lines.join('\n')).not.toContain(CANARY);
  expect(reads().slice(-2).map(([, what]) => what)).toEqual(['negative field', 'processing controller']);
});

/** Begins a report, and goes once the server has the request. */
async function beginAndGo(url: string): Promise<void> {
  const asked = arrived();
  const gone = new Promise<void>((resolve) => {
    const client: ClientRequest = request({ host: '127.0.0.1', port, path: url, headers: { authorization: 'Bearer auditor' }, agent: false });
    client.once('close', resolve).once('error', () => {}).end();
    void asked.then(() => client.destroy());
  });
  await gone;
}

test('a report is not made any more when its client has gone: nothing of it is on record, and the next is not kept waiting', async () => {
  const before = reads().length;
  // More than may wait: each makes room when its client goes.
  for (let n = 0; n < 8; n += 1) await beginAndGo('/reports/data-flow');
  expect((await get('/reports/exposure?vendor=mixpanel')).status).toBe(200);
  expect(reads().slice(before)).toEqual([['report', 'exposure vendor=mixpanel', 'auditor']]);
}, 60_000);

test('the thread that makes a report is ended when its client goes, and not when the report is done', () => {
  // In a process of its own: this one does not hear of threads.
  const script = `
    import { createReports } from './src/http/reports/reports.ts';
    import { loadYaml } from './src/sources/yaml/load.ts';
    const facts = await loadYaml('policies');
    const gone = new AbortController();
    process.once('worker', (thread) => {
      const alive = setInterval(() => {}, 1000);
      thread.once('exit', (code) => {
        clearInterval(alive);
        console.log('exit', code);
      });
      thread.once('online', () => gone.abort());
    });
    console.log(await createReports({ dir: ${JSON.stringify(dir)}, facts: () => facts, now: Date.now }).make({ kind: 'data-flow', parameters: new Map(), format: 'json' }, gone.signal));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: ROOT, encoding: 'utf8' });
  // By itself it would end with 0.
  expect([stdout.trim().split('\n').sort(), stderr]).toEqual([['exit 1', 'undefined'], '']);
});

test('one is made at a time, a few wait, and more are told to ask again; questions are answered meanwhile', async () => {
  const settled: string[] = [];
  const asked = Array.from({ length: 8 }, () => get('/reports/vendors').then((received) => {
    settled.push('report');
    return received;
  }));
  const check = await send(port, '/check', { token: 'gateway', body: QUESTION }).then((received) => {
    settled.push('check');
    return received;
  });
  expect(check.status).toBe(200);
  const received = await Promise.all(asked);
  const statuses = received.map(({ status }) => status).sort();
  expect(statuses).toEqual([200, 200, 200, 200, 429, 429, 429, 429]);
  expect(received.find(({ status }) => status === 429)!.headers['retry-after']).toBe('10');
  // The answer came before the last report, which a thread made after three others.
  expect(settled.indexOf('check')).toBeLessThan(7);
  expect((await get('/reports/vendors')).status).toBe(200);
}, 60_000);
