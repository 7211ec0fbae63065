import { spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Answer } from '../../src/core/answer.ts';
import { parseJson } from '../../src/core/parse/json.ts';
import { loadBundle } from '../../src/opa/build.ts';
import { send, type Received, type SendOptions } from '../http/harness.ts';
import { findBuiltOpa, ROOT, RULES } from './world.ts';

/** The question of the banner. */
export const QUESTION = {
  identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id', 'city', 'org_id'],
} as const;

export type LogLine = Readonly<Record<string, unknown>> & { readonly index: number; readonly kind: string };

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningServer {
  readonly port: number;
  readonly dataDir: string;
  readonly exited: Promise<Exit>;
  output(): string;
  send(path: string, options?: SendOptions): Promise<Received>;
  /** The answer to a question; throws unless it is 200. */
  check(question?: object, token?: string): Promise<Answer>;
  /** `POST /admin/reload` by demo-admin. */
  reload(): Promise<{ readonly ok: boolean; readonly errors: readonly string[]; readonly digest: string }>;
  setVendor(vendor: string, state: string): Promise<Received>;
  /** Sends the signal; resolves at the exit. */
  end(signal?: NodeJS.Signals): Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

export interface StartOptions {
  /** Default: a new one, with the shipped policy already built. */
  readonly dataDir?: string;
  readonly policies?: string;
  readonly rego?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A program that starts the server, and its arguments; signals must reach the server. */
  readonly under?: readonly string[];
}

const folders: string[] = [];
const children = new Set<ChildProcess>();

/** Ends what this file started and removes its folders; for `afterAll`. */
export async function endServers(): Promise<void> {
  const exits = [...children].map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(exits);
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
}

export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-server-'));
  folders.push(folder);
  return folder;
}

/** A data directory in which nothing has run; the shipped policy is built once and copied, so that a start takes no build. */
export async function newDataDir(): Promise<string> {
  const cache = path.join(ROOT, '.tools', 'bundles');
  const { source } = await loadBundle({ ...RULES, cache, opa: findBuiltOpa });
  const folder = await makeFolder();
  // This one alone: others are left from earlier runs.
  const built = source.slice('sha256:'.length);
  await cp(path.join(cache, built), path.join(folder, 'bundles', built), { recursive: true });
  return folder;
}

/** The rules, to be edited. */
export async function copyRego(): Promise<string> {
  const folder = await makeFolder();
  await cp(path.join(ROOT, 'rego'), folder, { recursive: true });
  return folder;
}

interface Spawned {
  readonly child: ChildProcess;
  readonly banner: Promise<number | undefined>;
  readonly exited: Promise<Exit>;
  output(): string;
}

function spawnServer({ dataDir, policies = path.join(ROOT, 'policies'), rego = path.join(ROOT, 'rego'), env = {}, under = [] }: StartOptions & { readonly dataDir: string }): Spawned {
  const kept = Object.fromEntries(['PATH', 'HOME', 'TMPDIR', 'SLUICE_OPA'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  // The script replaces itself by node, so that signals reach the server.
  const command = [...under, 'sh', 'scripts/node.sh', 'src/main.ts'];
  const child = spawn(command[0]!, command.slice(1), {
    cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...kept, PORT: '0', SLUICE_DATA_DIR: dataDir, SLUICE_POLICIES: policies, SLUICE_REGO: rego, SLUICE_DRAIN_SECONDS: '0', ...env },
  });
  children.add(child);
  const written = { stdout: '', stderr: '' };
  const banner = Promise.withResolvers<number | undefined>();
  const exited = Promise.withResolvers<Exit>();
  // It stands on standard error where a sink takes records from standard output.
  const lookForBanner = (text: string) => {
    const port = /^Sluice listens on http:\/\/127\.0\.0\.1:(\d+)/m.exec(text)?.[1];
    if (port !== undefined) banner.resolve(Number(port));
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.stdout += text;
    lookForBanner(written.stdout);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written.stderr += text;
    lookForBanner(written.stderr);
  });
  child.once('close', (code, signal) => {
    children.delete(child);
    banner.resolve(undefined);
    exited.resolve({ code, signal, ...written });
  });
  return { child, banner: banner.promise, exited: exited.promise, output: () => `${written.stdout}\n${written.stderr}` };
}

/** A server of its own on a free port; resolves with its banner. Throws what it said when it ends before. */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const dataDir = options.dataDir ?? await newDataDir();
  const { child, banner, exited, output } = spawnServer({ ...options, dataDir });
  const port = await banner;
  if (port === undefined) throw new Error(`the server ended at its start:\n${output()}`);
  const ask = (url: string, sent: SendOptions = {}) => send(port, url, { token: 'demo-gateway', ...sent });
  return {
    port, dataDir, exited, output,
    send: ask,
    async check(question = QUESTION, token = 'demo-gateway') {
      const received = await ask('/check', { body: question, token });
      if (received.status !== 200) throw new Error(`${received.status}: ${received.text}`);
      return received.json() as unknown as Answer;
    },
    reload: async () => (await ask('/admin/reload', { method: 'POST', token: 'demo-admin' })).json() as unknown as { ok: boolean; errors: string[]; digest: string },
    setVendor: (vendor, state) => ask(`/admin/vendors/${vendor}/state`, { body: { state }, token: 'demo-admin' }),
    kill: (signal) => void child.kill(signal),
    end(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
  };
}

/** Runs a server that is expected not to start. */
export async function failToStart(options: StartOptions = {}): Promise<Exit> {
  const { child, banner, exited } = spawnServer({ ...options, dataDir: options.dataDir ?? await newDataDir() });
  if (await banner !== undefined) child.kill('SIGKILL');
  return exited;
}

/** Every whole line of the log; each is strict JSON, and their indexes follow one another from 0. */
export async function readRecords(dataDir: string): Promise<readonly LogLine[]> {
  const folder = path.join(dataDir, 'log', 'segments');
  const names = (await readdir(folder)).sort();
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
  const lines = texts.flatMap((text) => text.slice(0, text.lastIndexOf('\n') + 1).split('\n').slice(0, -1));
  return lines.map((line, index) => {
    const record = parseJson(line) as LogLine;
    if (record.index !== index) throw new Error(`line ${index} of the log has the index ${record.index}`);
    return record;
  });
}

/** Asks every 20 ms until `holds`, and gives what then was; throws after `withinMs`. */
export async function until<T>(ask: () => Promise<T>, holds: (value: T) => boolean, withinMs = 15_000): Promise<T> {
  for (const endMs = performance.now() + withinMs; ;) {
    const value = await ask();
    if (holds(value)) return value;
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms; at last: ${JSON.stringify(value)}`);
    await wait(20);
  }
}

/** An answer without what differs from one asking to the next. */
export function lasting({ decisionId: _, log: __, revision: { ageMs: ___, ...revision }, ...rest }: Answer) {
  return { ...rest, revision };
}

/** The value of a series in the text of `/metrics`. */
export async function metric(server: Pick<RunningServer, 'send'>, series: string): Promise<number | undefined> {
  const { text } = await server.send('/metrics');
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** An answered question: what must be in the log, and where. */
export interface Acknowledged {
  readonly decisionId: string;
  readonly index: number;
}

export interface Load {
  readonly acknowledged: readonly Acknowledged[];
  /** Asks nothing more; resolves once every question under way has its answer or its error. */
  stop(): Promise<{ readonly failures: readonly string[] }>;
}

const VENDORS = ['mixpanel', 'amplitude', 'intercom', 'internal-obs', 'segment'];
const FIELDS = ['anon_user_id', 'region', 'city', 'country', 'feature_flag', 'org_id', 'browser', 'url'];

/** Keeps `concurrency` questions under way, from a few hundred different ones. A worker ends with its first failure. */
export function startLoad(server: Pick<RunningServer, 'send'>, concurrency = 16): Load {
  const acknowledged: Acknowledged[] = [];
  const failures: string[] = [];
  let stopped = false;
  let asked = 0;
  const worker = async () => {
    while (!stopped) {
      const n = asked += 1;
      const fields = FIELDS.filter((_, bit) => ((n >> bit) & 1) === 1);
      const question = { ...QUESTION, vendor: VENDORS[n % VENDORS.length], fields: fields.length > 0 ? fields : FIELDS };
      try {
        const received = await server.send('/check', { body: question });
        if (received.status !== 200) throw new Error(`${received.status}: ${received.text}`);
        const { decisionId, log } = received.json() as unknown as Answer;
        acknowledged.push({ decisionId, index: log.index });
      } catch (error) {
        failures.push((error as NodeJS.ErrnoException).code ?? String(error));
        return;
      }
    }
  };
  const workers = Promise.all(Array.from({ length: concurrency }, worker));
  return {
    acknowledged,
    async stop() {
      stopped = true;
      await workers;
      return { failures };
    },
  };
}

/** Those that are not in the log at their index. */
export function missingFrom(records: readonly LogLine[], acknowledged: readonly Acknowledged[]): readonly Acknowledged[] {
  return acknowledged.filter(({ index, decisionId }) => records[index]?.['decisionId'] !== decisionId);
}
