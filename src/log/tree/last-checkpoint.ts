import type { KeyObject } from 'node:crypto';
import { parseCheckpoint } from '../../core/tlog/checkpoint.ts';
import { parseVerifierKey, toVerifierKey } from '../../core/tlog/note.ts';
import { blocksBackwards } from '../blocks.ts';
import { openPlain, readPlain } from '../files.ts';
import { checkpointPath, isSignedBy, keptPath, noteOf, type SignedCheckpoint } from './checkpoints.ts';

/**
 * The last checkpoint that one of the keys has signed, whatever has become of the files: lines that were changed or cut
 * off are passed over. Without a key nobody can tell which were, and the last that is one at all counts.
 *
 * @param previous the public key before the present one, as text.
 */
export async function lastCheckpoint(dir: string, key: KeyObject | undefined, previous: string | undefined): Promise<SignedCheckpoint | undefined> {
  const before = parseVerifierKey(previous ?? '');
  const isGood = (one: SignedCheckpoint) => key === undefined || isSignedBy(one, [toVerifierKey(one.origin, key), ...before === undefined ? [] : [before]]);
  const newest = toCheckpoint(await readPlain(checkpointPath(dir)).then((bytes) => bytes?.toString() ?? '', () => ''));
  const found = await lastKept(dir, isGood).catch(() => undefined);
  if (newest === undefined || !isGood(newest)) return found;
  return found === undefined || found.size < newest.size ? newest : found;
}

async function lastKept(dir: string, isGood: (one: SignedCheckpoint) => boolean): Promise<SignedCheckpoint | undefined> {
  const file = await openPlain(keptPath(dir));
  try {
    for await (const block of blocksBackwards(file)) {
      const found = block.toString().split('\n').findLast((line) => {
        const one = toCheckpoint(noteOf(line));
        return one !== undefined && isGood(one);
      });
      if (found !== undefined) return toCheckpoint(noteOf(found));
    }
    return undefined;
  } finally {
    await file.close();
  }
}

function toCheckpoint(note: string): SignedCheckpoint | undefined {
  const checkpoint = parseCheckpoint(note);
  return checkpoint && { ...checkpoint, note };
}
