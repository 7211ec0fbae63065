import { hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { segmentPath } from '../log/layout.ts';
import { parseLine } from '../log/index/line.ts';
import type { LogLine, RecordedShape } from './recorded.ts';

/** Where an input record stands. */
export interface Place {
  readonly segment: number;
  readonly position: number;
  readonly length: number;
}

const KEPT = 256;
const NAMED = Buffer.from('"input":"');
const DIGEST = '"kind":"input","digest":"';
const DIGEST_LENGTH = 'sha256:'.length + 64;
const SHAPE = '"shape":';

const digestOf = (text: string) => `sha256:${hash('sha256', text)}`;

/**
 * The input records of a log: only the places of those in the segment that is being read are kept, since each segment
 * has all that its records name; and the shapes that were asked for last.
 */
export function openInputs(dir: string) {
  let file: { readonly segment: number; readonly fd: number } | undefined;
  let places = new Map<string, Place>();
  const kept = new Map<string, RecordedShape>();
  const close = () => {
    if (file !== undefined) closeSync(file.fd);
    file = undefined;
  };

  function read({ segment, position, length }: Place): string {
    if (file?.segment !== segment) {
      close();
      file = { segment, fd: openSync(segmentPath(dir, segment), 'r') };
    }
    const bytes = Buffer.allocUnsafe(length);
    if (readSync(file.fd, bytes, 0, length, position) < length) throw new Error(`${segmentPath(dir, segment)}: became shorter while it was read`);
    return bytes.toString();
  }

  function parsed<Value>({ segment, position }: Place, parse: () => Value): Value {
    try {
      return parse();
    } catch (error) {
      throw new Error(`${segmentPath(dir, segment)}: the record at byte ${position}: ${(error as Error).message}`, { cause: error });
    }
  }

  return {
    close,
    parse: (line: string): LogLine => parseLine(dir, line),
    /** A new segment begins. */
    forget(): void {
      places = new Map();
    },
    /** @param start what the record has after its head. */
    note(start: string, place: Place): void {
      // Too long for a line: its digest is in the side object.
      places.set(start.startsWith(DIGEST) ? start.slice(DIGEST.length, DIGEST.length + DIGEST_LENGTH) : String(parsed(place, () => parseLine(dir, read(place)))['digest']), place);
    },
    /** Of the input that this record names, if it is in the segment. */
    placeFor(record: Buffer): Place | undefined {
      const at = record.lastIndexOf(NAMED) + NAMED.length;
      return places.get(record.toString('latin1', at, at + DIGEST_LENGTH));
    },
    /** Undefined too for one that is not what its digest says. */
    shapeAt(digest: string, place: Place | undefined): RecordedShape | undefined {
      const known = kept.get(digest);
      if (known !== undefined || place === undefined) return known;
      const line = read(place);
      // The shape is the line's last member, and mostly has its digest as it stands there; else it is in the side object.
      const written = line.slice(line.indexOf(SHAPE) + SHAPE.length, -1);
      const text = digestOf(written) === digest ? written : JSON.stringify(parsed(place, () => parseLine(dir, line))['shape']);
      if (text === undefined || digestOf(text) !== digest) return undefined;
      const shape = JSON.parse(text) as RecordedShape;
      kept.set(digest, shape);
      if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
      return shape;
    },
  };
}
