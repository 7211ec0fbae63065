// The index of the decision log at full size: how long it takes to build, how long a page takes, and what memory both take.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { createDecisionId } from '../src/decision-id.ts';
import { judge, remember } from '../src/judge.ts';
import { complete } from '../src/core/prepare/complete.ts';
import { parseQuestion } from '../src/core/parse/parse.ts';
import { openIndexer } from '../src/log/index/indexer.ts';
import type { Query } from '../src/log/index/ask/query.ts';
import { readPage } from '../src/log/index/page.ts';
import { indexPath, openToRead } from '../src/log/index/store.ts';
import { segmentPath } from '../src/log/layout.ts';
import { lineHead, lineStart } from '../src/log/line.ts';
import { load, toSnapshot } from '../src/workspace.ts';
import { seeded } from './random.ts';

const root = path.resolve(import.meta.dirname, '..');
const ORIGIN = 'sluice/0123456789abcdef';
const SEGMENT_BYTES = 256 * 2 ** 20;
const START_MS = Date.UTC(2026, 10, 1);

export interface IndexSizes {
  readonly records: number;
  readonly shapes: number;
  /** Pages asked for at each selectivity. */
  readonly pages: number;
}

export interface IndexMeasures extends IndexSizes {
  readonly logBytes: number;
  readonly rebuildSeconds: number;
  readonly indexBytes: number;
  /** Resident, at most, of the process that builds and of the one that reads. */
  readonly buildBytes: number;
  readonly readBytes: number;
  /** Milliseconds of a page of 100 records, its lines read and parsed: the 95th of 100. */
  readonly p95: Readonly<Record<string, number>>;
}

/** So many of a million records are of this identity. `early` stands in the first tenth of the log alone. */
const RATES = { 'service:1e-6': 1, 'service:1e-3': 1_000, 'service:0.1': 100_000 } as const;
const EARLY = 'service:early';

/** Generates a log, builds its index and asks it, each in a process of its own; leaves nothing behind. */
export async function measureIndex(sizes: IndexSizes, say: (text: string) => void = () => {}): Promise<IndexMeasures> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-index-'));
  const step = async <T>(name: string): Promise<T> => {
    const child = spawn(process.execPath, [import.meta.filename, name, folder, JSON.stringify(sizes)], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text_: string) => say(text_.trimEnd()));
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    if (code !== 0) throw new Error(`the step ${name} ended with ${String(code)}`);
    return JSON.parse(out) as T;
  };
  try {
    const logBytes = await step<number>('write');
    const built = await step<{ readonly rebuildSeconds: number; readonly buildBytes: number; readonly indexBytes: number }>('build');
    const asked = await step<{ readonly p95: Readonly<Record<string, number>>; readonly readBytes: number }>('ask');
    return { ...sizes, logBytes, ...built, ...asked };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const STEPS = { write: writeLog, build, ask: askPages } as const;

async function build(folder: string, { records }: IndexSizes, say: (text: string) => void) {
  const startedAt = performance.now();
  let buildBytes = 0;
  const indexer = await openIndexer({ dir: path.join(folder, 'log'), folder: path.join(folder, 'index'), origin: ORIGIN });
  while (indexer.next() < records) {
    await indexer.advance(records);
    buildBytes = Math.max(buildBytes, process.memoryUsage().rss);
    if (indexer.next() % 500_000 === 0) say(`indexed ${indexer.next()} after ${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${Math.round(buildBytes / 2 ** 20)} MiB`);
  }
  await indexer.close();
  return { rebuildSeconds: (performance.now() - startedAt) / 1000, buildBytes, indexBytes: statSync(indexPath(path.join(folder, 'index'))).size };
}

/** Each page begins anywhere in the log, goes either way, and is asked for once. */
async function askPages(folder: string, { records, pages }: IndexSizes) {
  const dir = path.join(folder, 'log');
  const db = openToRead(indexPath(path.join(folder, 'index')));
  let readBytes = 0;
  const random = seeded(11);
  const filters: Readonly<Record<string, Query['filter']>> = {
    ...Object.fromEntries(Object.keys(RATES).map((identity) => [identity.slice(8), { identity: [identity] }])),
    'only in the first tenth': { identity: [EARLY] },
    'any decision': { decision: ['allow', 'transform', 'review', 'deny'] },
    'vendor, category and a denial': { vendor: ['mixpanel'], category: ['system.tenant.org_id'], decision: ['deny'], identity: ['service:0.1'] },
  };
  const p95 = Object.entries(filters).map(([name, filter]) => {
    const times = Array.from({ length: pages }, (_, i) => {
      const order = i % 2 === 0 ? 'newest' as const : 'oldest' as const;
      const query: Query = { filter: { ...filter, kind: ['decision', 'permitted', 'refused'] }, order, after: Math.floor(random() * records), limit: 100 };
      const startedAt = performance.now();
      readPage(db, dir, { query, format: 'lines' });
      return performance.now() - startedAt;
    });
    readBytes = Math.max(readBytes, process.memoryUsage().rss);
    return [name, times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1]!] as const;
  });
  db.close();
  return { p95: Object.fromEntries(p95), readBytes };
}

/** Segments as the log would write them, from records that Sluice itself makes; without the records of inputs. */
async function writeLog(folder: string, { records, shapes }: IndexSizes, say: (text: string) => void): Promise<number> {
  const dir = path.join(folder, 'log');
  mkdirSync(path.join(dir, 'segments'), { recursive: true });
  writeFileSync(path.join(dir, 'origin'), `${ORIGIN}\n`);
  const members = await questionMembers();
  const random = seeded(7);
  let [file, segmentBytes, logBytes] = [-1, SEGMENT_BYTES, 0];
  let lines: string[] = [];
  const flush = () => {
    const bytes = Buffer.from(lines.join(''));
    writeSync(file, bytes);
    [lines, segmentBytes, logBytes] = [[], segmentBytes + bytes.length, logBytes + bytes.length];
  };
  for (let index = 0; index < records; index += 1) {
    if (segmentBytes >= SEGMENT_BYTES) {
      if (file !== -1) closeSync(file);
      [file, segmentBytes] = [openSync(segmentPath(dir, index), 'a'), 0];
    }
    const { identity, shape } = shapeAt(index, { records, shapes, random });
    const atMs = START_MS + Math.floor(index / 5);
    const head = `${lineStart(index)}${lineHead({ time: new Date(atMs).toISOString(), origin: ORIGIN })}"kind":"decision","decisionId":"${createDecisionId(atMs)}","requestId":"r-${index.toString(36)}-${Math.floor(random() * 1e9).toString(36)}"`;
    lines.push(`${head},"caller":"gateway-${shape}","rows":${index % 100},"identity":"${identity}",${members[shape % members.length]!},"expiresAt":"2026-11-22T12:00:00.000Z","ageMs":${index % 60_000},"memo":true,"micros":${20 + (index % 200)}}\n`);
    if (lines.length === 2000) flush();
    if (index % 1_000_000 === 999_999) say(`wrote ${index + 1} records`);
  }
  flush();
  closeSync(file);
  return logBytes;
}

function shapeAt(index: number, { records, shapes, random }: { readonly records: number; readonly shapes: number; readonly random: () => number }) {
  const among = (from: number, count: number) => from + Math.floor(random() * Math.max(1, count));
  const tenth = Math.ceil(shapes / 10);
  const roll = (index * 7_919) % 1_000_000;
  if (roll < RATES['service:1e-6']) return { identity: 'service:1e-6', shape: 0 };
  if (roll < RATES['service:1e-3']) return { identity: 'service:1e-3', shape: among(1, shapes / 1_000) };
  if (roll < RATES['service:0.1']) return { identity: 'service:0.1', shape: among(0, tenth) };
  if (index < records / 10) return { identity: EARLY, shape: among(tenth, tenth) };
  const shape = among(2 * tenth, shapes - 2 * tenth);
  return { identity: `service:s-${shape % 50}`, shape };
}

/** What Sluice records of some hundred questions in the example world, from the vendor on. */
async function questionMembers(): Promise<readonly string[]> {
  const data = await mkdtemp(path.join(tmpdir(), 'sluice-index-bundle-'));
  try {
    const snapshot = toSnapshot(await load({ policies: 'policies', rego: path.join(root, 'rego'), dataDir: data, root, env: process.env }, Date.now));
    const { catalogue } = snapshot.world;
    const caller = catalogue.facts.callers.get('demo-gateway')!;
    const paths = ['anon_user_id', 'region', 'city', 'country', 'feature_flag', 'org_id', 'browser', 'url'];
    const vendors = ['mixpanel', 'amplitude', 'internal-obs', 'segment'];
    return Array.from({ length: 512 }, (_, n) => {
      const fields = paths.filter((_path, bit) => ((n + 1) >> bit) & 1);
      const asked = complete(parseQuestion({ identity: 'service:telemetry', vendor: vendors[n % 4], environment: 'production', event: 'genai_dashboard.viewed', fields: fields.length > 0 ? fields : paths }), catalogue, caller);
      const judged = judge(asked, snapshot, { nowMs: START_MS, latestMs: START_MS }, (error) => { throw error; });
      const { record } = remember(judged, snapshot, { hash: (name) => `?${name.length}`, program: 'bench' });
      return record.members.replace(/^"identity":"[^"]*",/, '');
    });
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const [first = '200000', second = '5000', third = '200'] = process.argv.slice(2);
  const step = Object.hasOwn(STEPS, first) ? STEPS[first as keyof typeof STEPS] : undefined;
  if (step !== undefined) process.stdout.write(JSON.stringify(await step(second, JSON.parse(third) as IndexSizes, say)));
  else process.stdout.write(`${JSON.stringify(await measureIndex({ records: Number(first), shapes: Number(second), pages: Number(third) }, say), null, 2)}\n`);
}
