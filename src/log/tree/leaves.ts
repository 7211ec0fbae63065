import { HASH_BYTES, leafHash, leafHashInPlace } from '../../core/tlog/merkle.ts';
import type { Range } from '../../core/tlog/proof.ts';
import { blocks, eachLine } from '../blocks.ts';
import { openPlain } from '../files.ts';
import { listSegments, segmentPath } from '../layout.ts';

/** Where the record of an index stands: `…/segments/….ndjson:12`, counted from 1. */
export async function placeOf(dir: string, index: number): Promise<string> {
  const first = (await listSegments(dir)).findLast((segment) => segment <= index);
  return first === undefined ? `${dir}/segments` : `${segmentPath(dir, first)}:${index - first + 1}`;
}

/** The index of the first record that the segments hold; 0 in an empty log. */
export const firstIndex = async (dir: string): Promise<number> => (await listSegments(dir))[0] ?? 0;

/**
 * The leaves of the records in this range, in order, some at a time, one behind the other; of those that are not there, none. The lines are
 * hashed as they stand: that they are the records of their indexes is not looked at.
 */
export async function* leavesOf(dir: string, { from, to }: Range): AsyncGenerator<Buffer> {
  const segments = await listSegments(dir);
  for (const [position, first] of segments.entries()) {
    if ((segments[position + 1] ?? Infinity) <= from || first >= to) continue;
    const file = await openPlain(segmentPath(dir, first));
    try {
      let index = first;
      for await (const block of blocks(file)) {
        const leaves: string[] = [];
        eachLine(block, (start, newline) => {
          // The newline before it has been passed, so that its byte may serve.
          if (index >= from && index < to) leaves.push(start === 0 ? leafHash(block.subarray(0, newline)).toString('latin1') : leafHashInPlace(block, start, newline));
          index += 1;
        });
        if (leaves.length > 0) yield joined(leaves);
        if (index >= to) break;
      }
    } finally {
      await file.close();
    }
  }
}

function joined(texts: readonly string[]): Buffer {
  const leaves = Buffer.allocUnsafe(texts.length * HASH_BYTES);
  for (const [at, text] of texts.entries()) leaves.write(text, at * HASH_BYTES, 'latin1');
  return leaves;
}

/** The stored line of one record, without its newline; undefined when it is not there. */
export async function lineOf(dir: string, index: number): Promise<Buffer | undefined> {
  const first = (await listSegments(dir)).findLast((segment) => segment <= index);
  if (first === undefined) return undefined;
  const file = await openPlain(segmentPath(dir, first));
  try {
    let at = first;
    for await (const block of blocks(file)) {
      let found: Buffer | undefined;
      eachLine(block, (start, newline) => {
        if (at === index) found = Buffer.from(block.subarray(start, newline));
        at += 1;
      });
      if (found !== undefined) return found;
    }
    return undefined;
  } finally {
    await file.close();
  }
}
