import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toVerifierKey } from '../../core/tlog/note.ts';
import { openLogKeys } from '../../datadir/log-key.ts';
import { ProofError, proveRecord } from '../../log/tree/prove.ts';
import { UsageError } from '../command.ts';
import { logDirOf, textOf, whole, type Action } from './action.ts';

/** Where the keys can't be read, as in a copy that an auditor has, it is left to fill in. */
function keyOf(dir: string): string {
  try {
    return toVerifierKey(readFileSync(path.join(dir, 'origin'), 'utf8').trim(), openLogKeys(path.join(dir, '..', 'keys')).current()!).text;
  } catch {
    return 'KEY';
  }
}

export const prove: Action = async (invocation, context) => {
  const [text] = invocation.positionals;
  if (text === undefined) throw new UsageError('say which: sluice log prove INDEX');
  const index = whole(text, 'INDEX');
  const dir = logDirOf(invocation, context);
  const out = textOf(invocation, 'out') ?? `${index}.tlog-proof`;
  try {
    writeFileSync(out, await proveRecord(dir, index));
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    context.err(`sluice: ${error.message}`);
    return 1;
  }
  context.out(`${out}: the proof of record ${index}. It is checked by its line (sluice log show ${index} --json) and the public key that signs now:\n  node verify.mjs --proof ${out} --vkey ${keyOf(dir)} --record FILE`);
  return 0;
};
