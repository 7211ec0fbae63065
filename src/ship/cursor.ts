import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { makeFolder, replaceFile } from '../datadir/durable.ts';

/** How far one sink has the log. */
export interface Cursor {
  /** Index of the first record that it may not have. */
  readonly next: number;
  /** On return it is on disk. */
  save(next: number): void;
}

const Kept = z.strictObject({ origin: z.string(), next: z.int().min(0) });

/**
 * @param folder `<data directory>/ship`
 * @param onLost hears why the sink is given the log from its first record again; it keeps each record once.
 */
export function openCursor({ folder, sink, origin, onLost }: { readonly folder: string; readonly sink: string; readonly origin: string; readonly onLost: (reason: string) => void }): Cursor {
  const file = path.join(folder, `${sink}.json`);
  makeFolder(folder);
  let next = 0;
  if (existsSync(file)) {
    const kept = parseCursor(readFileSync(file, 'utf8'));
    if (kept === undefined) onLost(`${file} is damaged`);
    else if (kept.origin !== origin) onLost(`the log has begun anew: ${file} is of ${kept.origin}, whose first ${kept.next} records the sink has`);
    else next = kept.next;
  }
  return {
    get next() { return next; },
    save(to) {
      replaceFile(file, `${JSON.stringify({ origin, next: to })}\n`);
      next = to;
    },
  };
}

/** Undefined when it is damaged. */
export function parseCursor(text: string): z.infer<typeof Kept> | undefined {
  try {
    return Kept.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
