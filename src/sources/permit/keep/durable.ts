import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * What is on disk can't be used, or nothing can be written there. The message is for the operator: it names the file,
 * says what is wrong and what to do.
 */
export class DiskError extends Error {
  override readonly name = 'DiskError';
}

export interface Written {
  /** `sha256:` and hex over the file's bytes. */
  readonly digest: string;
  readonly bytes: number;
}

/**
 * Writes the file (mode 0600) piece by piece, so that no more than a piece is held in memory. After a crash at any
 * moment the name holds what it held before or all of the new content; on return the new content is on disk.
 *
 * @throws {DiskError}
 */
export async function writeDurably(file: string, pieces: Iterable<string>): Promise<Written> {
  const temporary = `${file}${TEMPORARY}`;
  try {
    const written = await writePieces(temporary, pieces);
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
    return written;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw unwritable(file, error);
  }
}

/** How the name of a file ends that isn't complete. */
export const TEMPORARY = '.tmp';

async function writePieces(file: string, pieces: Iterable<string>): Promise<Written> {
  const digest = createHash('sha256');
  let bytes = 0;
  const opened = await open(file, 'w', 0o600);
  try {
    for (const piece of pieces) {
      const buffer = Buffer.from(piece);
      digest.update(buffer);
      bytes += buffer.length;
      await opened.appendFile(buffer);
    }
    await opened.sync();
  } finally {
    await opened.close();
  }
  return { digest: `sha256:${digest.digest('hex')}`, bytes };
}

/** Makes the folder (mode 0700) and those above it that are missing. On return their names are on disk. @throws {DiskError} */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw unwritable(folder, error);
  });
  if (first === undefined) return;
  // `first` is relative where the folder is.
  const above = path.dirname(path.resolve(first));
  for (let made = path.resolve(folder); made !== above; made = path.dirname(made)) await syncFolder(path.dirname(made));
}

// A new name in a folder survives a power loss only once the folder itself is synced.
async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, 'r');
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

const unwritable = (file: string, error: unknown) => new DiskError(
  `${file}: can't be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'}). See to the space and the rights of the data directory.`, { cause: error },
);
