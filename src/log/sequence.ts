import { toLine, type Line } from './line.ts';
import type { Recovered } from './recover.ts';
import type { Entry } from './types.ts';

export interface SequenceOptions {
  readonly origin: string;
  readonly now: () => number;
  readonly onClockBack?: ((byMs: number) => void) | undefined;
  /** Of a segment's lines and of the side objects that they name: a start looks at all of them. */
  readonly maxSegmentBytes: number;
  readonly maxSegmentMs: number;
  /** What the side objects of the last segment take. */
  readonly objectBytes: number;
}

// With the day, in UTC, a segment ends whatever its age: by days it is pruned.
const DAY_MS = 86_400_000;

export interface TimeOfRecord {
  readonly atMs: number;
  /** RFC 3339 in UTC with milliseconds. */
  readonly time: string;
}

const toTime = (atMs: number): TimeOfRecord => ({ atMs, time: new Date(atMs).toISOString() });

/** Gives records their place: index, time, segment, and what must stand before them. Synchronous; does no I/O. */
export interface Sequence {
  /** The index of the next line. */
  next(): number;
  /** First index of the segment that the last lines belong to. */
  segment(): number;
  /**
   * The lines of the given records, in order; before them those that a new segment begins with, after `gap`. Their time is
   * that moment, or if later that of the line before. A throw changes nothing.
   */
  put(records: { readonly gap: Entry | undefined; readonly entry: Entry | undefined; readonly begins: readonly Entry[]; readonly moment: TimeOfRecord }): readonly Line[];
  /** The present time, or if later that of the last record of an earlier run or of an earlier call. */
  moment(): TimeOfRecord;
  /** Whether the present segment has the input of this digest. */
  has(digest: string): boolean;
  /** Takes back all lines from `next` on; what comes then begins a segment. */
  takeBack(next: number): void;
}

export function createSequence(options: SequenceOptions, { tail, ...found }: Recovered): Sequence {
  const { origin, maxSegmentBytes, maxSegmentMs } = options;
  const tick = createTick(options, found.lastMs);
  let latest = toTime(found.lastMs);
  let { first, next } = tail;
  let bytes = tail.bytes + options.objectBytes;
  let { startedMs } = found;
  let inputs = new Set(found.inputs);
  let isEnded = false;

  function isFull(atMs: number): boolean {
    return isEnded || (startedMs !== undefined && (bytes >= maxSegmentBytes || atMs - startedMs >= maxSegmentMs || Math.floor(atMs / DAY_MS) > Math.floor(startedMs / DAY_MS)));
  }

  function begin(): void {
    first = next;
    bytes = 0;
    startedMs = undefined;
    inputs = new Set();
    isEnded = false;
  }

  return {
    next: () => next,
    segment: () => first,
    has: (digest) => inputs.has(digest),
    moment: tick,
    put({ gap, entry, begins, moment }) {
      const { atMs, time } = moment.atMs > latest.atMs ? moment : latest;
      const isFirst = isFull(atMs);
      const input = entry?.input !== undefined && (isFirst || !inputs.has(entry.input.digest)) ? entry.input : undefined;
      const entries = [gap, ...(isFirst ? begins : []), input && { kind: 'input' as const, members: input.members() }, entry].filter((some) => some !== undefined);
      entries.forEach(checkMembers);
      latest = { atMs, time };
      if (isFirst) begin();
      if (input !== undefined) inputs.add(input.digest);
      startedMs ??= atMs;
      return entries.map((some) => {
        const line = toLine({ index: next, time, origin }, some);
        bytes += line.bytes + (line.object?.bytes.length ?? 0);
        next += 1;
        return line;
      });
    },
    takeBack(from) {
      next = from;
      isEnded = true;
    },
  };
}

// Two lines instead of one would be a log that no longer starts.
function checkMembers({ kind, members }: Entry): void {
  if (members.includes('\n')) throw new TypeError(`the members of a record of kind ${kind} hold a newline`);
}

/** Never before what it gave before, nor the last record of an earlier run. */
function createTick({ now, onClockBack }: SequenceOptions, lastMs: number): () => TimeOfRecord {
  let moment = toTime(lastMs);
  let isBehind = false;
  return () => {
    const atMs = now();
    if (atMs < moment.atMs) {
      const byMs = moment.atMs - atMs;
      // Later, since whoever hears it may want to append.
      if (!isBehind) queueMicrotask(() => onClockBack?.(byMs));
      isBehind = true;
      return moment;
    }
    isBehind = false;
    if (atMs > moment.atMs) moment = toTime(atMs);
    return moment;
  };
}
