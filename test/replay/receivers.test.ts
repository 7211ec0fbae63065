import path from 'node:path';
import { parseArgs } from 'node:util';
import { replay } from '../../src/cli/audit/replay.ts';
import { impactOf, type Impact } from '../../src/replay/impact.ts';
import { byFacts } from '../../src/replay/rejudge.ts';
import { scan } from '../../src/replay/scan.ts';
import { impactText } from '../../src/replay/text/reports.ts';
import { ageSince, createSnapshot } from '../../src/snapshot.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { record, TELEMETRY, type Recorder } from '../reports/support.ts';
import { endServers } from '../support/server.ts';
import { copyPolicies, findBuiltOpa, NOON, removeWorlds, ROOT, shippedEngine } from '../support/world.ts';

// What would leave that did not, though the verdict on the field stays the same: to somebody else, by other steps, later.

afterAll(() => Promise.all([endServers(), removeWorlds()]));

const DAY_MS = 86_400_000;
const grant = (more: object) => ({ title: 'test', role: 'dashboard_telemetry', environments: ['production'], purposes: ['analytics'], ...more });
const COUNTRY = { ...TELEMETRY, fields: ['country'], rows: 5 };

interface Step { readonly laterMs?: number; readonly ask: object }

async function asked(policies: string, ...steps: readonly Step[]): Promise<Recorder> {
  const recorder = await record({ policies });
  for (const { laterMs = 0, ask } of steps) {
    recorder.later(laterMs);
    await recorder.ask(ask);
  }
  await recorder.close();
  return recorder;
}

/** What `after` would change of what was asked under `before`. */
async function impact(before: string, after: string, ...steps: readonly Step[]): Promise<Impact> {
  const recorder = await asked(before, ...steps);
  const snapshot = createSnapshot({ ...await shippedEngine(), facts: await loadYaml(after), vendorStates: new Map(), ageMs: ageSince(NOON), revisionOf: () => 1 });
  return impactOf(scan({ dir: recorder.dir }), byFacts({ snapshot }));
}

describe('R70, J16: to whom a platform hands on', () => {
  const hub = ({ pond = true, vendors = ['hub', 'lake', 'pond'] }: { readonly pond?: boolean; readonly vendors?: readonly string[] }) => copyPolicies({
    'vendors/hub.yaml': { vendors: {
      hub: { name: 'Hub', party: 'first', categories: ['cdp'], regions: ['DE'], edges: [{ to: 'lake', type: 'forwards_to', on: true, source: 'test' }, { to: 'pond', type: 'forwards_to', on: pond, source: 'test' }] },
      lake: { name: 'Lake', party: 'first', categories: ['cloud'], regions: ['DE'] },
      pond: { name: 'Pond', party: 'first', categories: ['cloud'], regions: ['DE'] },
    } },
    'grants/hub.yaml': { grants: { country: grant({ vendors, categories: ['user.location.imprecise.country'], obligations: [{ op: 'scope_destinations' }] }) } },
  });
  const ask = { ...COUNTRY, vendor: 'hub' };
  const toPond = (more: object) => [{ vendor: 'pond', identity: 'service:telemetry', category: 'user.location.imprecise.country', records: 1, rows: 5, ...more }];

  test('a destination that is switched on is newly allowed; one that is switched off is newly refused', async () => {
    const [off, on] = [await hub({ pond: false }), await hub({})];
    const opened = await impact(off, on, { ask });
    expect(opened).toMatchObject({ unchanged: 0, newlyAllowed: { records: 1, rows: 5 }, newlyRefused: { records: 0 }, changes: toPond({ from: 'deny', to: 'allow', leftAs: null, wouldLeaveAs: 'raw', rule: 'country' }) });
    expect(opened.changes).toHaveLength(1);
    const closed = await impact(on, off, { ask });
    expect(closed).toMatchObject({ newlyAllowed: { records: 0 }, newlyRefused: { records: 1, rows: 5 }, changes: toPond({ from: 'allow', to: 'deny', leftAs: 'raw', wouldLeaveAs: null }) });
    expect(closed.changes).toHaveLength(1);
  }, 60_000);

  test('one that the caller had to leave out, and need not any more, is newly allowed', async () => {
    const [without, all] = [await hub({ vendors: ['hub', 'lake'] }), await hub({})];
    expect(await impact(without, all, { ask })).toMatchObject({ newlyAllowed: { records: 1 }, newlyRefused: { records: 0 }, decisions: [{ from: 'transform', to: 'allow' }], changes: toPond({ from: 'deny', to: 'allow' }) });
    expect(await impact(all, without, { ask })).toMatchObject({ newlyAllowed: { records: 0 }, newlyRefused: { records: 1 }, changes: toPond({ from: 'allow', to: 'deny' }) });
    expect(await impact(without, without, { ask })).toMatchObject({ unchanged: 1, changes: [] });
  }, 60_000);

  test('of a question that is refused nobody gets anything; once it is permitted, each who gets it is told', async () => {
    const [refused, permitted] = [await hub({ vendors: ['lake'] }), await hub({})];
    const report = await impact(refused, permitted, { ask });
    expect(report.changes.map(({ vendor, from, to }) => `${vendor} ${from} ${to}`).sort()).toEqual(['hub deny allow', 'lake deny allow', 'pond deny allow']);
    expect(report.newlyAllowed.records).toBe(1);
  }, 60_000);
});

test('a step with other parameters may tell more: it counts both ways, and both are told', async () => {
  const cut = (length: number) => copyPolicies({ 'grants/cut.yaml': { grants: { cut: grant({ role: 'support_agent', vendors: ['internal-obs'], categories: ['user.location.imprecise.city'], effect: 'transform', obligations: [{ op: 'truncate', params: { length } }] }) } } });
  const ask = { ...TELEMETRY, identity: 'user:sam', vendor: 'internal-obs', fields: ['city'] };
  const [short, long] = [await cut(2), await cut(100)];
  const report = await impact(short, long, { ask });
  expect(report).toMatchObject({ unchanged: 0, newlyAllowed: { records: 1 }, newlyRefused: { records: 1 }, changes: [{ leftAs: 'shortened', wouldLeaveAs: 'shortened', done: { then: 'truncate length=2', now: 'truncate length=100' } }] });
  expect(impactText(report)).toContain('| transform (shortened: `truncate length=2`) | transform (shortened: `truncate length=100`) |');
  expect(await impact(short, short, { ask })).toMatchObject({ unchanged: 1 });
}, 60_000);

describe('J28: what time alone changes while a question is asked', () => {
  const until = (dates: object) => copyPolicies({ 'grants/more.yaml': { grants: { country: grant({ vendors: ['amplitude'], categories: ['user.location.imprecise.country'], ...dates }) } } });
  const ask = { ...COUNTRY, vendor: 'amplitude' };

  test('a grant that starts meanwhile lets out from then on: it is told, and no limit of none holds', async () => {
    const report = await impact(await copyPolicies({}), await until({ starts: '2026-11-23' }), { ask }, { laterMs: DAY_MS, ask }, { ask });
    expect(report).toMatchObject({ questions: 1, unchanged: 3, newlyAllowed: { records: 0 }, crossedInTime: 3, newlyAllowedInTime: 3 });
    expect(impactText(report)).toContain('from then on 3 at most would let out what stayed');
  }, 60_000);

  test('the exit code for CI counts them', async () => {
    const { dataDir } = await asked(await copyPolicies({}), { ask }, { laterMs: DAY_MS, ask });
    const later = await until({ starts: '2026-11-23' });
    const env = { ...process.env, SLUICE_DATA_DIR: dataDir, SLUICE_REGO: path.join(ROOT, 'rego'), SLUICE_OPA: await findBuiltOpa() };
    const said: string[] = [];
    const codeOf = (limit: string) => replay.run(parseArgs({ args: ['--policies', later, '--json', '--max-newly-allowed', limit], options: replay.options, allowPositionals: true }), {
      root: ROOT, env, colour: false, interactive: false, stdin: async () => '', out() {}, err: (line) => void said.push(line),
    });
    expect([await codeOf('1'), await codeOf('2')]).toEqual([1, 0]);
    expect(said[0]).toContain('2 records were asked over a moment from which on what stayed would be let out');
  }, 60_000);

  test('one that ends meanwhile keeps back from then on; one that starts and ends between two askings is found too', async () => {
    expect(await impact(await copyPolicies({}), await until({ expires: '2026-11-22' }), { ask }, { laterMs: DAY_MS, ask })).toMatchObject({ newlyAllowed: { records: 2 }, crossedInTime: 2, newlyAllowedInTime: 0 });
    expect(await impact(await copyPolicies({}), await until({ starts: '2026-11-23', expires: '2026-11-23' }), { ask }, { laterMs: 3 * DAY_MS, ask })).toMatchObject({ newlyAllowed: { records: 0 }, newlyAllowedInTime: 2 });
  }, 60_000);

  test('a date that is passed and changes nothing is not told', async () => {
    expect(await impact(await copyPolicies({}), await copyPolicies({ 'grants/more.yaml': { grants: { 'z-region': grant({ vendors: ['amplitude'], categories: ['user.location.imprecise.region'], starts: '2026-11-23' }) } } }), { ask: { ...ask, fields: ['region'] } }, { laterMs: DAY_MS, ask: { ...ask, fields: ['region'] } }))
      .toMatchObject({ records: 2, crossedInTime: 0, newlyAllowedInTime: 0 });
  }, 60_000);
});
