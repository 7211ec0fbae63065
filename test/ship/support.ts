import path from 'node:path';
import { openTail } from '../../src/log/tail.ts';
import { openCursor } from '../../src/ship/cursor.ts';
import { fieldsOf } from '../../src/ship/members.ts';
import { ship, type News, type ShipperDeps } from '../../src/ship/shipper.ts';
import type { Shipped, Sink } from '../../src/ship/sinks/sink.ts';
import type { Verdict } from '../../src/ship/verdict.ts';

/** Every member of the records that these tests write may leave. */
const OPEN = ['v', 'index', 'origin', 'kind', 'time', 'leaf', 'decisionId', 'caller', 'event', 'about', 'identity', 'digest', 'program', 'node', 'from', 'to', 'segments', 'before', 'root', 'archived'];
export const verdict = (kind: string, change: Partial<Verdict> = {}): Verdict => ({ leaves: fieldsOf(kind, OPEN).map((field) => [field, 'whole']), revision: 1, expiresAtMs: null, ...change });

/** A shipper that runs on a real log, and whose surroundings a test sets. */
export interface Running {
  readonly asked: readonly string[];
  readonly news: News[];
  readonly pruned: readonly (readonly [number, number])[];
  /** In milliseconds, one for each pause. */
  readonly pauses: readonly number[];
  /** Resolves with the first news that fits, from now on or the last so far. */
  heard(fits: (news: News) => boolean): Promise<News>;
  /** What the log and the policy are now. */
  set(state: { readonly durable?: number; readonly revision?: number }): void;
  /** Lets a pause or a wait end. */
  goOn(): void;
  /** The shipper is told to end; resolves when it has. */
  end(): Promise<void>;
}

export interface Surroundings {
  readonly dir: string;
  readonly origin: string;
  readonly sink: Sink;
  readonly durable: number;
  readonly ask?: (kind: string) => Verdict | Promise<Verdict>;
  readonly now?: () => number;
  /** Pauses after failures end at once instead of with `goOn`. */
  readonly hurried?: boolean;
}

export function startShipper({ dir, origin, sink, durable, ask = verdict, now = () => 0, hurried = false }: Surroundings): Running {
  const ending = new AbortController();
  let state = { durable, revision: 1 };
  let going = Promise.withResolvers<void>();
  const asked: string[] = [];
  const news: News[] = [];
  const pruned: (readonly [number, number])[] = [];
  const pauses: number[] = [];
  let listeners: ((heard: News) => void)[] = [];
  const goOn = () => {
    going.resolve();
    going = Promise.withResolvers();
  };
  const wait = () => (ending.signal.aborted ? Promise.resolve() : going.promise);
  const deps: ShipperDeps = {
    dir, sink, tail: openTail(dir), signal: ending.signal, now,
    cursor: openCursor({ folder: path.join(dir, '..', `ship-${path.basename(dir)}`), sink: 'test', origin, onLost: () => {} }),
    ask: async (kind) => {
      asked.push(kind);
      return ask(kind);
    },
    state: () => state,
    changed: () => going.promise,
    pause(ms, earlier) {
      if (earlier !== undefined) return ending.signal.aborted ? Promise.resolve() : Promise.race([earlier, wait()]);
      pauses.push(ms);
      return hurried ? Promise.resolve() : wait();
    },
    hash: (text) => `?${text.length}`,
    tell(heard) {
      news.push(heard);
      for (const listen of listeners) listen(heard);
    },
    onPruned: (from, to) => pruned.push([from, to]),
  };
  const done = ship(deps);
  return {
    asked, news, pruned, pauses, goOn,
    heard: (fits) => new Promise((resolve) => {
      const listen = (heard: News) => {
        if (!fits(heard)) return;
        listeners = listeners.filter((other) => other !== listen);
        resolve(heard);
      };
      listeners.push(listen);
      const last = news.at(-1);
      if (last !== undefined) listen(last);
    }),
    set(change) {
      state = { ...state, ...change };
      goOn();
    },
    async end() {
      ending.abort();
      goOn();
      await done;
    },
  };
}

/** A receiver in memory; what `refuse` gives a reason for is not taken. */
export function createReceiver(limits = { records: 10, bytes: 1 << 20 }) {
  const batches: (readonly Shipped[])[] = [];
  let refuse: () => Error | undefined = () => undefined;
  const sink: Sink = {
    limits,
    async write(batch) {
      const reason = refuse();
      if (reason !== undefined) throw reason;
      batches.push(batch);
    },
    close: () => Promise.resolve(),
  };
  return { sink, batches, all: () => batches.flat(), refuse: (with_: () => Error | undefined) => { refuse = with_; } };
}
