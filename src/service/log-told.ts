import { watchDisk, type DiskWatch } from '../log/disk.ts';
import type { LogOptions, OpenedLog } from '../log/log.ts';
import type { Logger } from '../open.ts';

/** What an operator is told of the log, each once until it has passed. */
export const tellOfLog = (logger: Logger): Required<Pick<LogOptions, 'onWritable' | 'onSigningProblem' | 'onClockBack'>> => ({
  onWritable(problem) {
    if (problem === undefined) logger.info({}, 'the log is written again: questions are answered');
    else logger.error({ reason: problem }, 'the log is not written: no question is answered');
  },
  onSigningProblem: (reason) => logger.error({ reason }, 'records are durable, and not signed for'),
  onClockBack: (byMs) => logger.warn({ byMs }, 'the clock is behind the last record; records keep its time until it has caught up'),
});

/** What opening it had to mend. */
export function tellRecovered({ recovered: { truncatedBytes }, evidence }: OpenedLog, logger: Logger): void {
  const { repairedTiles = 0, asides = [], isCopyMade = false, unsigned: { from, to } = { from: 0, to: 0 } } = evidence?.opening ?? {};
  if (repairedTiles > 0) logger.warn({ repairedTiles }, 'tiles of the log were missing or damaged, and were made again from its records, which are the signed ones');
  if (asides.length > 0) logger.warn({ tiles: asides.slice(0, 20), count: asides.length }, 'tiles of the log held something else than its records: they are kept in aside/, for whoever asks how they came there');
  if (to > from) logger.warn({ from, to }, 'records behind the last checkpoint, as a crash leaves them, were signed');
  if (isCopyMade) logger.info({}, 'the whole log was verified, and has a copy of its newest checkpoint from now on');
  if (truncatedBytes > 0) logger.warn({ truncatedBytes }, 'a torn end of the log, which nobody was answered for, was cut off');
}

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
