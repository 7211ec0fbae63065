import { Worker } from 'node:worker_threads';
import { SluiceError } from '../../core/errors.ts';
import type { Facts } from '../../core/facts.ts';
import type { Made, Order } from './making.ts';

/** Makes reports from the log, one at a time, each in a thread of its own: it reads the whole log. */
export interface Reports {
  /**
   * The report as text; undefined once the signal has aborted, and then nothing is made any more.
   * @throws {SluiceError} `request_invalid`, `not_found`, `rate_limited` while too many wait.
   */
  make(order: Pick<Order, 'kind' | 'parameters' | 'format'>, signal: AbortSignal): Promise<string | undefined>;
}

export interface ReportsDeps {
  /** Of the log. */
  readonly dir: string;
  /** Those of the files; for names, and for what no record says. */
  readonly facts: () => Facts;
  readonly now: () => number;
}

const MAX_WAITING = 4;
const MEMORY_MIB = 2048;
const MAKING = new URL(`./making${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

export function createReports({ dir, facts, now }: ReportsDeps): Reports {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return {
    async make(order, signal) {
      if (waiting >= MAX_WAITING) throw new SluiceError('rate_limited', 'other reports are being made: ask again', { retryAfterSeconds: 10 });
      waiting += 1;
      const made = last.then(() => (signal.aborted ? undefined : inThread({ ...order, dir, facts: withoutTuples(facts()), nowMs: now() }, signal)));
      last = made.catch(() => {});
      try {
        // Whoever has gone makes room at once.
        return await Promise.race([made, aborted(signal)]);
      } finally {
        waiting -= 1;
      }
    },
  };
}

/** They are many, and no report reads them. */
function withoutTuples({ graph: _, ...facts }: Facts): Facts {
  return { ...facts, tuples: [] };
}

const aborted = (signal: AbortSignal) => new Promise<undefined>((resolve) => {
  if (signal.aborted) resolve(undefined);
  signal.addEventListener('abort', () => resolve(undefined), { once: true });
});

async function inThread(order: Order, signal: AbortSignal): Promise<string | undefined> {
  const thread = new Worker(MAKING, { workerData: order, env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB } });
  thread.unref();
  const end = () => void thread.terminate();
  signal.addEventListener('abort', end, { once: true });
  try {
    const made = await new Promise<Made | undefined>((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', () => resolve(undefined));
    });
    if (made === undefined && !signal.aborted) throw new Error('the thread that made a report has ended');
    if (made === undefined || 'text' in made) return made?.text;
    throw made.code === undefined ? new Error(`a report can not be made: ${made.failed}`) : new SluiceError(made.code, made.failed);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
