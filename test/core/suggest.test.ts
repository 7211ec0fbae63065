import fc from 'fast-check';
import { didYouMean, nearest, nearestName } from '../../src/core/suggest.ts';

test.each([
  ['mixpannel', ['amplitude', 'mixpanel'], 'mixpanel'], // one too many
  ['mixpnel', ['amplitude', 'mixpanel'], 'mixpanel'], // one too few
  ['mixpanal', ['amplitude', 'mixpanel'], 'mixpanel'], // one wrong
  ['emial', ['email', 'mail'], 'email'], // two swapped
  ['EMAIL', ['mail', 'email'], 'email'], // another case is no distance at all
  ['ab', ['ac'], 'ac'], // short words: one letter
  ['ab', ['cd', 'abcd'], undefined], // and no more
  ['abcdef', ['abcdxy'], 'abcdxy'], // a third of six
  ['abcdef', ['abcxyz'], undefined],
  ['staging', ['production'], undefined],
  ['cat', ['bat', 'hat'], 'bat'], // the first of equals
  ['a', [], undefined],
  ['', ['a'], undefined],
  ['y', ['x', 'xy'], undefined], // nothing of it would be left
  ['y', ['Y'], 'Y'],
  ['x'.repeat(128), ['x'.repeat(127)], 'x'.repeat(127)],
  ['x'.repeat(129), ['x'.repeat(129)], undefined],
])('nearest to %p of %p is %p', (word, candidates, want) => {
  expect(nearest(word, candidates)).toBe(want);
});

const CATEGORIES = ['user', 'user.contact', 'user.contact.email', 'user.location.imprecise.city', 'system.operations.plan'];
test.each([
  ['email', 'user.contact.email'], ['user.email', 'user.contact.email'], ['emial', 'user.contact.email'], ['user.contact.emal', 'user.contact.email'], ['location.city', 'user.location.imprecise.city'],
  ['contact', 'user.contact'], ['PLAN', 'system.operations.plan'], ['nothing.like.it', undefined], ['', undefined],
])('F21: a dotted name like %p is %p', (word, want) => {
  expect(nearestName(word, CATEGORIES)).toBe(want);
});

test('a word that is a candidate is not a suggestion', () => {
  expect(didYouMean('mixpanl', ['mixpanel'])).toBe(' (did you mean mixpanel?)');
  expect(didYouMean('mixpanel', ['mixpanel'])).toBe('');
  expect(didYouMean('mixpanel', [])).toBe('');
});

/** The textbook recursion, without bounds. */
function plainDistance(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const [x, y] = [a.slice(1), b.slice(1)];
  if (a[0] === b[0]) return plainDistance(x, y);
  const swap = a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0] ? plainDistance(a.slice(2), b.slice(2)) : Infinity;
  return 1 + Math.min(plainDistance(x, b), plainDistance(a, y), plainDistance(x, y), swap);
}

test('agrees with the plain definition', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 7 });
  fc.assert(fc.property(word, fc.array(word, { maxLength: 5 }), (wanted, candidates) => {
    const allowed = Math.min(Math.max(1, Math.floor(wanted.length / 3)), wanted.length - 1);
    const ranked = candidates.map((candidate) => ({ candidate, away: plainDistance(wanted, candidate) })).filter(({ away }) => away <= allowed);
    const least = Math.min(...ranked.map(({ away }) => away));
    expect(nearest(wanted, candidates)).toBe(ranked.find(({ away }) => away === least)?.candidate);
  }), { numRuns: 500 });
});
