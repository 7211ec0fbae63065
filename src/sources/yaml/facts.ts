import { createHash } from 'node:crypto';
import { compileCondition, ConditionError } from '../../core/conditions.ts';
import {
  OBLIGATION_OPS, type Caller, type Claim, type ClaimName, type Condition, type EventFact, type Facts, type FieldFact, type Grant,
  type IdentityType, type Json, type RelationRule, type Tuple, type Vendor, type VendorSelector,
} from '../../core/facts.ts';
import type { Collector, Entry } from './collect.ts';
import { durationOf, endOf, periodOf, startOf, twelveMonthsAfter } from './dates.ts';
import type { Problem } from './problems.ts';
import type { ConditionSource, FieldSource, Value } from './schemas.ts';

type SourceOf<K extends 'vendors' | 'grants' | 'callers'> = Value<K> extends Readonly<Record<K, Readonly<Record<string, infer T>>>> ? T : never;

/** The facts as far as the files give them; dangling names are looked for elsewhere. */
export function toFacts(collector: Collector): { readonly facts: Omit<Facts, 'digest'>; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const map = <T, F>(entries: readonly Entry<T>[], to: (id: string, value: T, entry: Entry<T>) => F) => new Map(entries.map((entry) => [entry.id, to(entry.id, entry.value, entry)]));
  const relations = collector.sources('relations').map(({ value }) => value.relations);
  const modes = collector.sources('modes').map(({ value }) => value.modes);
  const facts: Omit<Facts, 'digest'> = {
    categories: map(collector.entries('categories'), (id, { sensitivity, identifiability }) => ({ id, sensitivity, identifiability })),
    purposes: new Set(collector.sources('purposes').flatMap(({ value }) => value.purposes)),
    environments: map(collector.entries('environments'), (id, { tier, maxAge }) => ({ id, tier, ...(maxAge !== undefined && { maxAgeMs: durationOf(maxAge) }) })),
    fields: map(collector.entries('fields'), toField),
    events: toEvents(collector),
    eventNames: map(collector.entries('event_names'), (_, category) => category),
    vendors: map(collector.entries('vendors'), toVendor),
    edges: collector.entries('vendors').flatMap(({ id, value }) => value.edges.map(({ to, type, on, regions, condition, source }) => ({
      from: id, to, type, ...definedOf({ on, regions, condition, source }),
    }))),
    identities: map(collector.entries('identities'), (id, { roles, attributes, manifest }) => ({
      id, type: id.slice(0, id.indexOf(':')) as IdentityType, roles, attributes: attributes as Record<string, Json>, ...(manifest !== undefined && { manifest: definedOf(manifest) }),
    })),
    roles: map(collector.entries('roles'), (id, { title, extends: extended }) => ({ id, extends: extended, ...definedOf({ title }) })),
    grants: map(collector.entries('grants'), (id, grant, entry) => toGrant(id, grant, entry, problems)),
    tuples: relations.flatMap(({ tuples }) => tuples.map(toTuple)),
    relationRules: relations.flatMap(({ types }) => Object.entries(types).flatMap(([type, rules]) => (
      Object.entries(rules).map(([relation, { from, via }]): RelationRule => ({ type, relation, from, via }))
    ))),
    combinations: map(collector.entries('combinations'), (id, { members, min, effect, message, fix, title, approverRole }) => ({
      id, members: members.map((member) => (typeof member === 'string' ? [member] : member)), min: min ?? members.length, effect, message, fix, ...definedOf({ title, approverRole }),
    })),
    modes: {
      vendors: new Map(modes.flatMap(({ vendors }) => Object.entries(vendors)).map(([id, mode]) => [id, definedOf(mode)])),
      events: new Map(modes.flatMap(({ events }) => Object.entries(events)).map(([id, mode]) => [id, definedOf(mode)])),
    },
    callers: map(collector.entries('callers'), toCaller),
    transforms: collector.sources('transforms').flatMap(({ value }) => value.transforms.map(({ params, ...line }) => ({ ...line, ...definedOf({ params: params as Record<string, Json> | undefined }) }))),
    approvals: map(collector.entries('approvals'), (id, { starts, expires, requester: _, ...approval }) => ({ id, ...definedOf(approval), ...periodOf(starts, expires) })),
    context: map(collector.entries('context'), (name, { type, values }) => ({ name, type, ...definedOf({ enum: values }) })),
  };
  return { facts, problems };
}

/** The same object without its undefined members. */
function definedOf<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never;
}

function toField(path: string, source: FieldSource): FieldFact {
  if (source === null || typeof source === 'string') return { path, category: source ?? undefined, role: 'dimension', labels: {} };
  const { category, role, labels, type, enum: values } = source;
  const types = type === undefined ? undefined : Array.isArray(type) ? type : [type];
  return { path, category: category ?? undefined, role, labels, ...definedOf({ types, enum: values }) };
}

/** By `name@version`, and the newest by its name alone. */
function toEvents(collector: Collector): ReadonlyMap<string, EventFact> {
  const envelopes = new Map(collector.entries('envelopes').map(({ id, value }) => [id, value.fields]));
  const events = collector.sources('events').map(({ value }) => toEvent(value, envelopes));
  const byName = Map.groupBy(events, ({ name }) => name);
  return new Map([...byName].flatMap(([name, versions]) => {
    const newest = versions.toSorted((a, b) => compareVersions(b.version, a.version))[0]!;
    return [[name, newest] as const, ...versions.map((event) => [`${name}@${event.version}`, event] as const)];
  }));
}

function toEvent(source: Value<'events'>, envelopes: ReadonlyMap<string, Readonly<Record<string, FieldSource>>>): EventFact {
  const shared = source.envelopes.map((envelope) => envelopes.get(envelope) ?? {});
  const fields: Record<string, FieldSource> = Object.assign({}, ...shared, source.fields);
  const { event, version, kind, minCell, defaultPurpose, purposes, app, owner, about, countField } = source;
  return {
    name: event,
    version,
    kind,
    minCell,
    purposes: purposes ?? (defaultPurpose === undefined ? [] : [defaultPurpose]),
    ...definedOf({ defaultPurpose, app, owner, about, countField }),
    fields: Object.entries(fields).map(([path, field]) => toField(path, field)),
  };
}

export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split(/[.-]/), b.split(/[.-]/)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [x, y] = [Number(left[index] ?? 0), Number(right[index] ?? 0)];
    if (x !== y && !Number.isNaN(x - y)) return x - y;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function toVendor(id: string, source: SourceOf<'vendors'>): Vendor {
  const { name, party, categories, hosts, aliases, packages, regions, state, breached, claims } = source;
  return {
    id, name, party, categories, hosts: [...hosts, ...aliases], packages, regions, state,
    ...(breached !== undefined && { breachedMs: startOf(breached) }),
    claims: Object.entries(claims).map(([claim, { value, evidence, issued, expires, periodEnd }]): Claim => {
      const ends = [...(expires === undefined ? [] : [endOf(expires)]), ...(periodEnd === undefined ? [] : [twelveMonthsAfter(periodEnd)])];
      return {
        name: claim as ClaimName, value: value as Json, ...definedOf({ evidence }),
        ...(issued !== undefined && { issuedMs: startOf(issued) }),
        ...(ends.length > 0 && { untilMs: Math.min(...ends) }),
      };
    }),
  };
}

function toGrant(id: string, source: SourceOf<'grants'>, entry: Entry<unknown>, problems: Problem[]): Grant {
  const { vendors, starts, expires, temporary, conditions, obligations, title, environments, channels, kinds, events, approverRole, relation, ...same } = source;
  return {
    id,
    ...same,
    ...definedOf({ title, environments, channels, kinds, events, approverRole, relation, ticket: temporary?.ticket }),
    ...periodOf(starts, expires),
    obligations: obligations.map(({ op, params }) => ({ op, ...definedOf({ params: params as Record<string, Json> | undefined }) })),
    vendors: vendors.map((selector): VendorSelector => (typeof selector === 'string' ? { vendor: selector } : definedOf(selector))),
    conditions: conditions.flatMap((condition, index) => {
      try {
        return toConditions(condition);
      } catch (error) {
        if (!(error instanceof ConditionError)) throw error;
        problems.push(entry.problem(['conditions', index], error.message));
        return [];
      }
    }),
  };
}

/** Exactly one of a claim's conditions fails, whatever its state is, so that the reason is the right one (J7). */
function toConditions(source: ConditionSource): readonly Condition[] {
  if ('if' in source) return [{ code: source.code, any: compileCondition(source.if as Json) }];
  const path = ['vendor', 'claims', source.claim];
  const state = (...states: readonly string[]) => ({ path: [...path, 'state'], op: 'in', value: states });
  const tests = Object.entries(source.test ?? {}).map(([op, value]) => ({ [op]: value as Json }));
  const good = tests.length === 0 ? [] : compileCondition({ allOf: tests.map((test) => ({ [`vendor.claims.${source.claim}.value`]: test })) });
  return [
    { code: 'claim_missing', any: [[state('valid', 'expired')]] },
    { code: 'claim_expired', any: [[state('valid', 'missing')]] },
    ...(good.length === 0 ? [] : [{ code: 'claim_insufficient', any: [[state('missing', 'expired')], ...good] }]),
  ];
}

function toTuple(text: string): Tuple {
  const [subject, relation, object] = text.split(' ') as [string, string, string];
  return { subject, relation, object };
}

function toCaller(id: string, source: SourceOf<'callers'>): Caller {
  const { demo, identities, environments, powers, supports, tokenSha256, ratePerSecond } = source;
  return {
    id, demo, identities, environments, powers,
    tokenSha256: tokenSha256 ?? createHash('sha256').update(id).digest('hex'),
    supports: supports === '*' ? OBLIGATION_OPS : supports,
    ...definedOf({ ratePerSecond }),
  };
}
