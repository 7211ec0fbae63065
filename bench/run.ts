// `make bench`: everything, about an hour and a half, writes bench/RESULTS.md; `--only evidence` measures the log alone
// (50 minutes), `--only others` all but the log, and each keeps the rest of the report. `make bench-short`: a minute or two, for every
// day; prints the same tables from fewer and shorter rounds, and writes nothing.
import { execFile, execFileSync } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { findOpa } from '../src/opa/toolchain.ts';
import { evidenceSection, keptEvidence, measureEvidence, replaceEvidence } from './evidence.ts';
import { measureGraph } from './graph.ts';
import { memoryGrowth, startTimes, syncTimes } from './growth.ts';
import { overHttp, type HttpOptions } from './http.ts';
import type { InsideOptions, InsideRows } from './inside.ts';
import { report, type Results } from './report.ts';
import { SERVER_CORE } from './servers.ts';
import { median } from './stats.ts';
import { WORKLOAD_E, writeWorld, type WorldSize } from './world.ts';

const run = promisify(execFile);
const short = process.argv.includes('--short');
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] ?? '' : 'all';
if (!['all', 'evidence', 'others'].includes(only)) throw new Error(`--only ${only}: there are evidence and others`);
const root = path.resolve(import.meta.dirname, '..');
const REPORT = path.join(root, 'bench', 'RESULTS.md');
const rounds = short ? 3 : 5;
const say = (line: string) => void process.stderr.write(`${line}\n`);

const found = await findOpa({ root, env: process.env, log: say });
const cerbosPath = path.join(root, 'bench', 'peers', 'node_modules', '@cerbos', 'cerbos-linux-x64', 'cerbos-linux-x64');
const cerbos = await access(cerbosPath).then(() => cerbosPath, () => undefined);
// On the checkout's disk, as a data directory is: the system's folder for temporary files may be in memory.
const work = await mkdtemp(path.join(root, '.tools', 'bench-'));
const policies = path.join(work, 'policies');
await writeWorld(policies);
const http: HttpOptions = { root, work, policies, opa: found.path, cerbos, rounds, seconds: short ? 2 : 5, warmUpSeconds: short ? 3 : 15, questions: short ? 1000 : 10_000, connections: 64, say };

/** In a process of its own, on the core of the servers. */
async function inside(name: string, size: Partial<WorldSize>, options: Partial<InsideOptions> = {}): Promise<InsideRows> {
  say(`in process: ${name}`);
  const all: InsideOptions = { size: { ...WORKLOAD_E, ...size }, fields: 20, questions: short ? 1000 : 5000, rounds, ...options };
  const { stdout } = await run('taskset', ['-c', SERVER_CORE, process.execPath, path.join(root, 'bench', 'inside.ts'), JSON.stringify(all), path.join(work, 'cli')], { maxBuffer: 1 << 24 });
  return JSON.parse(stdout) as InsideRows;
}

async function big(fields: number): Promise<Results['big']> {
  say(`a catalogue of ${fields} fields`);
  const { stdout } = await run(process.execPath, ['--expose-gc', path.join(root, 'bench', 'big.ts'), String(fields), path.join(work, 'cli')]);
  return { fields, ...JSON.parse(stdout) as Omit<Results['big'], 'fields'> };
}

async function onlyEvidence(): Promise<void> {
  const rows = await measureEvidence(http, { full: !short });
  process.stdout.write(`${evidenceSection(rows)}\n`);
  if (!short) await replaceEvidence(REPORT, rows);
}

async function everything(): Promise<void> {
  const sent = await overHttp(http);
  const results: Results = {
    http: sent,
    syncMs: await syncTimes(work),
    inside: {
      '20 fields, 3 grants apply': await inside('20 fields', {}),
      '50 fields, 3 grants apply': await inside('50 fields', {}, { fields: 50 }),
      '20 fields, 10 grants apply': await inside('10 grants', { grants: 330, applicable: 10 }),
      '20 fields, 1,000 grants apply': await inside('1,000 grants', { roles: 1, grants: 1000, applicable: 1000 }, { questions: 100 }),
      '10 grants in the catalogue, 3 apply': await inside('catalogue of 10 grants', { roles: 3, grants: 10 }, { role: 0 }),
      '10,000 grants in the catalogue, 3 apply': await inside('catalogue of 10,000 grants', { roles: 3000, grants: 10_000 }, { role: 0 }),
    },
    startMs: await startTimes(http, rounds),
    big: await big(short ? 20_000 : 100_000),
    graph: await measureGraph({ full: !short, say }),
    evidence: only === 'others' ? await keptEvidence(REPORT) : evidenceSection(await measureEvidence(http, { full: !short })),
    growth: short ? undefined : await memoryGrowth(http, 1_000_000),
    versions: {
      node: process.versions.node, opa: found.version,
      cerbos: cerbos === undefined ? 'not installed here' : execFileSync(cerbos, ['--version'], { encoding: 'utf8' }).split('\n')[0]!.trim(),
      express: (JSON.parse(execFileSync(process.execPath, ['-p', 'JSON.stringify(require("express/package.json").version)'], { encoding: 'utf8', cwd: root })) as string),
    },
    options: { rounds, seconds: http.seconds, warmUpSeconds: http.warmUpSeconds, questions: http.questions, connections: http.connections },
  };
  const text = report(results);
  if (short) process.stdout.write(text);
  else await writeFile(REPORT, text);
  say(short ? 'short: nothing was written' : `bench/RESULTS.md is written; one echo was ${(1e6 / median(sent[0]!.rows.map(({ perSecond }) => perSecond))).toFixed(1)} µs`);
}

try {
  await (only === 'evidence' ? onlyEvidence() : everything());
} finally {
  await rm(work, { recursive: true, force: true });
}
