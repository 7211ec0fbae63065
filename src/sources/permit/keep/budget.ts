import type { Timers } from './timers.ts';

/** How many requests a key may still send: a bucket that holds a minute's worth and fills evenly. */
export interface Budget {
  /** False for a budget that bounds nothing. */
  readonly bounded: boolean;
  /** Resolves when one more request may be sent, in the order of asking; gives the milliseconds that it has waited. */
  mayRequest(): Promise<number>;
  /** Milliseconds until the bucket can hold `requests`, or is full. */
  waitMs(requests: number): number;
  /** Milliseconds in which so many requests come back, at most a bucketful. */
  refillMs(requests: number): number;
}

export interface BudgetOptions {
  /** 0: unbounded. */
  readonly perMinute: number;
  readonly monotonic: () => number;
  readonly timers: Timers;
}

const MINUTE_MS = 60_000;
// Sums of parts of tokens are off by about this.
const EPSILON = 1e-6;

export function createBudget({ perMinute, monotonic, timers }: BudgetOptions): Budget {
  if (perMinute === 0) return { bounded: false, mayRequest: async () => 0, waitMs: () => 0, refillMs: () => 0 };
  const perMs = perMinute / MINUTE_MS;
  const waiting: { readonly since: number; readonly grant: (waitedMs: number) => void }[] = [];
  let tokens = perMinute;
  let filledAt = monotonic();

  function fill(): void {
    const at = monotonic();
    tokens = Math.min(perMinute, tokens + (at - filledAt) * perMs);
    filledAt = at;
  }

  const msUntil = (wanted: number) => Math.max(0, Math.ceil((wanted - tokens - EPSILON) / perMs));

  /** Serves who waits, one after the other, for as long as tokens last. */
  function serve(): void {
    fill();
    while (waiting.length > 0 && tokens >= 1 - EPSILON) {
      tokens -= 1;
      const { since, grant } = waiting.shift()!;
      grant(monotonic() - since);
    }
    if (waiting.length > 0) timers.set(serve, msUntil(1));
  }

  return {
    bounded: true,
    mayRequest: () => new Promise((grant) => {
      waiting.push({ since: monotonic(), grant });
      if (waiting.length === 1) serve();
    }),
    waitMs(requests) {
      fill();
      return msUntil(Math.min(requests, perMinute));
    },
    refillMs: (requests) => Math.ceil(Math.min(requests, perMinute) / perMs),
  };
}
