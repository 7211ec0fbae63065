import { AT_MS, decision, inFolder, recordsOf, watchedFiles, write } from './support.ts';

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

const refused = (message: string) => expect.objectContaining({ code: 'audit_unavailable', retryAfterSeconds: 1, message: expect.stringContaining(message) as string });

test('a disk that hangs: what waits is bounded, after ten seconds nothing more is taken, and when it answers all that waited is acknowledged and the rest is a gap', async () => {
  const { files, state } = hanging();
  let monotonicMs = 0;
  const log = await open({ files, monotonic: () => monotonicMs, maxQueued: { records: 10, bytes: 1e9 } });
  await write(log, decision(0));
  state.isHanging = true;
  const waiting = [log.append(decision(1))];
  await state.reached.promise;
  while (log.queued() < 9) waiting.push(log.append(decision(1 + waiting.length)));
  monotonicMs = 9_999;
  expect(log.failure()).toBeUndefined();
  waiting.push(log.append(decision(10)));
  expect(() => log.append(decision(11))).toThrow(refused('too many records wait'));
  monotonicMs = 10_000;
  expect(() => log.append(decision(12))).toThrow(refused('the disk has not taken the records before for too long'));
  expect([log.failure(), log.queued()]).toEqual([expect.stringContaining('for too long'), 10]);
  await log.probe();
  expect(log.queued()).toBe(10);

  state.isHanging = false;
  state.release();
  await Promise.all(waiting.map(({ durable }) => durable));
  expect(log.failure()).toBeUndefined();
  await write(log, decision(13));
  expect(recordsOf(dir()).map(({ n, kind, refused: count, reason, since }) => (kind === 'gap' ? { count, reason, since } : n))).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, { count: 2, reason: 'queue_full', since: new Date(AT_MS).toISOString() }, 13,
  ]);
});

test('each group is given its own time: a slow disk that answers is none that hangs', async () => {
  const { files, state } = hanging();
  let monotonicMs = 0;
  const log = await open({ files, monotonic: () => monotonicMs });
  state.isHanging = true;
  for (let n = 0; n < 3; n += 1) {
    state.reached = Promise.withResolvers();
    const { durable } = log.append(decision(n));
    await state.reached.promise;
    monotonicMs += 6000;
    expect(log.failure()).toBeUndefined();
    state.release();
    await durable;
  }
  expect(recordsOf(dir()).map(({ n }) => n)).toEqual([0, 1, 2]);
});
