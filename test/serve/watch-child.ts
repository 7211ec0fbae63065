// Says in the file that it is given whether somebody is watched, and ends when that one has gone.
import { appendFileSync } from 'node:fs';
import { watchLauncher } from '../../src/serve/launcher.ts';

const file = process.argv[2]!;
const watch = watchLauncher((name) => {
  appendFileSync(file, `gone ${name}\n`);
  process.exit(0);
});
watch?.settle();
appendFileSync(file, `${process.pid} ${watch === undefined ? 'nobody' : 'watching'}\n`);
if (watch === undefined) process.exit(0);
setInterval(() => {}, 1000);
