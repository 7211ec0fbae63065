import type { ReasonCode } from '../answer.ts';
import type { Condition, Json, Obligation, ObligationOp, Scalar, VendorSelector } from '../facts.ts';
import type { ProfileInput } from '../catalogue/profiles.ts';
import type { Selectors } from '../catalogue/selectors.ts';

/** The document that Rego judges: rego/schemas/input.json. Names and facts, never a field's value. */
export interface RegoInput {
  readonly identity: {
    readonly id: string;
    readonly type: string;
    readonly known: boolean;
    readonly roles: readonly string[];
    readonly attributes: Readonly<Record<string, Json>>;
    readonly manifest?: {
      readonly onBehalfOf?: 'required';
      readonly vendors?: readonly string[];
      readonly environments?: readonly string[];
      readonly categories?: Selectors;
    };
  };
  readonly vendor: {
    readonly id: string;
    readonly known: boolean;
    readonly party: 'first' | 'third';
    readonly categories: readonly string[];
    /** What grants look at, where that may be less than `categories`. */
    readonly confirmed?: readonly string[];
    readonly tenant?: string;
    readonly attributes?: Readonly<Record<string, Json>>;
    readonly claims: Readonly<Record<string, { readonly state: 'valid' | 'missing' | 'expired'; readonly value?: Json }>>;
    readonly state: string;
    readonly regions: readonly string[];
    readonly inEu: boolean;
    readonly reaches: { readonly llm: boolean; readonly inEu: boolean; readonly vendors: readonly string[] };
  };
  readonly environment: { readonly id: string; readonly known: boolean; readonly tier: string };
  readonly purpose: {
    readonly id: string;
    readonly stated: boolean;
    readonly known: boolean;
    readonly allowed: boolean;
    readonly ancestors: Readonly<Record<string, true>>;
  };
  readonly channel: string;
  readonly destination?: { readonly secure: boolean };
  readonly event: { readonly id: string; readonly kind: string; readonly known: boolean; readonly about?: string; readonly minCell: number };
  readonly aggregate?: {
    readonly minCell?: number;
    readonly groupBy: readonly { readonly category: string; readonly known: boolean; readonly identifiability: string }[];
  };
  readonly about?: { readonly id: string; readonly relations: readonly string[] };
  readonly delegation?: { readonly actsFor: boolean };
  readonly dataSubject: { readonly region: string; readonly elsewhere: boolean };
  readonly context: Readonly<Record<string, Scalar>>;
  readonly profiles: readonly ProfileInput[];
  readonly grants: readonly GrantInput[];
  /** Per profile: indexes into `grants` of those that may cover it. */
  readonly matches: readonly (readonly number[])[];
  /** Ids of every exclusive grant of the vendor, whoever holds it, started or not (J3). */
  readonly exclusives: readonly string[];
}

export interface GrantInput {
  readonly id: string;
  readonly role: string;
  readonly vendors: readonly VendorSelector[];
  readonly environments: readonly string[];
  readonly purposes: readonly string[];
  readonly channels: readonly string[];
  readonly kinds: readonly string[];
  readonly categories: Selectors;
  readonly except: Selectors;
  readonly exclusive: boolean;
  readonly relation?: string;
  readonly conditions: readonly Condition[];
}

/** What a grant gives where it permits. */
export interface GrantTerms {
  readonly effect: 'permit' | 'transform' | 'review';
  readonly obligations: readonly Obligation[];
  readonly approverRole?: string;
  /** What answers call the grant, where that isn't its id. */
  readonly name?: string;
}

/** One evaluation: an identity and a vendor. A question has more than one with `onBehalfOf` or a CDP (J16, J20). */
export interface View {
  readonly input: RegoInput;
  /** By id, for every grant in the input. */
  readonly terms: Readonly<Record<string, GrantTerms>>;
  /** Vendor ids from the one asked about to this one. */
  readonly path: readonly string[];
  /** For a CDP's destination: its vendor id. */
  readonly destination?: string;
  /** With a destination: the vendors that hand on to it. */
  readonly from?: readonly string[];
  /** A recorded yes that covers the question (J11). */
  readonly approval?: string;
  /** By reason code, the chain to be shown with it. */
  readonly chains: Readonly<Partial<Record<ReasonCode, readonly string[]>>>;
}

/** Something found about a payload; it denies its field, or all fields without one. Never holds the value. */
export interface Finding {
  readonly code: ReasonCode;
  readonly detector?: string;
}

export interface AskedField {
  /** As asked, and as answered. */
  readonly path: string;
  /** Index into the profiles of every view. */
  readonly profile: number;
  readonly category?: string;
  readonly findings: readonly Finding[];
}

/** After `op` a field of profile `from` has profile `to`. The more specific lines come first. */
export interface ResultEdge {
  readonly from: number;
  readonly op: ObligationOp;
  readonly params?: Readonly<Record<string, Json>>;
  readonly to: number;
}

export interface PreparedCombination {
  readonly id: string;
  /** Per member: the profiles that belong to it. */
  readonly members: readonly (readonly number[])[];
  readonly min: number;
  readonly effect: 'deny' | 'review';
  readonly message: string;
  readonly fix: string;
  readonly approverRole?: string;
}

/** What `decide` folds with besides rulings; the same for all questions of one shape, and recorded as such. */
export interface Shape {
  readonly views: readonly View[];
  readonly results: readonly ResultEdge[];
  readonly combinations: readonly PreparedCombination[];
  readonly mode: 'enforce' | 'shadow';
  readonly unknown: 'deny' | 'strip' | 'observe';
  readonly unmatched: 'deny' | 'review';
  readonly supports: readonly ObligationOp[];
}

/** A question with every fact that its decision depends on. */
export interface Prepared {
  readonly shape: Shape;
  readonly fields: readonly AskedField[];
  /** Concern every field. */
  readonly findings: readonly Finding[];
  /** What an approval of this question would cover, without its fields (J11). */
  readonly scope: Readonly<Record<string, string>>;
  /** The next moment at which time alone may change the decision (J28). */
  readonly expiresAtMs?: number;
}
