import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { replaceFile } from './durable.ts';

const KEY_BYTES = 32;

/**
 * What may stand in a record for a name that nobody knows: `?` and 16 hex of its HMAC-SHA256 under the key in `path`
 * (J30). The same name gives the same text for as long as the data directory lives; the key is made when `isNew`.
 *
 * @throws {Error} naming the file when the key is missing, damaged, or can be read by group or others.
 */
export function openNames(path: string, isNew: boolean): (name: string) => string {
  if (!existsSync(path)) {
    if (!isNew) throw new Error(`${path}: missing. Without this key the names already in the log can't be recognised: restore it from a copy of the data directory.`);
    replaceFile(path, randomBytes(KEY_BYTES));
  }
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    throw new Error(`${path}: can be read by others (mode 0${mode.toString(8)}). Whoever has this key can guess the names in the log: chmod 600 it, and think about who has read it.`);
  }
  const key = readFileSync(path);
  if (key.length !== KEY_BYTES) throw new Error(`${path}: damaged (${key.length} bytes, not ${KEY_BYTES}). Restore it from a copy of the data directory.`);
  return (name) => `?${createHmac('sha256', key).update(name).digest('hex').slice(0, 16)}`;
}
