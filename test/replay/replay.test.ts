import fc from 'fast-check';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { replay } from '../../src/cli/audit/replay.ts';
import { retell } from '../../src/core/decide/why-not.ts';
import { openNames } from '../../src/datadir/names.ts';
import { openBundles } from '../../src/replay/bundles.ts';
import { differences } from '../../src/replay/compare.ts';
import { impactOf, type Impact } from '../../src/replay/impact.ts';
import type { AskedRecord, RecordedShape } from '../../src/replay/recorded.ts';
import { redecide } from '../../src/replay/redecide.ts';
import { byFacts } from '../../src/replay/rejudge.ts';
import { reproduce } from '../../src/replay/reproduce.ts';
import { scan, type Group } from '../../src/replay/scan.ts';
import { shadowOf } from '../../src/replay/shadow.ts';
import { ageSince, createSnapshot, type Snapshot } from '../../src/snapshot.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { PROGRAM } from '../../src/version.ts';
import { traffic } from '../../scripts/demo-traffic.ts';
import { record, TELEMETRY, type Recorder } from '../reports/support.ts';
import { copyRego, endServers } from '../support/server.ts';
import { copyPolicies, findBuiltOpa, NOON, openWorld, removeWorlds, ROOT, shippedEngine } from '../support/world.ts';

const POLICIES = path.join(ROOT, 'policies');
let demo: Recorder;

beforeAll(async () => {
  demo = await record();
  for (const question of traffic(300, 3)) await demo.ask(question);
  await demo.ask({ ...TELEMETRY, vendor: 'nobody-knows', fields: ['anon_user_id', 'secret_project', 'region'] });
  await demo.ask({ ...TELEMETRY, event: 'use_tool__crm_lookup', fields: ['anon_user_id'], purpose: 'analytics.reporting' });
  await demo.ask({ ...TELEMETRY, destination: 'http://api.mixpanel.com/track', vendor: undefined, fields: ['anon_user_id'] });
  await demo.ask({ ...TELEMETRY, identity: 'agent:copilot', onBehalfOf: 'user:sam', event: 'genai.tool_run', fields: ['prompt_category'] });
  await demo.ask({ ...TELEMETRY, event: undefined, purpose: 'analytics.reporting', categories: ['user.contact.email', 'user.location.imprecise.region'] });
  await demo.setVendor('mixpanel', 'under_review');
  await demo.ask({ ...TELEMETRY, fields: ['anon_user_id', 'region'] });
  await demo.setVendor('mixpanel', 'breached');
  await demo.ask({ ...TELEMETRY, fields: ['anon_user_id', 'region'], rows: 9 });
  await demo.close();
}, 60_000);
afterAll(() => Promise.all([endServers(), removeWorlds()]));

async function snapshotOf(policies: string): Promise<Snapshot> {
  return createSnapshot({ ...await shippedEngine(), facts: await loadYaml(policies), vendorStates: new Map(), ageMs: ageSince(NOON), revisionOf: () => 1 });
}

const hashOf = (recorder: Recorder) => openNames(path.join(recorder.dataDir, 'keys', 'names.key'), false).hash;

async function impact(recorder: Recorder, policies: string, window: { fromMs?: number; toMs?: number } = {}): Promise<Impact> {
  return impactOf(scan({ dir: recorder.dir, ...window }), byFacts({ snapshot: await snapshotOf(policies), hashes: [hashOf(recorder)] }));
}

async function all(dir: string): Promise<readonly Group[]> {
  const groups: Group[] = [];
  for await (const group of scan({ dir })) groups.push({ ...group, shape: ((shape) => () => shape)(group.shape()) });
  return groups;
}

interface Ran { code: number; out: string; err: string }

async function run(recorder: Pick<Recorder, 'dataDir'>, ...args: readonly string[]): Promise<Ran> {
  const ran: Ran = { code: 0, out: '', err: '' };
  const { values, positionals } = parseArgs({ args: [...args], options: replay.options, allowPositionals: true });
  const env = { ...process.env, SLUICE_DATA_DIR: recorder.dataDir, SLUICE_REGO: path.join(ROOT, 'rego'), SLUICE_OPA: await findBuiltOpa() };
  const context = { root: ROOT, env, colour: false, interactive: false, stdin: async () => '' };
  ran.code = await replay.run({ values, positionals }, { ...context, out: (line) => void (ran.out += `${line}\n`), err: (line) => void (ran.err += `${line}\n`) });
  return ran;
}

describe('R66 exact reproduction', () => {
  test('every decision comes out again from its recorded input under the bundle that it names', async () => {
    const report = await reproduce(scan({ dir: demo.dir }), openBundles(path.join(demo.dataDir, 'bundles')));
    expect(report).toMatchObject({ records: 307, reproduced: 307, different: 0, differentUnderThisProgram: 0, withoutInput: 0, missingBundles: {}, examples: [] });
  });

  test('the named bundle gives the rulings bit for bit, of every question that the log holds', async () => {
    const { engine } = await shippedEngine();
    const world = await openWorld();
    const bundles = openBundles(path.join(demo.dataDir, 'bundles'));
    let compared = 0;
    for (const question of traffic(120, 5)) {
      const judged = world.judge(question);
      const kept = await bundles.engineOf(engine.digest);
      const recorded = JSON.parse(JSON.stringify({ ...judged.prepared.shape, ...(judged.told.length > 0 && { whyNot: judged.told }) })) as RecordedShape;
      const { rulings } = redecide(world.record(question) as unknown as AskedRecord, recorded, kept!);
      const text = (of: typeof rulings) => JSON.stringify(of?.map(({ rules, permits, failed }) => [rules, [...permits], failed]));
      expect(text(rulings)).toBe(text(judged.rulings));
      compared += 1;
    }
    expect(compared).toBe(120);
  });

  test('J7: why nothing permits is part of the record, and without it the reasons differ', async () => {
    const { engine } = await shippedEngine();
    const told = (await all(demo.dir)).filter((group) => (group.shape()?.whyNot ?? []).length > 0);
    expect(told.length).toBeGreaterThan(5);
    const [group] = told.filter((one) => one.record.reasons.some(({ code }) => code === 'category_not_granted'));
    const { whyNot: _, ...less } = group!.shape()!;
    expect(differences(group!.record, redecide(group!.record, group!.shape()!, engine).decision)).toEqual([]);
    expect(differences(group!.record, redecide(group!.record, less, engine).decision)).toEqual(expect.arrayContaining(['reasons']));
    expect(retell([])(0, 0)).toEqual([]);
  });

  test('a changed record is found; one of another program version is reported as such', async () => {
    async function* altered(change: (record: AskedRecord) => AskedRecord) {
      for (const group of await all(demo.dir)) yield { ...group, record: group.record.decision === 'deny' ? change(group.record) : group.record };
    }
    const bundles = openBundles(path.join(demo.dataDir, 'bundles'));
    const freer = await reproduce(altered((one) => ({ ...one, decision: 'allow' })), bundles);
    expect(freer.different).toBeGreaterThan(10);
    expect(freer.examples[0]).toMatchObject({ members: ['decision'] });
    const other = await reproduce(altered((one) => ({ ...one, decision: 'allow', program: 'sluice/0.0.1' })), bundles);
    expect(other).toMatchObject({ different: 0, program: PROGRAM });
    expect(other.differentUnderThisProgram).toBe(freer.different);
    expect(other.examples[0]).toMatchObject({ program: 'sluice/0.0.1' });
  });

  test('old bundles stay: after the rules have changed, both halves of the log come out again', async () => {
    const rego = await copyRego();
    const policies = await copyPolicies({});
    const recorder = await record({ policies, rego });
    await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'region'] });
    const file = path.join(rego, (await readdir(rego, { recursive: true })).find((name) => name.endsWith('genai.rego'))!);
    await writeFile(file, (await readFile(file, 'utf8')).replace('"system.ai.knowledge_base_id"]', '"system.ai.knowledge_base_id", "system.ai.agent_session"]'));
    await recorder.reload();
    await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'org_id'] });
    await recorder.close();
    const { code, out } = await run(recorder, '--json');
    expect(JSON.parse(out)).toMatchObject({ records: 2, reproduced: 2, missingBundles: {} });
    expect(code).toBe(0);

    const [before, after] = (await all(recorder.dir)).map((group) => group.record.bundle!);
    expect(before).not.toBe(after);
    await rm(path.join(recorder.dataDir, 'bundles'), { recursive: true });
    const without = await run(recorder, '--json');
    expect(JSON.parse(without.out)).toMatchObject({ reproduced: 0, missingBundles: { [before!]: 1, [after!]: 1 } });
    expect(without.code).toBe(1);
  }, 60_000);
});

describe('R70 what would change', () => {
  test('under the same policy nothing changes: kill switch, unknown names, delegation and categories included', async () => {
    expect(await impact(demo, POLICIES)).toMatchObject({ records: 307, unchanged: 307, newlyAllowed: { records: 0 }, newlyRefused: { records: 0 }, changes: [], notReplayed: {} });
  });

  test('property: under the same policy nothing changes, whatever was asked', async () => {
    const recorder = await record();
    const catalogue = (await snapshotOf(POLICIES)).world.catalogue;
    const events = [...catalogue.facts.events.values()].filter(({ name }) => !name.includes('@'));
    const arbitrary = fc.constantFrom(...events).chain((event) => fc.record({
      event: fc.oneof({ weight: 9, arbitrary: fc.constant(event.name) }, { weight: 1, arbitrary: fc.constantFrom('use_tool__x', 'never.heard_of') }),
      fields: fc.uniqueArray(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...event.fields.map(({ path: field }) => field)) }, { weight: 1, arbitrary: fc.constantFrom('unheard', 'a.b.c', 'config.x') }), { minLength: 1, maxLength: 6 }),
      identity: fc.constantFrom('service:telemetry', 'service:checkout', 'service:analytics-pipeline', 'agent:copilot', 'user:sam', 'webhook:crm-sync', 'user:nobody'),
      vendor: fc.constantFrom('mixpanel', 'amplitude', 'vendor-x', 'segment', 'datadog', 'intercom', 'openai', 'internal-obs', 'never-heard-of'),
      environment: fc.constantFrom('production', 'staging', 'moon'),
      purpose: fc.constantFrom('analytics.reporting', 'marketing', 'essential.service.operations.support', 'whim'),
      channel: fc.constantFrom('telemetry', 'export', 'tool_call'),
      dataSubject: fc.constantFrom({}, { region: 'EU' }, { region: 'US' }, { region: 'elsewhere' }),
      supports: fc.constantFrom([], ['drop'], ['coarsen_geo', 'hmac']),
    }));
    await fc.assert(fc.asyncProperty(arbitrary, async (question) => { await recorder.ask(question); }), { numRuns: 400 });
    await recorder.close();
    const same = await impact(recorder, POLICIES);
    expect(same).toMatchObject({ unchanged: same.records, changes: [], notReplayed: {} });
    const again = await reproduce(scan({ dir: recorder.dir }), openBundles(path.join(recorder.dataDir, 'bundles')));
    expect(again).toMatchObject({ reproduced: same.records, examples: [] });
  }, 120_000);

  test('a wider grant: newly allowed by vendor, category, identity and rule, with examples, rows and an exit code', async () => {
    const policies = await copyPolicies({ 'grants/wider.yaml': { grants: {
      'country-too': { role: 'dashboard_telemetry', vendors: ['amplitude'], environments: ['production'], purposes: ['analytics'], categories: ['user.location.imprecise.country'] },
    } } });
    const recorder = await record();
    for (let n = 0; n < 5; n += 1) await recorder.ask({ ...TELEMETRY, vendor: 'amplitude', fields: ['anon_user_id', 'country'], rows: 10 });
    await recorder.ask({ ...TELEMETRY, vendor: 'amplitude', fields: ['anon_user_id'] });
    await recorder.close();
    const report = await impact(recorder, policies);
    expect(report).toMatchObject({
      method: 'prepared again', questions: 2, records: 6, unchanged: 1, newlyAllowed: { records: 5, rows: 50 }, newlyRefused: { records: 0 },
      decisions: [{ from: 'deny', to: 'allow', records: 5, rows: 50 }], byEvent: [{ event: 'genai_dashboard.viewed', records: 5 }],
      changes: [{ vendor: 'amplitude', category: 'user.location.imprecise.country', identity: 'service:telemetry', from: 'deny', to: 'allow', rule: 'country-too', records: 5, examples: [{ field: 'country', environment: 'production' }] }],
    });
    expect((await run(recorder, '--policies', policies, '--max-newly-allowed', '4')).code).toBe(1);
    expect((await run(recorder, '--policies', policies, '--max-newly-allowed', '5')).code).toBe(0);
    const { out } = await run(recorder, '--policies', policies);
    expect(out).toContain('**5 would let out what stayed** (50 rows stated)');
  }, 60_000);

  test('J10: what leaves once the fix is applied counts too: a field that another one beside it still denies', async () => {
    const wider = await copyPolicies({ 'grants/wider.yaml': { grants: {
      'country-too': { role: 'dashboard_telemetry', vendors: ['amplitude'], environments: ['production'], purposes: ['analytics'], categories: ['user.location.imprecise.country'] },
    } } });
    const ask = { ...TELEMETRY, vendor: 'amplitude' };
    const recorder = await record();
    for (const field of ['org_id', 'email']) await recorder.ask({ ...ask, fields: ['anon_user_id', 'country', field], rows: 3 });
    await recorder.ask({ ...ask, fields: ['anon_user_id', 'org_id'] });
    await recorder.ask({ ...ask, vendor: 'mixpanel', fields: ['anon_user_id', 'country', 'org_id'] });
    await recorder.close();
    expect(await impact(recorder, wider)).toMatchObject({ newlyAllowed: { records: 2, rows: 6 }, newlyRefused: { records: 0 }, unchanged: 2, decisions: [{ from: 'deny', to: 'deny', records: 2 }] });
    expect((await run(recorder, '--policies', wider, '--max-newly-allowed', '1')).code).toBe(1);
    const other = await record({ policies: wider });
    for (const field of ['org_id', 'email']) await other.ask({ ...ask, fields: ['anon_user_id', 'country', field] });
    await other.close();
    expect(await impact(other, POLICIES)).toMatchObject({ newlyAllowed: { records: 0 }, newlyRefused: { records: 2 } });
  }, 60_000);

  test('J9, J10: of a combination what its fix leaves has left, and is not newly allowed when the combination is gone', async () => {
    const recorder = await record();
    const pair = { identity: 'service:checkout', vendor: 'amplitude', environment: 'production', event: 'web.page_viewed', fields: ['email_domain', 'role'] };
    await recorder.ask(pair);
    await recorder.close();
    const without = await copyPolicies({ 'combinations.yaml': { combinations: {} } });
    const report = await impact(recorder, without);
    expect(report).toMatchObject({ newlyAllowed: { records: 1 }, newlyRefused: { records: 0 }, decisions: [{ from: 'deny', to: 'allow' }] });
  }, 60_000);

  test('a stricter form is no newly allowed one; a freer one is', async () => {
    const grant = (more: object) => copyPolicies({ 'grants/tags.yaml': { grants: {
      pseudonym: { role: 'support_agent', vendors: ['internal-obs'], environments: ['production'], purposes: ['analytics'], categories: ['user.unique_id.pseudonymous'], ...more },
    } } });
    const [raw, hashed] = [await grant({}), await grant({ effect: 'transform', obligations: [{ op: 'hmac' }] })];
    const question = { ...TELEMETRY, identity: 'user:sam', vendor: 'internal-obs', fields: ['anon_user_id'] };
    const recorder = await record({ policies: raw });
    await recorder.ask(question);
    await recorder.close();
    expect(await impact(recorder, hashed)).toMatchObject({ newlyAllowed: { records: 0 }, newlyRefused: { records: 1 }, decisions: [{ from: 'allow', to: 'transform' }] });
    const other = await record({ policies: hashed });
    await other.ask(question);
    await other.close();
    expect(await impact(other, raw)).toMatchObject({ newlyAllowed: { records: 1 }, decisions: [{ from: 'transform', to: 'allow' }] });
  }, 60_000);

  test('J30: a name that nobody knew is found by its hash once the catalogue knows it; without the key it stays unknown, and is counted', async () => {
    const policies = await copyPolicies({ 'vendors/late.yaml': { vendors: { 'nobody-knows': { name: 'Late', party: 'first', categories: ['observability'], regions: ['DE'] } } } });
    const late = await impact(demo, policies);
    expect(late.changes.some(({ vendor, to }) => vendor.startsWith('?') && to === 'allow')).toBe(true);
    expect(late.newlyAllowed.records).toBe(1); // the unknown field still denies the whole, and the fix drops it
    const blind = await impactOf(scan({ dir: demo.dir }), byFacts({ snapshot: await snapshotOf(policies) }));
    expect(blind).toMatchObject({ unchanged: 307 });
    expect(blind.withHashedNames).toBeGreaterThan(late.withHashedNames - 1);
  });

  test('what can no longer be asked is told, and counts against a limit', async () => {
    const leaf = { sensitivity: 'confidential', identifiability: 'none' };
    const recorder = await record({ policies: await copyPolicies({ 'categories/more.yaml': { categories: { 'system.ai.mood': leaf } } }) });
    await recorder.ask({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', purpose: 'analytics.reporting', categories: ['system.ai.mood'] });
    await recorder.close();
    const policies = await copyPolicies({ 'categories/more.yaml': { categories: { 'system.ai.mood.of_day': leaf } } });
    const { code, err, out } = await run(recorder, '--policies', policies, '--max-newly-allowed', '0');
    expect(out).toContain('1 could not be asked again');
    expect(err).toContain('count as newly allowed');
    expect(code).toBe(1);
  }, 60_000);

  test('other rules alone: from the recorded input', async () => {
    const rego = await copyRego();
    const { code, out } = await run(demo, '--rego', rego, '--json', '--max-newly-allowed', '0');
    expect(JSON.parse(out)).toMatchObject({ method: 'recorded input', records: 307, unchanged: 307 });
    expect(code).toBe(0);
  });

  test('a limit over no decision is no limit that was kept', async () => {
    const { code, err } = await run(demo, '--policies', POLICIES, '--max-newly-allowed', '0', '--from', '2030-01-01');
    expect([code, err]).toEqual([1, expect.stringContaining('no decision in that time to compare with')]);
  });

  test('a mistake in the options is told', async () => {
    await expect(run(demo, '--max-newly-allowed', '0')).rejects.toThrow('compares with another policy');
    await expect(run(demo, '--max-newly-allowed', '-1', '--rego', 'x').catch((error: unknown) => { throw error; })).rejects.toThrow();
    await expect(run(demo, '--from', '2026-11-23', '--to', '2026-11-22')).rejects.toThrow('--from must be before --to');
    for (const other of [['--policies', POLICIES], ['--rego', 'rego'], ['--max-newly-allowed', '0']]) await expect(run(demo, '--shadow', ...other)).rejects.toThrow(`${other[0]} has no part in it`);
  });
});

describe('J13 shadow', () => {
  test('R70: what shadow let pass is summed up, by vendor, event and reason', async () => {
    const policies = await copyPolicies({ 'modes.yaml': { modes: { vendors: { amplitude: { mode: 'shadow' } } } } });
    const recorder = await record({ policies });
    for (let n = 0; n < 3; n += 1) await recorder.ask({ ...TELEMETRY, vendor: 'amplitude', fields: ['anon_user_id', 'country'], rows: 2 });
    await recorder.ask({ ...TELEMETRY, vendor: 'amplitude', fields: ['anon_user_id'] });
    await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'country'] });
    await recorder.close();
    expect(await shadowOf(scan({ dir: recorder.dir }))).toMatchObject({
      records: 4, same: 1, lines: [{ vendor: 'amplitude', decision: 'allow', wouldBe: 'deny', records: 3, rows: 6, reasons: [expect.stringContaining('category_not_granted@')] }],
    });
    expect((await run(recorder, '--shadow')).out).toContain('enforcement would have answered 1 of them the same');
    expect((await reproduce(scan({ dir: recorder.dir }), openBundles(path.join(recorder.dataDir, 'bundles')))).reproduced).toBe(5);
  }, 60_000);
});

test('the scan finds a line that is out of place, and names it', async () => {
  const recorder = await record();
  await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id'] });
  await recorder.close();
  const copy = `${recorder.dataDir}-copy`;
  await cp(recorder.dir, copy, { recursive: true });
  const [segment] = await readdir(path.join(copy, 'segments'));
  const file = path.join(copy, 'segments', segment!);
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, [lines[0], ...lines.slice(2)].join('\n'));
  await expect(all(copy)).rejects.toThrow(`${file}:2: must be the record of index 1`);
  await rm(copy, { recursive: true });
});
