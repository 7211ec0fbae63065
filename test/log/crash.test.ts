import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataDir } from '../../src/datadir/datadir.ts';
import { openLog, type LogOptions, type OpenedLog } from '../../src/log/log.ts';
import { beginNewOrigin } from '../../src/log/tree/new-origin.ts';
import { createRandom, SEED } from '../support/random.ts';
import { sample, say } from '../support/rounds.ts';
import { crashesOf, restore, type Crash } from './crash.ts';
import { AT_MS, diskError, recordsOf, watchedFiles } from './support.ts';
import { fill, startVerifier } from './tree/support.ts';

say(`crash.test.ts: SEED=${SEED}`);
const random = createRandom(SEED);
const verify = startVerifier();

let root = '';
const data = () => join(root, 'data');
const after = () => join(root, 'after');
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'crash-'));
  restore(data(), new Map());
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const open = (where: string, options: Partial<LogOptions> = {}): Promise<OpenedLog> => (
  openLog({ dir: join(where, 'log'), keysDir: join(where, 'keys'), now: () => AT_MS, signEveryMs: 3_600_000, ...options })
);
const read = (where: string, ...names: readonly string[]) => readFileSync(join(where, ...names), 'utf8');
const vkeyOf = (where: string) => read(where, 'log', 'log.vkey').trim();

/** Records a minute apart, in segments of some 150, and in the first of them members that are too long for a line. */
async function written(records: number): Promise<void> {
  let nowMs = AT_MS;
  const log = await open(data(), { now: () => nowMs, maxSegmentBytes: 18_000 });
  for (let n = 0; n < records; n += 1) {
    const { durable } = log.append({ kind: 'decision', members: `"n":${n}${n === 20 ? `,"x":"${'x'.repeat(70_000)}"` : ''}` });
    nowMs += 60_000;
    if (n % 100 === 99) await durable;
  }
  await log.evidence!.sign();
  await log.close();
}

/** A log that has survived: it starts, it has what was acknowledged, it goes on, and by its first key everything is right. */
async function goesOn(where: string, { acknowledged, vkey, kept }: { readonly acknowledged: number; readonly vkey?: string; readonly kept?: string }): Promise<void> {
  const log = await open(where, { now: () => AT_MS + 86_400_000 });
  expect(log.size()).toBeGreaterThanOrEqual(acknowledged);
  await fill(log, 0, 1);
  await log.close();
  const found = await verify(join(where, 'log'), { vkey: vkey ?? vkeyOf(where), ...(kept !== undefined && { oldCheckpoint: kept }) });
  expect({ wrong: found.wrong, unsigned: found.size - found.signed }).toEqual({ wrong: [], unsigned: 0 });
}

/** Checks what each crash has left; a failure says which it was. */
async function each(crashes: readonly Crash[], check: (where: string, crash: Crash) => Promise<void>): Promise<void> {
  for (const crash of crashes) {
    restore(after(), crash.state);
    try {
      await check(after(), crash);
    } catch (error) {
      throw new Error(`${crash.kind}, step ${crash.step}, before or in ${crash.at}: ${(error as Error).message}`, { cause: error });
    }
  }
}

test('a crash or a power loss at any step of a first start, of appending, of a new segment, a tile and a checkpoint loses nothing that was acknowledged', async () => {
  let acknowledged = 0;
  const crashes = await crashesOf(data(), async () => {
    const log = await open(data(), { maxSegmentBytes: 18_000 });
    for (const count of [3, 252, 1, 4]) {
      await fill(log, acknowledged, acknowledged + count);
      acknowledged += count;
      await log.evidence!.sign();
    }
    await log.append({ kind: 'decision', members: `"x":"${'x'.repeat(70_000)}"` }).durable;
    acknowledged += 1;
    await log.close();
  }, () => acknowledged);
  expect(crashes.length).toBeGreaterThan(60);
  await each(sample(crashes, 80, random), (where, { mark }) => goesOn(where, { acknowledged: mark }));
}, 120_000);

test('a crash or a power loss at any step of a rotation, and at any step of what finishes it, leaves a log that starts and that the first key leads through', async () => {
  await written(3);
  const [vkey, kept] = [vkeyOf(data()), read(data(), 'log', 'checkpoint')];
  let acknowledged = 3;
  const rotate = async (where: string) => {
    const log = await open(where);
    await log.evidence!.rotateKey();
    acknowledged = log.size();
    await log.close();
  };
  const crashes = await crashesOf(data(), () => rotate(data()), () => acknowledged);
  expect(crashes.length).toBeGreaterThan(30);
  const again: Crash[] = [];
  await each(crashes, async (where, crash) => {
    again.push(...(await crashesOf(where, async () => (await open(where)).close(), () => crash.mark)).map((one) => ({ ...one, at: `${one.at}, after ${crash.at} (${crash.kind}, step ${crash.step})` })));
    await goesOn(where, { acknowledged: crash.mark, vkey, kept });
    await rotate(where);
    await goesOn(where, { acknowledged: crash.mark, vkey, kept });
  });
  await each(sample(again, 60, random), async (where, crash) => {
    await goesOn(where, { acknowledged: crash.mark, vkey, kept });
    await rotate(where);
    await goesOn(where, { acknowledged: crash.mark, vkey, kept });
  });
}, 300_000);

test('a rotation whose checkpoint had no space is finished before the next begins: a key that a record names is not forgotten', async () => {
  await written(3);
  const vkey = vkeyOf(data());
  const state = { isFull: false };
  const { files } = watchedFiles(({ op, name }) => {
    if (state.isFull && op === 'write' && name === 'checkpoints.ndjson') throw diskError('ENOSPC');
  });
  const log = await open(data(), { files });
  state.isFull = true;
  await expect(log.evidence!.rotateKey()).rejects.toThrow('ENOSPC');
  await fill(log, 0, 2);
  await log.close();
  const again = await open(data(), { files }); // a full disk keeps no log from starting
  await fill(again, 2, 3);
  state.isFull = false;
  await again.evidence!.rotateKey();
  await again.close();
  const rotated = recordsOf(join(data(), 'log')).filter(({ kind }) => kind === 'key_rotated');
  expect(rotated.map(({ from }) => from)).toEqual([vkey, rotated[0]!['to']]);
  await goesOn(data(), { acknowledged: 8, vkey });
});

test('a rotation whose checkpoint had no space is finished before its record is pruned', async () => {
  await written(3);
  const vkey = vkeyOf(data());
  const state = { isFull: false, nowMs: AT_MS + 86_400_000 };
  const { files } = watchedFiles(({ op, name }) => {
    if (state.isFull && op === 'write' && name === 'checkpoints.ndjson') throw diskError('ENOSPC');
  });
  const log = await open(data(), { files, maxSegmentBytes: 18_000, now: () => state.nowMs });
  state.isFull = true;
  await expect(log.evidence!.rotateKey()).rejects.toThrow('ENOSPC');
  state.isFull = false;
  for (let from = 0; from < 600; from += 100) await fill(log, from, from + 100);
  state.nowMs += 86_400_000;
  await fill(log, 600, 800);
  expect((await log.evidence!.prune({ beforeMs: state.nowMs })).from).toBe(0);
  await log.close();
  const again = await open(data(), { now: () => state.nowMs });
  await again.evidence!.rotateKey();
  await again.close();
  const { wrong, notes } = await verify(join(data(), 'log'), { vkey });
  expect([wrong, notes.filter((note) => note.includes('put another key in place')).length]).toEqual([[], 2]);
});

test('a rotation whose record was refused, and lies on the disk all the same, leaves the key that it names, however often it is tried', async () => {
  await written(3);
  const vkey = vkeyOf(data());
  const state = { isBroken: false };
  const { files } = watchedFiles(({ op, name }) => {
    // The line is written; that it is neither synced nor cut off is the disk's doing.
    if (state.isBroken && name.startsWith('0') && ['datasync', 'truncate'].includes(op)) throw diskError('EIO');
  });
  const log = await open(data(), { files });
  state.isBroken = true;
  for (let attempt = 0; attempt < 2; attempt += 1) await expect(log.evidence!.rotateKey()).rejects.toThrow('EIO');
  await log.close();
  const again = await open(data());
  expect(again.size()).toBe(4);
  await again.evidence!.rotateKey();
  await again.close();
  await goesOn(data(), { acknowledged: 5, vkey });
});

describe('a crash or a power loss at any step of pruning', () => {
  const pruneIn = async (where: string, archive?: string) => {
    const log = await open(where, { now: () => AT_MS + 86_400_000 });
    const result = await log.evidence!.prune({ beforeMs: AT_MS + 400 * 60_000, ...(archive !== undefined && { archive: join(where, archive) }) });
    await log.close();
    return result;
  };
  const indexesIn = (folder: string) => (existsSync(join(folder, 'segments')) ? recordsOf(folder).map(({ index }) => index as number) : []);

  test.each([{ archive: undefined }, { archive: 'archive' }])('leaves a whole log, and done again it is done (to $archive)', async ({ archive }) => {
    await written(600);
    const [vkey, kept] = [vkeyOf(data()), read(data(), 'log', 'checkpoint')];
    const crashes = await crashesOf(data(), () => pruneIn(data(), archive));
    const boundary = Number.parseInt(readdirSync(join(data(), 'log', 'segments')).sort()[0]!, 10);
    expect([crashes.length > 20, boundary > 250]).toEqual([true, true]);
    await each(sample(crashes, 40, random), async (where) => {
      await goesOn(where, { acknowledged: 600, vkey, kept });
      // Nothing has left that the archive has not got.
      if (archive !== undefined) {
        const there = new Set([...indexesIn(join(where, 'log')), ...indexesIn(join(where, archive))]);
        expect(Array.from({ length: 600 }, (_, index) => index).filter((index) => !there.has(index))).toEqual([]);
      }
      await pruneIn(where, archive);
      expect(Number.parseInt(readdirSync(join(where, 'log', 'segments')).sort()[0]!, 10)).toBe(boundary);
      if (archive !== undefined) expect(readdirSync(join(where, archive, 'objects'))).toHaveLength(1);
      expect(readdirSync(join(where, 'log', 'objects'))).toEqual([]);
      await goesOn(where, { acknowledged: 600, vkey, kept });
    });
  }, 300_000);
});

test('a crash or a power loss at any step of a new origin, and of doing it again, is finished by doing it again; no old file is lost', async () => {
  await written(300);
  const last = readdirSync(join(data(), 'log', 'segments')).sort().at(-1)!;
  truncateSync(join(data(), 'log', 'segments', last), read(data(), 'log', 'segments', last).lastIndexOf('{'));
  const old = { vkey: vkeyOf(data()), checkpoints: read(data(), 'log', 'checkpoints.ndjson'), segments: readdirSync(join(data(), 'log', 'segments')).sort() };
  const begin = (where: string) => beginNewOrigin({ dir: join(where, 'log'), keysDir: join(where, 'keys'), because: 'the disk was lost', now: () => AT_MS });
  const check = async (where: string, isFinished: boolean) => {
    if (!isFinished) await expect(open(where)).rejects.toThrow(/new origin/);
    const aside = (folder: string) => join(where, 'log', 'old', folder);
    const done = recordsOfOr(where)[0]?.['kind'] === 'new_origin' && !existsSync(join(where, 'keys', 'new-origin.json'));
    const folder = done ? readdirSync(join(where, 'log', 'old'))[0]! : (await begin(where)).plan.old.folder;
    expect(recordsOf(join(where, 'log')).map(({ kind, lost }) => ({ kind, lost }))).toEqual([{ kind: 'new_origin', lost: [[299, 300]] }]);
    expect({ checkpoints: read(aside(folder), 'checkpoints.ndjson'), segments: readdirSync(join(aside(folder), 'segments')).sort(), vkey: read(aside(folder), 'log.vkey').trim() })
      .toEqual(old);
    await goesOn(where, { acknowledged: 1, vkey: vkeyOf(where) });
    expect((await verify(join(where, 'log'), { vkey: old.vkey })).wrong).toEqual([]);
  };
  const crashes = await crashesOf(data(), () => begin(data()));
  expect(crashes.length).toBeGreaterThan(30);
  const again: Crash[] = [];
  await each(crashes, async (where, crash) => {
    const isFinished = recordsOfOr(where)[0]?.['kind'] === 'new_origin' && !existsSync(join(where, 'keys', 'new-origin.json'));
    if (!isFinished) again.push(...(await crashesOf(where, () => begin(where))).map((one) => ({ ...one, at: `${one.at}, after ${crash.at} (${crash.kind}, step ${crash.step})` })));
    restore(where, crash.state);
    await check(where, isFinished);
  });
  await each(sample(again, 40, random), async (where) => check(where, recordsOfOr(where)[0]?.['kind'] === 'new_origin' && !existsSync(join(where, 'keys', 'new-origin.json'))));
}, 300_000);

const recordsOfOr = (where: string) => (existsSync(join(where, 'log', 'segments')) ? recordsOf(join(where, 'log')) : []);

test('a crash or a power loss at any step of a new key of names leaves one key in force, and each that was is laid aside', async () => {
  const first = await openDataDir(data(), () => AT_MS);
  const name = first.hashName('sam');
  first.close();
  const rotate = async (where: string) => {
    const held = await openDataDir(where, () => AT_MS);
    try {
      await held.rotateNames(async () => {});
    } finally {
      held.close();
    }
  };
  const crashes = (await crashesOf(data(), () => rotate(data()))).map((crash) => ({ ...crash, state: new Map([...crash.state].filter(([path]) => path !== 'lock')) }));
  await each(crashes, async (where) => {
    const held = await openDataDir(where, () => AT_MS);
    const isNew = held.hashName('sam') !== name;
    held.close();
    const laidAside = existsSync(join(where, 'keys', 'old')) ? readdirSync(join(where, 'keys', 'old')).filter((one) => one.endsWith('.key')).length : 0;
    expect(isNew ? laidAside : 1).toBe(1);
    await rotate(where);
  });
});
