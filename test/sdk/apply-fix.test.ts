import fc from 'fast-check';
import type { Json } from '../../src/core/facts.ts';
import { joinPath } from '../../src/core/parse/paths.ts';
import { flatten } from '../../src/core/parse/payload.ts';
import { applyFix } from '../../src/sdk/client.ts';

type Payload = Readonly<Record<string, Json>>;
const without = (payload: Payload, ...drop: readonly string[]) => applyFix(payload, { drop });

describe('F9: applyFix', () => {
  test.each<[string, Payload, readonly string[], Payload]>([
    ['takes a member out', { a: 1, b: 2 }, ['a'], { b: 2 }],
    ['takes the container out that it empties', { a: { b: { c: 1 } }, d: 1 }, ['a.b.c'], { d: 1 }],
    ['leaves a container that has something left', { a: { b: 1, c: 2 } }, ['a.b'], { a: { c: 2 } }],
    ['takes a member out of every element of a list', { l: [{ a: 1, b: 2 }, { a: 3, b: 4 }] }, ['l[].a'], { l: [{ b: 2 }, { b: 4 }] }],
    ['takes elements out that are emptied', { l: [{ a: 1 }, { a: 2, b: 3 }] }, ['l[].a'], { l: [{ b: 3 }] }],
    ['takes a list out that is emptied', { l: [{ a: 1 }, { a: 2 }], m: [[1], [2]], n: 0 }, ['l[].a', 'm[][]'], { n: 0 }],
    ['takes an empty container out at its path', { a: {}, b: [], c: [{}, { d: 1 }] }, ['a', 'b', 'c[]'], { c: [{ d: 1 }] }],
    ['leaves an empty container that nobody named', { a: {}, b: [], c: 1 }, ['c'], { a: {}, b: [] }],
    ['takes null out', { a: null, b: { c: null, d: [null] } }, ['b.c', 'a'], { b: { d: [null] } }],
    ['takes values out and not what stands in objects beside them', { l: [1, { a: 2 }, [3]] }, ['l[]'], { l: [{ a: 2 }, [3]] }],
    ['meets keys with dots and brackets by their path', { 'a.b': 1, a: { b: 2 }, 'l[]': 3, l: [4] }, ['a\\.b', 'l\\[\\]'], { a: { b: 2 }, l: [4] }],
    ['does nothing about paths that aren\'t there', { a: 1 }, ['b', 'a.c', 'a[]', '$event'], { a: 1 }],
    ['a member called $event is no event\'s name', { $event: 1, b: 2 }, ['$event'], { $event: 1, b: 2 }],
    ['may leave nothing', { a: [{ b: 1 }] }, ['a[].b'], {}],
  ])('%s', (_name, payload, drop, want) => {
    const before = structuredClone(payload);
    expect(without(payload, ...drop)).toEqual(want);
    expect(payload).toEqual(before);
  });

  test('an own __proto__ is a key like others', () => {
    const payload = JSON.parse('{"__proto__":{"a":1,"b":2},"c":{"__proto__":3}}') as Payload;
    expect(JSON.stringify(without(payload, '__proto__.a'))).toBe('{"__proto__":{"b":2},"c":{"__proto__":3}}');
    expect(JSON.stringify(without(payload, 'c.__proto__', '__proto__.b'))).toBe('{"__proto__":{"a":1}}');
  });
});

const key = fc.constantFrom('a', 'b', 'a.b', 'l[]', '*', '$event', '', 'constructor', '__proto__');
const { object } = fc.letrec<{ value: Json; object: Record<string, Json> }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', maxDepth: 4 }, fc.oneof(fc.constant(1), fc.constant('x'), fc.constant(null)), tie('object'), fc.array(tie('value'), { maxLength: 3 })),
  object: fc.uniqueArray(fc.tuple(key, tie('value')), { selector: ([name]) => name, maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
}));
const paths = (payload: Payload) => (Object.keys(payload).length === 0 ? [] : flatten(payload).map(({ path }) => path));
/** Of every empty object and list. */
const empties = (value: Json, path: string | undefined): readonly string[] => {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Array.isArray(value) ? (value as Json[]).flatMap((element) => empties(element, `${path ?? ''}[]`)) : Object.entries(value).flatMap(([name, member]) => empties(member, joinPath(path, name)));
  return Object.keys(value).length === 0 && path !== undefined ? [path] : inner;
};

test('F9: what applyFix leaves are the fields that were not dropped, and no container that wasn\'t empty before', () => {
  fc.assert(fc.property(object, fc.infiniteStream(fc.boolean()), (payload, choices) => {
    const before = JSON.stringify(payload);
    const all = paths(payload);
    const drop = [...new Set(all)].filter(() => choices.next().value as boolean);
    const rest = without(payload, ...drop);
    expect(paths(rest)).toEqual(all.filter((path) => !drop.includes(path)));
    expect(empties(rest, undefined)).toEqual(empties(payload, undefined).filter((path) => !drop.includes(path)));
    expect(JSON.stringify(payload)).toBe(before);
    expect(JSON.stringify(without(payload))).toBe(before);
  }), { numRuns: 1000 });
});
