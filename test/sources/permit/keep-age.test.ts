import fc from 'fast-check';
import { ageMs, createSteadyClock, freshness, staleAtMs } from '../../../src/sources/permit/keep/age.ts';
import type { Seen } from '../../../src/sources/permit/keep/state.ts';
import { AT_MS } from './keep-support.ts';

const HOUR = 3_600_000;
const never: Seen = { atMs: 0, wallMs: 0 };

/** A machine with a wall clock that can be set, a monotonic one, and restarts that keep what was seen. */
function machine() {
  let wall = AT_MS;
  let passed = 0;
  let kept = never;
  const start = (atLeastMs?: number) => createSteadyClock({ now: () => wall, monotonic: () => passed, seen: kept, atLeastMs });
  let clock = start();
  return {
    nowMs: () => clock.nowMs(),
    pass(ms: number) {
      wall += ms;
      passed += ms;
    },
    set: (byMs: number) => void (wall += byMs),
    restart(downMs = 0, atLeastMs?: number) {
      kept = clock.seen();
      wall += downMs;
      passed = 0;
      clock = start(atLeastMs);
    },
    /** Without the chance to keep anything. */
    crash(atLeastMs?: number) {
      passed = 0;
      clock = start(atLeastMs);
    },
  };
}

test('R72: age goes on over a restart by wall time', () => {
  const m = machine();
  const verified = m.nowMs();
  m.pass(60_000);
  m.restart(HOUR);
  expect(ageMs(verified, m.nowMs())).toBe(HOUR + 60_000);
});

test('while it runs, age is of the monotonic clock, whatever happens to the wall clock', () => {
  const m = machine();
  const verified = m.nowMs();
  for (const byMs of [-HOUR, 24 * HOUR, -23 * HOUR]) {
    m.pass(1000);
    m.set(byMs);
  }
  expect(ageMs(verified, m.nowMs())).toBe(3000);
});

test.each([
  { name: 'set back while it ran', run: (m: ReturnType<typeof machine>) => (m.pass(2 * HOUR), m.set(-HOUR), m.restart()), atLeast: 2 * HOUR },
  { name: 'set back while it was down', run: (m: ReturnType<typeof machine>) => (m.pass(HOUR), m.restart(-48 * HOUR)), atLeast: HOUR },
  { name: 'set back early, then long run', run: (m: ReturnType<typeof machine>) => (m.set(-HOUR), m.pass(2 * HOUR), m.restart(60_000)), atLeast: 2 * HOUR + 60_000 },
  { name: 'a crash, with the last record of the log', run: (m: ReturnType<typeof machine>) => (m.pass(HOUR), m.set(-HOUR), m.crash(AT_MS + HOUR)), atLeast: HOUR },
])('a wall clock set back makes nothing younger: $name', ({ run, atLeast }) => {
  const m = machine();
  const verified = m.nowMs();
  run(m);
  expect(ageMs(verified, m.nowMs())).toBeGreaterThanOrEqual(atLeast);
});

test('law: over any restarts and settings of the clock, age never falls, and grows by at least what passed while it ran', () => {
  const step = fc.oneof(
    fc.record({ what: fc.constant('pass' as const), ms: fc.nat(10 * HOUR) }),
    fc.record({ what: fc.constant('set' as const), ms: fc.integer({ min: -100 * HOUR, max: 100 * HOUR }) }),
    fc.record({ what: fc.constant('restart' as const), ms: fc.nat(10 * HOUR) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const m = machine();
    const verified = m.nowMs();
    let age = 0;
    for (const { what, ms } of steps) {
      m[what](ms);
      const next = ageMs(verified, m.nowMs());
      expect(next).toBeGreaterThanOrEqual(age + (what === 'pass' ? ms : 0));
      age = next;
    }
  }));
});

test.each([
  { age: 0, bounds: { softMs: 10, hardMs: 20 }, is: 'fresh' },
  { age: 9, bounds: { softMs: 10, hardMs: 20 }, is: 'fresh' },
  { age: 10, bounds: { softMs: 10, hardMs: 20 }, is: 'degraded' },
  { age: 20, bounds: { softMs: 10, hardMs: 20 }, is: 'stale' },
  { age: 20, bounds: { softMs: 30, hardMs: 20 }, is: 'stale' },
  { age: 1e12, bounds: {}, is: 'fresh' },
])('R72: at $age with $bounds facts are $is', ({ age, bounds, is }) => {
  expect(freshness(age, bounds)).toBe(is);
});

test('facts go stale when their age reaches the hard bound', () => {
  expect([staleAtMs(AT_MS, 400, 1000), staleAtMs(AT_MS, 400, undefined)]).toEqual([AT_MS + 600, undefined]);
});
