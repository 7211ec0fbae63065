import type { Worker } from 'node:worker_threads';
import { beside, startThread } from '../../threads/thread.ts';
import type { FromMain, FromWorker, Progress, Reply, Request, ThreadData } from './keep/messages.ts';

export interface SyncThreadOptions extends Partial<ThreadData> {
  /** Of its heap; when it is not enough, the thread dies and the sync fails. */
  readonly memoryMb: number;
}

export interface Hooks {
  readonly signal?: AbortSignal;
  /** Asked before each request when it is budgeted; gives the milliseconds waited. */
  readonly mayRequest?: () => Promise<number>;
  readonly onProgress?: (progress: Progress) => void;
}

/** The one thread in which every environment is read and kept. Started with the first request, and again after its death. */
export interface SyncThread {
  /** Rejects for nothing: the reply says what failed, the death of the thread included. */
  ask(request: Request, hooks?: Hooks): Promise<Reply>;
  close(): Promise<void>;
}

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly hooks: Hooks;
}

export function createSyncThread({ scan = beside(import.meta.url, 'read/scan').href, build, memoryMb }: SyncThreadOptions): SyncThread {
  let worker: Worker | undefined;
  let closed = false;
  let lastId = 0;
  const pending = new Map<number, Pending>();

  function start(): Worker {
    const started = startThread(beside(import.meta.url, 'worker'), {
      name: 'permit', workerData: { scan, build } satisfies ThreadData, resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    });
    started.on('message', (message: FromWorker) => hear(started, message));
    started.on('error', (error: NodeJS.ErrnoException) => died(started, error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? `it needed more than ${memoryMb} MB` : error.code ?? error.name));
    started.on('exit', (code) => died(started, `it ended with code ${code}`));
    return started;
  }

  function died(which: Worker, why: string): void {
    if (worker !== which) return;
    worker = undefined;
    for (const { resolve } of pending.values()) resolve({ failure: { kind: closed ? 'aborted' : 'worker', message: closed ? 'closed' : `the thread that reads Permit died: ${why}; it is started again with the next poll` } });
    pending.clear();
  }

  function hear(from: Worker, message: FromWorker): void {
    const one = pending.get(message.id);
    if (one === undefined) return;
    if (message.type === 'progress') one.hooks.onProgress?.(message.progress);
    else if (message.type === 'mayRequest') void one.hooks.mayRequest?.().then((waitedMs) => tell(from, { id: message.id, type: 'granted', waitedMs }));
    else settle(message.id, one, message.reply);
  }

  function settle(id: number, { resolve }: Pending, reply: Reply): void {
    pending.delete(id);
    if (pending.size === 0) worker?.unref(); // an idle thread keeps no program from ending
    resolve(reply);
  }

  const tell = (to: Worker, message: FromMain) => to.postMessage(message);

  return {
    ask: (request, hooks = {}) => new Promise((resolve) => {
      if (closed) return resolve({ failure: { kind: 'aborted', message: 'closed' } });
      const id = lastId += 1;
      try {
        worker ??= start();
      } catch (error) {
        return resolve({ failure: { kind: 'worker', message: `the thread that reads Permit can't be started (${(error as NodeJS.ErrnoException).code ?? 'unknown'})` } });
      }
      const to = worker;
      pending.set(id, { resolve, hooks });
      to.ref();
      hooks.signal?.addEventListener('abort', () => pending.has(id) && tell(to, { id, type: 'abort' }), { once: true });
      tell(to, { id, type: 'request', request });
    }),
    async close() {
      closed = true;
      await worker?.terminate();
    },
  };
}
