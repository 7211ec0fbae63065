import fc from 'fast-check';
import { readJson, TextError } from '../../../src/sources/import/json.ts';

const errorOf = (text: string) => {
  try {
    return readJson(text);
  } catch (error) {
    expect(error).toBeInstanceOf(TextError);
    const { line, column, message } = error as TextError;
    return `${line}:${column}: ${message}`;
  }
};

describe('F17: what is no JSON is said with line and column', () => {
  test.each([
    ['nothing', '', '1:1: it ends before its end'],
    ['an end too early', '{"a": [1,\n  2', '2:4: a comma or ] is wanted'],
    ['a comma too many', '{\n  "a": 1,\n}', '3:1: a comma stands before the end of an object'],
    ['a comma too many in a list', '[1,\n]', '2:1: a comma stands before the end of a list'],
    ['a comma too few', '{"a": 1\n "b": 2}', '2:2: a comma or } is wanted'],
    ['a key without quotes', '{a: 1}', '1:2: a key in double quotes is wanted'],
    ['single quotes', '{"a": \'b\'}', '1:7: JSON has double quotes alone'],
    ['a comment', '{\n  // why\n  "a": 1}', '2:3: JSON has no comments'],
    ['a comment before it', '// why\n{}', '1:1: JSON has no comments'],
    ['no colon', '{"a" 1}', '1:6: a colon is wanted'],
    ['a word that is none', '[True]', '1:2: a value is wanted'],
    ['a number with a zero before it', '[01]', '1:2: a value is wanted'],
    ['half a number', '[1.]', '1:2: a value is wanted'],
    ['two values', '{}\n{}', '2:1: something stands after its end'],
    ['a string without end', '["a]', '1:2: a string does not end'],
    ['a line break in a string', '["a\nb"]', '1:4: a control character stands in a string'],
    ['an escape that is none', '["\\x"]', '1:2: a string has an escape that JSON does not have'],
  ])('%s', (_, text, want) => {
    expect(errorOf(text)).toBe(want);
  });
});

test('F17: law: what JSON.parse reads is read alike, and what it refuses is refused', () => {
  const text = fc.oneof(
    fc.json(),
    fc
      .tuple(
        fc.json(),
        fc.nat(40),
        fc.constantFrom(',', '"', '{', '}', ']', ':', '1', '-', '.', 'e', '\\', ' ', '\n', '\u0000', '\u00a0'),
      )
      .map(([json, at, add]) => json.slice(0, at) + add + json.slice(at)),
    fc.anything({ maxDepth: 4, maxKeys: 4 }).map((value) => JSON.stringify(value) ?? 'null'),
  );
  let refused = 0;
  fc.assert(
    fc.property(text, (json) => {
      let want: unknown;
      try {
        want = JSON.parse(json);
      } catch {
        refused += 1;
        expect(typeof errorOf(json)).toBe('string');
        return;
      }
      const { value, notes } = readJson(json);
      if (notes.length === 0) expect(value).toEqual(want);
    }),
    { numRuns: 3_000 },
  );
  expect(refused).toBeGreaterThan(300);
});

test('F17: of keys that stand twice objects are united, and of other values the later one counts', () => {
  const { value, notes } = readJson(
    '{"a":{"b":1,"c":{"d":1}},"x":1,\n"a":{"b":2,"c":{"e":2}},"x":[2],"__proto__":{"f":1},"__proto__":{"g":1}}',
  );
  expect(JSON.stringify(value)).toBe('{"a":{"b":2,"c":{"d":1,"e":2}},"x":[2],"__proto__":{"f":1,"g":1}}');
  expect(notes.map((note) => note.replace(/ stands.*/, ''))).toEqual([
    '2:1: the key "a"',
    '2:25: the key "x"',
    '2:53: the key "__proto__"',
  ]);
  expect(({} as Record<string, unknown>)['f']).toBeUndefined();
});

test('F17: depth and repetition are bounded by what the text has', () => {
  const deep = readJson(`${'['.repeat(200_000)}${']'.repeat(200_000)}`);
  expect(Array.isArray(deep.value)).toBe(true);
  expect(errorOf(`{${Array.from({ length: 102 }, () => '"a":{}').join()}}`)).toMatch(/over 100 keys stand twice$/);
  const nested = `${'{"a":'.repeat(5_000)}{}${'}'.repeat(5_000)}`;
  expect(readJson(`{"k":${nested},"k":${nested}}`).notes).toHaveLength(1);
});
