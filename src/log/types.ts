/** What the decision log takes and promises. One line is one leaf; `index` is its 0-based line number over all segments. */

export type RecordKind =
  | 'decision' | 'permitted' | 'refused' | 'input' | 'start' | 'stop' | 'gap' | 'config_changed' | 'bundle_activated'
  | 'snapshot_activated' | 'vendor_state' | 'clock_jump' | 'log_read' | 'key_rotated' | 'names_key_rotated' | 'pruned' | 'new_origin' | 'recovered';

/**
 * How a record gets into a log that has much to write. What callers ask for is refused when too much waits; what an
 * administrator does, and what happens to Sluice itself, never is. What must take effect at once goes ahead of all that
 * waits: what was decided before it may then stand behind it.
 */
export const PRECEDENCE: Readonly<Record<RecordKind, 'ahead' | 'reserved' | 'bounded'>> = {
  decision: 'bounded', permitted: 'bounded', refused: 'bounded', input: 'bounded', log_read: 'bounded',
  start: 'reserved', stop: 'reserved', gap: 'reserved', bundle_activated: 'reserved', snapshot_activated: 'reserved', clock_jump: 'reserved',
  key_rotated: 'reserved', names_key_rotated: 'reserved', pruned: 'reserved', new_origin: 'reserved', recovered: 'reserved',
  config_changed: 'ahead', vendor_state: 'ahead',
};

/** Every kind. */
export const RECORD_KINDS = Object.keys(PRECEDENCE) as readonly RecordKind[];

export interface Entry {
  readonly kind: RecordKind;
  /** The record's own members as JSON text without the outer braces: `"decisionId":"…","decision":"deny"`. May be empty. */
  readonly members: string;
  /** Written before this entry, in the same group commit, unless this segment holds the same digest already. */
  readonly input?: { readonly digest: string; readonly members: () => string; /** How long they are, about. */ readonly bytes?: number };
}

export interface Appended {
  /** Asked for at once, if at all. Resolves with its index when the line and all before it are on disk. Rejects with SluiceError `audit_unavailable` otherwise. */
  readonly durable: Promise<number>;
}

export interface DecisionLog {
  /** Names this log; never changes while its data directory lives. */
  readonly origin: string;
  /**
   * Queues one record. Lines are written in the order of the calls, but for what goes ahead (`PRECEDENCE`).
   * @throws {SluiceError} `audit_unavailable` at once when the log is failed, closed, or its queue is full.
   */
  append(entry: Entry): Appended;
  /** `undefined` while the log can be written, else why not (for `/readyz` and operators; names no field's value). */
  failure(): string | undefined;
  /** Records queued and not yet durable. */
  queued(): number;
  /** What is queued, and how much may be. */
  queue(): { readonly records: number; readonly bytes: number; readonly maxRecords: number; readonly maxBytes: number };
  /** While much is queued: resolves when some of it has been written, or refused. Whoever asks much waits for it before asking on. */
  relief(): Promise<void> | undefined;
  /** The number of lines that are durable and of records that are queued. */
  size(): number;
  /** Flushes what is queued, then closes the file. */
  close(): Promise<void>;
}

/** Who asks for an act on the log. */
export interface ActedBy {
  readonly caller: { readonly id: string };
  readonly requestId?: string;
}

/** What is done to the log as a whole while it is written. Each is recorded, with who asked for it, before it is done. */
export interface LogActs {
  /**
   * Takes whole sealed segments from before this moment (milliseconds since the Unix epoch) out of the log: the records
   * of indexes from `from` to below `to`.
   * @throws {SluiceError} `audit_unavailable`.
   */
  prune(beforeMs: number, by: ActedBy): Promise<{ readonly from: number; readonly to: number; readonly segments: number }>;
  /** Gives the public key that signs from now on. */
  rotateKey(by: ActedBy): Promise<string>;
  /** Unknown names are hashed with a new key from now on (J30). */
  rotateNamesKey(by: ActedBy): Promise<void>;
}
