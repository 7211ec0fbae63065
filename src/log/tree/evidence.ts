import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { toVerifierKey, type Signer } from '../../core/tlog/note.ts';
import { replaceFile } from '../../datadir/durable.ts';
import { openLogKeys } from '../../datadir/log-key.ts';
import type { Files } from '../files.ts';
import { lineStart } from '../line.ts';
import { readLog } from '../read.ts';
import type { DecisionLog } from '../types.ts';
import { isPassing, type Growth } from '../writer.ts';
import { checkTree } from './check.ts';
import { createKeeper, vkeyPath } from './checkpoints.ts';
import { prune, type PruneOptions, type PruneResult } from './prune.ts';
import { createTree, type Tree, type TreeStatus } from './tree.ts';

export interface EvidenceOptions {
  readonly dir: string;
  readonly files: Files;
  readonly origin: string;
  /** How many records there are. */
  readonly size: number;
  readonly keysDir?: string;
  readonly signEveryMs?: number;
  readonly onSigningProblem?: (reason: string) => void;
}

/** What makes the log provable. */
export interface Evidence {
  status(): TreeStatus;
  /** Tiles that were missing or damaged when the log was opened, and were made again from the records. */
  readonly repairedTiles: number;
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
  readonly failure: Tree['failure'];
  /** Finishes what a crash has interrupted, and signs what is not signed. @param append of the log. */
  start(append: DecisionLog['append']): Promise<void>;
  close(): Promise<void>;
}

/** Undefined without `keysDir`. @throws {Error} for the operator; see `checkTree`. */
export async function openEvidence({ dir, files, origin, size, keysDir, signEveryMs = 1000, onSigningProblem = () => {} }: EvidenceOptions): Promise<OpenedEvidence | undefined> {
  if (keysDir === undefined) return undefined;
  const keys = openLogKeys(keysDir);
  const checked = await checkTree({ dir, origin, keys, size });
  let key = keys.current() ?? keys.make();
  const vkey = () => toVerifierKey(origin, key).text;
  if (checked.isNew && !existsSync(vkeyPath(dir))) replaceFile(vkeyPath(dir), `${vkey()}\n`);
  const tree = createTree({
    dir, files, origin, key, everyMs: signEveryMs, onProblem: onSigningProblem,
    edge: checked.edge, tiles: checked.tiles, keeper: createKeeper(files, dir, checked.kept.bytes), signed: checked.kept.heads[0]?.size,
  });
  let append: DecisionLog['append'];

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
    failure: tree.failure,
    status: tree.status,
    repairedTiles: checked.repairedTiles,
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
        if (await finishRotation() !== undefined) keys.dropNext();
        await tree.sign();
      } catch (error) {
        // With no space left it is tried again every second, as long as records can't come either; a rotation with the next act.
        if (!isPassing(error)) throw error;
      }
    },
    close: tree.close,
  };
}

/** Whether a record says that this key follows. */
async function isRecorded(dir: string, { from, size, vkey }: { readonly from: number; readonly size: number; readonly vkey: string }): Promise<boolean> {
  for await (const { index, line, record } of readLog(dir, { from })) {
    if (index >= size) return false;
    if (line.startsWith(lineStart(index)) && record['kind'] === 'key_rotated' && record['to'] === vkey) return true;
  }
  return false;
}
