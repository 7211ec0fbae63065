// A thread of its own that keeps the index up with the log: what it takes, no question waits for.
import { setTimeout as wait } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { IndexDamaged } from '../damage.ts';
import { openIndexer, type Indexer, type IndexerOptions } from '../indexer.ts';
import { removeIndex } from '../store.ts';
import { giveWay } from '../../../threads/thread.ts';

export type ToWriter =
  /** The log is durable up to here. */
  | { readonly until: number }
  /** A reader has found the index to be wrong. */
  | { readonly damaged: string }
  | { readonly close: true };

export type FromWriter =
  /** An index is open, for readers to open it too. */
  | { readonly opened: number }
  | { readonly next: number }
  /** It was damaged, and is built anew. */
  | { readonly rebuilding: string }
  /** It can't be written; tried again. */
  | { readonly failed: string };

const { retryMs, ...options } = workerData as IndexerOptions & { readonly retryMs: number };
const tell = (message: FromWriter) => parentPort!.postMessage(message);

let until = 0;
let damaged: string | undefined;
let isClosing = false;
let more = Promise.withResolvers<void>();

parentPort!.on('message', (message: ToWriter) => {
  if ('until' in message) until = message.until;
  else if ('damaged' in message) damaged = message.damaged;
  else isClosing = true;
  more.resolve();
});

async function follow(indexer: Indexer): Promise<void> {
  tell({ opened: indexer.next() });
  while (!isClosing) {
    if (damaged !== undefined) throw new IndexDamaged(damaged);
    if (indexer.next() < until) {
      await indexer.advance(until);
      tell({ next: indexer.next() });
    } else {
      await more.promise;
      more = Promise.withResolvers();
    }
  }
  await indexer.close();
}

async function run(): Promise<void> {
  while (!isClosing) {
    let indexer: Indexer | undefined;
    try {
      indexer = await openIndexer({ ...options, isEnding: () => isClosing || damaged !== undefined });
      await follow(indexer);
    } catch (error) {
      indexer?.abandon();
      await recover(error);
    }
  }
  parentPort!.close();
}

async function recover(error: unknown): Promise<void> {
  damaged = undefined;
  try {
    if (!(error instanceof IndexDamaged)) throw error;
    tell({ rebuilding: error.message });
    removeIndex(options.folder);
  } catch (reason) {
    tell({ failed: (reason as Error).message });
    // A message wakes it too, but then at most as often.
    await Promise.race([wait(retryMs), closing()]);
  }
}

async function closing(): Promise<void> {
  while (!isClosing) {
    await more.promise;
    more = Promise.withResolvers();
  }
}

giveWay();
await run();
