import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import path from 'node:path';
import { segmentPath } from '../layout.ts';
import { lineStart, MAX_LINE_BYTES } from '../line.ts';
import { damagedLog, IndexDamaged } from './damage.ts';
import type { LogLine } from './ask/facets.ts';
import { parseLine } from './line.ts';
import { matches, type Query } from './ask/query.ts';
import type { Found } from './merge.ts';

export interface Row {
  readonly index: number;
  /** As it is stored, without its newline. */
  readonly line: string;
  /** With the members of its side object, if it has one. */
  readonly record: LogLine;
}

/**
 * Reads the lines that the index has found; those that only share the hash of an id with the one asked for are left out.
 *
 * @throws {IndexDamaged} when a line is not what the index says of it: the log is the truth.
 */
export function* readRows(dir: string, found: readonly Found[], query: Query): Generator<Row> {
  const segments = segmentsOf(dir);
  const { requestId: _, decisionId: __, ...withoutIds } = query;
  const files = new Map<number, number>();
  try {
    for (const { index, offset, bytes } of found) {
      const segment = segments.findLast((first) => first <= index);
      if (segment === undefined) continue;
      let file = files.get(segment);
      if (file === undefined) files.set(segment, file = openSync(segmentPath(dir, segment), 'r'));
      const row = readRow(dir, { file, index, offset, bytes });
      if (!matches(row.record, withoutIds)) throw new IndexDamaged(`it tells what is not so of record ${index}`);
      if (matches(row.record, query)) yield row;
    }
  } finally {
    for (const file of files.values()) closeSync(file);
  }
}

const segmentsOf = (dir: string) => readdirSync(path.join(dir, 'segments')).filter((name) => /^\d{20}\.ndjson$/.test(name)).map((name) => Number(name.slice(0, 20))).sort((a, b) => a - b);

/** Index of the first record that the log still has: those before it were pruned. */
export const firstKept = (dir: string): number => segmentsOf(dir)[0] ?? 0;

function readRow(dir: string, { file, index, offset, bytes }: Found & { readonly file: number }): Row {
  const elsewhere = new IndexDamaged(`it has another place for record ${index} than the log`);
  // Anything may stand in a damaged index, and a line that is cut short is no damage of the log.
  if (!(bytes > 0 && bytes <= MAX_LINE_BYTES) || !Number.isSafeInteger(offset) || offset < 0) throw elsewhere;
  const buffer = Buffer.allocUnsafe(bytes + 1);
  const line = buffer.toString('utf8', 0, readSync(file, buffer, 0, bytes + 1, offset) - 1);
  if (!line.startsWith(lineStart(index)) || buffer.indexOf('\n') !== bytes) throw elsewhere;
  try {
    return { index, line, record: parseLine(dir, line) };
  } catch (error) {
    throw damagedLog(`record ${index}`, error);
  }
}
