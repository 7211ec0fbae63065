import type { DatabaseSync } from 'node:sqlite';
import { toCsv } from './csv.ts';
import type { LogLine } from './ask/facets.ts';
import type { Page, PageQuery } from './ask/page.ts';
import type { Query } from './ask/query.ts';
import { firstKept, readRows } from './rows.ts';
import { knownValues, search } from './search.ts';

/** A page ends early when its rows have this many bytes together, so that long records don't fill the memory. */
const MAX_BYTES = 8 * 2 ** 20;

/** @throws {IndexDamaged} when what the index says is not so. */
export function readPage(db: DatabaseSync, dir: string, { query, format }: PageQuery): Page {
  const found = search(db, { ...query, limit: query.limit + 1, least: firstKept(dir) });
  const wanted = found.slice(0, query.limit);
  const rows: string[] = [];
  let bytes = 0;
  let last: number | undefined;
  for (const row of readRows(dir, wanted, query)) {
    const text = format === 'csv' ? toCsv(row.record) : toText(row);
    if (rows.length > 0 && bytes + text.length > MAX_BYTES) return { rows, next: last!, known: known(db, query) };
    rows.push(text);
    bytes += text.length;
    last = row.index;
  }
  const isMore = found.length > wanted.length;
  return { rows, ...(isMore && { next: wanted.at(-1)!.index }), known: known(db, query) };
}

export const toText = ({ line, record }: { readonly line: string; readonly record: LogLine }) => (record['object'] === undefined ? line : JSON.stringify(record));

// The ids are no names of the index: whether a record has them is seen by the page itself.
const known = (db: DatabaseSync, { filter }: Query) => knownValues(db, Object.values(filter).flat());
