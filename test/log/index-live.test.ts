import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openIndexer } from '../../src/log/index/indexer.ts';
import { openLogIndex, type LogIndex } from '../../src/log/index/log-index.ts';
import { indexPath } from '../../src/log/index/store.ts';
import type { OpenedLog } from '../../src/log/log.ts';
import type { Entry } from '../../src/log/types.ts';
import { diskError, inFolder, recordsOf, watchedFiles, write } from './support.ts';

const folder = () => join(dir(), 'index');
const opened: LogIndex[] = [];
const said: string[] = [];
const logger = { info() {}, warn: (_members: object, message: string) => void said.push(message) };

afterEach(async () => {
  await Promise.all(opened.splice(0).map((index) => index.close()));
  said.length = 0;
});
// After the hook above, so that the folder is there until the index is closed.
const { dir, open } = inFolder();

function follow(log: OpenedLog): LogIndex {
  const index = openLogIndex({ dir: dir(), folder: folder(), origin: log.origin, durable: () => log.size() - log.queued(), logger, retryMs: 20 });
  opened.push(index);
  return index;
}

const decision = (vendor: string): Entry => ({ kind: 'decision', members: `"decisionId":"d","caller":"c","identity":"a:b","vendor":"${vendor}","expiresAt":null,"ageMs":0,"memo":true,"micros":1` });
const indexesOf = async (index: LogIndex, vendor: string) => (
  (await index.page({ query: { filter: { vendor: [vendor] }, order: 'oldest', limit: 1000 }, format: 'lines' })).rows.map((row) => (JSON.parse(row) as { index: number }).index)
);

/** Asks until the index is there; its refusals meanwhile say why. */
async function once(index: LogIndex, vendor: string): Promise<readonly number[]> {
  for (let tries = 0; ; tries += 1) {
    const found = await indexesOf(index, vendor).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'not_ready' || tries > 500) throw error;
      return undefined;
    });
    if (found !== undefined) return found;
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}

test('a page knows every record that was durable when it was asked for', async () => {
  const log = await open();
  const index = follow(log);
  for (let n = 0; n < 20; n += 1) {
    await write(log, decision('mixpanel'));
    expect(await indexesOf(index, 'mixpanel')).toHaveLength(n + 1);
  }
});

test('closed and opened again it goes on; removed meanwhile it is built anew', async () => {
  const log = await open();
  const first = follow(log);
  await write(log, decision('mixpanel'), decision('mixpanel'));
  expect(await indexesOf(first, 'mixpanel')).toEqual([0, 1]);
  await first.close();
  await write(log, decision('mixpanel'));
  const second = follow(log);
  expect(await indexesOf(second, 'mixpanel')).toEqual([0, 1, 2]);
  await second.close();
  rmSync(folder(), { recursive: true });
  expect(await indexesOf(follow(log), 'mixpanel')).toEqual([0, 1, 2]);
  expect(said).toEqual([]);
});

test('a damaged index is built anew at the start, and says so', async () => {
  const log = await open();
  const first = follow(log);
  await write(log, decision('mixpanel'));
  expect(await indexesOf(first, 'mixpanel')).toEqual([0]);
  await first.close();
  writeFileSync(indexPath(folder()), 'x'.repeat(5000));
  expect(await once(follow(log), 'mixpanel')).toEqual([0]);
  expect(said).toEqual(['the index of the log is built anew']);
});

test('an index that turns out to be wrong while it serves is built anew', async () => {
  const log = await open();
  const index = follow(log);
  await write(log, decision('mixpanel'), decision('segment'));
  expect(await indexesOf(index, 'mixpanel')).toEqual([0]);
  const other = new DatabaseSync(indexPath(folder()), { timeout: 1000 });
  other.exec('UPDATE postings SET shape = 3 - shape');
  other.close();
  await expect(indexesOf(index, 'mixpanel')).rejects.toThrow('its index was damaged and is built anew');
  expect(await once(index, 'mixpanel')).toEqual([0]);
});

test('a process killed while it indexed leaves an index that goes on', async () => {
  const log = await open();
  await write(log, ...Array.from({ length: 30 }, () => decision('mixpanel')));
  const killed = await openIndexer({ dir: dir(), folder: folder(), origin: log.origin, maxLines: 10 });
  await killed.advance(30);
  killed.abandon(); // no seal
  expect(await once(follow(log), 'mixpanel')).toHaveLength(30);
  expect(said).toEqual([]);
});

test('issue 6.3: while the folder of the index can not be written reads say why, records are written on, and it mends itself', async () => {
  const log = await open();
  writeFileSync(folder(), 'no folder');
  const index = follow(log);
  await write(log, decision('mixpanel'));
  await expect(indexesOf(index, 'mixpanel')).rejects.toMatchObject({ code: 'not_ready', message: expect.stringContaining('its index can\'t be kept') as string, retryAfterSeconds: 5 });
  await write(log, decision('mixpanel'));
  expect(index.status()).toMatchObject({ failure: expect.any(String) as string, size: 2 });
  rmSync(folder());
  mkdirSync(folder(), { recursive: true }); // it is tried again meanwhile
  expect(await once(index, 'mixpanel')).toEqual([0, 1]);
  expect(said).toEqual(['the index of the log can not be kept: the log can not be read through it']);
});

test('J31: lines that are taken back when the disk is full are never in the index', async () => {
  let isFull = false;
  let atMs = 0;
  const full = watchedFiles(({ op, name }) => {
    if (isFull && op === 'write' && name.endsWith('.ndjson')) throw diskError('ENOSPC');
  });
  const log = await open({ files: full.files, now: () => (atMs += 2000) });
  const index = follow(log);
  await write(log, decision('mixpanel'));
  isFull = true;
  await expect(log.append(decision('lost')).durable).rejects.toThrow('ENOSPC');
  expect(await indexesOf(index, 'lost')).toEqual([]);
  isFull = false;
  await write(log, decision('mixpanel'));
  expect(await indexesOf(index, 'mixpanel')).toEqual(recordsOf(dir()).filter(({ vendor }) => vendor === 'mixpanel').map((record) => record['index']));
  expect(await indexesOf(index, 'lost')).toEqual([]);
});

test('a log that is damaged itself is told by file and line', async () => {
  const log = await open();
  await write(log, decision('mixpanel'));
  writeFileSync(join(dir(), 'segments', '00000000000000000000.ndjson'), '{"v":1,"index":5,"canary":1}\n');
  await expect(indexesOf(follow(log), 'mixpanel')).rejects.toThrow(/0\.ndjson:1: must be a record of this log, and is not/);
});
