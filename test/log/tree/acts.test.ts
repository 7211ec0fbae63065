import { cpSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCheckpoint } from '../../../src/core/tlog/checkpoint.ts';
import { leafHash, verifyInclusion } from '../../../src/core/tlog/merkle.ts';
import { parseProof } from '../../../src/core/tlog/proof.ts';
import { openLogKeys } from '../../../src/datadir/log-key.ts';
import { diskUsage } from '../../../src/log/disk.ts';
import { readLog } from '../../../src/log/read.ts';
import { proveRecord } from '../../../src/log/tree/prove.ts';
import { hands } from '../start/world.ts';
import { AT_MS, recordsOf } from '../support.ts';
import { fill, inDataDir, startVerifier } from './support.ts';

const verify = startVerifier();
const { data, dir, keysDir, file, read, vkey, open } = inDataDir();
const kept = () => read('checkpoints.ndjson').split('\n').slice(0, -1).map((line) => (JSON.parse(line) as { note: string }).note);

describe('the signing key', () => {
  test('changes by a record that the old key still signs for; the first public key leads to the later ones', async () => {
    const log = await open();
    await fill(log, 0, 3);
    const second = await log.evidence!.rotateKey();
    await fill(log, 4, 5);
    const third = await log.evidence!.rotateKey();
    await fill(log, 6, 8);
    await log.close();
    expect(recordsOf(dir()).filter(({ kind }) => kind === 'key_rotated').map(({ index, from, to }) => [index, from, to])).toEqual([[3, vkey(), second], [5, second, third]]);
    expect([new Set([vkey(), second, third]).size, log.evidence!.vkey()]).toEqual([3, third]);
    expect(await verify(dir(), { vkey: vkey() })).toMatchObject({ wrong: [], size: 8, signed: 8, notes: [expect.stringContaining('record 3 put another key'), expect.stringContaining('record 5 put another key')] });
    expect(statSync(join(keysDir(), 'log.key')).mode & 0o777).toBe(0o600);
    const again = await open();
    expect(again.evidence!.vkey()).toBe(third);
  });

  test('signs nothing that holds before the old one has signed for the record that names it', async () => {
    const log = await open();
    await fill(log, 0, 3);
    await log.evidence!.rotateKey();
    await log.close();
    expect(kept().map((note) => parseCheckpoint(note)!.size)).toEqual([0, 4, 4]);
    writeFileSync(file('checkpoints.ndjson'), kept().toSpliced(1, 1).map((note) => `${JSON.stringify({ note })}\n`).join(''));
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([expect.stringMatching(/^checkpoints\.ndjson:2: the checkpoint of 4 records is not signed by key /)]);
  });

  test('of which no record tells signs nothing that holds', async () => {
    const log = await open();
    await fill(log, 0, 3);
    await log.close();
    const keys = openLogKeys(keysDir());
    keys.makeNext(0);
    keys.activateNext(vkey()); // the way a thief would
    const again = await open();
    await fill(again, 3, 4);
    await again.close();
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([expect.stringMatching(/^checkpoints\.ndjson:\d+: the checkpoint of 4 records is not signed by key /)]);
  });

  test.each([
    { name: 'before its record is there: the old key stays', isRecorded: false, isSigned: false },
    { name: 'before the old key has signed for the record: it does, then the new one', isRecorded: true, isSigned: false },
    { name: 'before the new key is in place: it is put there', isRecorded: true, isSigned: true },
  ])('a crash in the middle of a rotation, $name', async ({ isRecorded, isSigned }) => {
    const log = await open();
    await fill(log, 0, 3);
    await log.evidence!.sign();
    const before = join(data(), 'before');
    for (const name of ['log', 'keys']) cpSync(join(data(), name), join(before, name), { recursive: true });
    await log.evidence!.rotateKey();
    const next = log.evidence!.vkey();
    await log.close();
    // As it was before the step that the crash kept from happening.
    const key = readFileSync(join(keysDir(), 'log.key'), 'utf8');
    const notes = kept();
    rmSync(keysDir(), { recursive: true });
    cpSync(join(before, 'keys'), keysDir(), { recursive: true });
    writeFileSync(join(keysDir(), 'log.key.next'), JSON.stringify({ from: 3, pem: key }), { mode: 0o600 });
    if (!isRecorded) {
      rmSync(dir(), { recursive: true });
      cpSync(join(before, 'log'), dir(), { recursive: true });
    }
    const upTo = isSigned ? notes.slice(0, -1) : notes.filter((note) => parseCheckpoint(note)!.size <= 3);
    writeFileSync(file('checkpoints.ndjson'), upTo.map((note) => `${JSON.stringify({ note })}\n`).join(''));
    writeFileSync(file('checkpoint'), upTo.at(-1)!);
    const again = await open();
    expect([again.evidence!.vkey() === next, existsSync(join(keysDir(), 'log.key.next'))]).toEqual([isRecorded, false]);
    await fill(again, 4, 6);
    await again.close();
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
  });
});

describe('pruning', () => {
  /** 900 records, a minute apart, in segments of some 150. */
  async function written() {
    let nowMs = AT_MS;
    const log = await open({ now: () => nowMs, maxSegmentBytes: 18_000 });
    for (let n = 0; n < 900; n += 1) {
      const long = n === 20 || n === 899 ? `,"x":"${'x'.repeat(70_000)}${n === 20 ? n : ''}"` : '';
      const { durable } = log.append({ kind: 'decision', members: `"n":${n}${long}` });
      nowMs += 60_000;
      if (n % 100 === 99) await durable;
    }
    await log.evidence!.sign();
    return log;
  }
  const firsts = () => readdirSync(file('segments')).sort().map((name) => Number.parseInt(name, 10));
  const atMinute = (n: number) => AT_MS + n * 60_000;

  test('takes out sealed segments of older records only, by a record; every proof stays valid, and the hole is named', async () => {
    const log = await written();
    const line20 = read('segments', `${'0'.repeat(20)}.ndjson`).split('\n')[20]!;
    const before = firsts();
    const boundary = before.findLast((first) => first <= 400)!;
    const result = await log.evidence!.prune({ beforeMs: atMinute(400) });
    expect(result).toEqual({ from: 0, to: boundary, segments: before.indexOf(boundary) });
    expect(firsts().slice(0, 2)).toEqual(before.slice(before.indexOf(boundary), before.indexOf(boundary) + 2));
    expect(recordsOf(dir()).at(-1)).toMatchObject({ kind: 'pruned', from: 0, to: boundary, archived: false, before: new Date(atMinute(400)).toISOString() });
    expect(readdirSync(file('objects'))).toHaveLength(1);
    const proof = parseProof(await proveRecord(dir(), 20))!;
    const { size, root } = parseCheckpoint(proof.checkpoint)!;
    expect(verifyInclusion({ leaf: leafHash(Buffer.from(line20)), index: 20, size, path: proof.path, root })).toBe(true);
    await log.close();
    const found = await verify(dir(), { vkey: vkey(), oldCheckpoint: kept()[1]! });
    expect(found).toMatchObject({ wrong: [], notes: expect.arrayContaining([expect.stringMatching(new RegExp(`^records 0 to ${boundary - 1} were pruned, by record 900 at `))]) });
    for await (const { index } of readLog(dir())) expect(index).toBeGreaterThanOrEqual(boundary);
  });

  test('goes on after a restart, again and again; what it deletes beyond its record is found', async () => {
    await (await written()).evidence!.prune({ beforeMs: atMinute(300) });
    const log = await open({ now: () => atMinute(1000) });
    const { from, to } = await log.evidence!.prune({ beforeMs: atMinute(600) });
    expect([from > 0, from < to]).toEqual([true, true]);
    await log.close();
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
    await (await open({ now: () => atMinute(1000) })).close();
    rmSync(file('segments', readdirSync(file('segments')).sort()[0]!));
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([expect.stringMatching(/is the first segment; records \d+ to \d+ are missing, and no record that is signed for says that they were pruned/)]);
    await expect(open()).rejects.toThrow(/no record that is signed for tells that those before it were pruned/);
  });

  test('moves segments and side objects to an archive, where they are the ones that left', async () => {
    const log = await written();
    const was = read('segments', `${'0'.repeat(20)}.ndjson`);
    const archive = join(data(), 'archive');
    const { segments } = await log.evidence!.prune({ beforeMs: atMinute(400), archive });
    expect([readdirSync(join(archive, 'segments')).length, readFileSync(join(archive, 'segments', `${'0'.repeat(20)}.ndjson`), 'utf8') === was, readdirSync(join(archive, 'objects')).length]).toEqual([segments, true, 1]);
    await log.close();
    // Put back, they are the log as it was.
    cpSync(archive, dir(), { recursive: true });
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
  });

  test('a crash after the record leaves what it allows: segments that are still there are no mistake', async () => {
    const log = await written();
    const copy = join(data(), 'copy');
    cpSync(file('segments'), copy, { recursive: true });
    await log.evidence!.prune({ beforeMs: atMinute(400) });
    await log.close();
    const boundary = firsts()[0]!;
    for (const name of readdirSync(copy).sort().filter((one) => Number.parseInt(one, 10) < boundary).slice(-2)) cpSync(join(copy, name), file('segments', name));
    const again = await open();
    await again.close();
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
  });

  test('nothing leaves while its tile does not hold it, nor the last segment, nor what is not old', async () => {
    const log = await written();
    expect(await log.evidence!.prune({ beforeMs: AT_MS })).toMatchObject({ segments: 0 });
    const { to } = await log.evidence!.prune({ beforeMs: atMinute(10_000) });
    expect(to).toBeLessThanOrEqual(768);
    writeFileSync(file('tile/0/002'), Buffer.alloc(8192));
    const size = log.size();
    await fill(log, 0, 400);
    await expect(log.evidence!.prune({ beforeMs: atMinute(10_000) })).rejects.toThrow(/tile\/0\/002: does not hold record \d+: nothing was pruned/);
    expect(log.size()).toBe(size + 400);
  });
});

test.each(['its tile', 'all tiles'])('F22: a record that was changed under a running log, with %s, does not leave, and nothing is signed of it', async (changed) => {
  let nowMs = AT_MS;
  const log = await open({ now: () => nowMs, maxSegmentBytes: 18_000 });
  for (; log.size() < 600; nowMs += 60_000) await fill(log, log.size(), log.size() + 100);
  await log.evidence!.sign();
  const hand = hands(dir());
  const [first] = hand.segments();
  hand.edit(first!, (lines) => lines.with(7, lines[7]!.replace('"n":7', '"n":8')));
  const upper = readFileSync(file('tile/1/000.p/2'));
  hand.forgeTiles();
  if (changed === 'its tile') hand.put('tile/1/000.p/2', upper);
  await expect(log.evidence!.prune({ beforeMs: nowMs })).rejects.toThrow(changed === 'its tile' ? /tile\/0\/000: not as the log was signed: nothing was pruned/ : /tile: the tiles of records 0 to \d+: not as the log was signed: nothing was pruned/);
  expect([existsSync(file(first!)), log.size()]).toEqual([true, 600]);
});

test('the alarm is at four fifths of the disk', async () => {
  const { freeBytes, totalBytes, used, isAlarming } = await diskUsage(data());
  expect([freeBytes <= totalBytes, used > 0 && used < 1, isAlarming]).toEqual([true, true, used >= 0.8]);
});
