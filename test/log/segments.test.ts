import type { Entry } from '../../src/log/types.ts';
import { AT_MS, decision, inFolder, recordsOf, segmentsOf, watchedFiles, write } from './support.ts';

const { dir, open } = inFolder();

const activation: Entry = { kind: 'bundle_activated', members: '"bundle":"b1"' };
const asked = (n: number, digest: string): Entry => ({ ...decision(n), input: { digest, members: () => `"digest":"${digest}"` } });
const short = () => recordsOf(dir()).map(({ kind, n, digest }) => (kind === 'decision' ? n : kind === 'input' ? digest : kind));

test.each([
  { name: 'by size', options: { maxSegmentBytes: 200 }, perRecordMs: 0, records: [0, 1, 'bundle_activated', 2, 'bundle_activated', 3], firsts: [0, 2, 4] },
  { name: 'by age', options: { maxSegmentMs: 2000 }, perRecordMs: 1000, records: [0, 1, 'bundle_activated', 2, 3], firsts: [0, 2] },
])('a segment ends $name; every one but the first begins with the activations', async ({ options, perRecordMs, records, firsts }) => {
  let nowMs = AT_MS;
  const log = await open({ ...options, now: () => nowMs, onSegment: () => [activation] });
  for (let n = 0; n < 4; n += 1) {
    await write(log, decision(n));
    nowMs += perRecordMs;
  }
  expect(short()).toEqual(records);
  expect(segmentsOf(dir()).map((name) => Number.parseInt(name, 10))).toEqual(firsts);
});

test('F14: a segment ends with its day, in UTC', async () => {
  let nowMs = Date.parse('2026-11-22T23:59:59.998Z');
  const log = await open({ now: () => nowMs });
  for (let n = 0; n < 4; n += 1) {
    await write(log, decision(n));
    nowMs += 1;
  }
  expect(segmentsOf(dir()).map((name) => Number.parseInt(name, 10))).toEqual([0, 2]);
});

test('records of two segments may be appended in one turn: each segment is synced before the next is made', async () => {
  const { files, calls } = watchedFiles();
  const log = await open({ files, maxSegmentBytes: 1 });
  calls.splice(0);
  const appended = [log.append(decision(0)), log.append(decision(1))];
  await Promise.all(appended.map(({ durable }) => durable));
  expect(calls.map(({ op, name }) => `${op} ${Number.parseInt(name, 10) || name}`.replace(/0+\.ndjson/, '0'))).toEqual([
    'write 0', 'datasync 0', 'close 0', 'open 1', 'size 1', 'sync 1', 'open segments', 'sync segments', 'close segments', 'write 1', 'datasync 1',
  ]);
});

test('the age of a segment outlives a restart', async () => {
  let nowMs = AT_MS;
  const options = { maxSegmentMs: 2000, now: () => nowMs };
  const first = await open(options);
  await write(first, decision(0));
  await first.close();
  nowMs += 2000;
  await write(await open(options), decision(1));
  expect(segmentsOf(dir())).toHaveLength(2);
});

describe('an input', () => {
  test('stands before the first record that names it, in the same group, once a segment', async () => {
    const { files, count } = watchedFiles();
    const log = await open({ files });
    const appended = [asked(0, 'a'), asked(1, 'a'), asked(2, 'b'), asked(3, 'a')].map(log.append);
    expect(await Promise.all(appended.map(({ durable }) => durable))).toEqual([1, 2, 4, 5]);
    expect(short()).toEqual(['a', 0, 1, 'b', 2, 3]);
    expect(count('datasync')).toBe(1);
  });

  test('is written again into the next segment', async () => {
    const log = await open({ maxSegmentBytes: 400, onSegment: () => [activation] });
    await write(log, asked(0, 'a'), asked(1, 'b'), asked(2, 'a'), asked(3, 'b'));
    expect(short()).toEqual(['a', 0, 'b', 1, 'bundle_activated', 'a', 2, 'b', 3]);
  });

  test('that the segment holds is found again after a restart', async () => {
    const first = await open();
    await write(first, asked(0, 'sha256:a'));
    await first.close();
    await write(await open(), asked(1, 'sha256:a'), asked(2, 'sha256:b'));
    expect(short()).toEqual(['sha256:a', 0, 1, 'sha256:b', 2]);
  });

  test('is not made when it is not written', async () => {
    const log = await open();
    let made = 0;
    const entry: Entry = { ...decision(0), input: { digest: 'a', members: () => `"digest":"a","made":${made += 1}` } };
    await write(log, entry, entry);
    expect(made).toBe(1);
  });

  test('that can\'t be made leaves no trace', async () => {
    const log = await open();
    const broken: Entry = { ...decision(0), input: { digest: 'a', members: () => { throw new Error('a bug'); } } };
    await expect(log.append(broken).durable).rejects.toThrow('a bug');
    await write(log, asked(1, 'a'));
    expect(short()).toEqual(['a', 1]);
  });
});
