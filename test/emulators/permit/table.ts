/** What every stored object has. `order` counts creations, over all tables. */
export interface Row {
  readonly id: string;
  readonly order: number;
  readonly createdAtMs: number;
  updatedAtMs: number;
}

/** Counts the rows of all tables, and throws where there are too many. */
export interface Quota {
  take(): void;
  give(rows: number): void;
}

/** Rows in the order of their creation (assumed, facts 14), found by id or key. */
export interface Table<T extends Row> {
  /** Live: not to be changed, and not to be kept over a change. */
  readonly rows: readonly T[];
  readonly size: number;
  /** The id comes first, where a key looks like one. */
  find(idOrKey: string): T | undefined;
  add(row: T): T;
  remove(row: T): void;
  /** Removes what `gone` says; gives what was removed. */
  sweep(gone: (row: T) => boolean): readonly T[];
}

const DASHED = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** An id as rows have it: clients that parse ids send them back as dashed UUIDs. Anything else stays as it is. */
export const undashed = (idOrKey: string): string => (DASHED.test(idOrKey) ? idOrKey.replaceAll('-', '').toLowerCase() : idOrKey);

const isBefore = (a: Row, b: Row) => a.createdAtMs < b.createdAtMs || (a.createdAtMs === b.createdAtMs && a.order < b.order);

export function createTable<T extends Row>(keyOf: (row: T) => string, quota: Quota): Table<T> {
  let rows: T[] = [];
  const byId = new Map<string, T>();
  const byKey = new Map<string, T>();
  const forget = (row: T) => {
    byId.delete(row.id);
    byKey.delete(keyOf(row));
  };
  // Binary search: a million tuples may be read, and removed, from anywhere.
  const placeOf = (row: Row) => {
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(rows[middle]!, row)) low = middle + 1; else high = middle;
    }
    return low;
  };
  return {
    get rows() { return rows; },
    get size() { return rows.length; },
    find: (idOrKey) => byId.get(undashed(idOrKey)) ?? byKey.get(idOrKey),
    add(row) {
      quota.take();
      const last = rows.at(-1);
      if (last === undefined || isBefore(last, row)) rows.push(row); else rows.splice(placeOf(row), 0, row);
      byId.set(row.id, row);
      byKey.set(keyOf(row), row);
      return row;
    },
    remove(row) {
      if (byId.get(row.id) !== row) return;
      rows.splice(placeOf(row), 1);
      forget(row);
      quota.give(1);
    },
    sweep(gone) {
      const swept = rows.filter(gone);
      if (swept.length === 0) return swept;
      const out = new Set(swept);
      rows = rows.filter((row) => !out.has(row));
      swept.forEach(forget);
      quota.give(swept.length);
      return swept;
    },
  };
}
