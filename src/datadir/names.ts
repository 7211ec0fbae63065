import { createHash, createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { refuseStrangersAt } from '../files/access.ts';
import { makeFolder, replaceFile, syncFolder } from './durable.ts';

const KEY_BYTES = 32;

/** What may stand in a record for a name that nobody knows (J30). */
export interface Names {
  /** `?` and 16 hex of the name's HMAC-SHA256. The same name gives the same text until the key is changed. */
  hash(name: string): string;
  /**
   * Puts a new key in place, once `record` has made a record of it, by the fingerprints of both. The old one is laid
   * aside in `old/`: while it is there, a name can still be found in older records; delete it, and nobody can any more.
   */
  rotate(record: (fingerprints: { readonly from: string; readonly to: string }) => Promise<unknown>): Promise<void>;
}

/**
 * The names under the key in `path`, which is made when `isNew`.
 *
 * @throws {Error} naming the file when the key is missing, damaged, or can be read by others.
 */
export function openNames(path: string, isNew: boolean): Names {
  if (!existsSync(path)) {
    if (!isNew) throw new Error(`${path}: missing. Without this key the names already in the log can't be recognised: restore it from a copy of the data directory.`);
    replaceFile(path, randomBytes(KEY_BYTES));
  }
  refuseStrangersAt(path, { why: 'Whoever has this key can guess the names in the log', andThen: 'think about who has read it' });
  let key = readFileSync(path);
  if (key.length !== KEY_BYTES) throw new Error(`${path}: damaged (${key.length} bytes, not ${KEY_BYTES}). Restore it from a copy of the data directory.`);
  return {
    hash: (name) => `?${createHmac('sha256', key).update(name).digest('hex').slice(0, 16)}`,
    async rotate(record) {
      const next = randomBytes(KEY_BYTES);
      const old = join(dirname(path), 'old');
      makeFolder(old);
      await record({ from: fingerprint(key), to: fingerprint(next) });
      replaceFile(join(old, `names-${fingerprint(key)}.key`), key);
      replaceFile(`${path}.next`, next);
      renameSync(`${path}.next`, path);
      syncFolder(dirname(path));
      key = next;
    },
  };
}

/** The key is random: nothing can be told of it by this. */
const fingerprint = (key: Buffer) => createHash('sha256').update(key).digest('hex').slice(0, 16);
