import fc from 'fast-check';
import type { KnownGrant } from '../../src/core/catalogue/catalogue.ts';
import { coversProfile, mayName, namesVendor, type NamedVendor } from '../../src/core/catalogue/grant-index.ts';
import { createProfiles, type Profile } from '../../src/core/catalogue/profiles.ts';
import { ancestorsOf, covers, toSelectors } from '../../src/core/catalogue/selectors.ts';
import { createNarrowed } from '../../src/core/catalogue/terms.ts';
import { createThresholds } from '../../src/core/clock.ts';
import type { Category, Grant, Term } from '../../src/core/facts.ts';
import { candidates, purposesOf, type Situation } from '../../src/core/prepare/grants.ts';

// Terms and closures, cut and joined, give what a plain reading of the rules gives.

const LEAVES = ['a.b', 'a.c', 'd'];
const NOW = 100;
const moment = { nowMs: NOW, latestMs: NOW };
const EFFECTS = ['permit', 'transform', 'review'] as const;
const profiles = createProfiles(new Map(LEAVES.map((id): [string, Category] => [id, { id, sensitivity: 'internal', identifiability: 'none' }])));

const some = <T>(...values: readonly T[]) => fc.subarray([...values], { minLength: 1 });
const selector = fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.record({ vendor: fc.constantFrom('v', 'w'), party: fc.constantFrom('first' as const, 'third' as const), categories: some('analytics' as const, 'cdn' as const) }, { requiredKeys: [] }) });
const limits = {
  effect: fc.constantFrom(...EFFECTS), obligations: fc.constant([]), conditions: fc.constant([]),
  vendors: fc.array(selector, { minLength: 1, maxLength: 2 }), categories: some('*', 'a.*', 'a.b', 'd'), except: fc.subarray(['a.b', 'd'], { maxLength: 1 }),
};
/** Mostly it says nothing, so that something is permitted at all. */
const optional = {
  environments: some('production', 'staging'), channels: some('telemetry' as const, 'export' as const), kinds: some('raw_event' as const, 'aggregate' as const), events: some('e', 'f'),
  fromMs: fc.constantFrom(50, 150), untilMs: fc.constantFrom(60, 160),
};
const few = fc.subarray(Object.keys(optional), { maxLength: 2 }).chain((names) => fc.record(optional, { requiredKeys: [] }).map((all) => Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name))) as Partial<typeof all>));
const purposes = some('p', 'p.q', 'r');
const exclusive = fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const role = fc.constantFrom('x', 'y');

const written: fc.Arbitrary<Grant> = fc.tuple(fc.record({ id: fc.constant(''), role, purposes, exclusive, ...limits }), few).map(([grant, more]) => ({ ...grant, ...more }));
const permission: fc.Arbitrary<Grant> = fc.record({ role, vendors: limits.vendors, category: fc.constantFrom(...LEAVES) }).map(({ role: of, vendors, category }) => ({
  id: '', role: of, vendors, effect: 'permit', obligations: [], conditions: [], purposes: ['*'], defaultPurposeOnly: true, categories: [category], except: [], exclusive: false,
}));
const term: fc.Arbitrary<Term> = fc.tuple(fc.record({ id: fc.constant(''), roles: some('x', 'y'), purposes, exclusive, ...limits }, { requiredKeys: ['id', 'exclusive', 'effect', 'obligations', 'conditions', 'vendors', 'categories', 'except'] }), few).map(([one, more]) => ({ ...one, ...more }));
const numbered = <T extends { readonly id: string }>(of: fc.Arbitrary<T>, name: string, maxLength: number) => fc.array(of, { maxLength }).map((list) => list.map((one, index): T => ({ ...one, id: `${name}${index}` })));

interface World { readonly grants: readonly Grant[]; readonly terms: readonly Term[]; readonly closures: readonly Grant[] }
// One source or the other: permissions come with closures, grants of the YAML are exclusive themselves.
const world: fc.Arbitrary<World> = fc.oneof(
  fc.record({ grants: numbered(written, 'g', 4), terms: numbered(term, 't', 3), closures: fc.constant([]) }),
  fc.record({ grants: numbered(permission, 'permit:', 6), terms: numbered(term, 't', 3), closures: numbered(written.map((grant) => ({ ...grant, exclusive: true })), 'g', 2) }),
);
const vendor: fc.Arbitrary<NamedVendor> = fc.record({
  id: fc.constantFrom('v', 'w', 'z'), party: fc.constantFrom('first' as const, 'third' as const), disputed: fc.boolean(), categories: fc.subarray(['analytics', 'cdn']), confirmed: fc.subarray(['analytics']),
}, { requiredKeys: ['id', 'party', 'categories'] }).map((one) => ({ ...one, ...(one.confirmed && { confirmed: one.confirmed.filter((category) => one.categories.includes(category)) }) }));

interface Asked { readonly situation: Omit<Situation, 'exclusives'>; readonly category: string }
const asked: fc.Arbitrary<Asked> = fc.record({
  roles: some('x', 'y'), vendor, environment: fc.constantFrom('production', 'staging'), channel: fc.constantFrom('telemetry', 'export'),
  kind: fc.constantFrom('raw_event', 'aggregate'), eventName: fc.constantFrom('e', 'f'), purpose: fc.constantFrom('p', 'p.q', 'r'), defaultPurpose: fc.constantFrom('p', 'r'), category: fc.constantFrom(...LEAVES),
}).map(({ purpose, category, ...rest }) => ({ situation: { ...rest, purposes: new Set(purpose === 'p.q' ? ['p', 'p.q'] : [purpose]), explainable: true }, category }));

const known = (grant: Grant): KnownGrant => ({ ...grant, covers: toSelectors(grant.categories), spares: toSelectors(grant.except) });
const profileOf = (category: string): Profile => profiles.of({ category, role: 'dimension', labels: {} });
const byId = <T extends { readonly id: string }>(list: readonly T[]) => new Map(list.map((one) => [one.id, one]));
const narrowedOf = ({ grants, terms, closures }: World) => createNarrowed(byId(grants.map(known)), { terms: byId(terms), closures: byId(closures) }, LEAVES);

/** Places in EFFECTS of what permits; none: nothing does. */
function permitting(narrowed: ReturnType<typeof narrowedOf>, { situation, category }: Asked) {
  const full: Situation = { ...situation, exclusives: narrowed.exclusivesOf(situation.vendor) };
  return candidates(narrowed, full, createThresholds(moment)).filter((grant) => coversProfile(grant, profileOf(category)));
}
const best = (effects: readonly Grant['effect'][]) => Math.min(...effects.map((effect) => EFFECTS.indexOf(effect)), 3);

/** The rules read plainly. */
function reference({ grants, terms, closures }: World, { situation: s, category }: Asked): number {
  const covered = (by: Grant | Term) => covers(toSelectors(by.categories), category, new Set(ancestorsOf(category))) && !covers(toSelectors(by.except), category, new Set(ancestorsOf(category)));
  const fits = (by: Grant | Term) => by.environments?.includes(s.environment) !== false && by.channels?.some((one) => one === s.channel) !== false && by.kinds?.some((one) => one === s.kind) !== false
    && by.events?.includes(s.eventName!) !== false && (by.fromMs ?? 0) <= NOW && NOW < (by.untilMs ?? 1000) && (by.purposes?.some((one) => one === '*' || s.purposes.has(one)) ?? true);
  const here = terms.filter(({ vendors }) => mayName(vendors, s.vendor));
  const closedBy = closures.filter(({ vendors }) => mayName(vendors, s.vendor));
  const exclusives = grants.filter((grant) => grant.exclusive && mayName(grant.vendors, s.vendor));
  const effects = grants.flatMap((grant) => {
    if (!s.roles.includes(grant.role) || !namesVendor(known(grant), s.vendor) || !covered(grant) || !fits(grant)) return [];
    const on = here.filter((one) => one.roles?.includes(grant.role) !== false && covered(one));
    const byDefault = grant.defaultPurposeOnly === undefined || on.some((one) => one.purposes !== undefined) || s.purposes.has(s.defaultPurpose!);
    const open = here.every((one) => !one.exclusive || on.includes(one)) && (exclusives.length === 0 || grant.exclusive);
    if (!byDefault || !open || !on.every(fits)) return [];
    const ways = closedBy.filter((one) => one.role === grant.role && covered(one) && fits(one));
    if (closedBy.length > 0 && ways.length === 0) return [];
    const worst = Math.max(...[grant, ...on].map(({ effect }) => EFFECTS.indexOf(effect)));
    return [Math.max(worst, best(ways.length === 0 ? ['permit'] : ways.map(({ effect }) => effect)))];
  });
  return Math.min(...effects, 3);
}

test('a grant under terms and closures permits what each of them permits, and no more', () => {
  fc.assert(fc.property(world, asked, (facts, question) => {
    expect(best(permitting(narrowedOf(facts), question).map(({ effect }) => effect))).toBe(reference(facts, question));
  }), { numRuns: 3000 });
});

test('adding a term never makes freer, but for the purposes that it states for a permission', () => {
  fc.assert(fc.property(world, term, asked, (facts, extra, question) => {
    const { purposes: _, ...silent } = extra;
    const more = { ...facts, terms: [...facts.terms, { ...(facts.grants.some((grant) => grant.defaultPurposeOnly) ? silent : extra), id: 'extra' }] };
    const effect = (of: World) => best(permitting(narrowedOf(of), question).map((grant) => grant.effect));
    expect(effect(more)).toBeGreaterThanOrEqual(effect(facts));
  }), { numRuns: 3000 });
});

test('J3 closing a vendor never makes freer', () => {
  fc.assert(fc.property(world, numbered(written, 'closure', 2), asked, ({ grants, terms }, closures, question) => {
    const effect = (of: World) => best(permitting(narrowedOf(of), question).map((grant) => grant.effect));
    expect(effect({ grants, terms, closures: closures.map((one) => ({ ...one, exclusive: true })) })).toBeGreaterThanOrEqual(effect({ grants, terms, closures: [] }));
  }), { numRuns: 2000 });
});

test('what Rego gets has an id of its own each, and the order in which things stand never matters', () => {
  fc.assert(fc.property(world, asked, (facts, question) => {
    const found = permitting(narrowedOf(facts), { ...question, situation: { ...question.situation, roles: ['x', 'y'] } });
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
    const turned = permitting(narrowedOf({ grants: facts.grants.toReversed(), terms: facts.terms.toReversed(), closures: facts.closures.toReversed() }), question);
    expect(turned.map(({ id, name }) => name ?? id).sort()).toEqual(permitting(narrowedOf(facts), question).map(({ id, name }) => name ?? id).sort());
  }), { numRuns: 1000 });
});

describe('one by one', () => {
  const grant = (more: Partial<Grant> = {}): Grant => ({ id: 'g', role: 'x', effect: 'permit', obligations: [], vendors: [{}], purposes: ['p'], categories: ['*'], except: [], exclusive: false, conditions: [], ...more });
  const termOf = (more: Partial<Term> = {}): Term => ({ id: 't', effect: 'permit', obligations: [], vendors: [{}], categories: ['*'], except: [], exclusive: false, conditions: [], ...more });
  const allowed = (id: string, category: string, more: Partial<Grant> = {}) => grant({ id, purposes: ['*'], defaultPurposeOnly: true, categories: [category], ...more });
  const on = (grants: readonly Grant[], terms: readonly Term[], closures: readonly Grant[] = []) => narrowedOf({ grants, terms, closures }).grantsOf('x', { id: 'v', party: 'third', categories: [] });

  test('a term changes nothing of a grant that says the same already', () => {
    const own = grant({ environments: ['production'], purposes: ['p'] });
    expect(on([own], [termOf({ environments: ['production'], purposes: ['p'] })])).toEqual([known(own)]);
  });

  test('a grant that a term covers in part is cut, and is still called by its own name', () => {
    expect(on([grant()], [termOf({ categories: ['d'], effect: 'review', approverRole: 'officer' })]).map(({ id, name, effect, categories, approverRole }) => ({ id, name, effect, categories, approverRole }))).toEqual([
      { id: 'g', name: 'g', effect: 'permit', categories: ['a.b', 'a.c'], approverRole: undefined }, { id: 'g+t', name: 'g', effect: 'review', categories: ['d'], approverRole: 'officer' },
    ]);
  });

  test('permissions under one term are one grant with its id', () => {
    expect(on([allowed('permit:x:a', 'a.b'), allowed('permit:x:d', 'd')], [termOf({ roles: ['x'], purposes: ['p'] })]).map(({ id, name, categories, purposes: of, defaultPurposeOnly }) => ({ id, name, categories, of, defaultPurposeOnly }))).toEqual([
      { id: 't', name: undefined, categories: ['a.b', 'd'], of: ['p'], defaultPurposeOnly: undefined },
    ]);
  });

  test('of several terms the id is that of one for its role, and all hold', () => {
    const [only] = on([allowed('permit:x:a', 'a.b')], [termOf({ id: 'a-for-all', environments: ['production', 'staging'] }), termOf({ id: 'z', roles: ['x'], environments: ['production'], obligations: [{ op: 'hmac' }], effect: 'transform' })]);
    expect(only).toMatchObject({ id: 'z', environments: ['production'], effect: 'transform', obligations: [{ op: 'hmac' }] });
  });

  test('a term never takes destinations out, and of two relations both are wanted', () => {
    const scope = { op: 'scope_destinations' as const };
    const [only] = on([grant({ relation: 'owner' })], [termOf({ relation: 'assigned', obligations: [scope] })]);
    expect(only).toMatchObject({ obligations: [], relation: 'owner', conditions: [{ code: 'no_relationship', any: [[{ path: ['about', 'relations'], op: 'array_contains', value: 'assigned' }]] }] });
    expect(on([grant({ obligations: [scope] })], [termOf()])[0]).toMatchObject({ obligations: [scope] });
  });

  test('R53 on doubt of what a vendor is a grant is not for it, and what restricts is', () => {
    const doubtful: NamedVendor = { id: 'v', party: 'third', disputed: true, categories: ['analytics'], confirmed: [] };
    const both = [{ party: 'first' as const }, { categories: ['analytics' as const] }].map((one) => [namesVendor(known(grant({ vendors: [one] })), doubtful), mayName([one], doubtful)]);
    expect(both).toEqual([[false, true], [false, true]]);
  });

  test('J6 a permission covers the default purpose and those below, within what a closure says', () => {
    const s = (defaultPurpose?: string) => ({ defaultPurpose }) as unknown as Situation;
    const [closed] = on([allowed('permit:x:a', 'a.b')], [], [grant({ exclusive: true, purposes: ['p'] })]);
    expect([purposesOf(known(allowed('g', 'd')), s('p')), purposesOf(known(allowed('g', 'd')), s()), purposesOf(closed!, s('p.q')), purposesOf(closed!, s('r'))]).toEqual([['p'], [], ['p.q'], []]);
    expect(purposesOf(on([allowed('permit:x:a', 'a.b')], [], [grant({ exclusive: true, purposes: ['p.q'] })])[0]!, s('p'))).toEqual(['p.q']);
  });
});
