import type { Worker } from 'node:worker_threads';

/** Why a thread is gone: what it threw, or the code that it ended with. */
export type Death = { readonly error: NodeJS.ErrnoException } | { readonly code: number };

export interface SuperviseOptions<From, To> {
  /** Starts the thread; see `startThread`. May throw, for instance when the process has no memory left for one. */
  readonly start: () => Worker;
  /** Takes a message of the thread; `reply` goes to the very thread that sent it. */
  readonly hear: (message: From, reply: (message: To) => void) => void;
  /** Is told once of each thread that ends, also of one that was closed. */
  readonly died: (death: Death) => void;
  /**
   * How long after its end it is started again, in milliseconds. Without it a thread is started by the first message for
   * it, and by the first one after its end.
   */
  readonly restartMs?: number;
  /** Is called after a restart: whatever the thread before was told is to be told again. */
  readonly restarted?: () => void;
}

export interface Supervised<To> {
  /** Sends to the thread, and starts one on demand; between an end and the restart the message is lost. May throw as `start`. */
  post(message: To): void;
  /** Whether the thread keeps the process from ending. It does not, unless it is told to. */
  keepAlive(keeps: boolean): void;
  /**
   * Sends `last` and waits until the thread has ended by itself, at most `withinMs`; without `last` it is ended at once.
   * No thread is started any more.
   */
  close(last?: To, withinMs?: number): Promise<void>;
}

interface Running {
  readonly thread: Worker;
  readonly exited: Promise<void>;
}

/** Keeps one thread running, or starts it on demand: the one place where threads are started again and closed. */
export function supervise<From, To>(options: SuperviseOptions<From, To>): Supervised<To> {
  const { start, hear, died, restartMs, restarted } = options;
  let running: Running | undefined;
  let closing: Promise<void> | undefined;

  function begin(): Running {
    const thread = start();
    thread.unref();
    const { promise: exited, resolve: exit } = Promise.withResolvers<void>();
    const begun = { thread, exited };
    let hasFailed = false;
    thread.on('message', (message: From) => hear(message, (reply) => thread.postMessage(reply)));
    thread.on('error', (error: NodeJS.ErrnoException) => {
      hasFailed = true;
      if (restartMs === undefined && running === begun) running = undefined;
      died({ error });
    });
    thread.on('exit', (code) => {
      if (running === begun) running = undefined;
      exit();
      if (!hasFailed) died({ code });
      if (restartMs !== undefined && closing === undefined) setTimeout(again, restartMs).unref();
    });
    return begun;
  }

  function again(): void {
    if (closing !== undefined) return;
    running = begin();
    restarted?.();
  }

  async function end(last: To | undefined, withinMs: number | undefined): Promise<void> {
    if (running === undefined) return;
    const { thread, exited } = running;
    thread.ref();
    if (last === undefined) void thread.terminate();
    else thread.postMessage(last);
    const timer = setTimeout(() => void thread.terminate(), withinMs);
    await exited;
    clearTimeout(timer);
  }

  if (restartMs !== undefined) running = begin();
  return {
    post(message) {
      if (running === undefined && restartMs === undefined && closing === undefined) running = begin();
      running?.thread.postMessage(message);
    },
    keepAlive(keeps) {
      if (keeps) running?.thread.ref();
      else running?.thread.unref();
    },
    close: (last, withinMs) => closing ??= end(last, withinMs),
  };
}
