import { join } from 'node:path';
import { HASH_BYTES, leafHashInPlace } from '../core/tlog/merkle.ts';
import { DisplacedError, syncFolder, synced, writeAll, type Files, type LogFile } from './files.ts';
import { objectPath, segmentPath } from './layout.ts';
import type { Line, SideObject } from './line.ts';

/** What is on disk: the last segment by its first index, its size, and the index of the next line. */
export interface Tail {
  readonly first: number;
  readonly bytes: number;
  readonly next: number;
}

/** Lines that are committed together. */
export interface Commit {
  /** First index of the segment they belong to; another one than that of the commit before begins it. */
  readonly segment: number;
  readonly lines: readonly Line[];
  /** Index of the line after them. */
  readonly next: number;
}

/** Is told what is on disk, in order, before anybody else. Neither may throw. */
export interface Growth {
  /** @param from index of the first of the leaves, which lie one behind the other. */
  readonly extend: (from: number, leaves: Buffer) => void;
  /** A segment has ended. */
  readonly seal: () => void;
}

/** The only one that writes segments. Called for one thing at a time. */
export interface Writer {
  /** What is on disk and stays. */
  tail(): Tail;
  /**
   * On return the lines and their side objects are on disk. After a throw none of them count, and the next commit cuts
   * off what may have been written of them; but where `isPassing(error)` is false there may be no next one.
   */
  commit(commit: Commit): Promise<void>;
  close(): Promise<void>;
  /** For good, after an error that does not pass. Never throws, and syncs nothing. */
  abandon(): Promise<void>;
}

/**
 * Whether trying again later may help: the disk is full, or too many files are open, which connections are too. Never
 * after a sync has failed: a `SyncError` has no code.
 */
export const isPassing = (error: unknown) => passing((error as NodeJS.ErrnoException).code) !== undefined;

/** What ends it. */
export const passing = (code: string | undefined): string | undefined => PASSING[code ?? ''];

const PASSING: Readonly<Record<string, string>> = {
  ENOSPC: 'when there is space again', EDQUOT: 'when there is space again',
  EMFILE: 'when this process has fewer files and connections open', ENFILE: 'when this machine has fewer files open',
};

export interface WriterOptions {
  readonly files: Files;
  readonly dir: string;
  /** Without it nothing is hashed. */
  readonly growth?: Growth | undefined;
}

/** Opens the last segment where `found` says that it ends; what is behind is cut off. */
export async function openWriter({ files, dir, growth }: WriterOptions, found: Tail): Promise<Writer> {
  let tail = found;
  let file: LogFile | undefined = await openSegment(files, dir, found);
  let isDisplaced = false;

  /** Else what is acknowledged would be durable in a file that nobody finds. */
  async function look(at: LogFile, bytes: number): Promise<void> {
    if (await at.isInPlace(bytes)) return;
    isDisplaced = true;
    throw new DisplacedError(`${segmentPath(dir, tail.first)} has been removed, replaced or changed, by another hand than Sluice's`);
  }

  async function segmentFile(first: number): Promise<LogFile> {
    file ??= await openSegment(files, dir, tail);
    if (first === tail.first) return file;
    await look(file, tail.bytes);
    const full = file;
    file = undefined;
    await full.close();
    growth?.seal();
    tail = { first, bytes: 0, next: first };
    return openSegment(files, dir, tail);
  }

  return {
    tail: () => tail,
    async commit({ segment, lines, next }) {
      try {
        file = await segmentFile(segment);
        await writeObjects(files, dir, lines);
        const block = toBlock(lines);
        await writeAll(file, block.subarray(1));
        const syncing = Promise.all([synced(file.datasync), look(file, tail.bytes + block.length - 1)]);
        // While the disk works. The block has been written: its newlines are no longer needed.
        const leaves = growth && leavesOf(block, lines);
        await syncing; // whichever fails first; the other's failure says no more
        const from = tail.next;
        tail = { first: segment, bytes: tail.bytes + block.length - 1, next };
        if (leaves !== undefined) growth?.extend(from, leaves);
      } catch (error) {
        const broken = file;
        file = undefined;
        await broken?.close().catch(() => {});
        throw error;
      }
    },
    async close() {
      await file?.close();
      file = undefined;
    },
    async abandon() {
      if (isDisplaced) return; // what lies there now is not ours
      // Lines that were refused must not turn up after a restart, when they may be in the page cache and not on disk.
      const last = await files.open(segmentPath(dir, tail.first), 'r+').catch(() => undefined);
      await last?.truncate(tail.bytes).catch(() => {});
      await last?.close().catch(() => {});
    },
  };
}

/** The lines, behind one spare byte. */
function toBlock(lines: readonly Line[]): Buffer {
  const block = Buffer.allocUnsafe(lines.reduce((sum, { bytes }) => sum + bytes, 1));
  let at = 1;
  for (const { text } of lines) at += block.write(text, at);
  return block;
}

function leavesOf(block: Buffer, lines: readonly Line[]): Buffer {
  const leaves = Buffer.allocUnsafe(lines.length * HASH_BYTES);
  let start = 1;
  for (const [at, { bytes }] of lines.entries()) {
    leaves.write(leafHashInPlace(block, start, start + bytes - 1), at * HASH_BYTES, 'latin1');
    start += bytes;
  }
  return leaves;
}

/** Opens a segment to append at `bytes`, with nothing behind; it and its name are then on disk. */
async function openSegment(files: Files, dir: string, { first, bytes }: Tail): Promise<LogFile> {
  const path = segmentPath(dir, first);
  const file = await files.open(path, 'a');
  try {
    const size = await file.size();
    if (size < bytes) throw new Error(`${path}: has become shorter, by another hand than Sluice's`);
    if (size > bytes) await file.truncate(bytes);
    await synced(file.sync);
    await syncFolder(files, join(dir, 'segments'));
    return file;
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

async function writeObjects(files: Files, dir: string, lines: readonly Line[]): Promise<void> {
  const objects = lines.flatMap(({ object }) => object ?? []);
  for (const object of objects) await writeObject(files, dir, object);
  if (objects.length > 0) await syncFolder(files, join(dir, 'objects'));
}

// By another name first: an object that is there under its own is whole. One such name, so that no crash leaves more.
async function writeObject(files: Files, dir: string, { hex, bytes }: SideObject): Promise<void> {
  const temporary = join(dir, 'objects', 'unfinished');
  const file = await files.open(temporary, 'w');
  try {
    await writeAll(file, bytes);
    await synced(file.sync);
  } finally {
    await file.close();
  }
  await files.rename(temporary, objectPath(dir, hex));
}
