import { appendFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beginNewOrigin } from '../../../src/log/tree/new-origin.ts';
import { AT_MS } from '../support.ts';
import { createForge } from './forge.ts';
import { fill, inDataDir, startVerifier } from './support.ts';

const verify = startVerifier();
const { data, dir, keysDir, file, read, vkey, open } = inDataDir();
const names = () => readdirSync(file('segments')).sort();
const DAY_MS = 86_400_000;

/** Some 300 records a day, in segments of some 130, the clock going on. */
async function days(count: number, each: (log: Awaited<ReturnType<typeof open>>, day: number) => Promise<unknown> = async () => {}) {
  let nowMs = AT_MS + DAY_MS;
  const log = await open({ now: () => nowMs, maxSegmentBytes: 16_000 });
  for (let day = 0; day < count; day += 1) {
    for (let part = 0; part < 3; part += 1) await fill(log, day * 300 + part * 100, day * 300 + part * 100 + 100);
    await each(log, day);
    nowMs += DAY_MS;
  }
  return { log, dayMs: (day: number) => AT_MS + (day + 1) * DAY_MS };
}

describe('what was pruned', () => {
  test('may hold a change of keys: the first public key still leads to the last', async () => {
    const { log, dayMs } = await days(4, (one, day) => (day < 2 ? one.evidence!.rotateKey() : Promise.resolve()));
    expect(await log.evidence!.prune({ beforeMs: dayMs(1) })).toMatchObject({ from: 0 });
    expect(await verify(dir(), { vkey: vkey() })).toMatchObject({ wrong: [] });
    expect(await log.evidence!.prune({ beforeMs: dayMs(3) })).toMatchObject({ from: expect.any(Number) });
    await log.close();
    expect(read('segments', names()[0]!)).not.toContain('key_rotated');
    const { wrong, notes } = await verify(dir(), { vkey: vkey() });
    expect(wrong).toEqual([]);
    expect(notes.filter((note) => note.includes('put another key in place'))).toHaveLength(2);
    expect(notes.filter((note) => note.includes('were pruned'))).toEqual([expect.stringMatching(/^records 0 to 881 were pruned, by 2 records, the last of them 1203 at /)]);
    // What is kept of them is no more believed than anything else.
    const kept = read('acts.ndjson');
    for (const changed of [kept.replace('"to":"sluice', '"to":"slvice'), kept.replace('"kind":"key_rotated"', '"kind":"decision"'), kept.replace('}\n', '}\r\n'), kept.split('\n').slice(1).join('\n')]) {
      writeFileSync(file('acts.ndjson'), changed);
      expect((await verify(dir(), { vkey: vkey() })).wrong.length).toBeGreaterThan(0);
    }
    const [one = ''] = kept.split('\n');
    for (const [added, message] of [
      [one.replace('"to":"sluice', '"to":"slvice'), /^acts\.ndjson:1: is none of the log's records$/],
      [one.replace(/"index":\d+/, '"index":1000'), /^acts\.ndjson:1: is none of the log's records$/],
      [one, /^acts\.ndjson:2: is no record that is kept there, or is there twice$/],
      ['', /^acts\.ndjson:1: is no record that is kept there/],
    ] as const) {
      writeFileSync(file('acts.ndjson'), `${added}\n${kept}`);
      expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([expect.stringMatching(message)]);
    }
    writeFileSync(file('acts.ndjson'), kept.slice(0, -1));
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([expect.stringMatching(/^acts\.ndjson:2: is no record that is kept there/)]);
  });

  test('may be pruned on by a later run, and an earlier pruning with it', async () => {
    const { log, dayMs } = await days(6, async (one, day) => (day > 2 ? one.evidence!.prune({ beforeMs: AT_MS + (day - 1) * DAY_MS }) : undefined));
    await log.evidence!.prune({ beforeMs: dayMs(5) });
    await log.close();
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
    await (await open({ now: () => dayMs(9) })).close();
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
  });

  test('may hold the beginning of a new origin: the old key still vouches for it', async () => {
    const first = await open();
    await fill(first, 0, 10);
    await first.close();
    const old = vkey();
    await beginNewOrigin({ dir: dir(), keysDir: keysDir(), because: 'so', now: () => AT_MS });
    const { log, dayMs } = await days(4);
    await log.evidence!.prune({ beforeMs: dayMs(2) });
    await log.close();
    expect(names()[0]).not.toBe(`${'0'.repeat(20)}.ndjson`);
    expect(await verify(dir(), { vkey: old })).toMatchObject({ wrong: [], notes: expect.arrayContaining([expect.stringMatching(/^this log began anew .*, whose key signed for it: so\./)]) });
    // Nobody can have it forgotten, whoever is asked: the record of the pruning counts what is kept.
    rmSync(file('acts.ndjson'));
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([expect.stringMatching(/^acts\.ndjson: of 1 acts before record \d+, of which record \d+ tells, there are 0: lines of it were removed$/)]);
  });

  test('may be any number of segments: the record of it is as short, so that its line holds it', async () => {
    const forge = createForge(dir());
    forge.records(600);
    forge.sign();
    forge.write({ starts: Array.from({ length: 600 }, (_, start) => start) });
    mkdirSync(keysDir());
    writeFileSync(join(keysDir(), 'log.key'), forge.first.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    const log = await open({ now: () => AT_MS + DAY_MS });
    expect(await log.evidence!.prune({ beforeMs: AT_MS + DAY_MS })).toEqual({ from: 0, to: 512, segments: 512 });
    await log.close();
    const line = read('segments', names().at(-1)!).split('\n').findLast((one) => one.includes('"kind":"pruned"'))!;
    expect([JSON.parse(line), line.length < 400]).toEqual([expect.objectContaining({ from: 0, to: 512, segments: 512, acts: 0 }), true]);
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
    await (await open({ now: () => AT_MS + DAY_MS })).close();
  });

  test('may be pruned so often that each time has no room of its own among what is said', async () => {
    const forge = createForge(dir());
    forge.records(600);
    for (let to = 1; to <= 300; to += 1) forge.record('pruned', { from: to - 1, to });
    forge.sign();
    forge.records(1);
    forge.write({ starts: [256] });
    expect(await verify(dir(), { vkey: forge.vkeyOf() })).toMatchObject({ wrong: [], notes: [
      expect.stringMatching(/^records 0 to 299 were pruned, by 300 records, the last of them 899 at .*, though those from 256 on are still here$/),
      expect.stringMatching(/^record 900 follow the last checkpoint/),
    ] });
  });

  test('is still known when the tile is damaged that the record of it lies in', async () => {
    const { log, dayMs } = await days(3);
    await log.evidence!.prune({ beforeMs: dayMs(1) });
    await fill(log, 0, 600);
    await log.close();
    writeFileSync(file('tile/0/003'), Buffer.alloc(8192));
    const again = await open({ now: () => dayMs(4) });
    expect(again.evidence!.opening.repairedTiles).toBe(1);
    await again.close();
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
  });

  test('what is kept of it is kept once, whatever a crash repeats', async () => {
    const { log, dayMs } = await days(3, (one) => one.evidence!.rotateKey());
    cpSync(file('segments'), join(data(), 'before'), { recursive: true });
    await log.evidence!.prune({ beforeMs: dayMs(2) });
    await log.close();
    const kept = read('acts.ndjson');
    for (const name of readdirSync(join(data(), 'before'))) if (!names().includes(name)) cpSync(join(data(), 'before', name), file('segments', name));
    const again = await open({ now: () => dayMs(4) });
    await again.evidence!.prune({ beforeMs: dayMs(2) });
    await again.close();
    expect(read('acts.ndjson')).toBe(kept);
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
  });
});

describe('a segment that somebody removed is not said to be pruned', () => {
  const pruned = (index: number, to: number) => `{"v":1,"index":${index},"time":"2026-12-22T12:00:00.000Z","origin":"${read('origin').trim()}","kind":"pruned","from":0,"to":${to}}`;

  test('by a record that nobody has signed for: neither start nor verifier take it', async () => {
    const { log } = await days(3);
    await log.close();
    const size = log.size();
    const second = Number.parseInt(names()[1]!, 10);
    rmSync(file('segments', names()[0]!));
    appendFileSync(file('segments', names().at(-1)!), `${pruned(size, second)}\n`);
    writeFileSync(file('pruned'), `${size}\n`);
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([expect.stringMatching(/records 0 to \d+ are missing, and no record that is signed for/)]);
    await expect(open()).rejects.toThrow(/no record that is signed for tells that those before it were pruned/);
  });

  test('by a record put in the place of another: neither start nor verifier take it', async () => {
    const { log } = await days(3);
    await log.close();
    const second = Number.parseInt(names()[1]!, 10);
    const [name, first] = [names()[3]!, Number.parseInt(names()[3]!, 10)];
    rmSync(file('segments', names()[0]!));
    const lines = readFileSync(file('segments', name), 'utf8').split('\n');
    writeFileSync(file('segments', name), lines.with(5, pruned(first + 5, second)).join('\n'));
    writeFileSync(file('pruned'), `${first + 5}\n`);
    expect((await verify(dir(), { vkey: vkey() })).wrong.length).toBeGreaterThan(0);
    await expect(open()).rejects.toThrow(`:6: record ${first + 5} is not the one that was signed`);
  });

  test('nor is it left out of what a new origin says is missing', async () => {
    const { log } = await days(3);
    await log.close();
    const size = log.size();
    const second = Number.parseInt(names()[1]!, 10);
    rmSync(file('segments', names()[0]!));
    appendFileSync(file('segments', names().at(-1)!), `${pruned(size, second)}\n`);
    writeFileSync(file('pruned'), `${size}\n`);
    const { plan } = await beginNewOrigin({ dir: dir(), keysDir: keysDir(), because: 'so', now: () => AT_MS });
    expect(plan.lost).toEqual([[0, second]]);
  });
});
