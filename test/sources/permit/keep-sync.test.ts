import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SCOPE, AT_MS, content, users, version } from './keep-support.ts';
import { BUILD, KEY, inSync } from './sync-support.ts';

const { answer, answers, noScript, open, pass, setWall, file, state, names, dir, edit, sim } = inSync();
const fileDigest = (number: number) => `sha256:${createHash('sha256').update(readFileSync(file(number))).digest('hex')}`;

describe('a verified read', () => {
  test('decides once whoever decides by it has taken it, and no network is asked before start', async () => {
    let release = () => {};
    let offered: number | undefined;
    const { sync, active, status, attempted } = await open({
      onVerified: (_, { number }) => new Promise<void>((resolve) => {
        offered = number;
        release = resolve;
      }),
    });
    await pass(100_000);
    expect([active(), status().lastAttempt]).toEqual([undefined, undefined]);
    answer({ data: version(1) });
    const ended = attempted();
    sync.start();
    await pass(0);
    while (offered === undefined) await new Promise(setImmediate);
    expect(active()).toBeUndefined();
    release();
    expect((await ended).lastAttempt).toMatchObject({ outcome: 'activated', requests: 2 });
    expect(active()).toMatchObject({ number: 1, digest: fileDigest(1), file: file(1) });
  });

  test('of another content makes another generation, of the same only renews the age', async () => {
    answer({ data: version(1) }, { data: version(1) }, { data: version(2) });
    const { active, seen, poll } = await open();
    expect(await poll()).toBe('activated');
    const first = active()!;
    await pass(10_000);
    expect(first.ageMs()).toBe(10_000);
    expect(await poll()).toBe('unchanged');
    expect([active()!.number, first.ageMs(), active()!.verifiedAtMs]).toEqual([1, 0, AT_MS + sim().now()]);
    expect(names()).toEqual(['0000000001.ndjson', 'state.json']);
    expect(await poll()).toBe('activated');
    expect(seen.map(({ number, digest }) => [number, digest])).toEqual([[1, fileDigest(1)], [2, fileDigest(2)]]);
  });

  test('tells what it cost, and what a revocation takes', async () => {
    answer({ data: version(1), requests: 60 });
    const { poll, status } = await open({ requestsPerMinute: 600 });
    await poll();
    const { requests, workedMs, revocationBoundMs, failures, kept, newest, unmapped, active, nextPollAtMs } = status();
    expect({ requests, failures, kept, newest, unmapped }).toEqual({ requests: 60, failures: 0, kept: [1], newest: 1, unmapped: 0 });
    expect(workedMs).toBeGreaterThan(0);
    expect(revocationBoundMs).toBeGreaterThanOrEqual(18_000);
    expect(active!.counts.users).toBe(1);
    expect(nextPollAtMs! - AT_MS - sim().now()).toBeGreaterThan(14_000);
  });

  test('waits for the budget on its way, and that is no work', async () => {
    answer({ data: version(1), requests: 700 });
    const { poll, status } = await open({ requestsPerMinute: 600 });
    const ended = poll();
    while (!status().active) {
      await new Promise(setImmediate);
      await pass(100);
    }
    await ended;
    expect(sim().now()).toBeGreaterThanOrEqual(10_000);
    expect(status().workedMs).toBeLessThan(10_000);
  }, 30_000);

  test('in two environments is taken one after the other', async () => {
    answers({ [KEY]: [{ data: version(1) }], other: [{ data: { ...version(2), scope: { ...SCOPE, environment: 'env-staging' } } }] });
    const order: string[] = [];
    const { sync, attempted } = await open({
      environments: new Map([['production', { key: KEY }], ['staging', { key: 'other' }]]),
      async onVerified(environment) {
        order.push(`${environment} in`);
        await new Promise(setImmediate);
        order.push('out');
      },
    });
    const both = Promise.all([attempted(), attempted()]);
    sync.start();
    await pass(0);
    await both;
    expect(order.filter((one) => one === 'out')).toHaveLength(2);
    expect(order[1]).toBe('out');
    expect(['production', 'staging'].map((environment) => sync.active(environment)?.number)).toEqual([1, 1]);
  });
});

describe('a poll that fails', () => {
  test.each([
    ['key', 'the key is refused'], ['unreachable', 'no answer within 10 s'], ['limited', '429'], ['invalid', 'an answer that is no list'], ['unstable', 'the lists kept moving'],
  ] as const)('%s: what was good decides on, older, and the next good one applies', async (kind, message) => {
    answer({ data: version(1) }, { fails: { kind, message } }, { data: version(2) });
    const { active, status, seen, poll } = await open();
    await poll();
    expect(await poll()).toBe(kind);
    expect(status()).toMatchObject({ failures: 1, lastAttempt: { outcome: kind, message } });
    expect([active()!.number, active()!.ageMs(), names().length]).toEqual([1, sim().now(), 2]);
    expect(await poll()).toBe('activated');
    expect([active()!.number, seen.length, status().failures]).toEqual([2, 2, 0]);
  });

  test('inside Sluice tells the kind of the error alone', async () => {
    answer({ fails: { kind: 'bug', message: 'user|sam has { secret }' } });
    const { status, poll } = await open();
    expect(await poll()).toBe('worker');
    expect(status().lastAttempt!.message).toBe('the read failed inside Sluice (TypeError)');
  });

  test.each([
    ['exit', 'it ended with code 3'], ['throw', 'TypeError'], ['memory', 'it needed more than 40 MB'],
  ] as const)('since its thread died (%s) is one, and the next has a new thread', async (dies, why) => {
    answer({ data: version(1) }, { dies });
    const { active, status, poll } = await open({ memoryMb: 40 });
    await poll();
    expect(await poll()).toBe('worker');
    expect(status().lastAttempt!.message).toBe(`the thread that reads Permit died: ${why}; it is started again with the next poll`);
    expect(active()!.number).toBe(1);
    answer({ data: version(1) }, { data: version(2) });
    expect([await poll(), await poll(), active()!.number]).toEqual(['unchanged', 'activated', 2]);
  });

  test('since it can\'t be put to use leaves what decided, and is tried again', async () => {
    answer({ data: version(1) }, { data: version(2) });
    let broken = false;
    const { active, status, poll } = await open({
      onVerified() {
        if (broken) throw new RangeError('disk full');
      },
    });
    await poll();
    broken = true;
    expect(await poll()).toBe('activation');
    expect(status().lastAttempt!.message).toBe('generation 2 was read, but could not be put to use: RangeError');
    expect(active()!.number).toBe(1);
    broken = false;
    expect(await poll()).toBe('activated');
    expect([active()!.number, status().kept]).toEqual([2, [1, 2]]);
  });
});

describe('the build step', () => {
  test('gives what decides, in shared memory', async () => {
    answer({ data: content({ users: users(7) }) });
    const { active, poll } = await open({ build: BUILD });
    await poll();
    const { environment, count } = active()!.message as { environment: string; count: Int32Array };
    expect([environment, count[0], Object.prototype.toString.call(count.buffer)]).toEqual(['production', 7, '[object SharedArrayBuffer]']);
  });

  test.each([
    ['user|twice', 'user:twice is both a user and an instance'],
    ['user|bug', 'the content can\'t be used (TypeError)'],
  ])('that fails for %s keeps the content out, from disk too', async (key, message) => {
    answer({ data: version(1) }, { data: content({ users: [{ key, attributes: {} }] }) });
    const { active, status, poll, close } = await open({ build: BUILD });
    await poll();
    expect(await poll()).toBe('build');
    expect(status()).toMatchObject({ kept: [1], lastAttempt: { message } });
    expect(active()!.number).toBe(1);
    await close();

    answer({ data: content({ users: [{ key, attributes: {} }] }) });
    const other = await open(); // of a program that could use it
    await other.poll();
    const digest = other.active()!.digest;
    await other.close();
    const again = await open({ build: BUILD, wanted: digest });
    expect([again.active(), again.status().refused]).toEqual([undefined, message]);
  });
});

describe('start', () => {
  async function kept(...versions: readonly number[]): Promise<readonly string[]> {
    answer(...versions.map((n) => ({ data: version(n) })));
    const { poll, seen, close } = await open();
    for (const _ of versions) await poll();
    await close();
    return seen.map(({ digest }) => digest);
  }

  test('R72: takes the generation that the log names, without network, with its age', async () => {
    const [, second] = await kept(1, 2);
    noScript();
    await pass(3_600_000);
    const { active, seen, status, poll } = await open({ wanted: second, build: BUILD });
    expect([active()!.number, active()!.digest, seen.length]).toEqual([2, second, 0]);
    expect((active()!.message as { environment: string }).environment).toBe('production');
    const age = active()!.ageMs();
    expect(age).toBeGreaterThanOrEqual(3_600_000);
    expect(await poll()).toBe('worker'); // the cloud is gone
    expect([active()!.number, status().failures]).toEqual([2, 1]);
    answer({ data: version(2) });
    expect([await poll(), active()!.number, active()!.ageMs(), seen.length]).toEqual(['unchanged', 2, 0, 0]);
  });

  test('takes the older one when the log names that', async () => {
    const [first] = await kept(1, 2);
    expect((await open({ wanted: first })).active()!.number).toBe(1);
  });

  test('takes nothing when the log names none', async () => {
    await kept(1);
    const { active, poll, status } = await open();
    expect([active(), status().refused]).toEqual([undefined, undefined]);
    expect([await poll(), active()!.number]).toEqual(['activated', 2]);
  });

  test('refuses what is not that, and says so until a verified read takes its place', async () => {
    const [first, second] = await kept(1, 2);
    copyFileSync(file(1), file(2));
    const { active, status, poll } = await open({ wanted: second });
    expect([active(), first === second]).toEqual([undefined, false]);
    expect(status().refused).toContain(`${file(2)}: holds generation 1 in place of 2`);
    expect([await poll(), active()!.number, status().refused]).toEqual(['activated', 3, undefined]);
  });

  test('fails without the state file', async () => {
    const [first] = await kept(1);
    edit(state(), () => '');
    await expect(open({ wanted: first })).rejects.toThrow(`${state()}: missing or damaged`);
  });

  test('makes nothing younger with the wall clock set back, neither after a failed poll nor after a crash', async () => {
    answer({ data: version(1) }, { fails: { kind: 'unreachable', message: 'down' } });
    const { poll, active, sync } = await open();
    await poll();
    const { digest } = active()!;
    await pass(100_000);
    await poll();
    const age = active()!.ageMs();
    setWall(-3_600_000);
    const crashed = await open({ wanted: digest }); // nothing was closed
    expect(crashed.active()!.ageMs()).toBeGreaterThanOrEqual(age);
    const recorded = await open({ wanted: digest, lastRecordMs: AT_MS + 7_200_000 });
    expect(recorded.active()!.ageMs()).toBeGreaterThanOrEqual(7_200_000);
    expect(sync.active('production')!.ageMs()).toBe(sim().now());
  });
});

describe('the mass-change guard', () => {
  test('keeps a large change out that a further read doesn\'t bear out, alarms, and applies it once one does', async () => {
    const many = content({ users: users(50) });
    const few = content({ users: users(5) });
    answer({ data: many }, { data: few }, { data: many }, { data: few }, { data: few });
    const { active, status, poll } = await open();
    await poll();
    expect(await poll()).toBe('unconfirmed');
    expect(status().alarm).toBe('a large change (users 50 → 5) is not applied: a further read a second later gave another content');
    expect([active()!.number, active()!.counts.users, status().failures]).toEqual([1, 50, 1]);
    expect(await poll()).toBe('activated');
    expect([active()!.number, active()!.counts.users, status().alarm, status().requests]).toEqual([2, 5, undefined, 4]);
  });

  test('compares with what was read last also after a restart with nothing taken from disk', async () => {
    answer({ data: content({ users: users(50) }) }, { data: content({ users: [] }) }, { fails: { kind: 'unreachable', message: 'down' } });
    const before = await open();
    await before.poll();
    await before.close();
    const { active, poll, status } = await open();
    answer({ data: content({ users: [] }) }, { fails: { kind: 'unreachable', message: 'down' } });
    expect(await poll()).toBe('unconfirmed');
    expect([active(), status().alarm]).toEqual([undefined, 'a large change (users 50 → 0) is not applied: the read that should confirm it failed: down']);
  });
});

describe('a key', () => {
  test('that is refused is replaced without a restart, and stands nowhere', async () => {
    answers({ another_secret: [{ data: version(1) }] });
    const { sync, active, status, poll } = await open();
    expect(await poll()).toBe('key');
    sync.setKey('production', 'another_secret');
    expect(status().failures).toBe(0);
    expect(status().nextPollInMs).toBeLessThan(1000);
    expect([await poll(), active()!.number]).toEqual(['activated', 1]);
    const all = [JSON.stringify(sync.status()), ...readdirSync(join(dir(), 'production')).map((name) => readFileSync(join(dir(), 'production', name), 'utf8'))].join();
    expect(/secret/.test(all)).toBe(false);
  });

  test('of another Permit environment is refused', async () => {
    answer({ data: version(1) }, { data: { ...version(2), scope: { ...SCOPE, environment: 'env-staging' } } });
    const { active, status, poll } = await open();
    await poll();
    expect(await poll()).toBe('key');
    expect(status().lastAttempt!.message).toContain('opens the Permit environment env-staging, but what is kept was read from env-production');
    expect([active()!.number, status().kept]).toEqual([1, [1]]);
  });
});

describe('close', () => {
  test.each(['until called off', 'deaf'] as const)('ends a read that hangs (%s), and nothing of it is applied', async (hangs) => {
    answer({ data: version(1) }, { hangs });
    const { sync, active, status, poll, close } = await open();
    await poll();
    await pass(20_000);
    while (status().progress === undefined) await new Promise(setImmediate);
    const closing = close();
    await new Promise(setImmediate);
    await pass(5000); // the grace
    await closing;
    expect([active()!.number, names(), status().lastAttempt!.outcome]).toEqual([1, ['0000000001.ndjson', 'state.json'], 'activated']);
    sync.pollNow();
    await pass(1_000_000);
    expect(status().polling).toBe(false);
  });
});
