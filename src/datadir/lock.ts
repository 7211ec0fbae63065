import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makePrivate } from '../files/access.ts';

// Locks that nobody refers to any more would be let go by the garbage collector.
const held = new Set<DatabaseSync>();

const SQLITE_BUSY = 5;

/**
 * Takes the folder for this process alone; gives what lets it go. The lock is SQLite's, which the kernel drops when the
 * process dies however it dies: a pid file would outlive it, and lie in a container, where every server is process 1.
 *
 * @throws {Error} naming the folder when another process, or another part of this one, has it.
 */
export function lockFolder(path: string): () => void {
  const file = join(path, 'lock');
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(file, { timeout: 0 });
    // Nothing is ever written, and a journal would be a file that others may read.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    makePrivate(file);
  } catch (error) {
    lock?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new Error(`${path}: another Sluice is using this data directory. Stop it, or give this one another SLUICE_DATA_DIR.`, { cause: error });
    }
    throw new Error(`${file}: can't be locked (${(error as Error).message}). It must be a file that Sluice made itself and can write.`, { cause: error });
  }
  const taken = lock;
  held.add(taken);
  return () => {
    if (held.delete(taken)) taken.close();
  };
}
