import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { FACETS } from './ask/facets.ts';
import { direction, mergeShapes, type Found, type Range, type Seek } from './merge.ts';
import type { Query } from './ask/query.ts';
import { facetNumber, hashId, IDS_PART, prepareRows, readState } from './store.ts';

/** A facet of the query as SQL; `shapes` counts those that have it, up to `MANY`. */
interface Condition {
  readonly facet: number;
  readonly names: string;
  readonly shapes: number;
}

const MANY = 100_000;

/** How many records are looked at in the order of the log before the shapes are asked. */
export interface ScanBounds {
  readonly least: number;
  readonly most: number;
}

/**
 * The first records of the query in its order, at most `limit`, as far as the log is indexed. Those of an id that only
 * has the same hash as the one asked for are among them: whoever reads a record compares.
 *
 * @param query.least index of the first record that the log still has.
 */
export function search(db: DatabaseSync, query: Query & { readonly least?: number }, bounds: ScanBounds = { least: 2_000, most: 60_000 }): readonly Found[] {
  const range = rangeOf(db, query);
  const conditions = conditionsOf(db, query);
  if (conditions === undefined || range.low >= range.high) return [];
  if (query.requestId !== undefined || query.decisionId !== undefined) return byId(db, query, { range, conditions });

  // The rarest facet first: records of few shapes are found by going through the shapes. Those of many come up soon
  // in the order of the log; unless all of them lie elsewhere in it, and then the shapes are asked for the rest.
  const [rarest, ...others] = conditions.toSorted((a, b) => a.shapes - b.shapes);
  const budget = rarest === undefined ? range.high - range.low : Math.min(Math.max(bounds.least, expected(db, conditions, query.limit)), bounds.most);
  const { near, far } = split(range, budget, query.order);
  const scanned = rarest !== undefined && rarest.shapes <= Math.min(budget, MANY) / 8 ? undefined : scan(db, query, { range: near, conditions });
  const rest = scanned === undefined ? range : far;
  if (scanned !== undefined && (scanned.length >= query.limit || rest.low >= rest.high)) return scanned;
  const seek: Seek = {
    shapes: `SELECT DISTINCT shape FROM facets WHERE facet = ${rarest!.facet} AND name IN (${rarest!.names})`,
    where: whereOf(others, 'c.shape'),
    order: query.order,
    limit: query.limit - (scanned?.length ?? 0),
  };
  return [...scanned ?? [], ...mergeShapes(db, rest, seek)];
}

/** Thrice as many records in the order of the log as hold a page of those asked for, if they are spread evenly. */
function expected(db: DatabaseSync, conditions: readonly Condition[], limit: number): number {
  const all = number(prepareRows(db, 'SELECT count(*) FROM (SELECT 1 FROM shapes LIMIT ?)'), MANY) || 1;
  const share = conditions.reduce((product, { shapes }) => product * Math.min(1, shapes / all), 1);
  return Math.ceil((3 * limit) / share);
}

function split({ low, high }: Range, budget: number, order: Query['order']): { readonly near: Range; readonly far: Range } {
  const at = order === 'newest' ? Math.max(low, high - budget) : Math.min(high, low + budget);
  const [older, newer] = [{ low, high: at }, { low: at, high }];
  return order === 'newest' ? { near: newer, far: older } : { near: older, far: newer };
}

interface Within {
  readonly range: Range;
  readonly conditions: readonly Condition[];
}

function scan(db: DatabaseSync, { order, limit }: Query, { range: { low, high }, conditions }: Within): readonly Found[] {
  const rarestFirst = conditions.toSorted((a, b) => a.shapes - b.shapes);
  const sql = `SELECT idx, offset, bytes FROM records WHERE idx >= ? AND idx < ? ${whereOf(rarestFirst, 'records.shape')} ORDER BY idx ${direction(order)} LIMIT ?`;
  return prepareRows(db, sql).all(low, high, limit).map(toFound);
}

function byId(db: DatabaseSync, { requestId, decisionId, order, limit }: Query, { range: { low, high }, conditions }: Within): readonly Found[] {
  const parts = Math.floor((high - 1) / IDS_PART) - Math.floor(low / IDS_PART);
  const both = [requestId, decisionId].filter((id) => id !== undefined);
  const sql = `SELECT idx, offset, bytes FROM records WHERE idx IN (
    SELECT idx FROM ids WHERE part BETWEEN ? AND ? AND hash = ? AND idx >= ? AND idx < ?
  ) ${whereOf(conditions, 'records.shape')} ORDER BY idx ${direction(order)} LIMIT ?`;
  // With two ids the rarer: a decision has one record.
  const id = both.at(-1)!;
  const first = Math.floor(low / IDS_PART);
  return prepareRows(db, sql).all(first, first + parts, hashId(id), low, high, limit).map(toFound);
}

const whereOf = (conditions: readonly Condition[], shape: string) => conditions.map(({ facet, names }) => (
  `AND EXISTS (SELECT 1 FROM facets WHERE facet = ${facet} AND name IN (${names}) AND shape = ${shape})`
)).join(' ');

/** As SQL, of numbers alone; undefined when a value is in no record. */
function conditionsOf(db: DatabaseSync, { filter }: Query): readonly Condition[] | undefined {
  const find = prepareRows(db, 'SELECT id FROM names WHERE text = ?');
  const conditions: Condition[] = [];
  for (const name of FACETS) {
    const values = filter[name];
    if (values === undefined) continue;
    const names = [...new Set(values)].flatMap((value) => (find.get(value) as unknown as readonly number[] | undefined) ?? []).join();
    const facet = facetNumber(name);
    const shapes = names === '' ? 0 : number(prepareRows(db, `SELECT count(*) FROM (SELECT 1 FROM facets WHERE facet = ${facet} AND name IN (${names}) LIMIT ?)`), MANY);
    if (shapes === 0) return undefined;
    conditions.push({ facet, names, shapes });
  }
  return conditions;
}

function rangeOf(db: DatabaseSync, { fromMs, toMs, after, below, order, least = 0 }: Query & { readonly least?: number }): Range {
  const all = { low: number(prepareRows(db, 'SELECT min(idx) FROM records')), high: readState(db)?.next ?? 0 };
  const byTime = { low: fromMs === undefined ? all.low : firstAt(db, all, fromMs), high: toMs === undefined ? all.high : firstAt(db, all, toMs) };
  const high = Math.min(byTime.high, below ?? Infinity, order === 'newest' ? after ?? Infinity : Infinity);
  const low = Math.max(byTime.low, least, order === 'oldest' && after !== undefined ? after + 1 : 0);
  return { low, high };
}

/** Index of the first record at or after this time: the time of records never goes back. */
function firstAt(db: DatabaseSync, { low, high }: Range, atMs: number): number {
  const time = prepareRows(db, 'SELECT time FROM records WHERE idx >= ? ORDER BY idx LIMIT 1');
  let [from, until] = [low, high];
  while (from < until) {
    const middle = Math.floor((from + until) / 2);
    if (number(time, middle) < atMs) from = middle + 1;
    else until = middle;
  }
  return from;
}

function number(statement: StatementSync, ...parameters: readonly number[]): number {
  const row = statement.get(...parameters) as unknown as readonly (number | null)[] | undefined;
  return row?.[0] ?? 0;
}

function toFound(row: unknown): Found {
  const [index, offset, bytes] = row as readonly [number, number, number];
  return { index, offset, bytes };
}

/** Those of the values that some record has, under whatever facet. */
export function knownValues(db: DatabaseSync, values: readonly string[]): readonly string[] {
  const find = db.prepare('SELECT 1 FROM names WHERE text = ?');
  return values.filter((value) => find.get(value) !== undefined);
}
