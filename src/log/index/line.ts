import { createHash, hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { lineHead, lineStart } from '../line.ts';
import { objectPath } from '../layout.ts';
import { facetsOf, type Facets, type LogLine } from './ask/facets.ts';

/** What the index keeps of one line. */
export interface IndexedLine {
  readonly timeMs: number;
  /** Lines of one key have the same facets: 16 bytes of a SHA-256, one character each. */
  readonly key: string;
  readonly ids: readonly string[];
  /** How many events or rows the question was for, as its caller said. */
  readonly rows: number | undefined;
  readonly facets: () => Facets;
}

export interface LinePlace {
  readonly index: number;
  readonly start: number;
  /** Of its newline. */
  readonly end: number;
}

/** @throws {Error} when the bytes are not the record of that index. */
export type ReadLine = (block: Buffer, place: LinePlace) => IndexedLine;

// In the order in which the record writer puts them; every other line is read the long way.
const ASKED = /^"kind":"(decision|permitted)","decisionId":"([^"\\]+)",(?:"requestId":"([^"\\]+)",)?("caller":"(?:[^"\\]|\\.)*")(?:,"rows":(\d+))?$/;
const IDENTITY = Buffer.from(',"identity":');
const EXPIRES = Buffer.from(',"expiresAt":');
// What differs from one asking of a question to the next.
const VOLATILE = ['v', 'index', 'time', 'origin', 'decisionId', 'requestId', 'rows', 'expiresAt', 'ageMs', 'memo', 'micros'];
const INPUT: Facets = new Map([['kind', new Set(['input'])]]);

/**
 * A reader for the lines of one log. Most are askings of a question that was asked before: of these only what differs
 * is parsed, and the rest is compared by its digest.
 */
export function createReadLine(dir: string, origin: string): ReadLine {
  const headLength = lineHead({ time: new Date(0).toISOString(), origin }).length;
  const scratch = Buffer.allocUnsafe(1 << 17);
  const input = { key: keyOf('input'), ids: [], rows: undefined, facets: () => INPUT } as const;

  function readAsked(block: Buffer, kindAt: number, end: number): Omit<IndexedLine, 'timeMs'> | undefined {
    const from = block.indexOf(IDENTITY, kindAt);
    const until = block.lastIndexOf(EXPIRES, end);
    if (from === -1 || until < from) return undefined;
    const [, kind, decisionId, requestId, caller, rows] = ASKED.exec(block.toString('utf8', kindAt, from)) ?? [];
    if (kind === undefined || decisionId === undefined) return undefined;
    const length = scratch.write(`${kind}\n${caller}\n`) + block.copy(scratch, Buffer.byteLength(`${kind}\n${caller}\n`), from, until);
    const text = () => `{"kind":"${kind}",${caller}${block.toString('utf8', from, until)}}`;
    return {
      key: keyOf(scratch.subarray(0, length)),
      ids: requestId === undefined ? [decisionId] : [decisionId, requestId],
      rows: rows === undefined ? undefined : Number(rows),
      facets: () => facetsOf(JSON.parse(text()) as LogLine),
    };
  }

  return (block, { index, start, end }) => {
    const prefix = lineStart(index);
    const kindAt = start + prefix.length + headLength;
    const isOurs = block.toString('latin1', start, start + prefix.length) === prefix && block[end - 1] === BRACE;
    const timeMs = Date.parse(block.toString('latin1', start + prefix.length + TIME.length, start + prefix.length + TIME.length + 24));
    if (!isOurs || Number.isNaN(timeMs)) throw new Error('is not the record of its index');
    if (block.toString('latin1', kindAt, kindAt + 15) === '"kind":"input",') return { timeMs, ...input };
    return { timeMs, ...(readAsked(block, kindAt, end) ?? readOther(dir, block.toString('utf8', start, end))) };
  };
}

const TIME = '"time":"';
const BRACE = '}'.charCodeAt(0);

const keyOf = (content: string | Buffer) => hash('sha256', content, 'binary').slice(0, 16);

function readOther(dir: string, line: string): Omit<IndexedLine, 'timeMs'> {
  const record = parseLine(dir, line);
  const { decisionId, requestId, rows, kind } = record;
  const facets = facetsOf(record);
  // Of other records than answers nothing but the facets is worth a shape of its own.
  const shape = kind === 'decision' || kind === 'permitted'
    ? Object.entries(record).filter(([name]) => !VOLATILE.includes(name))
    : [...facets].map(([facet, values]) => [facet, ...values]);
  return {
    key: keyOf(JSON.stringify(shape)),
    ids: [decisionId, requestId].filter((id) => typeof id === 'string'),
    rows: typeof rows === 'number' ? rows : undefined,
    facets: () => facets,
  };
}

/** A stored line as a record; where it names a side object, with that object's members. @throws {Error} */
export function parseLine(dir: string, line: string): LogLine {
  const record = JSON.parse(line) as LogLine;
  const { object } = record;
  if (typeof object !== 'string') return record;
  const hex = /^sha256:([0-9a-f]{64})$/.exec(object)?.[1];
  if (hex === undefined) throw new Error('names no side object');
  const bytes = readFileSync(objectPath(dir, hex));
  if (createHash('sha256').update(bytes).digest('hex') !== hex) throw new Error('its side object has been changed');
  return { ...record, ...JSON.parse(bytes.toString()) as LogLine };
}
