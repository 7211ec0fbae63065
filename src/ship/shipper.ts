import type { Cursor } from './cursor.ts';
import { parseLine } from '../log/index/line.ts';
import type { Tail, TailLine } from '../log/tail.ts';
import { leafHash } from '../core/tlog/merkle.ts';
import { RECORD_EVENT, SHIPPING_CALLER } from './members.ts';
import { createMask, project, type Mask } from './project.ts';
import type { Shipped, Sink } from './sinks/sink.ts';
import type { Verdict } from './verdict.ts';

export interface ShipperDeps {
  /** `<data directory>/log` */
  readonly dir: string;
  readonly tail: Tail;
  readonly cursor: Cursor;
  readonly sink: Sink;
  /** @throws {Error} when it can't be asked now. */
  readonly ask: (kind: string) => Promise<Verdict>;
  /** How many lines of the log are durable, and the number of the revision that decides in the sink's environment. */
  readonly state: () => { readonly durable: number; readonly revision: number };
  /** Resolves with the next change of `state`: taken before `state` is read, it misses none. */
  readonly changed: () => Promise<void>;
  /** Resolves after so many milliseconds, with `earlier`, or when `signal` aborts. */
  readonly pause: (ms: number, earlier?: Promise<void>) => Promise<void>;
  /** Wall time in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** The keyed hash of a text, different for each vendor. */
  readonly hash: (text: string) => string;
  readonly tell: (news: News) => void;
  /** Records from one index up to another left the log before they were shipped. */
  readonly onPruned: (from: number, to: number) => void;
  readonly signal: AbortSignal;
}

/** How a sink does. */
export interface News {
  /** Index of the first record that it may not have. */
  readonly next: number;
  /** Time of that record; null when it has all. */
  readonly oldestMs: number | null;
  /** Records that this run has shipped. */
  readonly shipped: number;
  /** Attempts that failed since the last that did not. */
  readonly failures: number;
  /** Why the last attempt failed. */
  readonly problem?: string;
  /** Why the next record may not leave at all. */
  readonly held?: string;
  /** Paths that stay, by kind of record. */
  readonly withheld: Readonly<Record<string, readonly string[]>>;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

interface Permit {
  readonly verdict: Verdict;
  readonly mask: Mask;
  /** When it was last looked at, by the wall clock. */
  seenMs: number;
}

/**
 * Sends the log to one sink, record after record, until `signal` aborts: what it holds in memory is one batch. A record
 * that may not leave at all keeps those behind it waiting, so that none is passed over without anybody knowing.
 */
export async function ship(deps: ShipperDeps): Promise<void> {
  const { tail, cursor, sink, state, signal, tell } = deps;
  const permits = new Map<string, Permit>();
  const withheld = new Map<string, Set<string>>();
  let news: News = { next: cursor.next, oldestMs: null, shipped: 0, failures: 0, withheld: {} };

  function say(change: Partial<News>): void {
    const { problem: _, held: __, ...rest } = news;
    news = { ...rest, next: cursor.next, withheld: Object.fromEntries([...withheld].map(([kind, paths]) => [kind, [...paths].sort()])), ...change };
    tell(news);
  }

  /** A clock that was set back ends it too (J28): what has not started by it may not leave, and the answer knows only of ends. */
  function holds(permit: Permit): boolean {
    const { revision, expiresAtMs } = permit.verdict;
    const nowMs = deps.now();
    if (nowMs < permit.seenMs) return false;
    permit.seenMs = nowMs;
    return revision >= state().revision && (expiresAtMs === null || nowMs < expiresAtMs);
  }

  async function permitFor(kind: string): Promise<Permit> {
    const known = permits.get(kind);
    if (known !== undefined && holds(known)) return known;
    const seenMs = deps.now();
    const verdict = await deps.ask(kind);
    const permit = { verdict, mask: createMask(verdict.leaves), seenMs };
    permits.set(kind, permit);
    withheld.delete(kind);
    return permit;
  }

  function toShipped({ bytes }: TailLine, record: LogRecord, { mask }: Permit): Shipped {
    const leaf = leafHash(bytes).toString('hex');
    const { record: left, withheld: stayed, masked } = project({ ...record, leaf }, mask, deps.hash);
    const { origin, index, time, kind } = record;
    if (stayed.length > 0) withheld.set(kind, new Set([...withheld.get(kind) ?? [], ...stayed]));
    return { origin, index, time, kind, leaf, record: left, withheld: stayed, masked };
  }

  /**
   * One for each kind, as long as all hold; undefined when it would have to be asked for the records of asking alone.
   * Asking makes records: if they in turn were a reason to ask, it would never end. They leave with the next other one.
   * @param isLast nothing comes after these records.
   */
  async function permitsFor(records: readonly LogRecord[], isLast: boolean): Promise<ReadonlyMap<string, Permit> | undefined> {
    const kinds = [...new Set([...records.map(({ kind }) => kind), ...KINDS_OF_ASKING])];
    if (isLast && records.every(isOfAsking) && !kinds.every((kind) => permits.has(kind) && holds(permits.get(kind)!))) return undefined;
    const found = new Map<string, Permit>();
    for (const kind of kinds) found.set(kind, await permitFor(kind));
    return found;
  }

  async function shipSome(): Promise<void> {
    const change = deps.changed();
    const { durable } = state();
    const lines = await tail.take(durable, sink.limits);
    const first = lines[0];
    if (first === undefined) {
      say({ oldestMs: null });
      return deps.pause(LONGEST_PAUSE_MS, change);
    }
    if (first.index > cursor.next) deps.onPruned(cursor.next, first.index);
    const records = lines.map((line) => toRecord(deps.dir, line));
    // Before anybody is asked, who may not be able to answer: it waits then, too.
    say({ oldestMs: timeOf(records[0]!), failures: news.failures, ...(news.problem !== undefined && { problem: news.problem }) });
    const allowed = await permitsFor(records, tail.next === durable);
    if (allowed === undefined) {
      say({ oldestMs: null });
      return deps.pause(LONGEST_PAUSE_MS, change);
    }
    const heldAt = records.findIndex(({ kind }) => allowed.get(kind)!.verdict.held !== undefined);
    const leaving = heldAt === -1 ? records.length : heldAt;
    if (leaving > 0) {
      await sink.write(records.slice(0, leaving).map((record, at) => toShipped(lines[at]!, record, allowed.get(record.kind)!)), signal);
      cursor.save(lines[leaving - 1]!.index + 1);
      say({ oldestMs: null, shipped: news.shipped + leaving, failures: 0 });
    }
    if (heldAt !== -1) await waitFor(records[heldAt]!, allowed.get(records[heldAt]!.kind)!);
  }

  async function waitFor(record: LogRecord, permit: Permit): Promise<void> {
    const { held, expiresAtMs } = permit.verdict;
    say({ oldestMs: timeOf(record), failures: 0, held: `records of kind ${record.kind}: ${held}` });
    for (let change = deps.changed(); holds(permit) && !signal.aborted; change = deps.changed()) {
      await deps.pause(Math.min(LONGEST_PAUSE_MS, expiresAtMs === null ? Infinity : Math.max(FIRST_PAUSE_MS, expiresAtMs - deps.now())), change);
    }
  }

  // A log that was set back would give other records the places of those that the sink has.
  const ahead = cursor.next > state().durable;
  if (ahead) say({ failures: 1, problem: `the sink has ${cursor.next} records of this log, and the log has ${state().durable}: it was set back; begin a new one with "sluice log new-origin"` });
  while (ahead && !signal.aborted) await deps.pause(LONGEST_PAUSE_MS);

  while (!signal.aborted) {
    try {
      if (tail.next !== cursor.next) await tail.seek(cursor.next);
      await shipSome();
    } catch (error) {
      if (signal.aborted) return;
      const failures = news.failures + 1;
      say({ failures, problem: (error as Error).message });
      await deps.pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)));
    }
  }
}

interface LogRecord extends Readonly<Record<string, unknown>> {
  readonly origin: string;
  readonly index: number;
  readonly time: string;
  readonly kind: string;
}

const KINDS_OF_ASKING = ['decision', 'input'];

/** A decision about shipping, or an input, which always comes before the decision that needs it. */
const isOfAsking = ({ kind, caller, event }: LogRecord) => kind === 'input' || (kind === 'decision' && caller === SHIPPING_CALLER && event === RECORD_EVENT);

const timeOf = ({ time }: LogRecord) => Date.parse(time);

function toRecord(dir: string, { index, bytes }: TailLine): LogRecord {
  try {
    return parseLine(dir, bytes.toString()) as unknown as LogRecord;
  } catch (error) {
    throw new Error(`record ${index} of the log can't be read: see "sluice log verify"`, { cause: error });
  }
}
