import type { DataDir } from '../datadir/datadir.ts';
import { SluiceError } from '../core/errors.ts';
import type { OpenedLog } from '../log/log.ts';
import type { PruneResult } from '../log/tree/prune.ts';
import type { Asked } from '../pdp.ts';

/** What is done to the log as a whole while it is written. Each is recorded, with who asked for it, before it is done. */
export interface LogActs {
  /**
   * Takes whole sealed segments from before this moment (milliseconds since the Unix epoch) out of the log.
   * @throws {SluiceError} `request_invalid` when a sink has not got them yet, `audit_unavailable`.
   */
  prune(beforeMs: number, by: Asked): Promise<PruneResult>;
  /** Gives the public key that signs from now on. */
  rotateKey(by: Asked): Promise<string>;
  /** Unknown names are hashed with a new key from now on (J30). */
  rotateNamesKey(by: Asked): Promise<void>;
}

export interface LogActsDeps {
  readonly log: OpenedLog;
  readonly dataDir: Pick<DataDir, 'rotateNames'>;
  /** What was made with the key before counts no more: records that the memo keeps hold hashes. */
  readonly forget: () => void;
}

export function createLogActs({ log, dataDir, forget }: LogActsDeps): LogActs {
  let last: Promise<unknown> = Promise.resolve();

  /** One after the other, and first the record. */
  function act<T>(name: string, { caller, requestId, ...more }: Asked & { readonly before?: string }, run: () => Promise<T>): Promise<T> {
    const result = last.then(async () => {
      await log.append({ kind: 'config_changed', members: JSON.stringify({ log: name, ...more, caller: caller.id, requestId }).slice(1, -1) }).durable;
      return run();
    });
    last = result.catch(() => {});
    return result;
  }

  const evidence = () => {
    if (log.evidence === undefined) throw new SluiceError('not_found', 'the log has no tree');
    return log.evidence;
  };

  return {
    prune: (beforeMs, by) => act('prune', { ...by, before: new Date(beforeMs).toISOString() }, () => evidence().prune({ beforeMs })),
    rotateKey: (by) => act('rotate_key', by, () => evidence().rotateKey()),
    rotateNamesKey: (by) => act('rotate_names_key', by, async () => {
      await dataDir.rotateNames((fingerprints) => log.append({ kind: 'names_key_rotated', members: JSON.stringify(fingerprints).slice(1, -1) }).durable);
      forget();
    }),
  };
}
