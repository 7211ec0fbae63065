import { PermitError, type ScanOptions } from '../data.ts';
import { Failed } from './errors.ts';
import type { Limits } from './limits.ts';

/** Sends requests, as many at a time as there are lanes, each as often as it takes within bounds. */
export interface Asker {
  /** @param what for messages: `page 2 of users`. @throws {PermitError}; the signal's reason. */
  ask<T>(what: string, send: () => Promise<T>, signal: AbortSignal): Promise<T>;
  readonly requests: number;
  /** In `mayRequest`. */
  readonly waitedMs: number;
}

export function createAsker({ apiUrl, mayRequest }: Pick<ScanOptions, 'apiUrl' | 'mayRequest'>, limits: Limits): Asker {
  const origin = new URL(apiUrl).origin;
  const lane = createLanes(limits.lanes);
  let [requests, waitedMs] = [0, 0];
  let turn: Promise<unknown> = Promise.resolve();
  // One after the other, so that no moment of waiting is counted twice.
  const admit = async (signal: AbortSignal) => {
    const mine = turn.then(() => {
      signal.throwIfAborted();
      return mayRequest();
    });
    turn = mine.catch(() => {});
    waitedMs += await unlessAborted(mine, signal);
    requests += 1;
  };
  const attempts = async <T>(what: string, send: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      await admit(signal);
      try {
        return await send();
      } catch (error) {
        if (!(error instanceof Failed)) throw error;
        const again = error.kind === 'unreachable' || error.kind === 'limited';
        if (!again || attempt >= limits.tries) throw new PermitError(error.kind, explain(error, `${origin}, ${what}`, attempt));
        await limits.pause(pauseOf(error, attempt, limits), signal);
      }
    }
  };
  return {
    ask: (what, send, signal) => lane(() => attempts(what, send, signal), signal),
    get requests() { return requests; },
    get waitedMs() { return waitedMs; },
  };
}

function explain({ kind, message }: Failed, where: string, attempt: number): string {
  switch (kind) {
    case 'key': return `Permit refuses the API key (${where}: ${message}). Check the environment's line in the file of Permit keys.`;
    case 'limited': return `Permit limits the requests (${where}: ${message}, ${attempt} times). Poll less often, or lower the request budget.`;
    case 'unreachable': return `Permit can't be reached (${where}: ${message}, tried ${attempt} times).`;
    case 'invalid':
    case 'unstable': return `Permit answered what its API doesn't (${where}: ${message}). Check the address of the API.`;
  }
}

function pauseOf({ retryAfterMs }: Failed, attempt: number, { pauseMs, maxPauseMs, random }: Limits): number {
  const backoffMs = pauseMs * 2 ** (attempt - 1) * (0.5 + random() / 2);
  // Never sooner than it is asked for, short of the bound, and not everyone at once.
  return Math.min(maxPauseMs, Math.max(backoffMs, (retryAfterMs ?? 0) + backoffMs / 10));
}

type Lane = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;

/** Lets so many work at a time; the others wait in the order in which they came. */
function createLanes(lanes: number): Lane {
  let free = lanes;
  const waiting: (() => void)[] = [];
  return async (work, signal) => {
    if (free > 0) free -= 1; else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1; else next();
    }
  };
}

/** The promise, or the signal's reason as soon as it is aborted. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
