import { SluiceError } from '../../../core/errors.ts';
import { supervise } from '../../../threads/supervise.ts';
import { beside, startThread } from '../../../threads/thread.ts';
import type { Page, PageQuery } from '../ask/page.ts';
import type { FromReader, ToReader } from './reading.ts';

export type Answer = { readonly page: Page } | { readonly failed: string; readonly damaged: boolean };

/** How many may wait for their page. */
const MAX_WAITING = 64;

/** The thread that reads the index; begun with the first that is asked of it, and again after it has ended. */
export function createReader(where: { readonly dir: string; readonly folder: string }) {
  const waiting = new Map<number, (answer: Answer) => void>();
  let count = 0;
  const thread = supervise<FromReader, ToReader>({
    start: () => startThread(beside(import.meta.url, 'reading'), { workerData: where }),
    hear({ id, ...answer }) {
      waiting.get(id)?.(answer);
      waiting.delete(id);
    },
    died() {
      for (const answer of waiting.values()) answer({ failed: 'the thread that reads it has ended', damaged: false });
      waiting.clear();
    },
  });

  return {
    /** @throws {SluiceError} `not_ready` when too many wait. */
    ask(ask: PageQuery, generation: number): Promise<Answer> {
      if (waiting.size >= MAX_WAITING) throw new SluiceError('not_ready', 'too many are reading the log', { retryAfterSeconds: 1 });
      const id = count += 1;
      const answered = Promise.withResolvers<Answer>();
      thread.post({ id, generation, ask });
      waiting.set(id, answered.resolve);
      return answered.promise;
    },
    close: () => thread.close(),
  };
}
