import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createCatalogue, type Catalogue } from '../../src/core/catalogue/catalogue.ts';
import { byFacts, byRules, type Rejudge } from '../../src/replay/rejudge.ts';
import { collect, collectFrom, collectUnder, createCollector, scanFor } from '../../src/reports/collect.ts';
import { exposureOf, type ExposureReport } from '../../src/reports/exposure.ts';
import { acrossVendors } from '../../src/reports/across.ts';
import { readBasis } from '../../src/reports/basis.ts';
import { exposureText } from '../../src/reports/text/exposure.ts';
import { ageSince, createSnapshot, type Snapshot } from '../../src/snapshot.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { loadBundle } from '../../src/opa/build.ts';
import { createEngine } from '../../src/opa/engine.ts';
import { copyRego, endServers, makeFolder } from '../support/server.ts';
import { copyPolicies, findBuiltOpa, NOON, removeWorlds, ROOT, RULES, shippedEngine } from '../support/world.ts';
import { record, TELEMETRY, type Recorder } from './support.ts';

// What a vendor holds, what can be made of it, and what another policy would have left of it.

const POLICIES = path.join(ROOT, 'policies');
let catalogue: Catalogue;
beforeAll(async () => { catalogue = createCatalogue(await loadYaml(POLICIES)); });
afterAll(() => Promise.all([endServers(), removeWorlds()]));

async function snapshotOf(policies: string): Promise<Snapshot> {
  return createSnapshot({ ...await shippedEngine(), facts: await loadYaml(policies), vendorStates: new Map(), ageMs: ageSince(NOON), revisionOf: () => 1 });
}

async function under({ dir }: Recorder, rejudge: Rejudge, vendor: string): Promise<ExposureReport> {
  const collector = createCollector();
  const collected = await collectUnder(scanFor(collector, { dir }), rejudge, collector);
  return exposureOf(collected, { vendor, catalogue, under: 'new', notReplayed: collected.notReplayed, crossedInTime: collected.crossedInTime });
}

const exposure = async ({ dir }: Recorder, vendor: string, of = catalogue) => exposureOf(await collectFrom({ dir }), { vendor, catalogue: of });
const grant = (more: object) => ({ title: 'test', environments: ['production'], purposes: ['analytics'], ...more });

describe('R13: residual exposure', () => {
  // As before the dashboard was hardened: everything goes.
  const LAX = { 'terms.yaml': { terms: {} }, 'grants/lax.yaml': { grants: { everything: grant({ role: 'dashboard_telemetry', vendors: ['mixpanel'], categories: ['user.unique_id.*', 'user.location.*', 'user.device.*'] }) } } };
  let recorder: Recorder;
  beforeAll(async () => {
    recorder = await record({ policies: await copyPolicies(LAX) });
    for (let n = 0; n < 5; n += 1) {
      await recorder.ask({ ...TELEMETRY, fields: ['region', 'feature_flag', 'browser', 'city'], rows: 100 });
      await recorder.ask({ ...TELEMETRY, fields: ['email', 'account_id', 'url', 'tool_name'] });
      await recorder.ask({ ...TELEMETRY, fields: ['email', 'region'], rows: 1 });
    }
    await recorder.close();
  }, 60_000);

  test('before: what was permitted to leave', async () => {
    const before = await exposure(recorder, 'mixpanel');
    expect(before.categories.map(({ category }) => category).sort()).toEqual(['system.operations.feature_flag', 'user.device.browser', 'user.location.imprecise.city', 'user.location.imprecise.region']);
    expect(before.afterFix).toBeUndefined();
  });

  test('under the policy that decided, what was asked for and never permitted is the same, though its fix drops it before it is asked again', async () => {
    const policies = await copyPolicies(LAX);
    const same = await under(recorder, byFacts({ snapshot: await snapshotOf(policies) }), 'mixpanel');
    expect(same.refused.withheld).toEqual((await exposure(recorder, 'mixpanel')).refused.withheld);
    expect(same.refused.withheld.length).toBeGreaterThan(2);
  });

  test('under the hardened policy an attacker would still see that somebody in some region used the dashboard, and no customer: also of questions that it refuses until its fix is applied', async () => {
    const after = await under(recorder, byFacts({ snapshot: await snapshotOf(POLICIES) }), 'mixpanel');
    expect(after.categories.map(({ category, form, amount: { decisions, rows } }) => [category, form, decisions, rows])).toEqual([
      ['system.operations.feature_flag', 'raw', 5, 500], ['user.location.imprecise.region', 'raw', 10, 505], ['user.location.imprecise.region', 'coarse', 5, 500],
    ]);
    expect(after).toMatchObject({ under: 'new', permittedToLeave: { decisions: 10 }, afterFix: { decisions: 10, rows: 505 }, refused: { decisions: 5 }, notes: [] });
    const text = JSON.stringify(after.categories);
    for (const gone of ['system.tenant', 'system.ai', 'user.contact', 'email', 'account_id', 'tool_name', 'browser']) expect(text).not.toContain(gone);
    expect(exposureText(after)).toContain('leave once the fields are dropped that the fix names');
  });

  test('what time alone changes while it was asked is told: it is judged as the first', async () => {
    const asked = await record();
    await asked.ask({ ...TELEMETRY, vendor: 'amplitude', fields: ['country'] });
    asked.later(86_400_000);
    await asked.ask({ ...TELEMETRY, vendor: 'amplitude', fields: ['country'] });
    await asked.close();
    const later = await copyPolicies({ 'grants/later.yaml': { grants: { later: grant({ role: 'dashboard_telemetry', vendors: ['amplitude'], categories: ['user.location.imprecise.country'], starts: '2026-11-23' }) } } });
    expect(await under(asked, byFacts({ snapshot: await snapshotOf(later) }), 'amplitude')).toMatchObject({ permittedToLeave: { decisions: 0 }, notes: [expect.stringMatching(/^2 records were asked over a moment at which time alone changes/)] });
  }, 60_000);

  test('under other rules alone, from the recorded input', async () => {
    const rego = await copyRego();
    const file = path.join(rego, (await readdir(rego, { recursive: true })).find((name) => name.endsWith('genai.rego'))!);
    await writeFile(file, (await readFile(file, 'utf8')).replace('"system.ai.knowledge_base_id"]', '"system.ai.knowledge_base_id", "user.device.browser"]'));
    const { wasm, rules } = await loadBundle({ ...RULES, rego, cache: await makeFolder(), opa: findBuiltOpa });
    const after = await under(recorder, byRules(await createEngine(wasm, rules)), 'mixpanel');
    expect(after.categories.map(({ category }) => category).sort()).toEqual(['system.operations.feature_flag', 'user.location.imprecise.city', 'user.location.imprecise.region']);
    expect(after.afterFix).toMatchObject({ decisions: 10 });
  }, 60_000);
});

test('R63: transforms tell which keys to rotate, a secret that was refused is told by its kind, and a readable address whom to warn', async () => {
  const policies = await copyPolicies({ 'grants/test.yaml': { grants: {
    hashed: grant({ role: 'product_events', vendors: ['internal-obs'], categories: ['user.contact.email'], effect: 'transform', obligations: [{ op: 'hmac' }] }),
    plain: grant({ role: 'product_events', vendors: ['posthog-selfhosted'], categories: ['user.contact.email', 'user.contact.email_domain', 'user.name.*'] }),
  } } });
  const recorder = await record({ policies });
  const ask = (vendor: string, more: object) => recorder.ask({ identity: 'service:checkout', vendor, environment: 'production', purpose: 'analytics', ...more });
  await ask('internal-obs', { fields: ['email'] });
  await ask('posthog-selfhosted', { fields: ['email', 'email_domain'] });
  await ask('internal-obs', { payload: { email: 'AKIAIOSFODNN7EXAMPLE' } });
  await recorder.close();
  const own = createCatalogue(await loadYaml(policies));
  const hashed = await exposure(recorder, 'internal-obs', own);
  expect(hashed.categories).toMatchObject([{ category: 'user.unique_id.pseudonymous', madeOf: 'user.contact.email', form: 'hmac' }]);
  expect(hashed.keysToRotate.map(({ key }) => key)).toEqual(['the credentials that service:checkout use at internal-obs', 'the hmac key for internal-obs', expect.stringMatching(/^secrets of the kind /)]);
  expect(hashed).toMatchObject({ contactable: [], joinKeys: [{ category: 'user.unique_id.pseudonymous', form: 'hmac', alsoHeldBy: [] }], refused: { decisions: 1 } });
  const plain = await exposure(recorder, 'posthog-selfhosted', own);
  expect(plain).toMatchObject({ contactable: ['user.contact.email'], joinKeys: [{ category: 'user.contact.email', form: 'raw', alsoHeldBy: [] }] });
  expect(exposureText(plain)).toContain('Warn of phishing, since this was permitted as it is: `user.contact.email`');
  expect(exposureText(hashed) + JSON.stringify(hashed)).not.toContain('AKIA');
}, 60_000);

test('R56: who sees flags and how they are used can infer the roadmap; R57: what third parties hold under one key can be joined, and a combination comes about over several messages', async () => {
  const policies = await copyPolicies({ 'combinations/more.yaml': { combinations: { 'person-and-flag': { title: 'A person and a flag', members: ['user.unique_id', 'system.operations.feature_flag'], message: 'Both.', fix: 'Drop one.' } } } });
  const recorder = await record({ policies });
  for (const vendor of ['mixpanel', 'amplitude', 'internal-obs']) {
    await recorder.ask({ ...TELEMETRY, vendor, fields: ['anon_user_id'] });
    if (vendor !== 'amplitude') await recorder.ask({ ...TELEMETRY, vendor, fields: ['feature_flag'] });
  }
  await recorder.ask({ identity: 'agent:copilot', vendor: 'amplitude', environment: 'production', event: 'genai.tool_run', fields: ['error_code'] });
  await recorder.permitted({ ...TELEMETRY, vendor: 'intercom', channel: 'telemetry', dataSubject: {}, context: {} });
  await recorder.close();
  const own = createCatalogue(await loadYaml(policies));
  const report = acrossVendors(await collectFrom({ dir: recorder.dir }), { catalogue: own, basis: await readBasis(recorder.dir) });
  // What was only asked of /permitted went to nobody.
  expect(report.vendors.map(({ vendor, party, infersRoadmap, combinations }) => [vendor, party, infersRoadmap, combinations])).toEqual([
    ['amplitude', 'third', false, []], ['internal-obs', 'first', true, ['A person and a flag']], ['mixpanel', 'third', true, ['A person and a flag']],
  ]);
  expect(report.joins).toEqual([{ category: 'user.unique_id.pseudonymous', vendors: ['amplitude', 'mixpanel'] }]);
  expect((await exposure(recorder, 'mixpanel', own)).combinations).toEqual([{ id: 'person-and-flag', title: 'A person and a flag', categories: ['system.operations.feature_flag', 'user.unique_id.pseudonymous'], inOneMessage: false }]);
}, 60_000);

test('a report is the same however its log is read; what data was about is counted once, and people are not', async () => {
  const recorder = await record();
  const report = { identity: 'user:sam', vendor: 'intercom', environment: 'production', event: 'account.report', about: 'account:A1', fields: ['plan', 'seats_used'], aggregate: { groupBy: ['plan'], minCell: 25 } };
  for (let n = 0; n < 2; n += 1) await recorder.ask(report);
  await recorder.close();
  const collector = createCollector();
  const one = exposureOf(await collect(scanFor(collector, { dir: recorder.dir }), collector), { vendor: 'intercom', catalogue });
  expect(one).toEqual(await exposure(recorder, 'intercom'));
  // People stay unknown: the same object may be asked about as often as one likes.
  expect(one).toMatchObject({ permittedToLeave: { decisions: 2 }, objects: 1, subjects: 'unknown' });
});
