import { watchDisk, type DiskWatch } from '../log/disk.ts';
import type { Logger } from '../open.ts';

/** Tells once that the disk of the log fills up, and once that it has space again. */
export function watchLogDisk(dir: string, logger: Logger): DiskWatch {
  return watchDisk({
    dir,
    onChange({ used, freeBytes, isAlarming }) {
      const members = { used: Math.round(used * 100) / 100, freeBytes };
      if (isAlarming) logger.warn(members, 'the disk of the log fills up: without space no question is answered; prune the log, or give it more');
      else logger.info(members, 'the disk of the log has space again');
    },
  });
}
