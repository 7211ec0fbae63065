import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSluice, type Observer } from '../src/index.ts';
import { parseQuestion } from '../src/core/parse/parse.ts';
import { copyPolicies, findBuiltOpa, removeWorlds, ROOT } from './support/world.ts';

const observer: Observer = { decided() {}, refused() {}, evaluationFailed() {}, appended() {}, activated() {} };
const logger = { info() {}, warn() {}, error() {} };
const grant = { role: 'dashboard_telemetry', vendors: ['mixpanel'], purposes: ['analytics'], categories: ['user.device.browser'], starts: '2026-06-01', expires: '2026-12-31' };
const question = parseQuestion({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['browser'] });

let dataDir: string;
beforeAll(async () => { dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-clock-')); });
afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true });
  await removeWorlds();
});

// The memo's own part of J28: an entry made while the clock was ahead must not outlive its return.
test('J28 J29 starts are judged by the present clock, memo or not: what a clock ahead of time allowed is denied once it is set back', async () => {
  let nowMs = Date.parse('2026-05-01T00:00:00Z');
  const policies = await copyPolicies({ 'grants/fixture.yaml': { grants: { 'browsers-from-june': grant } } });
  const sluice = await openSluice({ policies, rego: path.join(ROOT, 'rego'), dataDir, env: { ...process.env, SLUICE_OPA: await findBuiltOpa() }, logger, observer, memoBytes: 2 ** 20, now: () => nowMs });
  try {
    const ask = async () => (await sluice.pdp.check(question, { caller: sluice.facts().callers.get('demo-gateway')! })).answer.decision;
    const before = await ask();
    nowMs = Date.parse('2026-06-02T00:00:00Z');
    const during = await ask();
    nowMs = Date.parse('2026-05-01T00:00:00Z');
    expect([before, during, await ask()]).toEqual(['deny', 'allow', 'deny']);
  } finally {
    await sluice.close();
  }
});
