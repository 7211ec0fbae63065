import { SluiceError } from '../core/errors.ts';
import type { Caller } from '../core/facts.ts';

export interface Rate {
  /**
   * Takes `cost` questions from the caller's bucket, which holds what one second gives.
   *
   * What costs more than a full bucket waits for a full one and leaves it in debt: a batch larger than the rate is
   * slowed down, but never impossible, and the rate holds on average.
   *
   * @param paid how much of this request was taken before; a batch learns its size only after it was read.
   * @throws {SluiceError} `rate_limited`, with the seconds after which it will pass.
   */
  take(caller: Pick<Caller, 'id' | 'ratePerSecond'>, cost: number, paid?: number): void;
}

interface Bucket { tokens: number; atMs: number }

/** @param now milliseconds from any start, never set back. */
export function createRate(now: () => number): Rate {
  // As many as there are callers with a rate in callers.yaml.
  const buckets = new Map<string, Bucket>();
  return {
    take({ id, ratePerSecond }, cost, paid = 0) {
      if (ratePerSecond === undefined) return;
      const atMs = now();
      const burst = Math.max(1, ratePerSecond);
      let bucket = buckets.get(id);
      if (bucket === undefined) buckets.set(id, bucket = { tokens: burst, atMs });
      bucket.tokens = Math.min(burst, bucket.tokens + ((atMs - bucket.atMs) / 1000) * ratePerSecond);
      bucket.atMs = atMs;
      const missing = Math.min(paid + cost, burst) - paid - bucket.tokens;
      // Less than a millionth of a question is rounding.
      if (missing > 1e-6) {
        throw new SluiceError('rate_limited', 'the caller asks faster than its rate allows', { retryAfterSeconds: Math.max(1, Math.ceil(missing / ratePerSecond)) });
      }
      bucket.tokens -= cost;
    },
  };
}
