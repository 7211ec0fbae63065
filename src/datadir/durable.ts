import { closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Makes the folder and those above it that are missing, mode 0700. On return their names are on disk. */
export function makeFolder(path: string): void {
  const wanted = resolve(path);
  if (existsSync(wanted)) return;
  makeFolder(dirname(wanted)); // Node's own `recursive` says ENOENT where the file system is read-only
  mkdirSync(wanted, 0o700);
  syncFolder(dirname(wanted));
}

// Whoever can write the folder could else have another file written over. Node takes numbers here too; its types don't
// say so.
const NO_LINK = (constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW) as unknown as string;

/**
 * Gives the file (mode 0600) this content. After a crash at any moment it holds the old content or the new, whole;
 * on return it holds the new, on disk.
 */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600, flush: true, flag: NO_LINK });
  renameSync(temporary, path);
  syncFolder(dirname(path));
}

/** A new name in a folder survives a power loss only once the folder itself is synced. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
