/** What the decision log takes and promises. One line is one leaf; `index` is its 0-based line number over all segments. */

export type RecordKind =
  | 'decision' | 'permitted' | 'refused' | 'input' | 'start' | 'stop' | 'gap' | 'config_changed' | 'bundle_activated'
  | 'snapshot_activated' | 'vendor_state' | 'clock_jump' | 'log_read';

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
