import { fstatSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** Where lines of the program's log go. Never waits: what can't be written is dropped and counted. */
export interface Output {
  /** One line of JSON with its end. */
  write(line: string): void;
  /** How many lines were dropped. */
  dropped(): number;
  /** Resolves when all is written, or after so many milliseconds; whether all is. */
  settle(ms: number): Promise<boolean>;
}

/** What is kept for a reader that stands, beside what the pipe takes. */
const MAX_WAITING_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 16 * 1024;
const MAX_MEMBERS = 20;
const MAX_TEXT = 500;

/** Of standard error, where a reader that stands must keep nobody waiting. */
export function openErrorOutput(): Output {
  const file = fstatSync(2);
  // A file takes what it is given at once, and again once there is space; so does /dev/null.
  if (file.isFile() || (file.isCharacterDevice() && !process.stderr.isTTY)) return createFileOutput(2);
  // A terminal that was told to hold on (Ctrl-S) is a reader that stands as well.
  const { _handle: handle } = process.stderr as { readonly _handle?: { setBlocking?(blocking: boolean): unknown } };
  handle?.setBlocking?.(false);
  return createOutput(process.stderr);
}

/** @param now wall time in milliseconds since the Unix epoch. */
export function createOutput(stream: Writable, now: () => number = Date.now): Output {
  let dropped = 0;
  let untold = 0;
  let isBroken = false;
  const drop = () => {
    dropped += 1;
    untold += 1;
  };
  // Lines that the stream has, and not yet written.
  let pending = 0;
  const onEmpty = new Set<() => void>();
  const put = (line: string) => {
    pending += 1;
    stream.write(line, (error) => {
      pending -= 1;
      if (error != null) {
        isBroken = true; // its reader has gone: a stream that has failed once takes nothing more
        drop();
      }
      if (pending > 0) return;
      for (const hear of onEmpty) hear();
      tell();
    });
  };
  const tell = () => {
    if (untold === 0 || isBroken || pending > 0) return;
    const count = untold;
    untold = 0;
    const msg = 'lines of this log could not be written, and were dropped';
    put(`${JSON.stringify({ level: 40, time: now(), dropped: count, msg })}\n`);
  };
  // Without a listener the program would end for it.
  stream.on('error', () => {});
  return {
    write(given) {
      const line = boundLine(given);
      if (isBroken || stream.writableLength + line.length > MAX_WAITING_BYTES) return drop();
      put(line);
    },
    dropped: () => dropped,
    async settle(ms) {
      const isSettled = () => isBroken || pending === 0;
      if (isSettled()) return true;
      const { promise, resolve } = Promise.withResolvers<void>();
      onEmpty.add(resolve);
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
      onEmpty.delete(resolve);
      return isSettled();
    },
  };
}

function createFileOutput(fd: number): Output {
  let dropped = 0;
  return {
    write(line) {
      try {
        writeSync(fd, boundLine(line));
      } catch {
        dropped += 1;
      }
    },
    dropped: () => dropped,
    settle: () => Promise.resolve(true),
  };
}

/** A line that is too long says less: of each list the first members and how many more, of texts the beginning. */
export function boundLine(line: string): string {
  if (line.length <= MAX_LINE_BYTES) return line;
  const short = `${JSON.stringify(shorten(JSON.parse(line)))}\n`;
  if (short.length <= MAX_LINE_BYTES) return short;
  const { level, time, msg } = JSON.parse(short) as Record<string, unknown>;
  return `${JSON.stringify({ level, time, msg, left: 'all else, which is too long' })}\n`;
}

function shorten(value: unknown): unknown {
  if (typeof value === 'string') return value.length <= MAX_TEXT ? value : `${value.slice(0, MAX_TEXT)}…`;
  if (Array.isArray(value)) {
    const more = value.length - MAX_MEMBERS;
    return [...value.slice(0, MAX_MEMBERS).map(shorten), ...(more > 0 ? [`and ${more} more`] : [])];
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shorten(member)]));
}
