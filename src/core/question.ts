import { CHANNELS, type Channel, type ObligationOp, type Scalar } from './facts.ts';
import { MAX_DEPTH, MAX_LEAVES } from './parse/limits.ts';
import type { NumberText } from './parse/numbers.ts';

/** One leaf of a payload, as found. Several elements of a list give several leaves of one path. */
export interface PayloadLeaf {
  readonly path: string;
  /** Kept only while the question is judged, never recorded. Of `{}` and `[]` the name of the kind. */
  readonly value: Scalar | NumberText | null;
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

const NAME = { type: 'string', minLength: 1, maxLength: 256 } as const;
const PATHS = { type: 'array', minItems: 1, maxItems: 1000, uniqueItems: true, items: { type: 'string', minLength: 1, maxLength: 512 } } as const;

const PROPERTIES = {
  v: { type: 'integer', enum: [1] },
  identity: { ...NAME, description: '`type:id` of who sends; the caller must be allowed to speak for it' },
  onBehalfOf: { ...NAME, description: 'an identity that must be allowed as well' },
  vendor: { ...NAME, description: 'who receives; this or destination is required' },
  destination: { type: 'string', maxLength: 8192, pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^/]', description: 'the address that is sent to; only its host is used' },
  environment: NAME,
  purpose: { ...NAME, description: 'required unless the event has a default purpose' },
  channel: { type: 'string', enum: CHANNELS, description: 'absent: telemetry' },
  event: { ...NAME, description: '`name` or `name@version`; without it the dictionary of fields counts' },
  fields: { ...PATHS, description: 'the paths to be sent; at most 32 KiB together, 512 bytes each' },
  payload: {
    type: 'object', additionalProperties: true, minProperties: 1,
    description: `what is to be sent: its paths are judged, its values searched, nothing of it is kept; at most ${MAX_DEPTH} levels and ${MAX_LEAVES} values; \
numbers may be of any size; an empty object or list counts as the most sensitive field that is declared below it`,
  },
  categories: { ...PATHS, items: { ...PATHS.items, not: { const: '$event' } }, description: 'data categories, for callers that know no paths' },
  aggregate: {
    type: 'object',
    additionalProperties: false,
    properties: {
      groupBy: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 512 }, description: 'absent: no groups' },
      minCell: { type: 'integer', format: 'int64', minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'distinct people in the smallest cell' },
    },
  },
  rows: { type: 'integer', format: 'int64', minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'how many events or rows the answer is for' },
  about: { ...NAME, description: '`type:id` of the object that the data is about' },
  dataSubject: { type: 'object', additionalProperties: false, properties: { region: { ...NAME, description: '`EU`, `EEA` or an ISO 3166 code; absent counts as EU' } } },
  context: {
    type: 'object', maxProperties: 64, propertyNames: NAME,
    additionalProperties: {
      title: 'ContextValue',
      anyOf: [
        { type: 'string', maxLength: 256 },
        { type: 'number', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
        { type: 'boolean' },
      ],
    },
  },
  supports: { type: 'array', maxItems: 100, items: { type: 'string', minLength: 1 }, description: 'obligations that the caller can do; unknown ones are ignored' },
  minRevision: { type: 'integer', format: 'int64', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
} as const;

const { fields: _fields, payload: _payload, categories: _categories, ...REST } = PROPERTIES;

// What must be together hangs on members that every question has: beside `properties` an `anyOf` would be the question
// itself to most programs that make types of a schema, and its members would be lost.
const having = (name: string) => ({ required: [name], properties: { [name]: {} } });
const RECEIVER = { identity: { anyOf: [having('vendor'), having('destination')] } } as const;
const ASKED = { environment: { oneOf: [having('fields'), having('payload'), having('categories')] } } as const;

/**
 * The body of `POST /check` as a JSON Schema (2020-12). Looser than the parser only in what a schema can't say: bytes,
 * all paths together, and the payload's levels, paths and number of values.
 */
export const QUESTION_SCHEMA = {
  type: 'object',
  description: '`vendor` or `destination`, and exactly one of `fields`, `payload` and `categories`',
  additionalProperties: false,
  required: ['identity', 'environment'],
  properties: PROPERTIES,
  dependentSchemas: { ...RECEIVER, ...ASKED },
} as const;

/** The body of `POST /permitted`. */
export const PERMITTED_SCHEMA = {
  type: 'object',
  description: '`vendor` or `destination`',
  additionalProperties: false,
  required: ['identity', 'environment'],
  properties: REST,
  dependentSchemas: RECEIVER,
} as const;
