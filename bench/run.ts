// Measures the example world, in process and over HTTP, beside a bare echo of the same body in the same run.
// Times are medians of five; what is quoted is ratios. Writes bench/RESULTS.md.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { complete, memoKey } from '../src/core/prepare/complete.ts';
import { parseJson } from '../src/core/parse/json.ts';
import { parseQuestion } from '../src/core/parse/parse.ts';
import { judge, recall, type Remembered } from '../src/judge.ts';
import { createMemo } from '../src/memo.ts';
import { load as loadWorld, toSnapshot } from '../src/workspace.ts';
import { load, median, spread } from './load.ts';

const ROUNDS = 5;
const FOR_MS = Number(process.env['BENCH_MS'] ?? 3000);
const CONNECTIONS = 64;
const root = path.resolve(import.meta.dirname, '..');
process.chdir(root);

const base = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production' };
const QUESTIONS = {
  '4 fields': { ...base, event: 'genai_dashboard.viewed', fields: ['anon_user_id', 'region', 'city', 'org_id'] },
  '12 fields': { ...base, event: 'genai_dashboard.viewed', fields: ['anon_user_id', 'region', 'city', 'country', 'feature_flag', 'org_id', 'customer_name', 'tool_name', 'email', 'account_id', 'url', 'browser'] },
  'payload of 4': { ...base, event: 'genai_dashboard.viewed', payload: { anon_user_id: 'a91', region: 'EU', city: 'Lyon', feature_flag: 'new-nav' } },
} as const;

function timed(each: () => void): number {
  const until = performance.now() + 400;
  let count = 0;
  const startedAt = performance.now();
  while (performance.now() < until) for (let index = 0; index < 100; index += 1, count += 1) each();
  return (performance.now() - startedAt) / count * 1000;
}

async function inProcess() {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-bench-'));
  const world = await loadWorld({ policies: 'policies', rego: 'rego', dataDir: folder, root, env: process.env }, Date.now);
  const snapshot = toSnapshot(world);
  const caller = world.facts.callers.get('demo-gateway')!;
  const moment = { nowMs: Date.now(), latestMs: Date.now() };
  const rows: Record<string, { parse: number[]; miss: number[]; hit: number[] }> = {};
  for (const [name, question] of Object.entries(QUESTIONS)) {
    const text = JSON.stringify(question);
    const parsed = parseQuestion(parseJson(text));
    const deps = { memo: createMemo<Remembered>(1000), hash: (known: string) => known, program: 'bench', onFailure: (error: unknown) => { throw error; } };
    recall(complete(parsed, snapshot.world.catalogue, caller), snapshot, moment, deps);
    const steps = {
      parse: () => { parseQuestion(parseJson(text)); },
      miss: () => { judge(complete(parsed, snapshot.world.catalogue, caller), snapshot, moment); },
      hit: () => { recall(complete(parsed, snapshot.world.catalogue, caller), snapshot, moment, deps); },
    };
    for (const step of Object.values(steps)) timed(step);
    rows[name] = { parse: [], miss: [], hit: [] };
    for (let round = 0; round < ROUNDS; round += 1) for (const [step, run] of Object.entries(steps)) rows[name][step as keyof typeof steps].push(timed(run));
    if (memoKey(complete(parsed, snapshot.world.catalogue, caller)) === '') throw new Error('the memo key is empty');
  }
  await rm(folder, { recursive: true, force: true });
  return rows;
}

const ECHO = 'require("node:http").createServer((q,r)=>{const c=[];q.on("data",d=>c.push(d)).on("end",()=>{const b=JSON.stringify(JSON.parse(Buffer.concat(c)));r.setHeader("content-type","application/json");r.end(b)})}).listen(0,"127.0.0.1",function(){console.log("http://127.0.0.1:"+this.address().port)})';

/** Starts a server alone on the second core, and gives its address when it prints one. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', ['-c', '1', process.execPath, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
    child.on('error', reject).on('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(String(chunk))?.[0];
      if (url !== undefined) resolve({ url, child });
    });
  });
}

async function overHttp() {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-bench-'));
  const headers = { 'content-type': 'application/json', authorization: 'Bearer demo-gateway' };
  const question = QUESTIONS['4 fields'];
  const hit = [JSON.stringify(question)];
  const miss = hit;
  const servers = {
    echo: await start(['-e', ECHO]),
    hit: await start(['src/main.ts'], { PORT: '0', SLUICE_DATA_DIR: path.join(dataDir, 'hit'), SLUICE_DRAIN_SECONDS: '0' }),
    miss: await start(['src/main.ts'], { PORT: '0', SLUICE_DATA_DIR: path.join(dataDir, 'miss'), SLUICE_MEMO_ENTRIES: '0', SLUICE_DRAIN_SECONDS: '0' }),
  };
  const rows: Record<string, { perSecond: number; p50: number; p99: number }[]> = { echo: [], hit: [], miss: [] };
  for (let round = 0; round <= ROUNDS; round += 1) for (const [name, { url }] of Object.entries(servers)) {
    const row = await load({ url: name === 'echo' ? url : `${url}/check`, bodies: name === 'miss' ? miss : hit, headers, connections: CONNECTIONS, forMs: FOR_MS });
    if (round > 0) rows[name]!.push(row); // the first round warms up
    process.stderr.write(`${name}: ${Math.round(row.perSecond)}/s\n`);
  }
  for (const { child } of Object.values(servers)) child.removeAllListeners('exit').kill('SIGTERM');
  await rm(dataDir, { recursive: true, force: true });
  return rows;
}

const inside = await inProcess();
const outside = await overHttp();
const echoUs = 1_000_000 / median(outside['echo']!.map(({ perSecond }) => perSecond));
const ratio = (us: readonly number[]) => `${(median(us) / echoUs).toFixed(2)} (${spread(us.map((value) => value / echoUs))})`;
const share = (name: string) => {
  const values = outside[name]!.map(({ perSecond }, round) => perSecond / outside['echo']![round]!.perSecond);
  return `${median(values).toFixed(2)} (${spread(values)})`;
};
const p99 = (name: string) => `${(median(outside[name]!.map((row) => row.p99)) / median(outside['echo']!.map((row) => row.p99))).toFixed(2)}`;
const text = `# Results

Written by \`make bench\`. The yardstick is *one echo*: the time per request of a bare \`node:http\` JSON echo of the same body, saturated, on one core of the same machine in the same run. Medians of ${ROUNDS}, spread in brackets. The load comes from Node on the other core, which limits the echo: read the ratios, not the rates.

Machine: ${cpus().length} × ${cpus()[0]?.model.trim()}; Node ${process.versions.node}; ${new Date().toISOString().slice(0, 10)}.
One echo: ${echoUs.toFixed(0)} µs. The example world; the log is durable before every answer.

## In process, in echoes (without record)

| question | parse | miss: prepare, evaluate, decide | hit |
|---|---|---|---|
${Object.entries(inside).map(([name, { parse, miss, hit }]) => `| ${name} | ${ratio(parse)} | ${ratio(miss)} | ${ratio(hit)} |`).join('\n')}

## Over HTTP, ${CONNECTIONS} connections, as a share of the echo's rate

| | share of the echo's rate | p99 in echo's p99 |
|---|---|---|
| hit, recorded | ${share('hit')} | ${p99('hit')} |
| miss, recorded (memo off) | ${share('miss')} | ${p99('miss')} |

Not measured yet: other decision points side by side, large catalogues, memory over time.
`;
await writeFile('bench/RESULTS.md', text);
process.stdout.write(text);
