import type { FileHandle } from 'node:fs/promises';

const NEWLINE = 10;

const CHUNK = 1 << 20;
/** Before a chunk, for the line that the last one ended in: a line is at most 64 KiB. */
const ROOM = 1 << 17;
/** Far more than a crash leaves of a torn end. */
const MAX_LINE = 64 << 20;

/**
 * The whole lines of a file from `position` on, in blocks that end with a newline; what follows the last newline is not
 * given. A block is valid until the next is asked for. While one is looked at, the next is read.
 *
 * @throws {Error} for a line of over 64 MiB: no log has one, and memory would not hold it.
 */
export async function* blocks(file: FileHandle, position = 0): AsyncGenerator<Buffer> {
  let [reading, spare] = [Buffer.allocUnsafe(ROOM + CHUNK), Buffer.allocUnsafe(ROOM + CHUNK)];
  let rest: Buffer = Buffer.alloc(0);
  let pending = file.read(reading, ROOM, CHUNK, position);
  try {
    for (let at = position; ;) {
      const { bytesRead } = await pending;
      if (bytesRead === 0) return;
      at += bytesRead;
      const filled = joined(rest, reading, bytesRead);
      [reading, spare] = [spare, reading];
      pending = file.read(reading, ROOM, CHUNK, at);
      const end = filled.lastIndexOf(NEWLINE) + 1;
      if (end > 0) yield filled.subarray(0, end);
      rest = filled.subarray(end);
      if (rest.length > MAX_LINE) throw new Error(`from byte ${at - rest.length} on there is no line for ${MAX_LINE} bytes: this is no segment of a log`);
    }
  } finally {
    await pending.catch(() => {}); // else it would read into a file that is being closed
  }
}

/** The rest, and behind it what was read into the buffer. */
function joined(rest: Buffer, buffer: Buffer, bytesRead: number): Buffer {
  if (rest.length > ROOM) return Buffer.concat([rest, buffer.subarray(ROOM, ROOM + bytesRead)]);
  rest.copy(buffer, ROOM - rest.length);
  return buffer.subarray(ROOM - rest.length, ROOM + bytesRead);
}

/** As `blocks`, from the end of the file, or from `until`, to its start; within a block lines are in the order of the file. */
export async function* blocksBackwards(file: FileHandle, until?: number): AsyncGenerator<Buffer> {
  let end = until ?? (await file.stat()).size;
  let rest: Buffer = Buffer.alloc(0); // the end of a line that begins further up
  let isTail = true;
  while (end > 0) {
    const start = Math.max(0, end - (1 << 17));
    const chunk = Buffer.allocUnsafe(end - start);
    const { bytesRead } = await file.read(chunk, 0, chunk.length, start);
    if (bytesRead < chunk.length) throw new Error('the file became shorter while it was read');
    const whole = isTail ? chunk.subarray(0, chunk.lastIndexOf(NEWLINE) + 1) : chunk;
    if (whole.length > 0) isTail = false;
    const bytes = Buffer.concat([whole, rest]);
    const cut = start === 0 ? 0 : bytes.indexOf(NEWLINE) + 1;
    if (cut < bytes.length) yield bytes.subarray(cut);
    rest = bytes.subarray(0, cut);
    end = start;
  }
}

/** Calls `each` for the lines of a block: where one starts, and where its newline is. */
export function eachLine(block: Buffer, each: (start: number, newline: number) => void): void {
  for (let start = 0; start < block.length;) {
    const newline = block.indexOf(NEWLINE, start);
    each(start, newline);
    start = newline + 1;
  }
}
