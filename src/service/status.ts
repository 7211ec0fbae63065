import type { Facts } from '../core/facts.ts';
import type { DiskUsage } from '../log/disk.ts';
import type { IndexStatus } from '../log/index/log-index.ts';
import type { OpenedLog } from '../log/log.ts';
import type { PdpStatus } from './pdp-status.ts';
import type { Snapshots } from '../snapshot.ts';
import type { Loaded } from '../workspace.ts';
import type { PermitSource } from './permit.ts';

export interface StatusParts {
  readonly snapshots: Snapshots;
  readonly loaded: Loaded;
  readonly log: OpenedLog;
  readonly permit: PermitSource | undefined;
  readonly reloadErrors: readonly string[] | undefined;
  readonly nowMs: number;
  readonly disk: DiskUsage | undefined;
  readonly index: IndexStatus | undefined;
  readonly memo: NonNullable<PdpStatus['memo']>;
}

/** Where environments.yaml says nothing, and facts come from Permit. */
const DEGRADED_MS = 5 * 60_000;

export function statusOf({ snapshots, loaded, log, permit, reloadErrors, nowMs, disk, index, memo }: StatusParts): PdpStatus {
  const ageOf = (environment: string) => snapshots.of(environment)?.ageMs(nowMs) ?? 0;
  const degradedMs = (environment: string) => loaded.facts.environments.get(environment)?.degradedAgeMs ?? (permit?.environments.includes(environment) === true ? DEGRADED_MS : Infinity);
  return {
    digest: snapshots.digest,
    bundleDigest: loaded.engine.digest,
    loadedAtMs: loaded.loadedAtMs,
    ...(reloadErrors !== undefined && { reloadErrors }),
    ...(log.failure() !== undefined && { logFailure: log.failure()! }),
    queuedRecords: log.queued(),
    queue: log.queue(),
    memo,
    ...(log.evidence !== undefined && { tree: log.evidence.status() }),
    ...(disk !== undefined && { disk }),
    ...(index !== undefined && { index: { lag: Math.max(0, index.size - index.next), ...(index.failure !== undefined && { failure: index.failure }) } }),
    shadow: shadowsOf(loaded.facts),
    environments: Object.fromEntries(snapshots.numbers().map(([environment, number]) => [environment, { number, ageMs: ageOf(environment) }])),
    waiting: snapshots.waiting,
    degraded: [...loaded.facts.environments.keys()].filter((environment) => ageOf(environment) >= degradedMs(environment)),
    ...(permit !== undefined && { permit: permit.sync.status() }),
  };
}

const shadowsOf = ({ modes }: Facts): readonly string[] => [...modes.vendors, ...modes.events].filter(([, { mode }]) => mode === 'shadow').map(([id]) => id).sort();
