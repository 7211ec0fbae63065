import { write } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { SinkError, type Sink } from './sink.ts';

const STDOUT = 1;
/** A pipe that is full and does not block is looked at again after so long. */
const FULL_PIPE_MS = 10;

/**
 * One JSON text a line: whoever reads the program's standard output has the records. What is written counts as received,
 * since a pipe tells no more.
 *
 * @param fd where to; for tests.
 */
export function openStdout(fd: number = STDOUT): Sink {
  return {
    limits: { records: 500, bytes: 512 * 1024 },
    async write(batch, signal) {
      if (signal.aborted) throw new SinkError('ended');
      const bytes = Buffer.from(batch.map((record) => `${JSON.stringify(record)}\n`).join(''));
      let rest = bytes;
      while (rest.length > 0) {
        const written = await writeSome(fd, rest);
        rest = rest.subarray(written);
        if (written > 0) continue;
        // A line that was begun is ended: the next reader of the pipe would take two halves for one.
        if (signal.aborted && rest.length === bytes.length) throw new SinkError('ended');
        await wait(FULL_PIPE_MS);
      }
    },
    close: () => Promise.resolve(),
  };
}

/** How many bytes the pipe took; 0 while it is full. */
function writeSome(fd: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, (error, written) => {
      if (error === null) resolve(written);
      else if (error.code === 'EAGAIN') resolve(0);
      else reject(new SinkError(`standard output can't be written (${error.code ?? error.name})`));
    });
  });
}
