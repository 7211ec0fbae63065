import fc from 'fast-check';
import { holds } from '../../src/core/catalogue/conditions.ts';
import { compares, OPERATORS } from '../../src/core/catalogue/operators.ts';
import type { Atom, Json } from '../../src/core/facts.ts';
import type { RegoInput } from '../../src/core/prepare/prepared.ts';
import { effects, openWorld, removeWorlds, shippedEngine } from '../support/world.ts';

afterAll(removeWorlds);

const OPS = [...OPERATORS.keys()];
const both = (op: string, left: Json, right: Json) => [compares(op, left, right), compares(op, left, right, true)];

describe('F25: an atom whose operands do not fit its operator never holds, negated or not', () => {
  test.each<[string, Json, Json]>([
    ['equals', '99', 99],
    ['equals', true, 'true'],
    ['equals', null, 0],
    ['equals', [], {}],
    ['equals', [1], ['1']],
    ['equals', { a: [{ b: 1 }] }, { a: [{ b: '1' }] }],
    ['not-equals', '99', 99],
    ['not-equals', ['a'], 'a'],
    ['not-equals', { a: 1 }, { a: '1', b: 2 }],
    ['less-than', '99', 50],
    ['greater-than', '99', 50],
    ['less-than-equals', 99, '50'],
    ['greater-than-equals', [99], 50],
    ['less-than', true, false],
    ['contains', ['a'], 'a'],
    ['contains', 'a', 1],
    ['contains', 99, '9'],
    ['in', '99', [50, 99]],
    ['in', 99, ['99']],
    ['in', 'a', 'abc'],
    ['in', 'a', ['a', 1]],
    ['in', ['a'], ['a']],
    ['in', { a: 1 }, [{ a: '1' }]],
    ['between', '99', [1, 50]],
    ['between', 99, ['1', '50']],
    ['between', 99, [1, '50']],
    ['between', 99, [1]],
    ['between', 99, 1],
    ['array_contains', ['99'], 99],
    ['array_contains', 'abc', 'a'],
    ['array_contains', ['a', 1], 'a'],
    ['array_contains', { a: 1 }, 'a'],
    ['array_subset', ['1'], [1]],
    ['array_subset', 'a', ['a']],
    ['array_superset', ['1'], [1]],
    ['array_superset', ['a'], 'a'],
    ['array_intersect', ['1', 'a'], [1]],
    ['array_intersect', ['a'], { a: 1 }],
    ['object_match', { risk: '99' }, { risk: 99 }],
    ['object_match', { other: 1 }, { risk: 99 }],
    ['object_match', [{ risk: 99 }], { risk: 99 }],
    ['object_match', { at: { risk: '9' } }, { at: { risk: 9 } }],
    ['any_match', [{ risk: '99' }], { risk: 99 }],
    ['any_match', [{ risk: 1 }, {}], { risk: 99 }],
    ['any_match', ['risk'], { match: { risk: 99 } }],
    ['any_match', { risk: 1 }, { risk: 99 }],
    ['all_match', [{ risk: 1 }, { risk: '99' }], { risk: 99 }],
    ['all_match', [{ risk: 1 }, 'x'], { match: { risk: 99 } }],
    ['all_match', 'x', {}],
    ['no-such-operator', 1, 1],
  ])('F25: %s of %j and %j', (op, left, right) => expect(both(op, left, right)).toEqual([false, false]));

  test.each<[string, Json, Json, boolean]>([
    ['equals', [], [1], false],
    ['equals', [1, 2], [1], false],
    ['equals', { a: 1 }, { b: '1' }, false],
    ['equals', ['a', 1], ['a', 1], true],
    ['in', 99, [], false],
    ['array_contains', [], 'a', false],
    ['array_subset', [], [1], true],
    ['array_subset', ['a'], [], false],
    ['array_superset', [1], [], true],
    ['array_intersect', [], ['a'], false],
    ['any_match', [], { a: 1 }, false],
    ['all_match', [], { a: 1 }, false],
    ['object_match', {}, {}, true],
    ['object_match', { a: 1 }, {}, true],
    ['array_contains', [{ a: 1 }, { b: 'x' }], { a: 1 }, true],
  ])('F25: an empty list, and what has nothing else to compare, fits: %s of %j and %j', (op, left, right, want) =>
    expect(both(op, left, right)).toEqual([want, !want]),
  );
});

const scalar: fc.Arbitrary<Json> = fc.oneof(
  fc.integer({ min: -1, max: 2 }),
  fc.constantFrom('', 'a', '1', '2'),
  fc.boolean(),
  fc.constant(null),
);
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'match'), tie('value'), { maxKeys: 2, noNullPrototype: true }),
  ),
}));
const lists = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 1 }), { noNullPrototype: true }),
  ),
  { maxLength: 3 },
);
const operands: fc.Arbitrary<readonly [Json, Json]> = fc.oneof(
  fc.tuple(value, value),
  fc.tuple(lists, lists),
  value.map((one): readonly [Json, Json] => [one, one]),
  fc.tuple(value, value).map(([one, other]): readonly [Json, Json] => [[one, other], one]),
  fc.tuple(
    fc.integer({ min: 0, max: 9 }),
    fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 2 }),
  ),
);

test('F25: where operands fit exactly one of an atom and its opposite holds, else neither', () => {
  fc.assert(
    fc.property(fc.constantFrom(...OPS), operands, (op, [left, right]) => {
      expect(both(op, left, right).filter(Boolean)).toHaveLength(OPERATORS.get(op)!.fits(left, right) ? 1 : 0);
    }),
    { numRuns: 5000 },
  );
});

/** Every number in it as a string, as Permit may give it. */
const asText = (one: Json): Json =>
  typeof one === 'number'
    ? String(one)
    : Array.isArray(one)
      ? (one as readonly Json[]).map(asText)
      : typeof one === 'object' && one !== null
        ? Object.fromEntries(Object.entries(one).map(([key, part]) => [key, asText(part)]))
        : one;
const hasNumber = (one: Json): boolean => JSON.stringify(asText(one)) !== JSON.stringify(one);

test('F25: what is compared with a number holds neither way for that number as a string', () => {
  fc.assert(
    fc.property(fc.constantFrom(...OPS.filter((op) => op !== 'contains')), operands, (op, [left, right]) => {
      fc.pre(hasNumber(left) && OPERATORS.get(op)!.fits(left, right) && OPERATORS.get(op)!.test(left, left));
      const written = both(op, asText(left), left);
      expect(written).toEqual([false, false]);
    }),
    { numRuns: 500 },
  );
});

test('F25: Rego and the plain reading agree on operands of any kind, by value and by ref, negated or not', async () => {
  const [{ engine }, world] = [await shippedEngine(), await openWorld()];
  const { input: real } = world.judge({
    identity: 'service:telemetry',
    vendor: 'mixpanel',
    environment: 'production',
    event: 'genai_dashboard.viewed',
    fields: ['feature_flag'],
  }).prepared.shape.views[0]!;
  const pairs = fc.sample(operands, { numRuns: 300, seed: 25 });
  const attributes = Object.fromEntries(
    pairs.flatMap(([left, right], index) => [
      [`l${index}`, left],
      [`r${index}`, right],
    ]),
  );
  const input = { ...real, identity: { ...real.identity, attributes } };
  const atoms = pairs.flatMap(([, right], index) =>
    OPS.flatMap((op): Atom[] => {
      const path = ['identity', 'attributes', `l${index}`];
      const given: readonly Atom[] = [
        { path, op, value: right },
        { path, op, ref: ['identity', 'attributes', `r${index}`] },
      ];
      return given.flatMap((atom) => [atom, { ...atom, negate: true }]);
    }),
  );
  const grants = atoms.map((atom, index) => ({
    id: String(index),
    role: 'nobody',
    vendors: [],
    conditions: [{ code: 'no_permit', any: [[atom]] }],
  }));
  const { failed } = engine.evaluate({ ...input, grants, matches: [[]] } as unknown as RegoInput);
  const unmet = new Set(failed.map(({ grant }) => Number(grant)));
  const differs = atoms.filter((atom, index) => holds([[atom]], input as unknown as Json) === unmet.has(index));
  expect(differs).toEqual([]);
  expect([unmet.size, atoms.length - unmet.size].map((count) => count > 1000)).toEqual([true, true]);
});

test.each<[string, Json, string]>([
  ['a number over the bound', 99, 'deny'],
  ['a number under it', 7, 'allow'],
  ['a string, as Permit gives it', '99', 'deny'],
  ['a list', [7], 'deny'],
])('F25: a grant that is for whoever is not over a risk of 50, with %s', async (_, risk, want) => {
  const world = await openWorld({
    'identities/risky.yaml': { identities: { 'service:risky': { roles: ['risk_taker'], attributes: { risk } } } },
    'roles/risky.yaml': { roles: { risk_taker: {} } },
    'grants/risky.yaml': {
      grants: {
        risky: {
          role: 'risk_taker',
          vendors: ['mixpanel'],
          purposes: ['analytics'],
          categories: ['system.operations.feature_flag'],
          conditions: [{ if: { not: { 'user.risk': { 'greater-than': 50 } } } }],
        },
      },
    },
  });
  const decision = world.ask({
    identity: 'service:risky',
    vendor: 'mixpanel',
    environment: 'production',
    event: 'genai_dashboard.viewed',
    fields: ['feature_flag'],
  });
  expect(effects(decision)).toEqual({ feature_flag: want });
});
