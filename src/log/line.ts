import { createHash } from 'node:crypto';
import type { Entry } from './types.ts';

/** The longest line without its newline: what an entry of tlog-tiles can hold. */
export const MAX_LINE_BYTES = 65_535;

export interface Line {
  /** With its newline. */
  readonly text: string;
  readonly bytes: number;
  /** Where the members are when they are too long for the line. */
  readonly object?: SideObject;
}

/** The members of one record as a JSON object; the line names it by the SHA-256 of these bytes. */
export interface SideObject {
  readonly hex: string;
  readonly bytes: Buffer;
}

export interface Head {
  readonly index: number;
  /** RFC 3339 in UTC with milliseconds: 24 characters. */
  readonly time: string;
  readonly origin: string;
}

/** What every line begins with, up to its own index: enough to tell where a file stops being this log. */
export const lineStart = (index: number) => `{"v":1,"index":${index},`;

/** What follows `lineStart` up to the record's kind; always the same length in one log. */
export const lineHead = ({ time, origin }: Omit<Head, 'index'>) => `"time":"${time}","origin":"${origin}",`;

/** The line of a record: its members, or the digest of a side object when it would be over `MAX_LINE_BYTES`. */
export function toLine(head: Head, { kind, members }: Pick<Entry, 'kind' | 'members'>): Line {
  const start = `${lineStart(head.index)}${lineHead(head)}"kind":"${kind}"`;
  const text = members === '' ? `${start}}\n` : `${start},${members}}\n`;
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_LINE_BYTES + 1) return { text, bytes };

  const object = Buffer.from(`{${members}}`);
  const hex = createHash('sha256').update(object).digest('hex');
  const short = `${start},"object":"sha256:${hex}"}\n`;
  return { text: short, bytes: Buffer.byteLength(short), object: { hex, bytes: object } };
}
