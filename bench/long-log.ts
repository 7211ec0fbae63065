// What a long log costs those who read it: one log, written by the log itself from records that Sluice makes, and then each
// reader in a process of its own, so that its memory can be told.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { parseQuestion } from '../src/core/parse/parse.ts';
import { complete } from '../src/core/prepare/complete.ts';
import { findOpa } from '../src/opa/toolchain.ts';
import { judge, remember } from '../src/judge.ts';
import { openIndexer } from '../src/log/index/indexer.ts';
import type { Query } from '../src/log/index/ask/query.ts';
import { readPage } from '../src/log/index/page.ts';
import { indexPath, openToRead } from '../src/log/index/store.ts';
import { openLog } from '../src/log/log.ts';
import { impactOf } from '../src/replay/impact.ts';
import { byFacts, byRules } from '../src/replay/rejudge.ts';
import { scan } from '../src/replay/scan.ts';
import { collectFrom } from '../src/reports/collect.ts';
import { exposureOf } from '../src/reports/exposure.ts';
import type { Snapshot } from '../src/snapshot.ts';
import { load, toSnapshot } from '../src/workspace.ts';
import { startSluice } from './http.ts';
import { hashOnly } from './log.ts';
import { seeded } from './random.ts';
import { median } from './stats.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

export interface LongLog {
  /** Lines of the log, inputs included. */
  readonly records: number;
  readonly shapes: number;
}

export interface LongRow extends LongLog {
  readonly decisions: number;
  readonly logBytes: number;
  /** Records a second of verify.mjs over those of a loop that hashes the same bytes: one figure a round. */
  readonly verify: readonly number[];
  readonly indexSeconds: number;
  readonly indexBytes: number;
  /** Milliseconds of a page of 100 records, the 95th of 100, by selectivity. */
  readonly pageP95: Readonly<Record<string, number>>;
  readonly exposureSeconds: number;
  /** Records a second. */
  readonly byRules: number;
  readonly byFacts: number;
  /** Questions a second that are each judged once, in process, by the process that replays. */
  readonly missRate: number;
  readonly readySeconds: readonly number[];
  /** Resident at most, by what it was that ran. */
  readonly peakBytes: Readonly<Record<string, number>>;
}

const FIELDS = ['anon_user_id', 'region', 'city', 'country', 'feature_flag', 'org_id', 'customer_name', 'tool_name', 'email', 'account_id', 'url', 'browser'];
const VENDORS = ['mixpanel', 'amplitude', 'vendor-x', 'internal-obs', 'intercom'];
const IDENTITIES = ['service:telemetry', 'service:checkout', 'service:analytics-pipeline', 'agent:copilot', 'user:sam'];
const CALLER = { id: 'bench', tokenSha256: '', demo: false, identities: ['*'], environments: ['*'], powers: ['check' as const], supports: ['drop' as const, 'coarsen_geo' as const] };
/** So many of a million decisions are of this caller. */
const RATES = { '1e-6': 1, '1e-3': 1_000, '0.1': 100_000 } as const;

function questionOf(shape: number): object {
  const bits = 1 + (shape % 4095);
  const rest = Math.floor(shape / 4095);
  return {
    identity: IDENTITIES[rest % 5], vendor: VENDORS[Math.floor(rest / 5) % 5], environment: Math.floor(rest / 25) % 2 === 0 ? 'production' : 'staging', event: 'genai_dashboard.viewed',
    dataSubject: { region: ['EU', 'US', 'JP'][Math.floor(rest / 50) % 3] }, fields: FIELDS.filter((_, bit) => (bits >> bit) % 2 === 1),
  };
}

const judged = (shape: number, snapshot: Snapshot, atMs: number) => (
  judge(complete(parseQuestion(questionOf(shape)), snapshot.world.catalogue, CALLER), snapshot, { nowMs: atMs, latestMs: atMs })
);

async function world(dataDir: string): Promise<Snapshot> {
  const { env } = process;
  const opa = await findOpa({ root: ROOT, env, log: () => {} });
  return toSnapshot(await load({ root: ROOT, env: { ...env, SLUICE_OPA: opa.path }, policies: path.join(ROOT, 'policies'), rego: path.join(ROOT, 'rego'), dataDir }, Date.now));
}

const callerOf = (n: number) => {
  const roll = (n * 7_919) % 1_000_000;
  return Object.entries(RATES).find(([, rate]) => roll < rate)?.[0] ?? 'others';
};

const STEPS = {
  async write(dataDir: string, { records, shapes }: LongLog, say: (line: string) => void) {
    const snapshot = await world(dataDir);
    const log = await openLog({ dir: path.join(dataDir, 'log'), keysDir: path.join(dataDir, 'keys'), now: Date.now, onSegment: () => [{ kind: 'bundle_activated', members: `"bundle":"${snapshot.engine.digest}"` }] });
    const kept = new Map<number, ReturnType<typeof remember>['record']>();
    let decisions = 0;
    for (; log.size() < records; decisions += 1) {
      const shape = decisions % shapes;
      const record = kept.get(shape) ?? remember(judged(shape, snapshot, Date.now()), snapshot, { hash: () => '?0123456789abcdef', program: 'bench' }).record;
      kept.set(shape, record);
      const head = `"decisionId":"${String(decisions).padStart(26, '0')}","caller":"${callerOf(decisions)}","rows":${1 + (decisions % 9)}`;
      const { durable } = log.append({
        kind: 'decision', members: `${head},${record.members},"expiresAt":null,"ageMs":1,"memo":true,"micros":40`, input: { digest: record.input.digest, members: () => record.input.members },
      });
      durable.catch(() => {});
      if (decisions % 2000 === 1999) await durable;
      if (decisions % 50_000 === 49_999) await log.evidence!.sign(); // else more would be unsigned than the log takes
      if (decisions % 500_000 === 499_999) say(`wrote ${log.size()} of ${records} records`);
    }
    await log.close();
    return { decisions };
  },
  async index(dataDir: string) {
    const dir = path.join(dataDir, 'log');
    const folder = path.join(dataDir, 'bench-index');
    const [origin, size] = await placeOf(dir);
    const startedAt = performance.now();
    const indexer = await openIndexer({ dir, folder, origin });
    while (indexer.next() < size) await indexer.advance(size);
    await indexer.close();
    return { seconds: (performance.now() - startedAt) / 1000, bytes: statSync(indexPath(folder)).size };
  },
  async ask(dataDir: string) {
    const dir = path.join(dataDir, 'log');
    const db = openToRead(indexPath(path.join(dataDir, 'bench-index')));
    const [, size] = await placeOf(dir);
    const random = seeded(11);
    const p95 = Object.keys(RATES).map((caller) => {
      const times = Array.from({ length: 100 }, (_, i) => {
        const query: Query = { filter: { caller: [caller], kind: ['decision', 'permitted', 'refused'] }, order: i % 2 === 0 ? 'newest' : 'oldest', after: Math.floor(random() * size), limit: 100 };
        const startedAt = performance.now();
        readPage(db, dir, { query, format: 'lines' });
        return performance.now() - startedAt;
      });
      return [caller, times.toSorted((a, b) => a - b)[94]!] as const;
    });
    db.close();
    return Object.fromEntries(p95);
  },
  async exposure(dataDir: string) {
    const { world: { catalogue } } = await world(dataDir);
    const startedAt = performance.now();
    exposureOf(await collectFrom({ dir: path.join(dataDir, 'log'), refusalsOf: ['mixpanel'] }), { vendor: 'mixpanel', catalogue });
    return { seconds: (performance.now() - startedAt) / 1000 };
  },
  rules: (dataDir: string) => replayed(dataDir, (snapshot) => byRules(snapshot.engine)),
  facts: (dataDir: string) => replayed(dataDir, (snapshot) => byFacts({ snapshot })),
} as const;

async function replayed(dataDir: string, by: (snapshot: Snapshot) => Parameters<typeof impactOf>[1]) {
  const snapshot = await world(dataDir);
  const startedAt = performance.now();
  const { unchanged } = await impactOf(scan({ dir: path.join(dataDir, 'log') }), by(snapshot));
  const seconds = (performance.now() - startedAt) / 1000;
  const missedAt = performance.now();
  for (let n = 0; n < 5000; n += 1) judged(n * 100, snapshot, Date.now());
  return { unchanged, seconds, missRate: 5000 / ((performance.now() - missedAt) / 1000) };
}

async function placeOf(dir: string): Promise<readonly [origin: string, size: number]> {
  const [origin, size] = (spawnSync('cat', [path.join(dir, 'checkpoint')], { encoding: 'utf8' }).stdout).split('\n');
  return [origin!, Number(size)];
}

/** Writes the log, lets each read it, and leaves nothing behind. */
export async function measureLongLog(size: LongLog, { work, rounds, say }: { readonly work: string; readonly rounds: number; readonly say: (line: string) => void }): Promise<LongRow> {
  const name = `long-${size.records}-${size.shapes}`;
  const dataDir = path.join(work, `data-${name}`);
  const peakBytes: Record<string, number> = {};
  const sluice = { root: ROOT, work, policies: path.join(ROOT, 'policies') };
  async function step<Result>(which: keyof typeof STEPS): Promise<Result> {
    say(`a log of ${size.records} records over ${size.shapes} shapes: ${which}`);
    const child = spawn(process.execPath, ['--max-old-space-size=12000', import.meta.filename, which, dataDir, JSON.stringify(size)], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (line: string) => say(line.trimEnd()));
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    if (code !== 0) throw new Error(`the step ${which} ended with ${String(code)}`);
    const { result, peak } = JSON.parse(out) as { result: Result; peak: number };
    peakBytes[which] = peak;
    return result;
  }
  try {
    await (await startSluice(sluice, name, 64)).stop(); // makes the data directory
    const { decisions } = await step<{ decisions: number }>('write');
    const logDir = path.join(dataDir, 'log');
    const logBytes = readdirSync(path.join(logDir, 'segments')).reduce((sum, segment) => sum + statSync(path.join(logDir, 'segments', segment)).size, 0);
    const index = await step<{ seconds: number; bytes: number }>('index');
    const pageP95 = await step<Readonly<Record<string, number>>>('ask');
    const exposure = await step<{ seconds: number }>('exposure');
    const rules = await step<{ unchanged: number; seconds: number; missRate: number }>('rules');
    const facts = await step<{ unchanged: number; seconds: number; missRate: number }>('facts');
    if (rules.unchanged !== decisions || facts.unchanged !== decisions) throw new Error('the same policy decides otherwise');
    const verify: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      say(`verify, round ${round + 1} of ${rounds}`);
      const startedAt = performance.now();
      const { status, stdout } = spawnSync(process.execPath, [path.join(ROOT, 'verify.mjs'), logDir], { encoding: 'utf8' });
      if (status !== 0) throw new Error(stdout);
      const seconds = (performance.now() - startedAt) / 1000;
      verify.push(size.records / seconds / await hashOnly(logDir, size.records));
    }
    const readySeconds: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const startedAt = performance.now();
      const server = await startSluice(sluice, name, 64);
      readySeconds.push((performance.now() - startedAt) / 1000);
      await server.stop();
    }
    return {
      ...size, decisions, logBytes, verify, indexSeconds: index.seconds, indexBytes: index.bytes, pageP95, exposureSeconds: exposure.seconds,
      byRules: decisions / rules.seconds, byFacts: decisions / facts.seconds, missRate: median([rules.missRate, facts.missRate]), readySeconds, peakBytes,
    };
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [which, dataDir, size] = process.argv.slice(2) as [keyof typeof STEPS, string, string];
  const result: unknown = await STEPS[which](dataDir, JSON.parse(size) as LongLog, (line) => void process.stderr.write(`${line}\n`));
  process.stdout.write(JSON.stringify({ result, peak: process.resourceUsage().maxRSS * 1024 }));
}
