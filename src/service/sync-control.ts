import { SluiceError } from '../core/errors.ts';
import type { Facts } from '../core/facts.ts';
import type { DecisionLog } from '../log/types.ts';
import type { Asked } from '../pdp.ts';
import type { PermitSource } from './permit.ts';
import { SyncError } from '../sources/permit/keep/messages.ts';
import type { PermitStatus } from '../sources/permit/keep/status.ts';
import type { Unmapped } from '../sources/permit/receive.ts';

/** For those who administer: what is known of the environments administered in Permit, and what may be done to them. */
export interface SyncControl {
  status(): readonly (PermitStatus & { readonly setAside: readonly string[]; readonly unmappedObjects: readonly Unmapped[] })[];
  /** A hint: Permit is asked soon. @throws {SluiceError} `not_found` */
  poll(environment: string): void;
  /** Pins a kept generation until `resume`; recorded. @throws {SluiceError} `not_found`, `request_invalid` */
  rollback(environment: string, toNumber: number | undefined, asked: Asked): Promise<void>;
  /** @throws {SluiceError} `not_found`, `request_invalid` */
  resume(environment: string, asked: Asked): Promise<void>;
}

interface Deps {
  readonly permit: PermitSource;
  readonly facts: () => Facts;
  readonly log: DecisionLog;
}

export function createSyncControl({ permit, facts, log }: Deps): SyncControl {
  const { sync } = permit;

  function check(environment: string): void {
    if (!permit.environments.includes(environment)) throw new SluiceError('not_found', `no environment of this name is administered in Permit; those are ${permit.environments.join(', ')}`);
  }

  /** Recorded before it is done, so that nothing changes without a record; the activation that follows names the outcome. */
  async function act(environment: string, change: object, { caller, requestId }: Asked, run: () => Promise<unknown>): Promise<void> {
    check(environment);
    await log.append({ kind: 'config_changed', members: JSON.stringify({ environment, ...change, caller: caller.id, requestId }).slice(1, -1) }).durable;
    try {
      await run();
    } catch (error) {
      if (error instanceof SyncError) throw new SluiceError('request_invalid', error.message, { cause: error });
      throw error;
    }
  }

  return {
    status() {
      const own = permit.own(facts());
      return sync.status().map((status) => ({ ...status, setAside: own.get(status.environment)?.setAside ?? [], unmappedObjects: own.get(status.environment)?.unmapped ?? [] }));
    },
    poll(environment) {
      check(environment);
      sync.pollNow(environment);
    },
    rollback: (environment, toNumber, asked) => act(environment, { sync: 'rollback', ...(toNumber !== undefined && { generation: toNumber }) }, asked, () => sync.rollback(environment, toNumber)),
    resume: (environment, asked) => act(environment, { sync: 'resume' }, asked, () => sync.resume(environment)),
  };
}
