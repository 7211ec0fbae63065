import { openEvidence, type Evidence } from './tree/evidence.ts';
import { refuseEarlier, refuseUnfinished } from './tree/plan.ts';
import { refuseGone } from './start/begun.ts';
import { nodeFiles, type Files } from './files.ts';
import { openLayout, refuseOdd } from './layout.ts';
import { createQueue } from './write/queue.ts';
import { recover, type Recovered } from './recover.ts';
import { createSequence } from './sequence.ts';
import type { Ticking } from './write/stopwatch.ts';
import type { DecisionLog, Entry } from './types.ts';
import { openWriter } from './writer.ts';

export interface LogOptions {
  /** `<data directory>/log`; the data directory's lock keeps every other process out. */
  readonly dir: string;
  /** Wall time in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** The current activations: what every segment but the first begins with. Called by each `append`; may not append. */
  readonly onSegment?: () => readonly Entry[];
  /** A segment takes no further record once it has this many bytes … */
  readonly maxSegmentBytes?: number | undefined;
  /** … or its first line is this old. */
  readonly maxSegmentMs?: number;
  /** How much may wait to be durable; beyond it `append` throws. */
  readonly maxQueued?: { readonly records: number; readonly bytes: number };
  /** Once the disk has taken so long over one group, and this thread ran, `append` throws until it is done with it. */
  readonly stalledMs?: number;
  /** Default: a timer. */
  readonly ticking?: Ticking;
  /** Told once why the log can't be written, and once, without a reason, when it can again. */
  readonly onWritable?: (problem: string | undefined) => void;
  /** Milliseconds from any start, never set back. */
  readonly monotonic?: () => number;
  /** The clock is behind the last record by so much; told once until it has caught up. */
  readonly onClockBack?: (byMs: number) => void;
  readonly files?: Files;
  /** The copy of the newest checkpoint; default: `log.checkpoint` among the keys. Never within `dir`. */
  readonly copyPath?: string | undefined;
  /** How many records may be unsigned; a start refuses more. */
  readonly maxUnsigned?: number;
  /** An operator says why they are to be signed all the same; recorded. */
  readonly acceptUnsigned?: string;
  /** `<data directory>/keys`. Without it the log has no tree and no checkpoints, and is no evidence: for measurements. */
  readonly keysDir?: string;
  /** Where the log ends, when `recover` has told so already and nobody can have written since. */
  readonly found?: Recovered | undefined;
  /** The act that begins a new origin is under way: see `beginNewOrigin`. */
  readonly beginsAnew?: boolean;
  /** A record is covered by a checkpoint at the latest so long after it is durable. */
  readonly signEveryMs?: number;
  /** Checkpoints can't be written; told once until they can again. */
  readonly onSigningProblem?: (reason: string) => void;
}

export interface OpenedLog extends DecisionLog {
  /** Bytes of a torn last line, never acknowledged, that opening has cut off. */
  readonly recovered: { readonly truncatedBytes: number };
  /**
   * Tries again to write a log that had no space, as the next `append` would, but not within a second of the last try.
   * Resolves when it is known whether the log can be written: see `failure()`. Never rejects. For readiness, which
   * keeps away the requests that would have tried.
   */
  probe(): Promise<void>;
  /** The tree over the log, its checkpoints, and what is done to the log as a whole. */
  readonly evidence: Evidence | undefined;
}

/**
 * Opens the log, which begins at the first call. A record is durable when the promise of its `append` resolves: it and
 * all before it are then on disk. Records that wait while others are synced are written and synced together.
 *
 * When there is no space (ENOSPC, EDQUOT), or no file can be opened (EMFILE, ENFILE), everything queued is refused; the
 * log is tried again with a later `append`, at most once a second, and goes on in a new segment whose first record, of
 * kind `gap`, tells how many were refused.
 * Any other error of the disk, and any of a sync, is final: nothing is appended until a restart has read the log again.
 *
 * With `keysDir`, records are the leaves of a Merkle tree, and its signed checkpoints follow them. Whole lines that were
 * on disk and not signed when the last run ended are signed by opening.
 *
 * @throws {Error} for the operator, naming file and line, when what is there is not a whole log with at most a torn
 * last line, or not the one that was signed.
 */
export async function openLog(options: LogOptions): Promise<OpenedLog> {
  const { dir, now, onClockBack, onSegment = () => [], files = nodeFiles } = options;
  const { maxSegmentBytes = 256 * 2 ** 20, maxSegmentMs = 3_600_000, maxQueued = { records: 65_536, bytes: 64 * 2 ** 20 } } = options;
  const { stalledMs = 10_000, monotonic = () => performance.now() } = options;
  await refuseOdd(dir);
  refuseEarlier(dir);
  if (options.keysDir !== undefined) {
    if (options.beginsAnew !== true) refuseUnfinished(options.keysDir); // before anything is made where files are being laid aside
    refuseGone(dir, options.keysDir, options.copyPath);
  }
  const { origin } = await openLayout(dir);
  const found = options.found ?? await recover(dir, origin);
  const evidence = await openEvidence({ ...options, files, origin, monotonic, size: found.tail.next });
  const writer = await openWriter({ files, dir, growth: evidence?.growth }, found.tail);
  const sequence = createSequence({ origin, now, onClockBack, maxSegmentBytes, maxSegmentMs, objectBytes: evidence?.objectBytes ?? 0 }, found);
  const queue = createQueue({
    writer, sequence, onSegment, now, monotonic, maxQueued, stalledMs, ticking: options.ticking, onWritable: options.onWritable, ...(evidence && { unsigned: evidence.failure }),
  });
  try {
    await evidence?.start(queue.append);
  } catch (error) {
    await queue.close();
    throw error;
  }
  return {
    origin,
    recovered: { truncatedBytes: found.truncatedBytes },
    evidence,
    ...queue,
    async close() {
      await queue.close();
      await evidence?.close();
    },
  };
}
