import path from 'node:path';
import { openNames } from '../../datadir/names.ts';
import { loadBundle } from '../../opa/build.ts';
import { createEngine } from '../../opa/engine.ts';
import { findOpa } from '../../opa/toolchain.ts';
import { openBundles } from '../../replay/bundles.ts';
import { impactOf } from '../../replay/impact.ts';
import { byFacts, byRules, type Rejudge } from '../../replay/rejudge.ts';
import { reproduce } from '../../replay/reproduce.ts';
import { scan } from '../../replay/scan.ts';
import { shadowOf } from '../../replay/shadow.ts';
import { impactText, reproductionText, shadowText } from '../../replay/text.ts';
import { load, toSnapshot } from '../../workspace.ts';
import { foldersOf, UsageError, type Command, type Context, type Invocation } from '../command.ts';
import { logOf, textOf, WINDOW_HELP, WINDOW_OPTIONS, windowFrom } from './options.ts';

export const replay: Command = {
  summary: 'decide recorded questions again: as recorded, or under another policy',
  usage: `sluice replay [options]

Without --policies and --rego: decides what the log records again, from its recorded input
under the policy that it names, and says whether the same comes out.

With --rego alone: under other rules, from the recorded input. With --policies: each recorded
question is prepared again by other facts (names that nobody knew stay unknown where the key
of their hashes can't be read). Says what would change, by vendor, category, identity and rule.

  --policies DIR     other facts
  --rego DIR         other rules (default with --policies: rego, or SLUICE_REGO)
  --max-newly-allowed N  exit code 1 when more records than N would let out what stayed
  --shadow           instead: what shadow let pass that enforcement would not have
${WINDOW_HELP}

Exit code 0: all as it was, or no more newly allowed than said; 1: something differs.`,
  options: { ...WINDOW_OPTIONS, policies: { type: 'string' }, rego: { type: 'string' }, 'max-newly-allowed': { type: 'string' }, shadow: { type: 'boolean' } },
  async run(invocation, context) {
    const { values, positionals } = invocation;
    if (positionals.length > 0) throw new UsageError('nothing but options: sluice replay --policies DIR');
    const limit = limitOf(invocation);
    const groups = scan({ dir: logOf(invocation, context), ...windowFrom(invocation) });
    const print = <T>(report: T, toText: (report: T) => string) => context.out(values['json'] === true ? JSON.stringify(report, null, 2) : toText(report));
    if (values['shadow'] === true) {
      print(await shadowOf(groups), shadowText);
      return 0;
    }
    const rejudge = await rejudgeOf(invocation, context);
    if (rejudge === undefined) {
      if (limit !== undefined) throw new UsageError('--max-newly-allowed compares with another policy: give --policies or --rego');
      const { dataDir } = foldersOf(invocation, context);
      const reproduction = await reproduce(groups, openBundles(path.join(dataDir, 'bundles')));
      print(reproduction, reproductionText);
      return reproduction.reproduced === reproduction.records ? 0 : 1;
    }
    const impact = await impactOf(groups, rejudge);
    print(impact, impactText);
    if (limit === undefined) return 0;
    // What can't be asked again might be allowed: a limit is no limit then.
    const unsure = Object.values(impact.notReplayed).reduce((sum, count) => sum + count, 0);
    if (unsure > 0) context.err(`sluice: ${unsure} records could not be asked again, and count as newly allowed`);
    return impact.newlyAllowed.records + unsure > limit ? 1 : 0;
  },
};

function limitOf(invocation: Invocation): number | undefined {
  const text = textOf(invocation, 'max-newly-allowed');
  if (text !== undefined && !/^\d{1,15}$/.test(text)) throw new UsageError('--max-newly-allowed takes a whole number');
  return text === undefined ? undefined : Number(text);
}

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
