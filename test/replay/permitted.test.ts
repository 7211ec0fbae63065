import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openDataDir } from '../../src/datadir/datadir.ts';
import { openNames } from '../../src/datadir/names.ts';
import { createEngine } from '../../src/opa/engine.ts';
import { loadBundle } from '../../src/opa/build.ts';
import { openLog } from '../../src/log/log.ts';
import { openBundles } from '../../src/replay/bundles.ts';
import { impactOf } from '../../src/replay/impact.ts';
import { byFacts, byRules } from '../../src/replay/rejudge.ts';
import { reproduce } from '../../src/replay/reproduce.ts';
import { scan } from '../../src/replay/scan.ts';
import { reproductionText, impactText } from '../../src/replay/text/reports.ts';
import { ageSince, createSnapshot, type Snapshot } from '../../src/snapshot.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { record, TELEMETRY, type Recorder } from '../reports/support.ts';
import { copyRego, endServers, makeFolder } from '../support/server.ts';
import { copyPolicies, findBuiltOpa, NOON, removeWorlds, ROOT, RULES, shippedEngine } from '../support/world.ts';

afterAll(() => Promise.all([endServers(), removeWorlds()]));

const PERMITTED = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', channel: 'telemetry', dataSubject: {}, context: {} };
const bundlesOf = ({ dataDir }: Recorder) => openBundles(path.join(dataDir, 'bundles'));

async function snapshotOf(policies: string): Promise<Snapshot> {
  return createSnapshot({ ...await shippedEngine(), facts: await loadYaml(policies), vendorStates: new Map(), ageMs: ageSince(NOON), revisionOf: () => 1 });
}

describe('answers to /permitted', () => {
  let recorder: Recorder;
  beforeAll(async () => {
    recorder = await record();
    await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'region'] });
    await recorder.permitted(PERMITTED);
    await recorder.permitted({ ...PERMITTED, vendor: 'amplitude', identity: 'service:checkout', event: 'web.page_viewed' });
    await recorder.permitted({ ...PERMITTED, vendor: 'segment', event: undefined, purpose: 'analytics.reporting' });
    await recorder.permitted({ ...PERMITTED, vendor: 'nobody-knows' });
    await recorder.close();
    // A list, as Permit's SDKs ask for it: it names neither fields nor input.
    const log = await openLog({ dir: recorder.dir, keysDir: path.join(recorder.dataDir, 'keys'), now: () => NOON + 60_000 });
    const members = { decisionId: '01JDLIST', caller: 'permit:production', list: 'user_permissions', identity: 'service:telemetry', environment: 'production', purpose: 'analytics.reporting', permitted: [{ identities: ['service:telemetry'], vendors: ['mixpanel'], categories: ['user.location.imprecise.region'] }] };
    await log.append({ kind: 'permitted', members: JSON.stringify(members).slice(1, -1) }).durable;
    await log.close();
  }, 60_000);

  test('R66: come out again as recorded, each field for itself and without combinations; a list is told apart', async () => {
    const report = await reproduce(scan({ dir: recorder.dir, permitted: true }), bundlesOf(recorder));
    expect(report).toMatchObject({ records: 6, reproduced: 5, lists: 1, different: 0, withoutInput: 0, examples: [] });
    expect(reproductionText(report)).toContain('1 are lists, which name no input');
  });

  test('let nothing out: what would change is told of decisions alone', async () => {
    const report = await impactOf(scan({ dir: recorder.dir, permitted: true }), byFacts({ snapshot: await snapshotOf(path.join(ROOT, 'policies')) }));
    expect(report).toMatchObject({ records: 1, unchanged: 1, onlyAsked: 5, notReplayed: {} });
    expect(impactText(report)).toContain('5 answers to /permitted are left out');
  });
});

const grant = (more: object) => copyPolicies({ 'grants/tags.yaml': { grants: {
  city: { title: 'City', role: 'support_agent', vendors: ['internal-obs'], environments: ['production'], purposes: ['analytics'], categories: ['user.location.imprecise.city', 'user.location.imprecise.country'], effect: 'transform', ...more },
} } });
const CITY = { ...TELEMETRY, identity: 'user:sam', vendor: 'internal-obs', fields: ['city'], rows: 7 };

test('a field that leaves in another form, under the same effect, is told with both forms', async () => {
  const [coarse, hashed] = [await grant({ obligations: [{ op: 'coarsen_geo', params: { to: 'region' } }] }), await grant({ obligations: [{ op: 'mask' }] })];
  const recorder = await record({ policies: coarse });
  await recorder.ask(CITY);
  await recorder.close();
  const report = await impactOf(scan({ dir: recorder.dir }), byFacts({ snapshot: await snapshotOf(hashed) }));
  expect(report.changes).toMatchObject([{ vendor: 'internal-obs', category: 'user.location.imprecise.city', from: 'transform', to: 'transform', leftAs: 'coarse', wouldLeaveAs: 'masked', rule: 'city', records: 1, rows: 7 }]);
  expect(report.changes[0]!.examples).toMatchObject([{ field: 'city' }]);
  expect(impactText(report)).toContain('| transform (coarse) | transform (masked) |');
}, 60_000);

test('R70: of each event, how many decisions would flip which way, and how many stay', async () => {
  const recorder = await record();
  for (let n = 0; n < 3; n += 1) await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'region'], rows: n + 1 });
  for (let n = 0; n < 2; n += 1) await recorder.ask({ ...TELEMETRY, vendor: 'amplitude', fields: ['country'], rows: n + 1 });
  await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id'] });
  await recorder.ask({ ...TELEMETRY, identity: 'agent:copilot', event: 'genai.tool_run', fields: ['prompt_category'] });
  await recorder.close();
  const policies = await copyPolicies({ 'grants/more.yaml': { grants: { country: { title: 'Country', role: 'dashboard_telemetry', vendors: ['amplitude'], environments: ['production'], purposes: ['analytics'], categories: ['user.location.imprecise.country'] } } } });
  const file = path.join(policies, 'grants.yaml');
  const text = await readFile(file, 'utf8');
  const narrower = text.replace('[user.unique_id.pseudonymous, user.location.imprecise.region, system.operations.feature_flag]', '[user.unique_id.pseudonymous, system.operations.feature_flag]');
  expect(narrower).not.toBe(text);
  await writeFile(file, narrower);
  const report = await impactOf(scan({ dir: recorder.dir }), byFacts({ snapshot: await snapshotOf(policies) }));
  expect(report.byEvent).toEqual([{ event: 'genai_dashboard.viewed', records: 5, rows: 9, newlyAllowed: 2, newlyRefused: 3, unchanged: 1 }]);
  expect(report).toMatchObject({ records: 7, unchanged: 2, newlyAllowed: { records: 2, rows: 3 }, newlyRefused: { records: 3, rows: 6 } });
}, 60_000);

test('J30: a name is found by the key that hashed it, also after that was rotated', async () => {
  const recorder = await record();
  await recorder.ask({ ...TELEMETRY, vendor: 'nobody-knows', fields: ['region'] });
  await recorder.close();
  const dataDir = await openDataDir(recorder.dataDir);
  await dataDir.rotateNames(async () => {});
  dataDir.close();
  const snapshot = await snapshotOf(await copyPolicies({ 'vendors/late.yaml': { vendors: { 'nobody-knows': { name: 'Late', party: 'first', categories: ['observability'], regions: ['DE'] } } } }));
  const keys = path.join(recorder.dataDir, 'keys');
  const [old] = await readdir(path.join(keys, 'old'));
  const [now, before] = [path.join(keys, 'names.key'), path.join(keys, 'old', old!)].map((file) => openNames(file, false).hash);
  expect(await impactOf(scan({ dir: recorder.dir }), byFacts({ snapshot, hashes: [now!] }))).toMatchObject({ newlyAllowed: { records: 0 }, withHashedNames: 1 });
  expect(await impactOf(scan({ dir: recorder.dir }), byFacts({ snapshot, hashes: [now!, before!] }))).toMatchObject({ newlyAllowed: { records: 1 }, withHashedNames: 0 });
}, 60_000);

test('other rules change what they change, from the recorded input: facts of today have no part in it', async () => {
  const recorder = await record();
  await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'feature_flag'], rows: 4 });
  await recorder.ask({ ...TELEMETRY, vendor: 'internal-obs', fields: ['feature_flag'] });
  await recorder.close();
  const rego = await copyRego();
  const file = path.join(rego, (await readdir(rego, { recursive: true })).find((name) => name.endsWith('genai.rego'))!);
  await writeFile(file, (await readFile(file, 'utf8')).replace('"system.ai.knowledge_base_id"]', '"system.ai.knowledge_base_id", "system.operations.feature_flag"]'));
  const cache = await makeFolder();
  const bundle = await loadBundle({ ...RULES, rego, cache, opa: findBuiltOpa });
  const report = await impactOf(scan({ dir: recorder.dir }), byRules(await createEngine(bundle.wasm, bundle.rules)));
  expect(report).toMatchObject({ method: 'recorded input', records: 2, unchanged: 1, newlyAllowed: { records: 0 }, newlyRefused: { records: 1, rows: 4 } });
  expect(report.changes).toMatchObject([{ vendor: 'mixpanel', category: 'system.operations.feature_flag', from: 'allow', to: 'deny', leftAs: 'raw', wouldLeaveAs: null, rule: expect.stringContaining('tool-ids-stay-home') }]);
  await rm(cache, { recursive: true });
}, 60_000);
