import type { Moment } from './core/clock.ts';

const JUMP_MS = 60_000;

export interface Clock {
  /** The present moment. Ends are judged by the greatest time seen, so that a clock set back revives nothing (J28). */
  moment(): Moment;
}

/**
 * @param now wall time in milliseconds since the Unix epoch.
 * @param monotonic milliseconds from any start, never set back.
 * @param onJump called when wall time moved by over a minute more or less than time passed.
 */
export function createClock(now: () => number, monotonic: () => number, onJump: (byMs: number) => void): Clock {
  let latestMs = now();
  let lastWall = latestMs;
  let lastMonotonic = monotonic();
  return {
    moment() {
      const nowMs = now();
      const at = monotonic();
      const jump = nowMs - lastWall - (at - lastMonotonic);
      lastWall = nowMs;
      lastMonotonic = at;
      latestMs = Math.max(latestMs, nowMs);
      if (Math.abs(jump) > JUMP_MS) onJump(Math.round(jump));
      return { nowMs, latestMs };
    },
  };
}
