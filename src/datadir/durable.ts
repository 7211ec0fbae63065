import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Makes the folder and those above it that are missing, mode 0700. On return their names are on disk. */
export function makeFolder(path: string): void {
  const wanted = resolve(path);
  if (existsSync(wanted)) return;
  makeFolder(dirname(wanted)); // Node's own `recursive` says ENOENT where the file system is read-only
  mkdirSync(wanted, 0o700);
  syncFolder(dirname(wanted));
}

/**
 * Gives the file (mode 0600) this content. After a crash at any moment it holds the old content or the new, whole;
 * on return it holds the new, on disk.
 */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600, flush: true });
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
