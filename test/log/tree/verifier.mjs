// Runs the auditor's program for each line of standard input, `[DIR, options]` as JSON; answers with its result as JSON.
import { createInterface } from 'node:readline';
import { verifyLog } from '../../../verify.mjs';

for await (const line of createInterface(process.stdin)) {
  const [dir, options] = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(verifyLog(dir, options))}\n`);
}
