/** From `fromMs` on and before `toMs`; absent: from the log's first record, to its last. */
export interface Window {
  readonly fromMs?: number;
  readonly toMs?: number;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;
const DAY_MS = 86_400_000;

/** A date, or a time with its zone; a date as an end is the end of its day. @returns undefined for anything else. */
export function parseMoment(text: string, isEnd: boolean): number | undefined {
  const isDate = DATE.test(text);
  if (!isDate && !TIME.test(text)) return undefined;
  const atMs = Date.parse(text);
  // Date.parse takes 30 February for a day in March.
  const dayMs = Date.parse(text.slice(0, 10));
  if (Number.isNaN(atMs) || Number.isNaN(dayMs) || new Date(dayMs).toISOString().slice(0, 10) !== text.slice(0, 10)) return undefined;
  return isDate && isEnd ? atMs + DAY_MS : atMs;
}

export const windowOf = ({ fromMs, toMs }: Window) => ({
  from: fromMs === undefined ? null : new Date(fromMs).toISOString(),
  to: toMs === undefined ? null : new Date(toMs).toISOString(),
});
export type WindowReport = ReturnType<typeof windowOf>;
