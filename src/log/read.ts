import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { blocks, blocksBackwards } from './blocks.ts';
import { openPlain, readPlain } from './files.ts';
import { listSegments, MAX_OBJECT_BYTES, objectPath, segmentPath } from './layout.ts';
import { lineStart } from './line.ts';

export interface ReadOptions {
  /** Index of the first record given; default the first of the log, with `reverse` the last. */
  readonly from?: number;
  /** From newer to older. */
  readonly reverse?: boolean;
  readonly limit?: number;
  /** Waits at the end for more, until `signal` aborts. Not with `reverse`. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export interface LogRecord {
  readonly index: number;
  /** As it is stored, without its newline. */
  readonly line: string;
  /** The line parsed; where it names a side object, with that object's members. */
  readonly record: Readonly<Record<string, unknown>>;
}

/**
 * Reads the log in `dir`, also while a server writes it; then the last records may be ones that nobody has been
 * answered for yet, and that are gone when their group can't be written. A torn last line is not given.
 *
 * @throws {Error} naming file and line, or the side object, for what is no record of the log.
 */
export async function* readLog(dir: string, options: ReadOptions = {}): AsyncGenerator<LogRecord> {
  const { from = options.reverse ? Infinity : 0, reverse = false, follow = false, limit = Infinity } = options;
  if (reverse && follow) throw new TypeError('a log is followed forwards');
  let left = limit;
  for await (const { segment, index, lines } of reverse ? backwards(dir, from) : forwards(dir, from, options)) {
    const places = lines.map((line, i) => ({ segment, index: index + i, line }));
    for (const place of reverse ? places.reverse() : places) {
      if (left <= 0) return;
      if (reverse ? place.index > from : place.index < from) continue;
      yield await toRecord(dir, place);
      left -= 1;
    }
    if (left <= 0) return;
  }
}

/** Some lines that follow one another in a segment. */
interface Chunk {
  readonly segment: number;
  /** Of the first line. */
  readonly index: number;
  readonly lines: readonly string[];
}

async function* forwards(dir: string, from: number, { follow = false, signal }: ReadOptions): AsyncGenerator<Chunk> {
  const segments = await listSegments(dir);
  let segment = segments.findLast((first) => first <= from) ?? segments[0];
  let [index, position] = [segment ?? 0, 0];
  while (segment !== undefined) {
    const first: number = segment;
    // Listed before the segment is read: one that has a successor by then is read to its real end.
    const successor = (await listSegments(dir)).find((later) => later > first);
    const file = await openPlain(segmentPath(dir, first));
    try {
      for await (const block of blocks(file, position)) {
        const lines = linesOf(block);
        yield { segment: first, index, lines };
        index += lines.length;
        position += block.length;
      }
    } finally {
      await file.close();
    }
    if (successor !== undefined) [segment, index, position] = [successor, successor, 0];
    else if (!follow || !(await isTimeForMore(signal))) return;
  }
}

async function* backwards(dir: string, from: number): AsyncGenerator<Chunk> {
  for (const segment of (await listSegments(dir)).filter((first) => first <= from).reverse()) {
    const path = segmentPath(dir, segment);
    const file = await openPlain(path);
    try {
      for await (const block of blocksBackwards(file)) {
        const lines = linesOf(block);
        const index = /^\{"v":1,"index":(\d+),/.exec(lines[0] ?? '')?.[1];
        if (index === undefined) throw new Error(`${path}: holds a line that is no record of this log`);
        yield { segment, index: Number(index), lines };
      }
    } finally {
      await file.close();
    }
  }
}

const linesOf = (block: Buffer) => block.toString('utf8', 0, block.length - 1).split('\n');

const LOOK_EVERY_MS = 200;

/** Waits a little; false once `signal` has aborted. */
async function isTimeForMore(signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await wait(LOOK_EVERY_MS, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

async function toRecord(dir: string, { segment, index, line }: { readonly segment: number; readonly index: number; readonly line: string }): Promise<LogRecord> {
  const place = `${segmentPath(dir, segment)}:${index - segment + 1}`;
  if (!line.startsWith(lineStart(index))) throw new Error(`${place}: must be the record of index ${index}, and is not`);
  try {
    const record: Record<string, unknown> = JSON.parse(line);
    const object = typeof record['object'] === 'string' ? await loadObject(dir, record['object']) : undefined;
    return { index, line, record: { ...record, ...object } };
  } catch (error) {
    throw new Error(`${place}: ${(error as Error).message}`, { cause: error });
  }
}

async function loadObject(dir: string, name: string): Promise<Record<string, unknown>> {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(name)?.[1];
  if (hex === undefined) throw new Error('names no side object');
  const path = objectPath(dir, hex);
  const bytes = await readPlain(path, MAX_OBJECT_BYTES);
  if (bytes === undefined) throw new Error(`its side object ${path} is missing`);
  if (createHash('sha256').update(bytes).digest('hex') !== hex) throw new Error(`its side object ${path} has been changed`);
  return JSON.parse(bytes.toString());
}
