import { parseArgs } from 'node:util';
import { exposure } from '../../src/cli/audit/exposure.ts';
import { createCatalogue } from '../../src/core/catalogue/catalogue.ts';
import type { FieldsRecord } from '../../src/core/record.ts';
import { readLog } from '../../src/log/read.ts';
import { scan } from '../../src/replay/scan.ts';
import { collect, collectFrom, createCollector } from '../../src/reports/collect.ts';
import { exposureOf, type ExposureReport } from '../../src/reports/exposure.ts';
import { runReport } from '../../src/reports/run.ts';
import { exposureText } from '../../src/reports/text/exposure.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { traffic } from '../../scripts/demo-traffic.ts';
import { endServers } from '../support/server.ts';
import { copyPolicies, NOON, removeWorlds, ROOT } from '../support/world.ts';
import { record, TELEMETRY, type Recorder } from './support.ts';

let demo: Recorder;
let questions: readonly Record<string, unknown>[];

beforeAll(async () => {
  questions = [...traffic(400, 7)];
  demo = await record();
  for (const question of questions) await demo.ask(question);
  await demo.setVendor('mixpanel', 'breached');
  for (const question of questions.slice(0, 40)) await demo.ask(question);
  await demo.permitted({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', channel: 'telemetry', dataSubject: {}, context: {} });
  await demo.close();
}, 60_000);
afterAll(() => Promise.all([endServers(), removeWorlds()]));

async function reportOf(recorder: Recorder, vendor: string, window: { fromMs?: number; toMs?: number } = {}, policies = `${ROOT}/policies`): Promise<ExposureReport> {
  const collected = await collectFrom({ dir: recorder.dir, ...window });
  return exposureOf(collected, { vendor, ...window, catalogue: createCatalogue(await loadYaml(policies)) });
}

interface Ran { code: number; out: string }

async function run(recorder: Recorder, ...args: readonly string[]): Promise<Ran> {
  const ran = { code: 0, out: '' };
  const { values, positionals } = parseArgs({ args: [...args], options: exposure.options, allowPositionals: true });
  const context = { root: ROOT, env: { SLUICE_DATA_DIR: recorder.dataDir, SLUICE_POLICIES: `${ROOT}/policies` }, colour: false, interactive: false, stdin: async () => '', err: () => {} };
  ran.code = await exposure.run({ values, positionals }, { ...context, out: (line) => void (ran.out += `${line}\n`) });
  return ran;
}

/** Counted the slow way: every record read and parsed by itself. */
async function bruteForce(dir: string, vendor: string, { fromMs = -Infinity, toMs = Infinity } = {}) {
  const categories: Record<string, { decisions: number; rows: number }> = {};
  const total = { decisions: 0, rows: 0, refused: 0 };
  for await (const { record: line } of readLog(dir)) {
    const atMs = Date.parse(String(line['time']));
    if (line['kind'] !== 'decision' || line['vendor'] !== vendor || atMs < fromMs || atMs >= toMs) continue;
    if (line['decision'] !== 'allow' && line['decision'] !== 'transform') {
      total.refused += 1;
      continue;
    }
    total.decisions += 1;
    const rows = Number(line['rows'] ?? 0);
    total.rows += rows;
    const results = new Map((line['obligations'] as { field: string; resultCategory?: string }[]).map(({ field, resultCategory }) => [field, resultCategory]));
    const names = (line['fields'] as FieldsRecord[]).flatMap(({ paths, category }) => paths.map((path) => results.get(path) ?? category!));
    for (const name of new Set(names)) {
      const held = categories[name] ??= { decisions: 0, rows: 0 };
      held.decisions += 1;
      held.rows += rows;
    }
  }
  return { categories, total };
}

const summed = (report: ExposureReport) => {
  // Of a category in several forms one decision may be in each; the demo's decisions never are.
  const categories: Record<string, { decisions: number; rows: number }> = {};
  for (const { category, amount } of report.categories) {
    const held = categories[category] ??= { decisions: 0, rows: 0 };
    held.decisions += amount.decisions;
    held.rows += amount.rows;
  }
  return { categories, total: { decisions: report.permittedToLeave.decisions, rows: report.permittedToLeave.rows, refused: report.refused.decisions } };
};

describe('R63 exposure of a vendor', () => {
  test.each(['mixpanel', 'amplitude', 'vendor-x', 'intercom', 'internal-obs', 'segment', 'datadog'])('counts equal a count record by record: %s', async (vendor) => {
    expect(summed(await reportOf(demo, vendor))).toEqual(await bruteForce(demo.dir, vendor));
  });

  test('counts equal a count record by record for any window, and with few groups kept at once', async () => {
    for (const [from, to] of [[0, 100], [100, 350], [399, 500], [200, 200.0005]] as const) {
      const window = { fromMs: NOON + from * 1000, toMs: NOON + to * 1000 };
      expect(summed(await reportOf(demo, 'mixpanel', window))).toEqual(await bruteForce(demo.dir, 'mixpanel', window));
    }
    const few = exposureOf(await collect(scan({ dir: demo.dir, maxGroups: 3 })), { vendor: 'mixpanel' });
    const { combinations: _, name: __, coverage: ___, subProcessors: ____, onlyAsked: _____, ...all } = await reportOf(demo, 'mixpanel');
    expect(few).toMatchObject(all);
  });

  test('R63: identities, environments, events, forms; the vendor suspended by R54 received nothing more', async () => {
    const report = await reportOf(demo, 'mixpanel');
    expect(report.identities.map(({ name }) => name).sort()).toEqual(['agent:copilot', 'service:checkout', 'service:telemetry']);
    expect(report.environments.map(({ name }) => name).sort()).toEqual(['production', 'staging']);
    expect(report.subProcessors).toEqual(expect.arrayContaining(['openai', 'anthropic'].map((vendor) => expect.objectContaining({ vendor, path: ['mixpanel', vendor], llm: true, recorded: true }) as object)));
    expect(report.categories.find(({ madeOf }) => madeOf === 'user.location.imprecise.city')).toMatchObject({ category: 'user.location.imprecise.region', form: 'coarse', obligations: ['coarsen_geo'] });
    expect(report).toMatchObject({ reportedAsSent: 'unknown', subjects: 'unknown', coverage: { share: 'unknown', reportedFlows: 0 } });
    expect(Date.parse(report.permittedToLeave.last!)).toBeLessThanOrEqual(NOON + 400_000);
    expect(report.refused.reasons.map(({ name }) => name)).toContain('vendor_suspended');
    const made = await runReport('exposure', new Map([['vendor', 'mixpanel']]), { dir: demo.dir, catalogue: createCatalogue(await loadYaml(`${ROOT}/policies`)), nowMs: NOON });
    expect(made.markdown()).toContain('State of the vendor now: breached.');
  });

  test('R10, R12, R13: what P1–P3 and the bullets forbid is in no exposure to a third party', async () => {
    for (const vendor of ['mixpanel', 'amplitude', 'vendor-x', 'intercom', 'segment']) {
      const categories = (await reportOf(demo, vendor)).categories.map(({ category }) => category);
      for (const forbidden of ['system.tenant.org_id', 'system.tenant.name', 'system.ai.tool_id', 'user.contact.email']) expect(categories).not.toContain(forbidden);
    }
  });

  test('R57: join keys name who else holds the same', async () => {
    const { joinKeys } = await reportOf(demo, 'mixpanel');
    expect(joinKeys).toEqual([{ category: 'user.unique_id.pseudonymous', form: 'raw', alsoHeldBy: ['amplitude', 'internal-obs', 'posthog-selfhosted', 'vendor-x'] }]);
  });

  test('R49: what a vendor may have received through those that hand on to it', async () => {
    const { indirect, categories } = await reportOf(demo, 'openai');
    expect(categories).toEqual([]);
    expect(indirect.map(({ through }) => through)).toEqual(['amplitude', 'intercom', 'mixpanel']);
  });

  test('R67: the fact sheet and the JSON hold no value that was in a payload', async () => {
    const { code, out } = await run(demo, 'mixpanel');
    const json = (await run(demo, 'mixpanel', '--json')).out;
    expect(code).toBe(0);
    expect(out).toContain('## Fact sheet');
    const values = questions.flatMap(({ payload }) => Object.values((payload ?? {}) as Record<string, string>));
    expect(values.length).toBeGreaterThan(900);
    // Names of regions are short enough to be part of other words.
    for (const value of values.filter((text) => text.length > 4)) {
      expect(out).not.toContain(value);
      expect(json).not.toContain(value);
    }
  });

  test('an unknown vendor is a mistake, with a suggestion', async () => {
    await expect(run(demo, 'mixpanle')).rejects.toThrow('did you mean mixpanel?');
    await expect(run(demo, 'mixpanel', '--from', '2026-13-01')).rejects.toThrow('--from takes a time');
    await expect(run(demo, 'mixpanel', '--from', '2026-02-30')).rejects.toThrow('--from takes a time');
  });
});

describe('R63 in another world', () => {
  test('hashed, stripped, through a CDP with a destination taken out: each as what it leaves as, and to whom', async () => {
    const grant = (more: object) => ({ role: 'dashboard_telemetry', environments: ['production'], purposes: ['analytics'], ...more });
    const policies = await copyPolicies({
      'grants/test.yaml': { grants: {
        hashed: grant({ vendors: ['internal-obs', 'hub', 'lake'], categories: ['user.contact.email'], effect: 'transform', obligations: [{ op: 'hmac' }] }),
        hub: grant({ vendors: ['hub', 'lake'], categories: ['system.operations.feature_flag'] }),
      } },
      'vendors/test.yaml': { vendors: {
        hub: { name: 'Hub', party: 'first', categories: ['cdp'], regions: ['DE'], edges: [{ to: 'lake', type: 'forwards_to', on: true, source: 'test' }] },
        lake: { name: 'Lake', party: 'first', categories: ['cloud'], regions: ['DE'] },
      } },
      'modes.yaml': { modes: { vendors: { 'internal-obs': { unknown: 'strip' } }, events: { 'genai_dashboard.viewed': { unknown: 'strip' } } } },
    });
    const recorder = await record({ policies });
    try {
      await recorder.ask({ ...TELEMETRY, vendor: 'internal-obs', fields: ['email', 'org_id', 'debug_ctx'], rows: 5 });
      await recorder.ask({ ...TELEMETRY, vendor: 'hub', fields: ['feature_flag', 'email'] });
    } finally {
      await recorder.close();
    }
    const own = await reportOf(recorder, 'internal-obs', {}, policies);
    expect(own.categories.map(({ category, madeOf, form, fields }) => [category, madeOf, form, fields.map(({ name }) => name)])).toEqual([
      ['system.tenant.org_id', undefined, 'raw', ['org_id']], ['user.unique_id.pseudonymous', 'user.contact.email', 'hmac', ['email']],
    ]);
    expect(own.permittedToLeave).toMatchObject({ decisions: 1, rows: 5, decisionsWithoutRows: 0 });
    expect(own.keysToRotate.map(({ key }) => key)).toContain('the hmac key for internal-obs');
    expect(own.joinKeys).toContainEqual({ category: 'user.unique_id.pseudonymous', form: 'hmac', alsoHeldBy: [] });
    const lake = await reportOf(recorder, 'lake', {}, policies);
    expect(lake.via).toEqual([{ name: 'hub', decisions: 1 }]);
    expect(lake.categories.map(({ category }) => category)).toContain('system.operations.feature_flag');
  }, 30_000);

  test('over segments and in parts of them: a question asked in several is one group, and counts stay right', async () => {
    const recorder = await record();
    for (let hour = 0; hour < 4; hour += 1) {
      for (let n = 0; n < 3; n += 1) await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'region'], rows: 2 });
      recorder.later(3_700_000);
    }
    await recorder.close();
    const groups = [];
    for await (const { count, rows, shape } of scan({ dir: recorder.dir })) groups.push({ count, rows, views: shape()?.views.length });
    expect(groups).toEqual([{ count: 12, rows: 24, views: 1 }]);
    for (const [from, to] of [[0, 9e6], [3_700_000, 8e6], [8e6, 9e9]] as const) {
      const window = { fromMs: NOON + from, toMs: NOON + to };
      expect(summed(await reportOf(recorder, 'mixpanel', window))).toEqual(await bruteForce(recorder.dir, 'mixpanel', window));
    }
  }, 30_000);
});

test('more names than anyone reads are cut off at 1,000, and the report says so', () => {
  const collector = createCollector();
  const counted = { count: 1, withRows: 0, rows: 0, firstMs: NOON, lastMs: NOON };
  const outcome = { decision: 'allow', obligations: [], reasons: [], fields: [{ paths: ['region'], effect: 'allow', category: 'user.location.imprecise.region' }] } as const;
  const ask = (about: string) => collector.add({ identity: 'service:x', vendor: 'v', environment: 'production', caller: 'c', about }, outcome, { counted, shape: () => undefined });
  for (let n = 0; n < 1000; n += 1) ask(`account:${n}`);
  expect(exposureOf(collector.result(), { vendor: 'v' })).toMatchObject({ objects: 1000, incomplete: false });
  ask('account:one-more');
  const report = exposureOf(collector.result(), { vendor: 'v' });
  expect(report).toMatchObject({ objects: 1000, incomplete: true, permittedToLeave: { decisions: 1001 } });
  expect(exposureText(report)).toContain('A list was cut off at 1,000 names.');
});

test('Markdown: a name from outside is text, never markup', () => {
  const evil = '<img src=x onerror=alert(1)>|`](javascript:alert(1))\n# head\u202E';
  const report = exposureOf({ holdings: new Map(), natures: new Map(), notWritten: 0, withoutInput: 0 }, { vendor: evil });
  const text = exposureText(report);
  expect(text).not.toMatch(/^# head/m);
  expect(text).not.toContain('\u202E');
  expect(text.split('\n')[0]).not.toMatch(/(?<!\\)[<|`\]]/);
});
