// A thread of its own that answers what is asked of the index: the thread that answers questions has other things to do.
import { existsSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { DatabaseSync } from 'node:sqlite';
import { IndexDamaged, toDamage } from '../damage.ts';
import type { Page, PageQuery } from '../ask/page.ts';
import { readPage } from '../page.ts';
import { indexPath, openToRead } from '../store.ts';

export interface ToReader {
  readonly id: number;
  /** Another one than before: the index was opened anew, and may be another file. */
  readonly generation: number;
  readonly ask: PageQuery;
}

export type FromReader = { readonly id: number } & ({ readonly page: Page } | { readonly failed: string; readonly damaged: boolean });

const { dir, folder } = workerData as { readonly dir: string; readonly folder: string };
let opened: { readonly db: DatabaseSync; readonly generation: number } | undefined;

function dbOf(generation: number): DatabaseSync {
  if (opened?.generation !== generation) {
    opened?.db.close();
    opened = undefined;
    opened = { db: openToRead(indexPath(folder)), generation };
  }
  return opened.db;
}

parentPort!.on('message', ({ id, generation, ask }: ToReader) => {
  try {
    parentPort!.postMessage({ id, page: readPage(dbOf(generation), dir, ask) } satisfies FromReader);
  } catch (error) {
    // Whoever asks is told to ask once the index is there: it has been removed since.
    const damaged = toDamage(error) instanceof IndexDamaged || !existsSync(indexPath(folder));
    parentPort!.postMessage({ id, failed: (error as Error).message, damaged } satisfies FromReader);
  }
});
