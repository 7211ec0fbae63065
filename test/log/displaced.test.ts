import { appendFileSync, cpSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AT_MS, decision, readSegment, recordsOf, segmentsOf } from './support.ts';
import { fill, inDataDir, startVerifier } from './tree/support.ts';

const verify = startVerifier();
const { data, dir, file, read, vkey, open } = inDataDir();
const FIRST = `${'0'.repeat(20)}.ndjson`;
const segment = () => file('segments', FIRST);

/** A log whose clock stands until it is moved. */
async function written() {
  const clock = { nowMs: AT_MS };
  const log = await open({ now: () => clock.nowMs, monotonic: () => clock.nowMs });
  await fill(log, 0, 20);
  await log.evidence!.sign();
  return { log, clock };
}

describe.each<readonly [string, () => void, boolean]>([
  ['its segment is removed', () => rmSync(segment()), false],
  ['the folder of the segments is removed', () => rmSync(file('segments'), { recursive: true }), false],
  ['the whole log is removed', () => rmSync(dir(), { recursive: true }), false],
  ['the log is moved away', () => renameSync(dir(), join(data(), 'elsewhere')), false],
  ['a copy is put in the place of its segment', () => { cpSync(segment(), join(data(), 'copy')); renameSync(join(data(), 'copy'), segment()); }, true],
  ['its segment is emptied', () => truncateSync(segment(), 0), false],
  ['its segment is moved, and a link put in its place', () => { renameSync(segment(), join(data(), 'moved')); symlinkSync(join(data(), 'moved'), segment()); }, false],
  ['something is written behind its last line', () => appendFileSync(segment(), 'x\n'), false],
])('F27: under a log that is written, %s', (_name, displace, startsAgain) => {
  test('from the next record on nothing more is acknowledged, and a restart says what is there', async () => {
    const { log, clock } = await written();
    displace();
    const there = existsSync(segment()) ? readFileSync(segment(), 'utf8') : undefined;
    await expect(log.append(decision(20)).durable).rejects.toMatchObject({ code: 'audit_unavailable', message: expect.stringMatching(/0\.ndjson has been removed, replaced or changed, by another hand than Sluice's: restore it, then restart$/) as string });
    clock.nowMs += 1000;
    expect(() => log.append(decision(21))).toThrow('restore it, then restart');
    await log.close();
    // What lies there now is not Sluice's: nothing is cut off it.
    expect(existsSync(segment()) ? readFileSync(segment(), 'utf8').startsWith(there!) : undefined).toBe(there === undefined ? undefined : true);
    if (!startsAgain) {
      await expect(open()).rejects.toThrow(/Restore/);
      return;
    }
    const again = await open();
    await fill(again, 20, 21);
    await again.close();
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
  });
});

test('what has been moved away and put back goes on after a restart, with all that was acknowledged', async () => {
  const { log } = await written();
  renameSync(dir(), join(data(), 'elsewhere'));
  await expect(log.append(decision(20)).durable).rejects.toThrow('removed, replaced or changed');
  await log.close();
  renameSync(join(data(), 'elsewhere'), dir());
  const again = await open();
  await fill(again, 20, 21);
  await again.close();
  expect(recordsOf(dir()).filter(({ kind }) => kind === 'decision').map(({ n }) => n).slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
});

test('a segment that is removed just before it ends is missed: no other is begun after it', async () => {
  const log = await open({ maxSegmentBytes: 1 });
  await fill(log, 0, 1);
  rmSync(segment());
  await expect(log.append(decision(1)).durable).rejects.toThrow('removed, replaced or changed');
  expect(segmentsOf(dir())).toEqual([]);
});

test('kept checkpoints that are removed or cut are missed: nothing more is signed or answered, and a restart says so', async () => {
  const { log } = await written();
  const kept = read('checkpoints.ndjson');
  rmSync(file('checkpoints.ndjson'));
  await fill(log, 20, 21);
  await expect(log.evidence!.sign()).rejects.toThrow('checkpoints.ndjson has become shorter, or been removed');
  expect(() => log.append(decision(22))).toThrow(expect.objectContaining({ code: 'audit_unavailable' }));
  await log.close();
  await expect(open()).rejects.toThrow(/checkpoints\.ndjson: (empty, though there is a checkpoint|missing)/);
  writeFileSync(file('checkpoints.ndjson'), kept);
  await (await open()).close();
  expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
  expect(readSegment(dir(), FIRST).split('\n')).toHaveLength(23);
});
