import fc from 'fast-check';
import { parseMoment } from '../../src/core/moment.ts';

test.each([
  ['2026-11-22', '2026-11-22T00:00:00Z'], ['2026-11-22T12:00:00Z', '2026-11-22T12:00:00Z'], ['2026-11-22T12:00+01:00', '2026-11-22T11:00:00Z'],
  ['2028-02-29', '2028-02-29T00:00:00Z'], ['2026-11-22T12:00:00.123456789Z', '2026-11-22T12:00:00.123Z'],
])('%s is a moment', (text, same) => {
  expect(parseMoment(text)).toBe(Date.parse(same));
});

test('a bare date ends with its day, a time with itself (J28)', () => {
  expect(parseMoment('2026-11-22', true)).toBe(Date.parse('2026-11-23'));
  expect(parseMoment('2026-11-22T12:00:00Z', true)).toBe(Date.parse('2026-11-22T12:00:00Z'));
});

test.each(['2026-02-30', '2026-11-31', '2026-11-31T12:00:00Z', '2027-02-29', '2026-13-01', '2026-00-10', '2026-11-22T24:00:00Z', '2026-11-22T12:60Z', '2026-11-22T12:00:00', '2026-11-22 12:00Z', '22.11.2026', 'yesterday', '', '1764000000000'])('%j is none', (text) => {
  expect(parseMoment(text)).toBeUndefined();
});

test('property: every day that exists is one, and comes back as itself', () => {
  fc.assert(fc.property(fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
    const day = date.toISOString().slice(0, 10);
    expect(new Date(parseMoment(day)!).toISOString().slice(0, 10)).toBe(day);
    expect(parseMoment(date.toISOString())).toBe(date.getTime());
  }));
});
