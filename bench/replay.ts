// Replay and reports over a long log: 5,000 and 500,000 question shapes. Lines are as the decision point writes them; only
// who asked differs, so that each shape is a question of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findOpa } from '../src/opa/toolchain.ts';
import { openLog } from '../src/log/log.ts';
import { judge, remember } from '../src/judge.ts';
import { complete } from '../src/core/prepare/complete.ts';
import { parseQuestion } from '../src/core/parse/parse.ts';
import { impactOf } from '../src/replay/impact.ts';
import { byFacts, byRules } from '../src/replay/rejudge.ts';
import { scan } from '../src/replay/scan.ts';
import { collect } from '../src/reports/collect.ts';
import { exposureOf } from '../src/reports/exposure.ts';
import type { Snapshot } from '../src/snapshot.ts';
import { load, toSnapshot } from '../src/workspace.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const FIELDS = ['anon_user_id', 'region', 'city', 'country', 'feature_flag', 'org_id', 'customer_name', 'tool_name', 'email', 'account_id', 'url', 'browser'];
const VENDORS = ['mixpanel', 'amplitude', 'vendor-x', 'internal-obs', 'intercom'];
const IDENTITIES = ['service:telemetry', 'service:checkout', 'service:analytics-pipeline', 'agent:copilot', 'user:sam'];

export interface ReplayRow {
  readonly records: number;
  readonly shapes: number;
  readonly exposureSeconds: number;
  /** Records a second, by recorded input and prepared again. */
  readonly byRules: number;
  readonly byFacts: number;
  /** Questions a second: each judged once, in process, without a memo. */
  readonly missRate: number;
  readonly rssMiB: number;
}

const caller = { id: 'bench', tokenSha256: '', demo: false, identities: ['*'], environments: ['*'], powers: ['check' as const], supports: ['drop' as const, 'coarsen_geo' as const] };

function questionOf(shape: number): object {
  const bits = 1 + (shape % 4095);
  const rest = Math.floor(shape / 4095);
  return {
    identity: IDENTITIES[rest % 5], vendor: VENDORS[Math.floor(rest / 5) % 5], environment: Math.floor(rest / 25) % 2 === 0 ? 'production' : 'staging', event: 'genai_dashboard.viewed',
    dataSubject: { region: ['EU', 'US', 'JP'][Math.floor(rest / 50) % 3] }, fields: FIELDS.filter((_, bit) => (bits >> bit) % 2 === 1),
  };
}

function judged(shape: number, snapshot: Snapshot, atMs: number) {
  return judge(complete(parseQuestion(questionOf(shape)), snapshot.world.catalogue, caller), snapshot, { nowMs: atMs, latestMs: atMs });
}

async function writeLog(dir: string, snapshot: Snapshot, { records, shapes }: { readonly records: number; readonly shapes: number }): Promise<number> {
  const log = await openLog({ dir, now: Date.now });
  const kept = new Map<number, ReturnType<typeof remember>['record']>();
  let judging = 0;
  for (let n = 0; n < records; n += 1) {
    const shape = n % shapes;
    let record = kept.get(shape);
    if (record === undefined) {
      const started = performance.now();
      record = remember(judged(shape, snapshot, Date.now()), snapshot, { hash: () => '?0123456789abcdef', program: 'bench' }).record;
      judging += performance.now() - started;
      if (kept.size < 50_000) kept.set(shape, record);
    }
    const { input, members } = record;
    const head = `"decisionId":"${String(n).padStart(26, '0')}","caller":"bench","rows":${1 + (n % 9)}`;
    const { durable } = log.append({ kind: 'decision', members: `${head},${members},"expiresAt":null,"ageMs":1,"memo":true,"micros":40`, input: { digest: input.digest, members: () => input.members } });
    durable.catch(() => {});
    if (n % 2000 === 1999) await durable;
  }
  await log.close();
  return judging;
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: number }> {
  const started = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - started) / 1000 };
}

/** One line for each size; medians are for whoever calls it more than once. */
export async function measureReplay(sizes: readonly { readonly records: number; readonly shapes: number }[] = [{ records: 5_000_000, shapes: 5000 }, { records: 5_000_000, shapes: 500_000 }]): Promise<readonly ReplayRow[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-replay-'));
  try {
    const env = process.env;
    const opa = await findOpa({ root: ROOT, env, log: () => {} });
    const loaded = await load({ root: ROOT, env: { ...env, SLUICE_OPA: opa.path }, policies: path.join(ROOT, 'policies'), rego: path.join(ROOT, 'rego'), dataDir: path.join(folder, 'data') }, Date.now);
    const snapshot = toSnapshot(loaded);
    const rows: ReplayRow[] = [];
    for (const [at, size] of sizes.entries()) {
      const dir = path.join(folder, `log-${at}`);
      await writeLog(dir, snapshot, size);
      await wait(10);
      const exposure = await timed(async () => exposureOf(await collect(scan({ dir })), { vendor: 'mixpanel', catalogue: snapshot.world.catalogue }));
      const rules = await timed(() => impactOf(scan({ dir }), byRules(snapshot.engine)));
      const facts = await timed(() => impactOf(scan({ dir }), byFacts({ snapshot })));
      if (facts.value.unchanged !== size.records || rules.value.unchanged !== size.records) throw new Error('the same policy decides otherwise');
      const misses = Math.min(size.shapes, 5000);
      const miss = await timed(async () => { for (let n = 0; n < misses; n += 1) judged(n, snapshot, Date.now()); });
      rows.push({
        ...size, exposureSeconds: exposure.seconds, byRules: size.records / rules.seconds, byFacts: size.records / facts.seconds, missRate: misses / miss.seconds,
        rssMiB: process.memoryUsage().rss / 2 ** 20,
      });
      await rm(dir, { recursive: true });
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === import.meta.filename) {
  const [records = '5000000', shapes = '5000,500000'] = process.argv.slice(2);
  for (const row of await measureReplay(shapes.split(',').map((count) => ({ records: Number(records), shapes: Number(count) })))) console.log(row);
}
