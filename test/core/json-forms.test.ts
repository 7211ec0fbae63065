import fc from 'fast-check';
import { SluiceError } from '../../src/core/errors.ts';
import { parseJson, Unreadable, type JsonForm } from '../../src/core/parse/json.ts';
import { NumberText } from '../../src/core/parse/numbers.ts';

const said = (error: unknown): string => {
  if (error instanceof SluiceError && (error.code === 'request_invalid' || error.code === 'too_large')) return error.message.replace("the body can't be read: ", '');
  throw error;
};

/** What was read, with what stands for numbers and unreadable items written out; or what was said. */
function read(text: string, form: JsonForm): unknown {
  try {
    return shown(parseJson(text, form));
  } catch (error) {
    return said(error);
  }
}

function shown(value: unknown): unknown {
  if (value instanceof NumberText) return `number ${value.text}`;
  if (value instanceof Unreadable) return `refused: ${said(value.error)}`;
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, member]) => [key, shown(member)]));
}

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const map = (members: object) => new Map(Object.entries(members));
const own = (value: unknown) => new Map([['__proto__', value]]);

describe('F7: in a payload a number keeps its text', () => {
  test.each([
    ['9007199254740993', 'number 9007199254740993'], ['1e300', 'number 1e300'], ['1e999999999', 'number 1e999999999'], ['1733011200000000123', 'number 1733011200000000123'],
    ['-0', 'number -0'], ['1.0', 'number 1.0'], ['0.1000000000000000000001', 'number 0.1000000000000000000001'], ['1E2', 'number 1E2'],
    ['1', 1], ['-12.5', -12.5], ['9007199254740994', 9007199254740994], ['1e+21', 1e21], ['0', 0],
  ])('%s', (text, want) => {
    for (const payload of [`{"a":${text}}`, `[{"b":[[${text} ]]}]`]) {
      const got = read(`{"rows":1,"payload":${payload}}`, 'question');
      expect(got).toEqual(map({ rows: 1, payload: payload.startsWith('[') ? [map({ b: [[want]] })] : map({ a: want }) }));
    }
  });

  test.each(['9007199254740992', '1e300', '-1e16', '1e999999999'])('outside of it %s is refused, except where Permit\'s SDKs send what nobody looks at', (text) => {
    const refusal = `a number that is too large at position`;
    expect(read(`{"rows":${text}}`, 'question')).toBe(`${refusal} 8`);
    expect(read(`{"payloads":{"payload":${text}}}`, 'question')).toBe(`${refusal} 23`);
    expect(read(`{"context":{"payload":${text}}}`, 'question')).toBe(`${refusal} 22`);
    expect(read(`{"payload":${text}}`, 'plain')).toBe(`${refusal} 11`);
    expect(read(`{"context":{"a":${text}}}`, 'permit')).toEqual(map({ context: map({ a: Number(text) }) }));
  });

  test('a number outside of a payload is what it says, however it is written', () => {
    expect(read('{"rows":1.0,"minRevision":1e2,"payload":{"a":1.0}}', 'question')).toEqual(map({ rows: 1, minRevision: 100, payload: map({ a: 'number 1.0' }) }));
  });
});

describe('F8: keys and strings of a payload may be any', () => {
  test.each<[string, string, unknown]>([
    ['__proto__', '{"payload":{"__proto__":{"a":1}}}', map({ payload: own(map({ a: 1 })) })],
    ['__proto__ in a list', '{"payload":{"l":[{"__proto__":1}]}}', map({ payload: map({ l: [own(1)] }) })],
    ['constructor', '{"payload":{"constructor":{"prototype":1}}}', map({ payload: map({ constructor: map({ prototype: 1 }) }) })],
    ['a lone surrogate in a value', '{"payload":{"a":"x\\ud83d"}}', map({ payload: map({ a: 'x\ud83d' }) })],
    ['a lone surrogate in a key, for flatten to refuse', '{"payload":{"x\\ude00":1}}', map({ payload: map({ 'x\ude00': 1 }) })],
  ])('%s', (_name, text, want) => {
    expect(read(text, 'question')).toEqual(want);
  });

  test('none of it changes a prototype', () => {
    const { payload } = parseJson('{"payload":{"__proto__":{"admin":true},"l":[{"__proto__":{"admin":true}}]}}', 'question') as { payload: { l: object[] } };
    expect(Object.hasOwn(payload, '__proto__')).toBe(true);
    expect([Object.getPrototypeOf(payload), Object.getPrototypeOf(payload.l[0])]).toEqual([Object.prototype, Object.prototype]);
    expect(['admin' in {}, 'admin' in payload, 'admin' in payload.l[0]!]).toEqual([false, false, false]);
  });

  test.each([
    ['a repeated key, in a payload too', '{"payload":{"a":1,"a":1}}', 'a repeated key at position 18'],
    ['a repeated __proto__', '{"payload":{"__proto__":1,"__proto__":2}}', 'a repeated key at position 26'],
    ['__proto__ outside of a payload', '{"context":{"__proto__":1}}', 'a key that is not allowed at position 12'],
    ['__proto__ beside one', '{"__proto__":{"payload":1}}', 'a key that is not allowed at position 1'],
    ['a payload of something else', '{"context":{"payload":{"__proto__":1}}}', 'a key that is not allowed at position 23'],
    ['a lone surrogate outside', '{"identity":"x\\ud83d"}', 'a string with a lone surrogate at position 12'],
    ['32 levels, the question\'s own included', `{"payload":${nested(32)}}`, 'more than 32 levels at position 42'],
  ])('refused: %s', (_name, text, want) => {
    expect(read(text, 'question')).toBe(want);
  });
});

describe('F8: one bad item never refuses the others', () => {
  const BAD: readonly (readonly [string, string, string])[] = [
    ['a large number', '{"rows":1e300}', 'a number that is too large'],
    ['a lone surrogate', '{"identity":"\\ud800"}', 'a string with a lone surrogate'],
    ['a lone surrogate in a key', '{"\\ud800":1}', 'a string with a lone surrogate'],
    ['a repeated key', '{"rows":1,"rows":2}', 'a repeated key'],
    ['a repeated key far below', '{"payload":{"a":[[{"b":1,"b":2}]]}}', 'a repeated key'],
    ['__proto__', '{"__proto__":{}}', 'a key that is not allowed'],
    ['32 levels', `{"payload":${nested(32)}}`, 'more than 32 levels'],
    ['a hundred levels', `{"payload":${nested(100)}}`, 'more than 32 levels'],
    ['200,000 levels', `{"x":${nested(200_000)}}`, 'more than 32 levels'],
    ['a number alone', '1e300', 'a number that is too large'],
    ['a string alone', '"\\udc00"', 'a string with a lone surrogate'],
    ['brackets in strings', '{"rows":1e300,"event":"]}[{\\"","x":[["}"]]}', 'a number that is too large'],
  ];

  test.each(BAD)('%s, in a batch', (_name, item, want) => {
    const good = '{"payload":{"a":1.0}}';
    expect(read(`{"defaults":{"payload":{"b":1e300}},"items":[${good},${item} , ${good}]}`, 'batch')).toEqual(map({
      defaults: map({ payload: map({ b: 'number 1e300' }) }),
      items: [map({ payload: map({ a: 'number 1.0' }) }), expect.stringMatching(new RegExp(`^refused: ${want} at position \\d+$`)), map({ payload: map({ a: 'number 1.0' }) })],
    }));
  });

  test.each(BAD.filter(([, , want]) => !want.includes('number')))('%s, in a list of Permit\'s', (_name, item, want) => {
    expect(read(`[{"a":1e300},${item},{"b":1}]`, 'bulk')).toEqual([map({ a: 1e300 }), expect.stringContaining(`refused: ${want}`), map({ b: 1 })]);
  });

  test('of a list that is too long only the length counts', () => {
    const list = parseJson(`[${'{"a":1,"a":2},'.repeat(2_000)}{}]`, 'bulk') as readonly unknown[];
    expect([list.length, list.findIndex((item) => !(item instanceof Unreadable))]).toEqual([2_001, 1_000]);
  });

  test('in a list of Permit\'s a payload is nothing special', () => {
    expect(read('[{"payload":{"__proto__":1}}]', 'bulk')).toEqual([expect.stringContaining('refused: a key that is not allowed')]);
  });

  test.each([
    ['a repeated key beside the items', '{"items":[],"items":[]}', 'a repeated key at position 12'],
    ['a repeated key in the defaults', '{"defaults":{"a":1,"a":2},"items":[{}]}', 'a repeated key at position 19'],
    ['a repeated key in what is no list of items', '{"items":{"a":1,"a":2}}', 'a repeated key at position 16'],
    ['too deep beside the items', `{"x":${nested(32)},"items":[{}]}`, 'more than 32 levels at position 36'],
    ['invalid JSON in one item', '{"items":[{},{"a" 1}]}', 'invalid JSON at position 18'],
    ['invalid JSON behind a deep item', `{"items":[${nested(100)},{"a" 1}]}`, 'invalid JSON at position 216'],
    ['brackets that do not match, far below', `{"items":[${'['.repeat(100)}}]}`, 'invalid JSON at position 110'],
  ])('of the whole is %s', (_name, text, want) => {
    expect(read(text, 'batch')).toBe(want);
  });
});

test('what is deeper than may be built is JSON exactly where JSON.parse says so', () => {
  const soup = fc.string({ unit: fc.constantFrom('{', '}', '[', ']', ':', ',', '"', '\\', 'u00', '1', '-', '.', 'e', ' ', 'a', 'true', 'null', '"a":', '"b"', '[]', '{}'), maxLength: 14 });
  const wrap = (inner: string) => `{"items":[1,${'['.repeat(40)}${inner}${']'.repeat(40)}]}`;
  const isJson = (text: string) => { try { JSON.parse(text); return true; } catch { return false; } };
  let valid = 0;
  fc.assert(fc.property(fc.oneof(soup, fc.json(), fc.json().map((text) => text.replace(/[,:]/, ''))), (inner) => {
    const text = wrap(inner);
    if (isJson(text)) valid += 1;
    const got = read(text, 'batch');
    if (isJson(text)) expect(got).toEqual(map({ items: [1, expect.stringContaining('refused: more than 32 levels')] }));
    else expect(got).toMatch(/^(invalid JSON at position \d+)$/);
  }), { numRuns: 3000 });
  expect(valid).toBeGreaterThan(300);
});

/** JSON texts, with whatever may be wrong with them at any place. */
const oddText = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    { weight: 4, arbitrary: fc.constantFrom('1', '-0', '1.0', '1e300', '9007199254740993', '0.5', 'true', 'null', '"x"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\\\"', '[]', '{}', nested(30), nested(40)) },
    { weight: 2, arbitrary: tie('object') },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }).map((all) => `[ ${all.join(' , ')} ]`) },
  ),
  object: fc.array(fc.tuple(fc.constantFrom('"a"', '"b"', '"c"', '"payload"', '"items"', '"defaults"', '"__proto__"', '"constructor"', '"\\u0061"', '"\\udc00"', '"\\""', '""'), tie('value')), { maxLength: 4 }).map((members) => `{${members.map(([key, value]) => `${key} : ${value}`).join(',')}}`),
})).value;

test.each([['question', 'batch', (items: string) => `{"items":[${items}]}`], ['permit', 'bulk', (items: string) => `[${items}]`]] as const)('F8: an item says in a list what it says alone: %s in %s', (alone, list, wrap) => {
  const seen = { refused: 0, read: 0 };
  // Of several faults the one that is told first may be another.
  const refusedOr = (value: unknown) => (typeof value === 'string' && value.includes(' at position ') ? 'refused' : value);
  fc.assert(fc.property(fc.array(oddText, { minLength: 1, maxLength: 4 }), (texts) => {
    const whole = read(wrap(texts.join(',')), list);
    const items = list === 'batch' ? (whole as Map<string, unknown>).get('items') : whole;
    const single = texts.map((text) => read(text, alone));
    for (const one of single) seen[refusedOr(one) === 'refused' ? 'refused' : 'read'] += 1;
    expect((items as unknown[]).map(refusedOr)).toEqual(single.map(refusedOr));
  }), { numRuns: 2000 });
  expect(Math.min(seen.refused, seen.read)).toBeGreaterThan(500);
});

test('F7: of a payload that is too large not more is built than it may have', () => {
  for (const value of ['1.0', '{}', '[]', '"x"', '{"a":null}']) {
    const payload = (count: number) => `{"payload":{"odd":1.50,"a":[${`${value},`.repeat(count - 2)}${value}]}}`;
    expect(read(payload(10_000), 'question')).toEqual(expect.any(Map));
    expect(read(payload(10_001), 'question')).toBe('payload: more than 10000 values');
    expect(read(`{"items":[{"rows":1},${payload(10_001)},${payload(2)}]}`, 'batch')).toEqual(map({ items: [map({ rows: 1 }), 'refused: payload: more than 10000 values', expect.any(Map)] }));
  }
});

test('a form reads what all accept alike', () => {
  const key = fc.string({ unit: 'binary', maxLength: 4 }).filter((name) => name !== '__proto__');
  const { value: any } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof({ depthSize: 'small', maxDepth: 5 }, fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null)), fc.array(tie('value')), fc.dictionary(key, tie('value'))),
  }));
  fc.assert(fc.property(any, (value) => {
    const text = JSON.stringify(value);
    for (const form of ['plain', 'question', 'batch', 'permit', 'bulk'] as const) expect(parseJson(text, form)).toEqual(value);
  }));
});

test.each([
  ['a long number', `{"payload":{"a":${'1'.repeat(1_000_000)}}}`, 'question'],
  ['a long exponent', `{"payload":{"a":1e${'9'.repeat(1_000_000)}}}`, 'question'],
  ['odd numbers', `{"payload":{"a":[${'1.0,'.repeat(200_000)}1]}}`, 'question'],
  ['deep items', `{"items":[${`${nested(400)},`.repeat(1_000)}1]}`, 'batch'],
  ['one deep item', `{"items":[${nested(500_000)}]}`, 'batch'],
  ['items with a repeated key', `[${'{"a":1,"a":2},'.repeat(50_000)}{}]`, 'bulk'],
  ['backslashes', `{"items":[1e300,"${'\\\\'.repeat(400_000)}"]}`, 'batch'],
] as const)('time is linear in 1 MB of %s', (_name, text, form) => {
  const start = performance.now();
  read(text, form);
  expect(performance.now() - start).toBeLessThan(5_000);
});
