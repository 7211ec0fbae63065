import type {
  Sensitivity, Identifiability, IdentityType, VendorCategory, Channel, EventKind, ObligationOp, Power,
} from './vocabulary.ts';
import type { RelationRule, Tuple } from './relation-facts.ts';
import type { Edge, Json, Period, Scalar, Vendor } from './vendor-facts.ts';

export * from './relation-facts.ts';
export * from './vendor-facts.ts';
export * from './vocabulary.ts';

/**
 * What the rules judge by, as plain immutable values. Every source (YAML now, Permit.io later) gives this one type;
 * `catalogue.ts` interns it for questions. A source has already refused whatever is inconsistent.
 *
 * Times are milliseconds since the Unix epoch. A period holds while `fromMs <= now < untilMs`; a bare date in a source
 * starts at 00:00 UTC and ends at 24:00 UTC. Maps keep the order of the source.
 */

/** A data category; its parent is its dotted prefix. Only leaves may be a field's category (J4). */
export interface Category {
  readonly id: string;
  readonly sensitivity: Sensitivity;
  readonly identifiability: Identifiability;
}

export interface Environment {
  readonly id: string;
  readonly tier: string;
  /** Facts older than this deny `stale_facts` here (R72); absent: no bound. */
  readonly maxAgeMs?: number;
}

export type ValueType = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'object' | 'array';

/** A field of an event, an envelope or the dictionary. `path` is written as the path grammar in `paths.ts`; `*` is a dynamic key. */
export interface FieldFact {
  readonly path: string;
  /** A leaf of the categories; `undefined` while nobody has classified the field: then it is denied as unknown. */
  readonly category: string | undefined;
  readonly role: 'dimension' | 'measure';
  readonly types?: readonly ValueType[];
  readonly enum?: readonly (Scalar | null)[];
  /** What rules may read of this one field, beyond its category. */
  readonly labels: Readonly<Record<string, Scalar>>;
}

export interface EventFact {
  readonly name: string;
  readonly version: string;
  readonly app?: string;
  readonly owner?: string;
  readonly kind: EventKind;
  /** A question may state one of these purposes or one below (J6). */
  readonly purposes: readonly string[];
  readonly defaultPurpose?: string;
  /** The object that the event's data is about: its type, and the field that holds its id (J19). */
  readonly about?: { readonly type: string; readonly field: string };
  /** The field that counts distinct people in a row of an aggregate (J18). */
  readonly countField?: string;
  /** Fewest distinct people in a cell of an aggregate: at least 10. */
  readonly minCell: number;
  /** Its own fields and those of its envelopes; `$event` is the event's own name (J24). */
  readonly fields: readonly FieldFact[];
}

/** Least privilege of an integration (R35): every list present restricts. */
export interface Manifest {
  readonly onBehalfOf?: 'required';
  readonly actsFor?: readonly string[];
  readonly categories?: readonly string[];
  readonly vendors?: readonly string[];
  readonly environments?: readonly string[];
}

export interface Identity {
  /** `type:id` */
  readonly id: string;
  readonly type: IdentityType;
  /** Role ids, without those that they extend. */
  readonly roles: readonly string[];
  readonly attributes: Readonly<Record<string, Json>>;
  readonly manifest?: Manifest;
}

export interface Role {
  readonly id: string;
  readonly title?: string;
  /** Roles whose grants this one has as well; free of cycles. */
  readonly extends: readonly string[];
}

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
  /** Under a `not`. A missing attribute makes the atom false either way. */
  readonly negate?: true;
}

/** Met when all atoms of one of `any` hold. `code` is the reason when it fails. */
export interface Condition {
  readonly code: string;
  readonly any: readonly (readonly Atom[])[];
}

/** Which vendors a grant names: all that is stated must hold. An empty selector names every vendor. */
export interface VendorSelector {
  readonly vendor?: string;
  readonly party?: 'first' | 'third';
  /** The vendor must have all of these. */
  readonly categories?: readonly VendorCategory[];
}

/** A role's permission. Lists that are absent do not restrict. Category selectors: J4. */
export interface Grant extends Period {
  readonly id: string;
  readonly role: string;
  readonly title?: string;
  readonly effect: 'permit' | 'transform' | 'review';
  readonly obligations: readonly Obligation[];
  /** With effect `review`: the role that may approve. */
  readonly approverRole?: string;
  /** Any of these. */
  readonly vendors: readonly VendorSelector[];
  readonly environments?: readonly string[];
  readonly purposes: readonly string[];
  readonly channels?: readonly Channel[];
  readonly kinds?: readonly EventKind[];
  readonly events?: readonly string[];
  readonly categories: readonly string[];
  readonly except: readonly string[];
  readonly exclusive: boolean;
  readonly ticket?: string;
  /** For events about an object, only if the identity holds this relation to it (J19). */
  readonly relation?: string;
  readonly conditions: readonly Condition[];
}

/** Sensitive together: hit when at least `min` of `members` would leave (J9). A member is a list of category selectors. */
export interface Combination {
  readonly id: string;
  readonly title?: string;
  readonly members: readonly (readonly string[])[];
  readonly min: number;
  readonly effect: 'deny' | 'review';
  readonly message: string;
  readonly fix: string;
  readonly approverRole?: string;
}

/** What holds where nothing is listed (J12), and whether the answer binds (J13). Absent: says nothing. */
export interface Mode {
  readonly mode?: 'enforce' | 'shadow';
  readonly unknown?: 'deny' | 'strip' | 'observe';
  readonly unmatched?: 'deny' | 'review';
}

/** A program that asks. `identities` and `environments` are ids or `*` (every one, unknown names included). */
export interface Caller {
  readonly id: string;
  /** Lower-case hex SHA-256 of its token. */
  readonly tokenSha256: string;
  /** Its token is its id: for the demo on loopback only. */
  readonly demo: boolean;
  readonly identities: readonly string[];
  readonly environments: readonly string[];
  readonly powers: readonly Power[];
  readonly supports: readonly ObligationOp[];
  readonly ratePerSecond?: number;
}

/** After `op` (with these params, if stated) a field of `category` is of category `result` (J5). */
export interface Transform {
  /** A category selector. */
  readonly category: string;
  readonly op: ObligationOp;
  readonly params?: Readonly<Record<string, Json>>;
  readonly result: string;
}

/** A person's recorded yes to one question (J11). */
export interface Approval extends Period {
  readonly id: string;
  readonly identity: string;
  readonly onBehalfOf?: string;
  readonly vendor: string;
  readonly environment: string;
  readonly purpose: string;
  readonly channel: Channel;
  readonly event?: string;
  readonly eventVersion?: string;
  readonly fields: readonly string[];
  readonly approver: string;
  readonly ticket?: string;
}

/** A name that may stand in a question's `context`, and what its value may be (J30). */
export interface ContextName {
  readonly name: string;
  readonly type: 'number' | 'boolean' | 'enum';
  readonly enum?: readonly string[];
}

export interface Facts {
  readonly categories: ReadonlyMap<string, Category>;
  readonly purposes: ReadonlySet<string>;
  readonly environments: ReadonlyMap<string, Environment>;
  /** The dictionary: fields by path, for questions without an event (J23). */
  readonly fields: ReadonlyMap<string, FieldFact>;
  /** By `name` (the newest version) and by `name@version`. */
  readonly events: ReadonlyMap<string, EventFact>;
  /** Event-name patterns (`use_tool__*`) and the category of the name (J24). */
  readonly eventNames: ReadonlyMap<string, string>;
  readonly vendors: ReadonlyMap<string, Vendor>;
  readonly edges: readonly Edge[];
  readonly identities: ReadonlyMap<string, Identity>;
  readonly roles: ReadonlyMap<string, Role>;
  readonly grants: ReadonlyMap<string, Grant>;
  readonly tuples: readonly Tuple[];
  readonly relationRules: readonly RelationRule[];
  readonly combinations: ReadonlyMap<string, Combination>;
  readonly modes: { readonly vendors: ReadonlyMap<string, Mode>; readonly events: ReadonlyMap<string, Mode> };
  readonly callers: ReadonlyMap<string, Caller>;
  readonly transforms: readonly Transform[];
  readonly approvals: ReadonlyMap<string, Approval>;
  readonly context: ReadonlyMap<string, ContextName>;
  /** `sha256:` and hex over everything above, the same for equal facts whatever the order of files. */
  readonly digest: string;
}
