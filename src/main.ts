import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { holdSignals } from './serve/signals.ts';

export { holdSignals };

/** Serves as the environment says until a signal ends it, and then gives the exit code; see `serveByEnvironment`. */
export async function main(): Promise<number> {
  // Before the program is read, which takes longer than somebody may wait with a signal.
  holdSignals();
  const { serveByEnvironment } = await import('./serve/start.ts');
  return serveByEnvironment(process.env, path.resolve(import.meta.dirname, '..'));
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) process.exitCode = await main();
