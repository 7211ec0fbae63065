import { setTimeout as wait } from 'node:timers/promises';
import type { Permit } from 'permitio';
import { PermitError, type PermitData, type Scanned, type ScanOptions } from '../data.ts';
import { contentDigest } from '../keep/rows.ts';
import { connect, PassingError, type Connection } from './http.ts';
import { MovingError } from './lists.ts';
import { readOnce } from './pass.ts';
import { readScope } from './scope.ts';

/** For tests, which wait for nothing. */
export interface ScanTimes {
  readonly timeoutMs: number;
  /** Before another try, at most. */
  readonly pauseMs: number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

const TIMES: ScanTimes = { timeoutMs: 30_000, pauseMs: 5000, pause: (ms, signal) => wait(ms, undefined, { signal }) };

/** Of one call, and of the pair of passes. */
const TRIES = 3;

/**
 * Reads the environment twice, over connections of its own, and gives it if both agree: lists have no revision, and a
 * row that is made or deleted between two pages hides another.
 *
 * @throws {PermitError} The key is in none of its messages.
 */
export async function scanPermit(options: ScanOptions, times: ScanTimes = TIMES): Promise<Scanned> {
  const startedAt = performance.now();
  const connection = connect(options, times.timeoutMs);
  try {
    const retried = retrying(options.signal, times, connection);
    const scope = await retried(() => readScope(connection.axios, options.apiUrl, options.key));
    const permit = await openSdk(options, connection);
    const onRows = (phase: string, rows: number) => options.onProgress?.({ phase, rows, requests: connection.requests() });
    const data = await agreed(() => readOnce({ permit, scope, retried, onRows }), options.signal, times);
    return { data, requests: connection.requests(), workedMs: performance.now() - startedAt - connection.waitedMs() };
  } catch (error) {
    if (error instanceof PermitError) throw error;
    options.signal.throwIfAborted();
    throw new PermitError('invalid', `Permit's answer could not be read (${error instanceof Error ? error.name : 'unknown'})`);
  } finally {
    connection.close();
  }
}

/** The SDK, loaded with the first scan. Its own log is silent: at some levels it prints the token, and what was refused. */
async function openSdk({ apiUrl, key }: ScanOptions, { axios }: Connection): Promise<Permit> {
  const sdk = await import('permitio');
  return new sdk.Permit({ token: key, apiUrl, pdp: apiUrl, axiosInstance: axios, log: { level: 'silent' } } as unknown as ConstructorParameters<typeof Permit>[0]);
}

async function agreed(read: () => Promise<PermitData>, signal: AbortSignal, times: ScanTimes): Promise<PermitData> {
  let [before, moved] = ['', ''];
  for (let pass = 0; pass < 2 * TRIES; pass += 1) {
    if (pass >= 2) await times.pause(Math.random() * times.pauseMs, signal);
    let data: PermitData | undefined;
    try {
      data = await read();
    } catch (error) {
      if (!(error instanceof MovingError)) throw error;
      moved = ` (${error.message})`;
    }
    const digest = data === undefined ? '' : contentDigest(data);
    if (data !== undefined && digest === before) return data;
    before = digest;
  }
  throw new PermitError('unstable', `the lists kept changing while they were read${moved}: what decides stays, and the next poll tries again`);
}

/** Tries again what may pass, after a pause that grows, with jitter; heeds how long Permit wants to be left alone. */
function retrying(signal: AbortSignal, { pause, pauseMs }: ScanTimes, connection: Connection) {
  return async <T>(call: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      const before = connection.lastFailure();
      try {
        return await call();
      } catch (error) {
        signal.throwIfAborted();
        // The SDK says nothing of why its own question for the scope failed.
        const hidden = connection.lastFailure();
        const cause = error instanceof PermitError || hidden === before ? error : hidden;
        if (!(cause instanceof PassingError) || attempt === TRIES) throw cause;
        await pause(cause.retryAfterMs ?? Math.random() * Math.min(pauseMs, 200 * 2 ** attempt), signal);
      }
    }
  };
}
