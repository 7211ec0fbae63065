import { readFile } from 'node:fs/promises';
import { createCatalogue } from '../../core/catalogue/catalogue.ts';
import { didYouMean } from '../../core/suggest.ts';
import { PARAMETERS, REPORTS, runReport, type ReportFormat } from '../../reports/run.ts';
import { loadYaml } from '../../sources/yaml/load.ts';
import { FOLDER_OPTIONS, foldersOf, UsageError, type Command } from '../command.ts';
import { logOf, maxNamesOf, textOf, vendorIn } from './options.ts';

const NAMES = Object.keys(PARAMETERS);

export const report: Command = {
  summary: 'reports for auditors, from the decision log',
  usage: `sluice report KIND [options]

${Object.entries(REPORTS).map(([kind, { summary, parameters }]) => `  ${kind.padEnd(19)} ${summary}\n  ${' '.repeat(19)}   ${parameters.map((name) => `--${name}`).join(' ')}`).join('\n')}

Times are 2026-11-22 or 2026-11-22T12:00:00Z; a date as --to ends with its day.
The vendor may stand behind KIND too, as in: sluice report exposure mixpanel
--detected: when the vendor noticed; --notified: when it told us; --aware: when we knew, if
otherwise; --told: when we told the authority.

  --declared FILE    data-flow: a spreadsheet of flows that are declared, as --csv writes it
  --all              lists of any length, not of 1,000 names at most
  --json, --csv, --mermaid   instead of Markdown, where the report has it
  --policies DIR     the facts (default: policies, or SLUICE_POLICIES)
  --data-dir DIR     where log/ is (default: .sluice, or SLUICE_DATA_DIR)
  --log DIR          the log itself: a copy, or an earlier one in log/old/`,
  options: {
    'data-dir': FOLDER_OPTIONS['data-dir'], log: { type: 'string' }, policies: { type: 'string' }, declared: { type: 'string' }, all: { type: 'boolean' }, json: { type: 'boolean' }, csv: { type: 'boolean' }, mermaid: { type: 'boolean' },
    ...Object.fromEntries(NAMES.map((name) => [name, { type: 'string' as const }])),
  },
  async run(invocation, context) {
    const { values, positionals: [kind, ...more] } = invocation;
    const names = Object.keys(REPORTS);
    if (kind === undefined || !names.includes(kind)) throw new UsageError(`name a report${kind === undefined ? '' : didYouMean(kind, names)}: ${names.join(', ')}`);
    const takesVendor = REPORTS[kind]!.parameters.includes('vendor');
    if (more.length > 0 && !takesVendor) throw new UsageError(`${kind} takes options alone: sluice report --help`);
    const vendor = takesVendor ? vendorIn(invocation, more) : undefined;
    const asked = (['json', 'csv', 'mermaid'] as const).filter((name) => values[name] === true);
    if (asked.length > 1) throw new UsageError('one of --json, --csv, --mermaid');
    const format: ReportFormat = asked[0] ?? 'markdown';
    const { formats } = REPORTS[kind]!;
    if (!formats.includes(format)) throw new UsageError(`${kind} comes as ${formats.join(', ')}`);
    const declaredFile = textOf(invocation, 'declared');
    if (declaredFile !== undefined && kind !== 'data-flow') throw new UsageError('--declared is for data-flow');
    const parameters = new Map(NAMES.flatMap((name) => { const text = textOf(invocation, name); return text === undefined ? [] : [[name, text] as const]; }));
    if (vendor !== undefined) parameters.set('vendor', vendor);
    const maxNames = maxNamesOf(invocation);
    const made = await runReport(kind, parameters, {
      dir: logOf(invocation, context), catalogue: createCatalogue(await loadYaml(foldersOf(invocation, context).policies)), nowMs: Date.now(), isCopy: textOf(invocation, 'log') !== undefined,
      ...(maxNames !== undefined && { maxNames }),
      ...(declaredFile !== undefined && { declared: await readFile(declaredFile, 'utf8') }),
    });
    context.out((format === 'json' ? JSON.stringify(made.value, null, 2) : made[format]!()).trimEnd());
    return 0;
  },
};
