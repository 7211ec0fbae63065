import { z } from 'zod';
import {
  CHANNELS, CLAIM_NAMES, EDGE_TYPES, EVENT_KINDS, IDENTIFIABILITIES, IDENTITY_TYPES, OBLIGATION_OPS, POWERS, SENSITIVITIES,
  VENDOR_CATEGORIES, VENDOR_STATES, type Json,
} from '../../core/facts.ts';

/** One schema a kind of file; policies/README.md shows each. Unknown keys are mistakes. */

const id = z.string().min(1).max(256).refine((text) => !['__proto__', 'constructor', 'prototype'].includes(text), 'this name is reserved');
const category = z.string().regex(/^[a-z0-9_]+(\.[a-z0-9_]+)*$/, 'a category is lower-case words joined by dots (no dashes)');
const selector = z.string().regex(/^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$/, 'a category selector is a.b, a.b.* or *');
const text = z.string().min(1).max(4096);
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const date = z.string().regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/, 'a date is 2026-11-22, or RFC 3339 with a time zone')
  .refine((value) => !Number.isNaN(Date.parse(value)), 'there is no such date');
const params = z.record(z.string(), z.json());
const obligation = z.strictObject({ op: z.enum(OBLIGATION_OPS), params: params.optional() });
const identity = z.string().regex(new RegExp(`^(${IDENTITY_TYPES.join('|')}):.+$`, 's'), `an identity is type:id, the type one of ${IDENTITY_TYPES.join(', ')}`);
const map = <T extends z.ZodType>(value: T, key: z.ZodString | typeof id = id) => z.record(key, value);
const types = z.enum(['string', 'number', 'integer', 'boolean', 'null', 'object', 'array']);

const fieldBody = z.strictObject({
  category: category.nullable(),
  role: z.enum(['dimension', 'measure']).default('dimension'),
  type: z.union([types, z.array(types).min(1)]).optional(),
  enum: z.array(z.union([scalar, z.null()])).min(1).optional(),
  labels: z.record(z.string(), scalar).default({}),
  description: text.optional(),
});
const field = z.union([category.nullable(), fieldBody]);
export type FieldSource = z.output<typeof field>;

const claim = z.strictObject({
  value: z.json(),
  evidence: text.optional(),
  issued: date.optional(),
  expires: date.optional(),
  periodEnd: date.optional(),
});

const edge = z.strictObject({
  to: id,
  type: z.enum(EDGE_TYPES),
  on: z.boolean().optional(),
  regions: z.array(z.string()).optional(),
  condition: params.optional(),
  source: text.optional(),
  asOf: date.optional(),
});

const vendor = z.strictObject({
  name: text,
  party: z.enum(['first', 'third']),
  categories: z.array(z.enum(VENDOR_CATEGORIES)).min(1),
  hosts: z.array(z.string()).default([]),
  aliases: z.array(z.string()).default([]),
  packages: z.array(z.string()).default([]),
  owner: text.optional(),
  regions: z.array(z.string().regex(/^[A-Z]{2}$/, 'a region is an ISO 3166 code or EU')).default([]),
  state: z.enum(VENDOR_STATES).default('active'),
  breached: date.optional(),
  claims: z.partialRecord(z.enum(CLAIM_NAMES), claim).default({}),
  edges: z.array(edge).default([]),
});

const manifest = z.strictObject({
  onBehalfOf: z.literal('required').optional(),
  actsFor: z.array(identity).optional(),
  categories: z.array(selector).optional(),
  vendors: z.array(id).optional(),
  environments: z.array(id).optional(),
});

const condition = z.union([
  z.strictObject({ claim: z.enum(CLAIM_NAMES), test: z.record(z.string(), z.json()).optional() }),
  z.strictObject({ code: z.string().default('no_permit'), if: z.record(z.string(), z.json()) }),
]);
export type ConditionSource = z.output<typeof condition>;

const vendorSelector = z.union([id, z.strictObject({
  vendor: id.optional(),
  party: z.enum(['first', 'third']).optional(),
  categories: z.array(z.enum(VENDOR_CATEGORIES)).min(1).optional(),
})]);

const grant = z.strictObject({
  title: text.optional(),
  role: id,
  vendors: z.array(vendorSelector).min(1),
  environments: z.array(id).min(1).optional(),
  purposes: z.array(id).min(1),
  channels: z.array(z.enum(CHANNELS)).min(1).optional(),
  kinds: z.array(z.enum(EVENT_KINDS)).min(1).optional(),
  events: z.array(id).min(1).optional(),
  categories: z.array(selector).min(1),
  except: z.array(selector).default([]),
  effect: z.enum(['permit', 'transform', 'review']).default('permit'),
  obligations: z.array(obligation).default([]),
  approverRole: id.optional(),
  exclusive: z.boolean().default(false),
  starts: date.optional(),
  expires: date.optional(),
  temporary: z.strictObject({ ticket: text }).optional(),
  relation: id.optional(),
  conditions: z.array(condition).default([]),
});

const mode = z.strictObject({
  mode: z.enum(['enforce', 'shadow']).optional(),
  unknown: z.enum(['deny', 'strip', 'observe']).optional(),
  unmatched: z.enum(['deny', 'review']).optional(),
});

const caller = z.strictObject({
  tokenSha256: z.string().regex(/^[0-9a-f]{64}$/, 'tokenSha256 is 64 lower-case hex digits: sluice token new prints them').optional(),
  demo: z.boolean().default(false),
  identities: z.array(z.union([z.literal('*'), identity])).default([]),
  environments: z.array(id).default([]),
  powers: z.array(z.enum(POWERS)).min(1),
  supports: z.union([z.literal('*'), z.array(z.enum(OBLIGATION_OPS))]).default([]),
  ratePerSecond: z.number().positive().optional(),
});

const relationType = z.record(id, z.strictObject({
  from: z.array(id).default([]),
  via: z.array(z.strictObject({ relation: id, is: id })).default([]),
}));

const approval = z.strictObject({
  identity,
  onBehalfOf: identity.optional(),
  vendor: id,
  environment: id,
  purpose: id,
  channel: z.enum(CHANNELS).default('telemetry'),
  event: id.optional(),
  eventVersion: z.string().optional(),
  fields: z.array(id).min(1),
  requester: identity.optional(),
  approver: identity,
  starts: date.optional(),
  expires: date,
  ticket: text.optional(),
});

const combination = z.strictObject({
  title: text.optional(),
  members: z.array(z.union([selector, z.array(selector).min(1)])).min(2),
  min: z.number().int().min(2).optional(),
  effect: z.enum(['deny', 'review']).default('deny'),
  message: text,
  fix: text,
  approverRole: id.optional(),
});

export const KINDS = {
  categories: z.strictObject({ categories: map(z.strictObject({
    sensitivity: z.enum(SENSITIVITIES), identifiability: z.enum(IDENTIFIABILITIES), parent: category.optional(), description: text.optional(),
  }), category) }),
  purposes: z.strictObject({ purposes: z.array(z.string().regex(/^[a-z0-9_]+(\.[a-z0-9_]+)*$/, 'a purpose is lower-case words joined by dots')) }),
  environments: z.strictObject({ environments: map(z.strictObject({
    tier: text, maxAge: z.string().regex(/^\d+[smhd]$/, 'a duration is 30s, 15m, 12h or 7d').optional(),
  })) }),
  fields: z.strictObject({ fields: map(field) }),
  events: z.strictObject({
    event: id,
    version: z.union([z.string().min(1), z.number().int()]).transform(String).default('1'),
    app: text.optional(),
    owner: text.optional(),
    kind: z.enum(EVENT_KINDS),
    purposes: z.array(id).optional(),
    defaultPurpose: id.optional(),
    about: z.strictObject({ type: id, field: id }).optional(),
    countField: id.optional(),
    minCell: z.number().int().min(10, 'minCell is at least 10').default(10),
    envelopes: z.array(id).default([]),
    source: text.optional(),
    description: text.optional(),
    fields: map(field).default({}),
  }),
  event_names: z.strictObject({ event_names: map(category) }),
  envelopes: z.strictObject({ envelopes: map(z.strictObject({ fields: map(field) })) }),
  vendors: z.strictObject({ vendors: map(vendor, z.string().regex(/^[a-z0-9][a-z0-9_-]*$/, 'a vendor id is lower-case letters, digits and dashes')) }),
  identities: z.strictObject({ identities: z.record(identity, z.strictObject({
    roles: z.array(id).default([]), attributes: z.record(z.string(), z.json()).default({}), manifest: manifest.optional(), description: text.optional(),
  })) }),
  roles: z.strictObject({ roles: map(z.strictObject({ title: text.optional(), extends: z.array(id).default([]) })) }),
  grants: z.strictObject({ grants: map(grant) }),
  relations: z.strictObject({ relations: z.strictObject({ types: z.record(id, relationType).default({}), tuples: z.array(z.string().regex(/^\S+:\S+ \S+ \S+:\S+$/, 'a tuple is: subject relation object, as in user:sam assigned account:A1')).default([]) }) }),
  combinations: z.strictObject({ combinations: map(combination) }),
  modes: z.strictObject({ modes: z.strictObject({ vendors: map(mode).default({}), events: map(mode).default({}) }) }),
  callers: z.strictObject({ callers: map(caller) }),
  transforms: z.strictObject({ transforms: z.array(z.strictObject({ category: selector, op: z.enum(OBLIGATION_OPS), params: params.optional(), result: category })) }),
  approvals: z.strictObject({ approvals: map(approval) }),
  context: z.strictObject({ context: map(z.strictObject({ type: z.enum(['number', 'boolean', 'enum']), values: z.array(z.string()).min(1).optional() })) }),
} as const;

export type Kind = keyof typeof KINDS;
export type Value<K extends Kind> = z.output<(typeof KINDS)[K]>;
export type Params = Readonly<Record<string, Json>>;

/** Every key that some file may have, for suggestions. */
export const KNOWN_KEYS: readonly string[] = [
  ...Object.keys(KINDS), ...[fieldBody, claim, edge, vendor, manifest, grant, mode, caller, approval, combination, obligation, KINDS.events].flatMap((schema) => Object.keys(schema.shape)),
];
