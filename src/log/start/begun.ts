import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseVerifierKey, toVerifierKey, type VerifierKey } from '../../core/tlog/note.ts';
import { openLogKeys, type LogKeys } from '../../datadir/log-key.ts';
import { listPlain, readPlainSync } from '../files.ts';
import {
  checkpointPath,
  hasCheckpoints,
  isSignedBy,
  keptPath,
  readCheckpoints,
  vkeyPath,
  type KeptCheckpoints,
} from '../tree/checkpoints.ts';
import { openCopy, type CopiedCheckpoint, type Copy } from '../tree/copy.ts';
import { placeOf } from '../tree/leaves.ts';
import { refusal } from './refusal.ts';

export interface BegunOptions {
  readonly dir: string;
  readonly origin: string;
  readonly keys: LogKeys;
  readonly copy: Copy;
  /** How many records there are. */
  readonly size: number;
  /** An operator says that the records which no checkpoint covers are good. */
  readonly accepts: boolean;
}

/** What tells how far the log was signed. */
export interface Begun {
  /** Nothing of a log is there, or nothing but records that are accepted. */
  readonly isNew: boolean;
  readonly kept: KeptCheckpoints;
  /** Undefined for a log that has none yet. */
  readonly copied: CopiedCheckpoint | undefined;
}

const NOTHING: KeptCheckpoints = { heads: [], bytes: 0 };

/**
 * What is known of the log before its records are looked at. A log that has a key, a public key, a checkpoint, a tile or
 * a record is begun, and must have all that belongs to it. A first start makes, each on disk before the next: the copy
 * (of the checkpoint of no records), the key, the first public key beside it, the log's own, the checkpoint.
 *
 * @throws {Error} naming the file and the ways out.
 */
export async function findBegun(options: BegunOptions): Promise<Begun> {
  const { dir, keys, copy, accepts } = options;
  const [key, first, copied] = [keys.current(), keys.first(), copy.read()];
  if (key === undefined) {
    const traces = await tracesIn(options);
    const isUntouched = traces.length === 0 || (accepts && traces.every(({ isRecord }) => isRecord));
    if (isUntouched && first === undefined && (copied?.size ?? 0) === 0)
      return { isNew: true, kept: NOTHING, copied: undefined };
    throw refusal(
      `keys/log.key: missing, ` +
        `though ${traces.length > 0 ? `there is ${traces[0]!.what}` : 'this log has been signed with it'}${WITHOUT_KEY}`,
    );
  }
  if (copied === undefined && first !== undefined) {
    throw refusal(
      `${copy.path}: missing; it is the copy of the log's newest checkpoint, without which an older log could be ` +
        `taken for this one. If it lies elsewhere now, say where by SLUICE_LOG_CHECKPOINT_FILE`,
    );
  }
  const kept = await checkpointsOf(options, copied);
  checkSignatures(options, { kept, copied });
  if (copied !== undefined) checkCopy(options, { kept, copied, first });
  else if (!existsSync(vkeyPath(dir)))
    throw refusal(`${vkeyPath(dir)}: missing; it is the public key that auditors hold`);
  return { isNew: false, kept, copied };
}

const WITHOUT_KEY =
  '. Where records are all there is, as of a log from before logs were signed, "sluice log accept-unsigned ' +
  '--because …" has them signed as they are';

interface Trace {
  readonly what: string;
  readonly isRecord: boolean;
}

/** What shows that there was a log. */
async function tracesIn({ dir, size }: BegunOptions): Promise<readonly Trace[]> {
  const files = [vkeyPath(dir), checkpointPath(dir)].filter(existsSync);
  const kept = (statSync(keptPath(dir), { throwIfNoEntry: false })?.size ?? 0) > 0 ? [keptPath(dir)] : [];
  const tiles = await tilesIn(dir);
  return [
    ...[...files, ...kept, ...tiles].map((what) => ({ what, isRecord: false })),
    ...(size > 0 ? [{ what: `a record (${await placeOf(dir, size - 1)})`, isRecord: true }] : []),
  ];
}

async function tilesIn(dir: string): Promise<readonly string[]> {
  for (const level of await listPlain(join(dir, 'tile'))) {
    const [tile] = level.isDirectory() ? await listPlain(join(dir, 'tile', level.name)) : [];
    if (tile !== undefined) return [join(dir, 'tile', level.name, tile.name)];
  }
  return [];
}

/**
 * Before anything is made: a log that was begun, and of which not even the origin is there, doesn't begin again.
 *
 * @throws {Error} naming the folder and the ways out.
 */
export function refuseGone(dir: string, keysDir: string, copyPath: string | undefined): void {
  if (existsSync(join(dir, 'origin'))) return;
  const [keys, copy] = [openLogKeys(keysDir), openCopy({ dir, keysDir, path: copyPath })];
  const copied = copy.read();
  if (keys.current() === undefined && keys.first() === undefined && (copied?.size ?? 0) === 0) return;
  throw refusal(
    `${join(dir, 'origin')}: missing, though there is a key of this ` +
      `log${copied === undefined ? '' : `, and ${copy.path} signs for ${copied.size} records of ${copied.origin}`}`,
  );
}

async function checkpointsOf({ dir }: BegunOptions, copied: CopiedCheckpoint | undefined): Promise<KeptCheckpoints> {
  // A crash in a first start: nothing has been signed for but the empty log, and that only in the copy.
  const isFirst = copied?.size === 0 && !existsSync(checkpointPath(dir));
  if (!hasCheckpoints(dir)) {
    if (isFirst) return NOTHING;
    throw refusal(`${keptPath(dir)}: missing, though there is a key of this log`);
  }
  const kept = await readCheckpoints(dir).catch((error: Error) => {
    throw refusal(error.message);
  });
  if (kept.last === undefined && !isFirst) {
    throw refusal(
      `${keptPath(dir)}: empty, though there is a ${kept.newest === undefined ? 'key of this log' : 'checkpoint'}`,
    );
  }
  return kept;
}

function checkSignatures(
  { origin, keys, copy }: BegunOptions,
  { kept: { heads }, copied }: Pick<Begun, 'kept' | 'copied'>,
): void {
  const all = [...heads, ...(copied === undefined ? [] : [{ ...copied, path: copy.path }])];
  const foreign = all.find((head) => head.origin !== origin);
  if (foreign !== undefined) throw refusal(`${foreign.path}: a checkpoint of another log than ${origin}`);
  const previous = keys.previous();
  const known: readonly VerifierKey[] = [
    toVerifierKey(origin, keys.current()!),
    ...(previous === undefined ? [] : [parseVerifierKey(previous)].filter((key) => key !== undefined)),
  ];
  const unsigned = all.find((head) => !isSignedBy(head, known));
  if (unsigned !== undefined)
    throw refusal(`${unsigned.path}: the last checkpoint is not signed by keys/log.key, or has been changed`);
}

function checkCopy(
  { dir, copy }: BegunOptions,
  {
    kept,
    copied,
    first,
  }: { readonly kept: KeptCheckpoints; readonly copied: CopiedCheckpoint; readonly first: string | undefined },
): void {
  if (first !== undefined && first !== copied.vkey)
    throw refusal(`${copy.path}: names another first key of this log than keys/log.first.vkey`);
  const stored = readPlainSync(vkeyPath(dir))?.toString();
  const last = kept.heads[0];
  if (stored === undefined && last !== undefined)
    throw refusal(`${vkeyPath(dir)}: missing; it is the public key that auditors hold`);
  if (stored !== undefined && stored !== `${copied.vkey}\n`)
    throw refusal(
      `${vkeyPath(dir)}: is not the first public key of this log, which ${copy.path} names: ${copied.vkey}`,
    );
  if ((last?.size ?? 0) < copied.size) {
    throw refusal(
      `${keptPath(dir)}: signs for ${last?.size ?? 0} records, but ${copy.path}, the copy of the newest ` +
        `checkpoint, for ${copied.size}: this is an older state of the log, or its last checkpoints were removed`,
    );
  }
  if (last !== undefined && last.size === copied.size && !last.root.equals(copied.root)) {
    throw refusal(
      `${last.path}: signs for another history of ${last.size} records than ${copy.path}, the copy of the newest ` +
        `checkpoint`,
    );
  }
}
