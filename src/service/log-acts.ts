import type { DataDir } from '../datadir/datadir.ts';
import { SluiceError } from '../core/errors.ts';
import type { OpenedLog } from '../log/log.ts';
import type { ActedBy, LogActs } from '../log/types.ts';

export type { LogActs } from '../log/types.ts';

export interface LogActsDeps {
  readonly log: OpenedLog;
  readonly dataDir: Pick<DataDir, 'rotateNames'>;
  /** What was made with the key before counts no more: records that the memo keeps hold hashes. */
  readonly forget: () => void;
}

export function createLogActs({ log, dataDir, forget }: LogActsDeps): LogActs {
  let last: Promise<unknown> = Promise.resolve();

  /** One after the other, and first the record. */
  function act<T>(name: string, { caller, requestId, ...more }: ActedBy & { readonly before?: string }, run: () => Promise<T>): Promise<T> {
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
