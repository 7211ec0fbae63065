import { existsSync } from 'node:fs';
import path from 'node:path';
import { foldersOf, UsageError, type Context, type Invocation } from '../command.ts';

/** One of the things that `sluice log` does; the positionals are those behind its name. Gives the exit code. */
export type Action = (invocation: Invocation, context: Context) => Promise<number>;

/** The log of the data directory. */
export function logDirOf(invocation: Invocation, context: Context): string {
  const dir = path.join(foldersOf(invocation, context).dataDir, 'log');
  if (!existsSync(dir)) throw new UsageError(`${dir}: there is no log; name its data directory with --data-dir`);
  return dir;
}

export const textOf = ({ values }: Invocation, name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);

/** @param what for the error. */
export function whole(text: string, what: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`${what} takes a whole number`);
}
