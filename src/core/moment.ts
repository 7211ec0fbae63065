const DAY_MS = 86_400_000;

const DAY = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Whether it is a date without a time. Whether that day exists is another question. */
export const isBareDate = (text: string): boolean => DAY.test(text);

/**
 * A date such as 2026-11-22, in UTC, or a time with its zone, of a day that exists; in milliseconds since the Unix epoch.
 *
 * @param isEnd a bare date ends at 24:00 (J28), and begins at 00:00.
 * @returns undefined for anything else.
 *
 * Source: RFC 3339 section 5.6, where seconds may be left out here.
 */
export function parseMoment(text: string, isEnd = false): number | undefined {
  if (!DAY.test(text) && !TIME.test(text)) return undefined;
  const day = text.slice(0, 10);
  const dayMs = Date.parse(day);
  // Date.parse takes 30 February for a day in March.
  if (Number.isNaN(dayMs) || !new Date(dayMs).toISOString().startsWith(day)) return undefined;
  return Date.parse(text) + (isEnd && DAY.test(text) ? DAY_MS : 0);
}
