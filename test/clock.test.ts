import { createClock } from '../src/clock.ts';

const clocks = (start: number, seenMs = 0) => {
  const at = { wall: start, monotonic: 0 };
  const jumps: number[] = [];
  const clock = createClock({ now: () => at.wall, monotonic: () => at.monotonic, seenMs }, (byMs) => jumps.push(byMs));
  const pass = (wallMs: number, monotonicMs = wallMs) => { at.wall += wallMs; at.monotonic += monotonicMs; return clock.moment(); };
  return { pass, jumps };
};

describe('the clock (J28)', () => {
  test('the greatest time seen never goes back, the present time does', () => {
    const { pass } = clocks(1_000_000);
    expect(pass(5000)).toEqual({ nowMs: 1_005_000, latestMs: 1_005_000 });
    expect(pass(-3000, 0)).toEqual({ nowMs: 1_002_000, latestMs: 1_005_000 });
  });

  test('what was seen before the start counts', () => {
    expect(clocks(1000, 9000).pass(1)).toEqual({ nowMs: 1001, latestMs: 9000 });
  });

  test('a jump of over a minute is told, either way; time that passed is none', () => {
    const { pass, jumps } = clocks(0);
    pass(3_600_000);
    pass(60_000, 0);
    expect(jumps).toEqual([]);
    pass(60_001, 0);
    pass(-90_000, 10);
    expect(jumps).toEqual([60_001, -90_010]);
  });
});
