import type { Scalar } from './vendor-facts.ts';
import type { EventKind, Identifiability, Sensitivity } from './vocabulary.ts';

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
  /** Bounds of their own for some categories: of those that cover one the most specific counts. */
  readonly maxAgeOf?: readonly { readonly category: string; readonly maxAgeMs: number }[];
  /** Facts older than this make `/readyz` say degraded. */
  readonly degradedAgeMs?: number;
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
  /** False: null is no value of it. Else null at its path is the field, whatever its types and enum (J22). */
  readonly nullable?: false;
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
