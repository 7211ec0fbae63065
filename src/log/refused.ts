import type { Entry } from './types.ts';

/** Records that were not written, of which the next gap record tells. */
export interface Refused {
  readonly count: number;
  readonly sinceMs: number;
  /** Of the first of them: `queue_full`, or the error code of the disk. */
  readonly reason: string;
}

export function mergeRefused(a: Refused | undefined, b: Refused | undefined): Refused | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const { sinceMs, reason } = a.sinceMs <= b.sinceMs ? a : b;
  return { count: a.count + b.count, sinceMs, reason };
}

export const gapEntry = ({ count, sinceMs, reason }: Refused): Entry => (
  { kind: 'gap', members: JSON.stringify({ refused: count, since: new Date(sinceMs).toISOString(), reason }).slice(1, -1) }
);
