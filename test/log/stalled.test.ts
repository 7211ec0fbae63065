import { setImmediate as turn } from 'node:timers/promises';
import { TICK_MS } from '../../src/log/write/stopwatch.ts';
import { AT_MS, decision, inFolder, recordsOf, segmentsOf, watchedFiles, write } from './support.ts';

const { dir, open } = inFolder();

/** A disk that does not answer an fdatasync before it is told to. */
function hanging() {
  const state = { isHanging: false, release: () => {}, reached: Promise.withResolvers<void>() };
  const watched = watchedFiles(({ op }) => {
    if (!state.isHanging || op !== 'datasync') return undefined;
    const held = Promise.withResolvers<void>();
    state.release = held.resolve;
    state.reached.resolve();
    return held.promise;
  });
  return { ...watched, state };
}

/** A clock that goes on by hand: while the thread runs, and while it is blocked. */
function byHand() {
  const ticks = new Set<() => void>();
  const clock = {
    nowMs: 0,
    ticking: (tick: () => void) => {
      ticks.add(tick);
      return () => void ticks.delete(tick);
    },
    monotonic: () => clock.nowMs,
    run(ms: number) {
      for (const until = clock.nowMs + ms; clock.nowMs < until;) {
        clock.nowMs = Math.min(until, clock.nowMs + TICK_MS);
        for (const tick of ticks) tick();
      }
    },
    block(ms: number) {
      clock.nowMs += ms;
    },
  };
  return clock;
}

const refused = (message: string) => expect.objectContaining({ code: 'audit_unavailable', retryAfterSeconds: 1, message: expect.stringContaining(message) as string });

test('a disk that hangs: what waits is bounded, after ten seconds nothing more is taken, and when it answers all that waited is acknowledged and the rest is a gap', async () => {
  const { files, state } = hanging();
  const clock = byHand();
  const told: (string | undefined)[] = [];
  const log = await open({ files, ...clock, maxQueued: { records: 10, bytes: 1e9 }, onWritable: (problem) => told.push(problem) });
  await write(log, decision(0));
  state.isHanging = true;
  const waiting = [log.append(decision(1))];
  await state.reached.promise;
  while (log.queued() < 9) waiting.push(log.append(decision(1 + waiting.length)));
  clock.run(9_999);
  expect(log.failure()).toBeUndefined();
  waiting.push(log.append(decision(10)));
  expect(() => log.append(decision(11))).toThrow(refused('too many records wait'));
  clock.run(1);
  expect(() => log.append(decision(12))).toThrow(refused('the disk has not taken the records before for too long'));
  expect([log.failure(), log.queued()]).toEqual([expect.stringContaining('for too long'), 10]);
  await log.probe();
  clock.run(1000);
  expect([log.queued(), told]).toEqual([10, [expect.stringContaining('for too long')]]);

  state.isHanging = false;
  state.release();
  await Promise.all(waiting.map(({ durable }) => durable));
  await turn();
  expect([log.failure(), told]).toEqual([undefined, [expect.stringContaining('for too long'), undefined]]);
  await write(log, decision(13));
  expect(recordsOf(dir()).map(({ n, kind, refused: count, reason, since }) => (kind === 'gap' ? { count, reason, since } : n))).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, { count: 2, reason: 'queue_full', since: new Date(AT_MS).toISOString() }, 13,
  ]);
});

test('each group is given its own time: a slow disk that answers is none that hangs', async () => {
  const { files, state } = hanging();
  const clock = byHand();
  const log = await open({ files, ...clock });
  state.isHanging = true;
  for (let n = 0; n < 3; n += 1) {
    state.reached = Promise.withResolvers();
    const { durable } = log.append(decision(n));
    await state.reached.promise;
    clock.run(6000);
    expect(log.failure()).toBeUndefined();
    state.release();
    await durable;
  }
  expect(recordsOf(dir()).map(({ n }) => n)).toEqual([0, 1, 2]);
});

test('F24: a thread that was blocked has heard nothing of the disk: that is no disk that hangs, but one that hangs meanwhile is', async () => {
  const { files, state } = hanging();
  const clock = byHand();
  const told: (string | undefined)[] = [];
  const log = await open({ files, ...clock, onWritable: (problem) => told.push(problem) });
  state.isHanging = true;
  const first = log.append(decision(0));
  await state.reached.promise;
  for (let times = 0; times < 10; times += 1) {
    clock.block(34_000);
    expect(log.failure()).toBeUndefined();
    clock.run(TICK_MS);
  }
  const second = log.append(decision(1));
  clock.run(8000);
  expect([log.failure(), told]).toEqual([expect.stringContaining('for too long'), [expect.stringContaining('for too long')]]);
  state.isHanging = false;
  state.release();
  expect(await Promise.all([first.durable, second.durable])).toEqual([0, 1]);
});

describe('F24: what goes ahead', () => {
  const act = { kind: 'vendor_state', members: '"vendor":"x"' } as const;
  const activation = { kind: 'snapshot_activated', members: '"n":"now"' } as const;

  test('the kill switch is written before all questions that wait, and is not refused for a full queue; its activation keeps its place', async () => {
    const { files, state } = hanging();
    const log = await open({ files, maxQueued: { records: 20_000, bytes: 1e9 } });
    state.isHanging = true;
    const waiting = [log.append(decision(0))];
    await state.reached.promise;
    while (log.queued() < 20_000) waiting.push(log.append(decision(waiting.length)));
    expect(() => log.append(decision(-1))).toThrow(refused('too many records wait'));
    const [switched, activated] = [log.append(act), log.append(activation)];
    state.isHanging = false;
    state.release();
    expect(await switched.durable).toBe(2); // behind a gap record
    expect(log.queued()).toBeGreaterThan(10_000);
    expect(await activated.durable).toBe(20_002);
    expect(await Promise.all(waiting.slice(0, 3).map(({ durable }) => durable))).toEqual([0, 3, 4]);
    expect(recordsOf(dir()).map(({ kind, n }) => n ?? kind).slice(0, 5)).toEqual([0, 'gap', 'vendor_state', 1, 2]);
  });

  test('a full queue keeps room for so many, and no more', async () => {
    const log = await open({ maxQueued: { records: 1, bytes: 1e9 } });
    const all = [log.append(decision(0)), ...Array.from({ length: 1024 }, () => log.append(act))];
    expect(() => log.append(act)).toThrow(refused('too many records wait'));
    await Promise.all(all.map(({ durable }) => durable));
    expect(log.failure()).toBeUndefined();
  });

  test('a segment that begins behind it begins with what was in force when its first record was appended', async () => {
    const { files, state } = hanging();
    let present = 'before';
    const log = await open({ files, maxSegmentBytes: 1, onSegment: () => [{ kind: 'bundle_activated', members: `"n":"${present}"` }] });
    await write(log, decision(0));
    state.isHanging = true;
    const all = [log.append(decision(1))];
    await state.reached.promise;
    all.push(log.append(decision(2)), log.append(act));
    present = 'after';
    all.push(log.append(decision(3)));
    state.isHanging = false;
    state.release();
    await Promise.all(all.map(({ durable }) => durable));
    expect(recordsOf(dir()).map(({ kind, n }) => n ?? kind)).toEqual([0, 'before', 1, 'before', 'vendor_state', 'before', 2, 'after', 3]);
    expect(segmentsOf(dir())).toHaveLength(5);
  });

  test('whoever asks much is told while much waits, and when less does', async () => {
    const { files, state } = hanging();
    const log = await open({ files, maxQueued: { records: 160, bytes: 1e9 } });
    state.isHanging = true;
    const all = [log.append(decision(0))];
    await state.reached.promise;
    while (log.queued() < 10) {
      expect(log.relief()).toBeUndefined();
      all.push(log.append(decision(all.length)));
    }
    const relief = log.relief();
    expect(relief).toBeDefined();
    state.isHanging = false;
    state.release();
    await relief;
    await Promise.all(all.map(({ durable }) => durable));
    expect(log.relief()).toBeUndefined();
    expect(log.queue()).toEqual({ records: 0, bytes: 0, maxRecords: 160, maxBytes: 1e9 });
  });
});
