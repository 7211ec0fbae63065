const DAY = /^(\d{4})-(\d\d)-(\d\d)/;
const BARE = new RegExp(`${DAY.source}$`);
const RFC_3339 = new RegExp(`${DAY.source}T([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,9})?)?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$`);
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** A day without a time: `2026-11-22`. Whether it exists is for `isDate`. */
export const isBare = (text: string): boolean => BARE.test(text);

/** A day that exists, bare or with a time and its zone. `Date.parse` alone makes February 30 a day of March. */
export function isDate(text: string): boolean {
  if (!isBare(text) && !RFC_3339.test(text)) return false;
  const [year = 0, month = 0, day = 0] = DAY.exec(text)!.slice(1).map(Number);
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day >= 1 && day <= (isLeap && month === 2 ? 29 : DAYS[month - 1] ?? 0);
}
