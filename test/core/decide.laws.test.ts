import fc from 'fast-check';
import { EFFECTS, type Decision } from '../../src/core/answer.ts';
import { decide } from '../../src/core/decide/decide.ts';
import { hostCause } from '../../src/core/decide/reasons.ts';
import { anyCase, combination, only, PROFILES, rule, withRule, withShape, type Case } from './arbitraries.ts';

const RUNS = { numRuns: 1500 };
const judge = ({ prepared, rulings }: Case): Decision => decide(prepared, [rulings], () => [hostCause('no_permit', 'default-deny')]);
const freedom = ({ decision }: Decision) => EFFECTS.indexOf(decision);
const mayLeave = ({ decision }: Decision) => decision === 'allow' || decision === 'transform';
const leaving = ({ fields }: Decision) => Object.keys(fields).filter((path) => fields[path]!.effect === 'allow' || fields[path]!.effect === 'transform');
const hitOf = fc.uniqueArray(fc.nat(PROFILES - 1), { minLength: 1 });

/** After a restriction: no freer, and what may leave now could have left before, asked alone (design, section 4). */
function expectRestricts(before: Case, after: Case): void {
  const [was, is] = [judge(before), judge(after)];
  expect(freedom(is)).toBeGreaterThanOrEqual(freedom(was));
  const rest = leaving(is).filter((path) => before.prepared.fields.some((field) => field.path === path));
  if (rest.length > 0) expect(mayLeave(judge(only(before, (path) => rest.includes(path))))).toBe(true);
}

const law = (title: string, property: fc.IPropertyWithHooks<never> | fc.IProperty<never>) => test(title, () => { fc.assert(property as fc.IProperty<never>, RUNS); });
const forAll = <T extends [unknown, ...unknown[]]>(...args: [...{ [K in keyof T]: fc.Arbitrary<T[K]> }, (...values: T) => boolean | void]) => (fc.property as (...a: unknown[]) => unknown)(...args) as fc.IProperty<never>;

describe('the laws of decide', () => {
  law('silence is a denial', forAll(anyCase, (given: Case) => {
    const { fields } = judge(given);
    for (const field of given.prepared.fields) {
      const permitted = [...given.rulings.permits.values()].some((profiles) => profiles.includes(field.profile));
      if (!permitted) expect(fields[field.path]!.effect).toBe('deny');
    }
  }));

  law('a forbid denies, whatever permits', forAll(anyCase, rule('z'), (given: Case, extra) => {
    const { fields } = judge(withRule(given, { ...extra, effect: 'forbid', judges: 'both', obligations: [] }, '*'));
    for (const { effect } of Object.values(fields)) expect(effect).toBe('deny');
  }));

  law('adding a forbid never makes it freer', forAll(anyCase, rule('z'), hitOf, (given: Case, extra, hit) => (
    expectRestricts(given, withRule(given, { ...extra, effect: 'forbid', obligations: [] }, hit))
  )));

  // A field under review is no member of a combination (J9): a denied combination may become a review, and still nothing leaves.
  law('adding a review lets nothing more leave', forAll(anyCase, rule('z'), hitOf, (given: Case, extra, hit) => {
    const after = withRule(given, { ...extra, effect: 'require', obligations: [], review: 'officer' }, hit);
    if (mayLeave(judge(after))) expectRestricts(given, after);
    const rest = leaving(judge(after));
    if (rest.length > 0) expect(mayLeave(judge(only(given, (path) => rest.includes(path))))).toBe(true);
  }));

  law('adding a combination never makes it freer', forAll(anyCase, combination('z'), (given: Case, extra) => (
    expectRestricts(given, withShape(given, { combinations: [...given.prepared.shape.combinations, extra] }))
  )));

  law('adding a field never makes it freer', forAll(anyCase, fc.constantFrom('a', 'b', 'c', 'd', 'e'), (given: Case, path) => {
    if (given.prepared.fields.length < 2) return;
    const fewer = only(given, (name) => name !== path);
    if (fewer.prepared.fields.length > 0) expectRestricts(fewer, given);
  }));

  law('order never matters', forAll(anyCase, fc.infiniteStream(fc.nat()), (given: Case, random) => {
    const shuffle = <T>(list: readonly T[]) => list.map((item) => ({ item, at: random.next().value as number })).sort((a, b) => a.at - b.at).map(({ item }) => item);
    const shuffled: Case = {
      prepared: { ...given.prepared, fields: shuffle(given.prepared.fields), shape: { ...given.prepared.shape, combinations: shuffle(given.prepared.shape.combinations) } },
      rulings: { ...given.rulings, permits: new Map(shuffle([...given.rulings.permits])), rules: shuffle(given.rulings.rules) },
    };
    const [one, other] = [judge(given), judge(shuffled)];
    expect(other.decision).toBe(one.decision);
    expect({ ...other.fields }).toEqual({ ...one.fields });
    expect(other.fix?.drop.toSorted()).toEqual(one.fix?.drop.toSorted());
    expect(other.reasons.map(({ code, rule: id, fields }) => [code, id, fields.toSorted()])).toEqual(one.reasons.map(({ code, rule: id, fields }) => [code, id, fields.toSorted()]));
  }));

  law('what is marked allow or transform may leave together', forAll(anyCase, (given: Case) => {
    const rest = leaving(judge(given));
    if (rest.length > 0) expect(mayLeave(judge(only(given, (path) => rest.includes(path))))).toBe(true);
  }));

  law('J10 the fix, applied, lets the rest leave, and no smaller set would', forAll(anyCase, (given: Case) => {
    const { fix, decision } = judge(given);
    if (decision === 'allow' || decision === 'transform') return expect(fix).toBeNull();
    const paths = given.prepared.fields.map(({ path }) => path);
    const subsets = Array.from({ length: 2 ** paths.length }, (_, bits) => paths.filter((_path, index) => (bits >> index) % 2 === 1));
    const working = subsets.filter((drop) => drop.length < paths.length && mayLeave(judge(only(given, (path) => !drop.includes(path)))));
    const fewest = Math.min(...working.map((drop) => drop.length));
    if (fix === null) return expect(working).toEqual([]);
    expect(mayLeave(judge(only(given, (path) => !fix.drop.includes(path))))).toBe(true);
    expect(fix.drop.length).toBe(fewest);
  }));

  law('every denied field has a reason', forAll(anyCase, (given: Case) => {
    const { fields, reasons } = judge(given);
    for (const [path, { effect }] of Object.entries(fields)) if (effect === 'deny' || effect === 'review') expect(reasons.some((reason) => reason.fields.includes(path))).toBe(true);
  }));

  law('J13 shadow never lifts a forbid, and keeps obligations', forAll(anyCase, (given: Case) => {
    const [real, shadow] = [judge(given), judge(withShape(given, { mode: 'shadow' }))];
    expect(shadow.wouldBe).toEqual({ decision: real.decision, reasons: real.reasons });
    expect(freedom(shadow)).toBeLessThanOrEqual(freedom(real));
    for (const { rule: hit, profiles } of given.rulings.rules) for (const { path, profile } of given.prepared.fields) {
      if (hit.effect === 'forbid' && hit.judges === 'both' && (profiles === '*' || profiles.includes(profile))) expect(shadow.fields[path]!.effect).toBe('deny');
    }
    if (real.decision === 'transform') expect(shadow.decision).toBe('transform');
  }));

  law('a failed evaluation denies every field', forAll(anyCase, ({ prepared }: Case) => {
    const { decision, fields, reasons } = decide(prepared, undefined, () => []);
    expect(decision).toBe('deny');
    expect(Object.values(fields).every(({ effect }) => effect === 'deny')).toBe(true);
    expect(reasons.map(({ code }) => code)).toEqual(['evaluation_failed']);
  }));
});
