import { blocks, eachLine } from './blocks.ts';
import { openPlain } from './files.ts';
import { listSegments, segmentPath } from './layout.ts';
import { lineStart } from './line.ts';

/** One stored line. */
export interface TailLine {
  readonly index: number;
  /** Without its newline. */
  readonly bytes: Buffer;
}

export interface TailLimits {
  readonly records: number;
  /** At least one line is given, however long it is. */
  readonly bytes: number;
}

/** The lines of a log in their order, taken some at a time while others append to it. */
export interface Tail {
  /** Index of the line that the next `take` begins with. Larger than where the last ended only when lines were pruned. */
  readonly next: number;
  /**
   * Some lines, none from index `until` on: give it what is durable, since lines behind it may still be taken back.
   * @throws {Error} naming file and line for what is not the record of its index.
   */
  take(until: number, limits: TailLimits): Promise<readonly TailLine[]>;
  /** Goes to this line, or to the first that is there when those before it were pruned. */
  seek(index: number): Promise<void>;
}

export function openTail(dir: string): Tail {
  let at = { segment: 0, offset: 0, next: 0 };

  async function seek(index: number): Promise<void> {
    const segments = await listSegments(dir);
    const segment = segments.findLast((first) => first <= index) ?? segments[0] ?? 0;
    at = { segment, offset: 0, next: segment };
    if (index > segment) await read(index, { records: Infinity, bytes: Infinity }, () => {});
  }

  /** Passes lines of one segment, and then stands behind them. */
  async function read(until: number, limits: TailLimits, give: (line: Buffer, index: number) => void): Promise<number> {
    const file = await openPlain(segmentPath(dir, at.segment));
    let taken = { records: 0, bytes: 0 };
    try {
      let { offset, next } = at;
      const isFull = () => next >= until || taken.records >= limits.records || taken.bytes >= limits.bytes;
      for await (const block of blocks(file, offset)) {
        let used = 0;
        eachLine(block, (start, end) => {
          if (isFull()) return;
          give(block.subarray(start, end), next);
          taken = { records: taken.records + 1, bytes: taken.bytes + end - start };
          used = end + 1;
          next += 1;
        });
        offset += used;
        if (isFull()) break;
      }
      at = { segment: at.segment, offset, next };
      return taken.records;
    } finally {
      await file.close();
    }
  }

  async function take(until: number, limits: TailLimits): Promise<readonly TailLine[]> {
    const lines: TailLine[] = [];
    while (lines.length === 0 && at.next < until) {
      const passed = await read(until, limits, (line, index) => {
        const place = `${segmentPath(dir, at.segment)}:${index - at.segment + 1}`;
        if (line.toString('latin1', 0, lineStart(index).length) !== lineStart(index)) throw new Error(`${place}: must be the record of index ${index}, and is not`);
        lines.push({ index, bytes: Buffer.from(line) });
      });
      if (passed > 0) continue;
      // A segment is named by its first index: at its end the next line stands in the one that is named by it.
      if (at.segment === at.next) throw new Error(`${segmentPath(dir, at.segment)}: ends before the record of index ${at.next}`);
      at = { segment: at.next, offset: 0, next: at.next };
    }
    return lines;
  }

  return {
    get next() { return at.next; },
    seek,
    async take(until, limits) {
      try {
        return await take(until, limits);
      } catch (error) {
        // Pruned meanwhile, or not even begun.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        const wanted = at.next;
        await seek(wanted);
        if (at.next === wanted) throw error;
        return take(until, limits);
      }
    },
  };
}
