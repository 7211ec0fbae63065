import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** The auditor's own program, so that there is one answer; it lies in the checkout or package. */
const PROGRAM = path.resolve(import.meta.dirname, '..', '..', '..', 'verify.mjs');

/** Verifies every record, checkpoint and tile of the log. Gives the first thing that is wrong, or undefined. */
export async function verifyWhole(dir: string, vkey: string): Promise<string | undefined> {
  const child = spawn(process.execPath, [PROGRAM, dir, '--vkey', vkey], {
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  }); // a few hundred lines at most
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0 ? undefined : (/^WRONG {2}(.*)$/m.exec(said)?.[1] ?? `${PROGRAM} could not check it`);
}
