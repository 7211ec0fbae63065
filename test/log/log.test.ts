import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createHash } from 'node:crypto';
import { AT_MS, decision, inFolder, readSegment, recordsOf, segmentsOf, watchedFiles, write } from './support.ts';

const { dir, open } = inFolder();

test('a line is the head, then the members as they are', async () => {
  const log = await open();
  await write(log, { kind: 'decision', members: '"decisionId":"01JD","decision":"deny"' }, { kind: 'stop', members: '' });
  expect(readSegment(dir(), '00000000000000000000.ndjson')).toBe([
    `{"v":1,"index":0,"time":"2026-11-22T12:00:00.000Z","origin":"${log.origin}","kind":"decision","decisionId":"01JD","decision":"deny"}\n`,
    `{"v":1,"index":1,"time":"2026-11-22T12:00:00.000Z","origin":"${log.origin}","kind":"stop"}\n`,
  ].join(''));
});

test('append gives the index once it is durable, in the order of the calls; size and queued count what waits', async () => {
  const log = await open();
  const appended = [decision(0), decision(1), decision(2)].map(log.append);
  expect({ size: log.size(), queued: log.queued() }).toEqual({ size: 3, queued: 3 });
  expect(await Promise.all(appended.map(({ durable }) => durable))).toEqual([0, 1, 2]);
  expect({ size: log.size(), queued: log.queued(), failure: log.failure() }).toEqual({ size: 3, queued: 0, failure: undefined });
  expect(recordsOf(dir()).map(({ index, n }) => [index, n])).toEqual([[0, 0], [1, 1], [2, 2]]);
});

test('nothing resolves before its group is synced, and what is appended meanwhile is one group more', async () => {
  const held = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const reached = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let syncs = 0;
  const { files, count } = watchedFiles(({ op }) => {
    if (op !== 'datasync') return undefined;
    reached[syncs]?.resolve();
    return held[syncs++]?.promise;
  });
  const log = await open({ files });
  const resolved: number[] = [];
  const append = (n: number) => log.append(decision(n)).durable.then(() => resolved.push(n));

  const first = [append(0), append(1)];
  await reached[0]!.promise;
  const second = [append(2), append(3), append(4)];
  await turn();
  expect({ resolved, writes: count('write'), onDisk: recordsOf(dir()).length }).toEqual({ resolved: [], writes: 1, onDisk: 2 });
  held[0]!.resolve();
  await Promise.all(first);
  await reached[1]!.promise;
  await turn();
  expect(resolved).toEqual([0, 1]);
  held[1]!.resolve();
  await Promise.all(second);
  expect({ resolved, writes: count('write'), syncs: count('datasync') }).toEqual({ resolved: [0, 1, 2, 3, 4], writes: 2, syncs: 2 });
});

test('a thousand appends of one turn of the event loop cost one write and one sync', async () => {
  const { files, count } = watchedFiles();
  const log = await open({ files });
  await Promise.all(Array.from({ length: 1000 }, (_, n) => log.append(decision(n)).durable));
  expect({ writes: count('write'), syncs: count('datasync') }).toEqual({ writes: 1, syncs: 1 });
});

test('the origin stays for the life of the directory; files are 0600, folders 0700', async () => {
  const first = await open();
  await first.close();
  const second = await open();
  expect(second.origin).toMatch(/^sluice\/[0-9a-f]{16}$/);
  expect(second.origin).toBe(first.origin);
  const modes = ['segments', 'objects', 'origin', 'segments/00000000000000000000.ndjson'].map((name) => (statSync(join(dir(), name)).mode & 0o777).toString(8));
  expect(modes).toEqual(['700', '700', '600', '600']);
});

test('close flushes what waits, may be called again, and nothing is appended after', async () => {
  const log = await open();
  const { durable } = log.append(decision(0));
  const closed = log.close();
  expect(() => log.append(decision(1))).toThrow(expect.objectContaining({ code: 'audit_unavailable', message: 'the log is closed' }));
  await Promise.all([durable, closed, log.close()]);
  expect(log.failure()).toBe('the log is closed');
  expect(recordsOf(dir()).map(({ n }) => n)).toEqual([0]);
});

test('a new log goes on where the last one stopped', async () => {
  const first = await open();
  await write(first, decision(0), decision(1));
  await first.close();
  const second = await open();
  const size = second.size();
  expect([size, await second.append(decision(2)).durable, second.recovered.truncatedBytes]).toEqual([2, 2, 0]);
  await second.close();
  expect(segmentsOf(dir())).toHaveLength(1);
  expect(recordsOf(dir()).map(({ index, n }) => [index, n])).toEqual([[0, 0], [1, 1], [2, 2]]);
});

describe('a full queue', () => {
  test.each([
    { name: 'of records', maxQueued: { records: 2, bytes: 1e9 } },
    { name: 'of bytes', maxQueued: { records: 1e9, bytes: 200 } },
  ])('$name refuses at once, says so, and is recorded as a gap', async ({ maxQueued }) => {
    const log = await open({ maxQueued });
    const queued = [log.append(decision(0)), log.append(decision(1))];
    for (const n of [2, 3]) expect(() => log.append(decision(n))).toThrow(expect.objectContaining({ code: 'audit_unavailable', retryAfterSeconds: 1 }));
    expect(log.failure()).toBe('too many records wait to be written');
    await Promise.all(queued.map(({ durable }) => durable));
    expect(log.failure()).toBeUndefined();
    expect(await log.append(decision(4)).durable).toBe(3);
    expect(recordsOf(dir()).map(({ kind, n, refused, since, reason }) => ({ kind, n, refused, since, reason })).slice(2)).toEqual([
      { kind: 'gap', refused: 2, since: new Date(AT_MS).toISOString(), reason: 'queue_full' },
      { kind: 'decision', n: 4 },
    ]);
  });

  test('is recorded by close when nothing follows', async () => {
    const log = await open({ maxQueued: { records: 1, bytes: 1e9 } });
    const { durable } = log.append(decision(0));
    expect(() => log.append(decision(1))).toThrow();
    await durable;
    await log.close();
    expect(recordsOf(dir()).map(({ kind }) => kind)).toEqual(['decision', 'gap']);
  });
});

describe('the longest line', () => {
  const padded = (log: { readonly origin: string }, lineBytes: number) => {
    const rest = Buffer.byteLength(`{"v":1,"index":0,"time":"2026-11-22T12:00:00.000Z","origin":"${log.origin}","kind":"decision","é":""}`);
    return `"é":"${'x'.repeat(lineBytes - rest)}"`;
  };

  test('65,535 bytes stay in the line', async () => {
    const log = await open();
    const members = padded(log, 65_535);
    await write(log, { kind: 'decision', members });
    const line = readSegment(dir(), segmentsOf(dir())[0]!).slice(0, -1);
    expect([Buffer.byteLength(line), line.endsWith(`,${members}}`)]).toEqual([65_535, true]);
  });

  test('65,536 bytes go to a side object that is on disk before the line is written', async () => {
    const { files, calls } = watchedFiles();
    const log = await open({ files });
    const members = padded(log, 65_536);
    calls.splice(0);
    await write(log, { kind: 'decision', members });

    const hex = createHash('sha256').update(`{${members}}`).digest('hex');
    expect(recordsOf(dir())).toEqual([{ v: 1, index: 0, time: '2026-11-22T12:00:00.000Z', origin: log.origin, kind: 'decision', object: `sha256:${hex}` }]);
    expect(readFileSync(join(dir(), 'objects', `${hex}.json`), 'utf8')).toBe(`{${members}}`);
    expect(calls.map(({ op, name }) => `${op} ${name}`)).toEqual([
      'open unfinished', 'write unfinished', 'sync unfinished', 'close unfinished', `rename ${hex}.json`,
      'open objects', 'sync objects', 'close objects',
      'write 00000000000000000000.ndjson', 'datasync 00000000000000000000.ndjson',
    ]);
  });
});

test('members with a newline would be two lines: refused as a bug, and nothing is lost by it', async () => {
  const log = await open();
  await expect(log.append({ kind: 'decision', members: '"a":\n1' }).durable).rejects.toThrow(TypeError);
  await write(log, decision(0));
  expect(recordsOf(dir()).map(({ index, n }) => [index, n])).toEqual([[0, 0]]);
});

describe('time', () => {
  test('never goes back, also across a restart; whoever asked is told once', async () => {
    const behind: number[] = [];
    let nowMs = AT_MS;
    const options = { now: () => nowMs, onClockBack: (byMs: number) => behind.push(byMs) };
    const first = await open(options);
    await write(first, decision(0));
    nowMs -= 5000;
    await write(first, decision(1), decision(2));
    await first.close();
    const second = await open(options);
    await write(second, decision(3));
    nowMs = AT_MS + 1;
    await write(second, decision(4));
    expect(recordsOf(dir()).map(({ time }) => Date.parse(String(time)) - AT_MS)).toEqual([0, 0, 0, 0, 1]);
    expect(behind).toEqual([5000, 5000]);
  });

  test('onClockBack may append', async () => {
    let nowMs = AT_MS;
    const log = await open({ now: () => nowMs, onClockBack: () => void log.append({ kind: 'clock_jump', members: '' }) });
    await write(log, decision(0));
    nowMs -= 1;
    await write(log, decision(1));
    await log.close();
    expect(recordsOf(dir()).map(({ kind }) => kind)).toEqual(['decision', 'decision', 'clock_jump']);
  });
});
