import { open, type FileHandle } from 'node:fs/promises';

/**
 * Plain values whose large parts are shared memory (`GraphImage`, `PackedRows`) as a file: a line of JSON, in which
 * `{"$shared": length}` stands for each buffer, then their bytes in that order. No check of what the file says is made
 * here beyond its form: whoever keeps it keeps its digest too.
 */
export async function writeImage(file: string, image: object): Promise<void> {
  const buffers: SharedArrayBuffer[] = [];
  const head = JSON.stringify(image, (_key, value: unknown) => {
    if (!isShared(value)) return value;
    buffers.push(value);
    return { [MARK]: value.byteLength };
  });
  const handle = await open(file, 'w', 0o600);
  try {
    await writeAll(handle, Buffer.from(`${head}\n`));
    for (const buffer of buffers) await writeAll(handle, new Uint8Array(buffer));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What `writeImage` wrote, in memory that threads share. @throws {Error} for a file that is cut off or no image. */
export async function readImage<T extends object>(file: string): Promise<T> {
  const handle = await open(file, 'r');
  try {
    const head = await readLine(handle);
    if (head === undefined) throw new Error(`${file} is no image: its first line is missing`);
    const buffers: SharedArrayBuffer[] = [];
    let needed = Buffer.byteLength(head) + 1;
    const { size } = await handle.stat();
    const image = JSON.parse(head, (_key, value: unknown) => {
      const length = lengthOf(value);
      if (length === undefined) return value;
      needed += length;
      if (needed > size) throw new Error(`${file} is cut off: it has ${size} bytes, fewer than its first line says; write it again`);
      const buffer = new SharedArrayBuffer(length);
      buffers.push(buffer);
      return buffer;
    }) as T;
    if (needed !== size) throw new Error(`${file} has ${size} bytes, but its first line says ${needed}; write it again`);
    let at = Buffer.byteLength(head) + 1;
    for (const buffer of buffers) at = await readAll(handle, new Uint8Array(buffer), at);
    return image;
  } finally {
    await handle.close();
  }
}

const MARK = '$shared';
const CHUNK = 1 << 26;
const LONGEST_HEAD = 1 << 26;

const isShared = (value: unknown): value is SharedArrayBuffer => Object.prototype.toString.call(value) === '[object SharedArrayBuffer]';

function lengthOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !(MARK in value)) return undefined;
  return Number.isSafeInteger(value[MARK]) && Number(value[MARK]) >= 0 ? Number(value[MARK]) : undefined;
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at, Math.min(CHUNK, bytes.length - at))).bytesWritten;
}

async function readAll(handle: FileHandle, bytes: Uint8Array, from: number): Promise<number> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(CHUNK, bytes.length - at), from + at);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    at += bytesRead;
  }
  return from + bytes.length;
}

async function readLine(handle: FileHandle): Promise<string | undefined> {
  const parts: Buffer[] = [];
  for (let at = 0; at < LONGEST_HEAD;) {
    const part = Buffer.alloc(1 << 16);
    const { bytesRead } = await handle.read(part, 0, part.length, at);
    if (bytesRead === 0) return undefined;
    const end = part.subarray(0, bytesRead).indexOf(10);
    parts.push(part.subarray(0, end < 0 ? bytesRead : end));
    if (end >= 0) return Buffer.concat(parts).toString();
    at += bytesRead;
  }
  return undefined;
}
