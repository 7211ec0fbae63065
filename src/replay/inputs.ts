import { closeSync, openSync, readSync } from 'node:fs';
import { parseLine } from '../log/index/line.ts';
import { segmentPath } from '../log/layout.ts';
import type { LogLine, RecordedShape } from './recorded.ts';

interface Place {
  readonly position: number;
  readonly length: number;
}

const KEPT = 256;

/** The input records of the segment that is being read: only their places are kept, and the shapes that were asked for last. */
export function openInputs(dir: string) {
  let segment = -1;
  let file: number | undefined;
  let places = new Map<string, Place>();
  const kept = new Map<string, RecordedShape>();
  const close = () => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };

  function read({ position, length }: Place): LogLine {
    file ??= openSync(segmentPath(dir, segment), 'r');
    const bytes = Buffer.allocUnsafe(length);
    if (readSync(file, bytes, 0, length, position) < length) throw new Error(`${segmentPath(dir, segment)}: became shorter while it was read`);
    return parseLine(dir, bytes.toString());
  }

  return {
    close,
    parse: (line: string): LogLine => parseLine(dir, line),
    enter(next: number): void {
      close();
      segment = next;
      places = new Map();
    },
    /** @param start what the record has after its head. */
    note(start: string, place: Place): void {
      // Too long for a line: its digest is in the side object.
      const digest = /"digest":"(sha256:[0-9a-f]{64})"/.exec(start)?.[1] ?? String(read(place)['digest']);
      places.set(digest, place);
    },
    of(digest: string, from: number): RecordedShape | undefined {
      const known = kept.get(digest);
      if (known !== undefined) return known;
      const place = from === segment ? places.get(digest) : undefined;
      if (place === undefined) return undefined;
      const shape = read(place)['shape'] as RecordedShape;
      kept.set(digest, shape);
      if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
      return shape;
    },
  };
}
