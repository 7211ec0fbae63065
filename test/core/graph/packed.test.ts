import fc from 'fast-check';
import { hash } from '../../../src/core/graph/bytes.ts';
import { openNames, openRows, packNames, packRows, nameBuilder } from '../../../src/core/graph/packed.ts';

const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('', '\ud800', '\udc00', '\ufffd', '\udc00\ud800', 'é', '🙂', '\ufeff', '\0', '__proto__'),
  fc.array(fc.integer({ min: 0xd700, max: 0xe100 }), { maxLength: 5 }).map((units) => String.fromCharCode(...units)));

describe('packed names', () => {
  test('every name is found under its number, in order of appearance, and nothing else is', () => {
    fc.assert(fc.property(fc.array(anyText), fc.array(anyText), (texts, others) => {
      const distinct = [...new Set(texts)];
      const names = openNames(packNames(texts));
      expect(names.size).toBe(distinct.length);
      expect(distinct.map((_, i) => names.text(i))).toEqual(distinct);
      for (const text of [...texts, ...others]) expect(names.find(text)).toBe(distinct.indexOf(text));
    }), { numRuns: 2_000 });
  });

  test('half of a surrogate pair is a name of its own', () => {
    const texts = ['\ud800', '\udbff', '\udc00', '\ufffd', '\ufffd\ufffd\ufffd', 'a\ud83d', 'a\ud83d\ude42', '\ude42'];
    const names = openNames(packNames(texts));
    expect(texts.map((text) => names.find(text))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(texts.map((_, i) => names.text(i))).toEqual(texts);
  });

  test('no names: nothing is found, the empty name neither', () => {
    const names = openNames(packNames([]));
    expect([names.size, names.find(''), names.find('a')]).toEqual([0, -1, -1]);
  });

  test('a million names are found, a million others are not, and they take no more than 50 bytes each', () => {
    const packed = packNames((function* () {
      for (let i = 0; i < 1_000_000; i += 1) yield `user:${i}`;
    })());
    const names = openNames(packed);
    let wrong = 0;
    for (let i = 0; i < 1_000_000; i += 1) wrong += Number(names.find(`user:${i}`) !== i) + Number(names.find(`user:x${i}`) !== -1);
    expect([names.size, wrong, names.text(999_999)]).toEqual([1_000_000, 0, 'user:999999']);
    expect(packed.bytes.byteLength + packed.offsets.byteLength + packed.slots.byteLength).toBeLessThan(50_000_000);
  });

  test('a name as long as a megabyte, and one that is longer than any', () => {
    const names = openNames(packNames(['x'.repeat(1e6), 'ü'.repeat(1e6)]));
    expect([names.find('x'.repeat(1e6)), names.find('ü'.repeat(1e6)), names.find('x'.repeat(3e6)), names.find('ü'.repeat(1e6 - 1))]).toEqual([0, 1, -1, -1]);
  });

  describe('names that were made to collide', () => {
    const fixed = packNames(['a']).seed;
    const slotOf = (text: string, seed = fixed) => hash(Buffer.from(text), 0, Buffer.byteLength(text), seed) & 0xfff;
    const crafted: string[] = [];
    for (let i = 0; crafted.length < 2_000; i += 1) if (slotOf(`n${i}`) === 7) crafted.push(`n${i}`);

    test('are spread by a new key, and each is found', () => {
      const packed = packNames(crafted);
      const names = openNames(packed);
      expect(packed.seed).not.toEqual(fixed);
      expect(crafted.every((text, i) => names.find(text) === i)).toBe(true);
      expect(longestRun(packed.slots)).toBeLessThan(100);
    });

    test('do not under another seed, which stays', () => {
      const packed = packNames(crafted, [1, 2]);
      expect(packed.seed).toEqual([1, 2]);
      expect(longestRun(packed.slots)).toBeLessThan(100);
    });
  });

  test('the hash reads every byte, and where the text ends', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, where, change) => {
      const other = Uint8Array.from(bytes);
      other[where % bytes.length]! ^= change;
      const longer = Uint8Array.of(...bytes, 0);
      const of = (one: Uint8Array) => hash(one, 0, one.length, [5, 6]);
      return of(bytes) !== of(other) && of(bytes) !== of(longer);
    }));
  });

  test('a builder gives the number of an old name again', () => {
    const builder = nameBuilder();
    expect([builder.add('a'), builder.add('b'), builder.add('a'), builder.size]).toEqual([0, 1, 0, 2]);
  });
});

function longestRun(slots: SharedArrayBuffer): number {
  let [longest, run] = [0, 0];
  for (const slot of new Int32Array(slots)) longest = Math.max(longest, run = slot === 0 ? 0 : run + 1);
  return longest;
}

describe('packed rows', () => {
  test('are the Map that they were made of', () => {
    fc.assert(fc.property(fc.array(fc.tuple(anyText, fc.jsonValue())), (entries) => {
      const texts = entries.map(([key, value]) => [key, JSON.stringify(value)] as const);
      const want = new Map(texts.map(([key, json]): [string, unknown] => [key, JSON.parse(json)]));
      const rows = openRows(packRows(texts));
      expect([...rows]).toEqual([...want]);
      expect([[...rows.keys()], [...rows.values()], [...rows.entries()], rows.size]).toEqual([[...want.keys()], [...want.values()], [...want.entries()], want.size]);
      expect([...want.keys(), 'no such'].map((key) => [rows.has(key), rows.get(key)])).toEqual([...want.keys(), 'no such'].map((key) => [want.has(key), want.get(key)]));
      const met: unknown[] = [];
      rows.forEach((value, key, all) => met.push([key, value, all === rows]));
      expect(met).toEqual([...want].map(([key, value]) => [key, value, true]));
    }), { numRuns: 500 });
  });

  test('revive makes the value, from its row and key', () => {
    const rows = openRows<string>(packRows([['a', '{"n":1}'], ['b', '{"n":2}']]), (value, key) => `${key}${(value as { n: number }).n}`);
    expect([rows.get('b'), ...rows.values()]).toEqual(['b2', 'a1', 'b2']);
  });

  test('whoever changes what it was given changes nothing for others', () => {
    const rows = openRows<{ n: number }>(packRows([['a', '{"n":1}']]));
    rows.get('a')!.n = 2;
    expect(rows.get('a')).toEqual({ n: 1 });
  });
});
