import type { Category, Environment, EventFact, FieldFact } from './event-facts.ts';
import type { Alternatives, Grant, Term } from './grant-facts.ts';
import type { GraphImage } from './graph/image.ts';
import type { OwnCode } from './reason-codes.ts';
import type { RelationRule, Tuple } from './relation-facts.ts';
import type { Edge, Json, Period, Vendor } from './vendor-facts.ts';
import type { IdentityType, Channel, ObligationOp, Power } from './vocabulary.ts';

export * from './event-facts.ts';
export * from './grant-facts.ts';
export * from './relation-facts.ts';
export * from './vendor-facts.ts';
export * from './vocabulary.ts';

/**
 * What the rules judge by, as plain immutable values. Every source (YAML, YAML with Permit.io) gives this one type;
 * `catalogue.ts` interns it for questions. A source has already refused whatever is inconsistent.
 *
 * Times are milliseconds since the Unix epoch. A period holds while `fromMs <= now < untilMs`; a bare date in a source
 * starts at 00:00 UTC and ends at 24:00 UTC. Maps keep the order of the source.
 */

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
  /** Ids of roles that count for every vendor, without those that they extend. */
  readonly roles: readonly string[];
  /** By tenant: roles that count for its vendors alone. */
  readonly assigned?: ReadonlyMap<string, readonly string[]>;
  readonly attributes: Readonly<Record<string, Json>>;
  readonly manifest?: Manifest;
}

/** Besides plain roles: `vendor#role`, held on one vendor by the graph, and `userset:key`, held by whoever meets `heldIf`. */
export interface Role {
  readonly id: string;
  readonly title?: string;
  /** Roles whose grants this one has as well; roles that extend each other are as one. */
  readonly extends: readonly string[];
  readonly heldIf?: Alternatives;
  /** Of a role on one vendor: ids of those on which somebody might hold it. */
  readonly heldOn?: ReadonlySet<string>;
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

export interface CallerToken {
  /** Lower-case hex. */
  readonly sha256: string;
  /** It is good until before this moment, in milliseconds since the Unix epoch. Absent: for ever. */
  readonly untilMs?: number;
}

/** Several hold side by side, so that a token is changed without an outage. */
export const tokensOf = ({ tokenSha256 }: Pick<Caller, 'tokenSha256'>): readonly CallerToken[] => (typeof tokenSha256 === 'string' ? [{ sha256: tokenSha256 }] : tokenSha256);

/** A program that asks. `identities` and `environments` are ids or `*` (every one, unknown names included). */
export interface Caller {
  readonly id: string;
  /** Lower-case hex SHA-256 of its token; a list where it has several, or one that ends (`tokensOf`). */
  readonly tokenSha256: string | readonly CallerToken[];
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
  readonly terms: ReadonlyMap<string, Term>;
  /** Exclusive grants of a source that is set aside: they permit nothing, and let pass at their vendors only what they would permit. */
  readonly closures: ReadonlyMap<string, Grant>;
  readonly tuples: readonly Tuple[];
  readonly relationRules: readonly RelationRule[];
  /** Tuples and relation rules, packed by another thread; then `tuples` is empty. */
  readonly graph?: GraphImage;
  readonly combinations: ReadonlyMap<string, Combination>;
  readonly modes: { readonly vendors: ReadonlyMap<string, Mode>; readonly events: ReadonlyMap<string, Mode> };
  readonly callers: ReadonlyMap<string, Caller>;
  readonly transforms: readonly Transform[];
  readonly approvals: ReadonlyMap<string, Approval>;
  readonly context: ReadonlyMap<string, ContextName>;
  /** The authors' own reason codes with what they mean; absent where none is declared. */
  readonly codes?: ReadonlyMap<OwnCode, string>;
  /** `sha256:` and hex over everything above, the same for equal facts whatever the order of files. */
  readonly digest: string;
}
