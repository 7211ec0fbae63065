import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Writes the number of this process into the file, whole or not at all; it is removed when the process ends by itself,
 * unless another process has written its own by then.
 *
 * @throws {Error} naming the file when it can't be written.
 */
export function writePidFile(file: string): void {
  const text = `${process.pid}\n`;
  try {
    writeFileSync(`${file}.tmp`, text, { mode: 0o644 });
    renameSync(`${file}.tmp`, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const advice = 'name a file in a folder that this user may write, by SLUICE_PID_FILE';
    throw new Error(`${file}: the pid file can't be written (${code}): ${advice}`, { cause: error });
  }
  process.once('exit', () => {
    try {
      if (readFileSync(file, 'utf8') === text) rmSync(file);
    } catch {
      // Somebody has removed it.
    }
  });
}
