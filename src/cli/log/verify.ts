import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from '../command.ts';
import { logDirOf, textOf, type Action } from './action.ts';

interface Verifier {
  readonly isLog: (dir: string) => boolean;
  readonly main: (args: readonly string[], say: (line: string) => void) => number;
}

/** Runs the auditor's own program, so that there is one answer. */
export const verify: Action = async (invocation, context) => {
  const dir = invocation.positionals[0] ?? logDirOf(invocation, context);
  const { isLog, main } = await import(pathToFileURL(path.join(context.root, 'verify.mjs')).href) as Verifier;
  if (!isLog(dir)) throw new UsageError(`${dir}: is no log: it has no segments/ and no checkpoints${isLog(path.join(dir, 'log')) ? `; did you mean ${path.join(dir, 'log')}?` : ''}`);
  const options = ['vkey', 'old-checkpoint'].flatMap((name) => {
    const value = textOf(invocation, name);
    return value === undefined ? [] : [`--${name}`, value];
  });
  return main([dir, ...options], context.out);
};
