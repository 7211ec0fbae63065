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
  /** With its index. */
  readonly resolve: (index: number) => void;
  readonly reject: (error: Error) => void;
}

/** What waits to be written, in the order in which it will be. */
export interface WaitingList {
  push(one: Waiting): void;
  /** The next ones, up to these bounds, but one at least if there is one. */
  take(most: { readonly records: number; readonly bytes: number }): readonly Waiting[];
  takeAll(): readonly Waiting[];
  records(): number;
  bytes(): number;
}

export function createWaiting(): WaitingList {
  const ahead: Waiting[] = [];
  let others: Waiting[] = [];
  let total = 0;

  function take(list: Waiting[], most: { readonly records: number; readonly bytes: number }): readonly Waiting[] {
    let [count, bytes] = [0, 0];
    while (count < list.length && (count === 0 || (count < most.records && bytes + list[count]!.bytes <= most.bytes))) bytes += list[count++]!.bytes;
    total -= bytes;
    return list.splice(0, count);
  }

  return {
    push(one) {
      const isAhead = one.entry !== undefined && PRECEDENCE[one.entry.kind] === 'ahead';
      (isAhead ? ahead : others).push(one);
      total += one.bytes;
    },
    // What goes ahead is alone in its group: it is on disk the sooner.
    take: (most) => take(ahead.length > 0 ? ahead : others, most),
    takeAll() {
      const all = [...ahead.splice(0), ...others];
      others = [];
      total = 0;
      return all;
    },
    records: () => ahead.length + others.length,
    bytes: () => total,
  };
}
