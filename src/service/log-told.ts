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
  const repairedTiles = evidence?.repairedTiles ?? 0;
  if (repairedTiles > 0) logger.warn({ repairedTiles }, 'tiles of the log were missing or damaged, and were made again from its records, which are the signed ones');
  if (truncatedBytes > 0) logger.warn({ truncatedBytes }, 'a torn end of the log, which nobody was answered for, was cut off');
}
