import { isBare, isDate } from '../../src/core/dates.ts';

test('every day that exists is a date, and no other', () => {
  for (const year of ['0000', '1900', '2000', '2024', '2026', '9999']) {
    for (let month = 0; month <= 13; month += 1) {
      for (let day = 0; day <= 32; day += 1) {
        const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
        const atMs = Date.parse(text);
        const exists = !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(text);
        expect([text, isDate(text), isDate(`${text}T00:00Z`), isBare(text)]).toEqual([text, exists, exists, true]);
      }
    }
  }
});

test.each(['2026-11-22T23:59Z', '2026-11-22T23:59:59+23:59', '2026-11-22T00:00:00.123456789-05:30'])('%s is a moment', (text) => {
  expect([isDate(text), Number.isNaN(Date.parse(text)), isBare(text)]).toEqual([true, false, false]);
});

test.each(['', '2026', '2026-1-1', '2026-11-22 ', '2026-11-22T24:00Z', '2026-11-22T12:60Z', '2026-11-22T12:00:60Z', '2026-11-22T12:00', '2026-11-22T12:00+24:00', '2026-11-22T12:00:00.Z', '+002026-11-22', '2026-11-22\n'])('%j is none', (text) => {
  expect(isDate(text)).toBe(false);
});
