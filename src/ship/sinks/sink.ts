import type { TailLimits } from '../../log/tail.ts';

/** A record as it leaves: what may not leave is not in it. */
export interface Shipped {
  readonly origin: string;
  readonly index: number;
  /** RFC 3339, in UTC. */
  readonly time: string;
  readonly kind: string;
  /** The leaf of the stored line in the log's tree, 64 hex: by it a masked record is matched to its proof. */
  readonly leaf: string;
  readonly record: Readonly<Record<string, unknown>>;
  /** Paths of members that stayed. */
  readonly withheld: readonly string[];
  /** Paths of members that left as a keyed hash. */
  readonly masked: readonly string[];
}

/**
 * Where records are sent. A record may come more than once and is then the same by (origin, index): a sink that keeps
 * them keeps it once.
 */
export interface Sink {
  /** Of one batch. */
  readonly limits: TailLimits;
  /**
   * Resolves once the receiver has all of them for good. After a rejection the same records come again.
   * @throws {SinkError} saying what the receiver did, and nothing of the records.
   */
  write(batch: readonly Shipped[], signal: AbortSignal): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

/** For the operator. */
export class SinkError extends Error {
  override readonly name = 'SinkError';
}
