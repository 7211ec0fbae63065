import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openLogIndex, type LogIndex } from '../../src/log/index/log-index.ts';
import { indexPath } from '../../src/log/index/store.ts';
import type { OpenedLog } from '../../src/log/log.ts';
import type { Entry } from '../../src/log/types.ts';
import { createRandom, SEED } from '../support/random.ts';
import { rounds, say } from '../support/rounds.ts';
import { inFolder } from './support.ts';

const ROUNDS = rounds(5, 50);
const random = createRandom(SEED);
const upTo = (n: number) => Math.floor(random() * n);
say(`index-damage.test.ts: SEED=${SEED}, ${ROUNDS} rounds`);

const folder = () => join(dir(), 'index');
const opened: LogIndex[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((index) => index.close()));
});
// After the hook above, so that the folder is there until the index is closed.
const { dir, open } = inFolder();

function follow(log: OpenedLog): LogIndex {
  const index = openLogIndex({ dir: dir(), folder: folder(), origin: log.origin, durable: () => log.size() - log.queued(), logger: { info() {}, warn() {} }, retryMs: 20 });
  opened.push(index);
  return index;
}

const VENDORS = ['mixpanel', 'segment', 'amplitude', 'intercom'];
const decision = (n: number): Entry => ({ kind: 'decision', members: `"decisionId":"d","caller":"c","identity":"a:b${n % 50}","vendor":"${VENDORS[n % 4]}","expiresAt":null,"ageMs":0,"memo":true,"micros":${n}` });
const fill = (log: OpenedLog, count: number) => Promise.all(Array.from({ length: count }, () => log.append(decision(log.size())).durable));
const wantedOf = (log: OpenedLog, vendor: string) => Array.from({ length: log.size() }, (_, n) => n).filter((n) => VENDORS[n % 4] === vendor);

async function all(index: LogIndex, vendor: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (let after: number | undefined; ;) {
    const page = await index.page({ query: { filter: { vendor: [vendor] }, order: 'oldest', limit: 1000, ...(after !== undefined && { after }) }, format: 'lines' });
    found.push(...page.rows.map((row) => (JSON.parse(row) as { index: number }).index));
    if (page.next === undefined) return found;
    after = page.next;
  }
}

/** Asks until there is an answer; refusals meanwhile are `not_ready`. */
async function answered(index: LogIndex, vendor: string): Promise<readonly number[]> {
  for (let tries = 0; ; tries += 1) {
    const found = await all(index, vendor).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'not_ready' || tries > 500) throw error;
      return undefined;
    });
    if (found !== undefined) return found;
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}

/** Overwrites some bytes of a file where they are. */
function scribble(path: string): void {
  const bytes = Buffer.from(Array.from({ length: 1 + upTo(64) }, () => upTo(256)));
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, upTo(statSync(path).size));
  closeSync(file);
}

test(`an index that was closed and then damaged at random places is built anew, ${ROUNDS} times: every answer is the log's`, async () => {
  const log = await open();
  await fill(log, 2000);
  for (let round = 0; round < ROUNDS; round += 1) {
    const index = follow(log);
    expect(await answered(index, 'segment')).toEqual(wantedOf(log, 'segment'));
    await index.close();
    const path = indexPath(folder());
    const before = readFileSync(path);
    if (round % 3 === 0) truncateSync(path, upTo(before.length));
    else scribble(path);
    await fill(log, upTo(20));
    const again = follow(log);
    for (const vendor of VENDORS) expect([round, await answered(again, vendor)]).toEqual([round, wantedOf(log, vendor)]);
    await again.close();
  }
}, 30_000 + ROUNDS * 3000);

describe.each([{ isRead: false }, { isRead: true }])('an index that is removed while it is followed (read before: $isRead)', ({ isRead }) => {
  test.each([
    ['all of it', () => rmSync(folder(), { recursive: true })],
    ['its file', () => rmSync(indexPath(folder()))],
    ['what SQLite keeps beside its file', () => ['-wal', '-shm'].forEach((end) => rmSync(`${indexPath(folder())}${end}`, { force: true }))],
    ['and something else put in its place', () => { rmSync(indexPath(folder())); writeFileSync(indexPath(folder()), 'x'.repeat(5000)); }],
  ])('is built anew, and lies there again: %s', async (_what, remove) => {
    const log = await open();
    await fill(log, 1000);
    const index = follow(log);
    while (index.status().next < log.size()) await new Promise((resolve) => { setTimeout(resolve, 10); });
    if (isRead) expect(await answered(index, 'segment')).toEqual(wantedOf(log, 'segment'));
    remove();
    await fill(log, 10);
    for (const vendor of VENDORS) expect(await answered(index, vendor)).toEqual(wantedOf(log, vendor));
    await index.close();
    expect(existsSync(indexPath(folder()))).toBe(true);
    expect(await answered(follow(log), 'segment')).toEqual(wantedOf(log, 'segment'));
  });
});

test('an index that is removed before the first reading, while nothing is appended, is built anew for it', async () => {
  const log = await open();
  await fill(log, 1000);
  const index = follow(log);
  while (index.status().next < log.size()) await new Promise((resolve) => { setTimeout(resolve, 10); });
  rmSync(folder(), { recursive: true });
  await expect(all(index, 'segment')).rejects.toThrow('was damaged and is built anew');
  expect(await answered(index, 'segment')).toEqual(wantedOf(log, 'segment'));
});

test(`an index that is damaged at random places while it is followed, ${ROUNDS} times, never gives a record that was not asked for, and is whole after a restart`, async () => {
  const log = await open();
  await fill(log, 2000);
  let missed = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const index = follow(log);
    expect(await answered(index, 'segment')).toEqual(wantedOf(log, 'segment'));
    // What SQLite has in its own memory is not read again, so that much of the damage is not seen before the restart.
    for (let n = upTo(20); n >= 0; n -= 1) scribble(indexPath(folder()));
    await fill(log, upTo(20));
    for (const vendor of VENDORS) {
      const wanted = new Set(wantedOf(log, vendor));
      const found = await answered(index, vendor);
      expect([round, found.filter((one) => !wanted.has(one))]).toEqual([round, []]);
      if (found.length < wanted.size) missed += 1;
    }
    await index.close();
    rmSync(`${indexPath(folder())}.seal`, { force: true, recursive: true });
    rmSync(indexPath(folder()));
    const again = follow(log);
    for (const vendor of VENDORS) expect([round, await answered(again, vendor)]).toEqual([round, wantedOf(log, vendor)]);
    await again.close();
  }
  say(`index-damage.test.ts: ${missed} of ${ROUNDS * VENDORS.length} readings missed records while the file was damaged under them`);
}, 30_000 + ROUNDS * 3000);
