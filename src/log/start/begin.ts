import { existsSync } from 'node:fs';
import { formatCheckpoint } from '../../core/tlog/checkpoint.ts';
import { EMPTY_ROOT } from '../../core/tlog/merkle.ts';
import { signNote, toVerifierKey } from '../../core/tlog/note.ts';
import { replaceFile } from '../../datadir/durable.ts';
import { readPlainSync } from '../files.ts';
import { hasCheckpoints, keptPath, vkeyPath } from '../tree/checkpoints.ts';
import type { Begun, BegunOptions } from './begun.ts';

/**
 * Makes what a log begins with, or what a crash in its first start has left out; see `findBegun` for the order. Gives
 * the first public key of the log, as text.
 */
export function beginLog(
  { dir, origin, keys, copy }: Pick<BegunOptions, 'dir' | 'origin' | 'keys' | 'copy'>,
  { isNew, copied }: Begun,
): string {
  if (isNew) {
    keys.make((key) =>
      copy.begin({
        vkey: toVerifierKey(origin, key).text,
        note: signNote(formatCheckpoint({ origin, size: 0, root: EMPTY_ROOT }), [{ name: origin, key }]),
      }),
    );
  }
  const vkey = isNew
    ? toVerifierKey(origin, keys.current()!).text
    : (copied?.vkey ?? readPlainSync(vkeyPath(dir))!.toString().trimEnd());
  if (!isNew && copied === undefined) return vkey;
  if (keys.first() === undefined) keys.keepFirst(vkey);
  if (!existsSync(vkeyPath(dir))) replaceFile(vkeyPath(dir), `${vkey}\n`);
  if (!hasCheckpoints(dir)) replaceFile(keptPath(dir), '');
  return vkey;
}
