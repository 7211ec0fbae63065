import { supervise, type Death } from '../../threads/supervise.ts';
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
  let closed = false;
  let lastId = 0;
  const pending = new Map<number, Pending>();

  const thread = supervise<FromWorker, FromMain>({
    start: () => startThread(beside(import.meta.url, 'worker'), {
      name: 'permit', workerData: { scan, build } satisfies ThreadData, resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    }),
    hear,
    died(death) {
      const message = `the thread that reads Permit died: ${whyOf(death, memoryMb)}; it is started again with the next poll`;
      for (const { resolve } of pending.values()) {
        resolve({ failure: closed ? { kind: 'aborted', message: 'closed' } : { kind: 'worker', message } });
      }
      pending.clear();
    },
  });

  function hear(message: FromWorker, reply: (message: FromMain) => void): void {
    const one = pending.get(message.id);
    if (one === undefined) return;
    if (message.type === 'progress') one.hooks.onProgress?.(message.progress);
    else if (message.type === 'mayRequest') void one.hooks.mayRequest?.().then((waitedMs) => reply({ id: message.id, type: 'granted', waitedMs }));
    else settle(message.id, one, message.reply);
  }

  function settle(id: number, { resolve }: Pending, reply: Reply): void {
    pending.delete(id);
    if (pending.size === 0) thread.keepAlive(false); // an idle thread keeps no program from ending
    resolve(reply);
  }

  return {
    ask: (request, hooks = {}) => new Promise((resolve) => {
      if (closed) return resolve({ failure: { kind: 'aborted', message: 'closed' } });
      const id = lastId += 1;
      try {
        thread.post({ id, type: 'request', request });
      } catch (error) {
        return resolve({ failure: { kind: 'worker', message: `the thread that reads Permit can't be started (${(error as NodeJS.ErrnoException).code ?? 'unknown'})` } });
      }
      pending.set(id, { resolve, hooks });
      thread.keepAlive(true);
      hooks.signal?.addEventListener('abort', () => {
        if (pending.has(id)) thread.post({ id, type: 'abort' });
      }, { once: true });
    }),
    async close() {
      closed = true;
      await thread.close();
    },
  };
}

function whyOf(death: Death, memoryMb: number): string {
  if ('code' in death) return `it ended with code ${death.code}`;
  const { code, name } = death.error;
  return code === 'ERR_WORKER_OUT_OF_MEMORY' ? `it needed more than ${memoryMb} MB` : code ?? name;
}
