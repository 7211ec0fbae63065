import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Entry } from '../../src/log/types.ts';
import { SEED } from '../support/random.ts';
import { rounds, say } from '../support/rounds.ts';
import { decision, inFolder, readSegment, recordsOf, segmentsOf, watchedFiles, write } from './support.ts';

const { dir, open } = inFolder();
say(`log/recover.test.ts: SEED=${SEED}`);

const FIRST = '00000000000000000000.ndjson';
const file = (name: string) => join(dir(), 'segments', name);

async function written(records: number, maxSegmentBytes = 1e9): Promise<void> {
  const log = await open({ maxSegmentBytes });
  await write(log, ...Array.from({ length: records }, (_, n) => decision(n)));
  await log.close();
}

test('a last record torn at any byte is cut off, reported, and its index given again', async () => {
  await written(3);
  const whole = readSegment(dir(), FIRST);
  const lastAt = whole.lastIndexOf('{');
  for (let size = lastAt; size < whole.length; size += 1) {
    writeFileSync(file(FIRST), whole.slice(0, size));
    const log = await open();
    expect([log.recovered.truncatedBytes, log.size()]).toEqual([size - lastAt, 2]);
    await write(log, decision(9));
    await log.close();
    expect(recordsOf(dir()).map(({ index, n }) => [index, n])).toEqual([[0, 0], [1, 1], [2, 9]]);
  }
});

test('what was cut off is gone from disk before anything is appended', async () => {
  await written(1);
  appendFileSync(file(FIRST), '{"v":1,');
  const { files, calls } = watchedFiles();
  await open({ files });
  expect(calls.map(({ op, name }) => `${op} ${name}`)).toEqual([
    `open ${FIRST}`, `size ${FIRST}`, `truncate ${FIRST}`, `sync ${FIRST}`, 'open segments', 'sync segments', 'close segments',
  ]);
});

test.each([
  { name: 'an empty last segment', cut: 0 },
  { name: 'a last segment of nothing but a torn line', cut: 20 },
])('$name is where the log goes on', async ({ cut }) => {
  await written(2, 1);
  truncateSync(file('00000000000000000001.ndjson'), cut);
  const log = await open();
  await write(log, decision(7));
  expect(segmentsOf(dir())).toEqual([FIRST, '00000000000000000001.ndjson']);
  expect(recordsOf(dir()).map(({ index, n }) => [index, n])).toEqual([[0, 0], [1, 7]]);
});

test('files that are no segments are left alone', async () => {
  await written(1);
  writeFileSync(file('notes.txt'), 'x');
  expect((await open()).size()).toBe(1);
});

describe('refuses to start', () => {
  const lines = (name: string) => readSegment(dir(), name).split('\n');
  const change = (name: string, edit: (lines: string[]) => void) => {
    const changed = lines(name);
    edit(changed);
    writeFileSync(file(name), changed.join('\n'));
  };
  const [SECOND, LAST] = ['00000000000000000003.ndjson', '00000000000000000006.ndjson'];
  const long = (bytes: number) => '{"v":1,"index":7,"x":""}'.replace('""', `"${'x'.repeat(bytes - 24)}"`);
  const record = (index: number) => `must be the record of index ${index}, whole`;

  // Three segments of three records each: 0 to 2, 3 to 5, 6 to 8.
  beforeEach(() => written(9, 300));

  test.each<readonly [string, () => void, string]>([
    ['a line that is missing', () => change(LAST, (all) => all.splice(1, 1)), `${LAST}:2: ${record(7)}`],
    ['a line that stands twice', () => change(LAST, (all) => all.splice(1, 0, all[0]!)), `${LAST}:2: ${record(7)}`],
    ['a whole line that is no JSON', () => change(LAST, (all) => all.splice(1, 1, 'garbage')), `${LAST}:2: ${record(7)}`],
    ['a whole last line that is no JSON behind its index', () => change(LAST, (all) => all.splice(2, 1, '{"v":1,"index":8,"time"}')), `${LAST}:3: ${record(8)}`],
    ['a whole last line without a time', () => change(LAST, (all) => all.splice(2, 1, '{"v":1,"index":8,"time":"noon"}')), `${LAST}:3: ${record(8)}`],
    ['a line cut short in the middle', () => change(LAST, (all) => all.splice(1, 1, all[1]!.slice(0, 40))), `${LAST}:2: ${record(7)}`],
    ['an empty line', () => change(LAST, (all) => all.splice(1, 0, '')), `${LAST}:2: ${record(7)}`],
    ['a line of 65,536 bytes', () => change(LAST, (all) => all.splice(1, 1, long(65_536))), `${LAST}:2: ${record(7)}`],
    ['a line longer than what is read at once', () => change(LAST, (all) => all.splice(1, 1, long(3 << 20))), `${LAST}:2: ${record(7)}`],
    ['a segment under another name', () => { cpSync(file(LAST), file('00000000000000000007.ndjson')); rmSync(file(LAST)); }, `${SECOND}: must end with the record of index 6`],
    ['a missing segment', () => rmSync(file(SECOND)), `${FIRST}: must end with the record of index 5`],
    ['a segment that ends too soon', () => change(SECOND, (all) => all.splice(2, 1)), `${SECOND}: must end with the record of index 5`],
    ['a torn line in a segment that has a successor', () => truncateSync(file(SECOND), lines(SECOND).join('\n').length - 1), `${SECOND}: must end with the record of index 5`],
    ['something behind the last line of a segment that has a successor', () => appendFileSync(file(SECOND), '{"v":1'), `${SECOND}: must end with the record of index 5`],
    ['an empty segment that has a successor', () => truncateSync(file(SECOND), 0), `${SECOND}:1: ${record(3)}`],
    ['a segment that begins with another record than it is named by', () => change(SECOND, (all) => all.splice(0, 1)), `${SECOND}:1: ${record(3)}`],
    ['records of another log', () => change(LAST, (all) => all.splice(2, 1, all[2]!.replace(/sluice\/\w+/, 'sluice/0000000000000000'))), `${LAST}:3: a record of another log`],
    ['a missing origin', () => rmSync(join(dir(), 'origin')), 'origin: missing'],
    ['a damaged origin', () => writeFileSync(join(dir(), 'origin'), 'sluice/'), 'origin: damaged'],
  ])('at %s, naming the place and what to do, and changes nothing', async (_name, damage, message) => {
    damage();
    const before = segmentsOf(dir()).map((name) => readSegment(dir(), name));
    const opened = open();
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toThrow(/[Rr]estore/);
    expect(segmentsOf(dir()).map((name) => readSegment(dir(), name))).toEqual(before);
  });
});

test('a segment of many blocks is read to its end', async () => {
  const log = await open();
  const long = (n: number): Entry => ({ kind: 'decision', members: `"n":${n},"x":"${'é'.repeat(30_000)}"` });
  await Promise.all(Array.from({ length: 60 }, (_, n) => log.append(long(n)).durable));
  await log.close();
  truncateSync(file(FIRST), Buffer.byteLength(readSegment(dir(), FIRST)) - 1);
  expect((await open()).size()).toBe(59);
});

test('recovering gives back what was written, whatever was written, and wherever the end was torn off', async () => {
  const members = fc.dictionary(fc.string({ unit: 'binary' }).map((key) => `m ${key}`), fc.jsonValue(), { maxKeys: 3 });
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ members, digest: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }), wait: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  );
  let run = 0;
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 1500 }), fc.double({ min: 0, max: 1, noNaN: true }), async (steps, maxSegmentBytes, tornAt) => {
    const own = join(dir(), `run-${run += 1}`);
    mkdirSync(own);
    let log = await open({ dir: own, maxSegmentBytes });
    const wanted: object[] = [];
    for (const one of steps) {
      if (one === 'restart') {
        await log.close();
        log = await open({ dir: own, maxSegmentBytes });
        continue;
      }
      const { digest } = one;
      const { durable } = log.append({
        kind: 'decision', members: JSON.stringify(one.members).slice(1, -1),
        ...(digest !== undefined && { input: { digest, members: () => `"digest":"${digest}"` } }),
      });
      wanted.push({ kind: 'decision', ...one.members });
      if (one.wait) await durable;
    }
    await log.close();
    const plain = ({ v: _v, index: _index, time: _time, origin: _origin, ...rest }: Record<string, unknown>) => rest;
    const onDisk = recordsOf(own);
    expect(onDisk.map(({ index }) => index)).toEqual(onDisk.map((_, index) => index));
    expect(onDisk.filter(({ kind }) => kind !== 'input').map(plain)).toEqual(JSON.parse(JSON.stringify(wanted)));

    const last = join(own, 'segments', segmentsOf(own).at(-1)!);
    const before = segmentsOf(own).slice(0, -1).map((name) => readSegment(own, name)).join('');
    const bytes = readFileSync(last);
    const cut = bytes.subarray(0, Math.floor(tornAt * bytes.length));
    writeFileSync(last, cut);
    const again = await open({ dir: own });
    await again.close();
    const whole = before + cut.subarray(0, cut.lastIndexOf(10) + 1).toString();
    expect(segmentsOf(own).map((name) => readSegment(own, name)).join('')).toBe(whole);
    expect(again.size()).toBe(whole.split('\n').length - 1);
  }), { numRuns: rounds(60, 600), seed: SEED });
}, rounds(60_000, 600_000));
