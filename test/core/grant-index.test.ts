import fc from 'fast-check';
import type { KnownGrant } from '../../src/core/catalogue/catalogue.ts';
import { coversProfile, createGrantIndex, namesVendor } from '../../src/core/catalogue/grant-index.ts';
import { createNarrowed } from '../../src/core/catalogue/terms.ts';
import { createProfiles } from '../../src/core/catalogue/profiles.ts';
import { nearness, toSelectors } from '../../src/core/catalogue/selectors.ts';
import type { Category, VendorSelector } from '../../src/core/facts.ts';

const CATEGORIES = ['a.b', 'a.c', 'd'];
const profiles = createProfiles(new Map(CATEGORIES.map((id): [string, Category] => [id, { id, sensitivity: 'internal', identifiability: 'none' }])));

const selector: fc.Arbitrary<VendorSelector> = fc.record({
  vendor: fc.constantFrom('v', 'w'), party: fc.constantFrom('first' as const, 'third' as const), categories: fc.subarray(['analytics' as const, 'cdp' as const]),
}, { requiredKeys: [] });
const names = fc.subarray(['*', 'a.*', 'a.b', 'd']);
const grants = fc.array(fc.record({ vendors: fc.array(selector, { minLength: 1, maxLength: 3 }), covers: names, spares: names }), { maxLength: 8 })
  .map((list) => list.map(({ vendors, covers, spares }, index) => ({ id: `g${7 * index % 10}`, vendors, covers: toSelectors(covers), spares: toSelectors(spares) }) as unknown as KnownGrant));
// An id is one vendor: its facts are the same however often it is asked about.
const vendor = fc.record({ party: fc.constantFrom('first' as const, 'third' as const), categories: fc.subarray(['analytics', 'cdp']) });
const vendors = fc.record({ v: vendor, w: vendor, x: vendor });

test('F15: J7 gives what a search through all grants gives, the nearest first, however often it is asked', () => {
  fc.assert(
    fc.property(
      grants,
      vendors,
      fc.array(fc.tuple(fc.constantFrom('v' as const, 'w' as const, 'x' as const), fc.constantFrom(...CATEGORIES)), {
        maxLength: 12,
      }),
      (all, known, asked) => {
        const index = createGrantIndex(
          createNarrowed(
            new Map(all.map((grant) => [grant.id, grant])),
            { terms: new Map(), closures: new Map() },
            CATEGORIES,
          ).all,
        );
        for (const [id, category] of asked) {
          const who = { id, ...known[id] };
          const profile = profiles.of({ category, role: 'dimension', labels: {} });
          const wanted = all
            .filter((grant) => namesVendor(grant, who) && coversProfile(grant, profile))
            .sort((a, b) => nearness(b.covers, category) - nearness(a.covers, category) || (a.id < b.id ? -1 : 1))
            .map((grant) => grant.id);
          expect(index(who, profile).map((grant) => grant.id)).toEqual(wanted);
        }
      },
    ),
  );
});

test.each<[readonly string[], string, number]>([
  [['user.contact.email'], 'user.contact.email', 3],
  [['user.contact.*'], 'user.contact.email', 2],
  [['user.contact.email.work'], 'user.contact.email', 3],
  [['user.contact.phone_number', 'system.*'], 'user.contact.email', 2],
  [['*'], 'user.contact.email', 0],
  [['users.contact.email'], 'user.contact.email', 0],
  [[], 'a.b', 0],
])('F15: of %j the nearest to %s names %d of its segments', (selectors, category, want) =>
  expect(nearness(toSelectors(selectors), category)).toBe(want),
);
