import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openLog, type LogOptions, type OpenedLog } from '../../../src/log/log.ts';
import type { Entry } from '../../../src/log/types.ts';
import { AT_MS } from '../support.ts';

export interface Verified {
  readonly wrong: readonly string[];
  readonly notes: readonly string[];
  readonly size: number;
  readonly signed: number;
  readonly checkpoints: number;
}

export interface VerifyOptions {
  readonly vkey?: string;
  readonly oldCheckpoint?: string;
}

/** The auditor's program in a process of its own, which lives as long as the tests of a file. */
export function startVerifier(): (dir: string, options?: VerifyOptions) => Promise<Verified> {
  let child: ChildProcess;
  const waiting: ((line: string) => void)[] = [];
  beforeAll(() => {
    child = spawn(process.execPath, [fileURLToPath(new URL('verifier.mjs', import.meta.url))], { env: {}, stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface(child.stdout!).on('line', (line) => waiting.shift()?.(line));
  });
  afterAll(() => void child.kill());
  return (dir, options = {}) => new Promise((resolve) => {
    waiting.push((line) => resolve(JSON.parse(line) as Verified));
    child.stdin!.write(`${JSON.stringify([dir, options])}\n`);
  });
}

/** A data directory for each test, and the logs opened in it, all gone afterwards. */
export function inDataDir() {
  const opened: OpenedLog[] = [];
  let data = '';
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'tree-'));
  });
  afterEach(async () => {
    await Promise.allSettled(opened.splice(0).map((log) => log.close()));
    rmSync(data, { recursive: true, force: true });
  });
  const file = (...names: readonly string[]) => join(data, 'log', ...names);
  return {
    data: () => data,
    dir: () => join(data, 'log'),
    keysDir: () => join(data, 'keys'),
    file,
    read: (...names: readonly string[]) => readFileSync(file(...names), 'utf8'),
    vkey: () => readFileSync(file('log.vkey'), 'utf8').trim(),
    async open(options: Partial<LogOptions> = {}): Promise<OpenedLog> {
      const log = await openLog({ dir: join(data, 'log'), keysDir: join(data, 'keys'), now: () => AT_MS, signEveryMs: 3_600_000, ...options });
      opened.push(log);
      return log;
    },
  };
}

/** Appends at once, and waits for all. */
export const fill = (log: OpenedLog, from: number, to: number) => Promise.all(Array.from({ length: to - from }, (_, n) => log.append({ kind: 'decision', members: `"n":${from + n}` } satisfies Entry).durable));
