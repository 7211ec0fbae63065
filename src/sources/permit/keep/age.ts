import type { Seen } from './state.ts';

// The age of facts is the steady time since the read that verified them began: nothing in them can have been untrue
// for longer than that.

/** A clock that goes as the monotonic one does, and over restarts is never behind where it was. */
export interface SteadyClock {
  /** Milliseconds since the Unix epoch, as far as the wall clock told the truth. Never less than any time given before. */
  nowMs(): number;
  /** To be kept, and given to the clock of the next start. */
  seen(): Seen;
}

export interface SteadyClocks {
  /** Wall time in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Milliseconds from any start, never set back. */
  readonly monotonic: () => number;
  /** Of the last run. */
  readonly seen: Seen;
  /** A time that is known to have passed, such as that of the last record. */
  readonly atLeastMs?: number | undefined;
}

/**
 * After a restart it goes by the wall clock: from `seen` on by as much as the wall clock went on since, and not less far
 * than the wall clock stands. So a wall clock set back makes nothing younger, and one set forward makes it older.
 */
export function createSteadyClock({ now, monotonic, seen, atLeastMs = 0 }: SteadyClocks): SteadyClock {
  const wallMs = now();
  const fromMs = Math.max(wallMs, atLeastMs, seen.atMs + Math.max(0, wallMs - seen.wallMs));
  const startedAt = monotonic();
  const nowMs = () => fromMs + (monotonic() - startedAt);
  return { nowMs, seen: () => ({ atMs: nowMs(), wallMs: now() }) };
}

/** Milliseconds; never below 0. */
export const ageMs = (verifiedAtMs: number, nowMs: number): number => Math.max(0, nowMs - verifiedAtMs);

export type Freshness = 'fresh' | 'degraded' | 'stale';

/** A bound is exceeded when it is reached, as every end is (J28). An absent bound bounds nothing. */
export function freshness(age: number, { softMs = Infinity, hardMs = Infinity }: { readonly softMs?: number | undefined; readonly hardMs?: number | undefined }): Freshness {
  if (age >= hardMs) return 'stale';
  return age >= softMs ? 'degraded' : 'fresh';
}

/** The moment, by the clock that says `nowMs`, at which facts that are now so old go stale. */
export const staleAtMs = (nowMs: number, age: number, hardMs: number | undefined): number | undefined => (hardMs === undefined ? undefined : nowMs + hardMs - age);
