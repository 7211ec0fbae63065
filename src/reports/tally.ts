/** What a report keeps of a name's kind, unless all are wanted: a log may hold more names than anyone can read. */
export const MAX_NAMES = 1000;

/** Distinct names, each with how many decisions named it. Beyond so many the further ones are only counted as more. */
export interface Names {
  add(name: string, times: number): void;
  /** The most frequent first, then by name. */
  list(): readonly { readonly name: string; readonly decisions: number }[];
  readonly more: () => boolean;
}

export function createNames(most: number = MAX_NAMES): Names {
  const counts = new Map<string, number>();
  let more = false;
  return {
    add(name, times) {
      const before = counts.get(name);
      if (before === undefined && counts.size >= most) more = true;
      else counts.set(name, (before ?? 0) + times);
    },
    list: () => [...counts].map(([name, decisions]) => ({ name, decisions })).sort((a, b) => b.decisions - a.decisions || (a.name < b.name ? -1 : 1)),
    more: () => more,
  };
}

/** How often, how much and when. Rows are those that callers stated; decisions without are one row or more each, nobody knows. */
export interface Amount {
  decisions: number;
  withRows: number;
  rows: number;
  firstMs: number;
  lastMs: number;
}

export const noAmount = (): Amount => ({ decisions: 0, withRows: 0, rows: 0, firstMs: Infinity, lastMs: -Infinity });

export interface Counted {
  readonly count: number;
  readonly withRows: number;
  readonly rows: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export function addTo(amount: Amount, { count, withRows, rows, firstMs, lastMs }: Counted): void {
  amount.decisions += count;
  amount.withRows += withRows;
  amount.rows += rows;
  amount.firstMs = Math.min(amount.firstMs, firstMs);
  amount.lastMs = Math.max(amount.lastMs, lastMs);
}

const timeOf = (ms: number) => (Number.isFinite(ms) ? new Date(ms).toISOString() : null);

export const amountOf = ({ decisions, withRows, rows, firstMs, lastMs }: Amount) => ({
  decisions, rows, decisionsWithoutRows: decisions - withRows, first: timeOf(firstMs), last: timeOf(lastMs),
});
export type AmountReport = ReturnType<typeof amountOf>;
