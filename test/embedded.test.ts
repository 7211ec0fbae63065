import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Answer } from '../src/core/answer.ts';
import { createEmbedded, openSluice, type Observer, type Sluice } from '../src/index.ts';
import { findBuiltOpa, ROOT } from './support/world.ts';

const observer: Observer = { decided() {}, refused() {}, evaluationFailed() {}, appended() {}, activated() {} };
const logger = { info() {}, warn() {}, error() {} };
const question = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id', 'org_id'] };
let dataDir: string;
let sluice: Sluice;
const WINTER = Date.parse('2026-01-15T00:00:00Z');
let nowMs = WINTER;

beforeEach(async () => {
  nowMs = WINTER;
  dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-embedded-'));
  sluice = await openSluice({ policies: path.join(ROOT, 'policies'), rego: path.join(ROOT, 'rego'), dataDir, env: { ...process.env, SLUICE_OPA: await findBuiltOpa() }, logger, observer, memoBytes: 2 ** 20, now: () => nowMs });
});
afterEach(async () => {
  await sluice.close();
  await rm(dataDir, { recursive: true, force: true });
});

const embedded = (id: string) => createEmbedded(sluice.pdp, sluice.facts().callers.get(id)!);

test('in process the same decision is given, with its record', async () => {
  const answer = await embedded('demo-gateway').check(question);
  expect(answer).toMatchObject({ decision: 'deny', fields: { anon_user_id: { effect: 'allow' }, org_id: { effect: 'deny' } }, log: { index: expect.any(Number) } });
});

test('J29 an answer is the asker\'s own: what it does to it changes no later answer, and no fact', async () => {
  const asked = { ...question, fields: ['city', 'org_id'] };
  const first = await embedded('demo-gateway').check(asked);
  const before = structuredClone(first);
  for (const part of [...Object.values(first.fields), ...first.obligations, ...first.reasons]) for (const key of Object.keys(part)) Reflect.deleteProperty(part, key);
  const city = await embedded('demo-gateway').check({ ...question, fields: ['city'] });
  Object.assign(city.obligations[0]!.params!, { to: 'street' });
  const { decisionId: _, log: __, revision: ___, ...same } = before as Answer;
  expect(await embedded('demo-gateway').check(asked)).toMatchObject(same);
  expect((await embedded('demo-gateway').check({ ...question, environment: 'staging', fields: ['city'] })).obligations).toEqual([expect.objectContaining({ params: { to: 'region' } })]);
});

test('whatever is no question is a denial, and no throw', async () => {
  for (const asked of [null, undefined, 7, [], { ...question, fields: 'email' }, { ...question, fields: { path: 1 } }, { ...question, fields: [7, 'email'] }]) {
    expect(await embedded('demo-gateway').check(asked as never)).toMatchObject({ decision: 'deny', unavailable: { code: 'request_invalid' } });
  }
});

test('J17 R83 a breach and a return at the same time: the breach stays', async () => {
  const asking = { caller: sluice.facts().callers.get('demo-admin')! };
  const [breached, returned] = await Promise.allSettled([sluice.pdp.setVendorState('mixpanel', 'breached', asking), sluice.pdp.setVendorState('mixpanel', 'active', asking)]);
  expect([breached.status, returned.status]).toEqual(['fulfilled', 'rejected']);
  expect(await embedded('demo-gateway').check({ ...question, fields: ['anon_user_id'] })).toMatchObject({ decision: 'deny', reasons: [{ code: 'vendor_suspended' }] });
  await expect(sluice.pdp.setVendorState('amplitude', 'under_review', asking)).resolves.toEqual({ state: 'under_review' });
});

test('J31 no record, no decision: in process a denial with audit_unavailable', async () => {
  await sluice.close();
  const answer = await embedded('demo-gateway').check({ ...question, fields: ['anon_user_id'] });
  expect(answer).toMatchObject({ decision: 'deny', unavailable: { code: 'audit_unavailable' }, fields: { anon_user_id: { effect: 'deny' } }, reasons: [{ code: 'audit_unavailable' }] });
});

test('R36 in process the caller binds too', async () => {
  expect(await embedded('demo-telemetry').check({ ...question, identity: 'user:sam' })).toMatchObject({ decision: 'deny', unavailable: { code: 'not_your_identity' } });
  expect(await embedded('demo-staging').check(question)).toMatchObject({ decision: 'deny', unavailable: { code: 'environment_mismatch' } });
});

test('J29 a memoised answer dies at its expiresAt', async () => {
  const ask = () => embedded('demo-gateway').check({ ...question, vendor: 'segment', fields: ['email'] });
  nowMs = Date.parse('2026-01-15T00:00:00Z');
  const codes = async () => (await ask()).reasons.map(({ code }) => code);
  expect(await codes()).not.toContain('claim_expired');
  nowMs = Date.parse('2026-02-02T00:00:00Z');
  expect(await codes()).toContain('claim_expired');
  nowMs = Date.parse('2026-01-15T00:00:00Z');
  expect(await codes()).toContain('claim_expired'); // a clock set back revives nothing (J28)
});

test('J17 R54 the switch stops a vendor at the next question, memo or not; R83 it returns only with new claims', async () => {
  const asked = { ...question, fields: ['anon_user_id'] };
  const asking = { caller: sluice.facts().callers.get('demo-admin')! };
  expect(await embedded('demo-gateway').check(asked)).toMatchObject({ decision: 'allow', revision: { number: 1 } });
  await sluice.pdp.setVendorState('mixpanel', 'breached', asking);
  expect(await embedded('demo-gateway').check(asked)).toMatchObject({ decision: 'deny', revision: { number: 2 }, reasons: [{ code: 'vendor_suspended' }] });
  await expect(sluice.pdp.setVendorState('mixpanel', 'active', asking)).rejects.toThrow('only with claims issued since');
  await sluice.pdp.setVendorState('mixpanel', 'terminated', asking);
  await expect(sluice.pdp.setVendorState('mixpanel', 'active', asking)).rejects.toThrow('only with claims issued since');
  await expect(sluice.pdp.setVendorState('nobody', 'breached', asking)).rejects.toThrow('no vendor has this id');
});
