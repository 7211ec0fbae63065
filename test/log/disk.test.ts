import { tmpdir } from 'node:os';
import { diskUsage, watchDisk, type DiskUsage } from '../../src/log/disk.ts';

const usage = (used: number): DiskUsage => ({ used, freeBytes: 1, totalBytes: 2, isAlarming: used >= 0.8 });

test('a real file system has some space, and its numbers agree', async () => {
  const { used, freeBytes, totalBytes, isAlarming } = await diskUsage(tmpdir());
  expect([used > 0 && used <= 1, freeBytes < totalBytes, isAlarming === used >= 0.8]).toEqual([true, true, true]);
});

test('a disk that fills up is told once, and once that it has space again; what can\'t be looked at changes nothing', async () => {
  const looks = [usage(0.5), usage(0.81), usage(0.95), 'gone', usage(0.9), usage(0.79), usage(0.5), usage(0.8)];
  const told: number[] = [];
  const done = Promise.withResolvers<void>();
  const watch = watchDisk({
    dir: '/', everyMs: 1, onChange: ({ used }) => told.push(used),
    look: async () => {
      const next = looks.shift();
      if (looks.length === 0) done.resolve();
      if (next === undefined || typeof next === 'string') throw new Error('EIO');
      return next;
    },
  });
  await done.promise;
  await new Promise((resolve) => { setImmediate(resolve); });
  expect(told).toEqual([0.81, 0.79, 0.8]);
  expect(watch.usage()).toEqual(usage(0.8));
  watch.close();
});

test('F21: what is told of the disk is at most five seconds old, and a look that hangs is not followed by another', async () => {
  let nowMs = 0;
  let looks = 0;
  const hung = Promise.withResolvers<DiskUsage>();
  const watch = watchDisk({
    dir: '/', everyMs: 1, onChange() {}, monotonic: () => nowMs,
    look: async () => (looks++ === 0 ? usage(0.5) : hung.promise),
  });
  expect(watch.usage()).toBeUndefined();
  await new Promise((resolve) => { setImmediate(resolve); });
  nowMs = 5000;
  expect(watch.usage()).toEqual(usage(0.5));
  nowMs = 5001;
  expect(watch.usage()).toBeUndefined();
  while (looks < 2) await new Promise((resolve) => { setTimeout(resolve, 1); });
  await new Promise((resolve) => { setTimeout(resolve, 20); });
  expect(looks).toBe(2);
  hung.resolve(usage(0.6));
  await hung.promise;
  watch.close();
});

test('F21: the disk is looked at often enough for that', async () => {
  jest.useFakeTimers();
  try {
    const watch = watchDisk({ dir: '/', onChange() {}, monotonic: () => Date.now(), look: async () => usage(0.5) });
    await jest.advanceTimersByTimeAsync(1);
    for (let seconds = 0; seconds < 60; seconds += 0.5) {
      expect(watch.usage()).toEqual(usage(0.5));
      await jest.advanceTimersByTimeAsync(500);
    }
    watch.close();
  } finally {
    jest.useRealTimers();
  }
});
