import { didYouMean } from '../../core/suggest.ts';
import { byFacts } from '../../replay/rejudge.ts';
import { scan } from '../../replay/scan.ts';
import { collect, collectUnder } from '../../reports/collect.ts';
import { exposureOf } from '../../reports/exposure.ts';
import { exposureText } from '../../reports/exposure-text.ts';
import { load, toSnapshot } from '../../workspace.ts';
import { foldersOf, UsageError, type Command } from '../command.ts';
import { catalogueOf, logOf, WINDOW_HELP, WINDOW_OPTIONS, windowFrom, textOf } from './options.ts';

export const exposure: Command = {
  summary: 'what a vendor was permitted to receive, and a fact sheet for notices',
  usage: `sluice exposure VENDOR [options]

Reads the decision log: what was permitted to leave for the vendor, in which form, by whom,
how often; an upper bound of what it has. It names fields and categories, never a value.

  --policies DIR     instead: what this policy would have permitted of the same questions
  --rego DIR         with these rules (default: rego, or SLUICE_REGO)
${WINDOW_HELP}`,
  options: { ...WINDOW_OPTIONS, policies: { type: 'string' }, rego: { type: 'string' } },
  async run(invocation, context) {
    const [vendor, second] = invocation.positionals;
    if (vendor === undefined || second !== undefined) throw new UsageError('name one vendor: sluice exposure mixpanel');
    const window = windowFrom(invocation);
    const dir = logOf(invocation, context);
    const catalogue = await catalogueOf(invocation, context);
    const under = textOf(invocation, 'policies');
    const collected = under === undefined ? await collect(scan({ dir, ...window }))
      : await collectUnder(scan({ dir, ...window }), byFacts({ snapshot: toSnapshot(await load(foldersOf(invocation, context), Date.now)) }));
    if ('notReplayed' in collected && Number(collected.notReplayed) > 0) context.err(`sluice: ${String(collected.notReplayed)} records could not be asked again, and are left out`);
    const known = [...new Set([...collected.holdings.keys(), ...catalogue?.facts.vendors.keys() ?? []])];
    if (!known.includes(vendor)) throw new UsageError(`neither the log nor the catalogue knows the vendor ${vendor}${didYouMean(vendor, known)}`);
    const report = exposureOf(collected, { vendor, ...window, ...(under !== undefined && { under }), ...(catalogue !== undefined && { catalogue }) });
    context.out(invocation.values['json'] === true ? JSON.stringify(report, null, 2) : exposureText(report));
    return 0;
  },
};
