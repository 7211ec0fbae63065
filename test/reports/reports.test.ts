import fc from 'fast-check';
import { createCatalogue, type Catalogue } from '../../src/core/catalogue/catalogue.ts';
import type { Vendor } from '../../src/core/facts.ts';
import { code, plain } from '../../src/replay/text/markdown.ts';
import { byFacts } from '../../src/replay/rejudge.ts';
import { scan } from '../../src/replay/scan.ts';
import { notificationClock } from '../../src/reports/clock.ts';
import { collect, collectUnder } from '../../src/reports/collect.ts';
import { parseCsv, toCsv } from '../../src/reports/text/csv.ts';
import { clockText } from '../../src/reports/text/clock.ts';
import { exposureOf } from '../../src/reports/exposure.ts';
import type { FlowMap } from '../../src/reports/map/flows.ts';
import { flowsCsv, parseFlows } from '../../src/reports/map/formats.ts';
import { runReport, type Report } from '../../src/reports/run.ts';
import { ageSince, createSnapshot } from '../../src/snapshot.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { traffic } from '../../scripts/demo-traffic.ts';
import { endServers, readRecords, startServer } from '../support/server.ts';
import { copyPolicies, NOON, removeWorlds, ROOT, shippedEngine } from '../support/world.ts';
import { record, TELEMETRY, type Recorder } from './support.ts';

let demo: Recorder;
let catalogue: Catalogue;

beforeAll(async () => {
  catalogue = createCatalogue(await loadYaml(`${ROOT}/policies`));
  demo = await record();
  for (const question of traffic(300, 11)) await demo.ask(question);
  await demo.setVendor('mixpanel', 'breached');
  await demo.close();
}, 60_000);
afterAll(() => Promise.all([endServers(), removeWorlds()]));

const make = (kind: string, parameters: Record<string, string> = {}, more: { declared?: string; nowMs?: number } = {}): Promise<Report> => (
  runReport(kind, new Map(Object.entries(parameters)), { dir: demo.dir, catalogue, nowMs: NOON, ...more })
);
const valueOf = async <T = Record<string, unknown>>(...args: Parameters<typeof make>) => (await make(...args)).value as T;

describe('R13 residual exposure', () => {
  test('under a policy that coarsens more, what would still be known is region and counts, and no customer', async () => {
    const snapshot = createSnapshot({ ...await shippedEngine(), facts: await loadYaml(await copyPolicies({})), vendorStates: new Map(), ageMs: ageSince(NOON), revisionOf: () => 1 });
    const collected = await collectUnder(scan({ dir: demo.dir }), byFacts({ snapshot }));
    const residual = exposureOf(collected, { vendor: 'mixpanel', catalogue, under: 'new' });
    const categories = residual.categories.map(({ category }) => category);
    expect(categories).toEqual(expect.arrayContaining(['user.location.imprecise.region', 'system.operations.feature_flag']));
    for (const absent of ['system.tenant.org_id', 'system.tenant.name', 'system.ai.tool_id', 'user.contact.email', 'user.location.imprecise.city']) expect(categories).not.toContain(absent);
    // The same policy: the same exposure.
    const recorded = exposureOf(await collect(scan({ dir: demo.dir })), { vendor: 'mixpanel', catalogue });
    expect(residual.permittedToLeave.decisions - residual.afterFix!.decisions).toBe(recorded.permittedToLeave.decisions);
    expect(residual.permittedToLeave.rows - residual.afterFix!.rows).toBe(recorded.permittedToLeave.rows);
    expect(collected.notReplayed).toBe(0);
  });
});

describe('R82 incident', () => {
  test('has the items of GDPR Art. 33(3), in JSON and in Markdown', async () => {
    const report = await make('incident', { vendor: 'mixpanel', detected: '2026-11-05', notified: '2026-11-21' });
    expect(report.value).toMatchObject({
      report: 'incident', v: 1, vendor: { id: 'mixpanel', role: 'processor', subProcessors: expect.arrayContaining(['openai']) as string[] },
      nature: { description: expect.any(String) as string, dataSubjects: { categories: { fillIn: true }, approximateNumber: 'unknown' }, records: { reportedAsSent: 'unknown', permittedAtMost: { decisions: expect.any(Number) as number } } },
      contact: { dataProtectionOfficer: { fillIn: true } },
      likelyConsequences: [expect.stringContaining('user.unique_id.pseudonymous')],
      measures: { taken: ['Sluice denies everything to mixpanel: its state is breached.'], proposed: expect.arrayContaining([expect.stringContaining('Rotate')]) as string[] },
      clock: { lagDays: 16 }, evidence: { coverage: { share: 'unknown', reportedFlows: 0 }, log: { pruned: 0, earlier: [] } },
    });
    // The switch was thrown after that time: it is thrown all the same.
    expect(await valueOf('incident', { vendor: 'mixpanel', to: new Date(NOON + 2000).toISOString() })).toMatchObject({ measures: { taken: ['Sluice denies everything to mixpanel: its state is breached.'] } });
    expect(await valueOf('incident', { vendor: 'datadog' })).toMatchObject({ vendor: { role: 'third party without a DPA' }, toBeStated: expect.arrayContaining(['clock']) as string[], measures: { taken: [] } });
    for (const item of ['## (a)', '## (b)', '## (c)', '## (d)']) expect(report.markdown()).toContain(item);
  });
});

describe('R64 notification clock', () => {
  const HOUR = 3_600_000;
  const vendor = (claims: Vendor['claims']): Vendor => ({ id: 'v', name: 'V', party: 'third', categories: [], hosts: [], packages: [], regions: [], state: 'active', claims });
  const detectedMs = Date.UTC(2025, 10, 9);
  const sla = (hours: number, untilMs = Infinity) => vendor([{ name: 'breach_notice_hours', value: hours, untilMs }]);

  test.each([
    ['16 days against 72 hours: the contract was broken', sla(72), 16 * 24, true],
    ['exactly the agreed time is in time', sla(72), 72, false],
    ['nothing agreed: unknown', vendor([]), 16 * 24, 'unknown'],
    ['an expired claim promises nothing', sla(72, detectedMs), 16 * 24, 'unknown'],
  ] as const)('%s', (_, of, lag, breach) => {
    expect(notificationClock({ vendor: of, detectedMs, notifiedMs: detectedMs + lag * HOUR, nowMs: detectedMs + 20 * 24 * HOUR })).toMatchObject({ lagHours: lag, breachOfContract: breach });
  });

  test('a minute over is over; before it is over nobody says that the contract was kept', () => {
    const lagging = (ms: number, isNotified: boolean) => notificationClock({ vendor: sla(72), detectedMs, nowMs: detectedMs + ms, ...(isNotified && { notifiedMs: detectedMs + ms }) });
    expect(lagging(72 * HOUR + 60_000, true)).toMatchObject({ lagHours: 72, breachOfContract: true });
    expect(clockText(lagging(HOUR, false))).toContain('Agreed: 72 hours. That time is not over.');
    expect(clockText(lagging(HOUR, true))).toContain('The contract was kept.');
    expect(clockText(lagging(73 * HOUR, false))).toContain('**The contract was broken.**');
    expect(notificationClock({ vendor: vendor([{ name: 'breach_notice_hours', value: 72, fromMs: detectedMs + 1 }]), detectedMs, nowMs: detectedMs + 99 * HOUR })).toMatchObject({ agreedHours: null, breachOfContract: 'unknown' });
  });

  test('GDPR: 72 hours from when we knew, by the vendor or by others; to the hour is in time', () => {
    const at = (nowMs: number, notifiedMs?: number) => notificationClock({ vendor: sla(24), detectedMs, nowMs, ...(notifiedMs !== undefined && { notifiedMs }) }).gdpr;
    const told = (awareHours: number, toldHours: number) => notificationClock({ vendor: sla(24), detectedMs, awareMs: detectedMs + awareHours * HOUR, toldMs: detectedMs + toldHours * HOUR, nowMs: detectedMs + 500 * HOUR });
    expect(told(2, 74)).toMatchObject({ notifiedAt: null, awareAt: new Date(detectedMs + 2 * HOUR).toISOString(), lagHours: 500, breachOfContract: true, gdpr: { state: 'told in time', hoursLeft: 0 } });
    expect(told(2, 75).gdpr).toMatchObject({ state: 'told late', hoursLeft: -1 });
    expect(at(detectedMs + 5 * HOUR)).toEqual({ deadline: null, hoursLeft: null, state: 'not started' });
    expect(at(detectedMs + 5 * HOUR, detectedMs + HOUR)).toMatchObject({ hoursLeft: 68, state: 'running' });
    expect(at(detectedMs + 73 * HOUR, detectedMs + HOUR)).toMatchObject({ hoursLeft: 0, state: 'over' });
  });
});

describe('R65 a negative', () => {
  test('"no prompt ever went to Mixpanel" comes with what was looked through, and with coverage unknown', async () => {
    expect(await valueOf('negative', { vendor: 'mixpanel', category: 'user.content' })).toMatchObject({
      answer: 'none permitted', why: [], coverage: { share: 'unknown', reportedFlows: 0, declaredFlows: expect.any(Number) as number }, permitted: { decisions: 0 }, refused: { decisions: expect.any(Number) as number }, searched: { decisions: 300 }, revisions: [expect.stringMatching(/^sha256:/)], notWritten: 0,
    });
    expect((await make('negative', { vendor: 'mixpanel', category: 'user.content' })).markdown()).toContain('no proof that nothing was sent');
  });

  test('what did go is found, also where it left as something else; a misspelt category proves nothing', async () => {
    expect(await valueOf('negative', { vendor: 'mixpanel', category: 'user.location.imprecise.city' })).toMatchObject({ answer: 'permitted', examples: expect.arrayContaining([expect.objectContaining({ field: 'city' })]) as object[] });
    expect(await valueOf('negative', { field: 'feature_flag' })).toMatchObject({ answer: 'permitted' });
    await expect(make('negative', { category: 'user.contnet' })).rejects.toThrow('no category is called so');
    await expect(make('negative', { vendor: 'mixpanle', category: 'user.content' })).rejects.toThrow('did you mean mixpanel?');
    await expect(make('negative', {})).rejects.toThrow('category or field');
  });
});

describe('R65 what a negative can not tell', () => {
  test('a field that nobody had classified and that left, in shadow, may be anything; so may one whose name is a hash', async () => {
    const recorder = await record({ policies: await copyPolicies({ 'modes.yaml': { modes: { vendors: { mixpanel: { mode: 'shadow', unknown: 'observe' } } } } }) });
    await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'debug_ctx'] });
    await recorder.permitted({ ...TELEMETRY, identity: 'agent:copilot', event: 'genai.tool_run', channel: 'telemetry', dataSubject: {}, context: {} });
    await recorder.close();
    const of = async (parameters: Record<string, string>) => (await runReport('negative', new Map(Object.entries(parameters)), { dir: recorder.dir, catalogue, nowMs: NOON })).value;
    expect(await of({ vendor: 'mixpanel', category: 'user.content' })).toMatchObject({ answer: 'inconclusive', unclassified: 1, why: [expect.stringContaining('may be anything')] });
    expect(await of({ vendor: 'mixpanel', field: 'debug_ctx' })).toMatchObject({ answer: 'inconclusive', unnamed: 1, unclassified: 0 });
    expect(await of({ vendor: 'mixpanel', field: 'prompt' })).toMatchObject({ answer: 'inconclusive', unnamed: 1, why: [expect.stringContaining('it may be this one')] });
    expect(await of({ vendor: 'mixpanel', field: 'region' })).toMatchObject({ answer: 'inconclusive' });
    expect(await of({ vendor: 'amplitude', field: 'prompt' })).toMatchObject({ answer: 'none permitted', unnamed: 0 });
    expect(await of({ vendor: 'amplitude', category: 'user.content' })).toMatchObject({ answer: 'none permitted' });
    // Permitted by /permitted is not permitted to leave.
    expect(await of({ vendor: 'mixpanel', category: 'system.ai.prompt_category' })).toMatchObject({ permitted: { decisions: 0 }, onlyAsked: 1 });
  }, 30_000);
});

describe('R37 unused grants', () => {
  test('a question to /permitted uses no grant, nor does a decision that let nothing out; both are told apart', async () => {
    const recorder = await record();
    await recorder.permitted({ ...TELEMETRY, channel: 'telemetry', dataSubject: {}, context: {} });
    await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id', 'email'] });
    await recorder.ask({ identity: 'service:checkout', vendor: 'mixpanel', environment: 'production', event: 'usage.event', fields: ['event'] });
    await recorder.close();
    const { value } = await runReport('unused-grants', new Map([['days', '1']]), { dir: recorder.dir, catalogue, nowMs: NOON + 60_000 });
    const { unused, used } = value as { unused: { grant: string; lastUsed: string | null; lastAsked: string | null }[]; used: { grant: string }[] };
    expect(used.map(({ grant }) => grant)).toEqual(['product-events']);
    expect(unused.find(({ grant }) => grant === 'telemetry-basic')).toMatchObject({ lastUsed: null, lastAsked: new Date(NOON).toISOString() });
    expect(unused.find(({ grant }) => grant === 'genai-log')).toMatchObject({ lastUsed: null, lastAsked: null });
  }, 30_000);

  test('a grant that permitted something in the time is not listed, one that did before is, with its last use', async () => {
    const recorder = await record();
    await recorder.ask({ ...TELEMETRY, fields: ['anon_user_id'] });
    recorder.later(100 * 86_400_000);
    await recorder.ask({ ...TELEMETRY, identity: 'agent:copilot', event: 'genai.tool_run', fields: ['prompt_category'] });
    await recorder.close();
    const report = await runReport('unused-grants', new Map(), { dir: recorder.dir, catalogue, nowMs: NOON + 100.5 * 86_400_000 });
    const { unused, used, conclusive } = report.value as { unused: { grant: string; lastUsed: string | null; identities: string[] }[]; used: { grant: string }[]; conclusive: boolean };
    expect(unused.find(({ grant }) => grant === 'telemetry-basic')).toMatchObject({ lastUsed: new Date(NOON + 1000).toISOString(), identities: ['service:telemetry'] });
    expect(used).toHaveLength(1);
    expect(unused.length + used.length).toBe(catalogue.facts.grants.size);
    expect(conclusive).toBe(true);
    const short = await runReport('unused-grants', new Map([['days', '200']]), { dir: recorder.dir, catalogue, nowMs: NOON + 100.5 * 86_400_000 });
    expect(short.value).toMatchObject({ conclusive: false });
    expect(short.markdown()).toContain('may have been used before');
  });
});

describe('R8, R60, R61, R62 data flow', () => {
  test('every field on its way, seen and declared; a field that no event declares is shown as not declared', async () => {
    const { flows } = await valueOf<FlowMap>('data-flow', { app: 'genai-dashboard' });
    expect(new Set(flows.map(({ app }) => app))).toEqual(new Set(['genai-dashboard']));
    expect(flows.find(({ field, vendor, environment }) => field === 'city' && vendor === 'mixpanel' && environment === 'production')).toMatchObject({ event: 'genai_dashboard.viewed', category: 'user.location.imprecise.city', form: 'coarse', declared: true, observed: true });
    expect(flows.filter(({ field }) => field.startsWith('?')).every(({ declared }) => !declared)).toBe(true);
  });

  test('R60: CSV out and in gives the same, and what a spreadsheet lists and nobody saw is told', async () => {
    const { csv, value } = await make('data-flow');
    const { flows } = value as FlowMap;
    expect(parseFlows(csv!())).toEqual(flows);
    expect(flowsCsv({ flows: parseFlows(csv!()) })).toBe(csv!());
    const again = await valueOf<FlowMap>('data-flow', {}, { declared: `event,field,vendor,environment\r\nusage.event,ip,vendor-x,production\r\n` });
    expect(again.flows.filter(({ observed }) => !observed)).toMatchObject([{ event: 'usage.event', field: 'ip', declared: true, permitted: 0 }]);
    await expect(make('data-flow', {}, { declared: 'event,field\r\n' })).rejects.toThrow('row 1: the columns vendor, environment are missing');
    await expect(make('data-flow', {}, { declared: 'event,field,vendor,environment\r\n"a,b\r\n' })).rejects.toThrow('line 2: a quote is opened');
  });

  test('R62: the diagram is the same for the same log; R76: edges with their kind', async () => {
    const [one, two] = [await make('data-flow'), await make('data-flow')];
    expect(one.mermaid!()).toBe(two.mermaid!());
    expect(one.mermaid!()).toMatch(/^flowchart LR\n/);
    const { edges, vendors } = one.value as FlowMap;
    expect(edges).toEqual(expect.arrayContaining([expect.objectContaining({ from: 'mixpanel', to: 'openai', type: 'sub_processor' })]));
    expect(vendors.find(({ id }) => id === 'segment')).toMatchObject({ dpa: 'expired' });
    expect(vendors.find(({ id }) => id === 'mixpanel')).toMatchObject({ dpa: 'recorded', dpaEvidence: 'example' });
  });

  test('property: any cells come back from CSV as they were, and none begins a formula', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', "'", '=', '+', '-', '@', '\n', '\r', '\t', ' ', ';', '＝', 'é') });
    fc.assert(fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 }), (rows) => {
      const text = toCsv(rows[0]!, rows.slice(1));
      expect(parseCsv(text)).toEqual(rows);
    }));
    expect(toCsv(['=cmd|x'], [['@SUM(A1)'], ['-1'], ['\t=1']])).toBe("'=cmd|x\r\n'@SUM(A1)\r\n'-1\r\n\"'\t=1\"\r\n");
  });
});

test('R77: a record of processing has the columns of Art. 30, who is what to whom, and which law it may bring in', async () => {
  const report = await make('processing', { controller: '=Example Inc', contact: 'dpo@example.org', subjects: 'users of the dashboard' });
  const { processing } = report.value as { processing: readonly Record<string, unknown>[] };
  expect(processing.find(({ recipient }) => recipient === 'mixpanel')).toMatchObject({
    purpose: 'analytics.reporting', role: 'processor', subProcessors: expect.arrayContaining(['openai']) as string[], thirdCountry: 'yes', transferBasis: 'SCC', dataSubjects: 'users of the dashboard', retentionDays: 'unknown', measures: ['coarse', 'raw'], regulations: ['GDPR', 'CCPA', 'US state privacy laws', 'EU AI Act', 'NIST AI RMF'],
    apps: expect.arrayContaining(['genai-dashboard']) as string[],
  });
  expect(processing.find(({ recipient }) => recipient === 'internal-obs')).toMatchObject({ role: 'own system' });
  const [head, first] = parseCsv(report.csv!());
  expect(head!.slice(0, 4)).toEqual(['controller', 'contact', 'purpose', 'recipient']);
  expect([first![0], report.csv!().split('\r\n')[1]!.startsWith(`"'=Example Inc",`)]).toEqual(['=Example Inc', true]);
  expect((await valueOf('processing'))).toMatchObject({ controller: 'fill in', contact: 'fill in' });
});

test('R56, R57: who holds what, who can join it, and who can tell where the product is going', async () => {
  const { vendors } = await valueOf<{ vendors: readonly { vendor: string; infersRoadmap: boolean; canJoinWith: readonly string[] }[] }>('vendors');
  expect(Object.fromEntries(vendors.map(({ vendor, infersRoadmap }) => [vendor, infersRoadmap]))).toMatchObject({ mixpanel: true, intercom: false });
  expect(vendors.find(({ vendor }) => vendor === 'mixpanel')!.canJoinWith).toContain('vendor-x');
});

test.each([
  [{ kind: 'exposure', parameters: {} }, 'exposure needs vendor'],
  [{ kind: 'exposure', parameters: { vendor: 'mixpanel', form: '2026-01-01' } }, 'did you mean from?'],
  [{ kind: 'vendors', parameters: { from: '2026-11-23', to: '2026-11-21' } }, 'from must be before to'],
  [{ kind: 'incident', parameters: { vendor: 'mixpanel', notified: '2026-11-23' } }, 'notified needs detected'],
  [{ kind: 'incident', parameters: { vendor: 'mixpanel', detected: '2026-11-24', notified: '2026-11-23' } }, 'notified must be a time after detected'],
  [{ kind: 'notification-clock', parameters: { vendor: 'mixpanel', detected: '2026-11-22', aware: '2026-11-21' } }, 'aware must be a time after detected'],
  [{ kind: 'notification-clock', parameters: { vendor: 'mixpanel', detected: '2026-11-20', told: '2026-11-21' } }, 'told must be a time after aware'],
  [{ kind: 'notification-clock', parameters: { vendor: 'mixpanel', detected: '2030-01-01' } }, 'detected must be a time that has been'],
  [{ kind: 'notification-clock', parameters: { vendor: 'mixpanel', detected: '2026-11-22', notified: '2030-01-01' } }, 'notified must be a time that has been'],
  [{ kind: 'incident', parameters: { vendor: 'mixpanel', detected: '2026-11-22', aware: '2030-01-01' } }, 'aware must be a time that has been'],
  [{ kind: 'incident', parameters: { vendor: 'mixpanel', detected: '2026-11-20', aware: '2026-11-21', told: '2030-01-01' } }, 'told must be a time that has been'],
  [{ kind: 'data-flow', parameters: { app: 'genai-dashbord' } }, 'did you mean genai-dashboard?'],
  [{ kind: 'unused-grants', parameters: { days: '0' } }, 'days takes a whole number'],
  [{ kind: 'constructor', parameters: {} }, 'there is no such report'],
])('a wrong parameter is told: %j', async ({ kind, parameters }, message) => {
  await expect(make(kind, parameters as Record<string, string>)).rejects.toThrow(message);
});

test.each([
  ['anon_user_id', 'anon_user_id'], ['service:analytics-pipeline', 'service:analytics-pipeline'], ['_x_', '\\_x\\_'], ['a|b', 'a\\|b'], ['# h', '\\# h'], ['1. x', '\\1. x'], ['- a', '\\- a'], ['(raw)', '(raw)'],
  ['[a](javascript:x)', '\\[a\\](javascript:x)'], ['<img src=x onerror=y>', '\\<img src=x onerror=y\\>'], ['&lt;', '\\&lt;'], ['http://a.b', 'http:\u200B//a.b'], ['WWW.a.b', 'www\u200B.a.b'], ['a\u001B[31m', 'a\\\\u001b\\[31m'],
  ['a\nb', 'a\\\\u000ab'], ['`c`', '\\`c\\`'], ['a\\b', 'a\\\\b'], ['someone@x', 'someone\\@x'],
])('a name means nothing in Markdown, and stays readable where it would not: %j', (name, text) => {
  expect(plain(name)).toBe(text);
});

test('property: a name in Markdown stays one line and opens no markup', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '`', '|', '<', '>', '[', ']', '(', ')', '*', '_', '#', '\n', '\u202E', '&', '!', '\\') }), (name) => {
    expect(plain(name)).not.toMatch(/[\n\u202E]|(?<!\\)(?:\\\\)*[<|`[\]]/);
    expect(code(name).slice(1, -1)).not.toMatch(/[`|\n\u202E]/);
  }));
});

test('GET /reports: for auditors alone, each reading on record, as JSON and as Markdown', async () => {
  const server = await startServer();
  await server.check();
  const get = (path: string, token = 'demo-auditor', headers: Record<string, string> = {}) => server.send(path, { token, headers });
  expect((await get('/reports/exposure?vendor=mixpanel', 'demo-gateway')).status).toBe(403);
  const json = await get('/reports/exposure?vendor=mixpanel');
  expect({ status: json.status, body: json.json() }).toMatchObject({ status: 200, body: { report: 'exposure', vendor: 'mixpanel', refused: { decisions: 1 } } });
  expect((await get('/reports/exposure?vendor=mixpanel', 'demo-auditor', { accept: 'text/markdown' })).text).toContain('## Fact sheet');
  expect((await get('/reports/data-flow?format=mermaid&app=genai-dashboard')).text).toContain('flowchart LR');
  expect((await get('/reports/data-flow?app=nobody-knows-this')).status).toBe(400);
  expect((await get('/reports/exposure?vendor=mixpanel&format=csv')).status).toBe(400);
  expect((await get('/reports/nothing')).status).toBe(404);
  expect((await get('/reports/exposure?vendor=nobody')).status).toBe(400);
  expect((await server.send('/openapi.json')).text).toContain('/reports/{kind}');
  await server.end();
  const records = await readRecords(server.dataDir);
  expect(records.filter(({ kind }) => kind === 'log_read').map(({ read, what, caller }) => [read, what, caller])).toEqual([
    ['report', 'exposure vendor=mixpanel', 'demo-auditor'], ['report', 'exposure vendor=mixpanel', 'demo-auditor'], ['report', 'data-flow app=genai-dashboard', 'demo-auditor'],
  ]);
  expect(records.filter(({ kind }) => kind === 'refused')).toHaveLength(1);
  expect(JSON.stringify(records)).not.toContain('nobody-knows-this');
}, 60_000);
