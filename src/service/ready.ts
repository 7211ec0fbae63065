import { SluiceError } from '../core/errors.ts';
import type { Snapshot, Snapshots } from '../snapshot.ts';

/** What decides an environment. @throws {SluiceError} `not_ready` where that is still to come. */
export function readySnapshot(snapshots: Snapshots, environment: string): Snapshot {
  const snapshot = snapshots.of(environment);
  if (snapshot === undefined) throw new SluiceError('not_ready', 'the facts of this environment have not been verified yet: /readyz says when they are', { retryAfterSeconds: 1 });
  return snapshot;
}
