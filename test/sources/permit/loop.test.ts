import fc from 'fast-check';
import { createBudget, type Budget } from '../../../src/sources/permit/keep/budget.ts';
import { JITTER, REST, createLoop, revocationBoundMs, type Loop, type LoopOptions } from '../../../src/sources/permit/keep/loop.ts';
import { simulate, type Simulated } from './loop-support.ts';

const INTERVAL = 15_000;
const unbounded: Budget = { bounded: false, mayRequest: async () => 0, waitMs: () => 0, refillMs: () => 0 };

interface Sync { readonly workedMs: number; readonly requests: number; readonly ok: boolean }
interface Ran extends Sync { readonly from: number; readonly to: number; readonly sent: readonly number[] }

/** A loop over syncs that take the time and the requests that they are told to. */
function running(sim: Simulated, options: Partial<LoopOptions> & { readonly next: () => Sync }): { readonly loop: Loop; readonly ran: Ran[]; readonly most: () => number } {
  const { next, budget = () => unbounded } = options;
  const ran: Ran[] = [];
  let now = 0;
  let most = 0;
  const wait = (ms: number) => new Promise<void>((resolve) => void sim.timers.set(resolve, ms));
  const loop = createLoop({
    intervalMs: INTERVAL, budget, monotonic: sim.now, timers: sim.timers, random: () => 0.5, ...options,
    async sync() {
      most = Math.max(most, now += 1);
      const { workedMs, requests, ok } = next();
      const from = sim.now();
      const sent: number[] = [];
      for (let i = 0; i < requests; i += 1) {
        await budget().mayRequest();
        sent.push(sim.now());
        await wait(workedMs / requests);
      }
      if (requests === 0) await wait(workedMs);
      ran.push({ workedMs, requests, ok, from, to: sim.now(), sent });
      now -= 1;
      return { workedMs, requests, ok };
    },
  });
  return { loop, ran, most: () => most };
}

const gaps = (ran: readonly Ran[]) => ran.slice(1).map(({ from }, i) => from - ran[i]!.to);
const good = (workedMs: number, requests = 0): Sync => ({ workedMs, requests, ok: true });

describe('when the next poll begins', () => {
  test.each([
    { name: 'after the interval', workedMs: 100, random: 0.5, gap: INTERVAL },
    { name: 'a fifth earlier at most', workedMs: 100, random: 0, gap: INTERVAL * 0.8 },
    { name: 'a fifth later at most', workedMs: 100, random: 1, gap: INTERVAL * 1.2 },
    { name: 'not before it has rested four times what it worked', workedMs: 10_000, random: 0.5, gap: 40_000 },
  ])('$name', async ({ workedMs, random, gap }) => {
    const sim = simulate();
    const { loop, ran } = running(sim, { next: () => good(workedMs), random: () => random });
    loop.start();
    await sim.pass(200_000);
    expect(ran[0]!.from).toBe(0);
    expect(new Set(gaps(ran))).toEqual(new Set([gap]));
  });

  test('after failures it backs off, never tighter than the interval, and not for ever', async () => {
    const sim = simulate();
    let ok = false;
    const { loop, ran } = running(sim, { next: () => ({ ...good(100), ok }), random: () => 0 });
    loop.start();
    await sim.pass(600_000);
    expect(gaps(ran)).toEqual([15_000, 30_000, 60_000, 120_000, 120_000, 120_000, 120_000]);
    expect(loop.status().failures).toBe(ran.length);
    ok = true;
    await sim.pass(200_000);
    expect(loop.status()).toMatchObject({ failures: 0 });
    expect(gaps(ran).at(-1)).toBe(12_000);
  });

  test('a hint brings it forward, many hints bring one, and the rest holds', async () => {
    const sim = simulate();
    const { loop, ran } = running(sim, { next: () => good(50) });
    loop.start();
    await sim.pass(1000);
    for (let i = 0; i < 30; i += 1) {
      loop.pollNow();
      await sim.pass(10);
    }
    await sim.pass(1000);
    expect(ran.map(({ from }) => from)).toEqual([0, 1500]);

    const slow = running(sim, { next: () => good(5000) });
    slow.loop.start();
    await sim.pass(1000);
    slow.loop.pollNow(); // of a change that the running sync may have missed
    await sim.pass(60_000);
    expect(gaps(slow.ran)[0]).toBe(20_000);
  });

  test('a hint after a failure waits for the interval, another key does not', async () => {
    const sim = simulate();
    const { loop, ran } = running(sim, { next: () => ({ ...good(100), ok: false }), random: () => 0 });
    loop.start();
    await sim.pass(16_000);
    loop.pollNow();
    await sim.pass(16_000);
    expect(gaps(ran)).toEqual([15_000, 15_000]);
    loop.startAfresh();
    await sim.pass(1000);
    expect(ran).toHaveLength(4);
  });

  test('the budget puts off the start, and nothing more than a bucketful', async () => {
    const sim = simulate();
    const budget = createBudget({ perMinute: 600, monotonic: sim.now, timers: sim.timers });
    const { loop, ran } = running(sim, { next: () => good(1000, 500), budget: () => budget });
    loop.start();
    await sim.pass(100_000);
    // 500 are wanted, and about 109 there: 100 were left, and 10 came back while it ran.
    expect(gaps(ran)[0]).toBeGreaterThan(38_000);
    expect(gaps(ran)[0]).toBeLessThanOrEqual(40_000);
  });

  test('a sync that needs more than a bucketful starts with a full one, and waits on its way', async () => {
    const sim = simulate();
    const budget = createBudget({ perMinute: 600, monotonic: sim.now, timers: sim.timers });
    const { loop, ran } = running(sim, { next: () => good(1000, 1500), budget: () => budget });
    loop.start();
    await sim.pass(400_000);
    expect(ran.length).toBeGreaterThan(1);
    expect(gaps(ran)[0]).toBeGreaterThan(59_000);
    expect(ran[1]!.to - ran[1]!.from).toBeGreaterThan(89_000);
  });

  test('close calls off what runs, and nothing begins afterwards', async () => {
    const sim = simulate();
    const begun: AbortSignal[] = [];
    const loop = createLoop({
      intervalMs: INTERVAL, budget: () => unbounded, monotonic: sim.now, timers: sim.timers, random: () => 0.5,
      sync: (signal) => new Promise((resolve) => {
        begun.push(signal);
        signal.addEventListener('abort', () => resolve({ ok: false, workedMs: 1, requests: 0 }));
      }),
    });
    loop.start();
    await sim.pass(10);
    expect(loop.status()).toMatchObject({ polling: true });
    await loop.close();
    loop.pollNow();
    loop.start();
    await sim.pass(1_000_000);
    expect(begun.map(({ aborted }) => aborted)).toEqual([true]);
    expect(loop.status().nextPollInMs).toBeUndefined();
  });
});

const anySync = fc.record({ workedMs: fc.integer({ min: 1, max: 30_000 }), requests: fc.integer({ min: 0, max: 120 }), ok: fc.boolean() });
const anyStep = fc.oneof(fc.record({ hint: fc.constant(true), afterMs: fc.integer({ min: 0, max: 20_000 }) }), fc.record({ hint: fc.constant(false), afterMs: fc.integer({ min: 0, max: 120_000 }) }));

test('law: never two syncs at once, four times the rest, never tighter than the interval without a hint, never over the budget', async () => {
  await fc.assert(fc.asyncProperty(fc.array(anySync, { minLength: 1, maxLength: 8 }), fc.array(anyStep, { maxLength: 25 }), fc.integer({ min: 30, max: 400 }), fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })), async (syncs, steps, perMinute, random) => {
    const sim = simulate();
    const budget = createBudget({ perMinute, monotonic: sim.now, timers: sim.timers });
    const hints: number[] = [];
    let n = 0;
    const { loop, ran, most } = running(sim, { next: () => syncs[n++ % syncs.length]!, budget: () => budget, random: () => random.next().value });
    loop.start();
    for (const { hint, afterMs } of steps) {
      await sim.pass(afterMs);
      if (hint) hints.push(sim.now());
      if (hint) loop.pollNow();
    }
    await sim.pass(300_000);

    expect(most()).toBe(1);
    ran.slice(1).forEach(({ from }, i) => {
      const before = ran[i]!;
      expect(from - before.to).toBeGreaterThanOrEqual(REST * before.workedMs - 0.01);
      const hinted = hints.some((at) => at >= before.from && at <= from);
      if (!before.ok || !hinted) expect(from - before.to).toBeGreaterThanOrEqual(INTERVAL * (before.ok ? 1 - JITTER : 1) - 0.01);
    });
    const sent = ran.flatMap((one) => one.sent);
    sent.forEach((from, i) => {
      const until = sent[Math.min(sent.length - 1, i + perMinute + 5)]!;
      const count = sent.filter((at) => at >= from && at <= until).length;
      expect(count).toBeLessThanOrEqual(perMinute + (until - from) * perMinute / 60_000 + 1);
    });
    // It goes on for ever.
    expect(loop.status().polling || loop.status().nextPollInMs! < 400_000).toBe(true);
  }), { numRuns: 150 });
});

describe('the bound on revocation', () => {
  test.each([
    { name: 'is the interval with its jitter and two syncs', b: { intervalMs: 15_000, workedMs: 200, tookMs: 300, budgetMs: 0 }, ms: 18_600 },
    { name: 'or the rest', b: { intervalMs: 15_000, workedMs: 100_000, tookMs: 100_000, budgetMs: 0 }, ms: 600_000 },
    { name: 'or the budget', b: { intervalMs: 15_000, workedMs: 200, tookMs: 300, budgetMs: 50_000 }, ms: 50_600 },
  ])('$name', ({ b, ms }) => {
    expect(revocationBoundMs(b)).toBe(ms);
  });

  test('law: a change at any time is read by the end of a sync that began after it, within the bound', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 60, max: 600 }), fc.nat(200_000), async (workedMs, requests, perMinute, changedAt) => {
      const sim = simulate();
      const budget = createBudget({ perMinute, monotonic: sim.now, timers: sim.timers });
      const { loop, ran } = running(sim, { next: () => good(workedMs, requests), budget: () => budget, random: () => 0.999 });
      loop.start();
      await sim.pass(1_000_000);
      const read = ran.find(({ from }) => from >= changedAt)!;
      expect(read.to - changedAt).toBeLessThanOrEqual(loop.status().revocationBoundMs! + requests);
    }), { numRuns: 60 });
  });
});

describe('the budget', () => {
  test('lets a minute\'s worth through at once, and then one after the other in the order of asking', async () => {
    const sim = simulate();
    const budget = createBudget({ perMinute: 60, monotonic: sim.now, timers: sim.timers });
    const granted: { readonly n: number; readonly at: number; readonly waited: number }[] = [];
    for (let n = 0; n < 63; n += 1) void budget.mayRequest().then((waited) => granted.push({ n, at: sim.now(), waited }));
    await sim.pass(0);
    expect(granted).toHaveLength(60);
    expect(budget.waitMs(10)).toBe(10_000);
    await sim.pass(10_000);
    expect(granted.slice(60)).toEqual([{ n: 60, at: 1000, waited: 1000 }, { n: 61, at: 2000, waited: 2000 }, { n: 62, at: 3000, waited: 3000 }]);
    expect(budget.waitMs(7)).toBe(0);
    await sim.pass(600_000);
    expect([budget.waitMs(60), budget.waitMs(6000), budget.refillMs(30), budget.refillMs(6000)]).toEqual([0, 0, 30_000, 60_000]);
  });

  test('of 0 bounds nothing', async () => {
    const sim = simulate();
    const budget = createBudget({ perMinute: 0, monotonic: sim.now, timers: sim.timers });
    expect([budget.bounded, budget.waitMs(1e9), await budget.mayRequest()]).toEqual([false, 0, 0]);
  });
});
