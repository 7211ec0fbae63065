// Asks what the example world's services would ask, and leaves it in the decision log: something for reports to read.
// It goes through the PDP itself, whose clock is set to the ninety days up to now, one moment after the other; the seed is
// fixed. Questions are answered as they would have been then by the facts of today.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseQuestion } from '../src/core/parse/parse.ts';
import { readLog } from '../src/log/read.ts';
import { openSluice, type Logger } from '../src/open.ts';

type Random = () => number;

/** Mulberry32: small, fast, the same everywhere. Gives numbers from 0 to below 1. */
function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6D2B79F5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Pattern {
  /** How often, among the others. */
  readonly weight: number;
  readonly ask: Readonly<Record<string, unknown>>;
  /** Names of the payload's fields, whose values are made up. */
  readonly payload?: readonly string[];
  readonly maxRows?: number;
}

const TELEMETRY = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed' };
const COPILOT = { identity: 'agent:copilot', vendor: 'mixpanel', environment: 'production', event: 'genai.tool_run' };
const CHECKOUT = { identity: 'service:checkout', vendor: 'mixpanel', environment: 'production', event: 'usage.event' };
const PAGE = { identity: 'service:checkout', vendor: 'amplitude', environment: 'production', event: 'web.page_viewed' };
const SAM = { identity: 'user:sam', vendor: 'intercom', environment: 'production' };

const PATTERNS: readonly Pattern[] = [
  { weight: 40, ask: TELEMETRY, payload: ['anon_user_id', 'region', 'feature_flag'], maxRows: 200 },
  { weight: 25, ask: TELEMETRY, payload: ['anon_user_id', 'city', 'feature_flag'], maxRows: 200 },
  { weight: 4, ask: { ...TELEMETRY, environment: 'staging' }, payload: ['anon_user_id', 'region'] },
  { weight: 6, ask: TELEMETRY, payload: ['anon_user_id', 'region', 'org_id'] },
  { weight: 4, ask: TELEMETRY, payload: ['email', 'account_id', 'url', 'tool_name'] },
  { weight: 3, ask: TELEMETRY, payload: ['anon_user_id', 'customer_name', 'country'] },
  { weight: 10, ask: { ...TELEMETRY, vendor: 'internal-obs' }, payload: ['anon_user_id', 'tool_name', 'org_id'], maxRows: 500 },
  { weight: 5, ask: { ...TELEMETRY, vendor: 'posthog-selfhosted' }, payload: ['anon_user_id', 'region', 'tool_name'] },
  { weight: 4, ask: { ...TELEMETRY, vendor: 'amplitude' }, payload: ['anon_user_id', 'region', 'feature_flag'], maxRows: 100 },
  { weight: 18, ask: COPILOT, payload: ['prompt_category', 'error_code'], maxRows: 50 },
  { weight: 5, ask: COPILOT, payload: ['prompt_category', 'error_code', 'tenant_id'] },
  { weight: 3, ask: COPILOT, payload: ['prompt_category', 'prompt'] },
  { weight: 20, ask: CHECKOUT, payload: ['event', 'anon_id', 'feature_flag', 'ts'], maxRows: 300 },
  { weight: 5, ask: CHECKOUT, payload: ['event', 'anon_id', 'email', 'ip'] },
  { weight: 8, ask: PAGE, payload: ['user_agent', 'timezone', 'language'] },
  { weight: 3, ask: PAGE, payload: ['user_agent', 'timezone', 'screen', 'language'] },
  { weight: 3, ask: { ...PAGE, event: 'project_created' }, payload: ['user_id', 'email_sha256', 'org_id', 'role'] },
  { weight: 10, ask: { ...CHECKOUT, identity: 'service:analytics-pipeline', vendor: 'vendor-x' }, payload: ['event', 'anon_id', 'feature_flag'], maxRows: 300 },
  { weight: 2, ask: { ...CHECKOUT, vendor: 'vendor-x' }, payload: ['event', 'anon_id'] },
  { weight: 6, ask: { ...SAM, event: 'usage.report', fields: ['plan', 'week', 'active_users'], aggregate: { groupBy: ['plan', 'week'], minCell: 25 } } },
  { weight: 2, ask: { ...SAM, event: 'usage.report', fields: ['plan', 'week', 'email'], aggregate: { groupBy: ['plan', 'week'], minCell: 25 } } },
  { weight: 3, ask: { ...SAM, event: 'account.report', about: 'account:A1', fields: ['plan', 'week', 'seats_used'], aggregate: { groupBy: ['plan', 'week'], minCell: 25 } } },
  { weight: 2, ask: { ...SAM, event: 'account.report', about: 'account:A2', fields: ['plan', 'week', 'seats_used'], aggregate: { groupBy: ['plan', 'week'], minCell: 25 } } },
  { weight: 2, ask: { ...TELEMETRY, identity: 'tag:web' }, payload: ['anon_user_id', 'region'] },
  { weight: 2, ask: { ...TELEMETRY, identity: 'webhook:crm-sync', vendor: 'intercom' }, payload: ['email', 'customer_name'] },
  { weight: 2, ask: { ...TELEMETRY, vendor: 'segment' }, payload: ['anon_user_id', 'region'] },
  { weight: 1, ask: TELEMETRY, payload: ['anon_user_id', 'debug_ctx'] },
];

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
const hex = (random: Random, length: number) => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');

/** A value as the field would have it; none of them is ever in the log. */
function valueOf(field: string, random: Random): unknown {
  switch (field) {
    case 'email': return `${pick(random, ['ada', 'alan', 'grace', 'edsger'])}.${hex(random, 4)}@example.org`;
    case 'ip': return `203.0.113.${Math.floor(random() * 256)}`;
    case 'city': return pick(random, ['Lyon', 'Porto', 'Graz', 'Turku']);
    case 'region': return pick(random, ['EU', 'US', 'APAC']);
    case 'country': return pick(random, ['FR', 'PT', 'AT', 'FI']);
    case 'url': return `https://app.example.org/projects/${hex(random, 6)}`;
    case 'customer_name': return pick(random, ['Example Works', 'Sample Foundry']);
    case 'ts': return new Date(Date.UTC(2026, 10, 1) + Math.floor(random() * 86_400_000)).toISOString();
    case 'email_sha256': return hex(random, 64);
    default: return `${field.replaceAll('_', '-')}-${hex(random, 6)}`;
  }
}

/** The questions, the same for the same seed. */
export function* traffic(count: number, seed: number): Generator<Record<string, unknown>> {
  const random = createRandom(seed);
  const total = PATTERNS.reduce((sum, { weight }) => sum + weight, 0);
  for (let n = 0; n < count; n += 1) {
    let at = random() * total;
    const { ask, payload, maxRows } = PATTERNS.find(({ weight }) => (at -= weight) < 0) ?? PATTERNS[0]!;
    const values = payload?.map((field) => [field, valueOf(field, random)] as const);
    yield {
      ...ask,
      ...(values !== undefined && { payload: Object.fromEntries(values) }),
      ...(maxRows !== undefined && random() < 0.8 && { rows: 1 + Math.floor(random() * maxRows) }),
    };
  }
}

const SEED = 20_251_109;
const COUNT = 2000;
const AT_ONCE = 64;
const [MINUTE_MS, DAY_MS] = [60_000, 86_400_000];
const DAYS = 90;
/** Below maxAge of the example's production: older facts would deny. */
const RELOAD_MS = 5 * DAY_MS;

/** What is told of the vendor: in days before now. As at OpenAI's vendor, it took more than two weeks until it said so. */
const BREACH = { vendor: 'mixpanel', from: 26, to: 23, notified: 7, over: 5 } as const;

/** In order, in two stretches of each day: a segment of the log ends with its hour, and so there are few. */
export function* moments(count: number, { fromMs, toMs, random }: { readonly fromMs: number; readonly toMs: number; readonly random: Random }): Generator<number> {
  const at = Array.from({ length: count }, () => {
    const any = fromMs + random() * (toMs - fromMs);
    const midnight = Math.floor(any / DAY_MS) * DAY_MS;
    const stretch = midnight + (random() < 0.6 ? 9 : 15) * 60 * MINUTE_MS + random() * 45 * MINUTE_MS;
    // On the first day and the last there may be no such time.
    return stretch >= fromMs && stretch <= toMs ? stretch : any;
  });
  yield* at.map(Math.floor).sort((a, b) => a - b);
}

/** When the last record was written, in milliseconds since the Unix epoch: time in a log never runs back. */
async function lastRecordMs(dataDir: string): Promise<number> {
  const dir = path.join(dataDir, 'log');
  if (!existsSync(path.join(dir, 'origin'))) return 0;
  for await (const { record } of readLog(dir, { reverse: true })) return Date.parse(String(record['time']));
  return 0;
}

async function main(): Promise<void> {
  const root = path.resolve(import.meta.dirname, '..');
  const env = process.env;
  const warn = (members: object, message: string) => void process.stderr.write(`${message} ${JSON.stringify(members)}\n`);
  const logger: Logger = { info() {}, warn, error: warn };
  const dataDir = env['SLUICE_DATA_DIR'] ?? path.join(root, '.sluice');
  const endMs = Date.now();
  const beginMs = Math.max(endMs - DAYS * DAY_MS, await lastRecordMs(dataDir) + 1);
  let nowMs = beginMs;
  const sluice = await openSluice({
    root, env, logger, dataDir, policies: env['SLUICE_POLICIES'] ?? path.join(root, 'policies'), rego: env['SLUICE_REGO'] ?? path.join(root, 'rego'), memoBytes: 2 ** 20,
    observer: { decided() {}, refused() {}, evaluationFailed() {}, appended() {}, activated() {} }, now: () => nowMs, monotonic: () => nowMs,
  });
  const counts = new Map<string, number>();
  try {
    const caller = sluice.facts().callers.get('demo-gateway')!;
    const admin = sluice.facts().callers.get('demo-admin')!;
    const questions = traffic(COUNT, SEED);
    const acts = (['under_review', 'active'] as const).map((state, at) => ({ state, atMs: endMs - [BREACH.notified, BREACH.over][at]! * DAY_MS })).filter(({ atMs }) => atMs > beginMs);
    let reloadedMs = nowMs;
    let under: Promise<unknown>[] = [];
    for (const atMs of moments(COUNT, { fromMs: beginMs, toMs: endMs, random: createRandom(SEED) })) {
      const isDue = atMs - reloadedMs > RELOAD_MS;
      if (under.length >= AT_ONCE || isDue || acts[0] !== undefined && acts[0].atMs <= atMs) {
        await Promise.all(under);
        under = [];
      }
      for (; acts[0] !== undefined && acts[0].atMs <= atMs; acts.shift()) {
        nowMs = acts[0].atMs;
        await sluice.pdp.setVendorState(BREACH.vendor, acts[0].state, { caller: admin });
      }
      nowMs = atMs;
      if (isDue) {
        await sluice.pdp.reload();
        reloadedMs = nowMs;
      }
      // It takes the time before it waits for anything.
      const answered = sluice.pdp.check(parseQuestion(questions.next().value), { caller });
      under.push(answered.then(({ answer: { decision } }) => counts.set(decision, (counts.get(decision) ?? 0) + 1)));
    }
    await Promise.all(under);
    nowMs = Date.now();
  } finally {
    await sluice.close();
  }
  // A log that was there already may have nothing of those days.
  const isWhole = beginMs <= endMs - BREACH.from * DAY_MS;
  const day = (before: number) => new Date(endMs - before * DAY_MS).toISOString().slice(0, 10);
  const window = `--from ${day(BREACH.from)} --to ${day(BREACH.to)}`;
  process.stdout.write([
    `${COUNT} questions of the ${Math.ceil((endMs - beginMs) / DAY_MS)} days up to now were answered: ${[...counts].sort().map(([decision, count]) => `${count} ${decision}`).join(', ')}.`,
    ...(isWhole ? [`Say that somebody was in ${BREACH.vendor} from ${day(BREACH.from)} to ${day(BREACH.to)}, and that it told us on ${day(BREACH.notified)}; it was under review for two days then.`] : []),
    'Now:',
    `  npm run -s sluice -- exposure ${BREACH.vendor} ${window}`,
    `  npm run -s sluice -- report incident ${BREACH.vendor} ${window} --detected ${day(BREACH.to)} --notified ${day(BREACH.notified)}`,
    '',
  ].join('\n'));
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === import.meta.filename) {
  void main().catch((error: unknown) => {
    process.stderr.write(`demo-traffic: ${(error as Error).message}\nWhen a server holds the data directory, end it first, or name another one with SLUICE_DATA_DIR.\n`);
    process.exitCode = 1;
  });
}
