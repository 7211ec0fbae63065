import type { Period } from './facts.ts';

/** The moment of a decision: ends are judged by the greatest time seen, starts by the present clock (J28). */
export interface Moment {
  readonly nowMs: number;
  readonly latestMs: number;
}

export const hasEnded = ({ untilMs }: Period, { latestMs }: Moment) => untilMs !== undefined && untilMs <= latestMs;

export const isCurrent = (period: Period, moment: Moment) => !hasEnded(period, moment) && (period.fromMs ?? -Infinity) <= moment.nowMs;

/** Gathers the next moment at which time alone changes something. */
export interface Thresholds {
  /** Whether the period holds now; its next start or end is remembered. */
  holds(period: Period): boolean;
  next(): number | undefined;
}

export function createThresholds(moment: Moment): Thresholds {
  let next: number | undefined;
  const remember = (atMs: number) => {
    if (next === undefined || atMs < next) next = atMs;
  };
  return {
    holds(period) {
      if (hasEnded(period, moment)) return false;
      if (period.fromMs !== undefined && period.fromMs > moment.nowMs) remember(period.fromMs);
      if (period.untilMs !== undefined) remember(period.untilMs);
      return isCurrent(period, moment);
    },
    next: () => next,
  };
}
