import { join } from 'node:path';
import { z } from 'zod';
import { leafHash, verifyInclusion, type TreeHead } from '../../core/tlog/merkle.ts';
import { replaceFile } from '../../datadir/durable.ts';
import { readPlainSync } from '../files.ts';
import { segmentPath } from '../layout.ts';
import { lineStart } from '../line.ts';
import { lineOf } from './leaves.ts';
import { inclusionPath } from './prove.ts';

/** Tells a start where the record is that says which others were pruned; the record itself is what counts. */
const hintPath = (dir: string) => join(dir, 'pruned');

export const writePrunedHint = (dir: string, index: number) => replaceFile(hintPath(dir), `${index}\n`);

/** The members of a record of kind `pruned`. All records before `to` have left the log. */
export const Pruned = z.object({ kind: z.literal('pruned'), from: z.int().min(0), to: z.int().min(1) });

/**
 * @param head of the last checkpoint: only what it covers counts, since records are signed for before any is pruned.
 * @param isWhole whether the tiles are known to be; else it is not looked at whether the record is the signed one.
 * @throws {Error} unless a record says that all before `first` were pruned.
 */
export async function checkPruned(dir: string, first: number, head: TreeHead | undefined, isWhole = true): Promise<void> {
  if (head === undefined || !(await isPruned(dir, first, { head, isWhole }).catch(() => false))) {
    throw new Error(`${segmentPath(dir, first)}: is the first segment, and no record that is signed for tells that those before it were pruned: records 0 to ${first - 1} are missing`);
  }
}

async function isPruned(dir: string, first: number, { head, isWhole }: { readonly head: TreeHead; readonly isWhole: boolean }): Promise<boolean> {
  const { size, root } = head;
  const index = Number(readPlainSync(hintPath(dir))?.toString() ?? NaN);
  const line = Number.isSafeInteger(index) && index < size ? await lineOf(dir, index) : undefined;
  if (line?.toString().startsWith(lineStart(index)) !== true) return false;
  const { success, data } = Pruned.safeParse(JSON.parse(line.toString()));
  if (!success || data.to < first || data.to > index) return false;
  return !isWhole || verifyInclusion({ leaf: leafHash(line), index, size, root, path: await inclusionPath(dir, index, size) });
}
