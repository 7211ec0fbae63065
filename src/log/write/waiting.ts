import type { Refused } from '../refused.ts';
import type { TimeOfRecord } from '../sequence.ts';
import { PRECEDENCE, type Appended, type Entry } from '../types.ts';

/** How things were when a record was appended. */
export interface Circumstances {
  /** What a gap record before it tells of. */
  readonly refused: Refused | undefined;
  /** What a segment that begins with it begins with. */
  readonly begins: readonly Entry[];
  readonly moment: TimeOfRecord;
  /** About what it takes in the log and in memory. */
  readonly bytes: number;
}

/** A record that has been appended, and has no place in the log yet. A class, since one is made for each record. */
export class Waiting implements Appended {
  /** Absent: only what was refused is to be told. */
  readonly entry: Entry | undefined;
  readonly when: Circumstances;
  /** Once it has one. */
  index = -1;
  /** Why it is not in the log. */
  error: unknown = undefined;
  /** Resolves when it is in the log for good, or has its error. */
  done: Promise<void> | undefined;

  constructor(entry: Entry | undefined, when: Circumstances) {
    this.entry = entry;
    this.when = when;
  }

  get durable(): Promise<number> {
    return this.done!.then(() => {
      if (this.error !== undefined) throw this.error;
      return this.index;
    });
  }
}

/** Records that are written together, if they are of one segment. */
export interface Group {
  readonly waiting: Waiting[];
  bytes: number;
  /** Resolves when each of them is in the log for good, or has its error. */
  readonly done: PromiseWithResolvers<void>;
}

/** What waits to be written, in the order in which it will be. */
export interface WaitingList {
  push(one: Waiting): void;
  /** The next one; what goes ahead is alone in its group, so that it is on disk the sooner. */
  take(): Group | undefined;
  takeAll(): readonly Group[];
  records(): number;
  bytes(): number;
}

/** @param most of one group. */
export function createWaiting(most: { readonly records: number; readonly bytes: number }): WaitingList {
  const ahead: Group[] = [];
  const others: Group[] = [];
  let total = { records: 0, bytes: 0 };

  function roomIn(groups: Group[], bytes: number): Group {
    const last = groups.at(-1);
    if (last !== undefined && last.waiting.length < most.records && last.bytes + bytes <= most.bytes) return last;
    const group: Group = { waiting: [], bytes: 0, done: Promise.withResolvers() };
    groups.push(group);
    return group;
  }

  return {
    push(one) {
      const isAhead = one.entry !== undefined && PRECEDENCE[one.entry.kind] === 'ahead';
      const group = roomIn(isAhead ? ahead : others, one.when.bytes);
      group.waiting.push(one);
      group.bytes += one.when.bytes;
      total.records += 1;
      total.bytes += one.when.bytes;
      one.done = group.done.promise;
    },
    take() {
      const group = ahead.shift() ?? others.shift();
      if (group !== undefined) total = { records: total.records - group.waiting.length, bytes: total.bytes - group.bytes };
      return group;
    },
    takeAll() {
      total = { records: 0, bytes: 0 };
      return [...ahead.splice(0), ...others.splice(0)];
    },
    records: () => total.records,
    bytes: () => total.bytes,
  };
}
