import fc from 'fast-check';
import { createMemo, MAX_ENTRY_BYTES, textBytes } from '../src/memo.ts';

/** What an entry of a short key counts without its value. */
const EMPTY = (() => {
  const memo = createMemo<number>({ maxBytes: 1e9, bytesOf: () => 0 });
  memo.set('k', 0);
  return memo.bytes();
})();

describe('F23: the memo (J29)', () => {
  test('forgets what was used least recently', () => {
    const memo = createMemo<number>({ maxBytes: 2 * EMPTY, bytesOf: () => 0 });
    memo.set('a', 1);
    memo.set('b', 2);
    expect(memo.get('a')).toBe(1);
    memo.set('c', 3);
    expect([memo.get('a'), memo.get('b'), memo.get('c')]).toEqual([1, undefined, 3]);
  });

  test('with no bytes it keeps nothing', () => {
    const memo = createMemo<number>({ maxBytes: 0, bytesOf: () => 0 });
    memo.set('a', 1);
    expect([memo.get('a'), memo.size(), memo.bytes()]).toEqual([undefined, 0, 0]);
  });

  test('keeps nothing over 64 KiB, key and value together, and then forgets what the key had', () => {
    const memo = createMemo<number>({ maxBytes: 1e9, bytesOf: (value) => value });
    memo.set('k', MAX_ENTRY_BYTES - EMPTY);
    expect([memo.get('k'), memo.bytes()]).toEqual([MAX_ENTRY_BYTES - EMPTY, MAX_ENTRY_BYTES]);
    memo.set('k', MAX_ENTRY_BYTES - EMPTY + 1);
    expect([memo.get('k'), memo.size(), memo.bytes()]).toEqual([undefined, 0, 0]);
    memo.set('k'.repeat(MAX_ENTRY_BYTES), 0);
    expect(memo.size()).toBe(0);
  });

  test('an entry that many others must make room for takes as many away as it needs', () => {
    const memo = createMemo<number>({ maxBytes: 10 * EMPTY, bytesOf: (value) => value });
    for (let n = 0; n < 10; n += 1) memo.set(String(n), 0);
    memo.set('x', 4 * EMPTY);
    expect([memo.size(), memo.bytes()]).toEqual([6, 10 * EMPTY]);
    expect([memo.get('4'), memo.get('5')]).toEqual([undefined, 0]);
  });

  test('a character of Latin-1 is one byte, and one other makes two of each', () => {
    const [one, two] = ['é'.repeat(1000), `${'é'.repeat(999)}Ж`];
    expect(textBytes(two) - textBytes(one)).toBe(1000);
    expect(textBytes(one, two)).toBe(textBytes(one) + textBytes(two));
  });

  test('never holds more than its bound, counts what it holds, and never gives what another key was set to', () => {
    const sets = fc.array(fc.tuple(fc.string({ maxLength: 2, unit: fc.constantFrom('a', 'b', 'Ж') }), fc.nat({ max: 2000 })));
    fc.assert(fc.property(fc.integer({ min: 0, max: 5000 }), sets, (maxBytes, pairs) => {
      const memo = createMemo<number>({ maxBytes, bytesOf: (value) => value });
      const last = new Map<string, number>();
      for (const [key, value] of pairs) {
        memo.set(key, value);
        last.set(key, value);
        expect(memo.bytes()).toBeLessThanOrEqual(maxBytes);
        const [own] = [EMPTY - textBytes('k') + textBytes(key) + value];
        expect(memo.get(key)).toBe(own <= maxBytes ? value : undefined);
      }
      const kept = [...last].filter(([key]) => memo.get(key) !== undefined);
      for (const [key, value] of kept) expect(memo.get(key)).toBe(value);
      expect(memo.size()).toBe(kept.length);
      expect(memo.bytes()).toBe(kept.reduce((sum, [key, value]) => sum + EMPTY - textBytes('k') + textBytes(key) + value, 0));
      memo.clear();
      expect([memo.size(), memo.bytes()]).toEqual([0, 0]);
    }));
  });
});
