import { setImmediate as turn } from 'node:timers/promises';
import { SluiceError } from '../core/errors.ts';
import { DisplacedError, SyncError } from './files.ts';
import type { Line } from './line.ts';
import { gapEntry, mergeRefused, type Refused } from './refused.ts';
import type { Sequence } from './sequence.ts';
import type { DecisionLog, Entry } from './types.ts';
import { isPassing, passing, type Writer } from './writer.ts';

export interface QueueOptions {
  readonly writer: Writer;
  readonly sequence: Sequence;
  readonly now: () => number;
  readonly maxQueued: { readonly records: number; readonly bytes: number };
  readonly monotonic: () => number;
  /** How long the disk may take over one group before nothing more is taken. */
  readonly stalledMs: number;
  /** Why nothing may be appended though the writer could: what is written can't be signed. */
  readonly unsigned?: () => { readonly reason: string; readonly code: string } | undefined;
}

/** Records that become durable together. */
interface Group {
  readonly segment: number;
  readonly lines: Line[];
  next: number;
  bytes: number;
  /** How many of the lines somebody has appended. */
  records: number;
  /** What its gap record tells of. */
  refused: Refused | undefined;
  readonly durable: PromiseWithResolvers<void>;
}

interface Failure {
  readonly reason: string;
  readonly code: string;
  readonly isFinal: boolean;
  readonly triedAtMs: number;
}

const RETRY_MS = 1000;

/** Everything of the log but its origin: gathers what is appended into groups and has one after the other written. */
export function createQueue({ writer, sequence, now, maxQueued, monotonic, stalledMs, unsigned = () => undefined }: QueueOptions): Omit<DecisionLog, 'origin'> & { probe(): Promise<void> } {
  let groups: Group[] = [];
  let waiting = { lines: 0, bytes: 0 };
  let refused: Refused | undefined;
  let failure: Failure | undefined;
  let running: Promise<void> | undefined;
  /** When the group was given to the disk that it has not taken yet. */
  let sinceMs: number | undefined;
  let closing: Promise<void> | undefined;

  const isFull = () => waiting.lines >= maxQueued.records || waiting.bytes >= maxQueued.bytes;
  const isStalled = () => sinceMs !== undefined && monotonic() - sinceMs >= stalledMs;
  // A clock set back may not put the next try off.
  const mayTry = ({ isFinal, triedAtMs }: Failure) => !isFinal && Math.abs(now() - triedAtMs) >= RETRY_MS;

  function refuse(reason: string, code: string): never {
    refused = mergeRefused(refused, { count: 1, sinceMs: now(), reason: code });
    throw unavailable(reason, failure?.isFinal !== true);
  }

  function enqueue(entry: Entry | undefined): Promise<void> {
    const lines = sequence.put(refused && gapEntry(refused), entry);
    const group = lastGroup();
    for (const line of lines) {
      group.lines.push(line);
      group.bytes += line.bytes + (line.object?.bytes.length ?? 0);
      waiting.bytes += line.bytes + (line.object?.bytes.length ?? 0);
    }
    waiting.lines += lines.length;
    group.next = sequence.next();
    if (entry !== undefined) group.records += 1;
    group.refused = mergeRefused(group.refused, refused);
    refused = undefined;
    running ??= run();
    return group.durable.promise;
  }

  function lastGroup(): Group {
    const last = groups.at(-1);
    const segment = sequence.segment();
    if (last?.segment === segment) return last;
    const group: Group = { segment, lines: [], next: segment, bytes: 0, records: 0, refused: undefined, durable: Promise.withResolvers() };
    group.durable.promise.catch(() => {}); // whoever doesn't wait for a record is told by failure()
    groups.push(group);
    return group;
  }

  async function run(): Promise<void> {
    await turn(); // what is appended in this turn of the event loop becomes one group
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) await commit(group);
    running = undefined;
  }

  async function commit(group: Group): Promise<void> {
    try {
      sinceMs = monotonic();
      await writer.commit(group);
    } catch (error) {
      if (fail(group, error).isFinal) await writer.abandon();
      return;
    } finally {
      sinceMs = undefined;
    }
    failure = undefined;
    waiting = { lines: waiting.lines - group.lines.length, bytes: waiting.bytes - group.bytes };
    group.durable.resolve();
  }

  function fail(group: Group, error: unknown): Failure {
    const lost = [group, ...groups];
    const { reason, code } = explain(error);
    const failed: Failure = { reason, code, isFinal: !isPassing(error), triedAtMs: now() };
    failure = failed;
    for (const { refused: earlier, records } of lost) {
      refused = mergeRefused(mergeRefused(refused, earlier), records === 0 ? undefined : { count: records, sinceMs: now(), reason: code });
    }
    groups = [];
    waiting = { lines: 0, bytes: 0 };
    sequence.takeBack(writer.tail().next);
    for (const { durable } of lost) durable.reject(unavailable(reason, !failed.isFinal, error));
    return failed;
  }

  async function finish(): Promise<void> {
    if (refused !== undefined && (failure === undefined || mayTry(failure))) void enqueue(undefined);
    await running;
    await writer.close();
  }

  return {
    append(entry) {
      if (closing !== undefined) throw unavailable('the log is closed', false);
      if (failure !== undefined && !mayTry(failure)) refuse(failure.reason, failure.code);
      const why = unsigned();
      if (why !== undefined) refuse(why.reason, why.code);
      if (isStalled()) refuse(STALLED, 'stalled');
      if (isFull()) refuse(FULL, 'queue_full');
      const durable = enqueue(entry);
      return { index: sequence.next() - 1, durable };
    },
    failure: () => (closing === undefined ? failure?.reason ?? unsigned()?.reason ?? (isStalled() ? STALLED : isFull() ? FULL : undefined) : 'the log is closed'),
    queued: () => waiting.lines,
    size: () => sequence.next(),
    async probe() {
      if (failure === undefined || closing !== undefined || !mayTry(failure)) return;
      await enqueue(undefined).catch(() => {}); // the gap record, or with a try under way nothing more
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
