import path from 'node:path';
import type { Logger } from 'pino';
import { listSegments } from '../log/layout.ts';
import { leavingOf } from '../log/tree/prune.ts';
import type { LogActs } from '../log/types.ts';
import { lacking, progressIn } from '../ship/lacking.ts';

const DAY_MS = 86_400_000;
const LOOK_MS = 3_600_000;
const LACKING = 'what is too old to be kept was not pruned: sinks still lack it; '
  + 'of a sink that is one no more, remove the file';
/** Records by it what is done by nobody else. */
const BY = { caller: { id: 'sluice' } } as const;

export interface RetentionDeps {
  readonly dataDir: string;
  readonly sinksFile?: string | undefined;
  readonly keepDays: number;
  readonly acts: Pick<LogActs, 'prune'>;
  /** How many lines are durable. */
  readonly durable: () => number;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Wall time in milliseconds since the Unix epoch. */
  readonly now: () => number;
}

export interface Retention {
  /** Prunes what is due. Never throws: says what kept it. */
  run(): Promise<void>;
  /** Waits for what is being done. */
  close(): Promise<void>;
}

/**
 * Prunes the log by itself, now and every hour: whole segments of which every record is older than `keepDays`. Each is
 * recorded as an operator's would be. Nothing that a sink lacks goes, also a sink that is configured no more, and
 * nothing is recorded while nothing is due.
 */
export function startRetention({ dataDir, sinksFile, keepDays, acts, durable, logger, now }: RetentionDeps): Retention {
  const dir = path.join(dataDir, 'log');
  async function prune(): Promise<void> {
    const beforeMs = now() - keepDays * DAY_MS;
    const due = await leavingOf(dir, await listSegments(dir), { beforeMs, size: durable() });
    if (due.length === 0) return;
    const behind = await lacking(dir, progressIn(dataDir, sinksFile), beforeMs);
    if (behind.length > 0) {
      const files = behind.map((sink) => path.join(dataDir, 'ship', `${sink}.json`));
      return logger.warn({ sinks: behind, files }, LACKING);
    }
    const { from, to, segments } = await acts.prune(beforeMs, BY);
    logger.info({ from, to, segments, keepDays }, 'records that are too old to be kept were pruned');
  }
  let last: Promise<void> = Promise.resolve();
  const run = () => {
    last = last.then(prune).catch((error: unknown) => {
      logger.error({ reason: (error as Error).message }, 'the log could not be pruned; it is tried again in an hour');
    });
    return last;
  };
  void run();
  const timer = setInterval(() => void run(), LOOK_MS);
  timer.unref();
  return {
    run,
    close() {
      clearInterval(timer);
      return last;
    },
  };
}
