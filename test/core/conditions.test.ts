import fc from 'fast-check';
import { compileCondition, ConditionError, holds, type Alternatives } from '../../src/core/catalogue/conditions.ts';
import type { Atom, Json } from '../../src/core/facts.ts';
import { compares, OPERATORS } from '../../src/core/catalogue/operators.ts';
import type { RegoInput } from '../../src/core/prepare/prepared.ts';
import { openWorld, removeWorlds, shippedEngine } from '../support/world.ts';

afterAll(removeWorlds);

const team = ['identity', 'attributes', 'team'];
const atom = (op: string, value: Json, more: Partial<Atom> = {}): Atom => ({ path: team, op, value, ...more });
const at = (name: string) => compileCondition({ [name]: { equals: 1 } })[0]?.[0]?.path;

const mistakesOf = (condition: Json) => {
  try {
    compileCondition(condition);
  } catch (error) {
    if (error instanceof ConditionError) return error.mistakes;
    throw error;
  }
  return [];
};

describe('where attributes stand in the input', () => {
  test.each([
    ['user.key', ['identity', 'id']],
    ['user.id', ['identity', 'id']],
    ['subject.key', ['identity', 'id']],
    ['identity.id', ['identity', 'id']],
    ['identity.type', ['identity', 'type']],
    ['user.type', ['identity', 'attributes', 'type']],
    ['identity.roles', ['identity', 'roles']],
    ['identity.attributes.team', team],
    ['identity.team', team],
    ['user.team', team],
    ['user.attributes.team', team],
    ['subject.address.city', ['identity', 'attributes', 'address', 'city']],
    ['vendor.id', ['vendor', 'id']],
    ['resource.key', ['vendor', 'id']],
    ['vendor.state', ['vendor', 'state']],
    ['vendor.categories', ['vendor', 'categories']],
    ['resource.retention_days', ['vendor', 'claims', 'retention_days', 'value']],
    ['resource.attributes.retention_days', ['vendor', 'claims', 'retention_days', 'value']],
    ['resource.state', ['vendor', 'claims', 'state', 'value']],
    ['vendor.transfer_basis.type', ['vendor', 'claims', 'transfer_basis', 'value', 'type']],
    ['vendor.claims.dpa', ['vendor', 'claims', 'dpa', 'value']],
    ['vendor.claims.dpa.state', ['vendor', 'claims', 'dpa', 'state']],
    ['context.consent', ['context', 'consent']],
    ['environment.consent', ['context', 'consent']],
    ['environment.id', ['environment', 'id']],
    ['environment.tier', ['environment', 'tier']],
    ['purpose.id', ['purpose', 'id']],
    ['event.id', ['event', 'id']],
    ['event.kind', ['event', 'kind']],
    ['channel', ['channel']],
    ['dataSubject.region', ['dataSubject', 'region']],
  ])('%s', (name, want) => expect(at(name)).toEqual(want));

  test.each([
    'tenant.key', 'identity', 'user.', 'user..team', 'identity.attributes', 'user.__proto__', 'context.constructor', 'purpose.name', 'event.name', 'vendor.claims', 'vendor.claims.dpa.evidence', 'toString', '', 'constructor.x',
  ])('nothing: %p', (name) => {
    expect(mistakesOf({ [name]: { equals: 1 } })).toEqual([{ at: [name], key: 'key', message: expect.stringContaining('is nothing that a condition reads') as string }]);
  });

  test('a caller may object to an attribute, also to one behind ref', () => {
    const objection = (read: readonly string[]) => (read[0] === 'context' ? 'no context here' : undefined);
    expect(() => compileCondition({ 'user.team': { equals: { ref: 'context.team' } } }, objection)).toThrow('no context here');
    expect(() => compileCondition({ 'context.team': { equals: 1 } }, objection)).toThrow('no context here');
    expect(compileCondition({ 'user.team': { equals: 1 } }, objection)).toHaveLength(1);
  });
});

describe('to alternatives', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((value): Json => ({ 'user.team': { equals: value } })) as [Json, Json, Json];
  const [A, B, C] = ['a', 'b', 'c'].map((value) => atom('equals', value)) as [Atom, Atom, Atom];
  const not = (one: Atom): Atom => ({ ...one, negate: true });

  test.each<[string, Json, Atom[][]]>([
    ['one atom', a, [[A]]],
    ['allOf', { allOf: [a, b] }, [[A, B]]],
    ['and', { and: [a, b] }, [[A, B]]],
    ['anyOf', { anyOf: [a, b] }, [[A], [B]]],
    ['or', { or: [a, b] }, [[A], [B]]],
    ['several keys: all', { or: [a, b], not: c }, [[A, not(C)], [B, not(C)]]],
    ['several operators: all', { 'user.team': { equals: 'a', 'not-equals': 'b' } }, [[A, atom('not-equals', 'b')]]],
    ['distributes', { allOf: [{ anyOf: [a, b] }, c] }, [[A, C], [B, C]]],
    ['wrapped twice, as Permit does', { allOf: [{ allOf: [a] }] }, [[A]]],
    ['not', { not: a }, [[not(A)]]],
    ['not not', { not: { not: a } }, [[A]]],
    ['not all: any not', { not: { allOf: [a, b] } }, [[not(A)], [not(B)]]],
    ['not any: all not', { not: { anyOf: [a, b] } }, [[not(A), not(B)]]],
    ['not several keys: any not', { not: { allOf: [a], or: [b, c] } }, [[not(A)], [not(B), not(C)]]],
    ['attribute first', { 'user.team': { or: [{ equals: 'a' }, { not: { equals: 'b' } }] } }, [[A], [not(B)]]],
    ['ref', { 'user.team': { equals: { ref: 'user.key' } } }, [[{ path: team, op: 'equals', ref: ['identity', 'id'] }]]],
    ['a map beside ref is a value', { 'user.team': { object_match: { ref: 'x', other: 1 } } }, [[atom('object_match', { ref: 'x', other: 1 })]]],
  ])('%s', (_, condition, want) => expect(compileCondition(condition)).toEqual(want));
});

describe('mistakes', () => {
  const bad = (op: string, value: Json): [string, Json, (string | number)[]] => [`${op} ${JSON.stringify(value)}`, { 'user.team': { [op]: value } }, ['user.team', op]];
  test.each<[string, Json, (string | number)[]]>([
    ['no map', ['x'], []],
    ['empty', {}, []],
    ['an atom without operator', { 'user.team': {} }, ['user.team']],
    ['an atom that is a value', { 'user.team': 'a' }, ['user.team']],
    ['an empty list', { allOf: [] }, ['allOf']],
    ['no list', { anyOf: { 'user.team': { equals: 1 } } }, ['anyOf']],
    ['not of a list', { not: [{ 'user.team': { equals: 1 } }] }, ['not']],
    ['deep inside', { allOf: [{ 'user.a': { equals: 1 } }, { not: { 'user.team': { like: 1 } } }] }, ['allOf', 1, 'not', 'user.team', 'like']],
    ['an attribute in an attribute', { 'user.team': { 'user.age': { equals: 1 } } }, ['user.team', 'user.age']],
    ['a ref that is no name', { 'user.team': { equals: { ref: 1 } } }, ['user.team', 'equals']],
    ['a ref to nothing', { 'user.team': { equals: { ref: 'tenant.key' } } }, ['user.team', 'equals']],
    bad('like', 'a'),
    bad('toString', 'a'),
    bad('equals', null),
    bad('less-than', true),
    bad('less-than', [1]),
    bad('contains', 1),
    bad('in', 'abc'),
    bad('in', { a: 1 }),
    bad('in', ['a', 1]),
    bad('array_subset', [null, 'a']),
    bad('between', [1]),
    bad('between', [1, 'a']),
    bad('between', [1, 2, 3]),
    bad('between', [true, true]),
    bad('array_subset', 'a'),
    bad('array_superset', {}),
    bad('array_intersect', 1),
    bad('object_match', []),
    bad('any_match', [1]),
    bad('any_match', { match: 1 }),
    bad('all_match', 'a'),
  ])('%s', (_, condition, place) => {
    expect(mistakesOf(condition).map((mistake) => mistake.at)).toEqual([place]);
    expect(mistakesOf({ not: condition }).map((mistake) => mistake.at)).toEqual([['not', ...place]]);
  });

  test('all at once, with what was meant', () => {
    expect(
      mistakesOf({
        allOf: [{ 'user.team': { eqals: 1 } }, { 'tenant.x': { equals: 1 } }, { 'user.team': { in: 1 } }],
      }).map(({ message }) => message),
    ).toEqual([
      expect.stringContaining('eqals is no operator (did you mean equals?)'),
      expect.stringContaining('tenant.x is nothing'),
      'in takes a list of values of one type',
    ]);
  });
});

describe('bounds', () => {
  const one = (value: number): Json => ({ 'user.team': { equals: value } });
  const many = (count: number) => Array.from({ length: count }, (_, index) => one(index));
  const nested = (levels: number): Json => (levels === 2 ? one(1) : { allOf: [nested(levels - 1)] });

  test('256 alternatives', () => {
    expect(compileCondition({ anyOf: many(256) })).toHaveLength(256);
    expect(() => compileCondition({ anyOf: many(257) })).toThrow('a condition may come to 256 alternatives and 1024 atoms');
    expect(compileCondition({ allOf: [{ anyOf: many(16) }, { anyOf: many(16) }] })).toHaveLength(256);
    expect(() => compileCondition({ allOf: [{ anyOf: many(16) }, { anyOf: many(17) }] })).toThrow('256 alternatives');
    expect(() => compileCondition({ not: { anyOf: [{ allOf: many(16) }, { allOf: many(17) }] } })).toThrow('256 alternatives');
  });

  test('1,024 atoms', () => {
    expect(compileCondition({ allOf: many(1024) })[0]).toHaveLength(1024);
    expect(() => compileCondition({ allOf: many(1025) })).toThrow('1024 atoms');
    expect(() => compileCondition({ anyOf: [{ allOf: many(1000) }, { allOf: many(25) }] })).toThrow('1024 atoms');
  });

  test('an explosion is refused before it is built', () => {
    const started = performance.now();
    expect(() => compileCondition({ allOf: Array.from({ length: 64 }, () => ({ anyOf: many(200) })) })).toThrow('256 alternatives');
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('32 levels', () => {
    expect(compileCondition(nested(32))).toHaveLength(1);
    expect(() => compileCondition(nested(33))).toThrow('32 levels');
    expect(() => compileCondition(nested(5000))).toThrow('32 levels');
  });
});

const HUGE = '\u{1F600}';
const values: readonly Json[] = [0, 1, 2.5, -1, '', 'a', 'ab', 'b', HUGE, '\uFFFD', true, false, [], ['a'], ['a', 'b'], [1, 'a'], [[1]], {}, { a: 1 }, { a: 1, b: 'x' }, [{ a: 1 }], [{ a: 1, b: 2 }, { a: 1 }], [{ a: 1 }, 'a']];
const attributes = { ...Object.fromEntries(values.map((value, index) => [`v${index}`, value])), nothing: null };
const input: Json = { identity: { id: 'user:sam', attributes } };
const names = [...Object.keys(attributes), 'missing'];

describe('holds', () => {
  const check = (name: string, op: string, value: Json, negate = false) => holds([[{ path: ['identity', 'attributes', name], op, value, ...(negate && { negate: true as const }) }]], { identity: { attributes: {
    age: 30, team: 'data', tags: ['a', 'b'], home: { city: 'Lyon', zip: 1 }, badges: [{ id: 1, ok: true }, { id: 2, ok: true }], none: [], empty: null,
  } } });

  test.each<[string, string, Json, boolean]>([
    ['age', 'equals', 30, true],
    ['age', 'equals', 31, false],
    ['home', 'equals', { zip: 1, city: 'Lyon' }, true],
    ['tags', 'equals', ['b', 'a'], false],
    ['age', 'not-equals', 31, true],
    ['age', 'not-equals', 30, false],
    ['age', 'less-than', 31, true],
    ['age', 'less-than', 30, false],
    ['team', 'less-than', 'datb', true],
    ['age', 'greater-than', 29, true],
    ['age', 'greater-than', 30, false],
    ['age', 'less-than-equals', 30, true],
    ['age', 'less-than-equals', 29, false],
    ['age', 'greater-than-equals', 30, true],
    ['age', 'greater-than-equals', 31, false],
    ['age', 'between', [30, 30], true],
    ['age', 'between', [31, 40], false],
    ['age', 'between', [1, 29], false],
    ['team', 'between', ['a', 'e'], true],
    ['team', 'contains', 'at', true],
    ['team', 'contains', 'x', false],
    ['team', 'in', ['ops', 'data'], true],
    ['team', 'in', ['ops'], false],
    ['age', 'in', [], false],
    ['tags', 'array_contains', 'b', true],
    ['tags', 'array_contains', 'c', false],
    ['none', 'array_contains', 'd', false],
    ['tags', 'array_subset', ['c', 'b', 'a'], true],
    ['tags', 'array_subset', ['a'], false],
    ['none', 'array_subset', [], true],
    ['tags', 'array_superset', ['a'], true],
    ['tags', 'array_superset', ['a', 'c'], false],
    ['tags', 'array_intersect', ['c', 'b'], true],
    ['tags', 'array_intersect', ['c'], false],
    ['none', 'array_intersect', [], false],
    ['home', 'object_match', { city: 'Lyon' }, true],
    ['home', 'object_match', { city: 'Paris' }, false],
    ['home', 'object_match', {}, true],
    ['badges', 'any_match', { id: 2 }, true],
    ['badges', 'any_match', { match: { id: 2 } }, true],
    ['badges', 'any_match', { id: 3 }, false],
    ['badges', 'all_match', { ok: true }, true],
    ['badges', 'all_match', { match: { ok: true } }, true],
    ['badges', 'all_match', { id: 1 }, false],
    ['none', 'all_match', {}, false],
  ])('%s %s %j: %p', (name, op, value, want) => {
    expect(check(name, op, value)).toBe(want);
    expect(check(name, op, value, true)).toBe(!want);
  });

  test('every operator is in the table above and in Rego', () => {
    expect([...OPERATORS.keys()]).toHaveLength(16);
  });

  test.each([['missing', 'not-equals'], ['empty', 'not-equals'], ['toString', 'not-equals'], ['age', 'no-such-operator']])('%s %s holds neither way', (name, op) => {
    expect([check(name, op, 1), check(name, op, 1, true)]).toEqual([false, false]);
  });

  test('one alternative is enough, all of its atoms are needed', () => {
    const [yes, no] = [{ path: ['a'], op: 'equals', value: 1 }, { path: ['a'], op: 'equals', value: 2 }];
    expect([[[yes]], [[yes, no]], [[no], [yes]], [], [[]]].map((any) => holds(any, { a: 1 }))).toEqual([true, false, true, false, true]);
  });

  test('a ref to what is missing holds neither way', () => {
    const ref = { path: ['a'], op: 'not-equals', ref: ['gone'] };
    expect(holds([[ref]], { a: 1 }) || holds([[{ ...ref, negate: true }]], { a: 1 })).toBe(false);
  });
});

const operand: fc.Arbitrary<Json> = fc.oneof(fc.constantFrom(...values), fc.tuple(fc.integer({ min: -1, max: 3 }), fc.integer({ min: -1, max: 3 })).map((pair) => pair as Json));
const named = fc.constantFrom(...names).map((name) => `user.${name}`);
const anyLeaf = fc
  .tuple(
    named,
    fc.constantFrom(...OPERATORS.keys()),
    fc.oneof({ weight: 3, arbitrary: operand }, { weight: 1, arbitrary: named.map((ref): Json => ({ ref })) }),
  )
  .filter(
    ([, op, value]) =>
      OPERATORS.get(op)!.accepts(value) || (typeof value === 'object' && value !== null && 'ref' in value),
  )
  .map(([name, op, value]): Json => ({ [name]: { [op]: value } }));
const fitting = [...OPERATORS].flatMap(([op, { accepts, fits }]) =>
  Object.entries(attributes).flatMap(([name, left]) =>
    values
      .filter((right) => left !== null && accepts(right) && fits(left, right))
      .map((right): Json => ({ [`user.${name}`]: { [op]: right } })),
  ),
);
const leaf = fc.oneof(anyLeaf, fc.constantFrom(...fitting));
const { condition } = fc.letrec<{ condition: Json }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.tuple(fc.constantFrom('allOf', 'and', 'anyOf', 'or'), fc.array(tie('condition'), { minLength: 1, maxLength: 3 })).map(([key, parts]): Json => ({ [key]: parts })),
    tie('condition').map((part): Json => ({ not: part })),
  ),
}));

/** Reads the condition as it is written; `undefined` spoils the alternative that it is in. */
function plainly(asked: Json, negate = false): boolean {
  const [[key, value]] = Object.entries(asked as Record<string, Json>) as [[string, Json]];
  if (key === 'not') return plainly(value, !negate);
  if (Array.isArray(value)) return (key === 'allOf' || key === 'and') !== negate ? value.every((part: Json) => plainly(part, negate)) : value.some((part: Json) => plainly(part, negate));
  const [[op, right]] = Object.entries(value as Record<string, Json>) as [[string, Json]];
  const read = (name: string): Json | undefined => (attributes as Record<string, Json>)[name.slice('user.'.length)] ?? undefined;
  const isRef = typeof right === 'object' && right !== null && 'ref' in right;
  const [a, b] = [read(key), isRef ? read((right as { ref: string }).ref) : right];
  return a !== undefined && b !== undefined && compares(op, a, b, negate);
}

test('law: the alternatives say what the condition says', () => {
  fc.assert(fc.property(condition, (asked) => {
    let compiled;
    try {
      compiled = compileCondition(asked);
    } catch (error) {
      fc.pre(!String(error).includes('may come to'));
      throw error;
    }
    expect(holds(compiled, input)).toBe(plainly(asked));
  }), { numRuns: 2000 });
});

/** Which of these alternatives the shipped rules, as WASM, hold for unmet on the input. */
async function unmetInRego(compiled: readonly Alternatives[], given: Json = input): Promise<ReadonlySet<number>> {
  const [{ engine }, world] = [await shippedEngine(), await openWorld()];
  const { input: real } = world.judge({
    identity: 'service:telemetry',
    vendor: 'mixpanel',
    environment: 'production',
    event: 'genai_dashboard.viewed',
    fields: ['feature_flag'],
  }).prepared.shape.views[0]!;
  const grants = compiled.map((any, index) => ({
    id: String(index),
    role: 'nobody',
    vendors: [],
    conditions: [{ code: 'no_permit', any }],
  }));
  const { identity } = given as unknown as Pick<RegoInput, 'identity'>;
  const { failed } = engine.evaluate({ ...real, identity, grants, matches: [[]] } as unknown as RegoInput);
  return new Set(failed.map(({ grant }) => Number(grant)));
}

test('Rego and the plain reading agree on every operator, attribute and operand, by ref and under not too', async () => {
  const refs = names.map((ref): Json => ({ ref: `user.${ref}` }));
  const atoms = [...OPERATORS].flatMap(([op, { accepts }]) =>
    names.flatMap((name) =>
      [...values.filter(accepts), ...refs].flatMap((value): Json[] => [
        { [`user.${name}`]: { [op]: value } },
        { not: { [`user.${name}`]: { [op]: value } } },
      ]),
    ),
  );
  const compiled = atoms.map((one) => compileCondition(one));
  const unmet = await unmetInRego(compiled);
  expect(atoms.filter((_, index) => holds(compiled[index]!, input) === unmet.has(index))).toEqual([]);
  expect([unmet.size > 10_000, atoms.length - unmet.size > 1000]).toEqual([true, true]);
});

test('Rego and the plain reading agree on alternatives', async () => {
  const compiled = fc.sample(condition, { numRuns: 1000, seed: 7 }).flatMap((asked) => {
    try {
      return [compileCondition(asked)];
    } catch {
      return [];
    }
  });
  const unmet = await unmetInRego(compiled);
  expect(compiled.filter((any, index) => holds(any, input) === unmet.has(index))).toEqual([]);
  expect([unmet.size, compiled.length - unmet.size].map((count) => count > 100)).toEqual([true, true]);
});
