import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { HashName } from '../../core/record.ts';
import { openNames } from '../../datadir/names.ts';
import { loadBundle } from '../../opa/build.ts';
import { createEngine } from '../../opa/engine.ts';
import { ownRulesOf } from '../../opa/sources.ts';
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
    return byFacts({ snapshot: toSnapshot(await load(folders, Date.now)), hashes: hashesOf(folders.dataDir) });
  }
  if (rego === undefined) return undefined;
  const opa = async () => (await findOpa({ root: folders.root, env: folders.env, log: context.err })).path;
  const bundle = await loadBundle({ rego, own: ownRulesOf(folders.policies), cache: path.join(folders.dataDir, 'bundles'), shipped: path.join(folders.root, 'bundles'), opa });
  return byRules(await createEngine(bundle.wasm, bundle.rules));
}

/** Where a key can't be read, as in a copy that an auditor has, names that nobody knew stay hashes. */
function hashesOf(dataDir: string): readonly HashName[] {
  const keys = path.join(dataDir, 'keys');
  const old = path.join(keys, 'old');
  const earlier = existsSync(old) ? readdirSync(old).filter((name) => /^names-[0-9a-f]{16}\.key$/.test(name)).map((name) => path.join(old, name)) : [];
  return [path.join(keys, 'names.key'), ...earlier].flatMap((file) => {
    try {
      return [openNames(file, false).hash];
    } catch {
      return [];
    }
  });
}
