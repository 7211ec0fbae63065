import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSluice, type Observer, type Sluice } from '../src/index.ts';
import { parseQuestion } from '../src/core/parse/parse.ts';
import { readLog } from '../src/log/read.ts';
import { createRandom, SEED } from './support/random.ts';
import { rounds, say } from './support/rounds.ts';
import { copyPolicies, findBuiltOpa, removeWorlds, ROOT } from './support/world.ts';

const ROUNDS = rounds(5, 50);
const DAY_MS = 86_400_000;
const observer: Observer = { decided() {}, refused() {}, evaluationFailed() {}, appended() {}, activated() {} };
const logger = { info() {}, warn() {}, error() {} };
const grant = { role: 'dashboard_telemetry', vendors: ['mixpanel'], purposes: ['analytics'], categories: ['user.device.browser'], starts: '2026-06-01', expires: '2026-06-02' };
const question = parseQuestion({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['browser'] });

let dataDir: string;
let policies: string;
beforeAll(async () => { policies = await copyPolicies({ 'grants/fixture.yaml': { grants: { 'browsers-in-june': grant } } }); });
beforeEach(async () => { dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-clock-')); });
afterEach(() => rm(dataDir, { recursive: true, force: true }));
afterAll(removeWorlds);

const clock = { nowMs: 0, monotonicMs: 0 };
const start = async (): Promise<Sluice> => openSluice({
  policies, rego: path.join(ROOT, 'rego'), dataDir, env: { ...process.env, SLUICE_OPA: await findBuiltOpa() }, logger, observer, memoBytes: 2 ** 20, now: () => clock.nowMs, monotonic: () => clock.monotonicMs,
});
const ask = async (sluice: Sluice) => (await sluice.pdp.check(question, { caller: sluice.facts().callers.get('demo-gateway')! })).answer;

async function records() {
  const found: Readonly<Record<string, unknown>>[] = [];
  for await (const { record } of readLog(path.join(dataDir, 'log'))) found.push(record);
  return found;
}

const isVerified = () => spawnSync(process.execPath, [path.join(ROOT, 'verify.mjs'), path.join(dataDir, 'log')]).status;

test('J28: a clock that jumps a day ahead and back, also over a restart, revives nothing; every record is there, in order, and says when the clock jumped', async () => {
  clock.nowMs = Date.parse('2026-06-02T12:00:00Z');
  let sluice = await start();
  const decisions = [(await ask(sluice)).decision];
  clock.nowMs += DAY_MS; // past the grant's end
  decisions.push((await ask(sluice)).decision);
  clock.nowMs -= DAY_MS;
  decisions.push((await ask(sluice)).decision);
  await sluice.close();
  sluice = await start();
  decisions.push((await ask(sluice)).decision);
  await sluice.close();
  expect(decisions).toEqual(['allow', 'deny', 'deny', 'deny']);

  const found = await records();
  expect(found.filter(({ kind }) => kind === 'decision').map(({ decision }) => decision)).toEqual(decisions);
  expect(found.filter(({ kind }) => kind === 'clock_jump').map(({ byMs }) => byMs)).toEqual([DAY_MS, -DAY_MS]);
  expect(found.map(({ time }) => time)).toEqual(found.map(({ time }) => time).toSorted());
  expect(found.at(-1)!['time']).toBe('2026-06-03T12:00:00.000Z');
  expect(isVerified()).toBe(0);
});

test(`a clock that jumps at random, and restarts at random, ${ROUNDS} times (SEED=${SEED}): each answer is on record, time never goes back, and the log verifies`, async () => {
  say(`clock-jump.test.ts: SEED=${SEED}, ${ROUNDS} rounds`);
  const random = createRandom(SEED);
  clock.nowMs = Date.parse('2026-06-01T12:00:00Z');
  let sluice = await start();
  const answered = new Map<number, string>();
  let jumps = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const byMs = Math.round((random() - 0.5) * 4 * DAY_MS);
    clock.nowMs += byMs;
    const isRestarted = random() < 0.2;
    if (isRestarted) {
      await sluice.close();
      sluice = await start();
    }
    for (let n = 0; n < 5; n += 1) {
      const { decisionId, log } = await ask(sluice);
      answered.set(log.index, decisionId);
      const passedMs = Math.round(random() * 30_000);
      clock.nowMs += passedMs;
      clock.monotonicMs += passedMs;
    }
    if (!isRestarted && Math.abs(byMs) > 60_000) jumps += 1;
  }
  await sluice.close();
  const found = await records();
  expect(found.filter(({ index, decisionId }) => answered.has(index as number) && answered.get(index as number) === decisionId)).toHaveLength(ROUNDS * 5);
  expect(found.map(({ time }) => time)).toEqual(found.map(({ time }) => time).toSorted());
  expect(found.filter(({ kind }) => kind === 'clock_jump').length).toBeGreaterThanOrEqual(jumps);
  expect(isVerified()).toBe(0);
}, 30_000 + ROUNDS * 3000);
