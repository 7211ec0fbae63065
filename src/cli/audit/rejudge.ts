import path from 'node:path';
import { openNames } from '../../datadir/names.ts';
import { loadBundle } from '../../opa/build.ts';
import { createEngine } from '../../opa/engine.ts';
import { findOpa } from '../../opa/toolchain.ts';
import { byFacts, byRules, type Rejudge } from '../../replay/rejudge.ts';
import { load, toSnapshot } from '../../workspace.ts';
import { foldersOf, type Context, type Invocation } from '../command.ts';
import { textOf } from './options.ts';

/** Undefined when no other policy is named. */
export async function rejudgeOf(invocation: Invocation, context: Context): Promise<Rejudge | undefined> {
  const [policies, rego] = [textOf(invocation, 'policies'), textOf(invocation, 'rego')];
  const folders = foldersOf(invocation, context);
  if (policies !== undefined) {
    const hash = hashOf(folders.dataDir);
    return byFacts({ snapshot: toSnapshot(await load(folders, Date.now)), ...(hash !== undefined && { hash }) });
  }
  if (rego === undefined) return undefined;
  const opa = async () => (await findOpa({ root: folders.root, env: folders.env, log: context.err })).path;
  const bundle = await loadBundle({ rego, cache: path.join(folders.dataDir, 'bundles'), shipped: path.join(folders.root, 'bundles'), opa });
  return byRules(await createEngine(bundle.wasm, bundle.rules));
}

/** Where the key can't be read, as in a copy that an auditor has, names that nobody knew stay hashes. */
function hashOf(dataDir: string): ((name: string) => string) | undefined {
  try {
    return openNames(path.join(dataDir, 'keys', 'names.key'), false).hash;
  } catch {
    return undefined;
  }
}
