import type { Obligation } from './facts.ts';
import type { ReasonCode } from './reason-codes.ts';

export { REASON_CODES, type ReasonCode } from './reason-codes.ts';

/** From the freest to the strictest. */
export const EFFECTS = ['allow', 'transform', 'review', 'deny'] as const;
export type Effect = (typeof EFFECTS)[number];

export interface FieldVerdict {
  readonly effect: Effect;
  /** `undefined` (absent on the wire) for a field that nothing knows. */
  readonly category?: string;
  /** Ids of the rules and grants that determined the effect, sorted. */
  readonly rules: readonly string[];
}

export interface FieldObligation extends Obligation {
  /** A path, or `*` for the whole question (`scope_destinations`). */
  readonly field: string;
  /** Category after this and the preceding obligations of the field. */
  readonly resultCategory?: string;
}

/** One (code, rule) with its fields: every denied field is in at least one. */
export interface Reason {
  readonly code: ReasonCode;
  readonly rule: string;
  readonly fields: readonly string[];
  readonly message: string;
  readonly fix: string;
  /** How the data would reach the one objected to: vendor ids, first the one asked about. */
  readonly path?: readonly string[];
  /** What was found in a value, never the value: the detector's name. */
  readonly detector?: string;
}

export interface Fix {
  readonly drop: readonly string[];
  readonly exact: boolean;
}

/** What a review asks for: `id` is a digest of `scope` (J11). */
export interface ApprovalRequest {
  readonly id: string;
  readonly scope: Readonly<Record<string, unknown>>;
  readonly approverRole: string | null;
}

/** What was decided, without when and under which record. */
export interface Decision {
  readonly decision: Effect;
  /** By path as asked, or by category where categories were asked about. */
  readonly fields: Readonly<Record<string, FieldVerdict>>;
  readonly obligations: readonly FieldObligation[];
  readonly reasons: readonly Reason[];
  readonly fix: Fix | null;
  readonly approval: ApprovalRequest | null;
  readonly mode: 'enforce' | 'shadow';
  readonly wouldBe?: { readonly decision: Effect; readonly reasons: readonly Reason[] };
}

export interface Revision {
  /** Of one environment; only grows. 0 for an environment that is not known. */
  readonly number: number;
  /** `sha256:` and hex */
  readonly digest: string;
  /** Age of the facts, in milliseconds. */
  readonly ageMs: number;
}

/** The whole answer to `POST /check`. */
export interface Answer extends Decision {
  readonly decisionId: string;
  readonly revision: Revision;
  /** RFC 3339, or null when time alone cannot change the answer. */
  readonly expiresAt: string | null;
  readonly log: { readonly origin: string; readonly index: number };
}
