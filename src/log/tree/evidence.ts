import type { KeyObject } from 'node:crypto';
import { statSync, truncateSync } from 'node:fs';
import { toVerifierKey, type Signer } from '../../core/tlog/note.ts';
import { openLogKeys } from '../../datadir/log-key.ts';
import type { Files } from '../files.ts';
import { lineStart } from '../line.ts';
import { readLog } from '../read.ts';
import type { DecisionLog } from '../types.ts';
import { isPassing, type Growth } from '../writer.ts';
import { beginLog } from '../start/begin.ts';
import { checkTree } from '../start/check.ts';
import { refusal } from '../start/refusal.ts';
import { verifyWhole } from '../start/whole.ts';
import { createKeeper, keptPath } from './checkpoints.ts';
import { openCopy } from './copy.ts';
import { prune, type PruneOptions, type PruneResult } from './prune.ts';
import { createTree, MAX_UNSIGNED_RECORDS, type Tree, type TreeStatus } from './tree.ts';

export interface EvidenceOptions {
  readonly dir: string;
  readonly files: Files;
  readonly origin: string;
  /** How many records there are. */
  readonly size: number;
  readonly keysDir?: string;
  readonly copyPath?: string | undefined;
  readonly signEveryMs?: number;
  readonly maxUnsigned?: number;
  readonly acceptUnsigned?: string | undefined;
  readonly monotonic: () => number;
  readonly onSigningProblem?: (reason: string) => void;
}

/** What opening the log has found, and done about it. */
export interface Opening {
  /** Records that were on disk when the last run ended, and that no checkpoint covered. */
  readonly unsigned: { readonly from: number; readonly to: number };
  /** Tiles that were missing or damaged, and were made again from the records. */
  readonly repairedTiles: number;
  /** Those of them that held something else: they are kept under `aside/`, and the log has a record of it. */
  readonly asides: readonly string[];
  /** Every record has been verified, and the log has got the copy of its newest checkpoint; recorded too. */
  readonly isCopyMade: boolean;
}

/** What makes the log provable. */
export interface Evidence {
  status(): TreeStatus;
  readonly opening: Opening;
  /** The public key of the present signing key, as text. */
  vkey(): string;
  /** On return a checkpoint covers every record that is durable now. @param cosigners sign it too, and at once. */
  sign(cosigners?: readonly Signer[]): Promise<void>;
  /**
   * Gives the log a new signing key, by a record (`key_rotated`) that the old key still signs for. Gives its public key.
   * A crash in the middle is finished by the next opening.
   */
  rotateKey(): Promise<string>;
  /** Removes old segments, by a record (`pruned`) that is signed for before. */
  prune(options: PruneOptions): Promise<PruneResult>;
}

interface OpenedEvidence extends Evidence {
  readonly growth: Growth;
  readonly objectBytes: number;
  readonly failure: Tree['failure'];
  /** Finishes what a crash has interrupted, and signs what is not signed. @param append of the log. */
  start(append: DecisionLog['append']): Promise<void>;
  close(): Promise<void>;
}

/** Undefined without `keysDir`. @throws {Error} for the operator; see `checkTree`. */
export async function openEvidence(options: EvidenceOptions): Promise<OpenedEvidence | undefined> {
  const { dir, files, origin, size, keysDir, acceptUnsigned, monotonic } = options;
  const { signEveryMs = 1000, maxUnsigned = MAX_UNSIGNED_RECORDS, onSigningProblem = () => {} } = options;
  if (keysDir === undefined) return undefined;
  const keys = openLogKeys(keysDir);
  const copy = openCopy({ dir, keysDir, path: options.copyPath });
  const accepts = acceptUnsigned !== undefined;
  const checked = await checkTree({ dir, origin, keys, copy, size, maxUnsigned, accepts });
  const first = beginLog({ dir, origin, keys, copy }, checked);
  let key = keys.current()!;
  const vkey = () => toVerifierKey(origin, key).text;
  const { heads: [last], ...places } = checked.kept;
  const keeper = createKeeper({
    files, dir, ...places, copied: checked.copied?.note,
    writeCopy: (note) => copy.write(files, { vkey: first, note }),
  });
  const tree = createTree({
    dir, files, origin, key, keeper, maxUnsigned, monotonic, everyMs: signEveryMs, onProblem: onSigningProblem,
    edge: checked.edge, tiles: checked.tiles, signed: last?.size, accepted: accepts ? size : 0,
  });
  const opening: Opening = {
    unsigned: { from: last?.size ?? 0, to: size },
    repairedTiles: checked.mending.count,
    asides: checked.mending.asides,
    isCopyMade: !checked.isNew && checked.copied === undefined,
  };
  let append: DecisionLog['append'];
  let isStarting = true;

  const record = (members: object) =>
    append({ kind: 'recovered', members: JSON.stringify(members).slice(1, -1) }).durable;

  /** Before anything is signed; what is done is recorded before it is. */
  async function mend(): Promise<void> {
    for (const members of recordsOf(opening, acceptUnsigned)) await record(members);
    await checked.mending.run();
    // It may be missing in one of its places.
    if (last !== undefined && checked.copied !== undefined) await keeper.keep(last.note);
  }

  async function signFirst(): Promise<void> {
    try {
      if (await finishRotation() !== undefined) keys.dropNext();
      await tree.sign();
      if (keys.first() === undefined) keys.keepFirst(first); // the copy is there
    } catch (error) {
      // With no space left it is tried again every second, as long as records can't come either; a rotation with the next act.
      if (!isPassing(error)) throw error;
    }
  }

  /** A log of an earlier version: only what is verified as a whole gets the copy, once. */
  async function verifyFirst(): Promise<void> {
    await checked.mending.run();
    // What a crash has torn.
    if (statSync(keptPath(dir)).size > checked.kept.bytes) truncateSync(keptPath(dir), checked.kept.bytes);
    await keeper.keep(last!.note, { withCopy: false }); // one may have come before it was the newest
    const wrong = await verifyWhole(dir, first);
    if (wrong !== undefined)
      throw refusal(
        `${dir}: this log has no copy of its newest checkpoint, and gets one only as it was signed, which it is ` +
        `not: ${wrong}`,
      );
    await record({ what: 'checkpoint_copied', size: last!.size, root: last!.root.toString('base64') });
  }

  /** The record is durable: the old key signs for it, and then no more. */
  async function changeKey(): Promise<void> {
    await tree.sign();
    keys.activateNext(vkey());
    key = keys.current()!;
    tree.setKey(key);
    await tree.sign({ again: true });
  }

  /** Gives the next key when no record of this log names it. */
  async function finishRotation(): Promise<KeyObject | undefined> {
    const next = keys.next();
    if (next === undefined) return undefined;
    const to = toVerifierKey(origin, next.key).text;
    if (to === vkey()) {
      // It is in place. Put there again, it would be its own predecessor, and what the real one signed would be nobody's.
      keys.dropNext();
      await tree.sign({ again: true });
    } else if (await isRecorded(dir, { from: next.from, size: tree.status().size, vkey: to })) await changeKey();
    else return next.key;
    return undefined;
  }

  return {
    growth: { extend: tree.extend, seal: tree.signSoon },
    objectBytes: checked.objectBytes,
    failure: (next, isReserved) => (isStarting ? undefined : tree.failure(next, isReserved)),
    status: tree.status,
    opening,
    vkey,
    sign: (cosigners) => tree.sign(cosigners && { cosigners, again: true }),
    async rotateKey() {
      // One that had no space: its key is on record, and must come first. A key that isn't stays the next: the record of it
      // was refused, but may lie on a disk that fails, and count after a restart.
      const next = await finishRotation() ?? keys.makeNext(tree.status().size);
      const members = { from: vkey(), to: toVerifierKey(origin, next).text };
      await append({ kind: 'key_rotated', members: JSON.stringify(members).slice(1, -1) }).durable;
      await changeKey();
      return vkey();
    },
    async prune(options) {
      await finishRotation(); // else its record may leave, and nobody knows any more that the next key is one
      return prune({ dir, tree, append, ...options });
    },
    async start(append_) {
      append = append_;
      try {
        await tree.inTurn(async () => {
          if (opening.isCopyMade) await verifyFirst();
          await mend();
        });
        await signFirst();
      } catch (error) {
        tree.abandon(); // nothing more may be signed
        throw error;
      }
      isStarting = false;
    },
    close: tree.close,
  };
}

/** What a start records of what it does. */
function recordsOf({ asides, unsigned: { from, to } }: Opening, because: string | undefined): readonly object[] {
  return [
    ...(asides.length > 0
      ? [{ what: 'tiles_set_aside', tiles: asides.slice(0, MAX_NAMES), more: Math.max(0, asides.length - MAX_NAMES) }]
      : []),
    ...(because !== undefined && to > from ? [{ what: 'unsigned_accepted', from, to, because }] : []),
  ];
}

const MAX_NAMES = 100;

/** Whether a record says that this key follows. */
async function isRecorded(dir: string, { from, size, vkey }: { readonly from: number; readonly size: number; readonly vkey: string }): Promise<boolean> {
  for await (const { index, line, record } of readLog(dir, { from })) {
    if (index >= size) return false;
    if (line.startsWith(lineStart(index)) && record['kind'] === 'key_rotated' && record['to'] === vkey) return true;
  }
  return false;
}
