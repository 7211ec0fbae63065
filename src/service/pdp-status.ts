import type { DiskUsage } from '../log/disk.ts';
import type { DecisionLog } from '../log/types.ts';
import type { PermitStatus } from '../sources/permit/keep/status.ts';

export interface PdpStatus {
  readonly digest: string;
  readonly bundleDigest: string;
  readonly loadedAtMs: number;
  /** Why the last reload failed; absent after a good one. */
  readonly reloadErrors?: readonly string[];
  readonly logFailure?: string;
  readonly queuedRecords: number;
  /** What waits to be durable, and how much may: beyond it questions get 503. */
  readonly queue?: ReturnType<DecisionLog['queue']>;
  /** What the memo keeps, and may. */
  readonly memo?: { readonly entries: number; readonly bytes: number; readonly maxBytes: number };
  /** How many records the log has, how many of them a checkpoint covers, and why the rest is not signed. */
  readonly tree?: { readonly size: number; readonly signed: number; readonly problem?: string };
  /** The file system that holds the log. */
  readonly disk?: DiskUsage;
  /** Of a log that is indexed: durable records that the index does not have yet, and why it can't be kept. */
  readonly index?: { readonly lag: number; readonly failure?: string };
  readonly shadow: readonly string[];
  readonly environments: Readonly<Record<string, { readonly number: number; readonly ageMs: number }>>;
  /** Environments that have no verified facts yet. */
  readonly waiting: readonly string[];
  /** Environments whose facts are older than they should be. */
  readonly degraded: readonly string[];
  /** Of environments that are administered in Permit. */
  readonly permit?: readonly PermitStatus[];
}
