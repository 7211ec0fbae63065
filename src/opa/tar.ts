import { gunzipSync } from 'node:zlib';

const BLOCK = 512;
const MAX_BYTES = 256 * 1024 * 1024;

/** The regular files of a `.tar.gz`, by name. Reads the plain ustar form that `opa build` writes. */
export function readTarGz(archive: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const tar = gunzipSync(archive, { maxOutputLength: MAX_BYTES });
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    const text = (from: number, length: number) => tar.toString('latin1', at + from, at + from + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 12).trim(), 8);
    if (!Number.isInteger(size) || size < 0) throw new Error('the bundle is no tar archive that opa wrote');
    const type = text(156, 1);
    if (type === '' || type === '0') files.set(text(0, 100), tar.subarray(at + BLOCK, at + BLOCK + size));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
