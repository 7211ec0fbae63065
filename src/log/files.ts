import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Dirent, type Stats } from 'node:fs';
import { lstat, open, readdir, rename, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

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

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = constants;
// What is written is never somewhere else than its name says; a pipe keeps nobody waiting. A folder may be a link: the
// log's own.
const WITHIN = O_NOFOLLOW | O_NONBLOCK;
const FLAGS = {
  a: O_WRONLY | O_APPEND | O_CREAT | WITHIN,
  w: O_WRONLY | O_CREAT | O_TRUNC | WITHIN,
  'r+': O_RDWR | WITHIN,
  r: O_RDONLY,
};

export const nodeFiles: Files = {
  async open(path, flags) {
    const file = await open(path, FLAGS[flags], 0o600);
    return {
      write: async (bytes) => (await file.write(bytes)).bytesWritten,
      datasync: () => file.datasync(),
      sync: () => file.sync(),
      truncate: (length) => file.truncate(length),
      size: async () => (await file.stat()).size,
      async isInPlace(bytes) {
        const [own, named] = await Promise.all([
          file.stat({ bigint: true }),
          lstat(path, { bigint: true }).catch(() => undefined),
        ]);
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

/**
 * Opens, for reading, what must be a plain file: follows no link, waits for no pipe.
 *
 * @throws {Error} for the operator when it is none.
 */
export async function openPlain(path: string): Promise<FileHandle> {
  const file = await open(path, O_RDONLY | WITHIN).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ELOOP' || error.code === 'ENXIO' ? odd(path) : error;
  });
  try {
    if (!(await file.stat()).isFile()) throw odd(path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The content of a plain file of at most `most` bytes; undefined when it isn't there. @throws {Error} for the operator. */
export async function readPlain(path: string, most = SMALL): Promise<Buffer | undefined> {
  const file = await openPlain(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    refuseLarge(path, await file.stat(), most);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** As `readPlain`, at once. */
export function readPlainSync(path: string, most = SMALL): Buffer | undefined {
  const info = lstatSync(path, { throwIfNoEntry: false });
  if (info === undefined) return undefined;
  if (!info.isFile()) throw odd(path);
  const file = openSync(path, O_RDONLY | WITHIN);
  try {
    refuseLarge(path, fstatSync(file), most);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** Far more than any of the small files of a log has. */
const SMALL = 1 << 20;

function refuseLarge(path: string, info: Stats, most: number): void {
  if (!info.isFile()) throw odd(path);
  if (info.size > most)
    throw new Error(`${path}: is larger than any file of its kind that Sluice writes. Restore it from a copy.`);
}

/**
 * What lies in a folder that must be one itself, and holds plain files and folders alone; nothing when it isn't there.
 *
 * @throws {Error} for any other.
 */
export async function listPlain(folder: string): Promise<readonly Dirent[]> {
  const info = await lstat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (info === undefined) return [];
  if (!info.isDirectory()) throw odd(folder);
  const entries = await readdir(folder, { withFileTypes: true });
  const strange = entries.find((entry) => !entry.isFile() && !entry.isDirectory());
  if (strange !== undefined) throw odd(join(folder, strange.name));
  return entries;
}

const odd = (path: string) =>
  new Error(
    `${path}: is no plain file or folder, but a link, a pipe or a device. Sluice makes none in a log, and what it ` +
    `shows need not be what another reader sees. Restore what belongs there from a copy.`,
  );
