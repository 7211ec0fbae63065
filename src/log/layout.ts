import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, replaceFile } from '../datadir/durable.ts';
import { listPlain, readPlainSync } from './files.ts';

/** A segment is named by the index of its first line. */
export const segmentPath = (dir: string, first: number) => join(dir, 'segments', `${String(first).padStart(20, '0')}.ndjson`);

export const objectPath = (dir: string, hex: string) => join(dir, 'objects', `${hex}.json`);

/** Far more than the members of one record; as in verify.mjs. */
export const MAX_OBJECT_BYTES = 1 << 28;

const FOLDERS = ['segments', 'objects', 'tile', 'aside'];

/**
 * Before anything of the log is read. Its own folder may be a link.
 *
 * @throws {Error} naming what lies in it and is a link, a pipe or a device.
 */
export async function refuseOdd(dir: string): Promise<void> {
  for (const folder of [`${dir}/`, ...FOLDERS.map((name) => join(dir, name))]) await listPlain(folder);
}

/** The first indexes of the segments, ascending. Other files in the folder are not ours and don't count. */
export async function listSegments(dir: string): Promise<readonly number[]> {
  const names = await readdir(join(dir, 'segments'));
  return names.filter((name) => /^\d{20}\.ndjson$/.test(name)).map((name) => Number(name.slice(0, 20))).sort((a, b) => a - b);
}

/**
 * Makes the log's folders (0700), and on the first start its origin (0600); on return they are on disk.
 *
 * @throws {Error} naming the file when the origin is damaged, or missing beside segments.
 */
export async function openLayout(dir: string): Promise<{ readonly origin: string }> {
  for (const folder of ['segments', 'objects']) makeFolder(join(dir, folder));
  const path = join(dir, 'origin');
  if (!existsSync(path) && (await listSegments(dir)).length === 0) replaceFile(path, `sluice/${randomBytes(8).toString('hex')}\n`);
  return { origin: readOrigin(dir) };
}

/** @throws {Error} naming the file when the origin is damaged or missing. */
export function readOrigin(dir: string): string {
  const path = join(dir, 'origin');
  const text = readPlainSync(path)?.toString();
  if (text === undefined) {
    throw new Error(`${path}: missing, though there are segments. Restore it from a copy: a log never changes its origin.`);
  }
  const origin = text.trimEnd();
  if (!/^sluice\/[0-9a-f]{16}$/.test(origin)) throw new Error(`${path}: damaged. Restore it from a copy; every line of the log names the origin.`);
  return origin;
}
