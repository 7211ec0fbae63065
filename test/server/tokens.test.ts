import { createHash } from 'node:crypto';
import { openSluice, type Sluice } from '../../src/open.ts';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createApp } from '../../src/http/app.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { createServer, listen } from '../../src/http/server.ts';
import { QUESTION, send } from '../http/harness.ts';
import { endServers, newDataDir } from '../support/server.ts';
import { copyPolicies, findBuiltOpa, removeWorlds, ROOT } from '../support/world.ts';
import path from 'node:path';

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');
const ROLLED = { identities: ['*'], environments: ['*'], powers: ['check'] };
const CALLERS = {
  callers: {
    rolled: { ...ROLLED, tokenSha256: [{ sha256: hashOf('old'), expires: '2026-11-22T12:00:00Z' }, hashOf('new')] },
    dated: { ...ROLLED, tokenSha256: { sha256: hashOf('dated'), expires: '2026-11-22' } },
    plain: { ...ROLLED, tokenSha256: hashOf('plain') },
  },
};

let nowMs = Date.parse('2026-11-22T11:59:59.999Z');
let sluice: Sluice;
let port: number;
let close: () => void;
beforeAll(async () => {
  const quiet = { info() {}, warn() {}, error() {} };
  const registry = new Registry();
  sluice = await openSluice({
    policies: await copyPolicies({ 'callers/rolled.yaml': CALLERS }), rego: path.join(ROOT, 'rego'), dataDir: await newDataDir(), env: { ...process.env, SLUICE_OPA: await findBuiltOpa() },
    logger: quiet, observer: createMetrics(registry), memoBytes: 1024 * 1024, now: () => nowMs, monotonic: () => nowMs,
  });
  const server = createServer(createApp({ pdp: sluice.pdp, logger: pino({ level: 'silent' }), registry, config: { demoCallers: true }, isDraining: () => false }));
  port = await listen(server, 0, '127.0.0.1');
  close = () => server.close();
}, 60_000);
afterAll(async () => {
  close();
  await sluice.close();
  await endServers();
  await removeWorlds();
});

const statusOf = async (token: string) => (await send(port, '/check', { token, body: QUESTION })).status;

test('F13: an old token and its successor hold side by side, the old one until its end, without a reload; a clock set back revives nothing', async () => {
  const all = () => Promise.all(['old', 'new', 'dated', 'plain', 'other', hashOf('new')].map(statusOf));
  expect(await all()).toEqual([200, 200, 200, 200, 401, 401]);
  expect(sluice.pdp.callerOf('old')!.id).toBe('rolled');
  expect(sluice.pdp.callerOf('new')!.id).toBe('rolled');
  nowMs += 1;
  expect(await all()).toEqual([401, 200, 200, 200, 401, 401]);
  nowMs = Date.parse('2026-11-22T23:59:59.999Z');
  expect(await statusOf('dated')).toBe(200);
  nowMs += 1;
  expect(await all()).toEqual([401, 200, 401, 200, 401, 401]);
  nowMs = Date.parse('2026-11-22T11:00:00Z');
  expect(await all()).toEqual([401, 200, 401, 200, 401, 401]);
});
