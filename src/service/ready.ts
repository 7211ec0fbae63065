import { SluiceError } from '../core/errors.ts';
import { VENDOR_STATES } from '../core/vocabulary.ts';
import type { DecisionLog } from '../log/types.ts';
import type { Snapshot, Snapshots } from '../snapshot.ts';
import { worseOf } from './vendor-switch.ts';

/** What decides an environment. @throws {SluiceError} `not_ready` where that is still to come. */
export function readySnapshot(snapshots: Snapshots, environment: string): Snapshot {
  const snapshot = snapshots.of(environment);
  if (snapshot === undefined) throw new SluiceError('not_ready', 'the facts of this environment have not been verified yet: /readyz says when they are', { retryAfterSeconds: 1 });
  return snapshot;
}

/** What questions that are asked together are judged by (J26). */
export interface Together {
  /**
   * Those of the beginning, or later ones: a state of a vendor that became worse counts at once, and so does a revision
   * that was asked for.
   */
  snapshots(): Snapshots;
  /** As `PdpDeps.revised`, but once: what is asked together waits together. */
  revised(holds: () => boolean): Promise<void>;
  /** Resolves when the log has room for more than what waits already. */
  relief(): Promise<void>;
}

export interface TogetherDeps {
  readonly snapshots: () => Snapshots;
  readonly revised: (holds: () => boolean) => Promise<void>;
  readonly log: Pick<DecisionLog, 'relief'>;
}

export function createTogether({ snapshots: present, revised, log }: TogetherDeps): Together {
  let taken = present();
  let seen = taken;
  let waiting: Promise<void> | undefined;
  return {
    snapshots() {
      const now = present();
      if (now === seen) return taken;
      seen = now;
      // Whole: its states with the other facts of before would be a revision that never was.
      if (hasWorse(now, taken)) taken = now;
      return taken;
    },
    revised: (holds) => waiting ??= revised(holds).then(() => {
      if (holds()) taken = seen = present();
    }),
    async relief() {
      for (let relief = log.relief(); relief !== undefined; relief = log.relief()) await relief;
    },
  };
}

/** Whether a vendor is in a worse state than before, in some environment. */
function hasWorse(now: Snapshots, before: Snapshots): boolean {
  return now.all().some((snapshot) => snapshot.numbers.keys().some((environment) => {
    const old = before.of(environment);
    if (old === undefined) return false;
    return snapshot.world.catalogue.facts.vendors.keys().some((id) => severity(snapshot, id) > severity(old, id));
  }));
}

function severity({ world: { catalogue: { facts }, vendorStates } }: Snapshot, id: string): number {
  const vendor = facts.vendors.get(id);
  return vendor === undefined ? VENDOR_STATES.length : VENDOR_STATES.indexOf(worseOf(vendor, vendorStates.get(id)));
}
