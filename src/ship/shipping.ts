import { supervise } from '../threads/supervise.ts';
import { beside, startThread } from '../threads/thread.ts';
import type { FromThread, State, ThreadData, ToThread } from './messages.ts';
import type { News } from './shipper.ts';
import { addressOf, type SinkSpec } from './sinks-file.ts';
import { createAsk, type AskDeps } from './verdict.ts';

export interface ShippingOptions extends AskDeps {
  readonly dataDir: string;
  readonly origin: string;
  readonly sinks: readonly SinkSpec[];
  /** How many lines of the log are durable. Asked a few times a second. */
  readonly durable: () => number;
  /** By environment: the number of the revision that decides. */
  readonly revisions: () => Readonly<Record<string, number>>;
  readonly logger: ShippingLogger;
  readonly restartMs?: number;
}

export interface ShippingLogger {
  info(members: object, message: string): void;
  warn(members: object, message: string): void;
}

/** How one sink does. */
export interface ShippingStatus extends Omit<News, 'oldestMs'> {
  readonly sink: string;
  readonly vendor: string;
  /** Durable records that it has not confirmed. */
  readonly lagRecords: number;
  /** Since when the oldest of them has waited, in milliseconds since the Unix epoch; null when none is due. */
  readonly waitingSinceMs: number | null;
}

export interface Shipping {
  status(): readonly ShippingStatus[];
  /** What is under way is ended or given up; it goes on from there with the next start. */
  close(): Promise<void>;
}

const LOOK_EVERY_MS = 200;
const CLOSE_MS = 5_000;

/**
 * Ships the log to its sinks, in a thread of its own; whoever appends waits for none of it. Never throws: what goes
 * wrong is told by `status`, and said once.
 */
export function openShipping(options: ShippingOptions): Shipping {
  const { dataDir, origin, sinks, durable, revisions, logger, restartMs = 5_000 } = options;
  const ask = createAsk(options);
  const news = new Map<string, News>();
  const said = new Map<string, string>();
  let closing: Promise<void> | undefined;
  let told = '';
  const newsOf = (sink: string): News => news.get(sink) ?? { next: 0, oldestMs: null, shipped: 0, failures: 0, withheld: {} };
  const stateNow = (): State => ({ durable: durable(), revisions: revisions() });

  const thread = supervise<FromThread, ToThread>({
    start: () => startThread(beside(import.meta.url, 'thread'), {
      name: 'shipping', workerData: { dataDir, origin, sinks, now: stateNow() } satisfies ThreadData,
    }),
    hear,
    died: (death) => {
      if (!('error' in death)) return;
      const { message } = death.error;
      logger.warn({ reason: message }, 'shipping stopped, and is started again');
      for (const { name } of sinks) news.set(name, { ...newsOf(name), failures: newsOf(name).failures + 1, problem: message });
    },
    restartMs,
    restarted: () => {
      told = '';
    },
  });

  function hear(message: FromThread, reply: (answer: ToThread) => void): void {
    if (message.type === 'warning') return logger.warn({ sink: message.sink, ...message.members }, message.warning);
    if (message.type === 'news') return take(message.sink, message.news);
    const { id, kind } = message;
    const receiver = sinks.find(({ name }) => name === message.sink)!;
    ask({ ...receiver, address: addressOf(receiver) }, kind).then((verdict) => reply({ type: 'verdict', id, verdict }), (error: unknown) => reply({ type: 'refused', id, reason: `it can't be asked now: ${(error as Error).message}` }));
  }

  function take(sink: string, next: News): void {
    news.set(sink, next);
    const state = next.held !== undefined ? `held ${next.held}` : next.problem !== undefined ? `problem ${next.problem}` : `withheld ${JSON.stringify(next.withheld)}`;
    if (said.get(sink) === state) return;
    said.set(sink, state);
    if (next.held !== undefined) logger.warn({ sink, held: next.held }, 'a sink may not have what comes next: its records wait until the policy lets them leave');
    else if (next.problem !== undefined) logger.warn({ sink, problem: next.problem }, 'records can not be shipped; it is tried again');
    else logger.info({ sink, shipped: next.shipped, withheld: next.withheld }, Object.keys(next.withheld).length === 0 ? 'records are shipped' : 'records are shipped; those members stay here');
  }

  const looking = setInterval(() => {
    const state = stateNow();
    const text = JSON.stringify(state);
    if (text === told) return;
    told = text;
    thread.post({ type: 'state', state });
  }, LOOK_EVERY_MS);
  looking.unref();

  async function end(): Promise<void> {
    clearInterval(looking);
    await thread.close({ type: 'close' }, CLOSE_MS);
  }

  return {
    status: () => sinks.map(({ name, vendor }) => {
      const { oldestMs, ...rest } = newsOf(name);
      return { sink: name, vendor, ...rest, lagRecords: Math.max(0, durable() - rest.next), waitingSinceMs: oldestMs };
    }),
    close: () => closing ??= end(),
  };
}
