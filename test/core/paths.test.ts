import fc from 'fast-check';
import { compilePatterns, escapeKey, joinPath, matchName, splitPath, unescapeKey } from '../../src/core/parse/paths.ts';

const key = fc.oneof(
  fc.string({ unit: fc.constantFrom('.', '[', ']', '\\', '*', '$', 'a', '\0', 'ü'), maxLength: 6 }),
  fc.constantFrom('$event', '*', '', '__proto__', '[]', 'a.b'),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const pathOf = (keys: readonly string[]) => keys.reduce<string | undefined>(joinPath, undefined) ?? '';

describe('escapes', () => {
  test.each([
    ['plan', 'plan'],
    ['properties.plan', 'properties\\.plan'],
    ['items[]', 'items\\[\\]'],
    ['a\\b', 'a\\\\b'],
    ['*', '\\*'],
    ['use_*', 'use_\\*'],
    ['$event', '\\$event'],
    ['$event2', '$event2'],
    ['', ''],
    ['a\0b', 'a\0b'],
    ['\u202Egnp', '\u202Egnp'],
  ])('J22: the key %j is written %j', (raw, written) => {
    expect([escapeKey(raw), unescapeKey(written)]).toEqual([written, raw]);
  });

  test('J22: keys that differ stay different, and what was written gives the key again', () => {
    fc.assert(fc.property(key, key, (a, b) => {
      expect(unescapeKey(escapeKey(a))).toBe(a);
      expect(escapeKey(a) === escapeKey(b)).toBe(a === b);
    }));
  });

  test('J24: no key of a payload is written like the event\'s own name', () => {
    fc.assert(fc.property(fc.array(key, { minLength: 1, maxLength: 3 }), (keys) => pathOf(keys) !== '$event'));
  });
});

describe('joinPath and splitPath', () => {
  test.each([
    ['properties.plan', ['properties', 'plan']],
    ['items[].sku', ['items[]', 'sku']],
    ['properties\\.plan', ['properties\\.plan']],
    ['a\\\\.b', ['a\\\\', 'b']],
    ['', ['']],
    ['.a', ['', 'a']],
    ['a.', ['a', '']],
    ['a\\', ['a\\']],
  ])('%j has the segments %j', (path, segments) => {
    expect(splitPath(path)).toEqual(segments);
  });

  test('the segments of a path are the keys that it was made of', () => {
    fc.assert(fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), (keys) => {
      expect(splitPath(pathOf(keys)).map(unescapeKey)).toEqual(keys);
    }));
  });

  test('the segments of any text, joined by dots, are the text', () => {
    fc.assert(fc.property(fc.oneof(key, fc.string()), (text) => splitPath(text).join('.') === text));
  });

  test('the payload itself is not the empty key', () => {
    expect([joinPath(undefined, 'a'), joinPath('', 'a')]).toEqual(['a', '.a']);
  });
});

describe('compilePatterns', () => {
  const match = compilePatterns(['config.*', 'config.theme', 'config.*.on', 'config.theme.*', 'items[].sku', 'lists.*[]', '*.id', 'deep.*.*[].x', 'a\\.b', 'stars.\\*']);

  test.each<[string, string | undefined, string]>([
    ['config.colour', 'config.*', 'one key'],
    ['config.theme', 'config.theme', 'the literal before the star'],
    ['config.theme.on', 'config.theme.*', 'the literal further to the left'],
    ['config.colour.on', 'config.*.on', 'a star in the middle'],
    ['config.a.b', undefined, 'not two keys'],
    ['config', undefined, 'not none'],
    ['config.', 'config.*', 'the empty key is one'],
    ['config.a\\.b', 'config.*', 'a dot inside a key is no border'],
    ['config.\\*', 'config.*', 'a key that is a star is a key'],
    ['config.*', undefined, 'the text of the pattern itself is no payload\'s path'],
    ['config.list[]', undefined, 'an element of a list is no key'],
    ['config.a\\[\\]', 'config.*', 'a key that ends like a list is one'],
    ['config.a[b', undefined, 'a bracket that no payload gives'],
    ['config.a\\', undefined, 'an escape of nothing'],
    ['lists.any[]', 'lists.*[]', 'elements of any list'],
    ['lists.any', undefined, 'that is no list'],
    ['lists.any[][]', undefined, 'nor lists of lists'],
    ['deep.a.b[].x', 'deep.*.*[].x', 'two stars'],
    ['items[].sku', 'items[].sku', 'a literal list'],
    ['items[0].sku', undefined, 'no index'],
    ['items.sku', undefined, 'no other shape'],
    ['user.id', '*.id', 'a star at the root'],
    ['$event', undefined, 'the event\'s own name is no key'],
    ['a\\.b', 'a\\.b', 'an escaped key'],
    ['a.b', undefined, 'is not the path'],
    ['stars.\\*', 'stars.\\*', 'a star as declared key'],
    ['stars.x', undefined, 'is literal'],
    ['__proto__.id', '*.id', 'names of JavaScript are keys'],
    ['constructor', undefined, 'and known only when declared'],
  ])('J24: %j meets %j: %s', (path, declared) => {
    expect(match(path)).toBe(declared);
  });

  test('nothing declared meets nothing; the event\'s name only where it is declared', () => {
    expect([compilePatterns([])('a'), compilePatterns(['*'])('$event'), compilePatterns(['*', '$event'])('$event')]).toEqual([undefined, undefined, '$event']);
  });

  test('a payload\'s path meets a pattern exactly when its keys fit the pattern\'s', () => {
    const small = fc.constantFrom('a', 'b', '*', 'a.b');
    const pattern = fc.array(fc.oneof(small.map(escapeKey), fc.constant('*')), { minLength: 1, maxLength: 3 });
    fc.assert(fc.property(fc.array(pattern, { maxLength: 6 }), fc.array(small, { minLength: 1, maxLength: 3 }), (patterns, keys) => {
      const fits = (segments: readonly string[]) => segments.length === keys.length && segments.every((segment, at) => segment === '*' || segment === escapeKey(keys[at]!));
      const found = compilePatterns(patterns.map((segments) => segments.join('.')))(pathOf(keys));
      expect(found !== undefined).toBe(patterns.some(fits));
      if (found !== undefined) expect(fits(splitPath(found))).toBe(true);
    }));
  });
});

describe('matchName', () => {
  test.each([
    ['use_tool__*', 'use_tool__crm_lookup', true],
    ['use_tool__*', 'use_tool__', true],
    ['use_tool__*', 'my_use_tool__x', false],
    ['*_failed', 'job_failed', true],
    ['*_failed', 'job_failed_again', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'acb', false],
    ['ab*ba', 'aba', false],
    ['ab*ba', 'abba', true],
    ['*', '', true],
    ['**', 'x', true],
    ['exact', 'exact', true],
    ['exact', 'exactly', false],
    ['a.c', 'abc', false],
    ['(a+)+$', 'aaaa', false],
  ])('J24: %j on %j: %s', (pattern, name, want) => {
    expect(matchName(pattern, name)).toBe(want);
  });

  test('agrees with a regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 8 });
    fc.assert(fc.property(text, fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 10 }), (pattern, name) => {
      const oracle = new RegExp(`^${pattern.split('*').map((part) => part.replaceAll('.', '\\.')).join('[^]*')}$`);
      expect(matchName(pattern, name)).toBe(oracle.test(name));
    }), { numRuns: 1000 });
  });

  test('takes no longer for hostile names', () => {
    expect(matchName(`${'a*'.repeat(50)}b`, 'a'.repeat(200_000))).toBe(false);
  });
});
