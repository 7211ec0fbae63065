import fc from 'fast-check';
import { createMemo } from '../src/memo.ts';

describe('the memo (J29)', () => {
  test('forgets what was used least recently', () => {
    const memo = createMemo<number>(2);
    memo.set('a', 1);
    memo.set('b', 2);
    expect(memo.get('a')).toBe(1);
    memo.set('c', 3);
    expect([memo.get('a'), memo.get('b'), memo.get('c')]).toEqual([1, undefined, 3]);
  });

  test('with no entries it keeps none', () => {
    const memo = createMemo<number>(0);
    memo.set('a', 1);
    expect(memo.get('a')).toBeUndefined();
  });

  test('never holds more than its bound, and never gives what another key was set to', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.tuple(fc.string({ maxLength: 2 }), fc.nat())), (entries, sets) => {
      const memo = createMemo<number>(entries);
      const last = new Map<string, number>();
      for (const [key, value] of sets) {
        memo.set(key, value);
        last.set(key, value);
        expect(memo.size()).toBeLessThanOrEqual(entries);
        expect(memo.get(key)).toBe(value);
      }
      for (const [key, value] of last) expect([value, undefined]).toContain(memo.get(key));
    }));
  });
});
