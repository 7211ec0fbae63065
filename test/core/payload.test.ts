import fc from 'fast-check';
import { SluiceError } from '../../src/core/errors.ts';
import type { FieldFact } from '../../src/core/facts.ts';
import { joinPath } from '../../src/core/parse/paths.ts';
import { NumberText } from '../../src/core/parse/numbers.ts';
import { flatten, inspect } from '../../src/core/parse/payload.ts';

const KEY = `sk-${'proj'}-aB3dE5fG7hJ9kL1mN2pQ4rS6`;

function refusal(payload: unknown): string {
  try {
    flatten(payload as object);
    return 'accepted';
  } catch (error) {
    if (error instanceof SluiceError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

/** `levels` objects in one another, and 1 in the innermost. */
const nested = (levels: number): object => Array.from({ length: levels - 1 }).reduce<object>((inner) => ({ a: inner }), { a: 1 });
const keys = (count: number, of: (i: number) => string) => Object.fromEntries(Array.from({ length: count }, (_, i) => [of(i), 1]));

describe('flatten', () => {
  test.each<[string, object, readonly (readonly [string, unknown, string])[]]>([
    ['J22 only leaves are fields', { a: { b: { c: 1 } } }, [['a.b.c', 1, 'number']]],
    ['J22 null, {} and [] are leaves at their key', { a: null, b: {}, c: [] }, [['a', null, 'null'], ['b', 'object', 'object'], ['c', 'array', 'array']]],
    ['J22 a dot in a key is no border', { 'properties.plan': 1, properties: { plan: 2 } }, [['properties\\.plan', 1, 'number'], ['properties.plan', 2, 'number']]],
    ['J22 nor are brackets', { 'a[]': 1, a: [2] }, [['a\\[\\]', 1, 'number'], ['a[]', 2, 'number']]],
    ['J22 the elements of a list share a path', { items: [{ sku: 'x' }, { sku: 'y' }] }, [['items[].sku', 'x', 'string'], ['items[].sku', 'y', 'string']]],
    ['lists in lists', { m: [[1], [], [null, {}]] }, [['m[][]', 1, 'number'], ['m[]', 'array', 'array'], ['m[][]', null, 'null'], ['m[][]', 'object', 'object']]],
    ['the empty key is a key', { '': { '': true }, a: { '': 1 } }, [['.', true, 'boolean'], ['a.', 1, 'number']]],
    ['so is a star, and the event\'s own name', { '*': 1, $event: 2 }, [['\\*', 1, 'number'], ['\\$event', 2, 'number']]],
    ['names of JavaScript', { constructor: 1, toString: 2, prototype: 3 }, [['constructor', 1, 'number'], ['toString', 2, 'number'], ['prototype', 3, 'number']]],
    ['an own __proto__ of a caller in process', JSON.parse('{"__proto__":{"admin":true}}'), [['__proto__.admin', true, 'boolean']]],
    ['NUL, right-to-left and look-alikes', { 'a\0': 1, '\u202Eb': 2, 'pl\u0430n': 3 }, [['a\0', 1, 'number'], ['\u202Eb', 2, 'number'], ['pl\u0430n', 3, 'number']]],
    ['an object without prototype', Object.assign(Object.create(null), { a: 'x' }), [['a', 'x', 'string']]],
  ])('%s', (_name, payload, want) => {
    expect(flatten(payload).map(({ path, value, kind }) => [path, value, kind])).toEqual(want);
  });

  test('does not take inherited members for the payload\'s', () => {
    expect(flatten(Object.assign(Object.create(Object.create(null, { hidden: { value: 1, enumerable: true } })), { a: 1 }))).toHaveLength(1);
  });

  test.each([
    ['J33 {}', {}, 'request_invalid: payload must not be empty'],
    ['a list', [], 'request_invalid: payload must be an object'],
    ['a class', new Date(0), 'request_invalid: payload must be an object'],
    ['a class inside', { a: new Date(0) }, 'request_invalid: payload: a value is not JSON'],
    ['a Map', { a: new Map([['b', 1]]) }, 'request_invalid: payload: a value is not JSON'],
    ['undefined', { a: undefined }, 'request_invalid: payload: a value is not JSON'],
    ['a hole', { a: [, 1] }, 'request_invalid: payload: a value is not JSON'], // eslint-disable-line no-sparse-arrays
    ['a function', { toJSON: () => 'x' }, 'request_invalid: payload: a value is not JSON'],
    ['a big integer', { a: 1n }, 'request_invalid: payload: a value is not JSON'],
    ['NaN', { a: NaN }, 'request_invalid: payload: a number is not finite'],
    ['F8 a lone surrogate in a value', { a: 'x\ud83d' }, 'accepted'],
    ['a lone surrogate in a key', { 'x\ude00': 1 }, 'request_invalid: payload: a key has a lone surrogate'],
    ['J32 a question of 32 levels', nested(31), 'accepted'],
    ['J32 of 33', nested(32), "request_invalid: payload: more than 32 levels, the question's own included"],
    ['J32 of lists', { a: Array.from({ length: 31 }).reduce<unknown>((inner) => [inner], 1) }, "request_invalid: payload: more than 32 levels, the question's own included"],
    ['J32 512 bytes of path', { [`${'ü'.repeat(255)}`]: { a: 1 } }, 'accepted'],
    ['J32 513', { [`${'ü'.repeat(255)}x`]: { a: 1 } }, 'request_invalid: payload: a path of more than 512 bytes'],
    ['J32 1,000 fields', keys(1000, String), 'accepted'],
    ['J32 1,001', keys(1001, String), 'too_large: more than 1000 fields'],
    ['J32 32 KiB of paths', keys(64, (i) => String(i).padStart(512, 'x')), 'accepted'],
    ['J32 a byte more', { ...keys(64, (i) => String(i).padStart(512, 'x')), y: 1 }, 'too_large: the paths have more than 32768 bytes together'],
    ['J32 one path of more', { ['x'.repeat(33_000)]: 1 }, 'too_large: the paths have more than 32768 bytes together'],
    ['10,000 values', { a: Array.from({ length: 10_000 }, (_, i) => i) }, 'accepted'],
    ['10,001', { a: Array.from({ length: 10_001 }, (_, i) => i) }, 'too_large: payload: more than 10000 values'],
    ['J33 too large comes before invalid', { bad: NaN, ...keys(1001, String) }, 'too_large: more than 1000 fields'],
  ])('%s', (_name, payload, want) => {
    expect(refusal(payload)).toBe(want);
  });

  test('a cycle, or a payload that refers to itself a thousand million times, is refused at once', () => {
    const cycle: Record<string, unknown> = {};
    cycle['again'] = cycle;
    const bomb = Array.from({ length: 30 }).reduce<unknown>((inner) => [inner, inner], 1);
    expect([refusal(cycle), refusal({ bomb })]).toEqual(["request_invalid: payload: more than 32 levels, the question's own included", 'too_large: payload: more than 10000 values']);
  });

  test('ten thousand values under a key of a megabyte are refused before their paths are made', () => {
    const start = performance.now();
    expect(refusal({ ['x'.repeat(1_000_000)]: keys(9000, String) })).toMatch(/^too_large/);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('inspect', () => {
  const codes = (value: unknown, declared?: Pick<FieldFact, 'types' | 'enum' | 'nullable'>) => inspect(flatten({ f: value }), () => declared).map(({ path, code, detector }) => [path, code, ...(detector === undefined ? [] : [detector])].join(' '));

  test.each<[string, unknown, Pick<FieldFact, 'types' | 'enum' | 'nullable'> | undefined, readonly string[]]>([
    ['nothing is said of an undeclared path', 'any old text at all', undefined, []],
    ['nor of a declared one without type or enum', { }, {}, []],
    ['R19 a value outside the enum', 'please summarise contract of ACME', { enum: ['Save', 'Cancel'] }, ['f value_not_in_enum']],
    ['a value in the enum', 'Save', { enum: ['Save', 'Cancel'] }, []],
    ['an enum compares exactly', 'save', { enum: ['Save'] }, ['f value_not_in_enum']],
    ['"1" is not 1', '1', { enum: [1] }, ['f value_not_in_enum']],
    ['F7 numbers compare by their value', [1, new NumberText('1.0'), new NumberText('1e0'), -0, new NumberText('-0'), 0], { enum: [1, 0] }, []],
    ['F7 exactly', new NumberText('9007199254740993'), { enum: [9007199254740992] }, ['f value_not_in_enum']],
    ['F7 and in every digit', new NumberText('1.00000000000000000001'), { enum: [1] }, ['f value_not_in_enum']],
    ['F7 a number is no word', new NumberText('1.0'), { enum: ['1.0', '1'] }, ['f value_not_in_enum']],
    ['F7 an integer of any size and writing', [new NumberText('9007199254740993'), new NumberText('1e999999999'), new NumberText('1.0'), new NumberText('-0')], { types: ['integer'] }, []],
    ['F7 a number that a double would round is no integer', new NumberText('1.00000000000000000001'), { types: ['integer'] }, ['f unknown_field']],
    ['F7 a number of any size is a number', [new NumberText('1e300'), new NumberText('1e-999999999')], { types: ['number'] }, []],
    ['F7 and no string', new NumberText('1e300'), { types: ['string'] }, ['f unknown_field']],
    ['null in the enum', null, { enum: ['a', null] }, []],
    ['null in the types', null, { enum: ['a'], types: ['string', 'null'] }, []],
    ['F9 null in neither is the field all the same', null, { enum: ['a'], types: ['string'] }, []],
    ['F9 unless it is said that it is never null', null, { enum: ['a'], types: ['string'], nullable: false }, ['f unknown_field']],
    ['the word null is not null', 'null', { enum: [null] }, ['f value_not_in_enum']],
    ['{} is not the word object', {}, { enum: ['object', 'array'] }, ['f value_not_in_enum']],
    ['[] is not the word array', [], { enum: ['object', 'array'] }, ['f value_not_in_enum']],
    ['{} beside an enum, where no type is stated', {}, { enum: ['a'], types: [] }, ['f value_not_in_enum']],
    ['{} beside an enum, where the types have it', {}, { enum: ['a'], types: ['string', 'object'] }, []],
    ['[] beside an enum, where they do not', [], { enum: ['a'], types: ['string', 'object'] }, ['f unknown_field']],
    ['one bad element of a list', ['a', 'b', 'x', 'y'], { enum: ['a', 'b'] }, ['f[] value_not_in_enum']],
    ['a string', 'any old text at all', { types: ['string'] }, []],
    ['an integer is a number', 3, { types: ['number'] }, []],
    ['a number is no integer', 3.5, { types: ['integer'] }, ['f unknown_field']],
    ['an integer', 3, { types: ['integer'] }, []],
    ['one type of several', true, { types: ['string', 'boolean'] }, []],
    ['no types: nothing is said', 3, { types: [] }, []],
    ['a changed type is a new field', '3', { types: ['integer'] }, ['f unknown_field']],
    ['{} is a type', {}, { types: ['object'] }, []],
    ['R19 three words where none belong', 'please  call\tme', { types: ['number'] }, ['f free_text']],
    ['two words are no text', 'call me', { types: ['number'] }, ['f unknown_field']],
    ['unless they are long', `${'x'.repeat(40)} ${'y'.repeat(40)}`, { types: ['number'] }, ['f free_text']],
    ['a long word is no text', ` ${'x'.repeat(100)} `, { types: ['number'] }, ['f unknown_field']],
    ['R20 a secret in a declared field', KEY, { types: ['string'] }, ['f secret_detected llm-api-key']],
    ['R20 a secret in an undeclared one', KEY, undefined, ['f secret_detected llm-api-key']],
    ['R20 and what else is wrong', KEY, { enum: ['a'] }, ['f secret_detected llm-api-key', 'f value_not_in_enum']],
    ['R20 many of one kind are found once', [KEY, `${KEY}2`, `x ${KEY}`], undefined, ['f[] secret_detected llm-api-key']],
    ['R20 in JSON as a string', JSON.stringify({ a: [{ b: KEY }] }), undefined, ['f secret_detected llm-api-key']],
    ['R20 in base64', Buffer.from(JSON.stringify({ b: KEY })).toString('base64'), undefined, ['f secret_detected llm-api-key']],
  ])('%s', (_name, value, declared, want) => {
    expect(codes(value, declared)).toEqual(want);
  });

  test('R20: a secret in a key, also a key with dots', () => {
    const jwt = ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiIxMjM0NTYifQ', 'aB3dE5fG7hJ9'].join('.');
    const found = inspect(flatten({ config: { [KEY]: true }, [jwt]: [1, 2] }), () => undefined);
    expect(found).toEqual([
      { path: `config.${KEY}`, code: 'secret_detected', detector: 'llm-api-key' },
      { path: `${jwt.replaceAll('.', '\\.')}[]`, code: 'secret_detected', detector: 'jwt' },
    ]);
  });

  test('the declaration is looked up by path, once a path', () => {
    const asked: string[] = [];
    inspect(flatten({ items: [{ a: 1 }, { a: 2 }], b: 1 }), (path) => { asked.push(path); return { types: ['number'] }; });
    expect(asked).toEqual(['items[].a', 'b']);
  });

  test('the same leaves asked twice, with other declarations, get their own answers', () => {
    const leaves = flatten({ f: KEY });
    expect([inspect(leaves, () => ({ enum: [KEY] })), inspect(leaves, () => ({ types: ['number'] })), inspect(leaves, () => ({ enum: [KEY] }))].map((found) => found.length)).toEqual([1, 2, 1]);
  });
});

const key = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('a', 'a.b', 'a[]', '*', '$event', '', 'constructor'));
const { object } = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', maxDepth: 5 }, fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)), tie('object'), fc.array(tie('value'), { maxLength: 3 })),
  object: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
}));

test('every scalar is a leaf at the path of its keys, and there is no other with a value', () => {
  const scalars = (value: unknown, path: string): readonly (readonly [string, unknown])[] => {
    if (typeof value !== 'object' || value === null) return [[path, value]];
    if (Array.isArray(value)) return value.flatMap((element) => scalars(element, `${path}[]`));
    return Object.entries(value).flatMap(([name, member]) => scalars(member, joinPath(path, name)));
  };
  fc.assert(fc.property(object, (payload) => {
    fc.pre(Object.keys(payload).length > 0);
    const want = Object.entries(payload).flatMap(([name, member]) => scalars(member, joinPath(undefined, name)));
    expect(flatten(payload).filter(({ kind }) => kind !== 'object' && kind !== 'array').map(({ path, value }) => [path, value])).toEqual(want);
  }));
});

test('payloads of different shape have different paths', () => {
  const leaf = (names: readonly string[]) => names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), 1) as object;
  const names = fc.array(key.filter((name) => name !== '__proto__'), { minLength: 1, maxLength: 3 });
  fc.assert(fc.property(names, names, (a, b) => {
    expect(flatten(leaf(a))[0]!.path === flatten(leaf(b))[0]!.path).toBe(JSON.stringify(a) === JSON.stringify(b));
  }), { numRuns: 1000 });
});

test('whatever it is given, it refuses with an error of its own that holds no value', () => {
  const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true, withObjectString: true, withTypedArray: true, withSparseArray: true, withUnicodeString: true });
  fc.assert(fc.property(anything, anything, (a, b) => {
    expect(refusal({ a, b: [b, 'CANARY7313', NaN] })).not.toMatch(/accepted|CANARY/);
  }), { numRuns: 500 });
});

test('no finding holds a value', () => {
  fc.assert(fc.property(object, (payload) => {
    const found = inspect(flatten({ ...payload, f: `CANARY7313 ${KEY} and more`, g: { h: 'CANARY7313 in three words' } }), () => ({ types: ['integer'], enum: [1] }));
    expect(found.length).toBeGreaterThanOrEqual(3);
    expect(JSON.stringify(found)).not.toContain('CANARY');
  }));
});
