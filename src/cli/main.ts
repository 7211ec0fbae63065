import { holdSignals } from '../serve/signals.ts';

// A server must hear its signals from the first moment on, before the program is read.
if (process.argv[2] === 'serve') holdSignals();
const { run } = await import('./run.ts');
process.exitCode = await run(process.argv.slice(2));
