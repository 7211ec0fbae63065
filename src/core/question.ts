import type { Channel, ObligationOp, Scalar } from './facts.ts';

/** One leaf of a payload, as found: its path and what was noticed about its value; the value itself is not kept. */
export interface PayloadLeaf {
  readonly path: string;
  /** What the event's declaration is compared with; kept only while the question is judged, never recorded. */
  readonly value: Scalar | null | 'object' | 'array';
  readonly kind: 'string' | 'number' | 'boolean' | 'null' | 'object' | 'array';
}

/** A parsed question (design section 3). Exactly one of `fields`, `payload` and `categories` is there (J22). */
export interface Question {
  readonly identity: string;
  readonly onBehalfOf?: string;
  /** At least one of `vendor` and `destination`; the destination is a parsed host, path and query are gone. */
  readonly vendor?: string;
  readonly destination?: { readonly host: string; readonly secure: boolean };
  readonly environment: string;
  readonly purpose?: string;
  readonly channel: Channel;
  readonly event?: string;
  readonly fields?: readonly string[];
  readonly payload?: readonly PayloadLeaf[];
  readonly categories?: readonly string[];
  readonly aggregate?: { readonly groupBy: readonly string[]; readonly minCell?: number };
  readonly rows?: number;
  readonly about?: string;
  readonly dataSubject: { readonly region?: string };
  /** Checked against the declared context names when the question is prepared. */
  readonly context: Readonly<Record<string, Scalar>>;
  /** Absent: the caller's own list. */
  readonly supports?: readonly ObligationOp[];
  readonly minRevision?: number;
}

/** `POST /permitted`: the same without fields, payload and categories. */
export type PermittedQuestion = Omit<Question, 'fields' | 'payload' | 'categories'>;
