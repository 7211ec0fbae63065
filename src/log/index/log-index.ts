import { SluiceError } from '../../core/errors.ts';
import { supervise } from '../../threads/supervise.ts';
import { beside, startThread } from '../../threads/thread.ts';
import { createReader } from './threads/reader.ts';
import type { Page, PageQuery } from './ask/page.ts';
import type { FromWriter, ToWriter } from './threads/writing.ts';

export interface LogIndexOptions {
  /** `<data directory>/log` */
  readonly dir: string;
  /** `<data directory>/index`: may be removed at any time, and is then built anew. */
  readonly folder: string;
  readonly origin: string;
  /** How many lines of the log are durable. Asked a few times a second. */
  readonly durable: () => number;
  readonly logger: IndexLogger;
  /** How long until an index that could not be written is tried again. */
  readonly retryMs?: number;
}

export interface IndexLogger {
  info(members: object, message: string): void;
  warn(members: object, message: string): void;
}

export interface LogIndex {
  /**
   * The first page of a query. It knows every record that was durable when it was asked.
   * @throws {SluiceError} `not_ready`, saying why, while the index is being built or can't be.
   */
  page(ask: PageQuery): Promise<Page>;
  status(): IndexStatus;
  /** On return the index is closed; it goes on from there when it is opened again. */
  close(): Promise<void>;
}

export interface IndexStatus {
  /** Lines of the log that the index has. */
  readonly next: number;
  /** Lines of the log that are durable. */
  readonly size: number;
  readonly failure?: string;
}

const LOOK_EVERY_MS = 200;
const WAIT_MS = 2_000;
const SAY_EVERY_MS = 5_000;
const CLOSE_MS = 10_000;

/**
 * Follows the log with an index, in threads of its own; whoever appends waits for neither. Never throws: an index that
 * can't be written is told to those who read.
 */
export function openLogIndex({ dir, folder, origin, durable, logger, retryMs = 5_000 }: LogIndexOptions): LogIndex {
  const reader = createReader({ dir, folder });
  let next: number | undefined;
  let generation = 0;
  let failure: string | undefined;
  let told = 0;
  let saidAtMs = performance.now();
  let closing: Promise<void> | undefined;
  let waiting: (() => void)[] = [];

  const writer = supervise<FromWriter, ToWriter>({
    start: () => startThread(beside(import.meta.url, 'threads/writing'), {
      workerData: { dir, folder, origin, retryMs }, resourceLimits: { maxYoungGenerationSizeMb: 16 },
    }),
    hear,
    died: (death) => {
      if ('error' in death) fail(`its thread ended: ${death.error.message}`);
    },
    restartMs: retryMs,
    restarted: () => {
      told = 0;
    },
  });

  function fail(reason: string): void {
    if (failure !== reason) logger.warn({ reason }, 'the index of the log can not be kept: the log can not be read through it');
    failure = reason;
    next = undefined;
    wake();
  }

  function hear(message: FromWriter): void {
    if ('failed' in message) return fail(message.failed);
    if ('rebuilding' in message) {
      logger.warn({ reason: message.rebuilding }, 'the index of the log is built anew');
      next = undefined;
      return;
    }
    if ('opened' in message) generation += 1;
    failure = undefined;
    next = 'opened' in message ? message.opened : message.next;
    say(next);
    wake();
  }

  function say(indexed: number): void {
    if (durable() - indexed < 100_000 || performance.now() - saidAtMs < SAY_EVERY_MS) return;
    saidAtMs = performance.now();
    logger.info({ indexed, of: durable() }, 'the index of the log is being built');
  }

  function wake(): void {
    const woken = waiting;
    waiting = [];
    for (const go of woken) go();
  }

  function look(): void {
    const until = durable();
    if (until === told) return;
    told = until;
    writer.post({ until });
  }

  const looking = setInterval(look, LOOK_EVERY_MS);
  looking.unref();
  look();

  const has = (until: number) => next !== undefined && next >= until;

  async function catchUp(until: number): Promise<void> {
    look();
    const endMs = performance.now() + WAIT_MS;
    while (!has(until) && failure === undefined && performance.now() < endMs) {
      const woken = Promise.withResolvers<void>();
      waiting.push(woken.resolve);
      const timer = setTimeout(woken.resolve, endMs - performance.now());
      await woken.promise;
      clearTimeout(timer);
    }
    if (failure !== undefined) throw new SluiceError('not_ready', `the log can't be read now: its index can't be kept (${failure})`, { retryAfterSeconds: 5 });
    if (!has(until)) throw new SluiceError('not_ready', `the log can't be read now: its index is being built, ${next ?? 0} of ${until} records are done`, { retryAfterSeconds: 2 });
  }

  async function end(): Promise<void> {
    clearInterval(looking);
    wake();
    await reader.close(); // first: while a reader has it open the index can't be closed whole
    await writer.close({ close: true }, CLOSE_MS);
  }

  return {
    async page(ask) {
      if (closing !== undefined) throw new SluiceError('not_ready', 'the log is being closed');
      await catchUp(durable());
      const answer = await reader.ask(ask, generation);
      if ('page' in answer) return answer.page;
      if (answer.damaged) {
        next = undefined;
        writer.post({ damaged: answer.failed });
        throw new SluiceError('not_ready', 'the log can\'t be read now: its index was damaged and is built anew', { retryAfterSeconds: 2 });
      }
      throw new SluiceError('not_ready', `the log can't be read now: ${answer.failed}`, { retryAfterSeconds: 5 });
    },
    status: () => ({ next: next ?? 0, size: durable(), ...(failure !== undefined && { failure }) }),
    close: () => closing ??= end(),
  };
}
