import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_UNSIGNED_RECORDS } from '../../../src/log/tree/tree.ts';
import { decision, diskError, recordsOf, watchedFiles } from '../support.ts';
import { fill, inDataDir, startVerifier } from '../tree/support.ts';
import { hands, MAX_UNSIGNED } from './world.ts';

const verify = startVerifier();
const { data, dir, file, vkey, open } = inDataDir();
const unsignedOf = ({ size, signed }: { readonly size: number; readonly signed: number }) => size - signed;

describe('F22: what a start refuses, no running log leaves', () => {
  test('there is one number for both, for two seconds of what a machine writes at most', () => {
    expect(MAX_UNSIGNED_RECORDS).toBe(131_072);
  });

  test('by number: more records than a start takes are refused until these are signed, waiting ones too', async () => {
    const state = { isFull: true };
    const { files } = watchedFiles(({ op, name }) => {
      if (state.isFull && op === 'write' && name === 'checkpoints.ndjson') throw diskError('ENOSPC');
    });
    const log = await open({ files, maxUnsigned: MAX_UNSIGNED });
    const input = (n: number) => ({ digest: `d${n}`, members: () => `"digest":"d${n}"` });
    const outcomes = await Promise.all(
      Array.from({ length: 1000 }, async (_, n) => {
        try {
          await log.append({ ...decision(n), input: input(n) }).durable;
          return 'durable';
        } catch (error) {
          return (error as { code: string }).code;
        }
      }),
    );
    expect([...new Set(outcomes)]).toEqual(['durable', 'audit_unavailable']);
    for (;;)
      try {
        await log.append(decision(0)).durable;
      } catch {
        break;
      } // one by one, as far as it goes
    expect(log.failure()).toMatch(/checkpoints can't be written \(ENOSPC\)/);
    const left = unsignedOf(log.evidence!.status());
    expect([left > 8, left <= MAX_UNSIGNED]).toEqual([true, true]);
    // A switch that stops a vendor is no answer: for it there is room.
    await log.append({ kind: 'vendor_state', members: '"vendor":"mixpanel"' }).durable;
    expect(unsignedOf(log.evidence!.status())).toBeLessThanOrEqual(MAX_UNSIGNED);

    // Whatever kills it now: a start takes what it has left.
    const killed = join(data(), 'killed');
    for (const name of ['log', 'keys']) cpSync(join(data(), name), join(killed, name), { recursive: true });
    const again = await open({ dir: join(killed, 'log'), keysDir: join(killed, 'keys'), maxUnsigned: MAX_UNSIGNED });
    expect(again.evidence!.status()).toMatchObject({ size: log.size(), signed: log.size() });

    state.isFull = false;
    await log.evidence!.sign();
    await fill(log, 0, 3);
    await log.close();
    expect(recordsOf(dir()).filter(({ kind }) => kind === 'gap')).toMatchObject([{ reason: 'ENOSPC' }]);
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
  });

  test('by time: two seconds after a record that is not signed for nothing is answered until it is', async () => {
    const clock = { nowMs: 0 };
    const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const state = { isSlow: false };
    const { files } = watchedFiles(async ({ op, name }) => {
      if (!state.isSlow || op !== 'sync' || name !== 'checkpoint.tmp') return;
      held.resolve();
      await release.promise;
    });
    const log = await open({ files, signEveryMs: 1, monotonic: () => clock.nowMs });
    state.isSlow = true;
    await fill(log, 0, 5);
    await held.promise;
    clock.nowMs += 999;
    await fill(log, 5, 6);
    clock.nowMs += 1001;
    expect(() => log.append(decision(6))).toThrow(
      expect.objectContaining({ code: 'audit_unavailable', retryAfterSeconds: 1 }),
    );
    expect(log.failure()).toMatch(/on disk and not signed for yet/);
    await log.append({ kind: 'vendor_state', members: '"vendor":"mixpanel"' }).durable;
    release.resolve();
    await log.evidence!.sign();
    expect(log.failure()).toBeUndefined();
    await fill(log, 6, 7);
  });

  test('time in which this thread had no turn to sign in does not count', async () => {
    const clock = { nowMs: 0 };
    const log = await open({ signEveryMs: 1000, monotonic: () => clock.nowMs });
    await fill(log, 0, 5);
    clock.nowMs += 34_000;
    expect(log.failure()).toBeUndefined();
    await fill(log, 5, 6);
  });

  test('a log that is written fast is signed at a quarter of the number, whatever the time', async () => {
    const log = await open({ maxUnsigned: 4096 });
    await fill(log, 0, 1000);
    expect(log.evidence!.status().signed).toBe(0);
    for (let at = 1000; log.evidence!.status().signed === 0; at += 10) await fill(log, at, at + 10);
    expect(log.evidence!.status().signed).toBeLessThan(2000);
  });
});

describe('F22: more unsigned records than a crash leaves', () => {
  /** Signed for at 100, and so many by another hand. */
  async function forged(count: number): Promise<void> {
    const log = await open();
    await fill(log, 0, 100);
    await log.close();
    hands(dir()).append(count);
  }

  test('as many as a crash leaves are signed', async () => {
    await forged(MAX_UNSIGNED);
    const log = await open({ maxUnsigned: MAX_UNSIGNED });
    expect([log.evidence!.opening.unsigned, log.evidence!.status()]).toEqual([
      { from: 100, to: 164 },
      { size: 164, signed: 164 },
    ]);
  });

  test('one more is refused, by place, with what an operator may do; it signs nothing', async () => {
    await forged(MAX_UNSIGNED + 1);
    const before = readFileSync(file('checkpoints.ndjson'));
    await expect(open({ maxUnsigned: MAX_UNSIGNED })).rejects.toThrow(
      new RegExp(
        `${file('segments')}/0+\\.ndjson:101: no checkpoint covers records 100 to 164: 65, and a log that is ` +
          `written leaves at most 64\\. .*"sluice log accept-unsigned --because …", which is recorded`,
      ),
    );
    expect(readFileSync(file('checkpoints.ndjson')).equals(before)).toBe(true);
  });

  test('they are signed where an operator says why, by a record that an auditor is told of; it starts again', async () => {
    await forged(MAX_UNSIGNED + 1);
    const log = await open({ maxUnsigned: MAX_UNSIGNED, acceptUnsigned: 'the disk was full on Monday' });
    await log.close();
    expect(recordsOf(dir()).at(-1)).toMatchObject({
      index: 165,
      kind: 'recovered',
      what: 'unsigned_accepted',
      from: 100,
      to: 165,
      because: 'the disk was full on Monday',
    });
    const { wrong, notes, signed } = await verify(dir(), { vkey: vkey() });
    expect([wrong, signed, notes]).toEqual([
      [],
      166,
      [
        expect.stringMatching(
          /:166: records 100 to 164 followed the last checkpoint, more .*, and an operator had them signed: the disk was full/,
        ),
      ],
    ]);
    await (await open({ maxUnsigned: MAX_UNSIGNED })).close();
  });

  test('the act lifts nothing else: a tile that contradicts them, a record that was signed, an older log', async () => {
    await forged(300);
    const log = hands(dir());
    log.put('tile/0/000', Buffer.alloc(8192, 7));
    await expect(open({ acceptUnsigned: 'so' })).rejects.toThrow(
      /ndjson:1: record 0 is not the one whose hash .*tile\/0\/000 holds/,
    );
    log.remove('tile');
    log.edit(log.last(), (lines) => lines.with(7, lines[7]!.replace('"n":7', '"n":8')));
    await expect(open({ acceptUnsigned: 'so' })).rejects.toThrow(
      /the 100 records are not those that the last checkpoint signs|record 7 is not the one that was signed/,
    );
    log.edit(log.last(), (lines) => lines.with(7, lines[7]!.replace('"n":8', '"n":7')));
    log.rollBack(0);
    await expect(open({ acceptUnsigned: 'so' })).rejects.toThrow(
      /signs for 0 records, but .*log\.checkpoint, the copy of the newest checkpoint, for 100/,
    );
  });

  test('where there are none the act does nothing', async () => {
    await forged(0);
    const log = await open({ acceptUnsigned: 'so' });
    expect(log.evidence!.status()).toEqual({ size: 100, signed: 100 });
  });
});
