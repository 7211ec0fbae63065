import type { FileHandle } from 'node:fs/promises';

const NEWLINE = 10;

/**
 * The whole lines of a file from `position` on, in blocks that end with a newline; what follows the last newline is not
 * given. A block is valid until the next is asked for.
 */
export async function* blocks(file: FileHandle, position = 0): AsyncGenerator<Buffer> {
  let buffer = Buffer.allocUnsafe(1 << 20);
  let kept = 0;
  for (let at = position; ;) {
    if (kept === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
    const { bytesRead } = await file.read(buffer, kept, buffer.length - kept, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    const filled = kept + bytesRead;
    const newline = buffer.subarray(kept, filled).lastIndexOf(NEWLINE);
    const end = newline === -1 ? 0 : kept + newline + 1;
    if (end > 0) yield buffer.subarray(0, end);
    buffer.copyWithin(0, end, filled);
    kept = filled - end;
  }
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
