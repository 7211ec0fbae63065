import type { FileHandle } from 'node:fs/promises';
import { blocks, blocksBackwards, eachLine } from './blocks.ts';
import { openPlain } from './files.ts';
import { listSegments, refuseOdd, segmentPath } from './layout.ts';
import { lineHead, lineStart, MAX_LINE_BYTES } from './line.ts';
import type { Tail } from './writer.ts';

/** Where a log goes on. */
export interface Recovered {
  readonly tail: Tail;
  /** Of what a crash left of the last group, which was never acknowledged; to be cut off. */
  readonly truncatedBytes: number;
  /** When the last line was written, in milliseconds since the Unix epoch; 0 in an empty log. */
  readonly lastMs: number;
  /** When the last segment's first line was written; undefined while it has none. */
  readonly startedMs: number | undefined;
  /** Digests of the inputs that the last segment holds. */
  readonly inputs: ReadonlySet<string>;
}

/**
 * Reads where the log ends: before a last line without its end, or one with a zero byte in it, which no record has. A
 * power loss leaves zeros where a part of the last group did not reach the disk, and what stands behind may have. That
 * no record that was signed for is among it is looked at by `checkTree`. The last segment is read in full, of the others
 * only the first and last line: they were synced before their successor was made. Changes nothing.
 *
 * @throws {Error} naming file and line, and what to do, for anything but a torn end.
 */
export async function recover(dir: string, origin: string): Promise<Recovered> {
  await refuseOdd(dir);
  const segments = await listSegments(dir);
  let lastMs = 0;
  for (const [position, first] of segments.slice(0, -1).entries()) {
    lastMs = await checkBoundary(dir, { first, next: segments[position + 1]!, origin });
  }
  const first = segments.at(-1);
  if (first === undefined) return { tail: { first: 0, bytes: 0, next: 0 }, truncatedBytes: 0, lastMs, startedMs: undefined, inputs: new Set() };

  const path = segmentPath(dir, first);
  return withFile(path, async (file) => {
    const found = await scan(file, { path, first, origin });
    return {
      tail: { first, bytes: found.bytes, next: found.next },
      truncatedBytes: (await file.stat()).size - found.bytes,
      lastMs: found.last === undefined ? lastMs : timeOf(found.last, { path, line: found.next - first, index: found.next - 1, origin }),
      startedMs: found.start === undefined ? undefined : timeOf(found.start, { path, line: 1, index: first, origin }),
      inputs: found.inputs,
    };
  });
}

interface Scan {
  readonly bytes: number;
  readonly next: number;
  readonly start: string | undefined;
  readonly last: string | undefined;
  readonly inputs: ReadonlySet<string>;
}

// A segment holds hundreds of thousands of lines: each is compared with how it must begin and end, not parsed.
async function scan(file: FileHandle, { path, first, origin }: { readonly path: string; readonly first: number; readonly origin: string }): Promise<Scan> {
  const inputs = new Set<string>();
  const headLength = lineHead({ time: new Date(0).toISOString(), origin }).length;
  let start: string | undefined;
  let last: string | undefined;
  let bytes = 0;
  let next = first;
  for await (const block of blocks(file)) {
    const hole = block.indexOf(0);
    let [lastAt, end] = [0, 0];
    eachLine(block, (at, newline) => {
      if (hole !== -1 && hole < newline) return;
      const prefix = lineStart(next);
      const isWhole = startsWith(block, at, prefix) && block[newline - 1] === BRACE && newline - at <= MAX_LINE_BYTES;
      if (!isWhole) throw damaged({ path, line: next - first + 1, index: next });
      const digest = inputDigest(block, at + prefix.length + headLength, newline);
      if (digest !== undefined) inputs.add(digest);
      [lastAt, end] = [at, newline + 1];
      next += 1;
    });
    bytes += end;
    if (end > 0) {
      start ??= block.toString('utf8', 0, block.indexOf('\n'));
      last = block.toString('utf8', lastAt, end - 1);
    }
    if (hole !== -1) break;
  }
  return { bytes, next, start, last, inputs };
}

const BRACE = '}'.charCodeAt(0);

const startsWith = (block: Buffer, at: number, text: string) => block.toString('latin1', at, at + text.length) === text;

/** An input whose digest is not its first member is not found, and is then written once more: harmless. */
function inputDigest(block: Buffer, kindAt: number, newline: number): string | undefined {
  const kind = '"kind":"input","digest":"';
  if (!startsWith(block, kindAt, kind)) return undefined;
  const from = kindAt + kind.length;
  const until = block.indexOf('"', from);
  return until === -1 || until > newline ? undefined : block.toString('utf8', from, until);
}

/** That a segment which has a successor begins with its name and ends just before it. Gives the time of its last line. */
async function checkBoundary(dir: string, { first, next, origin }: { readonly first: number; readonly next: number; readonly origin: string }): Promise<number> {
  const path = segmentPath(dir, first);
  return withFile(path, async (file) => {
    const prefix = lineStart(first);
    const { buffer } = await file.read(Buffer.alloc(prefix.length), 0, prefix.length, 0);
    if (!startsWith(buffer, 0, prefix)) throw damaged({ path, line: 1, index: first });
    const { size } = await file.stat();
    const end = Buffer.alloc(1);
    await file.read(end, 0, 1, size - 1);
    const last = await lastLine(file);
    if (end[0] !== 10 || !last.startsWith(lineStart(next - 1))) {
      throw new Error(`${path}: must end with the record of index ${next - 1}, since ${segmentPath(dir, next)} comes next. Records are missing: ${ADVICE}`);
    }
    return timeOf(last, { path, line: next - first, index: next - 1, origin });
  });
}

async function lastLine(file: FileHandle): Promise<string> {
  for await (const block of blocksBackwards(file)) {
    const end = block.length - 1;
    return block.toString('utf8', block.lastIndexOf('\n', end - 1) + 1, end);
  }
  return '';
}

interface Place {
  readonly path: string;
  readonly line: number;
  readonly index: number;
}

function timeOf(line: string, { origin, ...place }: Place & { readonly origin: string }): number {
  let record: { readonly time?: unknown; readonly origin?: unknown };
  try {
    record = JSON.parse(line);
  } catch (error) {
    throw damaged(place, error);
  }
  const atMs = typeof record.time === 'string' ? Date.parse(record.time) : NaN;
  if (Number.isNaN(atMs)) throw damaged(place);
  if (record.origin !== origin) throw new Error(`${place.path}:${place.line}: a record of another log than the one in this directory, ${origin}. ${ADVICE}`);
  return atMs;
}

const ADVICE = 'Restore the log from a copy, or move the whole data directory away: Sluice then begins a new log, with a new origin. Don\'t edit it.';

// The line itself is not quoted: whatever it holds now doesn't belong into an error.
const damaged = ({ path, line, index }: Place, cause?: unknown) => (
  new Error(`${path}:${line}: must be the record of index ${index}, whole, and is not. ${ADVICE}`, { cause })
);

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await openPlain(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
