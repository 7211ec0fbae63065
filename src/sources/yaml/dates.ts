import { isBare } from '../../core/dates.ts';
import type { Period } from '../../core/facts.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const UNITS_MS = { s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS } as const;

/** A bare date starts at 00:00 UTC. */
export const startOf = (date: string): number => Date.parse(date);

/** A bare date ends at 24:00 UTC (J28). */
export const endOf = (date: string): number => Date.parse(date) + (isBare(date) ? DAY_MS : 0);

/** Whether `date` is surely after `other`: not on the same day, where that is all that is known. */
export const isAfter = (date: string, other: string): boolean => (isBare(other) ? startOf(date) >= endOf(other) : startOf(date) > startOf(other));

/** The period from one date to another; over from the start when it is empty. */
export const periodOf = (starts: string | undefined, expires: string | undefined): Period => ({
  ...(starts !== undefined && { fromMs: startOf(starts) }),
  ...(expires !== undefined && { untilMs: endOf(expires) }),
});

/** `starts` is not before `expires`: the period never holds. */
export const isEmpty = (starts: string | undefined, expires: string | undefined): boolean => starts !== undefined && expires !== undefined && startOf(starts) >= endOf(expires);

/** `30s`, `15m`, `12h`, `7d`, in milliseconds. */
export const durationOf = (text: string): number => Number(text.slice(0, -1)) * UNITS_MS[text.at(-1) as keyof typeof UNITS_MS];

/** A SOC 2 report counts until 12 months after its period (J14). */
export function twelveMonthsAfter(date: string): number {
  const end = new Date(endOf(date));
  end.setUTCFullYear(end.getUTCFullYear() + 1);
  return end.getTime();
}
