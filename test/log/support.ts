import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { nodeFiles, type Files, type LogFile } from '../../src/log/files.ts';
import { openLog, type LogOptions, type OpenedLog } from '../../src/log/log.ts';
import type { Entry } from '../../src/log/types.ts';

export const AT_MS = Date.UTC(2026, 10, 22, 12);

/** A folder of its own for each test, and the logs opened in it, all gone afterwards. */
export function inFolder() {
  const opened: OpenedLog[] = [];
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'log-'));
  });
  afterEach(async () => {
    await Promise.allSettled(opened.splice(0).map((log) => log.close()));
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    dir: () => dir,
    async open(options: Partial<LogOptions> = {}): Promise<OpenedLog> {
      const log = await openLog({ dir, now: () => AT_MS, ...options });
      opened.push(log);
      return log;
    },
  };
}

export const segmentsOf = (dir: string): readonly string[] => readdirSync(join(dir, 'segments')).sort();

export const readSegment = (dir: string, name: string) => readFileSync(join(dir, 'segments', name), 'utf8');

/** Every line on disk, parsed. */
export const recordsOf = (dir: string): readonly Record<string, unknown>[] => (
  segmentsOf(dir).flatMap((name) => readSegment(dir, name).split('\n').slice(0, -1).map((line): Record<string, unknown> => JSON.parse(line)))
);

export const decision = (n: number): Entry => ({ kind: 'decision', members: `"n":${n}` });

/** Appends and waits, one after the other. */
export async function write(log: OpenedLog, ...entries: readonly Entry[]): Promise<void> {
  for (const entry of entries) await log.append(entry).durable;
}

export interface Call {
  readonly op: 'open' | 'rename' | keyof LogFile;
  /** Name of the file or folder. */
  readonly name: string;
  /** Counts the opens: two opens of one file are two descriptors. */
  readonly descriptor: number;
  readonly bytes?: Uint8Array;
}

export type Intercept = (call: Call) => Promise<void> | void;

/** The real files; `intercept` sees each call first, and may hold it or make it fail. */
export function watchedFiles(intercept: Intercept = () => {}): { readonly files: Files; readonly calls: Call[]; readonly count: (op: Call['op']) => number } {
  const calls: Call[] = [];
  let descriptors = 0;
  const see = async (call: Call) => {
    calls.push(call);
    await intercept(call);
  };
  const files: Files = {
    async open(path, flags) {
      const [name, descriptor] = [basename(path), descriptors += 1];
      await see({ op: 'open', name, descriptor });
      const file = await nodeFiles.open(path, flags);
      const watched = <A extends unknown[], R>(op: keyof LogFile, call: (...args: A) => Promise<R>) => async (...args: A) => {
        await see({ op, name, descriptor, ...(args[0] instanceof Uint8Array && { bytes: args[0] }) });
        return call(...args);
      };
      return {
        write: watched('write', file.write), datasync: watched('datasync', file.datasync), sync: watched('sync', file.sync),
        truncate: watched('truncate', file.truncate), size: watched('size', file.size), isInPlace: file.isInPlace, close: watched('close', file.close),
      };
    },
    async rename(from, to) {
      await see({ op: 'rename', name: basename(to), descriptor: 0 });
      await nodeFiles.rename(from, to);
    },
  };
  return { files, calls, count: (op) => calls.filter((call) => call.op === op).length };
}

export const diskError = (code: string) => Object.assign(new Error(`${code}: injected`), { code });
