import { didYouMean } from '../../core/suggest.ts';
import { readBasis } from '../../reports/basis.ts';
import { collect, collectUnder, createCollector, scanFor } from '../../reports/collect.ts';
import { exposureOf } from '../../reports/exposure.ts';
import { stateOf } from '../../reports/run.ts';
import { exposureText } from '../../reports/text/exposure.ts';
import { UsageError, type Command, type Invocation } from '../command.ts';
import { catalogueOf, logOf, WINDOW_HELP, WINDOW_OPTIONS, windowFrom, textOf, vendorIn, maxNamesOf } from './options.ts';
import { rejudgeOf } from './rejudge.ts';

export const exposure: Command = {
  summary: 'what a vendor was permitted to receive, and a fact sheet for notices',
  usage: `sluice exposure VENDOR [options]     or --vendor VENDOR, as in sluice report exposure

Reads the decision log: what was permitted to leave for the vendor, in which form, by whom,
how often; an upper bound of what it has. It names fields and categories, never a value.

  --policies DIR     instead: what these facts would have permitted of the same questions, asked
                     as they were, or else as the answer's fix says
  --rego DIR         with these rules (default: rego, or SLUICE_REGO); alone, over the recorded input
  --all              lists of any length, not of 1,000 names at most
${WINDOW_HELP}`,
  options: { ...WINDOW_OPTIONS, all: { type: 'boolean' }, vendor: { type: 'string' }, policies: { type: 'string' }, rego: { type: 'string' } },
  async run(invocation, context) {
    const vendor = vendorIn(invocation, invocation.positionals);
    if (vendor === undefined) throw new UsageError('name one vendor: sluice exposure mixpanel');
    const window = windowFrom(invocation);
    const options = { dir: logOf(invocation, context), ...window };
    const catalogue = await catalogueOf(invocation, context);
    const rejudge = await rejudgeOf(invocation, context);
    const collector = createCollector(maxNamesOf(invocation));
    const collected = rejudge === undefined
      ? await collect(scanFor(collector, { ...options, refusalsOf: [vendor] }), collector)
      : await collectUnder(scanFor(collector, options), rejudge, collector);
    const known = [...new Set([...collected.holdings.keys(), ...catalogue?.facts.vendors.keys() ?? []])];
    if (!known.includes(vendor)) throw new UsageError(`neither the log nor the catalogue knows the vendor ${vendor}${didYouMean(vendor, known)}`);
    const report = exposureOf(collected, {
      vendor, ...window, basis: await readBasis(options.dir, textOf(invocation, 'log') !== undefined), ...(rejudge !== undefined && { under: underOf(invocation) }), ...(catalogue !== undefined && { catalogue, state: await stateOf(vendor, options.dir, catalogue) }),
      ...('notReplayed' in collected && { notReplayed: Number(collected.notReplayed) }),
      ...('crossedInTime' in collected && { crossedInTime: Number(collected.crossedInTime) }),
    });
    context.out(invocation.values['json'] === true ? JSON.stringify(report, null, 2) : exposureText(report));
    return 0;
  },
};

const underOf = (invocation: Invocation) => ['policies', 'rego'].flatMap((name) => textOf(invocation, name) ?? []).join(', ');
