import { didYouMean } from '../../core/suggest.ts';
import { scan } from '../../replay/scan.ts';
import { collect } from '../../reports/collect.ts';
import { exposureOf } from '../../reports/exposure.ts';
import { exposureText } from '../../reports/exposure-text.ts';
import { UsageError, type Command } from '../command.ts';
import { catalogueOf, logOf, WINDOW_HELP, WINDOW_OPTIONS, windowFrom } from './options.ts';

export const exposure: Command = {
  summary: 'what a vendor was permitted to receive, and a fact sheet for notices',
  usage: `sluice exposure VENDOR [options]

Reads the decision log: what was permitted to leave for the vendor, in which form, by whom,
how often; an upper bound of what it has. It names fields and categories, never a value.

${WINDOW_HELP}`,
  options: WINDOW_OPTIONS,
  async run(invocation, context) {
    const [vendor, second] = invocation.positionals;
    if (vendor === undefined || second !== undefined) throw new UsageError('name one vendor: sluice exposure mixpanel');
    const window = windowFrom(invocation);
    const dir = logOf(invocation, context);
    const catalogue = await catalogueOf(invocation, context);
    const collected = await collect(scan({ dir, ...window }));
    const known = [...new Set([...collected.holdings.keys(), ...catalogue?.facts.vendors.keys() ?? []])];
    if (!known.includes(vendor)) throw new UsageError(`neither the log nor the catalogue knows the vendor ${vendor}${didYouMean(vendor, known)}`);
    const report = exposureOf(collected, { vendor, ...window, ...(catalogue !== undefined && { catalogue }) });
    context.out(invocation.values['json'] === true ? JSON.stringify(report, null, 2) : exposureText(report));
    return 0;
  },
};
