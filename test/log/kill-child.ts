// Writes a log under load from many callers at once and prints what is acknowledged, until it is killed.
import { writeSync } from 'node:fs';
import { openLog } from '../../src/log/log.ts';

const [dir = '', round = ''] = process.argv.slice(2);
const log = await openLog({ dir: `${dir}/log`, keysDir: `${dir}/keys`, signEveryMs: 20, now: Date.now, maxSegmentBytes: 256 * 1024, onSegment: () => [{ kind: 'bundle_activated', members: '' }] });
let n = 0;

async function call(): Promise<never> {
  for (;;) {
    const id = `${round}-${n += 1}`;
    const long = n % 500 === 0 ? `,"long":"${'x'.repeat(70_000)}"` : '';
    const index = await log.append({
      kind: 'decision', members: `"id":"${id}","pad":"${'x'.repeat(n % 700)}"${long}`, input: { digest: `d${n % 7}`, members: () => `"digest":"d${n % 7}"` },
    }).durable;
    writeSync(1, `${index} ${id}\n`);
  }
}

await Promise.all(Array.from({ length: 64 }, call));
