import type { Answer } from './core/answer.ts';
import type { Caller, VendorState } from './core/facts.ts';
import type { PermittedQuestion, Question } from './core/question.ts';

/** An answer whose record is durable. */
export interface Answered {
  readonly answer: Answer;
  /** The same answer as JSON text; cheaper than serialising it again. */
  readonly json: string;
}

/** Of the answer to `POST /permitted`: as `/check`, without `decision` and `fix`. */
export type PermittedAnswered = { readonly json: string };

export interface Asked {
  readonly caller: Caller;
  /** Recorded; echoed by HTTP. */
  readonly requestId?: string;
}

export interface Pdp {
  /**
   * Decides, records, answers. Nothing is answered before its record is durable.
   * @throws {SluiceError} `request_invalid`, `too_large`, `not_your_identity`, `environment_mismatch` (both leave a
   * record of kind `refused`), `stale_revision`, `audit_unavailable`.
   */
  check(question: Question, asked: Asked): Promise<Answered>;
  /** What the identity may send the vendor: each category, or each field of the event, judged for itself. */
  permitted(question: PermittedQuestion, asked: Asked): Promise<PermittedAnswered>;
  /** J17; recorded, kept in the data directory, a new revision. @throws {SluiceError} `request_invalid`, `not_found`. */
  setVendorState(vendor: string, state: VendorState, asked: Asked): Promise<{ readonly state: VendorState }>;
  /** Rebuilds policy and facts; on any error the last good ones stay. Never throws for a bad policy: says it. */
  reload(): Promise<{ readonly ok: boolean; readonly errors: readonly string[]; readonly digest: string }>;
  /** Resolves a bearer token; compares SHA-256 in constant time. `undefined`: unknown. */
  callerOf(token: string): Caller | undefined;
  /** For `/readyz` and metrics. */
  status(): PdpStatus;
}

export interface PdpStatus {
  readonly digest: string;
  readonly bundleDigest: string;
  readonly loadedAtMs: number;
  /** Why the last reload failed; absent after a good one. */
  readonly reloadErrors?: readonly string[];
  readonly logFailure?: string;
  readonly queuedRecords: number;
  readonly shadow: readonly string[];
  readonly environments: Readonly<Record<string, { readonly number: number; readonly ageMs: number }>>;
}

/** What a metrics collector may hear. No name that is not in the catalogue ever reaches it. */
export interface Observer {
  decided(event: { readonly decision: string; readonly reasons: readonly string[]; readonly vendor: string; readonly environment: string; readonly api: 'check' | 'permitted'; readonly memo: boolean; readonly seconds: number }): void;
  refused(code: string): void;
  evaluationFailed(kind: string): void;
  appended(seconds: number): void;
  activated(result: 'ok' | 'failed'): void;
}
