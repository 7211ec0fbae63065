import { HASH_BYTES, type Hash } from './merkle.ts';
import { parseNote } from './note.ts';

/** The head of a log: what a signed note says of it. */
export interface Checkpoint {
  readonly origin: string;
  /** The number of its entries. */
  readonly size: number;
  readonly root: Hash;
}

/** The text that is signed. Source: c2sp.org/tlog-checkpoint v1.0.0. */
export const formatCheckpoint = ({ origin, size, root }: Checkpoint) => `${origin}\n${size}\n${root.toString('base64')}\n`;

/** What a signed note says, whoever has signed it. Undefined when it is no checkpoint. */
export function parseCheckpoint(note: string): Checkpoint | undefined {
  const [, origin, size, base64] = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/=]+)\n/.exec(parseNote(note)?.text ?? '') ?? [];
  if (origin === undefined) return undefined;
  const root = Buffer.from(base64!, 'base64');
  return root.length === HASH_BYTES ? { origin, size: Number(size), root } : undefined;
}
