import { z } from 'zod';
import { isDate } from '../../core/dates.ts';
import { isOwnCode } from '../../core/reason-codes.ts';
import {
  CHANNELS, CLAIM_NAMES, EDGE_TYPES, EVENT_KINDS, IDENTIFIABILITIES, IDENTITY_TYPES, OBLIGATION_OPS, POWERS, SENSITIVITIES,
  VENDOR_CATEGORIES, VENDOR_STATES, type Json,
} from '../../core/facts.ts';
import { isRegion, objectionToRegion } from './checks/regions.ts';

/** One schema a kind of file; policies/README.md shows each. Unknown keys are mistakes. */

// `*` stands for all and `?` for the unknown, here and in what the rules see.
const notReserved = (name: string) => !['__proto__', 'constructor', 'prototype', '*', '?'].includes(name);
const reserved = 'this name is reserved';
const named = (pattern: RegExp, message: string) => z.string().regex(pattern, message).max(256).refine(notReserved, reserved);
const DOTTED = /^[a-z0-9_]+(\.[a-z0-9_]+)*$/;
const id = z.string().min(1).max(256).refine(notReserved, reserved);
const category = named(DOTTED, 'a category is lower-case words joined by dots, without dashes');
const selector = z.string().regex(/^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$/, 'a category selector is a.b, a.b.* or *');
const path = z.string().min(1).max(512);
const text = z.string().min(1).max(4096);
const ownCode = z.string().refine(isOwnCode, {
  error: 'a code of your own is x_ and small letters, digits and _, at most 62', abort: true,
});
const scalar = z.union([z.string(), z.number(), z.boolean()], 'must be a string, a number, true or false');
const json = z.custom<Json>((value) => value !== undefined);
const date = z.string().refine(isDate, 'a date is 2026-11-22, or RFC 3339 with a time zone');
const version = z.union([z.string().min(1).max(64), z.int()], 'a version is a string or a whole number: quote it').transform(String);
const region = z.string().refine(isRegion, { error: ({ input }) => objectionToRegion(String(input)) });
const params = z.record(z.string(), json);
const obligation = z.strictObject({ op: z.enum(OBLIGATION_OPS), params: params.optional() });
const identity = z.string().regex(new RegExp(`^(${IDENTITY_TYPES.join('|')}):\\S+$`), `an identity is type:id without spaces, the type one of ${IDENTITY_TYPES.join(', ')}`).max(256);
const map = <T extends z.ZodType>(value: T) => z.record(id, value);
const types = z.enum(['string', 'number', 'integer', 'boolean', 'null', 'object', 'array']);

const fieldBody = z.strictObject({
  category: category.nullable(),
  role: z.enum(['dimension', 'measure']).default('dimension'),
  type: z.union([types, z.array(types).min(1)], 'must be a type or a list of types').optional(),
  enum: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()], 'must be a string, a number, true, false or null')).min(1).optional(),
  nullable: z.boolean().optional(),
  labels: z.record(z.string(), scalar).default({}),
}).refine(({ nullable, type, enum: values }) => nullable !== false || !([type ?? []].flat().includes('null') || values?.includes(null)), 'nullable: false and null among the types or values contradict each other: leave one out');
const field = z.union([category.nullable(), fieldBody], 'must be a category, nothing, or { category: … }');
export type FieldSource = z.output<typeof field>;

const claim = z.strictObject({
  value: json,
  evidence: text.optional(),
  issued: date.optional(),
  expires: date.optional(),
  periodEnd: date.optional(),
});

const edge = z.strictObject({
  to: id,
  type: z.enum(EDGE_TYPES),
  on: z.boolean().optional(),
  regions: z.array(region).optional(),
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
  regions: z.array(region).default([]),
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

const condition = z.strictObject({
  claim: z.enum(CLAIM_NAMES).optional(),
  test: z.record(z.string(), json).optional(),
  code: text.optional(), // looked up with the names: it may be one of codes.yaml
  if: z.record(z.string(), json).optional(),
}).refine(({ claim, test, code, if: asked }) => (claim === undefined) !== (asked === undefined) && (claim === undefined ? test : code) === undefined, 'a condition is { claim: …, test: … } or { code: …, if: … }');
export type ConditionSource = z.output<typeof condition>;

const vendorSelector = z.union([id, z.strictObject({
  vendor: id.optional(),
  party: z.enum(['first', 'third']).optional(),
  categories: z.array(z.enum(VENDOR_CATEGORIES)).min(1).optional(),
})], 'must be a vendor, or a map of vendor, party, categories');

// What a grant and a term may state alike.
const limits = {
  title: text.optional(),
  environments: z.array(id).min(1).optional(),
  channels: z.array(z.enum(CHANNELS)).min(1).optional(),
  // A snapshot is judged as a raw event (J18): a grant for snapshots alone would never hold.
  kinds: z.array(z.enum(EVENT_KINDS).exclude(['snapshot'])).min(1).optional(),
  events: z.array(id).min(1).optional(),
  except: z.array(selector).default([]),
  effect: z.enum(['permit', 'transform', 'review']).default('permit'),
  obligations: z.array(obligation).default([]),
  approverRole: id.optional(),
  exclusive: z.boolean().default(false),
  starts: date.optional(),
  expires: date.optional(),
  relation: id.optional(),
  conditions: z.array(condition).default([]),
};

const grant = z.strictObject({
  ...limits,
  role: id,
  vendors: z.array(vendorSelector).min(1),
  purposes: z.array(id).min(1),
  categories: z.array(selector).min(1),
  temporary: z.strictObject({ ticket: text }).optional(),
});

const term = z.strictObject({
  ...limits,
  roles: z.array(id).min(1).optional(),
  vendors: z.array(vendorSelector).min(1).default([{}]),
  purposes: z.array(id).min(1).optional(),
  categories: z.array(selector).min(1).default(['*']),
});

const mode = z.strictObject({
  mode: z.enum(['enforce', 'shadow']).optional(),
  unknown: z.enum(['deny', 'strip', 'observe']).optional(),
  unmatched: z.enum(['deny', 'review']).optional(),
});

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'tokenSha256 is 64 lower-case hex digits: sluice token new prints them');
const callerToken = z.union([sha256, z.strictObject({ sha256, expires: date.optional() })]);

const caller = z.strictObject({
  tokenSha256: z.union([callerToken, z.array(callerToken).min(1).max(16)], 'tokenSha256 is 64 lower-case hex digits: sluice token new prints them; or { sha256, expires }, or a list of up to 16 of these').optional(),
  demo: z.boolean().default(false),
  identities: z.array(z.string().refine((name) => name === '*' || identity.safeParse(name).success, 'must be type:id, or *')).default([]),
  environments: z.array(z.string().min(1).max(256)).default([]),
  powers: z.array(z.enum(POWERS)).min(1),
  supports: z.union([z.literal('*'), z.array(z.enum(OBLIGATION_OPS))], 'must be a list of obligations, or "*"').default([]),
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
  eventVersion: version.optional(),
  fields: z.array(path).min(1),
  requester: identity.optional(),
  approver: identity,
  starts: date.optional(),
  expires: date,
  ticket: text.optional(),
});

const combination = z.strictObject({
  title: text.optional(),
  members: z.array(z.union([selector, z.array(selector).min(1)], 'must be a category selector or a list of them')).min(2),
  min: z.int().min(2).optional(),
  effect: z.enum(['deny', 'review']).default('deny'),
  message: text,
  fix: text,
  approverRole: id.optional(),
});

const duration = z.string().regex(/^[1-9]\d{0,6}[smhd]$/, 'a duration is 30s, 15m, 12h or 7d');

export const KINDS = {
  categories: z.strictObject({ categories: z.record(category, z.strictObject({
    sensitivity: z.enum(SENSITIVITIES), identifiability: z.enum(IDENTIFIABILITIES),
  })) }),
  purposes: z.strictObject({ purposes: z.array(named(DOTTED, 'a purpose is lower-case words joined by dots')) }),
  environments: z.strictObject({ environments: map(z.strictObject({
    tier: text, maxAge: duration.optional(), maxAgeOf: z.record(id, duration).optional(), degradedAge: duration.optional(),
  })) }),
  fields: z.strictObject({ fields: z.record(path, field) }),
  events: z.strictObject({
    event: id,
    version: version.default('1'),
    app: text.optional(),
    owner: text.optional(),
    kind: z.enum(EVENT_KINDS),
    purposes: z.array(id).optional(),
    defaultPurpose: id.optional(),
    about: z.strictObject({ type: id, field: path }).optional(),
    countField: path.optional(),
    minCell: z.int().min(10, 'minCell is at least 10').default(10),
    envelopes: z.array(id).default([]),
    source: text.optional(),
    description: text.optional(),
    fields: z.record(path, field).default({}),
  }),
  event_names: z.strictObject({ event_names: z.record(path, category) }),
  envelopes: z.strictObject({ envelopes: map(z.strictObject({ fields: z.record(path, field) })) }),
  vendors: z.strictObject({ vendors: map(vendor) }),
  identities: z.strictObject({ identities: z.record(identity, z.strictObject({
    roles: z.array(id).default([]), attributes: params.default({}), manifest: manifest.optional(),
  })) }),
  roles: z.strictObject({ roles: map(z.strictObject({ title: text.optional(), extends: z.array(id).default([]) })) }),
  grants: z.strictObject({ grants: map(grant) }),
  terms: z.strictObject({ terms: map(term) }),
  relations: z.strictObject({ relations: z.strictObject({ types: map(relationType).default({}), tuples: z.array(z.string().regex(/^\S+:\S+ \S+ \S+:\S+$/, 'a tuple is: subject relation object, as in user:sam assigned account:A1')).default([]) }) }),
  combinations: z.strictObject({ combinations: map(combination) }),
  modes: z.strictObject({ modes: z.strictObject({ vendors: map(mode).default({}), events: map(mode).default({}) }) }),
  callers: z.strictObject({ callers: map(caller) }),
  transforms: z.strictObject({ transforms: z.array(z.strictObject({ category: selector, op: z.enum(OBLIGATION_OPS), params: params.optional(), result: category })) }),
  approvals: z.strictObject({ approvals: map(approval) }),
  codes: z.strictObject({ codes: z.record(ownCode, text) }),
  context: z.strictObject({ context: map(z.strictObject({ type: z.enum(['number', 'boolean', 'enum']), values: z.array(z.string()).min(1).optional() })) }),
} as const;

export type Kind = keyof typeof KINDS;
export type Value<K extends Kind> = z.output<(typeof KINDS)[K]>;
export type Params = Readonly<Record<string, Json>>;

/** How deep the entries of a kind stand: an entry with a mistake is left out, and the others are still judged. */
export const ENTRY_DEPTH: Readonly<Record<Kind, number>> = {
  categories: 2, purposes: 2, environments: 2, fields: 2, events: 2, event_names: 2, envelopes: 2, vendors: 2, identities: 2, roles: 2,
  grants: 2, terms: 2, relations: 4, combinations: 2, modes: 3, callers: 2, transforms: 2, approvals: 2, codes: 2, context: 2,
};
