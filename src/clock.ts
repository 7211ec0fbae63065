import type { Moment } from './core/clock.ts';

const JUMP_MS = 60_000;

export interface Clock {
  /** The present moment. Ends are judged by the greatest time seen, so that a clock set back revives nothing (J28). */
  moment(): Moment;
}

export interface Clocks {
  /** Wall time in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Milliseconds from any start, never set back. */
  readonly monotonic: () => number;
  /** The greatest time seen before this start. */
  readonly seenMs: number;
}

/** @param onJump called when wall time moved by over a minute more or less than time passed. */
export function createClock({ now, monotonic, seenMs }: Clocks, onJump: (byMs: number) => void): Clock {
  let lastWall = now();
  let latestMs = Math.max(lastWall, seenMs);
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
