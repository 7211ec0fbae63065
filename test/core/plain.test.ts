import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { toPlain } from '../../src/core/parse/plain.ts';

const problem = (question: unknown): string => {
  const plain = toPlain(question);
  return 'problem' in plain ? plain.problem : 'accepted';
};

class Event {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}
const cycle: Record<string, unknown> = { a: 1 };
cycle['self'] = [cycle];
const hidden = Object.defineProperty({ a: 1 }, 'secret', { value: 'x', enumerable: false });
const getter = { get now() { return 1; } };
let reads = 7;
const changing = new Proxy({ a: 1 }, { get: (target, key) => (key === 'a' ? (reads += 1) : Reflect.get(target, key)) });
const vanishing = new Proxy({ a: 1 }, { getOwnPropertyDescriptor: () => undefined });
const throwing = new Proxy({}, { ownKeys() { throw new Error('CANARY'); } });
const bare = (members: object) => Object.assign(Object.create(null) as object, members);

describe('F3: what JSON would change or leave out without a word is named, with what to write instead', () => {
  test.each<[string, unknown, string]>([
    ['a Map', new Map([['a', 1]]), 'is a Map: write Object.fromEntries(it)'],
    ['a Set', new Set([1]), 'is a Set: write [...it]'],
    ['an Error', new Error('CANARY'), 'is an Error: write its name or its message'],
    ['a Date', new Date(0), 'is a Date: write its toISOString()'],
    ['a RegExp', /x/, 'is a RegExp: write its source'],
    ['a URL', new URL('https://a.example'), 'is a URL: write its href'],
    ['a Promise', Promise.resolve(1), 'is a Promise: await it first'],
    ['a Buffer', Buffer.from('CANARY'), 'is an array of bytes or numbers: write Array.from(it), or a string in base64'],
    ['a typed array', new Float32Array(2), 'is an array of bytes or numbers: write Array.from(it), or a string in base64'],
    ['an ArrayBuffer', new ArrayBuffer(2), 'is an ArrayBuffer: write its bytes as a string, in base64'],
    ['an instance of a class', new Event('CANARY'), 'is an instance of a class: write a plain object of what is sent, as { ...it }'],
    ['an object that inherits members', Object.create({ a: 1 }), 'is an instance of a class: write a plain object of what is sent, as { ...it }'],
    ['one that inherits them from an object without prototype', Object.create(bare({ a: 1 }) as object), 'is an instance of a class: write a plain object of what is sent, as { ...it }'],
    ['a list of a class', new (class List extends Array {})(), 'is an instance of a class: write a plain object of what is sent, as { ...it }'],
    ['a string object', Object('CANARY'), 'is a String object: write its valueOf()'],
    ['a number object', Object(1), 'is a Number object: write its valueOf()'],
    ['a BigInt object', Object(1n), 'is an instance of a class: write a plain object of what is sent, as { ...it }'],
    ['a BigInt', 1n, 'is a BigInt, which JSON does not know: write it as a string'],
    ['undefined', undefined, 'is undefined, which JSON leaves out or writes as null: leave it out, or write null'],
    ['a function', () => 'CANARY', 'is a function, which JSON leaves out: leave it out'],
    ['a symbol', Symbol('CANARY'), 'is a symbol, which JSON leaves out: leave it out'],
    ['NaN', NaN, 'is no finite number, and JSON writes null: write null, or leave it out'],
    ['Infinity', -Infinity, 'is no finite number, and JSON writes null: write null, or leave it out'],
    ['toJSON', bare({ toJSON: () => 'x' }), 'has a toJSON, by which JSON writes something else: write what it gives'],
    ['a text for JSON', (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('12345678901234567890'), 'is a text for JSON: write the value, or a string'],
    ['a circle', cycle, 'is what it stands in, without end: write what is meant, once'],
    ['a hidden member', hidden, 'is not enumerable, so JSON leaves it out: leave it out, or write it as a plain member'],
    ['a getter', getter, 'is a getter or setter, which may give another value when it is sent: write its value'],
    ['a member with a symbol', { [Symbol.iterator]: 1 }, 'has a member whose key is a symbol, which JSON leaves out: leave it out'],
    ['a hole', [1, , 2], 'is a hole, and JSON writes null: write null, or close it'], // eslint-disable-line no-sparse-arrays
    ['a list with members of its own', Object.assign([1], { index: 0 }), 'has members besides its elements, which JSON leaves out: leave them out'],
    ['a match', /a/.exec('a'), 'has members besides its elements, which JSON leaves out: leave them out'],
    ['half of a surrogate pair in a key', { 'x\ud83d': 1 }, 'has half of a surrogate pair in its key: write the key with toWellFormed()'],
    ['a proxy that changes', changing, 'is one value when it is described and another when it is read: write a copy'],
    ['a proxy whose members vanish', vanishing, 'is not there any more when it is read: write a copy'],
    ['33 levels', Array.from({ length: 31 }).reduce<unknown>((inner) => [inner], 1), 'has more than 32 levels around it: send less of it'],
  ])('%s', (_name, value, want) => {
    for (const [question, place] of [[{ payload: { a: value } }, 'payload.a'], [{ payload: { 'x.y': [0, { z: value }] } }, 'payload.x\\.y[1].z']] as const) {
      const said = problem(question);
      expect(said.startsWith(place)).toBe(true);
      expect(said.endsWith(` ${want}`)).toBe(true);
      expect(said).not.toContain('CANARY');
    }
  });

  test.each<[string, unknown, string]>([
    ['outside of the payload too', { fields: new Set(['a']) }, 'fields is a Set: write [...it]'],
    ['in the context', { context: { at: new Date(0) } }, 'context.at is a Date: write its toISOString()'],
    ['in a list of paths', { fields: ['a', undefined] }, 'fields[1] is undefined, which JSON leaves out or writes as null: leave it out, or write null'],
    ['the question itself', new Event('x'), 'the question is an instance of a class: write a plain object of what is sent, as { ...it }'],
    ['the payload itself', { payload: new Map() }, 'payload is a Map: write Object.fromEntries(it)'],
    ['a key of any length and letters', { payload: { [`\n${'k'.repeat(1000)}`]: NaN } }, `payload.?${'k'.repeat(191)} is no finite number, and JSON writes null: write null, or leave it out`],
    ['a key that is a secret', { payload: { [`sk-${'proj'}-aB3dE5fG7hJ9kL1mN2pQ4rS6`]: { a: NaN } } }, 'payload.….a is no finite number, and JSON writes null: write null, or leave it out'],
    ['what can not be read', { payload: throwing }, 'the question can not be read'],
    ['what refers to itself a thousand million times', { payload: Array.from({ length: 30 }).reduce<unknown>((inner) => [inner, inner], 1) }, 'the question has more values than it may: ask in parts'],
    ['a list of a thousand million holes', { payload: { a: new Array(1e9) } }, 'payload.a[0] is a hole, and JSON writes null: write null, or close it'],
  ])('%s', (_name, question, want) => {
    const start = performance.now();
    expect(problem(question)).toBe(want);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test('a prototype that somebody gave a toJSON makes every question a problem', () => {
    Object.defineProperty(Array.prototype, 'toJSON', { value: () => 'x', configurable: true });
    try {
      expect(problem({ fields: ['a'] })).toBe('fields has a toJSON, by which JSON writes something else: write what it gives');
    } finally {
      Reflect.deleteProperty(Array.prototype, 'toJSON');
    }
  });
});

describe('F3: what JSON says as it is, is accepted', () => {
  test.each<[string, unknown, unknown]>([
    ['plain values', { payload: { a: [1, 'x', true, null, {}, []] } }, { payload: { a: [1, 'x', true, null, {}, []] } }],
    ['-0, which is 0', { payload: { a: -0 } }, { payload: { a: 0 } }],
    ['absent members', { purpose: undefined, aggregate: { minCell: undefined }, context: { a: undefined } }, { aggregate: {}, context: {} }],
    ['objects without prototype', { payload: bare({ a: bare({}) }) }, { payload: { a: {} } }],
    ['objects of another realm', runInNewContext('({ payload: { a: [{ b: 1 }] } })'), { payload: { a: [{ b: 1 }] } }],
    ['half of a surrogate pair in a value', { payload: { a: 'x\ud83d' } }, { payload: { a: 'x\ud83d' } }],
    ['a member called toJSON that does nothing', { payload: { toJSON: 1 } }, { payload: { toJSON: 1 } }],
    ['one thing at two places', ((one) => ({ payload: { a: one, b: [one, one] } }))({ c: 1 }), { payload: { a: { c: 1 }, b: [{ c: 1 }, { c: 1 }] } }],
    ['a proxy that only watches', { payload: new Proxy({ a: new Proxy({ b: 1 }, {}) }, { get: (target, key) => Reflect.get(target, key) as unknown }) }, { payload: { a: { b: 1 } } }],
    ['frozen things', Object.freeze({ payload: Object.freeze({ a: 1 }) }), { payload: { a: 1 } }],
    ['no question at all', null, null],
    ['nor this', 7, 7],
  ])('%s', (_name, question, want) => {
    const plain = toPlain(question);
    expect(plain).toEqual({ value: want, mostBytes: expect.any(Number) });
    expect(Buffer.byteLength(JSON.stringify((plain as { value: unknown }).value))).toBeLessThanOrEqual((plain as { mostBytes: number }).mostBytes);
  });

  test('an own __proto__ is a member like others', () => {
    const plain = toPlain(JSON.parse('{"payload":{"__proto__":{"a":1}}}')) as { value: object };
    expect(JSON.stringify(plain.value)).toBe('{"payload":{"__proto__":{"a":1}}}');
    expect('a' in plain.value).toBe(false);
  });

  test('each member is read once', () => {
    let asked = 0;
    toPlain({ payload: new Proxy({ a: 1 }, { get: (target, key) => { if (key === 'a') asked += 1; return Reflect.get(target, key) as unknown; } }) });
    expect(asked).toBe(1);
  });
});

const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true, withObjectString: true, withTypedArray: true, withSparseArray: true, withUnicodeString: true, withBoxedValues: true });

test('F3: what is accepted, JSON writes and reads back as it was; of the rest nothing is thrown', () => {
  fc.assert(fc.property(fc.oneof(anything, fc.jsonValue()), (value) => {
    const plain = toPlain({ payload: { value } });
    if ('problem' in plain) return;
    const text = JSON.stringify(plain.value);
    // JSON has one zero, and objects with one prototype.
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify({ payload: { value } })));
    expect(JSON.stringify({ payload: { value } })).toBe(text);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(plain.mostBytes);
    const same = (a: unknown, b: unknown): boolean => (typeof a !== 'object' || a === null ? Object.is(a, Object.is(b, -0) ? 0 : b)
      : Reflect.ownKeys(a).length === Reflect.ownKeys(b as object).length && Reflect.ownKeys(a).every((key) => same(Reflect.get(a, key), Reflect.get(b as object, key))));
    expect(same((JSON.parse(text) as { payload: { value: unknown } }).payload.value, value)).toBe(true);
  }), { numRuns: 2000 });
});
