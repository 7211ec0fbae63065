import type { Channel, EventKind, ObligationOp, VendorCategory } from './vocabulary.ts';
import type { Json, Period } from './vendor-facts.ts';

export interface Obligation {
  readonly op: ObligationOp;
  readonly params?: Readonly<Record<string, Json>>;
}

/** One comparison: the attribute at `path` of the Rego input against a value, or against another attribute (`ref`). */
export interface Atom {
  readonly path: readonly string[];
  readonly op: string;
  readonly value?: Json;
  readonly ref?: readonly string[];
  /** Under a `not`. A missing attribute, or one of a type that does not fit, makes the atom false either way. */
  readonly negate?: true;
}

/** Met when all atoms of one of them hold. */
export type Alternatives = readonly (readonly Atom[])[];

/** `code` is the reason when it fails. */
export interface Condition {
  readonly code: string;
  readonly any: Alternatives;
}

/** Which vendors a grant names: all that is stated must hold. An empty selector names every vendor. */
export interface VendorSelector {
  readonly vendor?: string;
  readonly party?: 'first' | 'third';
  /** The vendor must have all of these. */
  readonly categories?: readonly VendorCategory[];
}

/** What a grant demands and gives besides roles, vendors and categories. Lists that are absent do not restrict. */
interface Limits extends Period {
  readonly id: string;
  readonly title?: string;
  readonly effect: 'permit' | 'transform' | 'review';
  readonly obligations: readonly Obligation[];
  /** With effect `review`: the role that may approve. */
  readonly approverRole?: string;
  /** Any of these. */
  readonly vendors: readonly VendorSelector[];
  readonly environments?: readonly string[];
  readonly channels?: readonly Channel[];
  readonly kinds?: readonly EventKind[];
  readonly events?: readonly string[];
  readonly categories: readonly string[];
  readonly except: readonly string[];
  readonly exclusive: boolean;
  /** For events about an object, only if the identity holds this relation to it (J19). */
  readonly relation?: string;
  readonly conditions: readonly Condition[];
}

/** A role's permission. Category selectors: J4. */
export interface Grant extends Limits {
  /** What answers call it, where that isn't its id: several grants may share a name. */
  readonly name?: string;
  readonly role: string;
  /** `*` is every one. */
  readonly purposes: readonly string[];
  /** A permission of Permit's: of its purposes only the default one of the event (without an event `analytics.reporting`), and those below. */
  readonly defaultPurposeOnly?: true;
  readonly ticket?: string;
}

/**
 * What holds besides for grants of these roles, where they cover these vendors and categories: it only narrows. The purposes
 * that it states stand in the place of `defaultPurposeOnly`. An exclusive one closes its vendors to all that it doesn't cover.
 */
export interface Term extends Limits {
  /** Absent: every role. */
  readonly roles?: readonly string[];
  readonly purposes?: readonly string[];
}
