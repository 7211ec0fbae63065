import { setImmediate as turn } from 'node:timers/promises';
import { SluiceError } from '../../core/errors.ts';
import { DisplacedError, SyncError } from '../files.ts';
import type { Line } from '../line.ts';
import { createStopwatch, type Ticking } from './stopwatch.ts';
import { gapEntry, mergeRefused, type Refused } from '../refused.ts';
import type { Sequence } from '../sequence.ts';
import { PRECEDENCE, type Appended, type DecisionLog, type Entry } from '../types.ts';
import { createWaiting, Waiting, type Group } from './waiting.ts';
import { isPassing, passing, type Commit, type Writer } from '../writer.ts';

export interface QueueOptions {
  readonly writer: Writer;
  /** What a segment begins with as things are now. */
  readonly onSegment: () => readonly Entry[];
  readonly sequence: Sequence;
  readonly now: () => number;
  readonly maxQueued: { readonly records: number; readonly bytes: number };
  readonly monotonic: () => number;
  /** How long the disk may take over one group before nothing more is taken, while this thread runs. */
  readonly stalledMs: number;
  readonly ticking?: Ticking | undefined;
  /**
   * Why nothing may be appended though the writer could: what is written can't be signed.
   * @param next the index that the next line has at most; `isReserved`: it is no answer, and refused for less only.
   */
  readonly unsigned?: (next: number, isReserved: boolean) => { readonly reason: string; readonly code: string } | undefined;
  /** Told once why the log can't be written, and once, without a reason, when it can again. */
  readonly onWritable?: ((problem: string | undefined) => void) | undefined;
}

interface Failure {
  readonly reason: string;
  readonly code: string;
  readonly isFinal: boolean;
  readonly triedAtMs: number;
}

/** What is committed at once: records of one segment. */
interface Part extends Commit {
  readonly lines: Line[];
  next: number;
  readonly placed: Waiting[];
  bytes: number;
}

const sumOf = (parts: readonly Part[]) => ({
  records: parts.reduce((sum, { placed }) => sum + placed.length, 0),
  bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
});

const RETRY_MS = 1000;
/** What stands in a line before its members, about. */
const HEAD_BYTES = 128;
/** What is committed at once: so long something that goes ahead waits, and so long nothing else is done. */
const GROUP = { records: 8192, bytes: 2 * 2 ** 20 } as const;
/** Records beyond the bound that are not refused for it: acts of administration and what they bring about. */
const RESERVED = 1024;
/** The part of the bound from which on whoever asks much waits. */
const CROWDED = 1 / 16;

/** Everything of the log but its origin: gathers what is appended into groups and has one after the other written. */
export function createQueue(options: QueueOptions): Omit<DecisionLog, 'origin'> & { probe(): Promise<void> } {
  const { writer, sequence, onSegment, now, maxQueued, monotonic, stalledMs, ticking } = options;
  const { unsigned = () => undefined, onWritable = () => {} } = options;
  const waiting = createWaiting(GROUP);
  /** What is being committed: no longer waiting, and not durable. */
  let committing = { records: 0, bytes: 0 };
  let refused: Refused | undefined;
  let failure: Failure | undefined;
  let running: Promise<void> | undefined;
  /** What waits for the group being committed to be done with. */
  let relieved = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;
  let problem: string | undefined;
  /** How long the disk has had the group that it has not taken yet. */
  const disk = createStopwatch({ monotonic, ticking, onTick: () => tell() });

  const records = () => waiting.records() + committing.records;
  const bytes = () => waiting.bytes() + committing.bytes;
  const isBeyond = (part: number) => records() >= maxQueued.records * part || bytes() >= maxQueued.bytes * part;
  const isFull = () => isBeyond(1);
  /** A record may bring its input with it. */
  const lastIndex = () => writer.tail().next + 2 * records();
  const isStalled = () => disk.elapsedMs() >= stalledMs;
  // A clock set back may not put the next try off.
  const mayTry = ({ isFinal, triedAtMs }: Failure) => !isFinal && Math.abs(now() - triedAtMs) >= RETRY_MS;

  function tell(): void {
    const present = failure?.reason ?? (isStalled() ? STALLED : undefined);
    if (present === problem) return;
    problem = present;
    onWritable(present);
  }

  function refuse(reason: string, code: string): never {
    refused = mergeRefused(refused, { count: 1, sinceMs: now(), reason: code });
    throw unavailable(reason, failure?.isFinal !== true);
  }

  /** Whoever doesn't ask whether it is durable is told by `failure()`. */
  function enqueue(entry: Entry | undefined): Appended {
    const one = new Waiting(entry, { refused, begins: onSegment(), moment: sequence.moment(), bytes: sizeOf(entry) });
    waiting.push(one);
    refused = undefined;
    running ??= run();
    return one;
  }

  async function run(): Promise<void> {
    await turn(); // what is appended in this turn of the event loop becomes one group
    for (let group = waiting.take(); group !== undefined; group = waiting.take()) await commit(group);
    running = undefined;
  }

  async function commit({ waiting: group, done }: Group): Promise<void> {
    const parts = place(group);
    committing = sumOf(parts);
    try {
      for (let part = parts[0]; part !== undefined; part = parts[0]) {
        disk.start();
        await writer.commit(part).finally(disk.stop);
        failure = undefined;
        parts.shift();
        committing = sumOf(parts);
      }
    } catch (error) {
      if (fail(parts.flatMap(({ placed }) => placed), error).isFinal) await writer.abandon();
    }
    done.resolve();
    relieved.resolve();
    relieved = Promise.withResolvers();
    tell();
  }

  /** Gives each its index, and what must stand before it; one part a segment. */
  function place(group: readonly Waiting[]): Part[] {
    const parts: Part[] = [];
    for (const one of group) {
      const { when } = one;
      try {
        const gap = when.refused && gapEntry(when.refused);
        const lines = sequence.put({ gap, entry: one.entry, begins: when.begins, moment: when.moment });
        const segment = sequence.segment();
        let part = parts.at(-1);
        if (part?.segment !== segment) parts.push(part = { segment, lines: [], next: 0, placed: [], bytes: 0 });
        part.lines.push(...lines);
        part.next = sequence.next();
        part.placed.push(one);
        part.bytes += when.bytes;
        one.index = part.next - 1;
      } catch (error) {
        refused = mergeRefused(when.refused, refused);
        one.error = error;
      }
    }
    return parts;
  }

  /** About what it takes; an input that the segment has is not written again. */
  function sizeOf(entry: Entry | undefined): number {
    if (entry === undefined) return HEAD_BYTES;
    const { members, input } = entry;
    return HEAD_BYTES + members.length + (input === undefined || sequence.has(input.digest) ? 0 : input.bytes ?? 0);
  }

  function fail(group: readonly Waiting[], error: unknown): Failure {
    const { reason, code } = explain(error);
    const failed: Failure = { reason, code, isFinal: !isPassing(error), triedAtMs: now() };
    failure = failed;
    const others = waiting.takeAll();
    const lost = [...group, ...others.flatMap((other) => other.waiting)];
    committing = { records: 0, bytes: 0 };
    for (const { when } of lost) refused = mergeRefused(refused, when.refused);
    const count = lost.filter(({ entry }) => entry !== undefined).length;
    if (count > 0) refused = mergeRefused(refused, { count, sinceMs: now(), reason: code });
    sequence.takeBack(writer.tail().next);
    for (const one of lost) one.error = unavailable(reason, !failed.isFinal, error);
    for (const { done } of others) done.resolve();
    return failed;
  }

  async function finish(): Promise<void> {
    if (refused !== undefined && (failure === undefined || mayTry(failure))) enqueue(undefined);
    await running;
    await writer.close();
  }

  return {
    append(entry) {
      if (closing !== undefined) throw unavailable('the log is closed', false);
      if (failure !== undefined && !mayTry(failure)) refuse(failure.reason, failure.code);
      const why = unsigned(lastIndex(), PRECEDENCE[entry.kind] !== 'bounded');
      if (why !== undefined) refuse(why.reason, why.code);
      if (isStalled()) refuse(STALLED, 'stalled');
      const isRefused = PRECEDENCE[entry.kind] === 'bounded' ? isFull() : records() >= maxQueued.records + RESERVED;
      if (isRefused) refuse(FULL, 'queue_full');
      return enqueue(entry);
    },
    failure: () => (closing === undefined ? failure?.reason ?? unsigned(lastIndex(), false)?.reason ?? (isStalled() ? STALLED : isFull() ? FULL : undefined) : 'the log is closed'),
    queued: records,
    queue: () => ({ records: records(), bytes: bytes(), maxRecords: maxQueued.records, maxBytes: maxQueued.bytes }),
    relief: () => (isBeyond(CROWDED) ? relieved.promise : undefined),
    size: () => writer.tail().next + records(),
    async probe() {
      if (failure === undefined || closing !== undefined || !mayTry(failure)) return;
      await enqueue(undefined).durable.catch(() => {}); // the gap record, or with a try under way nothing more
    },
    close: () => closing ??= finish(),
  };
}

const STALLED = 'the disk has not taken the records before for too long: see to it; they go on when it does';
const FULL = 'too many records wait to be written';

const unavailable = (reason: string, mayPass: boolean, cause?: unknown) => (
  new SluiceError('audit_unavailable', reason, { cause, ...(mayPass && { retryAfterSeconds: 1 }) })
);

function explain(error: unknown): { readonly reason: string; readonly code: string } {
  const cause = (error instanceof SyncError ? error.cause : error) as NodeJS.ErrnoException;
  const code = cause.code ?? cause.message;
  if (isPassing(error)) return { reason: `the log can't be written (${code}): it goes on ${passing(code)}`, code };
  if (error instanceof DisplacedError) return { reason: `${error.message}: restore it, then restart`, code };
  return { reason: `the log can't be ${error instanceof SyncError ? 'synced' : 'written'} (${code}): see to the disk, then restart`, code };
}
