import fc from 'fast-check';
import { MAX_ITEM_LENGTH, MAX_ITEM_MARKS, parseFrame, parseItem, putTogether, takeApart, type ItemsForm } from '../../src/core/parse/items.ts';
import { parseJson, Unreadable } from '../../src/core/parse/json.ts';
import { SluiceError } from '../../src/core/errors.ts';

function drive<T>(steps: Generator<undefined, T>): { readonly value: T; readonly pauses: number } {
  for (let pauses = 0; ; pauses += 1) {
    const step = steps.next();
    if (step.done === true) return { value: step.value, pauses };
  }
}

function byParts(text: string, form: ItemsForm): unknown {
  const parts = drive(takeApart(text, form)).value;
  const read = parts.items.map((item) => parseItem(item, form));
  return putTogether(parseFrame(parts, form), read, form);
}

/** What comes of it; of errors what a caller sees. */
function outcome(read: () => unknown): unknown {
  try {
    return plain(read());
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { thrown: error.code, message: error.message };
  }
}

const plain = (value: unknown): unknown => (
  value instanceof Unreadable ? { unreadable: value.error.code, message: value.error.message }
    : Array.isArray(value) ? value.map(plain)
      : typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype ? Object.entries(value).map(([key, member]) => [key, plain(member)]) : value
);

const item = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.constantFrom('{"a":1,"a":2}', '{"__proto__":1}', '{"payload":{"__proto__":1e400}}', '{"a":1e300}', '"\\ud800"', '{"\\u0061":[1,{"b":"],}"}]}', `${'['.repeat(40)}${']'.repeat(40)}`, '0', 'null'),
);
const spaced = (text: fc.Arbitrary<string>) => fc.tuple(fc.constantFrom('', ' ', '\n\t'), text, fc.constantFrom('', ' ')).map((parts) => parts.join(''));
const items = fc.array(spaced(item), { maxLength: 5 }).map((all) => `[${all.join(',')}]`);
const member = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('"items"', '"it\\u0065ms"'), items).map((pair) => pair.join(':')) },
  fc.tuple(fc.constantFrom('"defaults"', '"items"', '"other"', '"d\\"efaults"'), item).map((pair) => pair.join(' : ')),
);
const batch = fc.oneof({ weight: 5, arbitrary: fc.array(spaced(member), { maxLength: 3 }).map((all) => `{${all.join(',')}}`) }, items, item);
/** One that something is cut out of, doubled or put into. */
const broken = fc.tuple(batch, fc.nat(), fc.nat({ max: 3 }), fc.constantFrom('', ',', ']', '}', '[', '{', '"', ':', '0', '\ufeff', '\\')).map(([text, from, length, put]) => {
  const at = from % (text.length + 1);
  return `${text.slice(0, at)}${put}${text.slice(at + length)}`;
});
const anyText = fc.oneof(spaced(batch), broken);

// Where invalid JSON is, the two may tell otherwise: one looks at the whole, the other at a part.
const withoutPlace = (said: unknown) => JSON.parse(JSON.stringify(said).replace(/(?<=invalid JSON)( at position \d+)?/g, '')) as unknown;

test.each(['batch', 'bulk'] as const)('F24: a %s that is taken apart says what it says as a whole', (form) => {
  fc.assert(fc.property(anyText, (text) => {
    const [whole, parts] = [outcome(() => parseJson(text, form)), outcome(() => byParts(text, form))];
    expect(withoutPlace(parts)).toEqual(withoutPlace(whole));
  }), { numRuns: 3000 });
});

test.each([
  ['beside the items', '{"items":[{"a":1},{"b":2}],"defaults":{"a":1,"a":2}}', 'batch'],
  ['of an item', '[1,{"a":1,"a":2}]', 'bulk'],
] as const)('F24: the place of a mistake is one %s', (_name, text, form) => {
  expect(outcome(() => byParts(text, form))).toEqual(outcome(() => parseJson(text, form)));
});

test('F24: where an item is no JSON, the whole is none from there on', () => {
  const text = '{"items":[{"a":1},{"b":2},[1,,2]]}';
  expect(outcome(() => byParts(text, 'batch'))).toMatchObject({ thrown: 'request_invalid', message: expect.stringContaining(`invalid JSON at position ${text.indexOf(',2]')}`) as string });
});

test('F24: a text of eight megabytes is taken apart with more than a hundred pauses', () => {
  const { value, pauses } = drive(takeApart(`{"items":[${new Array(1000).fill(`{"a":"${'x'.repeat(8000)}"}`).join(',')}]}`, 'batch'));
  expect(value.items).toHaveLength(1000);
  expect(pauses).toBeGreaterThan(100);
});

describe('F24, J32: what is read without a pause is bounded', () => {
  const tooLarge = expect.objectContaining({ code: 'too_large' });
  const marks = '[],'.repeat(MAX_ITEM_MARKS / 3);

  test('an item that is longer is an error of its own', () => {
    const read = byParts(`{"items":[1,"${'x'.repeat(MAX_ITEM_LENGTH)}",[${marks}1],2]}`, 'batch') as { readonly items: readonly unknown[] };
    expect(read.items).toEqual([1, expect.objectContaining({ error: tooLarge }), expect.objectContaining({ error: tooLarge }), 2]);
    const allowed = 'x'.repeat(MAX_ITEM_LENGTH - 2);
    expect(byParts(`[1,"${allowed}"]`, 'bulk')).toEqual([1, allowed]);
  });

  test.each([
    ['what stands beside the items', `{"items":[1],"defaults":"${'x'.repeat(MAX_ITEM_LENGTH)}"}`],
    ['what stands before them', `{"defaults":[${marks}1],"items":[1]}`],
    ['what stands behind them', `{"items":[1],"defaults":[${marks}1]}`],
    ['where there are none', `[${marks}1]`],
    ['more than a thousand items', `{"items":[${new Array(1001).fill('1').join(',')}]}`],
  ])('%s refuses the whole', (_name, text) => {
    expect(() => byParts(text, 'batch')).toThrow(tooLarge);
  });
});
