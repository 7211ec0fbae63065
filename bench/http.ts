// Sluice and its peers over HTTP: every server alone on one core, the load on the other, all in the same rounds.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseQuestion } from '../src/core/parse/parse.ts';
import { complete } from '../src/core/prepare/complete.ts';
import { judge, type Judged } from '../src/judge.ts';
import { load as loadWorld, toSnapshot } from '../src/workspace.ts';
import { load, writeRequests, type Requests, type Row } from './load.ts';
import { allowedByCerbos, allowedByUs, cerbosBody, writeCerbos } from './peers/cerbos.ts';
import { objections } from './peers/objections.ts';
import { oursBody, PATHS, saidByOpa, saidByUs, tablesBody, writeTables } from './peers/opa.ts';
import { seeded, zipf } from './random.ts';
import { freePort, post, start, type Server } from './servers.ts';
import { CATEGORIES, grantsOf, identifiabilityOf, questionsOf, sensitivityOf, TOKEN, vendorsOf, WORKLOAD_E, type BenchQuestion } from './world.ts';

export interface HttpOptions {
  readonly root: string;
  readonly work: string;
  readonly policies: string;
  readonly opa: string;
  readonly cerbos: string | undefined;
  readonly rounds: number;
  /** Of one round. */
  readonly seconds: number;
  /** Of each server, before the rounds: V8 and the Go runtimes compile and grow for a while. */
  readonly warmUpSeconds: number;
  readonly questions: number;
  readonly connections: number;
  readonly say: (line: string) => void;
}

export interface Measured {
  readonly name: string;
  readonly rows: readonly Row[];
  /** Of Sluice: how many of the answers came from the memo. */
  readonly hitShare?: number;
}

interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly requests: Requests;
  /** Address of the metrics, of Sluice. */
  readonly metrics?: string;
}

const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
/** MiB of a memo that holds a tenth of ten thousand questions of so many fields, and of one that holds them all. */
const MIXED = { 20: 11, 50: 16 } as const;
const ALL = 4096;
/** Of load before each measurement: from a server that waited for its turn for a minute, kernels take pages back. */
export const AWAKE_SECONDS = 3;

export async function overHttp(options: HttpOptions): Promise<readonly Measured[]> {
  const { rounds, say } = options;
  const contenders: Contender[] = [];
  try {
    await startAll(options, (contender) => contenders.push(contender));
    for (const { name, server, requests } of contenders) {
      say(`warming up ${name}`);
      await load({ url: server.url, requests: { ...requests, order: requests.bodies.replace(/bodies$/, 'each') }, headers: AUTHORIZED, connections: options.connections, seconds: options.warmUpSeconds });
    }
    const rows = new Map<string, Row[]>(contenders.map(({ name }) => [name, []]));
    const before = new Map(await Promise.all(contenders.map(async ({ name, metrics }) => [name, await answersBy(metrics)] as const)));
    for (let round = 1; round <= rounds; round += 1) for (const { name, server, requests } of contenders) {
      const asked = { url: server.url, requests, headers: AUTHORIZED, connections: options.connections };
      await load({ ...asked, seconds: AWAKE_SECONDS });
      const row = await load({ ...asked, seconds: options.seconds });
      rows.get(name)!.push(row);
      say(`round ${round} of ${rounds}: ${name} ${Math.round(row.perSecond)}/s, p99 ${row.p99.toFixed(1)} ms`);
    }
    return await Promise.all(contenders.map(async ({ name, metrics }): Promise<Measured> => {
      if (metrics === undefined) return { name, rows: rows.get(name)! };
      const [from, to] = [before.get(name)!, await answersBy(metrics)];
      return { name, rows: rows.get(name)!, hitShare: (to.hit - from.hit) / (to.hit - from.hit + to.miss - from.miss) };
    }));
  } finally {
    await Promise.all(contenders.map(({ server }) => server.stop()));
  }
}

async function startAll(options: HttpOptions, add: (contender: Contender) => void): Promise<void> {
  const { root, work, policies, opa, cerbos, questions, say } = options;
  const echo = path.join(root, 'bench', 'echo.mjs');
  const world = await loadWorld({ policies, rego: path.join(root, 'rego'), dataDir: path.join(work, 'cli'), root, env: process.env }, Date.now);
  const snapshot = toSnapshot(world);
  const moment = { nowMs: Date.now(), latestMs: Date.now() };
  const judged = (question: BenchQuestion): Judged => judge(complete(parseQuestion(question), snapshot.world.catalogue, world.facts.callers.get('bench')!), snapshot, moment, (error) => { throw error; });
  const order = zipf(questions, 100_000, seeded(7));
  const prepareRequests = async (name: string, bodies: readonly string[]) => {
    await writeFile(path.join(work, `${name}.each`), `${[...bodies.keys()].join('\n')}\n`);
    return writeRequests(work, name, bodies, order);
  };

  for (const fields of [20, 50] as const) {
    const asked = questionsOf(questions, fields);
    const requests = await prepareRequests(`sluice${fields}`, asked.map((question) => JSON.stringify(question)));
    add({ name: `echo ${fields}`, server: await startNode([echo], ''), requests });
    for (const [kind, memo] of [['hit', ALL], ['miss', 0], ['mixed', MIXED[fields]]] as const) {
      const server = await startSluice(options, `${kind}${fields}`, memo);
      add({ name: `sluice ${kind} ${fields}`, server: { ...server, url: `${server.url}/check` }, requests, metrics: `${server.url}/metrics` });
      if (kind !== 'hit') continue;
      const answer = path.join(work, `answer${fields}.json`);
      await writeFile(answer, JSON.stringify(await post(`${server.url}/check`, JSON.stringify(asked[0]), AUTHORIZED)));
      add({ name: `express ${fields}`, server: await startNode([echo], '/check', [answer]), requests });
    }
    if (fields !== 20) continue;

    say('comparing the answers of the peers with ours');
    const ours = asked.map(judged);
    const rules = objections(sensitivityOf, identifiabilityOf);
    const grants = grantsOf(WORKLOAD_E);
    const vendors = vendorsOf(WORKLOAD_E);
    const tables = path.join(work, 'tables');
    await writeTables({ folder: tables, snapshot, vendors, grants, objections: rules, categories: CATEGORIES });
    const layouts = { ours: { folder: path.join(root, 'rego', 'egress'), bodies: ours.map(oursBody) }, tables: { folder: tables, bodies: ours.map(tablesBody) } };
    for (const [layout, { folder, bodies }] of Object.entries(layouts) as ['ours' | 'tables', { folder: string; bodies: string[] }][]) {
      const peer = await prepareRequests(`opa-${layout}`, bodies);
      for (const log of ['off', 'console'] as const) {
        const server = await startOpa(opa, folder, log, PATHS[layout]);
        add({ name: `opa ${layout}, log ${log}`, server, requests: peer });
        if (log === 'off') await compare({ ours, bodies, url: server.url, say }, (answer, own) => [saidByOpa(answer, layout, own), saidByUs(own)]);
      }
    }
    if (cerbos === undefined) continue;
    const byId = new Map(vendors.map((vendor) => [vendor.id, vendor]));
    const bodies = asked.map((question) => cerbosBody(question, byId, snapshot));
    const peer = await prepareRequests('cerbos', bodies);
    for (const audit of [false, true]) {
      const [httpPort, grpcPort] = [await freePort(), await freePort()];
      const folder = path.join(work, `cerbos-${audit}`);
      const config = await writeCerbos({ folder, grants, objections: rules, httpPort, grpcPort, audit });
      const base = `http://127.0.0.1:${httpPort}`;
      const server = await start({ command: [cerbos, 'server', `--config=${config}`, '--log-level=error'], env: { GOMAXPROCS: '1' }, url: `${base}/api/check/resources`, ready: `${base}/_cerbos/health` });
      add({ name: `cerbos, audit ${audit ? 'file' : 'off'}`, server, requests: peer });
      if (!audit) await compare({ ours, bodies, url: server.url, say }, (answer, own) => [allowedByCerbos(answer), allowedByUs(own)]);
    }
  }
}

interface Comparison {
  readonly ours: readonly Judged[];
  readonly bodies: readonly string[];
  readonly url: string;
  readonly say: HttpOptions['say'];
}

/** @throws when a peer answers anything else than we do. */
async function compare({ ours, bodies, url, say }: Comparison, both: (answer: unknown, own: Judged) => readonly [unknown, unknown]): Promise<void> {
  for (const [index, own] of ours.entries()) {
    const [theirs, wanted] = both(await post(url, bodies[index]!), own);
    const [a, b] = [canonical(theirs), canonical(wanted)];
    if (a !== b) throw new Error(`${url} answers question ${index} otherwise:\n${bodies[index]}\nit:  ${a}\nwe:  ${b}`);
  }
  say(`${url}: ${ours.length} answers are the same`);
}

const canonical = (value: unknown) => JSON.stringify(value, (_, member: unknown) => (
  typeof member === 'object' && member !== null && !Array.isArray(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member
));

async function startNode(script: readonly string[], route: string, more: readonly string[] = []): Promise<Server> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  return start({ command: [process.execPath, ...script, String(port), ...more], url: `${base}${route === '' ? '/' : route}`, ready: `${base}/` });
}

export async function startSluice({ root, work, policies }: Pick<HttpOptions, 'root' | 'work' | 'policies'>, name: string, memoMb: number, flags: readonly string[] = []): Promise<Server> {
  const port = await freePort();
  const dataDir = path.join(work, `data-${name}`);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const base = `http://127.0.0.1:${port}`;
  const env = { PORT: String(port), SLUICE_DATA_DIR: dataDir, SLUICE_POLICIES: policies, SLUICE_REGO: path.join(root, 'rego'), SLUICE_MEMO_MB: String(memoMb), SLUICE_DRAIN_SECONDS: '0', LOG_LEVEL: 'error' };
  return start({ command: [process.execPath, ...flags, path.join(root, 'src', 'main.ts')], env, url: base, ready: `${base}/readyz` });
}

async function startOpa(opa: string, folder: string, log: 'off' | 'console', route: string): Promise<Server> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const command = [opa, 'run', '--server', '--addr', `127.0.0.1:${port}`, '--log-level', log === 'console' ? 'info' : 'error', '--disable-telemetry', '--ignore', '*_test.rego', ...(log === 'console' ? ['--set', 'decision_logs.console=true'] : []), folder];
  return start({ command, env: { GOMAXPROCS: '1' }, url: `${base}${route}`, ready: `${base}/health` });
}

/** How many answers came from the memo, and how many did not. */
async function answersBy(metrics: string | undefined): Promise<{ readonly hit: number; readonly miss: number }> {
  if (metrics === undefined) return { hit: 0, miss: 0 };
  const text = await (await fetch(metrics)).text();
  const count = (memo: string) => Number(new RegExp(`^sluice_decision_duration_seconds_count\\{[^}]*memo="${memo}"[^}]*\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  return { hit: count('hit'), miss: count('miss') };
}
