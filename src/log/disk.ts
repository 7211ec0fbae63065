import { statfs } from 'node:fs/promises';

export interface DiskUsage {
  /** What this user can still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** From 0 to 1, of what this user may use at all. */
  readonly used: number;
  /** So much is used that somebody must be told: see to it before there is no space, and with it no answer. */
  readonly isAlarming: boolean;
}

const ALARM_AT = 0.8;
/** What is told is no older. */
const OLDEST_MS = 5000;

/** The file system that holds `dir`. */
export async function diskUsage(dir: string): Promise<DiskUsage> {
  const { bsize, blocks, bfree, bavail } = await statfs(dir);
  const usable = blocks - bfree + bavail;
  const used = usable === 0 ? 1 : 1 - bavail / usable;
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, used, isAlarming: used >= ALARM_AT };
}

export interface DiskWatch {
  /** As it was looked at within the last five seconds; undefined when it can't be. */
  usage(): DiskUsage | undefined;
  close(): void;
}

export interface DiskWatchOptions {
  readonly dir: string;
  /** Called when so much is used that somebody must be told, and when that has passed. */
  readonly onChange: (usage: DiskUsage) => void;
  readonly everyMs?: number;
  /** Milliseconds from any start, never set back. */
  readonly monotonic?: () => number;
  readonly look?: typeof diskUsage;
}

/** Looks now and then, so that nobody who asks waits for the disk. */
export function watchDisk({ dir, onChange, everyMs = 4000, look = diskUsage, monotonic = () => performance.now() }: DiskWatchOptions): DiskWatch {
  let last: { readonly usage: DiskUsage; readonly atMs: number } | undefined;
  let isLooking = false;
  const again = async () => {
    // A disk that hangs holds a thread for each look, and there are four of them for all files.
    if (isLooking) return;
    isLooking = true;
    const atMs = monotonic();
    const usage = await look(dir).catch(() => undefined);
    isLooking = false;
    if (usage === undefined) return;
    const wasAlarming = last?.usage.isAlarming === true;
    last = { usage, atMs };
    if (usage.isAlarming !== wasAlarming) onChange(usage);
  };
  const timer = setInterval(() => void again(), everyMs);
  timer.unref();
  void again();
  return { usage: () => (last !== undefined && monotonic() - last.atMs <= OLDEST_MS ? last.usage : undefined), close: () => clearInterval(timer) };
}
