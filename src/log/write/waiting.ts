import type { Refused } from '../refused.ts';
import type { TimeOfRecord } from '../sequence.ts';
import { PRECEDENCE, type Entry } from '../types.ts';

/** A record that has been appended, and has no place in the log yet. */
export interface Waiting {
  /** Absent: only what was refused is to be told. */
  readonly entry: Entry | undefined;
  /** What a gap record before it tells of. */
  readonly refused: Refused | undefined;
  /** What a segment that begins with it begins with: as things were when it was appended. */
  readonly begins: readonly Entry[];
  /** When it was appended. */
  readonly moment: TimeOfRecord;
  /** About what it takes in the log and in memory. */
  readonly bytes: number;
  /** Once it has one. */
  index: number;
  /** Why it is not in the log. */
  error: unknown;
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
  /** Gives the group that it goes with. */
  push(one: Waiting): Group;
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
      const group = roomIn(isAhead ? ahead : others, one.bytes);
      group.waiting.push(one);
      group.bytes += one.bytes;
      total.records += 1;
      total.bytes += one.bytes;
      return group;
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
