import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../../datadir/durable.ts';
import { segmentPath } from '../layout.ts';
import { lineStart } from '../line.ts';
import { lineOf } from './leaves.ts';

/** Tells a start where the record is that says which others were pruned; the record itself is what counts. */
const hintPath = (dir: string) => join(dir, 'pruned');

export const writePrunedHint = (dir: string, index: number) => replaceFile(hintPath(dir), `${index}\n`);

/** The members of a record of kind `pruned`. All records before `to` have left the log. */
export const Pruned = z.object({ kind: z.literal('pruned'), from: z.int().min(0), to: z.int().min(1) });

/** @throws {Error} unless a record says that all before `first` were pruned. */
export async function checkPruned(dir: string, first: number): Promise<void> {
  const missing = new Error(`${segmentPath(dir, first)}: is the first segment, and no record tells that those before it were pruned: records 0 to ${first - 1} are missing`);
  let index: number;
  try {
    index = Number(readFileSync(hintPath(dir), 'utf8'));
  } catch {
    throw missing;
  }
  const line = Number.isSafeInteger(index) ? (await lineOf(dir, index))?.toString() : undefined;
  if (line?.startsWith(lineStart(index)) !== true) throw missing;
  const parsed = Pruned.safeParse(JSON.parse(line));
  if (!parsed.success || parsed.data.to < first) throw missing;
}
