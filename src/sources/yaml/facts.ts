import { createHash } from 'node:crypto';
import { OBLIGATION_OPS, type Caller, type Claim, type ClaimName, type Facts, type IdentityType, type RelationRule, type Transform, type Tuple, type Vendor } from '../../core/facts.ts';
import type { OwnCode } from '../../core/reason-codes.ts';
import { toHost } from './checks/hosts.ts';
import type { Collector, Entry, EntryOf } from './collect.ts';
import { durationOf, endOf, periodOf, startOf, twelveMonthsAfter } from './dates.ts';
import { definedOf } from './defined.ts';
import { canonicalJson, type Loaded } from './digest.ts';
import { toEvents, toField } from './events.ts';
import { toGrant, toTerm } from './grants.ts';
import type { Names } from './names.ts';
import type { Problem } from './problems.ts';

/** The facts as far as the files give them, and mistakes in conditions; dangling names are looked for elsewhere. */
export function toFacts(collector: Collector, names: Names): { readonly facts: Loaded; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const facts: Loaded = {
    categories: byId(collector.entries('categories'), (id, category) => ({ id, ...category })),
    purposes: new Set(collector.values('purposes').flatMap(({ purposes }) => purposes)),
    environments: byId(collector.entries('environments'), toEnvironment),
    fields: byId(collector.entries('fields'), toField),
    events: toEvents(collector),
    eventNames: new Map(collector.entries('event_names').map(({ id, value }) => [id, value] as const).sort(bySpecific)),
    vendors: byId(collector.entries('vendors'), toVendor),
    edges: toEdges(collector),
    identities: byId(collector.entries('identities'), (id, { roles, attributes, manifest }) => ({
      id, type: id.slice(0, id.indexOf(':')) as IdentityType, roles, attributes, ...(manifest !== undefined && { manifest: definedOf(manifest) }),
    })),
    roles: byId(collector.entries('roles'), (id, { title, extends: extended }) => ({ id, extends: extended, ...definedOf({ title }) })),
    grants: new Map(collector.entries('grants').map((entry) => [entry.id, toGrant({ entry, names, problems })])),
    terms: new Map(collector.entries('terms').map((entry) => [entry.id, toTerm({ entry, names, problems })])),
    closures: new Map(),
    ...toRelations(collector),
    combinations: byId(collector.entries('combinations'), (id, { members, min, title, approverRole, ...same }) => ({
      id, ...same, members: members.map((member) => (typeof member === 'string' ? [member] : member)), min: min ?? members.length, ...definedOf({ title, approverRole }),
    })),
    modes: toModes(collector),
    callers: byId(collector.entries('callers'), toCaller),
    transforms: toTransforms(collector),
    approvals: byId(collector.entries('approvals'), (id, { starts, expires, requester: _, ...approval }) => ({ id, ...definedOf(approval), ...periodOf(starts, expires) })),
    ...toCodes(collector),
    context: byId(collector.entries('context'), (name, { type, values }) => ({ name, type, ...definedOf({ enum: values }) })),
  };
  return { facts, problems };
}

/** Nothing where none is declared: the digest of such facts is what it was before there were codes. */
function toCodes(collector: Collector): Pick<Facts, 'codes'> {
  const declared = collector.entries('codes').map(({ id, value }) => [id as OwnCode, value] as const);
  return declared.length === 0 ? {} : { codes: new Map(declared) };
}

const byId = <T, F>(entries: readonly Entry<T>[], to: (id: string, value: T) => F): ReadonlyMap<string, F> => new Map(entries.map(({ id, value }) => [id, to(id, value)]));

// What is looked through in order is sorted, so that the order of files never matters.
const sorted = <T>(list: readonly T[]): readonly T[] => list.map((value) => [canonicalJson(value), value] as const).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, value]) => value);

/** Of two patterns that fit a name the one with more letters of its own counts. */
function bySpecific([a]: readonly [string, string], [b]: readonly [string, string]): number {
  const letters = (pattern: string) => pattern.replaceAll('*', '').length;
  return letters(b) - letters(a) || (a < b ? -1 : 1);
}

function toVendor(id: string, { aliases, hosts, breached, claims, edges: _, ...same }: EntryOf<'vendors'>): Vendor {
  return {
    id,
    ...same,
    hosts: [...hosts, ...aliases].map((host) => toHost(host) ?? host),
    ...(breached !== undefined && { breachedMs: startOf(breached) }),
    claims: Object.entries(claims).map(([claim, { value, evidence, issued, expires, periodEnd }]): Claim => {
      const ends = [...(expires === undefined ? [] : [endOf(expires)]), ...(periodEnd === undefined ? [] : [twelveMonthsAfter(periodEnd)])];
      return {
        name: claim as ClaimName, value, ...definedOf({ evidence }),
        ...(issued !== undefined && { issuedMs: startOf(issued) }),
        ...(ends.length > 0 && { untilMs: Math.min(...ends) }),
      };
    }),
  };
}

const toEdges = (collector: Collector): Facts['edges'] => collector.entries('vendors').flatMap(({ id, value }) => value.edges.map(({ to, type, on, regions, condition, source }) => (
  { from: id, to, type, ...definedOf({ on, regions, condition, source }) }
)));

const toEnvironment = (id: string, { tier, maxAge, maxAgeOf, degradedAge }: EntryOf<'environments'>) => ({
  id,
  tier,
  ...(maxAge !== undefined && { maxAgeMs: durationOf(maxAge) }),
  ...(maxAgeOf !== undefined && { maxAgeOf: Object.entries(maxAgeOf).map(([category, age]) => ({ category, maxAgeMs: durationOf(age) })) }),
  ...(degradedAge !== undefined && { degradedAgeMs: durationOf(degradedAge) }),
});

function toRelations(collector: Collector): Pick<Facts, 'tuples' | 'relationRules'> {
  const relations = collector.values('relations').map((value) => value.relations);
  return {
    tuples: sorted(relations.flatMap(({ tuples }) => tuples.map(toTuple))),
    relationRules: sorted(relations.flatMap(({ types }) => Object.entries(types).flatMap(([type, rules]) => (
      Object.entries(rules).map(([relation, { from, via }]): RelationRule => ({ type, relation, from, via }))
    )))),
  };
}

function toTuple(text: string): Tuple {
  const [subject, relation, object] = text.split(' ') as [string, string, string];
  return { subject, relation, object };
}

function toModes(collector: Collector): Facts['modes'] {
  const modes = collector.values('modes').map((value) => value.modes);
  const merge = (kind: 'vendors' | 'events') => new Map(modes.flatMap((part) => Object.entries(part[kind])).map(([id, mode]) => [id, definedOf(mode)]));
  return { vendors: merge('vendors'), events: merge('events') };
}

function toCaller(id: string, { demo, supports, tokenSha256, ratePerSecond, ...same }: EntryOf<'callers'>): Caller {
  return {
    id,
    demo,
    ...same,
    tokenSha256: tokenSha256 === undefined ? createHash('sha256').update(id).digest('hex') : toTokens(tokenSha256),
    supports: supports === '*' ? OBLIGATION_OPS : supports,
    ...definedOf({ ratePerSecond }),
  };
}

/** Of two lines that fit, the more exact category counts, then the longer one. */
function toTransforms(collector: Collector): readonly Transform[] {
  const lines = sorted(collector.values('transforms').flatMap(({ transforms }) => transforms.map(({ params, ...line }): Transform => ({ ...line, ...definedOf({ params }) }))));
  const exactness = ({ category }: Transform) => (category.endsWith('*') ? 0 : 1024) + category.length;
  return lines.toSorted((a, b) => exactness(b) - exactness(a));
}

/** A plain hash stays one: the digest of such facts is what it was before there were lists. */
function toTokens(given: NonNullable<EntryOf<'callers'>['tokenSha256']>): Caller['tokenSha256'] {
  if (typeof given === 'string') return given;
  return [given].flat().map((token) => (typeof token === 'string' ? { sha256: token } : { sha256: token.sha256, ...(token.expires !== undefined && { untilMs: endOf(token.expires) }) }));
}
