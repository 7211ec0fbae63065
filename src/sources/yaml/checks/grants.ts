import type { EventFact, Grant, Term, Vendor, VendorSelector } from '../../../core/facts.ts';
import { ancestorsOf, covers, isBelow, toSelectors } from '../../../core/catalogue/selectors.ts';
import type { Collector, Entry, EntryOf } from '../collect.ts';
import { durationOf, endOf, isEmpty, startOf } from '../dates.ts';
import type { Loaded } from '../digest.ts';
import type { Names } from '../names.ts';
import type { At, Problem } from '../problems.ts';

type Found = readonly (readonly [at: At, message: string])[];
type Source = EntryOf<'grants'>;
type TermSource = EntryOf<'terms'>;

/** Grants that can never apply, or that say two things at once. */
export function checkGrants(collector: Collector, facts: Loaded, names: Names): readonly Problem[] {
  const vendors = collector.complete('vendors') ? [...facts.vendors.values()] : undefined;
  const events = Map.groupBy(new Set(facts.events.values()), ({ name }) => name);
  return collector.entries('grants').flatMap(({ id, value, problem }: Entry<Source>) => {
    const grant = facts.grants.get(id)!;
    return [...checkPeriod(value), ...checkEffect(value), ...checkVendors(grant, vendors, 'grant'), ...checkCategories(value, names, 'grant'), ...checkEvents(value, events)]
      .map(([at, message]) => problem(at, message));
  });
}

/** Terms that say two things at once, that would make freer, or that can never hold for anything. */
export function checkTerms(collector: Collector, facts: Loaded, names: Names): readonly Problem[] {
  const vendors = collector.complete('vendors') ? [...facts.vendors.values()] : undefined;
  return collector.entries('terms').flatMap(({ id, value, problem }: Entry<TermSource>) => [...checkTerm(value), ...checkVendors(facts.terms.get(id)!, vendors, 'term'), ...checkCategories(value, names, 'term')]
    .map(([at, message]) => problem(at, message)));
}

function checkTerm(value: TermSource): Found {
  const scoping = value.obligations.findIndex(({ op }) => op === 'scope_destinations');
  return [
    ...(isEmpty(value.starts, value.expires) ? [[['expires'], 'the term expires before it starts: nothing that it covers would ever be permitted'] as const] : []),
    ...(scoping < 0 ? [] : [[['obligations', scoping, 'op'], 'a term only narrows, and taking destinations out makes freer: leave scope_destinations to a grant'] as const]),
    ...checkEffect(value, 'term'),
  ];
}

function checkPeriod({ starts, expires, temporary }: Source): Found {
  if (isEmpty(starts, expires)) return [[['expires'], 'the grant expires before it starts: it can never apply']];
  if (temporary === undefined) return [];
  if (starts === undefined || expires === undefined) return [[['temporary'], 'a temporary grant says when it starts and when it expires']];
  return endOf(expires) - startOf(starts) <= durationOf('7d') ? [] : [[['expires'], 'a temporary grant holds for at most 7 days']];
}

function checkEffect({ effect, obligations, approverRole }: Source | TermSource, what: string = 'grant'): Found {
  const others = obligations.map(({ op }, index) => ({ op, index })).filter(({ op }) => op !== 'scope_destinations');
  return [
    ...(effect === 'transform' && others.length === 0 ? [[['effect'], 'a transform needs obligations'] as const] : []),
    ...(effect === 'transform' ? [] : others.map(({ op, index }) => [['obligations', index, 'op'], `${op} needs effect: transform; this ${what} says ${effect}`] as const)),
    ...(effect !== 'review' && approverRole !== undefined ? [[['approverRole'], `approverRole needs effect: review; this ${what} says ${effect}`] as const] : []),
  ];
}

function checkVendors({ vendors: selectors }: Grant | Term, vendors: readonly Vendor[] | undefined, what: string): Found {
  return selectors.flatMap((selector, index) => {
    if (vendors === undefined || vendors.some((vendor) => selects(selector, vendor))) return [];
    if (selector.vendor !== undefined && !vendors.some(({ id }) => id === selector.vendor)) return []; // has been said already
    return [[['vendors', index], `no vendor is like this: the ${what} can never apply to one`]];
  });
}

/** As grants.ts in core compares them. */
export const selects = (selector: VendorSelector, vendor: Vendor): boolean => (selector.vendor === undefined || selector.vendor === vendor.id)
  && (selector.party === undefined || selector.party === vendor.party)
  && (selector.categories ?? []).every((category) => vendor.categories.includes(category));

function checkCategories({ categories, except }: Source | TermSource, { leaves, objection }: Names, what: string): Found {
  if (leaves === undefined || categories.some((selector) => objection('selector', selector) !== undefined)) return [];
  const [covered, spared] = [toSelectors(categories), toSelectors(except)];
  const left = [...leaves].some((id) => {
    const ancestors = new Set(ancestorsOf(id));
    return covers(covered, id, ancestors) && !covers(spared, id, ancestors);
  });
  return left ? [] : [[['categories'], `no category is left: the ${what} can never apply`]];
}

function checkEvents({ events: listed = [], kinds, purposes }: Source, events: ReadonlyMap<string, readonly EventFact[]>): Found {
  return listed.flatMap((name, index): Found => {
    const versions = events.get(name) ?? [];
    if (versions.length === 0) return [];
    if (kinds !== undefined && !versions.some(({ kind }) => kinds.includes(kind === 'snapshot' ? 'raw_event' : kind))) return [[['events', index], `${name} is of kind ${versions[0]!.kind}, which the grant leaves out: it can never apply to it`]];
    const meet = (a: string, b: string) => isBelow(a, b) || isBelow(b, a);
    if (versions.some((version) => version.purposes.some((allowed) => purposes.some((purpose) => meet(allowed, purpose))))) return [];
    return [[['events', index], `${name} is for ${versions[0]!.purposes.join(', ') || 'no purpose'}, the grant for ${purposes.join(', ')}: it can never apply to it`]];
  });
}
