import { rmSync } from 'node:fs';
import { version } from './keep-support.ts';
import { inSync } from './sync-support.ts';

const { answer, open, pass, file, names, edit, state } = inSync();

/** Three generations, the third decides. */
async function three(options: Parameters<typeof open>[0] = {}) {
  answer({ data: version(1) }, { data: version(2) }, { data: version(3) });
  const opened = await open(options);
  for (let i = 0; i < 3; i += 1) await opened.poll();
  return opened;
}

test('rollback pins the last generation before the active one, whoever decides by it takes it, and polls go on', async () => {
  const { sync, active, seen, status, poll } = await three();
  const pinned = await sync.rollback('production');
  expect([pinned.number, active()!.number, seen.at(-1)!.number, status().pinned]).toEqual([2, 2, 2, 2]);
  expect(status().revocationBoundMs).toBeUndefined(); // what is revoked now is not followed
  const before = active()!.ageMs();
  expect(before).toBe(15_000); // it was last read one poll ago

  answer({ data: version(4) });
  expect(await poll()).toBe('stored');
  expect([active()!.number, status().newest, status().kept]).toEqual([2, 4, [1, 2, 3, 4]]);
  expect(active()!.ageMs()).toBe(30_000);
  expect(seen.map(({ number }) => number)).toEqual([1, 2, 3, 2]);
});

test('the age of the pinned one is renewed only by a read of the same content', async () => {
  const { sync, active, poll } = await three();
  await sync.rollback('production', 1);
  expect(await poll()).toBe('stored');
  expect(active()!.ageMs()).toBe(45_000);
  answer({ data: version(1) });
  expect(await poll()).toBe('stored');
  expect([active()!.number, active()!.ageMs()]).toEqual([1, 0]);
});

test('resume lets the newest verified one decide', async () => {
  const { sync, active, status, seen, poll } = await three();
  await sync.rollback('production', 1);
  answer({ data: version(4) });
  await poll();
  expect((await sync.resume('production'))!.number).toBe(4);
  expect([active()!.number, status().pinned, seen.at(-1)!.number]).toEqual([4, undefined, 4]);
  expect(await poll()).toBe('unchanged');
  expect((await sync.resume('production'))!.number).toBe(4); // nothing is pinned
});

test('a pin survives a restart, is never pruned, and resume works from there', async () => {
  const before = await three({ keep: 2 });
  const pinned = await before.sync.rollback('production');
  await before.close();
  await pass(60_000);

  const { active, status, seen, sync, poll } = await open({ wanted: pinned.digest, keep: 2 });
  expect([active()!.number, status().pinned]).toEqual([2, 2]);
  expect(active()!.ageMs()).toBeGreaterThanOrEqual(60_000);
  for (const n of [5, 6, 7]) {
    answer({ data: version(n) });
    expect(await poll()).toBe('stored');
  }
  expect([active()!.number, seen.length, names()]).toEqual([2, 0, ['0000000002.ndjson', '0000000005.ndjson', '0000000006.ndjson', 'state.json']]);
  expect((await sync.resume('production'))!.number).toBe(6);
  expect(status().pinned).toBeUndefined();
});

test('a crash between the pin and its record: after the restart it is done and recorded', async () => {
  const before = await three();
  const digest = before.active()!.digest;
  await before.close();
  edit(state(), (text) => JSON.stringify({ ...JSON.parse(text), pinned: 1 }));
  answer({ data: version(3) });
  const { active, seen, status, poll } = await open({ wanted: digest });
  expect(active()!.number).toBe(3); // what the log names
  await poll();
  expect([active()!.number, seen.map(({ number }) => number), status().pinned]).toEqual([1, [1], 1]);
});

test('what can\'t be pinned changes nothing, and says why', async () => {
  const { sync, active, status } = await three();
  edit(file(1), (text) => text.replace('"version":1', '"version":9'));
  rmSync(file(2));
  await expect(sync.rollback('production', 1)).rejects.toMatchObject({ name: 'SyncError', kind: 'disk', message: expect.stringContaining('0000000001.ndjson: changed: its digest is') });
  await expect(sync.rollback('production', 2)).rejects.toThrow('0000000002.ndjson: missing');
  await expect(sync.rollback('production', 77)).rejects.toThrow('has no generation 77; there are only');
  await expect(sync.rollback('elsewhere')).rejects.toThrow('elsewhere: Permit administers no environment of this name');
  expect([active()!.number, status().pinned]).toEqual([3, undefined]);
});

test('without an earlier generation there is nothing to go back to', async () => {
  answer({ data: version(1) });
  const { sync, poll } = await open();
  await poll();
  await expect(sync.rollback('production')).rejects.toThrow('production: there is no earlier generation to go back to; kept are 1');
});

test('a rollback that could not be recorded is none', async () => {
  let broken = false;
  const { sync, active, status } = await three({
    onVerified() {
      if (broken) throw new Error('no record');
    },
  });
  broken = true;
  await expect(sync.rollback('production')).rejects.toMatchObject({ kind: 'activation' });
  expect([active()!.number, status().pinned]).toEqual([3, undefined]);
});
