import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { isDeepStrictEqual } from 'node:util';
import type { PermitData, PermitScope } from '../data.ts';
import { DiskError } from './durable.ts';
import { CountsOf, Scope, digestText } from './state.ts';
import { LISTS, fromRow, isRow, type ListName } from './rows.ts';

/** First line of a generation's file. */
export const Header = z.strictObject({
  v: z.literal(1),
  program: z.string(),
  environment: z.string(),
  scope: Scope,
  number: z.int().min(1),
  verifiedAtMs: z.number(),
  content: digestText,
  counts: CountsOf,
});
export type Header = z.infer<typeof Header>;

export interface Expected {
  readonly file: string;
  readonly environment: string;
  readonly number: number;
  /** `sha256:` and hex over the whole file. */
  readonly digest: string;
  readonly scope?: PermitScope | undefined;
}

/**
 * Reads and checks a generation while it streams by: environment, scope, number, counts and shape of every row, and
 * the digest of all bytes, without which nothing of it is given.
 *
 * @throws {DiskError}
 */
export async function readGeneration(expected: Expected): Promise<{ readonly header: Header; readonly data: PermitData }> {
  const digest = createHash('sha256');
  const refuse = (what: string): DiskError => new DiskError(`${expected.file}: ${what}. It is refused; the next verified read from Permit takes its place, or restore it from a copy.`);
  let header: Header | undefined;
  let rows: Rows | undefined;
  let line = 0;
  for await (const text of linesOf(expected.file, (bytes) => void digest.update(bytes), refuse)) {
    line += 1;
    if (header === undefined) {
      header = headerOf(text, expected, refuse);
      rows = collect(header);
    } else if (!rows!.add(text)) {
      throw refuse(`changed: line ${line} is no ${rows!.awaits() ?? 'row that its header counts'}`);
    }
  }
  if (header === undefined || rows === undefined) throw refuse('empty');
  if (rows.awaits() !== undefined) throw refuse(`truncated: it ends after line ${line}, before all ${rows.awaits()}`);
  const found = `sha256:${digest.digest('hex')}`;
  if (found !== expected.digest) throw refuse(`changed: its digest is ${found}, and not ${expected.digest} as recorded`);
  return { header, data: { scope: header.scope, ...rows.lists } };
}

/** `sha256:` and hex over the bytes of a file; undefined when it can't be read. */
export async function digestOfFile(file: string): Promise<string | undefined> {
  const digest = createHash('sha256');
  try {
    for await (const chunk of chunksOf(file)) digest.update(chunk);
  } catch {
    return undefined;
  }
  return `sha256:${digest.digest('hex')}`;
}

/** Said in the order in which a person would want to know it: a file of elsewhere is not merely "changed". */
function headerOf(text: string, { environment, scope, number }: Expected, refuse: (what: string) => DiskError): Header {
  const parsed = Header.safeParse(parse(text));
  if (!parsed.success) throw refuse('damaged: its first line is no header of a generation');
  const header = parsed.data;
  if (header.environment !== environment) throw refuse(`of another environment: it was made for ${header.environment}, not for ${environment}`);
  if (scope !== undefined && !isDeepStrictEqual(header.scope, scope)) throw refuse(`of another Permit environment: it was read from ${header.scope.environment}, and the others from ${scope.environment}`);
  if (header.number !== number) throw refuse(`holds generation ${header.number} in place of ${number}: ${header.number < number ? 'it was rolled back outside of Sluice' : 'it was put there from elsewhere'}`);
  return header;
}

interface Rows {
  readonly lists: Omit<PermitData, 'scope'>;
  /** False for a line that is not the next row. */
  add(text: string): boolean;
  /** What is still to come; undefined when all is there. */
  awaits(): string | undefined;
}

function collect({ counts }: Header): Rows {
  const lists = Object.fromEntries(LISTS.map((list) => [list, []])) as unknown as Record<ListName, unknown[]>;
  const shared = new Map<string, string>();
  const share = (text: string) => {
    const known = shared.get(text);
    if (known !== undefined) return known;
    shared.set(text, text);
    return text;
  };
  let at = 0;
  const skipFull = () => {
    while (at < LISTS.length && lists[LISTS[at]!].length === counts[LISTS[at]!]) at += 1;
  };
  skipFull();
  return {
    lists: lists as unknown as Omit<PermitData, 'scope'>,
    add(text) {
      const list = LISTS[at];
      const row = parse(text);
      if (list === undefined || row === undefined || !isRow(list, row)) return false;
      lists[list].push(fromRow(list, row, share));
      skipFull();
      return true;
    },
    awaits: () => (LISTS[at] === undefined ? undefined : `row of ${LISTS[at]}`),
  };
}

/** Undefined for what is no JSON, which is no row. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const LINE_FEED = 0x0a;
const MAX_LINE = 64 * 1024 * 1024;

async function* linesOf(file: string, onBytes: (bytes: Uint8Array) => void, refuse: (what: string) => DiskError): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of chunksOf(file)) {
      onBytes(chunk);
      const end = chunk.lastIndexOf(LINE_FEED) + 1;
      if (end === 0) {
        rest = Buffer.concat([rest, chunk]);
        if (rest.length > MAX_LINE) throw refuse(`changed: a line is longer than ${MAX_LINE} bytes`);
        continue;
      }
      // A line feed is never a part of another character in UTF-8, so whole lines decode alone.
      const lines = Buffer.concat([rest, chunk.subarray(0, end - 1)]).toString('utf8').split('\n');
      rest = Buffer.from(chunk.subarray(end));
      yield* lines;
    }
  } catch (error) {
    if (error instanceof DiskError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw refuse(code === 'ENOENT' ? 'missing' : `can't be read (${code ?? 'unknown'})`);
  }
  if (rest.length > 0) throw refuse('truncated: its last line is incomplete');
}

const CHUNK = 1024 * 1024;

/** The buffer is the caller's only until it asks for the next one. */
async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  const opened = await open(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      const { bytesRead } = await opened.read(buffer, 0, CHUNK);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await opened.close();
  }
}
