import fc from 'fast-check';
import { appendFileSync, cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { IndexDamaged } from '../../src/log/index/damage.ts';
import type { LogLine } from '../../src/log/index/ask/facets.ts';
import { openIndexer } from '../../src/log/index/indexer.ts';
import { readPage } from '../../src/log/index/page.ts';
import type { Query } from '../../src/log/index/ask/query.ts';
import { readRows } from '../../src/log/index/rows.ts';
import { search } from '../../src/log/index/search.ts';
import { indexPath, openToRead, removeIndex } from '../../src/log/index/store.ts';
import type { OpenedLog } from '../../src/log/log.ts';
import { readLog } from '../../src/log/read.ts';
import type { Entry } from '../../src/log/types.ts';
import { anyEntries, anyQuery, bruteForce } from './index-support.ts';
import { AT_MS, inFolder, segmentsOf, write } from './support.ts';

const { dir, open } = inFolder();
const folder = () => join(dir(), 'index');
const ALL: Query = { filter: {}, order: 'oldest', limit: 1000 };

async function build(log: OpenedLog, options: { readonly maxLines?: number; readonly until?: number } = {}) {
  const indexer = await openIndexer({ dir: dir(), folder: folder(), origin: log.origin, ...options });
  const until = options.until ?? log.size() - log.queued();
  while (indexer.next() < until) await indexer.advance(until);
  return indexer;
}

async function indexed(log: OpenedLog, options: { readonly maxLines?: number; readonly until?: number } = {}): Promise<void> {
  const indexer = await build(log, options);
  await indexer.close();
}

function ask(query: Query): readonly number[] {
  const db = openToRead(indexPath(folder()));
  try {
    return readPage(db, dir(), { query, format: 'lines' }).rows.map((row) => (JSON.parse(row) as LogLine)['index'] as number);
  } finally {
    db.close();
  }
}

async function recordsIn(): Promise<readonly LogLine[]> {
  const records: LogLine[] = [];
  for await (const { record } of readLog(dir())) records.push(record);
  return records;
}

const decision = (n: number, vendor = 'mixpanel'): Entry => ({ kind: 'decision', members: `"decisionId":"d-${n}","caller":"c","identity":"a:b","vendor":"${vendor}","expiresAt":null,"ageMs":${n},"memo":true,"micros":1` });
const decisions = (count: number) => Array.from({ length: count }, (_, n) => decision(n));

test('issue 6.3: the index answers every query as a look at all records does', async () => {
  let atMs = AT_MS;
  const log = await open({ now: () => (atMs += 1), maxSegmentBytes: 60_000 });
  const [entries] = fc.sample(anyEntries({ minLength: 400, maxLength: 400 }), { numRuns: 1, seed: 7 });
  for (const entry of entries!) void log.append(entry).durable;
  await log.append({ kind: 'stop', members: '' }).durable;
  expect(segmentsOf(dir()).length).toBeGreaterThan(3);
  await indexed(log, { maxLines: 37 });
  const records = await recordsIn();
  expect(ask(ALL)).toEqual(records.map((record) => record['index']));
  const db = openToRead(indexPath(folder()));
  let found = 0;
  // With bounds of one record the shapes are asked for nearly all; with as many as the log has, hardly ever.
  const anyBounds = fc.constantFrom({ least: 1, most: 1 }, { least: 1, most: 30 }, { least: 2000, most: 60_000 });
  fc.assert(fc.property(anyQuery(records.length, AT_MS), anyBounds, (query, bounds) => {
    const rows = [...readRows(dir(), search(db, query, bounds), query)].map(({ index }) => index);
    const wanted = bruteForce(records, query);
    found += wanted.length;
    return JSON.stringify(rows) === JSON.stringify(wanted);
  }), { numRuns: 5000 });
  db.close();
  expect(found).toBeGreaterThan(3000);
});

test('pages that follow one another give every record once, while the log grows', async () => {
  const log = await open();
  await write(log, ...decisions(50));
  await indexed(log);
  const query = { filter: { vendor: ['mixpanel'] }, limit: 7 } as const;
  for (const order of ['newest', 'oldest'] as const) {
    const [seen, before]: [number[], number] = [[], log.size()];
    let after: number | undefined;
    do {
      const page = ask({ ...query, order, ...(after !== undefined && { after }) });
      seen.push(...page);
      after = page.at(-1);
      if (log.size() < before + 20) {
        await write(log, decision(99));
        await indexed(log);
      }
    } while (after !== undefined);
    const wanted = Array.from({ length: order === 'newest' ? before : log.size() }, (_, index) => index);
    expect(seen).toEqual(order === 'newest' ? wanted.reverse() : wanted);
  }
});

test('a query finds the few records of many shapes that lie far back, whichever way it goes', async () => {
  const log = await open();
  for (let n = 0; n < 5000; n += 1) void log.append(decision(n, n < 300 ? `early-${n % 30}` : `v-${n % 40}`)).durable;
  await write(log, decision(5000));
  await indexed(log);
  const vendors = Array.from({ length: 30 }, (_, n) => `early-${n}`);
  expect(ask({ filter: { vendor: vendors }, order: 'newest', limit: 100 })).toEqual(Array.from({ length: 100 }, (_, n) => 299 - n));
  expect(ask({ filter: { vendor: vendors }, order: 'oldest', limit: 100, after: 250 })).toEqual(Array.from({ length: 49 }, (_, n) => 251 + n));
});

test('the index goes on where it ended, and takes no line beyond what it is told is durable', async () => {
  const log = await open({ maxSegmentBytes: 3000 });
  await write(log, ...decisions(40));
  await indexed(log, { until: 13 });
  expect(ask(ALL)).toHaveLength(13);
  await indexed(log);
  expect(ask(ALL)).toHaveLength(40);
});

test('J31: a torn last line is not indexed', async () => {
  const log = await open();
  await write(log, ...decisions(3));
  const origin = log.origin;
  await log.close();
  appendFileSync(join(dir(), 'segments', segmentsOf(dir()).at(-1)!), '{"v":1,"index":3,"time":"2026');
  const indexer = await openIndexer({ dir: dir(), folder: folder(), origin });
  await indexer.advance(3);
  await expect(indexer.advance(4)).rejects.toThrow('00000000000000000003.ndjson');
  expect(indexer.next()).toBe(3);
  indexer.abandon();
});

describe('an index that is not what was closed is damage, and a new one says the same as before', () => {
  const harm: Readonly<Record<string, (file: string) => void>> = {
    'cut off in the middle': (file) => truncateSync(file, Math.floor(readFileSync(file).length / 2)),
    'cut to nothing': (file) => truncateSync(file, 0),
    'no database at all': (file) => writeFileSync(file, 'x'.repeat(8192)),
    'one byte changed': (file) => {
      const bytes = readFileSync(file);
      bytes[bytes.length - 100]! ^= 1;
      writeFileSync(file, bytes);
    },
    'of another version': (file) => {
      const db = new DatabaseSync(file);
      db.exec('PRAGMA user_version = 99');
      db.close();
      rmSync(`${file}.seal`);
    },
    'of another log': (file) => {
      const db = new DatabaseSync(file);
      db.exec('UPDATE state SET origin = \'sluice/ffffffffffffffff\'');
      db.close();
      rmSync(`${file}.seal`);
    },
    'of a log with another last line': (file) => {
      const db = new DatabaseSync(file);
      db.exec('UPDATE state SET last = \'0\'');
      db.close();
      rmSync(`${file}.seal`);
    },
  };

  test.each(Object.keys(harm))('%s', async (name) => {
    const log = await open();
    await write(log, ...decisions(200));
    await indexed(log);
    const before = ask({ ...ALL, filter: { vendor: ['mixpanel'] } });
    harm[name]!(indexPath(folder()));
    await expect(openIndexer({ dir: dir(), folder: folder(), origin: log.origin })).rejects.toThrow(IndexDamaged);
    removeIndex(folder());
    await indexed(log);
    expect(ask({ ...ALL, filter: { vendor: ['mixpanel'] } })).toEqual(before);
  });
});

test('a copy of the log that is older than the index is noticed', async () => {
  const log = await open();
  await write(log, ...decisions(20));
  cpSync(join(dir(), 'segments'), join(dir(), 'old'), { recursive: true });
  await write(log, ...decisions(20));
  await indexed(log);
  cpSync(join(dir(), 'old'), join(dir(), 'segments'), { recursive: true });
  await expect(openIndexer({ dir: dir(), folder: folder(), origin: log.origin })).rejects.toThrow(IndexDamaged);
});

test('an index that tells what is not so of a record is found out by the record', async () => {
  const log = await open();
  await write(log, decision(0, 'mixpanel'), decision(1, 'segment'));
  const indexer = await build(log);
  await indexer.close();
  const db = new DatabaseSync(indexPath(folder()));
  db.exec('UPDATE postings SET shape = 3 - shape');
  db.close();
  expect(() => ask({ ...ALL, filter: { vendor: ['mixpanel'] } })).toThrow(IndexDamaged);
});

test('a line that is no record stops the index there, and the message quotes nothing of it', async () => {
  const log = await open();
  await write(log, ...decisions(3));
  const file = join(dir(), 'segments', segmentsOf(dir())[0]!);
  writeFileSync(file, readFileSync(file, 'utf8').replace('"index":1,', '"index":7,'));
  const failure = await build(log).then(() => undefined, (error: Error) => error.message);
  expect(failure).toContain(`${file}:2: must be a record of this log`);
  expect(failure).not.toContain('mixpanel');
});
