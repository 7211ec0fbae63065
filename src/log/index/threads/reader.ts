import type { Worker } from 'node:worker_threads';
import { SluiceError } from '../../../core/errors.ts';
import { beside, startThread } from '../../../threads/thread.ts';
import type { Page, PageQuery } from '../ask/page.ts';
import type { FromReader, ToReader } from './reading.ts';

export type Answer = { readonly page: Page } | { readonly failed: string; readonly damaged: boolean };

/** How many may wait for their page. */
const MAX_WAITING = 64;

/** The thread that reads the index; begun with the first that is asked of it, and again after it has ended. */
export function createReader(where: { readonly dir: string; readonly folder: string }) {
  const waiting = new Map<number, (answer: Answer) => void>();
  let thread: Worker | undefined;
  let count = 0;

  function start(): Worker {
    const worker = startThread(beside(import.meta.url, 'reading'), { workerData: where });
    worker.unref();
    worker.on('message', ({ id, ...answer }: FromReader) => {
      waiting.get(id)?.(answer);
      waiting.delete(id);
    });
    worker.on('error', () => {}); // exit follows, and tells those who wait
    worker.on('exit', () => {
      thread = undefined;
      for (const answer of waiting.values()) answer({ failed: 'the thread that reads it has ended', damaged: false });
      waiting.clear();
    });
    return worker;
  }

  return {
    /** @throws {SluiceError} `not_ready` when too many wait. */
    ask(ask: PageQuery, generation: number): Promise<Answer> {
      if (waiting.size >= MAX_WAITING) throw new SluiceError('not_ready', 'too many are reading the log', { retryAfterSeconds: 1 });
      thread ??= start();
      const id = count += 1;
      const answered = Promise.withResolvers<Answer>();
      waiting.set(id, answered.resolve);
      thread.postMessage({ id, generation, ask } satisfies ToReader);
      return answered.promise;
    },
    async close(): Promise<void> {
      await thread?.terminate();
    },
  };
}
