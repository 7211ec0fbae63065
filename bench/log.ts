// The decision log with and without its tree and signatures, and the verifier beside a loop that only hashes.
import { spawnSync } from 'node:child_process';
import { createReadStream, readdirSync } from 'node:fs';
import { hash } from 'node:crypto';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openLog } from '../src/log/log.ts';
import { median } from './stats.ts';

export interface LogOptions {
  /** Where to write; a file system on a disk. Default: the system's folder for temporary files. */
  readonly dir?: string;
  readonly rounds?: number;
  /** How many records a round appends; the verifier reads as many. */
  readonly records?: number;
  readonly appenders?: number;
  readonly recordBytes?: number;
}

export interface LogRound {
  /** Records a second. */
  readonly withTree: number;
  readonly withoutTree: number;
  /** Milliseconds from append to durable. */
  readonly p99Ms: number;
  readonly p99WithoutTreeMs: number;
  /** Of a loop of write and fdatasync of as many lines as there are appenders. */
  readonly bareP99Ms: number;
  /** Records a second. */
  readonly verify: number;
  readonly hashOnly: number;
}

export interface LogRows {
  readonly rounds: readonly LogRound[];
  /** Medians of the rounds' own ratios: wanted ≥ 0.7, ≤ 3 and ≥ 0.5. */
  readonly throughput: number;
  readonly p99: number;
  readonly verify: number;
}

const ROOT = path.resolve(import.meta.dirname, '..');

/** Each of the things once a round, so that what disturbs the machine disturbs them alike. */
export async function measureLog({ dir = tmpdir(), rounds = 5, records = 200_000, appenders = 64, recordBytes = 700 }: LogOptions = {}): Promise<LogRows> {
  const done: LogRound[] = [];
  // Removed when all is measured: ext4 without a journal looks through all inodes freed in the last minutes for each file it makes.
  const all = await mkdtemp(path.join(dir, 'sluice-bench-log-'));
  try {
    for (let round = -1; round < rounds; round += 1) {
      const folder = path.join(all, String(round));
      await mkdir(folder);
      const size = { records: round < 0 ? records / 10 : records, appenders, recordBytes };
      const plain = await append(path.join(folder, 'plain'), size, false);
      const tree = await append(path.join(folder, 'tree'), size, true);
      const bareP99Ms = await bare(path.join(folder, 'bare'), size);
      const read = verify(path.join(folder, 'tree/log'), size.records);
      if (round >= 0) done.push({ withTree: tree.perSecond, withoutTree: plain.perSecond, p99Ms: tree.p99Ms, p99WithoutTreeMs: plain.p99Ms, bareP99Ms, verify: read, hashOnly: await hashOnly(path.join(folder, 'tree/log'), size.records) });
    }
  } finally {
    await rm(all, { recursive: true });
  }
  const ratio = (of: (one: LogRound) => number) => median(done.map(of));
  return {
    rounds: done, throughput: ratio((one) => one.withTree / one.withoutTree), p99: ratio((one) => one.p99Ms / one.bareP99Ms), verify: ratio((one) => one.verify / one.hashOnly),
  };
}

interface Size { readonly records: number; readonly appenders: number; readonly recordBytes: number }

const p99Of = (times: Float64Array) => times.sort()[Math.floor(times.length * 0.99)]!;

async function append(folder: string, { records, appenders, recordBytes }: Size, withTree: boolean): Promise<{ readonly perSecond: number; readonly p99Ms: number }> {
  const log = await openLog({ dir: path.join(folder, 'log'), now: Date.now, ...(withTree && { keysDir: path.join(folder, 'keys') }) });
  const members = `"x":"${'x'.repeat(recordBytes - 125)}"`;
  const times = new Float64Array(records);
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: appenders }, async () => {
    while (next < records) {
      const at = next;
      next += 1;
      const from = performance.now();
      // What fills the log faster than it is signed waits for the signature, and that counts.
      if (log.failure() !== undefined) await log.evidence?.sign();
      await log.append({ kind: 'decision', members }).durable;
      times[at] = performance.now() - from;
    }
  }));
  const perSecond = records / (performance.now() - startedAt) * 1000;
  await log.close();
  return { perSecond, p99Ms: p99Of(times) };
}

async function bare(file: string, { records, appenders, recordBytes }: Size): Promise<number> {
  const handle = await open(file, 'a');
  const group = Buffer.alloc(appenders * recordBytes, 120);
  const times = new Float64Array(Math.floor(records / appenders));
  for (let i = 0; i < times.length; i += 1) {
    const from = performance.now();
    await handle.write(group);
    await handle.datasync();
    times[i] = performance.now() - from;
  }
  await handle.close();
  return p99Of(times);
}

/** Measured in its own process, as an auditor runs it; less what starting takes. */
function verify(dir: string, records: number): number {
  const run = (...args: readonly string[]) => {
    const startedAt = performance.now();
    const { status, stdout } = spawnSync(process.execPath, [path.join(ROOT, 'verify.mjs'), ...args], { encoding: 'utf8' });
    return { status, stdout, ms: performance.now() - startedAt };
  };
  const start = run().ms;
  const { status, stdout, ms } = run(dir);
  if (status !== 0) throw new Error(stdout);
  return records / (ms - start) * 1000;
}

/** Records a second: as many hashes over the same bytes: one a line, and one for the node that each line brings. */
export async function hashOnly(dir: string, records: number): Promise<number> {
  const node = Buffer.alloc(65);
  const startedAt = performance.now();
  for (const name of readdirSync(path.join(dir, 'segments'))) {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of createReadStream(path.join(dir, 'segments', name), { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      const block: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let newline = block.indexOf(10); newline !== -1; newline = block.indexOf(10, start)) {
        hash('sha256', block.subarray(start, newline), 'binary');
        hash('sha256', node, 'binary');
        start = newline + 1;
      }
      rest = block.subarray(start);
    }
  }
  return records / (performance.now() - startedAt) * 1000;
}
