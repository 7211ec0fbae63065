import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { LOAD_CORE } from './servers.ts';

const run = promisify(execFile);
const SCRIPT = path.join(import.meta.dirname, 'wrk.lua');

export interface Row {
  readonly perSecond: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Requests as files that wrk reads. */
export interface Requests {
  readonly bodies: string;
  readonly order: string;
}

/** @param order numbers of bodies, in the order in which they are asked; by default each once. */
export async function writeRequests(folder: string, name: string, bodies: readonly string[], order: readonly number[] = [...bodies.keys()]): Promise<Requests> {
  const files = { bodies: path.join(folder, `${name}.bodies`), order: path.join(folder, `${name}.order`) };
  await Promise.all([writeFile(files.bodies, `${bodies.join('\n')}\n`), writeFile(files.order, `${order.join('\n')}\n`)]);
  return files;
}

export interface LoadOptions {
  readonly url: string;
  readonly requests: Requests;
  readonly headers?: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
}

/** Saturates `url` from one core by wrk. @throws when any answer was not 200. */
export async function load({ url, requests, headers = {}, connections, seconds }: LoadOptions): Promise<Row> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const { stdout } = await run('taskset', ['-c', LOAD_CORE, 'wrk', '-t', '1', '-c', String(connections), '-d', String(seconds), '--timeout', '10s', '-s', SCRIPT, url, '--', requests.bodies, requests.order, ...lines]);
  const result = JSON.parse(stdout.trim().split('\n').at(-1)!) as { requests: number; microseconds: number; failed: number; p50: number; p99: number };
  if (result.failed > 0) throw new Error(`${url}: ${result.failed} of ${result.requests} requests failed`);
  return { perSecond: result.requests / result.microseconds * 1e6, p50: result.p50 / 1000, p99: result.p99 / 1000 };
}
