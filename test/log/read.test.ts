import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLog, type LogRecord, type ReadOptions } from '../../src/log/read.ts';
import { decision, inFolder, readSegment, segmentsOf, write } from './support.ts';

const { dir, open } = inFolder();

async function read(options?: ReadOptions): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of readLog(dir(), options)) records.push(record);
  return records;
}
const indexes = async (options?: ReadOptions) => (await read(options)).map(({ index }) => index);

describe('a log of three segments', () => {
  // 0 to 2, 3 to 5, 6 to 7, and a torn line.
  beforeEach(async () => {
    const log = await open({ maxSegmentBytes: 300 });
    await write(log, ...Array.from({ length: 8 }, (_, n) => decision(n)));
    await log.close();
    appendFileSync(join(dir(), 'segments', '00000000000000000006.ndjson'), '{"v":1,"index":8,');
  });

  test.each<readonly [ReadOptions | undefined, readonly number[]]>([
    [undefined, [0, 1, 2, 3, 4, 5, 6, 7]],
    [{ from: 4 }, [4, 5, 6, 7]],
    [{ from: 4, limit: 2 }, [4, 5]],
    [{ from: 8 }, []],
    [{ limit: 0 }, []],
    [{ reverse: true }, [7, 6, 5, 4, 3, 2, 1, 0]],
    [{ reverse: true, from: 4 }, [4, 3, 2, 1, 0]],
    [{ reverse: true, from: 3, limit: 2 }, [3, 2]],
    [{ reverse: true, from: 100, limit: 1 }, [7]],
  ])('%j gives %j', async (options, want) => {
    expect(await indexes(options)).toEqual(want);
  });

  test.each([{ reverse: false }, { reverse: true }])('a record is its line, parsed (%j)', async (options) => {
    const record = (await read({ ...options, from: 4, limit: 1 }))[0]!;
    expect(record.record).toMatchObject({ v: 1, index: 4, kind: 'decision', n: 4 });
    expect(readSegment(dir(), segmentsOf(dir())[1]!).split('\n')[1]).toBe(record.line);
  });

  test('a damaged line is an error that names it', async () => {
    const path = join(dir(), 'segments', segmentsOf(dir())[1]!);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"n":4}', '"n":}'));
    await expect(indexes()).rejects.toThrow(`${path}:2: `);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"index":4', '"index":5'));
    await expect(indexes({ reverse: true })).rejects.toThrow(`${path}:2: must be the record of index 4`);
  });
});

test('lines longer than a block\'s rest are whole in both directions', async () => {
  const log = await open();
  await Promise.all(Array.from({ length: 50 }, (_, n) => log.append({ kind: 'decision', members: `"x":"${'é'.repeat((n * 7919) % 32_000)}"` }).durable));
  const forwards = await read();
  const lines = readSegment(dir(), segmentsOf(dir())[0]!).split('\n').slice(0, -1);
  expect(forwards.map(({ line }) => line)).toEqual(lines);
  expect((await read({ reverse: true })).map(({ line }) => line)).toEqual(lines.toReversed());
});

describe('a side object', () => {
  const long = 'x'.repeat(70_000);
  const object = (line: string) => join(dir(), 'objects', `${(JSON.parse(line) as { object: string }).object.slice('sha256:'.length)}.json`);
  beforeEach(async () => write(await open(), { kind: 'decision', members: `"x":"${long}"` }));

  test('gives its members to the record', async () => {
    const [record] = await read();
    expect(record!.record).toEqual({ ...(JSON.parse(record!.line) as object), x: long });
  });

  test('that was changed or removed is an error', async () => {
    const path = object((await read())[0]!.line);
    writeFileSync(path, '{"x":"y"}');
    await expect(read()).rejects.toThrow(`its side object ${path} has been changed`);
    rmSync(path);
    await expect(read()).rejects.toThrow(/:1: its side object .* is missing/);
  });
});

test('following gives what is there, then what is appended, also in the next segment, until it is aborted', async () => {
  const log = await open({ maxSegmentBytes: 200 });
  await write(log, decision(0));
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const { index } of readLog(dir(), { follow: true, signal: stop.signal })) {
    seen.push(index);
    if (index < 4) await write(log, decision(index + 1));
    else stop.abort();
  }
  expect([seen, segmentsOf(dir()).length]).toEqual([[0, 1, 2, 3, 4], 3]);
});

test('following stops at the limit, and does not go backwards', async () => {
  await write(await open(), decision(0));
  expect(await indexes({ follow: true, limit: 1 })).toEqual([0]);
  await expect(indexes({ follow: true, reverse: true })).rejects.toThrow(TypeError);
});
