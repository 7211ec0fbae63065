import { OPERATORS } from '../core/catalogue/operators.ts';
import { ancestorsOf } from '../core/catalogue/selectors.ts';
import type { Facts } from '../core/facts.ts';
import { REASON_CODES } from '../core/reason-codes.ts';
import {
  CHANNELS,
  CLAIM_NAMES,
  EVENT_KINDS,
  IDENTIFIABILITIES,
  IDENTITY_TYPES,
  SENSITIVITIES,
  VENDOR_CATEGORIES,
  VENDOR_STATES,
} from '../core/vocabulary.ts';

/** What the strings of one kind may be, so that what a rule compares with them can be looked up. */
interface Kind {
  /** As a mistake calls it. */
  readonly title: string;
  /** Absent where these facts can't list them: then nothing is wrong. */
  readonly names: (facts: Facts) => Iterable<string> | undefined;
  /** Permit brings them where it administers an environment: they come and go with it. */
  readonly permit?: true;
  /** Names that facts may hold later without anybody's mistake. */
  readonly loose?: true;
}

const closed = (title: string, names: readonly string[]): Kind => ({ title, names: () => names });
const below = (names: Iterable<string>) => [...names].flatMap(ancestorsOf);
/** Grants name ids, or every one. */
const orAll = (kind: Kind): Kind => ({
  ...kind,
  names: (facts) => {
    const names = kind.names(facts);
    return names && [...names, '*'];
  },
});

const categories: Kind = { title: 'category', names: ({ categories: known }) => known.keys() };
const purposes: Kind = { title: 'purpose', names: ({ purposes: known }) => known };
const environments: Kind = { title: 'environment', names: ({ environments: known }) => known.keys() };
const channels = closed('channel', CHANNELS);
const kinds = closed('kind of event', EVENT_KINDS);

/** By the name that the table below calls it by. */
export const KINDS = {
  category: categories,
  'category or parent': { title: 'category', names: (facts) => below(categories.names(facts)!) },
  purpose: purposes,
  'purpose or parent': { title: 'purpose', names: (facts) => below(purposes.names(facts)!) },
  'purpose of grants': orAll({ title: 'purpose', names: (facts) => below(purposes.names(facts)!) }),
  vendor: { title: 'vendor', names: ({ vendors }) => vendors.keys() },
  environment: environments,
  'environment of grants': orAll(environments),
  tier: { title: 'tier', names: (facts) => [...facts.environments.values()].map(({ tier }) => tier) },
  event: { title: 'event', names: ({ events }) => [...events.values()].map(({ name }) => name) },
  'object type': {
    title: 'type of object',
    names: ({ events }) => [...events.values()].flatMap(({ about }) => about?.type ?? []),
  },
  identity: { title: 'identity', names: ({ identities }) => identities.keys(), permit: true },
  role: { title: 'role', names: ({ roles }) => roles.keys(), permit: true },
  grant: { title: 'grant', names: ({ grants, closures }) => [...grants.keys(), ...closures.keys()], permit: true },
  relation: { title: 'relation', names: relationsOf, permit: true },
  'context name': { title: 'name of context.yaml', names: ({ context }) => context.keys() },
  attribute: {
    title: 'attribute of an identity',
    names: ({ identities }) => [...identities.values()].flatMap(({ attributes }) => Object.keys(attributes)),
    permit: true,
    loose: true,
  },
  'vendor attribute': {
    title: 'attribute of a vendor',
    names: ({ vendors }) => [...vendors.values()].flatMap(({ attributes = {} }) => Object.keys(attributes)),
    permit: true,
    loose: true,
  },
  label: { title: 'label of a field', names: labelsOf, loose: true },
  region: closed('region', regionCodes()),
  'identity type': closed('type of identity', IDENTITY_TYPES),
  'vendor category': closed('category of vendors', VENDOR_CATEGORIES),
  'vendor state': closed('state of a vendor', VENDOR_STATES),
  party: closed('party', ['first', 'third']),
  claim: closed('claim', CLAIM_NAMES),
  'claim state': closed('state of a claim', ['valid', 'missing', 'expired']),
  channel: channels,
  'channel of grants': orAll(channels),
  kind: kinds,
  'kind of grants': orAll(kinds),
  sensitivity: closed('sensitivity', SENSITIVITIES),
  identifiability: closed('identifiability', IDENTIFIABILITIES),
  operator: closed('operator of conditions', [...OPERATORS.keys()]),
  'reason code': { title: 'reason code', names: ({ codes }) => [...REASON_CODES, ...(codes?.keys() ?? [])] },
  'JSON type': closed('type of a value', ['array', 'boolean', 'null', 'number', 'object', 'set', 'string']),
  demand: closed('demand of a manifest', ['required']),
} as const satisfies Readonly<Record<string, Kind>>;

/**
 * A kind of names; or `context value NAME`: what the enum of that context name holds; or `one of A,B`: the members that
 * something in the input has.
 */
export type Domain = keyof typeof KINDS | `context value ${string}` | `one of ${string}`;

/** Members of the input that a rule may name. */
export const membersIn = (domain: Domain): readonly string[] | undefined =>
  domain.startsWith('one of ') ? domain.slice('one of '.length).split(',') : undefined;

/** @returns the kind; undefined for one that an earlier program knew. */
export function kindOf(domain: string): Kind | undefined {
  if (Object.hasOwn(KINDS, domain)) return KINDS[domain as keyof typeof KINDS];
  const members = membersIn(domain as Domain);
  if (members !== undefined) return closed('member of the input', members);
  const name = /^context value (.+)$/.exec(domain)?.[1];
  return name === undefined
    ? undefined
    : { title: `value of context.${name}`, names: ({ context }) => context.get(name)?.enum };
}

/** ISO 3166-1 alpha-2, as the platform knows them, and the two unions that count as one. */
function regionCodes(): readonly string[] {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  const pairs = letters.flatMap((first) => letters.map((second) => `${first}${second}`));
  return [
    'EEA',
    ...pairs.filter((code) => names.of(code) !== undefined && new Intl.Locale(`und-${code}`).region === code),
  ];
}

function relationsOf({ tuples, relationRules, graph, grants }: Facts): Iterable<string> | undefined {
  if (graph !== undefined) return undefined; // packed by another thread
  return [
    ...tuples.map(({ relation }) => relation),
    ...relationRules.map(({ relation }) => relation),
    ...[...grants.values()].flatMap(({ relation }) => relation ?? []),
  ];
}

function labelsOf({ events, fields }: Facts): Iterable<string> {
  return [...fields.values(), ...[...events.values()].flatMap((event) => event.fields)].flatMap(({ labels }) =>
    Object.keys(labels),
  );
}
