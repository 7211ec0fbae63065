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

/** The file system that holds `dir`. */
export async function diskUsage(dir: string): Promise<DiskUsage> {
  const { bsize, blocks, bfree, bavail } = await statfs(dir);
  const usable = blocks - bfree + bavail;
  const used = usable === 0 ? 1 : 1 - bavail / usable;
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, used, isAlarming: used >= ALARM_AT };
}
