import fc from 'fast-check';
import { EFFECTS, type Decision } from '../../src/core/answer.ts';
import { decide } from '../../src/core/decide/decide.ts';
import { hostCause } from '../../src/core/decide/reasons.ts';
import type { Rulings } from '../../src/core/decide/rulings.ts';
import type { Prepared, View } from '../../src/core/prepare/prepared.ts';
import { anyCase, type Case } from './arbitraries.ts';

/** A question with a verdict for each side: who acts, and for whom; each to a vendor, and maybe a destination of it. */
interface Delegated {
  readonly prepared: Prepared;
  readonly sides: readonly (readonly { readonly view: View; readonly rulings: Rulings }[])[];
}

const ends = ({ prepared, rulings }: Case, delegation: boolean, destination: boolean) => {
  const [view] = prepared.shape.views as [View];
  return {
    rulings,
    view: {
      ...view,
      input: { ...view.input, ...(delegation && { delegation: { actsFor: true } }) },
      ...(destination && { destination: 'd', from: ['v'], path: ['v', 'd'] }),
    },
  };
};

// Of grants that send to a CDP some know how to leave a destination out.
const scoping = ({ prepared, rulings }: Case, scopes: boolean): Case => {
  const [view] = prepared.shape.views as [View];
  const terms = Object.fromEntries(
    Object.entries(view.terms).map(([id, term]) => [
      id,
      { ...term, obligations: [...term.obligations, ...(scopes ? [{ op: 'scope_destinations' as const }] : [])] },
    ]),
  );
  return { rulings, prepared: { ...prepared, shape: { ...prepared.shape, views: [{ ...view, terms }] } } };
};

const delegated = (scoped: fc.Arbitrary<boolean>): fc.Arbitrary<Delegated> =>
  fc
    .tuple(anyCase, anyCase, fc.option(fc.tuple(anyCase, anyCase), { nil: undefined, freq: 1 }), scoped)
    .map(([acting, principal, ...rest]) => {
      const [destinations, scopes] = rest;
      const { prepared } = acting;
      const side = (own: Case, to: Case | undefined, delegation: boolean) => [
        ends(scoping(own, scopes), delegation, false),
        ...(to === undefined ? [] : [ends(to, delegation, true)]),
      ];
      return {
        prepared: {
          ...prepared,
          shape: {
            ...prepared.shape,
            supports: scopes ? [...prepared.shape.supports, 'scope_destinations'] : prepared.shape.supports,
          },
        },
        sides: [side(acting, destinations?.[0], true), side(principal, destinations?.[1], false)],
      };
    });

const judge = ({ prepared, sides }: Delegated): Decision => {
  const views = sides.flat();
  const shape = { ...prepared.shape, views: views.map(({ view }) => view) };
  return decide(
    { ...prepared, shape },
    views.map(({ rulings }) => rulings),
    () => [hostCause('no_permit', 'default-deny')],
  );
};
const alone = (given: Delegated, at: number): Delegated => ({ ...given, sides: [given.sides[at]!] });
const only = (given: Delegated, keep: (path: string) => boolean): Delegated => ({
  ...given,
  prepared: { ...given.prepared, fields: given.prepared.fields.filter(({ path }) => keep(path)) },
});

const freedom = ({ decision }: Decision) => EFFECTS.indexOf(decision);
const mayLeave = ({ decision }: Decision) => decision === 'allow' || decision === 'transform';
const leaving = ({ fields }: Decision) =>
  Object.keys(fields).filter((path) => fields[path]!.effect === 'allow' || fields[path]!.effect === 'transform');

// What is scoped out depends on all fields at once (J16): laws of single fields are for questions without it.
const law = (
  title: string,
  holds: (given: Delegated) => boolean | void,
  scoped: fc.Arbitrary<boolean> = fc.constant(false),
) =>
  test(title, () => {
    fc.assert(
      fc.property(delegated(scoped), (given) => holds(given) ?? true),
      { numRuns: 1500 },
    );
  });

describe('F5: the laws of delegation (J20)', () => {
  law(
    'F5: it is never freer than either alone',
    (given) => {
      const together = freedom(judge(given));
      for (const at of [0, 1]) expect(together).toBeGreaterThanOrEqual(freedom(judge(alone(given, at))));
    },
    fc.boolean(),
  );

  law('F5: what leaves might leave by each verdict alone, and all of it together', (given) => {
    const rest = leaving(judge(given));
    if (rest.length === 0) return;
    const asked = only(given, (path) => rest.includes(path));
    for (const at of [0, 1]) expect(mayLeave(judge(alone(asked, at)))).toBe(true);
    expect(mayLeave(judge(asked))).toBe(true);
  });

  law('F5: what one verdict refuses is refused for all its reasons, whatever the other demands', (given) => {
    const together = judge(given);
    for (const { path } of given.prepared.fields) {
      for (const at of [0, 1]) {
        const { fields, reasons } = judge(only(alone(given, at), (name) => name === path));
        if (fields[path]!.effect === 'allow' || fields[path]!.effect === 'transform') continue;
        expect(EFFECTS.indexOf(together.fields[path]!.effect)).toBeGreaterThanOrEqual(
          EFFECTS.indexOf(fields[path]!.effect),
        );
        for (const { code, rule } of reasons)
          expect(
            together.reasons.filter((one) => one.code === code && one.rule === rule).flatMap((one) => one.fields),
          ).toContain(path);
      }
    }
  });

  law('F5: the obligations of both bind, or can not be done together', (given) => {
    const together = judge(given);
    for (const path of leaving(together))
      for (const at of [0, 1]) {
        const { obligations } = judge(only(alone(given, at), (name) => name === path));
        const bound = together.obligations.filter(({ field }) => field === path).map(({ op }) => op);
        expect(bound).toEqual(
          expect.arrayContaining(obligations.filter(({ field }) => field === path).map(({ op }) => op)),
        );
      }
    for (const { path } of given.prepared.fields) {
      const each = [0, 1].map((at) => judge(only(alone(given, at), (name) => name === path)));
      if (!each.every(mayLeave) || leaving(together).includes(path)) continue;
      expect(together.reasons.filter(({ fields }) => fields.includes(path)).length).toBeGreaterThan(0);
    }
  });

  law('F5: who acts for one that may do the same gets the same', (given) => {
    const [side] = given.sides as [Delegated['sides'][number]];
    const twin = side.map(
      ({
        view: {
          input: { delegation: _, ...input },
          ...view
        },
        rulings,
      }) => ({ view: { ...view, input }, rulings }),
    );
    expect(judge({ ...given, sides: [side, twin] })).toEqual(judge(alone(given, 0)));
  });

  law('F5: J10 the fix, applied, lets the rest leave, and no smaller set would', (given) => {
    const { fix, decision } = judge(given);
    if (decision === 'allow' || decision === 'transform') return expect(fix).toBeNull();
    const paths = given.prepared.fields.map(({ path }) => path);
    const subsets = Array.from({ length: 2 ** paths.length }, (_, bits) =>
      paths.filter((_path, index) => (bits >> index) % 2 === 1),
    );
    const working = subsets.filter(
      (drop) => drop.length < paths.length && mayLeave(judge(only(given, (path) => !drop.includes(path)))),
    );
    if (fix === null) return expect(working).toEqual([]);
    expect(mayLeave(judge(only(given, (path) => !fix.drop.includes(path))))).toBe(true);
    expect(fix.drop.length).toBe(Math.min(...working.map((drop) => drop.length)));
  });
});
