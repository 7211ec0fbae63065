import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { record, TELEMETRY, type Recorder } from '../reports/support.ts';
import { endServers } from '../support/server.ts';
import { copyPolicies, findBuiltOpa, NOON, removeWorlds, ROOT } from '../support/world.ts';

let folder: string;
let policies: string;
let recorder: Recorder;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-cli-reports-'));
  policies = await copyPolicies({ 'modes.yaml': { modes: { vendors: { amplitude: { mode: 'shadow' } } } } });
  recorder = await record({ policies });
  await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'region', 'feature_flag'], rows: 250 });
  await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'city'], rows: 40 });
  await recorder.ask({ ...TELEMETRY, fields: ['country'] });
  await recorder.ask({ ...TELEMETRY, vendor: 'amplitude', fields: ['country'] });
  await recorder.ask({ ...TELEMETRY, vendor: 'amplitude', fields: ['region'] });
  await recorder.permitted({ ...TELEMETRY, channel: 'telemetry', dataSubject: {}, context: {} });
  await recorder.close();
}, 60_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await Promise.all([endServers(), removeWorlds()]);
});

interface Ran { readonly code: number; readonly out: string; readonly err: string }

async function sluice(...args: readonly string[]): Promise<Ran> {
  const env = { ...process.env, SLUICE_OPA: await findBuiltOpa(), SLUICE_DATA_DIR: recorder.dataDir, SLUICE_POLICIES: policies, SLUICE_REGO: path.join(ROOT, 'rego'), FORCE_COLOR: undefined };
  return new Promise((resolve) => {
    execFile(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args], { cwd: folder, env }, (error, out, err) => (
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, out, err })
    ));
  });
}

const jsonOf = <T>({ out }: Ran) => JSON.parse(out) as T;

/** The facts, with a grant changed. */
async function changed(name: string, edit: (text: string) => string): Promise<string> {
  const copy = path.join(folder, name);
  await cp(policies, copy, { recursive: true });
  const file = path.join(copy, 'grants.yaml');
  const text = await readFile(file, 'utf8');
  expect(edit(text)).not.toBe(text);
  await writeFile(file, edit(text));
  return copy;
}

test('R66: sluice replay: 0 as recorded, /permitted too; 1 when the policy that records name is not at hand', async () => {
  const same = await sluice('replay');
  expect(same).toMatchObject({ code: 0, out: expect.stringContaining('6 come out as recorded') as string, err: '' });
  const copy = path.join(folder, 'copied');
  await cp(recorder.dir, copy, { recursive: true });
  const without = await sluice('replay', '--json', '--log', copy, '--data-dir', path.join(folder, 'nothing'));
  expect([without.code, Object.values(jsonOf<{ missingBundles: Record<string, number> }>(without).missingBundles)]).toEqual([1, [6]]);
});

test('R70: sluice replay --policies: what would change, that it was prepared again, and an exit code for CI', async () => {
  const wider = await changed('wider', (text) => `${text}\n  wider:\n    title: Wider\n    role: dashboard_telemetry\n    vendors: [mixpanel]\n    purposes: [analytics]\n    categories: [user.location.imprecise.country]\n`);
  const report = await sluice('replay', '--policies', wider, '--json');
  expect(report.code).toBe(0);
  expect(jsonOf(report)).toMatchObject({ report: 'impact', method: 'prepared again', records: 5, newlyAllowed: { records: 1 }, newlyRefused: { records: 0 }, onlyAsked: 1 });
  expect((await sluice('replay', '--policies', wider, '--max-newly-allowed', '0')).code).toBe(1);
  expect((await sluice('replay', '--policies', wider, '--max-newly-allowed', '1')).code).toBe(0);
  const { out } = await sluice('replay', '--policies', wider);
  expect(out).toContain('prepared again by other facts');
  expect(out).toMatch(/\| `mixpanel` \| `user\.location\.imprecise\.country` \| `service:telemetry` \| deny \| allow \| `wider` \| 1 \| 0 \| #\d+ \|/);
  // The same rules judge the same input alike.
  expect(jsonOf(await sluice('replay', '--rego', path.join(ROOT, 'rego'), '--max-newly-allowed', '0', '--json'))).toMatchObject({ method: 'recorded input', unchanged: 5 });
});

test('R70: sluice replay --shadow sums up what shadow let pass', async () => {
  const shadow = await sluice('replay', '--shadow', '--json');
  expect(jsonOf(shadow)).toMatchObject({ records: 2, same: 1, lines: [{ vendor: 'amplitude', decision: 'allow', wouldBe: 'deny', records: 1 }] });
  expect((await sluice('replay', '--shadow')).out).toContain('2 records were decided in shadow');
});

test('R13: sluice exposure, and the same under another policy, or under other rules alone', async () => {
  const recorded = await sluice('exposure', 'mixpanel');
  expect(recorded).toMatchObject({ code: 0, err: '', out: expect.stringContaining('# Exposure: Mixpanel') as string });
  for (const part of ['## Fact sheet', '### Rotate', '### What can be put together', '### Who else could hold it', 'Answers to /permitted, by which nothing leaves, are not counted: 1.', 'Coverage: unknown, of ']) expect(recorded.out).toContain(part);
  const strict = await changed('strict', (text) => text.replaceAll('system.operations.feature_flag', 'system.operations.plan'));
  const residual = await sluice('exposure', 'mixpanel', '--policies', strict);
  expect(residual.out).toContain('# Residual exposure: Mixpanel');
  expect(residual.out).toContain('would have been refused as asked, and leave once the fields are dropped that the fix names');
  expect(residual.out.slice(residual.out.indexOf('| Category |'), residual.out.indexOf('- Identities'))).not.toContain('feature_flag');
  expect(jsonOf(await sluice('exposure', 'mixpanel', '--rego', path.join(ROOT, 'rego'), '--json'))).toMatchObject({ permittedToLeave: { decisions: 2, rows: 290 }, afterFix: { decisions: 0 } });
  // Before the first question nothing, from it on everything.
  const at = new Date(NOON + 1000).toISOString();
  expect(jsonOf(await sluice('exposure', 'mixpanel', '--json', '--to', at))).toMatchObject({ permittedToLeave: { decisions: 0 } });
  expect(jsonOf(await sluice('exposure', 'mixpanel', '--json', '--from', at))).toMatchObject({ permittedToLeave: { decisions: 2 } });
});

test.each([
  ['negative', '--vendor', 'mixpanel', '--category', 'user.content'], ['data-flow', '--app', 'genai-dashboard', '--mermaid'], ['processing', '--csv', '--controller', 'Example Inc'], ['unused-grants', '--days', '30'],
  ['incident', '--vendor', 'mixpanel', '--detected', '2025-11-09', '--notified', '2025-11-25'], ['vendors', '--json'], ['exposure', '--vendor', 'mixpanel'], ['notification-clock', '--vendor', 'mixpanel', '--detected', '2025-11-09'],
])('sluice report %s %s answers', async (...args) => {
  const ran = await sluice('report', ...args);
  expect([ran.code, ran.err]).toEqual([0, '']);
  expect(ran.out.length).toBeGreaterThan(100);
});

test('R60: the inventory goes out as CSV and comes back as what is declared', async () => {
  const file = path.join(folder, 'flows.csv');
  const { out } = await sluice('report', 'data-flow', '--csv');
  await writeFile(file, out);
  expect(await sluice('report', 'data-flow', '--declared', file, '--csv')).toMatchObject({ code: 0, out });
  await writeFile(file, 'event,field\r\n');
  expect(await sluice('report', 'data-flow', '--declared', file)).toMatchObject({ code: 2, err: expect.stringContaining('row 1: the columns vendor, environment are missing') as string });
});

test.each([
  [['report', 'exposur', '--vendor', 'x'], 'did you mean exposure?'], [['report'], 'name a report'], [['report', 'exposure'], 'exposure needs vendor'], [['report', 'exposure', '--vendor', 'mixpanle'], 'did you mean mixpanel?'],
  [['report', 'exposure', '--vendor', 'mixpanel', '--csv'], 'exposure comes as json, markdown'], [['report', 'vendors', '--declared', 'x.csv'], '--declared is for data-flow'], [['report', 'vendors', '--json', '--csv'], 'one of --json, --csv, --mermaid'],
  [['exposure'], 'name one vendor'], [['exposure', 'mixpanle'], 'did you mean mixpanel?'], [['replay', '--from', 'yesterday'], '--from takes a time'], [['replay', '--max-newly-allowed', '0'], 'give --policies or --rego'],
  [['replay', '--max-newly-allowed', '-1', '--policies', 'x'], '--max-newly-allowed'], [['replay', '--from', '2026-02-01', '--to', '2026-01-01'], '--from must be before --to'], [['exposure', 'mixpanel', '--data-dir', '/nowhere'], 'there is no log'],
  [['exposure', 'mixpanel', '--log', '/nowhere'], '/nowhere: there is no log'], [['report', 'unused-grants', '--days', 'many'], 'days takes a whole number'],
])('wrong use is told: sluice %j', async (args, message) => {
  const { code, out, err } = await sluice(...args);
  expect([code, out, err]).toEqual([2, '', expect.stringContaining(message)]);
});

test('F21: the vendor of a report may stand behind it or be an option, in either command', async () => {
  const [a, b, c, d] = await Promise.all([sluice('exposure', 'mixpanel', '--json'), sluice('exposure', '--vendor', 'mixpanel', '--json'), sluice('report', 'exposure', 'mixpanel', '--json'), sluice('report', 'exposure', '--vendor', 'mixpanel', '--json')]);
  expect([a, b, c, d].map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect(b).toEqual(a);
  expect(d).toEqual(c);
  expect(jsonOf<{ vendor: string }>(c)).toMatchObject({ vendor: 'mixpanel' });
  expect(await sluice('exposure', 'mixpanel', '--vendor', 'segment')).toMatchObject({ code: 2, err: expect.stringContaining('name one vendor, not mixpanel and segment') as string });
  expect(await sluice('report', 'vendors', 'mixpanel')).toMatchObject({ code: 2, err: expect.stringContaining('vendors takes options alone') as string });
  expect(await sluice('report', 'exposure')).toMatchObject({ code: 2, err: expect.stringContaining('exposure needs vendor') as string });
}, 60_000);

test('F21: a category that there is not gets a suggestion, or where those stand that there are', async () => {
  expect((await sluice('report', 'negative', '--category', 'email')).err).toContain('no category is called so (did you mean user.contact.email?)');
  expect((await sluice('report', 'negative', '--category', 'qqqqqq')).err).toContain('no category is called so; those that there are stand in categories.yaml');
}, 30_000);

test('F21: build counts an event once, whatever its versions', async () => {
  const copy = path.join(folder, 'versions');
  await cp(policies, copy, { recursive: true });
  const counted = async () => jsonOf<{ events: number }>(await sluice('build', '--json', '--policies', copy)).events;
  const before = await counted();
  for (const version of ['1', '2']) await writeFile(path.join(copy, 'events', `counted-${version}.yaml`), `event: counted\nversion: "${version}"\nkind: raw_event\ndefaultPurpose: analytics.reporting\nfields: { plan: system.operations.plan }\n`);
  expect(await counted()).toBe(before + 1);
}, 60_000);
