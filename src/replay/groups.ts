import { crc32 } from 'node:zlib';
import type { VendorState } from '../core/facts.ts';
import type { Place } from './inputs.ts';

/** What one line says of who asked what, and what of it differs from one asking to the next. */
export interface Read {
  /** What comes before `lasting` in the text of the record. */
  readonly head: string;
  /** Valid until the next line is read. */
  readonly lasting: Buffer;
  readonly decisionId: string;
  readonly rows: number | undefined;
}

export interface Gathered {
  readonly head: string;
  readonly lasting: Buffer;
  readonly place: Place | undefined;
  readonly vendorStates: ReadonlyMap<string, VendorState>;
  count: number;
  withRows: number;
  rows: number;
  readonly firstMs: number;
  lastMs: number;
  readonly firstIndex: number;
  readonly decisionId: string;
}

/** Of the line that is read now. */
export interface Now {
  readonly timeMs: number;
  readonly index: number;
  readonly vendorStates: ReadonlyMap<string, VendorState>;
  readonly placeFor: (lasting: Buffer) => Place | undefined;
}

export const textOf = ({ head, lasting }: Pick<Gathered, 'head' | 'lasting'>) => `${head}${lasting.toString()}}`;

/** Equal answers, taken together. A checksum finds those that may be equal, which costs a third of a digest; their bytes are then compared. */
export function createGroups() {
  const bySum = new Map<number, Gathered[]>();
  let size = 0;

  function groupFor({ head, lasting, decisionId }: Read, { timeMs, index, vendorStates, placeFor }: Now): Gathered {
    const sum = crc32(lasting, crc32(head));
    const alike = bySum.get(sum);
    const known = alike?.find((group) => group.vendorStates === vendorStates && group.head === head && group.lasting.equals(lasting));
    if (known !== undefined) return known;
    const kept = Buffer.copyBytesFrom(lasting);
    const group = { head, lasting: kept, place: placeFor(kept), vendorStates, count: 0, withRows: 0, rows: 0, firstMs: timeMs, lastMs: timeMs, firstIndex: index, decisionId };
    if (alike === undefined) bySum.set(sum, [group]);
    else alike.push(group);
    size += 1;
    return group;
  }

  return {
    size: () => size,
    all: () => [...bySum.values()].flat(),
    add(read: Read, now: Now): void {
      const group = groupFor(read, now);
      group.count += 1;
      group.lastMs = now.timeMs;
      if (read.rows === undefined) return;
      group.withRows += 1;
      group.rows += read.rows;
    },
  };
}

export type Groups = ReturnType<typeof createGroups>;
