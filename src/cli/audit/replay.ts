import path from 'node:path';
import { openBundles } from '../../replay/bundles.ts';
import { impactOf } from '../../replay/impact.ts';
import { reproduce } from '../../replay/reproduce.ts';
import { scan } from '../../replay/scan.ts';
import { shadowOf } from '../../replay/shadow.ts';
import { impactText, reproductionText, shadowText } from '../../replay/text/reports.ts';
import { foldersOf, UsageError, type Command, type Invocation } from '../command.ts';
import { rejudgeOf } from './rejudge.ts';
import { logOf, textOf, WINDOW_HELP, WINDOW_OPTIONS, windowFrom } from './options.ts';

export const replay: Command = {
  summary: 'decide recorded questions again: as recorded, or under another policy',
  usage: `sluice replay [options]

Without --policies and --rego: decides what the log records again, from its recorded input
under the policy that it names, and says whether the same comes out.

With --rego alone: under other rules, from the recorded input. With --policies: each recorded
question is prepared again by other facts (names that nobody knew stay unknown where the key
of their hashes can't be read). Says what would change, by vendor, category, identity and rule,
and by event. Answers to /permitted let nothing out: they are decided again only as recorded.

  --policies DIR     other facts
  --rego DIR         other rules (default with --policies: rego, or SLUICE_REGO)
  --max-newly-allowed N  exit code 1 when more records than N would let out what stayed,
                     as asked or once their fix is applied
  --shadow           instead: what shadow let pass that enforcement would not have
${WINDOW_HELP}

Exit code 0: all as it was, or no more newly allowed than said; 1: something differs, or there
is nothing to compare with; 2: the files or the options are wrong.`,
  options: { ...WINDOW_OPTIONS, policies: { type: 'string' }, rego: { type: 'string' }, 'max-newly-allowed': { type: 'string' }, shadow: { type: 'boolean' } },
  async run(invocation, context) {
    const { values, positionals } = invocation;
    if (positionals.length > 0) throw new UsageError('nothing but options: sluice replay --policies DIR');
    const limit = limitOf(invocation);
    const options = { dir: logOf(invocation, context), ...windowFrom(invocation) };
    const print = <T>(report: T, toText: (report: T) => string) => context.out(values['json'] === true ? JSON.stringify(report, null, 2) : toText(report));
    if (values['shadow'] === true) {
      const other = ['policies', 'rego', 'max-newly-allowed'].find((name) => values[name] !== undefined);
      if (other !== undefined) throw new UsageError(`--shadow sums up what the log says: --${other} has no part in it`);
      print(await shadowOf(scan(options)), shadowText);
      return 0;
    }
    const rejudge = await rejudgeOf(invocation, context);
    if (rejudge === undefined) {
      if (limit !== undefined) throw new UsageError('--max-newly-allowed compares with another policy: give --policies or --rego');
      const { dataDir } = foldersOf(invocation, context);
      const reproduction = await reproduce(scan({ ...options, permitted: true }), openBundles(path.join(dataDir, 'bundles')));
      print(reproduction, reproductionText);
      return reproduction.reproduced + reproduction.lists === reproduction.records ? 0 : 1;
    }
    const impact = await impactOf(scan({ ...options, permitted: true }), rejudge);
    print(impact, impactText);
    if (limit === undefined) return 0;
    if (impact.records === 0) {
      context.err('sluice: there is no decision in that time to compare with, so that --max-newly-allowed tells nothing');
      return 1;
    }
    // What can't be asked again might be allowed: a limit is no limit then.
    const unsure = Object.values(impact.notReplayed).reduce((sum, count) => sum + count, 0);
    if (unsure > 0) context.err(`sluice: ${unsure} records could not be asked again, and count as newly allowed`);
    if (impact.newlyAllowedInTime > 0) context.err(`sluice: ${impact.newlyAllowedInTime} records were asked over a moment from which on what stayed would be let out, and count as newly allowed`);
    return impact.newlyAllowed.records + impact.newlyAllowedInTime + unsure > limit ? 1 : 0;
  },
};

function limitOf(invocation: Invocation): number | undefined {
  const text = textOf(invocation, 'max-newly-allowed');
  if (text !== undefined && !/^\d{1,15}$/.test(text)) throw new UsageError('--max-newly-allowed takes a whole number');
  return text === undefined ? undefined : Number(text);
}
