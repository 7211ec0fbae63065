import { existsSync, statSync } from 'node:fs';
import { hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import { blocks, eachLine } from '../blocks.ts';
import { listSegments, segmentPath } from '../layout.ts';
import { damagedLog, IndexDamaged, toDamage } from './damage.ts';
import { createReadLine, type ReadLine } from './line.ts';
import { createPairs } from './pairs.ts';
import { createShapes } from './shapes.ts';
import { closeSealed, hashId, IDS_PART, indexPath, openToWrite, POSTINGS_PART, readState, writeState, type State } from './store.ts';

export interface Indexer {
  /** Index of the first line that is not yet indexed. */
  next(): number;
  /** Indexes some more lines, none from `until` on. On return they can be found; after a throw none of them can. */
  advance(until: number): Promise<void>;
  close(): Promise<void>;
  /** Lets go of the file, in whatever state it is. */
  abandon(): void;
}

export interface IndexerOptions {
  /** `<data directory>/log` */
  readonly dir: string;
  /** `<data directory>/index` */
  readonly folder: string;
  readonly origin: string;
  /** Of one transaction. The larger it is, the fewer times the pages of the tables are written; it bounds memory too. */
  readonly maxLines?: number;
  /** Asked now and then: whether to end a transaction before it is full. */
  readonly isEnding?: () => boolean;
}

/**
 * Opens the index where it ends, or begins it.
 *
 * @throws {IndexDamaged} for a file that is damaged, of another version, or of another log; {Error} with a code of the
 * file system when the folder can't be written.
 */
export async function openIndexer(options: IndexerOptions): Promise<Indexer> {
  const { dir, folder, origin, maxLines = 250_000, isEnding = () => false } = options;
  const db = await openToWrite(folder).catch((error: unknown) => { throw toDamage(error); });
  let state: State;
  try {
    state = readState(db) ?? { origin, next: (await listSegments(dir))[0] ?? 0, segment: (await listSegments(dir))[0] ?? 0, offset: 0, last: '' };
    await checkState(dir, origin, state);
  } catch (error) {
    db.close();
    throw toDamage(error);
  }
  const file = inodeOf(folder);
  const batch = createBatch(db, createReadLine(dir, origin), isEnding);

  return {
    next: () => state.next,
    async advance(until) {
      if (state.next >= until) return;
      if (inodeOf(folder) !== file) throw new IndexDamaged('its file has been removed or replaced');
      db.exec('BEGIN');
      try {
        const lines = await batch(dir, state, Math.min(until, state.next + maxLines));
        writeState(db, lines);
        db.exec('COMMIT');
        state = lines;
      } catch (error) {
        db.exec('ROLLBACK');
        throw toDamage(error);
      }
    },
    close: () => closeSealed(db, folder),
    abandon() {
      if (db.isOpen) db.close();
    },
  };
}

const inodeOf = (folder: string) => statSync(indexPath(folder), { bigint: true, throwIfNoEntry: false })?.ino;

async function checkState(dir: string, origin: string, state: State): Promise<void> {
  if (state.origin !== origin) throw new IndexDamaged('it is of another log');
  if (state.offset === 0) return;
  const path = segmentPath(dir, state.segment);
  if (!existsSync(path)) throw new IndexDamaged('it ends in a segment that is not there');
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.min(state.offset, TAIL_BYTES));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, state.offset - bytes.length);
    if (bytesRead < bytes.length || digestOf(bytes) !== state.last) throw new IndexDamaged('it has another last line than the log');
  } finally {
    await file.close();
  }
}

const TAIL_BYTES = 256;
const digestOf = (bytes: Buffer) => hash('sha256', bytes, 'hex');

/** Reads lines from where the state says, writes them, and gives the state after them. */
function createBatch(db: DatabaseSync, readLine: ReadLine, isEnding: () => boolean): (dir: string, state: State, until: number) => Promise<State> {
  const addRecord = db.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)');
  const addPosting = db.prepare('INSERT INTO postings VALUES (?, ?, ?)');
  const addId = db.prepare('INSERT OR IGNORE INTO ids VALUES (?, ?, ?)');
  const shapeOf = createShapes(db);

  return async (dir, { origin, next: from, ...at }, until) => {
    let [{ segment, offset, last }, next] = [at, from];
    const [postings, ids] = [createPairs(POSTINGS_PART), createPairs(IDS_PART)];
    while (next < until && !isEnding()) {
      const path = segmentPath(dir, segment);
      const file = await open(path, 'r');
      try {
        for await (const block of blocks(file, offset)) {
          let taken = 0;
          eachLine(block, (start, end) => {
            if (next >= until) return;
            const line = tryLine(() => readLine(block, { index: next, start, end }), `${path}:${next - segment + 1}`);
            const shape = shapeOf(line, next);
            addRecord.run(next, line.timeMs, shape, offset + start, end - start, line.rows ?? null);
            postings.add(shape, next);
            for (const id of line.ids) ids.add(hashId(id), next);
            next += 1;
            taken = end + 1;
          });
          offset += taken;
          if (next >= until || isEnding()) break;
        }
        if (offset > 0) last = await tailDigest(file, offset);
      } finally {
        await file.close();
      }
      // A segment is named by its first index; the lines that follow stand in the one that is named by theirs.
      if (next >= until || isEnding()) break;
      if (segment === next) throw new Error(`${path}: ends before the record of index ${next}`);
      [segment, offset] = [next, 0];
    }
    postings.flush((part, shape, index) => addPosting.run(part, shape, index));
    ids.flush((part, id, index) => addId.run(part, id, index));
    return { origin, next, segment, offset, last };
  };
}

function tryLine<T>(read: () => T, place: string): T {
  try {
    return read();
  } catch (error) {
    throw damagedLog(place, error);
  }
}

async function tailDigest(file: Awaited<ReturnType<typeof open>>, offset: number): Promise<string> {
  const bytes = Buffer.alloc(Math.min(offset, TAIL_BYTES));
  await file.read(bytes, 0, bytes.length, offset - bytes.length);
  return digestOf(bytes);
}
