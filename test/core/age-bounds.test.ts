import { compileAgeBounds } from '../../src/core/catalogue/age-bounds.ts';
import { createProfiles } from '../../src/core/catalogue/profiles.ts';

const ids = ['user.contact.email', 'user.contact.phone_number', 'user.job_title', 'system.operations.plan'];
const profiles = createProfiles(new Map(ids.map((id) => [id, { id, sensitivity: 'internal', identifiability: 'none' } as const])));
const profileOf = (category: string) => profiles.of({ category, role: 'dimension', labels: {} });

const production = {
  id: 'production', tier: 'production', maxAgeMs: 7000,
  maxAgeOf: [{ category: 'user.*', maxAgeMs: 3000 }, { category: 'user.contact.email', maxAgeMs: 1000 }, { category: 'user.contact.*', maxAgeMs: 2000 }, { category: 'system.operations.*', maxAgeMs: 9000 }],
};

test.each([
  ['user.contact.email', 1000], ['user.contact.phone_number', 2000], ['user.job_title', 3000], ['system.operations.plan', 9000],
] as const)('R72: the most specific bound counts for %s, stricter or not', (category, expected) => {
  expect(compileAgeBounds(production)!(profileOf(category))).toBe(expected);
});

test('R72: what no bound of its own covers has the environment\'s; without one it may be of any age', () => {
  const { maxAgeMs: _, ...unbounded } = { ...production, maxAgeOf: [{ category: 'user.*', maxAgeMs: 3000 }] };
  expect(compileAgeBounds(unbounded)!(profileOf('system.operations.plan'))).toBe(Infinity);
  expect(compileAgeBounds({ ...production, maxAgeOf: [] })!(profileOf('system.operations.plan'))).toBe(7000);
  expect(compileAgeBounds({ id: 'x', tier: 'x' })).toBeUndefined();
});

test('R72: a field that nothing knows has the environment\'s bound', () => {
  expect(compileAgeBounds(production)!(profiles.unknown)).toBe(7000);
});
