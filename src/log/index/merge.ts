import type { DatabaseSync } from 'node:sqlite';
import type { Query } from './ask/query.ts';
import { IndexDamaged } from './damage.ts';
import { POSTINGS_PART, prepareRows } from './store.ts';

/** Where a record is: its segment is the last one whose first index is not greater. */
export interface Found {
  readonly index: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Records by their index: from `low` on, below `high`. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

export const direction = (order: Query['order']) => (order === 'newest' ? 'DESC' : 'ASC');

export interface Seek extends Pick<Query, 'order' | 'limit'> {
  /** SQL that gives the shapes to choose from. */
  readonly shapes: string;
  /** SQL, beginning with AND, that `c.shape` must fulfil; or nothing. */
  readonly where: string;
}

/** The records of some shapes, merged in the order of the log: part by part, until there are enough. */
export function mergeShapes(db: DatabaseSync, range: Range, seek: Seek): readonly Found[] {
  const place = prepareRows(db, 'SELECT offset, bytes FROM records WHERE idx = ?');
  const found: number[] = [];
  for (const part of partsOf(range, seek.order)) {
    if (found.length >= seek.limit) break;
    found.push(...mergePart(db, { part, ...range }, { ...seek, limit: seek.limit - found.length }));
  }
  return found.map((index) => {
    const row = place.get(index) as unknown as readonly [number, number] | undefined;
    if (row === undefined) throw new IndexDamaged(`it has no place for record ${index}`);
    const [offset, bytes] = row;
    return { index, offset, bytes };
  });
}

function partsOf({ low, high }: Range, order: Query['order']): readonly number[] {
  const [first, last] = [Math.floor(low / POSTINGS_PART), Math.floor((high - 1) / POSTINGS_PART)];
  const parts = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return order === 'newest' ? parts.reverse() : parts;
}

interface Part extends Range {
  readonly part: number;
}

/** Where one shape stands in the merge: the indexes that were fetched, and the next of them. */
interface Cursor {
  readonly shape: number;
  indexes: readonly number[];
  at: number;
  chunk: number;
}

function mergePart(db: DatabaseSync, part: Part, { order, limit, ...seek }: Seek): readonly number[] {
  const fetch = createFetch(db, part, order);
  const cursors = heads(db, part, { order, limit, ...seek });
  const isBefore = order === 'newest' ? (a: number, b: number) => a > b : (a: number, b: number) => a < b;
  const found: number[] = [];
  while (found.length < limit && cursors.length > 0) {
    let best = 0;
    for (let i = 1; i < cursors.length; i += 1) if (isBefore(headOf(cursors[i]!), headOf(cursors[best]!))) best = i;
    const cursor = cursors[best]!;
    found.push(headOf(cursor));
    cursor.at += 1;
    if (cursor.at === cursor.indexes.length) fetch(cursor);
    if (cursor.at === cursor.indexes.length) cursors.splice(best, 1);
  }
  return found;
}

const headOf = ({ indexes, at }: Cursor) => indexes[at]!;

/** Each shape's first record; of the `limit` shapes whose record comes first, since no other can be on the page. */
function heads(db: DatabaseSync, { part, low, high }: Part, { order, limit, shapes, where }: Seek): Cursor[] {
  const newest = order === 'newest';
  const sql = `SELECT c.shape, (SELECT ${newest ? 'max' : 'min'}(idx) FROM postings WHERE part = ${part} AND shape = c.shape AND idx >= ${low} AND idx < ${high}) AS head
    FROM (${shapes}) c WHERE 1 ${where} ORDER BY head ${direction(order)} NULLS LAST LIMIT ?`;
  const rows = prepareRows(db, sql).all(limit) as unknown as readonly (readonly [number, number | null])[];
  return rows.flatMap(([shape, head]) => (head === null ? [] : [{ shape, indexes: [head], at: 0, chunk: 4 }]));
}

// A few at a time, then more: of most shapes a page takes one record or two.
function createFetch(db: DatabaseSync, { part, low, high }: Part, order: Query['order']): (cursor: Cursor) => void {
  const [from, until] = order === 'newest' ? [`${low}`, '?'] : ['? + 1', `${high}`];
  const statement = prepareRows(db, `SELECT idx FROM postings WHERE part = ${part} AND shape = ? AND idx >= ${from} AND idx < ${until} ORDER BY idx ${direction(order)} LIMIT ?`);
  return (cursor) => {
    const last = cursor.indexes.at(-1)!;
    cursor.indexes = (statement.all(cursor.shape, last, cursor.chunk) as unknown as readonly (readonly [number])[]).map(([index]) => index);
    cursor.at = 0;
    cursor.chunk = Math.min(cursor.chunk * 2, 256);
  };
}
