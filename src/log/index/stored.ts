import { readLog } from '../read.ts';
import type { LogLine } from './ask/facets.ts';
import { matches, type Query } from './ask/query.ts';
import { firstKept, readRows, type Row } from './rows.ts';
import { search } from './search.ts';
import { checkSeal, indexPath, openToRead, readState } from './store.ts';

export interface StoredPage {
  readonly rows: readonly Row[];
  /** Index of the last of them, when more may come after it. */
  readonly next?: number;
  /** How many records the index did not have, so that they were looked at one by one. */
  readonly scanned: number;
}

export interface Stored {
  readonly dir: string;
  readonly folder: string;
  readonly origin: string;
}

/**
 * A page of the log in a data directory, also while a server writes both log and index: takes no lock and changes
 * nothing. What the index does not have is read from the log itself; without an index that is all of it.
 */
export async function readStored(stored: Stored, query: Query): Promise<StoredPage> {
  const indexed = await readIndexed(stored, query);
  const end = indexed?.end ?? 0;
  const wanted = query.limit + 1;
  const tail = await readTail(stored.dir, { ...query, limit: wanted }, end);
  const older = indexed?.rows ?? [];
  const all = query.order === 'newest' ? [...tail.rows, ...older] : [...older, ...tail.rows];
  const rows = all.slice(0, query.limit);
  return { rows, ...(all.length > rows.length && { next: rows.at(-1)!.index }), scanned: tail.scanned };
}

/** Undefined when there is no index that can be used; then the log is, which is only slower. */
async function readIndexed({ dir, folder, origin }: Stored, query: Query): Promise<{ readonly rows: readonly Row[]; readonly end: number } | undefined> {
  try {
    await checkSeal(indexPath(folder));
    const db = openToRead(indexPath(folder));
    try {
      const state = readState(db);
      if (state?.origin !== origin) return undefined;
      const bounded = { ...query, limit: query.limit + 1, below: Math.min(query.below ?? Infinity, state.next) };
      return { rows: [...readRows(dir, search(db, { ...bounded, least: firstKept(dir) }), bounded)], end: state.next };
    } finally {
      db.close();
    }
  } catch {
    return undefined;
  }
}

async function readTail(dir: string, query: Query, end: number): Promise<{ readonly rows: readonly Row[]; readonly scanned: number }> {
  const { order, after, below = Infinity, limit } = query;
  const from = order === 'newest' ? Math.min(below, after ?? Infinity) - 1 : Math.max(end, after === undefined ? 0 : after + 1);
  const rows: Row[] = [];
  let scanned = 0;
  for await (const row of readLog(dir, { from, reverse: order === 'newest' })) {
    if (row.index < end || row.index >= below || rows.length >= limit || isPast(row.record, query)) break;
    scanned += 1;
    if (matches(row.record, query)) rows.push(row);
  }
  return { rows, scanned };
}

/** Whether no record after this one can be in the time asked for: time never goes back. */
function isPast({ time }: LogLine, { order, fromMs, toMs }: Query): boolean {
  const atMs = Date.parse(String(time));
  return order === 'newest' ? fromMs !== undefined && atMs < fromMs : toMs !== undefined && atMs >= toMs;
}
