import fc from 'fast-check';
import { PermitError, type PermitData } from '../../../src/sources/permit/data.ts';
import { CONFIRM_AFTER_MS, confirmed, massChanges } from '../../../src/sources/permit/keep/guard.ts';
import { LISTS, contentDigest, countsOf, type Counts } from '../../../src/sources/permit/keep/rows.ts';
import { content, users } from './keep-support.ts';

const counts = (part: Partial<Counts>): Counts => ({ ...countsOf(content()), ...part });

test.each([
  { name: 'an emptied list', before: { roles: 3 }, after: { roles: 0 }, changes: ['roles 3 → 0'] },
  { name: 'the only row gone', before: { tenants: 1 }, after: { tenants: 0 }, changes: ['tenants 1 → 0'] },
  { name: 'more than a fifth gone', before: { users: 100 }, after: { users: 79 }, changes: ['users 100 → 79'] },
  { name: 'a fifth gone is none', before: { users: 100 }, after: { users: 80 }, changes: [] },
  { name: 'growth is none', before: { users: 1 }, after: { users: 100_000 }, changes: [] },
  { name: 'an empty list that stays empty is none', before: { tuples: 0 }, after: { tuples: 0 }, changes: [] },
  { name: 'every list is looked at', before: Object.fromEntries(LISTS.map((list) => [list, 10])), after: Object.fromEntries(LISTS.map((list) => [list, 7])), changes: LISTS.map((list) => `${list} 10 → 7`) },
])('mass changes: $name', ({ before, after, changes }) => {
  expect(massChanges(counts(before), counts(after))).toEqual(changes);
});

test('before the first verified read there is nothing to compare with', () => {
  expect(massChanges(undefined, counts({ users: 0 }))).toEqual([]);
});

interface Asked { readonly waited: number[]; readonly scans: () => number; readonly result: Promise<PermitData> }

function guard(before: number, after: number, again: () => Promise<PermitData>): Asked {
  const waited: number[] = [];
  let scans = 0;
  const result = confirmed({
    before: countsOf(content({ users: users(before) })),
    first: content({ users: users(after) }),
    wait: async (ms) => void waited.push(ms),
    async scanAgain() {
      expect(waited).toHaveLength(1); // the pause comes before the read
      scans += 1;
      return again();
    },
  });
  return { waited, scans: () => scans, result };
}

test('a mass change that a further scan a second later bears out applies', async () => {
  const asked = guard(100, 3, async () => content({ users: users(3) }));
  expect(countsOf(await asked.result)).toMatchObject({ users: 3 });
  expect([asked.waited, asked.scans()]).toEqual([[CONFIRM_AFTER_MS], 1]);
  expect(CONFIRM_AFTER_MS).toBeGreaterThanOrEqual(1000);
});

test('another change needs no further scan', async () => {
  const asked = guard(100, 90, async () => content());
  expect(countsOf(await asked.result)).toMatchObject({ users: 90 });
  expect([asked.waited, asked.scans()]).toEqual([[], 0]);
});

test.each([
  { name: 'gives the lists as they were', again: async () => content({ users: users(100) }), says: 'a large change (users 100 → 3) is not applied: a further read a second later gave another content' },
  { name: 'gives as many, but others', again: async () => content({ users: users(4).slice(1) }), says: 'gave another content' },
  { name: 'fails', again: () => Promise.reject(new PermitError('unreachable', 'no answer within 10 s')), says: 'the read that should confirm it failed: no answer within 10 s' },
  { name: 'fails with a message that may hold a value', again: () => Promise.reject(new Error('secret')), says: 'the read that should confirm it failed: for an unknown reason' },
])('a mass change stays out when the further scan $name', async ({ again, says }) => {
  await expect(guard(100, 3, again).result).rejects.toMatchObject({ name: 'UnconfirmedError', message: expect.stringContaining(says) });
});

test('law: content is taken only if it is no mass change or was read twice, and then at once', async () => {
  const n = fc.nat(40);
  await fc.assert(fc.asyncProperty(n, n, fc.option(n), async (before, after, again) => {
    const asked = guard(before, after, again === null ? () => Promise.reject(new Error()) : async () => content({ users: users(again) }));
    const taken = await asked.result.then(contentDigest, () => undefined);
    const mass = before > 0 && (after === 0 || after < 0.8 * before);
    expect(asked.scans()).toBe(mass ? 1 : 0);
    expect(taken).toBe(!mass || again === after ? contentDigest(content({ users: users(after) })) : undefined);
  }));
});
