// The vendors of the example world as Permit holds them: what policies/vendors.yaml says of them, less hosts and packages.

export interface Vendor {
  readonly name: string;
  readonly party: 'first' | 'third';
  readonly categories: readonly string[];
  readonly regions?: readonly string[];
  readonly claims?: Readonly<Record<string, Claim>>;
}

/** Values, and dates, are examples: no statement on any vendor. */
export interface Claim {
  readonly value: unknown;
  readonly issued: string;
  readonly expires: string;
}

const example = (value: unknown, expires = '2036-12-31'): Claim => ({ value, issued: '2026-01-01', expires });

const CONTRACTED = { dpa: example(true), transfer_basis: example({ type: 'SCC', covers_subprocessors: true }), trains_on_data: example(false) };

const third = (name: string, category: string, rest: Partial<Vendor> = { regions: ['US'] }): Vendor => ({ name, party: 'third', categories: [category], ...rest });

export const VENDORS: Readonly<Record<string, Vendor>> = {
  'vendor-x': third('Vendor X', 'analytics', { regions: ['US'], claims: { ...CONTRACTED, breach_notice_hours: example(24), retention_days: example(30) } }),
  'mixpanel': third('Mixpanel', 'analytics', { regions: ['US'], claims: CONTRACTED }),
  'amplitude': third('Amplitude', 'analytics', { regions: ['US'], claims: CONTRACTED }),
  'segment': third('Twilio Segment', 'cdp', { regions: ['US'], claims: { ...CONTRACTED, dpa: example(true, '2026-01-31') } }),
  'datadog': third('Datadog', 'observability'),
  'splunk': third('Splunk', 'observability'),
  'intercom': third('Intercom', 'support', { regions: ['US'], claims: CONTRACTED }),
  'openai': third('OpenAI', 'llm', { regions: ['US'], claims: CONTRACTED }),
  'anthropic': third('Anthropic', 'llm'),
  'okta': third('Okta', 'identity'),
  'auth0': third('Auth0', 'identity'),
  'cloudflare': third('Cloudflare', 'cdn', {}),
  'fastly': third('Fastly', 'cdn', {}),
  'internal-obs': { name: 'Internal observability', party: 'first', categories: ['observability'] },
  'posthog-selfhosted': { name: 'PostHog, self-hosted', party: 'first', categories: ['analytics'] },
};

/** Those that are on, or may be. A tuple has no conditions and no source: these stay in the catalogue. */
export const EDGES: readonly (readonly [vendor: string, relation: 'sub_processor' | 'forwards_to' | 'user_connector', to: string])[] = [
  ['mixpanel', 'sub_processor', 'openai'],
  ['mixpanel', 'user_connector', 'openai'],
  ['mixpanel', 'sub_processor', 'anthropic'],
  ['mixpanel', 'user_connector', 'anthropic'],
  ['amplitude', 'sub_processor', 'openai'],
  ['segment', 'forwards_to', 'mixpanel'],
  ['intercom', 'sub_processor', 'openai'],
  ['intercom', 'sub_processor', 'anthropic'],
  ['intercom', 'sub_processor', 'cloudflare'],
  ['openai', 'sub_processor', 'intercom'],
  ['openai', 'sub_processor', 'okta'],
  ['openai', 'sub_processor', 'cloudflare'],
];

const CLAIM_TYPES = { dpa: 'bool', transfer_basis: 'json', trains_on_data: 'bool', breach_notice_hours: 'number', retention_days: 'number' } as const;

/** The attributes that the type `vendor` declares. */
export const VENDOR_ATTRIBUTES: Readonly<Record<string, { readonly type: string }>> = {
  name: { type: 'string' }, party: { type: 'string' }, categories: { type: 'array' }, regions: { type: 'array' }, status: { type: 'string' },
  ...Object.fromEntries(Object.entries(CLAIM_TYPES).flatMap(([claim, type]) => [
    [claim, { type }], [`${claim}_issued`, { type: 'time' }], [`${claim}_expires`, { type: 'time' }], [`${claim}_evidence`, { type: 'string' }],
  ])),
};

/** A claim is an attribute, with its dates and its evidence beside it. */
export function attributesOf({ claims = {}, ...rest }: Vendor): Readonly<Record<string, unknown>> {
  const claimed = Object.entries(claims).flatMap(([claim, { value, issued, expires }]) => [[claim, value], [`${claim}_issued`, issued], [`${claim}_expires`, expires], [`${claim}_evidence`, 'example']]);
  return { ...rest, status: 'active', ...Object.fromEntries(claimed) as object };
}
