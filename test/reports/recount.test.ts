import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { createCatalogue, type Catalogue } from '../../src/core/catalogue/catalogue.ts';
import { acrossVendors } from '../../src/reports/across.ts';
import { readBasis } from '../../src/reports/basis.ts';
import { collectFrom, type Collected } from '../../src/reports/collect.ts';
import { exposureOf, type ExposureReport } from '../../src/reports/exposure.ts';
import { unusedGrants } from '../../src/reports/grants.ts';
import { processingOf } from '../../src/reports/processing.ts';
import { scan } from '../../src/replay/scan.ts';
import { exposureText } from '../../src/reports/text/exposure.ts';
import { parseMoment, type Window } from '../../src/reports/window.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { endServers } from '../support/server.ts';
import { copyPolicies, NOON, removeWorlds } from '../support/world.ts';
import { record, TELEMETRY, type Recorder } from './support.ts';

// A report's figures beside a count that reads every line for itself and knows nothing of how reports are made.

/** A name that JSON escapes, and that has more bytes than characters. */
const NORTH = 'Büro "Nord"';

let policies: string;
let catalogue: Catalogue;
beforeAll(async () => {
  const grant = (more: object) => ({ title: 'test', role: 'dashboard_telemetry', environments: ['production'], purposes: ['analytics'], ...more });
  policies = await copyPolicies({
    'grants/test.yaml': { grants: {
      hashed: grant({ vendors: ['internal-obs', 'hub', 'lake', 'pond'], categories: ['user.contact.email'], effect: 'transform', obligations: [{ op: 'hmac' }] }),
      flags: grant({ vendors: ['hub', 'lake'], categories: ['system.operations.feature_flag'], obligations: [{ op: 'scope_destinations' }] }),
      ask: grant({ vendors: ['posthog-selfhosted'], categories: ['user.location.imprecise.country'], effect: 'review', approverRole: 'privacy_officer' }),
    } },
    'vendors/test.yaml': { vendors: {
      hub: { name: 'Hub', party: 'first', categories: ['cdp'], regions: ['DE'], edges: [{ to: 'lake', type: 'forwards_to', on: true, source: 'test' }, { to: 'pond', type: 'forwards_to', on: true, source: 'test' }] },
      lake: { name: 'Lake', party: 'first', categories: ['cloud'], regions: ['DE'] },
      pond: { name: 'Pond', party: 'first', categories: ['cloud'], regions: ['DE'] },
    } },
    'callers/test.yaml': { callers: { [NORTH]: { demo: true, identities: ['*'], environments: ['*'], powers: ['check'], supports: '*' } } },
    'modes.yaml': { modes: { vendors: { amplitude: { mode: 'shadow', unknown: 'observe' }, 'internal-obs': { unknown: 'strip' } }, events: { 'genai_dashboard.viewed': { unknown: 'strip' } } } },
  });
  catalogue = createCatalogue(await loadYaml(policies));
}, 60_000);
afterAll(() => Promise.all([endServers(), removeWorlds()]));

const QUESTIONS: readonly object[] = [
  { ...TELEMETRY, fields: ['anon_user_id', 'region', 'feature_flag'] },
  { ...TELEMETRY, fields: ['anon_user_id', 'city'] },
  { ...TELEMETRY, fields: ['anon_user_id', 'city', 'region'] },
  { ...TELEMETRY, fields: ['anon_user_id', 'org_id'] },
  { ...TELEMETRY, vendor: 'internal-obs', fields: ['email', 'org_id', 'what_is_this'] },
  { ...TELEMETRY, vendor: 'hub', fields: ['feature_flag'] },
  { ...TELEMETRY, vendor: 'hub', fields: ['feature_flag', 'email'] },
  { ...TELEMETRY, vendor: 'posthog-selfhosted', fields: ['region', 'country'] },
  { ...TELEMETRY, vendor: 'amplitude', fields: ['anon_user_id', 'country'] },
  { ...TELEMETRY, vendor: 'amplitude', fields: ['anon_user_id', 'org_id'] },
  { ...TELEMETRY, vendor: 'nobody-knows', fields: ['region'] },
  { ...TELEMETRY, identity: 'agent:copilot', onBehalfOf: 'user:sam', event: 'genai.tool_run', fields: ['prompt_category', 'error_code'] },
  { ...TELEMETRY, identity: 'agent:copilot', event: 'genai.tool_run', fields: ['prompt_category', 'error_code'] },
  { ...TELEMETRY, event: undefined, purpose: 'analytics.reporting', fields: ['anon_id', 'anon_user_id'] },
  { ...TELEMETRY, event: undefined, purpose: 'analytics.reporting', categories: ['user.location.imprecise.region', 'user.contact.email'] },
  { identity: 'user:sam', vendor: 'intercom', environment: 'production', event: 'account.report', about: 'account:A1', fields: ['plan', 'seats_used'], aggregate: { groupBy: ['plan'], minCell: 25 } },
];

interface Duty { readonly field: string; readonly op: string; readonly resultCategory?: string; readonly params?: { readonly exclude?: readonly string[] } }
interface Line {
  readonly wouldBe?: { readonly decision: string };
  readonly kind: string;
  readonly time: string;
  readonly object?: string;
  readonly digest: string;
  readonly shape: { readonly views: readonly { readonly destination?: string }[] };
  readonly input: string;
  readonly decision: string;
  readonly mode: string;
  readonly rows?: number;
  readonly vendor: string;
  readonly identity: string;
  readonly onBehalfOf?: string;
  readonly environment: string;
  readonly event?: string;
  readonly purpose?: string;
  readonly caller: string;
  readonly fields: readonly { readonly paths: readonly string[]; readonly effect: string; readonly category?: string }[];
  readonly obligations: readonly Duty[];
}

function linesOf(dir: string): readonly Line[] {
  const folder = path.join(dir, 'segments');
  return readdirSync(folder).sort().flatMap((name) => readFileSync(path.join(folder, name), 'utf8').trimEnd().split('\n').map((line) => {
    const parsed = JSON.parse(line) as Line;
    return parsed.object === undefined ? parsed : { ...parsed, ...JSON.parse(readFileSync(path.join(dir, 'objects', `${parsed.object.slice('sha256:'.length)}.json`), 'utf8')) as Line };
  }));
}

const FORMS: Readonly<Record<string, string>> = { hmac: 'hmac', coarsen_geo: 'coarse' };
const may = (word: string) => word === 'allow' || word === 'transform';

/** What left by a line: category, form, and what it was made of. */
function leftIn({ decision, fields, obligations }: Line): readonly string[] {
  const left: string[] = [];
  if (!may(decision)) return left;
  for (const { paths, effect, category = 'unclassified' } of fields) for (const field of paths) {
    const duties = obligations.filter((duty) => duty.field === field);
    if (!may(effect) || duties.some(({ op }) => op === 'drop')) continue;
    const result = duties.findLast(({ resultCategory }) => resultCategory !== undefined)?.resultCategory ?? category;
    left.push([result, duties.map(({ op }) => FORMS[op] ?? 'raw').at(-1) ?? 'raw', result === category ? '' : category].join(' '));
  }
  return left;
}

function receiversOf({ vendor, input, obligations }: Line, inputs: ReadonlyMap<string, Line['shape']>): readonly string[] {
  const excluded = obligations.filter(({ op }) => op === 'scope_destinations').flatMap(({ params }) => params?.exclude ?? []);
  return [vendor, ...inputs.get(input)!.views.flatMap(({ destination }) => destination ?? []).filter((id) => !excluded.includes(id))];
}

const namesIn = (line: Line, vendor: string) => [
  `identity ${line.onBehalfOf === undefined ? line.identity : `${line.identity} for ${line.onBehalfOf}`}`, `environment ${line.environment}`, `event ${line.event ?? '(no event)'}`, `caller ${line.caller}`,
  ...(line.purpose === undefined ? [] : [`purpose ${line.purpose}`]), ...(line.vendor === vendor ? [] : [`via ${line.vendor}`]),
];

interface Counted { decisions: number; rows: number; first?: string; last?: string }

function count(into: Record<string, Counted>, key: string, { time, rows = 0 }: Line): void {
  const one = (into[key] ??= { decisions: 0, rows: 0, first: time });
  one.decisions += 1;
  one.rows += rows;
  one.last = time;
}

/** Counted line by line, for one vendor. */
function byHand(lines: readonly Line[], vendor: string, isWithin: (atMs: number) => boolean) {
  const inputs = new Map(lines.filter(({ kind }) => kind === 'input').map((line) => [line.digest, line.shape]));
  const [categories, names, sums]: Record<string, Counted>[] = [{}, {}, {}];
  for (const line of lines.filter(({ time }) => isWithin(Date.parse(time)))) {
    if (line.kind === 'permitted' && line.vendor === vendor) count(sums!, 'onlyAsked', line);
    if (line.kind !== 'decision') continue;
    const left = leftIn(line);
    if (line.vendor === vendor && left.length === 0) count(sums!, 'refused', line);
    if (left.length === 0 || !receiversOf(line, inputs).includes(vendor)) continue;
    count(sums!, 'permitted', line);
    for (const name of namesIn(line, vendor)) count(names!, name, line);
    for (const key of new Set(left)) count(categories!, key, line);
  }
  const nothing: Counted = { decisions: 0, rows: 0 };
  return {
    categories: categories!, names: Object.fromEntries(Object.entries(names!).map(([key, { decisions }]) => [key, decisions])),
    permitted: sums!['permitted'] ?? nothing, refused: sums!['refused'] ?? nothing, onlyAsked: sums!['onlyAsked'] ?? nothing,
  };
}

const amount = ({ decisions, rows, first, last }: ExposureReport['permittedToLeave']): Counted => (decisions === 0 ? { decisions, rows } : { decisions, rows, first: first!, last: last! });

function byReport(report: ExposureReport): ReturnType<typeof byHand> {
  const lists = { identity: report.identities, environment: report.environments, event: report.events, caller: report.callers, purpose: report.purposes, via: report.via };
  return {
    categories: Object.fromEntries(report.categories.map(({ category, form, madeOf = '', amount: of }) => [[category, form, madeOf].join(' '), amount(of)])),
    names: Object.fromEntries(Object.entries(lists).flatMap(([kind, list]) => list.map(({ name, decisions }) => [`${kind} ${name}`, decisions]))),
    permitted: amount(report.permittedToLeave), refused: amount(report.refused), onlyAsked: amount(report.onlyAsked),
  };
}

const VENDORS = ['mixpanel', 'internal-obs', 'hub', 'lake', 'pond', 'amplitude', 'posthog-selfhosted', 'intercom'];

async function compare(recorder: Recorder, { fromMs, toMs }: { fromMs?: number; toMs?: number }, maxGroups?: number): Promise<void> {
  const lines = linesOf(recorder.dir);
  const window = { ...(fromMs !== undefined && { fromMs }), ...(toMs !== undefined && { toMs }) };
  const collected = await collectFrom({ dir: recorder.dir, ...window, ...(maxGroups !== undefined && { maxGroups }) });
  for (const vendor of VENDORS) {
    expect({ vendor, ...byReport(exposureOf(collected, { vendor, catalogue, ...window })) }).toEqual({ vendor, ...byHand(lines, vendor, (atMs) => atMs >= (fromMs ?? -Infinity) && atMs < (toMs ?? Infinity)) });
  }
  await compareFewer(recorder, collected, window);
}

/** Refusals that a report says nothing of are not read; it says the same. */
async function compareFewer({ dir }: Recorder, all: Collected, window: Window): Promise<void> {
  for (const vendor of [...VENDORS, '?']) {
    const options = { vendor, catalogue, ...window };
    expect(exposureOf(await collectFrom({ dir, ...window, refusalsOf: [vendor] }), options)).toEqual(exposureOf(all, options));
  }
  const none = await collectFrom({ dir, ...window, refusalsOf: [] });
  const options = { catalogue, basis: await readBasis(dir), ...window };
  expect(acrossVendors(none, options)).toEqual(acrossVendors(all, options));
  const unused = { ...options, days: 1, nowMs: NOON };
  expect(processingOf(none, unused)).toEqual(processingOf(all, unused));
  expect(await unusedGrants(scan({ dir, permitted: true, refusalsOf: [] }), unused)).toEqual(await unusedGrants(scan({ dir, permitted: true }), unused));
}

test('R63, property: whatever was asked, a report counts what a count line by line does, for any time, however few groups are kept', async () => {
  const step = fc.oneof(
    { weight: 12, arbitrary: fc.record({ ask: fc.nat({ max: QUESTIONS.length - 1 }), caller: fc.constantFrom('demo-gateway', NORTH), rows: fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }) }) },
    { weight: 1, arbitrary: fc.record({ laterMs: fc.constantFrom(1, 999, 3_600_000) }) },
    { weight: 1, arbitrary: fc.record({ permitted: fc.constantFrom('mixpanel', 'hub', 'internal-obs') }) },
    { weight: 1, arbitrary: fc.record({ state: fc.constantFrom('under_review', 'breached' as const) }) },
  );
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(-1, 0, 1)), { minLength: 3, maxLength: 3 }), fc.integer({ min: 1, max: 4 }), async (steps, windows, maxGroups) => {
    const recorder = await record({ policies });
    for (const one of steps) {
      if ('ask' in one) await recorder.ask({ ...QUESTIONS[one.ask], ...(one.rows !== undefined && { rows: one.rows }) }, one.caller);
      else if ('laterMs' in one) recorder.later(one.laterMs);
      else if ('permitted' in one) await recorder.permitted({ identity: 'service:telemetry', vendor: one.permitted, environment: 'production', event: 'genai_dashboard.viewed', channel: 'telemetry', dataSubject: {}, context: {} });
      else await recorder.setVendor('mixpanel', one.state as 'breached').catch(() => {}); // not back from a breach
    }
    await recorder.close();
    const times = linesOf(recorder.dir).map(({ time }) => Date.parse(time));
    await compare(recorder, {}, maxGroups);
    // Edges at a record, and a millisecond beside it.
    for (const [a, b, offset] of windows) await compare(recorder, { fromMs: times[a % times.length]! + offset, toMs: times[b % times.length]! + offset });
  }), { numRuns: 12 });
}, 120_000);

test('refusals of others are not given, those of vendors that nobody knew are', async () => {
  const recorder = await record({ policies });
  for (const [n, question] of QUESTIONS.entries()) await recorder.ask(question, n % 2 === 0 ? NORTH : undefined);
  await recorder.close();
  const refused = async (refusalsOf?: readonly string[]) => {
    const vendors = new Set<string>();
    for await (const { record: { vendor, decision } } of scan({ dir: recorder.dir, ...(refusalsOf !== undefined && { refusalsOf }) })) if (decision === 'deny' || decision === 'review') vendors.add(vendor.replace(/^\?.*/, '?'));
    return [...vendors].sort();
  };
  expect(await refused()).toEqual(['?', 'amplitude', 'mixpanel', 'posthog-selfhosted']);
  expect(await refused(['mixpanel'])).toEqual(['?', 'mixpanel']);
  expect(await refused([])).toEqual(['?']);
}, 60_000);

test('what a review or a denial kept never counts as left; what shadow let pass does', async () => {
  const recorder = await record({ policies });
  for (const [n, question] of QUESTIONS.entries()) await recorder.ask({ ...question, rows: n + 1 });
  await recorder.close();
  const decisions = new Set(linesOf(recorder.dir).filter(({ kind }) => kind === 'decision').map(({ decision, mode }) => `${mode} ${decision}`));
  expect([...decisions].sort()).toEqual(['enforce allow', 'enforce deny', 'enforce review', 'enforce transform', 'shadow allow', 'shadow deny']);
  await compare(recorder, {});
  const reportFor = async (vendor: string) => exposureOf(await collectFrom({ dir: recorder.dir }), { vendor, catalogue });
  expect(await reportFor('posthog-selfhosted')).toMatchObject({ permittedToLeave: { decisions: 0 }, refused: { decisions: 1 } });
  const isLetOut = ({ kind, mode, decision, vendor, wouldBe }: Line) => kind === 'decision' && mode === 'shadow' && decision === 'allow' && vendor === 'amplitude' && ['deny', 'review'].includes(wouldBe?.decision ?? '');
  const byShadow = linesOf(recorder.dir).filter(isLetOut).length;
  expect(byShadow).toBeGreaterThan(0);
  expect(await reportFor('amplitude')).toMatchObject({ onlyInShadow: { decisions: byShadow } });
  expect(exposureText(await reportFor('amplitude'))).toContain('left by shadow mode alone: enforcement would have refused');
  expect(await reportFor('internal-obs')).toMatchObject({ onlyInShadow: { decisions: 0 } });
  // A missing permit is lifted in shadow, a forbid is not (J13).
  expect((await reportFor('amplitude')).categories.map(({ category }) => category)).toEqual(['user.location.imprecise.country', 'user.unique_id.pseudonymous']);
  expect((await reportFor('internal-obs')).categories.map(({ category, form, madeOf }) => [category, form, madeOf])).toEqual([['system.tenant.org_id', 'raw', undefined], ['user.unique_id.pseudonymous', 'hmac', 'user.contact.email']]);
}, 60_000);

test.each([
  ['2026-11-22', false, '2026-11-22T00:00:00.000Z'], ['2026-11-22', true, '2026-11-23T00:00:00.000Z'], ['2026-11-22T13:00:00+01:00', false, '2026-11-22T12:00:00.000Z'], ['2026-11-22T13:00:00+01:00', true, '2026-11-22T12:00:00.000Z'],
  ['2026-11-22T12:00Z', false, '2026-11-22T12:00:00.000Z'], ['2026-11-22T12:00:00', false, undefined], ['2026-02-30', false, undefined], ['2026-02-30T00:00:00Z', false, undefined], ['2026-11-22T24:30:00Z', false, undefined], ['tomorrow', true, undefined],
])('a time says its zone, and a date ends with its day in UTC: %s, as an end %s', (text, isEnd, expected) => {
  const atMs = parseMoment(text, isEnd);
  expect(atMs === undefined ? undefined : new Date(atMs).toISOString()).toBe(expected);
});

test('a record of the very moment is in the time that begins there, and not in the one that ends there', async () => {
  const recorder = await record({ policies });
  await recorder.ask(QUESTIONS[0]!);
  await recorder.close();
  const sizes = await Promise.all([[NOON + 1000, NOON + 1001], [NOON, NOON + 1000], [NOON + 1001, NOON + 2000]].map(async ([fromMs, toMs]) => {
    let records = 0;
    for await (const group of scan({ dir: recorder.dir, fromMs: fromMs!, toMs: toMs! })) records += group.count;
    return records;
  }));
  expect(sizes).toEqual([1, 0, 0]);
});
