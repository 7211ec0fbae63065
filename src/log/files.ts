import { lstat, open, rename } from 'node:fs/promises';

/** What the log needs of a file system; small, so that a test can make each step fail. */
export interface Files {
  /** Flags as of Node's `open`; a file that isn't there is made with mode 0600 (`a`, `w`). A folder opens with `r`. */
  open(path: string, flags: 'a' | 'w' | 'r' | 'r+'): Promise<LogFile>;
  rename(from: string, to: string): Promise<void>;
}

/** Functions, not methods: they may be passed on alone. */
export interface LogFile {
  /** Gives the number of bytes written, which may be fewer than all. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** fdatasync: on return the content, and the size needed to read it, are on disk. */
  readonly datasync: () => Promise<void>;
  /** fsync: on return content and metadata are on disk. */
  readonly sync: () => Promise<void>;
  readonly truncate: (length: number) => Promise<void>;
  readonly size: () => Promise<number>;
  /** Whether its name still leads to it, and it has this size: else somebody has removed, replaced or changed it. */
  readonly isInPlace: (bytes: number) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

export const nodeFiles: Files = {
  async open(path, flags) {
    const file = await open(path, flags, 0o600);
    return {
      write: async (bytes) => (await file.write(bytes)).bytesWritten,
      datasync: () => file.datasync(),
      sync: () => file.sync(),
      truncate: (length) => file.truncate(length),
      size: async () => (await file.stat()).size,
      async isInPlace(bytes) {
        const [own, named] = await Promise.all([file.stat({ bigint: true }), lstat(path, { bigint: true }).catch(() => undefined)]);
        return own.ino === named?.ino && own.dev === named.dev && Number(own.size) === bytes;
      },
      close: () => file.close(),
    };
  },
  rename,
};

/**
 * A sync has failed. The kernel has then dropped the pages that it couldn't write and reports the error only once, so
 * that a second sync would succeed over lost data: nothing on this file is believed again before a restart.
 */
export class SyncError extends Error {
  override readonly name = 'SyncError';
}

/** Another hand than Sluice's has removed, replaced or changed a file of the log. */
export class DisplacedError extends Error {
  override readonly name = 'DisplacedError';
  readonly code = 'displaced';
}

/** @throws {SyncError} */
export async function synced(sync: () => Promise<void>): Promise<void> {
  try {
    await sync();
  } catch (error) {
    throw new SyncError('sync failed', { cause: error });
  }
}

/** On return the names in the folder are on disk. @throws {SyncError} */
export async function syncFolder(files: Files, path: string): Promise<void> {
  const folder = await files.open(path, 'r');
  try {
    await synced(folder.sync);
  } finally {
    await folder.close();
  }
}

export async function writeAll(file: LogFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
