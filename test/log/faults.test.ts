import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLog } from '../../src/log/log.ts';
import type { Entry } from '../../src/log/types.ts';
import { AT_MS, decision, diskError, inFolder, readSegment, recordsOf, segmentsOf, watchedFiles, write, type Call } from './support.ts';
import { mountTest, withTmpfs } from './tmpfs.ts';

const { dir, open } = inFolder();

const unavailable = (message: RegExp, retryAfterSeconds?: number) => expect.objectContaining({ code: 'audit_unavailable', message: expect.stringMatching(message), retryAfterSeconds });
const outcomes = async (promises: readonly Promise<unknown>[]) => (await Promise.allSettled(promises)).map(({ status }) => status);

/** Files on which `op` fails with `code` while `isBroken()`. */
function failing(op: Call['op'], code: string) {
  const state = { isBroken: false };
  const watched = watchedFiles((call) => {
    if (state.isBroken && call.op === op) throw diskError(code);
  });
  return { ...watched, state };
}

describe.each([
  { op: 'datasync', code: 'EIO', reason: /^the log can't be synced \(EIO\)/ },
  { op: 'datasync', code: 'ENOSPC', reason: /^the log can't be synced \(ENOSPC\)/ },
  { op: 'write', code: 'EIO', reason: /^the log can't be written \(EIO\)/ },
  { op: 'write', code: 'EROFS', reason: /^the log can't be written \(EROFS\)/ },
] as const)('$code of $op', ({ op, code, reason }) => {
  test('is final: what is queued and what comes is refused, and that file is synced no more', async () => {
    const { files, state, calls } = failing(op, code);
    let nowMs = AT_MS;
    const log = await open({ files, now: () => nowMs });
    await write(log, decision(0));
    state.isBroken = true;
    const lost = [log.append(decision(1)), log.append(decision(2))].map(({ durable }) => durable);
    await expect(lost[0]).rejects.toEqual(unavailable(reason));
    expect(await outcomes(lost)).toEqual(['rejected', 'rejected']);

    state.isBroken = false;
    nowMs += 3_600_000;
    calls.splice(0);
    expect(() => log.append(decision(3))).toThrow(unavailable(reason));
    await log.probe();
    expect([log.failure(), log.queued(), log.size()]).toEqual([expect.stringMatching(reason), 0, 1]);
    await log.close();
    expect(calls.filter((call) => call.op === 'datasync' || call.op === 'sync' || call.op === 'write')).toEqual([]);
    expect(recordsOf(dir()).map(({ n }) => n)).toEqual([0]);
  });

  test('is over after a restart', async () => {
    const { files, state } = failing(op, code);
    const log = await open({ files });
    await write(log, decision(0));
    state.isBroken = true;
    await outcomes([log.append(decision(1)).durable]);
    await log.close();
    await write(await open(), decision(2));
    expect(recordsOf(dir()).map(({ index, n }) => [index, n])).toEqual([[0, 0], [1, 2]]);
  });
});

describe.each(['ENOSPC', 'EDQUOT'])('%s of a write', (code) => {
  const broken = async () => {
    const { files, state, calls } = failing('write', code);
    const clock = { nowMs: AT_MS };
    const log = await open({ files, now: () => clock.nowMs, onSegment: () => [{ kind: 'bundle_activated', members: '' }] });
    await write(log, decision(0));
    state.isBroken = true;
    return { log, state, clock, calls };
  };
  const reason = new RegExp(`^the log can't be written \\(${code}\\)`);

  test('refuses all, is tried again at most once a second, and is told by a gap record once there is space', async () => {
    const { log, state, clock, calls } = await broken();
    await expect(Promise.all([log.append(decision(1)).durable, log.append(decision(2)).durable])).rejects.toEqual(unavailable(reason, 1));
    expect([log.failure(), log.size()]).toEqual([expect.stringMatching(reason), 1]);

    calls.splice(0);
    clock.nowMs += 999;
    expect(() => log.append(decision(3))).toThrow(unavailable(reason, 1));
    expect(calls).toEqual([]);

    clock.nowMs += 1;
    await expect(log.append(decision(4)).durable).rejects.toEqual(unavailable(reason, 1));
    expect(calls.length).toBeGreaterThan(0);
    expect(() => log.append(decision(5))).toThrow(unavailable(reason, 1));

    state.isBroken = false;
    clock.nowMs += 1000;
    const { durable } = log.append(decision(6));
    expect(log.failure()).toEqual(expect.stringMatching(reason)); // not known yet
    const index = await durable;
    expect([log.failure(), index, log.size()]).toEqual([undefined, 3, 4]);
    expect(recordsOf(dir()).map(({ index: at, kind, n, refused, since, reason: why }) => ({ at, kind, n, refused, since, why }))).toEqual([
      { at: 0, kind: 'decision', n: 0 },
      { at: 1, kind: 'gap', refused: 5, since: new Date(AT_MS).toISOString(), why: code },
      { at: 2, kind: 'bundle_activated' },
      { at: 3, kind: 'decision', n: 6 },
    ]);
    expect(segmentsOf(dir())).toHaveLength(2);
  });

  test('is over after a probe, which needs no traffic', async () => {
    const { log, state, clock } = await broken();
    await outcomes([log.append(decision(1)).durable]);
    clock.nowMs += 1000;
    await log.probe();
    expect(log.failure()).toEqual(expect.stringMatching(reason));
    state.isBroken = false;
    await log.probe(); // within a second of the last try
    expect(log.failure()).toEqual(expect.stringMatching(reason));
    clock.nowMs += 1000;
    await Promise.all([log.probe(), log.probe()]);
    expect(log.failure()).toBeUndefined();
    expect(recordsOf(dir()).map(({ kind, refused }) => [kind, refused])).toEqual([['decision', undefined], ['gap', 1], ['bundle_activated', undefined]]);
  });

  test('a clock set back does not stop the tries', async () => {
    const { log, state, clock } = await broken();
    await outcomes([log.append(decision(1)).durable]);
    state.isBroken = false;
    clock.nowMs -= 86_400_000;
    await log.append(decision(2)).durable;
    expect(log.failure()).toBeUndefined();
  });
});

test('part of a group that was written before space ran out is cut off', async () => {
  let state: 'sound' | 'partial' | 'full' = 'sound';
  const { files } = watchedFiles(({ op }) => {
    if (op === 'write' && state === 'full') throw diskError('ENOSPC');
    if (op === 'write' && state === 'partial') state = 'full';
  });
  const partial = { ...files, open: async (...args: Parameters<typeof files.open>) => {
    const file = await files.open(...args);
    return { ...file, write: (bytes: Uint8Array) => file.write(state === 'sound' ? bytes : bytes.subarray(0, bytes.length - 1)) };
  } };
  let nowMs = AT_MS;
  const log = await open({ files: partial, now: () => nowMs });
  await write(log, decision(0));
  const before = readSegment(dir(), segmentsOf(dir())[0]!);
  state = 'partial';
  expect(await outcomes([log.append(decision(1)).durable, log.append(decision(2)).durable])).toEqual(['rejected', 'rejected']);
  expect(readSegment(dir(), segmentsOf(dir())[0]!).length).toBeGreaterThan(before.length);
  state = 'sound';
  nowMs += 1000;
  await write(log, decision(3));
  expect(readSegment(dir(), segmentsOf(dir())[0]!)).toBe(before);
  expect(recordsOf(dir()).map(({ index, n }) => [index, n])).toEqual([[0, 0], [1, undefined], [2, 3]]);
});

test.each<readonly [string, string, Call['op'], string]>([
  ['ENOSPC', 'the next segment can\'t be made', 'open', '00000000000000000001.ndjson'],
  ['ENOSPC', 'a side object can\'t be written', 'write', 'unfinished'],
  ['EMFILE', 'the next segment can\'t be opened', 'open', '00000000000000000001.ndjson'],
  ['ENFILE', 'the folder of the segments can\'t be opened', 'open', 'segments'],
  ['EMFILE', 'a side object can\'t be opened', 'open', 'unfinished'],
])('%s when %s passes too', async (code, _name, op, name) => {
  let isBroken = false;
  const { files } = watchedFiles((call) => {
    if (isBroken && call.op === op && call.name === name) throw diskError(code);
  });
  let nowMs = AT_MS;
  const log = await open({ files, now: () => nowMs, maxSegmentBytes: 1 });
  await write(log, decision(0));
  isBroken = true;
  const long: Entry = { kind: 'decision', members: `"x":"${'x'.repeat(70_000)}"` };
  expect(await outcomes([log.append(long).durable])).toEqual(['rejected']);
  isBroken = false;
  nowMs += 1000;
  await write(log, long);
  expect(recordsOf(dir()).map(({ index, kind }) => [index, kind])).toEqual([[0, 'decision'], [1, 'gap'], [2, 'decision']]);
});

test('whoever does not wait for a record brings nothing down when it is lost', async () => {
  const { files, state } = failing('datasync', 'EIO');
  const log = await open({ files });
  state.isBroken = true;
  log.append(decision(0));
  await log.close();
  expect(log.size()).toBe(0);
});

test('a directory below a file can\'t hold a log', async () => {
  writeFileSync(join(dir(), 'file'), '');
  await expect(openLog({ dir: join(dir(), 'file', 'log'), now: () => AT_MS })).rejects.toThrow(/ENOTDIR.*file/);
});

mountTest('a real file system that runs full loses no acknowledged record, and the log goes on when it is freed', () => withTmpfs('size=512k', async (small) => {
  const ballast = join(small, 'ballast');
  writeFileSync(ballast, Buffer.alloc(256 * 1024));
  let nowMs = AT_MS;
  const log = await open({ dir: join(small, 'log'), now: () => nowMs });
  const acknowledged: number[] = [];
  let refused = 0;
  for (let n = 0; refused === 0; n += 1) {
    const group = Array.from({ length: 10 }, (_, i) => n * 10 + i);
    const results = await Promise.allSettled(group.map((id) => log.append({ kind: 'decision', members: `"n":${id},"x":"${'x'.repeat(500)}"` }).durable));
    acknowledged.push(...group.filter((_, i) => results[i]!.status === 'fulfilled'));
    refused += results.filter(({ status }) => status === 'rejected').length;
  }
  expect(log.failure()).toMatch(/ENOSPC/);
  nowMs += 1000;
  await log.probe();
  expect(log.failure()).toMatch(/ENOSPC/);

  rmSync(ballast);
  nowMs += 1000;
  await write(log, decision(-1));
  expect(log.failure()).toBeUndefined();
  await log.close();
  const records = recordsOf(join(small, 'log'));
  expect(records.map(({ index }) => index)).toEqual(records.map((_, index) => index));
  expect(records.map(({ kind, n, refused: count }) => (kind === 'gap' ? { refused: count } : n))).toEqual([...acknowledged, { refused }, -1]);
}));
