import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync, appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { parseCheckpoint } from '../../../src/core/tlog/checkpoint.ts';
import { leafHash, rootOf, verifyConsistency, verifyInclusion } from '../../../src/core/tlog/merkle.ts';
import { parseProof } from '../../../src/core/tlog/proof.ts';
import { ProofError, proveConsistency, proveRecord } from '../../../src/log/tree/prove.ts';
import { readSegment, recordsOf, segmentsOf } from '../support.ts';
import { fill, inDataDir, startVerifier } from './support.ts';

const verify = startVerifier();
const { data, dir, file, read, vkey, open } = inDataDir();

const linesOf = () => segmentsOf(dir()).flatMap((name) => readSegment(dir(), name).split('\n').slice(0, -1));
const rootNow = () => rootOf(Buffer.concat(linesOf().map((line) => leafHash(Buffer.from(line)))));
const newest = () => parseCheckpoint(read('checkpoint'))!;
const kept = () => read('checkpoints.ndjson').split('\n').slice(0, -1).map((line) => parseCheckpoint((JSON.parse(line) as { note: string }).note)!.size);

test('a log signs from its first start on: for nothing, with a key of its own that auditors never copy', async () => {
  await open();
  expect(newest().size).toBe(0);
  expect(readdirSync(dir()).sort()).toEqual(['checkpoint', 'checkpoints.ndjson', 'log.vkey', 'objects', 'origin', 'segments']);
  const modes = ['keys', 'keys/log.key', 'log/log.vkey', 'log/checkpoint', 'log/checkpoints.ndjson'].map((name) => (statSync(join(data(), name)).mode & 0o777).toString(8));
  expect(modes).toEqual(['700', '600', '600', '600', '600']);
  expect(await verify(dir(), { vkey: vkey() })).toEqual({ wrong: [], notes: [], size: 0, signed: 0, until: '', checkpoints: 1 });
});

test.each([0, 1, 255, 256, 257, 513])('%i records: the root over the stored bytes is signed, tiles are there, and a restart goes on with the same tree', async (size) => {
  const log = await open({ maxSegmentBytes: 20_000 });
  await fill(log, 0, size);
  await log.close();
  expect([newest().size, newest().root.toString('hex')]).toEqual([size, rootNow().toString('hex')]);
  for (let index = 0; index < Math.floor(size / 256); index += 1) {
    const leaves = linesOf().slice(index * 256, (index + 1) * 256).map((line) => leafHash(Buffer.from(line)));
    expect(readFileSync(file('tile/0', `00${index}`)).equals(Buffer.concat(leaves))).toBe(true);
    expect(existsSync(file('tile/0', `00${index}.p`))).toBe(false);
  }
  if (size % 256 !== 0) expect(statSync(file(`tile/0/00${Math.floor(size / 256)}.p/${size % 256}`)).size).toBe((size % 256) * 32);
  const again = await open({ maxSegmentBytes: 20_000 });
  await fill(again, size, size + 3);
  await again.close();
  expect([newest().size, newest().root.toString('hex')]).toEqual([size + 3, rootNow().toString('hex')]);
  expect(await verify(dir(), { vkey: vkey() })).toMatchObject({ wrong: [], notes: [], size: size + 3, signed: size + 3 });
});

test('65,536 records: a tile of the second level is full', async () => {
  const log = await open();
  for (let at = 0; at < 65_536; at += 8192) await fill(log, at, at + 8192);
  await log.close();
  expect([statSync(file('tile/1/000')).size, statSync(file('tile/2/000.p/1')).size, readdirSync(file('tile/0')).length]).toEqual([8192, 32, 256]);
  expect(newest().root.equals(rootNow())).toBe(true);
  const again = await open();
  expect(again.evidence!.status()).toEqual({ size: 65_536, signed: 65_536 });
  await fill(again, 65_536, 65_537);
  await again.close();
  expect(await verify(dir(), { vkey: vkey() })).toMatchObject({ wrong: [], notes: [], size: 65_537, signed: 65_537 });
});

test('records of exactly 65,535 bytes, and longer ones with their side objects, are leaves too', async () => {
  const log = await open();
  const head = `{"v":1,"index":0,"time":"2026-11-22T12:00:00.000Z","origin":"${log.origin}","kind":"decision","x":""}`.length;
  for (const bytes of [65_535, 65_536, 200_000]) await log.append({ kind: 'decision', members: `"x":"${'x'.repeat(bytes - head)}"` }).durable;
  await log.close();
  expect(linesOf().map((line) => line.length)).toEqual([65_535, expect.any(Number), expect.any(Number)]);
  expect(newest().root.equals(rootNow())).toBe(true);
  expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
  rmSync(file('objects', readdirSync(file('objects'))[0]!));
  expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([expect.stringMatching(/^objects\/[0-9a-f]{64}\.json: missing or changed; record [12] /)]);
});

test('a checkpoint follows by itself, also at the end of each segment; each is kept', async () => {
  const log = await open({ signEveryMs: 1, maxSegmentBytes: 150 });
  await fill(log, 0, 1);
  while (log.evidence!.status().signed !== 1) await turn();
  await fill(log, 1, 4);
  await log.close();
  expect(kept()).toEqual(kept().toSorted((a, b) => a - b));
  expect([kept()[0], kept().at(-1), newest().size]).toEqual([0, 4, 4]);
});

test('F22: a log from before there was a tree is signed for as it is once an operator says so', async () => {
  const old = await open({ keysDir: undefined! });
  await fill(old, 0, 700);
  await old.close();
  expect(existsSync(file('checkpoint'))).toBe(false);
  await expect(open()).rejects.toThrow(/keys\/log\.key: missing, though there is a record .*\. Where records are all there is, as of a log from before logs were signed, "sluice log accept-unsigned/);
  const log = await open({ acceptUnsigned: 'it was never signed' });
  await fill(log, 700, 701);
  await log.close();
  expect([newest().size, newest().root.equals(rootNow())]).toEqual([702, true]);
  expect(recordsOf(dir())[700]).toMatchObject({ kind: 'recovered', what: 'unsigned_accepted', from: 0, to: 700, because: 'it was never signed' });
  expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
});

test('every record of a log can be proven while it is written, by tiles, partial tiles or the records themselves', async () => {
  const log = await open({ maxSegmentBytes: 20_000 });
  await fill(log, 0, 600);
  await log.evidence!.sign();
  await fill(log, 600, 610);
  const check = async () => {
    for (const index of [0, 1, 255, 256, 511, 512, 599]) {
      const proof = parseProof(await proveRecord(dir(), index))!;
      const { size, root } = parseCheckpoint(proof.checkpoint)!;
      expect([size, verifyInclusion({ leaf: leafHash(Buffer.from(linesOf()[index]!)), index: proof.index, size, path: proof.path, root })]).toEqual([600, true]);
    }
  };
  await check();
  rmSync(file('tile'), { recursive: true });
  await check();
  await expect(proveRecord(dir(), 600)).rejects.toThrow(ProofError);
  const [old, now] = [500, 600].map((size) => ({ size, root: rootOf(Buffer.concat(linesOf().slice(0, size).map((line) => leafHash(Buffer.from(line))))) }));
  expect(verifyConsistency(old!, now!, await proveConsistency(dir(), 500, 600))).toBe(true);
});

test('lines that were on disk and not signed when the last run ended are signed for by the next', async () => {
  const log = await open();
  await fill(log, 0, 5);
  await log.close();
  const line = linesOf()[4]!.replace('"index":4', '"index":5');
  appendFileSync(file('segments', segmentsOf(dir())[0]!), `${line}\n${line.slice(0, 30)}`);
  expect((await verify(dir(), { vkey: vkey() })).notes).toEqual([expect.stringMatching(/ndjson:7: the last line is cut off after 30 bytes, .*; nobody was answered for it$/), expect.stringMatching(/^record 5 follow the last checkpoint: .*00000000000000000000\.ndjson:6/)]);
  const again = await open();
  expect([again.recovered.truncatedBytes, again.evidence!.status(), newest().size]).toEqual([30, { size: 6, signed: 6 }, 6]);
});

test('what changes in the files between two records is exactly what is said: nothing is written in place', async () => {
  const log = await open();
  await fill(log, 0, 300);
  await log.evidence!.sign();
  const sums = () => new Map(['tile/0/000', 'checkpoints.ndjson', 'log.vkey'].map((name) => [name, createHash('sha256').update(readFileSync(file(name)).subarray(0, 400)).digest('hex')]));
  const before = sums();
  await fill(log, 300, 600);
  await log.evidence!.sign();
  expect([...sums()]).toEqual([...before]);
  writeFileSync(file('stray.txt'), 'x');
  await log.close();
});
