/** What the decision log takes and promises. One line is one leaf; `index` is its 0-based line number over all segments. */

export type RecordKind =
  | 'decision' | 'permitted' | 'refused' | 'input' | 'start' | 'stop' | 'gap' | 'config_changed' | 'bundle_activated'
  | 'snapshot_activated' | 'vendor_state' | 'clock_jump' | 'log_read' | 'key_rotated' | 'names_key_rotated' | 'pruned' | 'new_origin';

/** Every kind. */
export const RECORD_KINDS = Object.keys({
  decision: 0, permitted: 0, refused: 0, input: 0, start: 0, stop: 0, gap: 0, config_changed: 0, bundle_activated: 0, snapshot_activated: 0,
  vendor_state: 0, clock_jump: 0, log_read: 0, key_rotated: 0, names_key_rotated: 0, pruned: 0, new_origin: 0,
} satisfies Record<RecordKind, 0>) as readonly RecordKind[];

export interface Entry {
  readonly kind: RecordKind;
  /** The record's own members as JSON text without the outer braces: `"decisionId":"…","decision":"deny"`. May be empty. */
  readonly members: string;
  /** Written before this entry, in the same group commit, unless this segment holds the same digest already. */
  readonly input?: { readonly digest: string; readonly members: () => string };
}

export interface Appended {
  readonly index: number;
  /** Resolves when the line and all before it are on disk. Rejects with SluiceError `audit_unavailable` otherwise. */
  readonly durable: Promise<void>;
}

export interface DecisionLog {
  /** Names this log; never changes while its data directory lives. */
  readonly origin: string;
  /**
   * Queues one record. Lines are written in the order of the calls.
   * @throws {SluiceError} `audit_unavailable` at once when the log is failed, closed, or its queue is full.
   */
  append(entry: Entry): Appended;
  /** `undefined` while the log can be written, else why not (for `/readyz` and operators; names no field's value). */
  failure(): string | undefined;
  /** Records queued and not yet durable. */
  queued(): number;
  /** The number of lines so far; the next record gets this index. */
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
