import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { FieldsRecord } from '../../core/record.ts';
import { openNames } from '../../datadir/names.ts';
import { CSV_HEAD, toCsv } from '../../log/index/csv.ts';
import { FACETS, objectsOf, textOf, textsOf, type Facet, type LogLine } from '../../log/index/ask/facets.ts';
import { parseQuery, toCursor } from '../../log/index/ask/parse.ts';
import { readStored } from '../../log/index/stored.ts';
import { widen } from '../../log/index/ask/widen.ts';
import type { Row } from '../../log/index/rows.ts';
import { FOLDER_OPTIONS, foldersOf, UsageError, type Command, type Context, type Invocation } from '../command.ts';
import { createPaint, EFFECT_STYLE, printable, type Paint } from '../paint.ts';
import { whole } from './action.ts';

const SINGLE = { from: '--from', to: '--to', requestId: '--request-id', order: '--order', after: '--after' } as const;
const HELP: Readonly<Record<Facet, string>> = {
  kind: 'decision, permitted, refused (these three by default), vendor_state, … or all',
  caller: 'id in callers.yaml',
  identity: 'who wanted to send, as service:telemetry',
  onBehalfOf: 'for whom it wanted to',
  vendor: 'to whom',
  environment: 'as production',
  purpose: 'as analytics.reporting',
  event: 'name of the event',
  decision: 'allow, transform, review or deny',
  revision: 'number or sha256:… of the revision that decided',
  category: 'a category of data that was asked about',
  field: 'a path that was asked about',
  reason: 'a reason code, as forbidden_category',
  rule: 'a rule or grant that had a part in it',
};
const optionOf = (facet: string) => facet.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export const logQuery: Command = {
  summary: 'search the decision log',
  usage: `sluice log query [filters]    what was decided, the newest first

Also while a server writes the log. Filters must all be met; one that comes several times is met by any of its values.

  --from, --to TIME       2026-11-22, or 2026-11-22T12:00:00Z; a date as --to ends with its day
${FACETS.map((facet) => `  --${optionOf(facet).padEnd(21)} ${HELP[facet]}`).join('\n')}
  --request-id ID         the X-Request-ID of a call
  --order oldest          instead of newest
  --limit N               at most so many (default: 100)
  --all                   all there are
  --after NEXT            those behind: what the last line says of a search that had more
  --json                  the stored lines
  --csv                   for a spreadsheet
  --data-dir DIR          where log/ and index/ are (default: .sluice, or SLUICE_DATA_DIR)`,
  options: {
    'data-dir': FOLDER_OPTIONS['data-dir'], json: { type: 'boolean' }, csv: { type: 'boolean' }, all: { type: 'boolean' },
    limit: { type: 'string' as const },
    ...Object.fromEntries(Object.values(SINGLE).map((option) => [option.slice(2), { type: 'string' as const }])),
    ...Object.fromEntries(FACETS.map((facet) => [optionOf(facet), { type: 'string' as const, multiple: true }])),
  },
  async run(invocation, context) {
    const { values, positionals } = invocation;
    if (positionals.length > 1) throw new UsageError('filters are options: sluice log query --vendor mixpanel');
    if (values['json'] === true && values['csv'] === true) throw new UsageError('--json or --csv, not both');
    const { dataDir } = foldersOf(invocation, context);
    const dir = path.join(dataDir, 'log');
    if (!existsSync(path.join(dir, 'origin'))) throw new UsageError(`${dir}: there is no log; name its data directory with --data-dir`);
    const origin = readFileSync(path.join(dir, 'origin'), 'utf8').trimEnd();
    const wanted = wantedOf(invocation);
    const { query } = parseQuery(parametersOf(invocation), origin);
    const hash = hashOf(dataDir);
    const print = createPrinter(values, context);
    let left = wanted;
    let after = query.after;
    let scanned = 0;
    do {
      const limit = Math.min(left, PAGE);
      const page = await readStored({ dir, folder: path.join(dataDir, 'index'), origin }, widen({ ...query, limit, ...(after !== undefined && { after }) }, hash));
      print(page.rows);
      left -= page.rows.length;
      scanned = Math.max(scanned, page.scanned);
      after = page.next;
    } while (after !== undefined && left > 0);
    if (scanned > 10_000) context.err(`${scanned} records are not in the index and were looked at one by one`);
    if (after !== undefined) context.err(`there is more: --after ${toCursor(query, after, origin)}, or --all`);
    return 0;
  },
};

/** How many records are read at once, as many as a server gives in one answer. */
const PAGE = 1000;

function wantedOf({ values }: Invocation): number {
  if (values['all'] === true && values['limit'] !== undefined) throw new UsageError('--all or --limit, not both');
  if (values['all'] === true) return Infinity;
  if (values['limit'] === undefined) return 100;
  const wanted = whole(String(values['limit']), '--limit');
  if (wanted === 0) throw new UsageError('--limit takes a whole number from 1 on');
  return wanted;
}

function parametersOf({ values }: Invocation): readonly (readonly [string, string])[] {
  const single = Object.entries(SINGLE).flatMap(([name, option]) => (typeof values[option.slice(2)] === 'string' ? [[name, values[option.slice(2)] as string] as const] : []));
  const several = FACETS.flatMap((facet) => ((values[optionOf(facet)] ?? []) as readonly string[]).map((value) => [facet, value] as const));
  return [...single, ...several];
}

/** Where the key can't be read, as in a copy that an auditor has, names that nobody knew are found by their hash alone. */
function hashOf(dataDir: string): ((name: string) => string) | undefined {
  try {
    return openNames(path.join(dataDir, 'keys', 'names.key'), false).hash;
  } catch {
    return undefined;
  }
}

/** Prints page after page; what stands above a table, or a spreadsheet, once. */
function createPrinter(values: Invocation['values'], { out, colour }: Context): (rows: readonly Row[]) => void {
  const paint = createPaint(colour);
  let isFirst = true;
  return (rows) => {
    if (values['json'] === true) return rows.forEach(({ line }) => out(line));
    const skip = isFirst ? 0 : 1;
    const isNone = isFirst && rows.length === 0;
    isFirst = false;
    if (values['csv'] === true) {
      const text = [CSV_HEAD, ...rows.map(({ record }) => toCsv(record))].slice(skip).join('').trimEnd();
      if (text !== '') out(text);
    } else if (isNone) out('no record fits');
    else for (const line of table(rows.map(({ record }) => cellsOf(record)), paint).slice(skip)) out(line);
  };
}

interface Cells {
  readonly decision: string;
  readonly cells: readonly string[];
}

const HEAD = ['INDEX', 'TIME (UTC)', 'DECISION', 'IDENTITY', 'VENDOR', 'ENVIRONMENT', 'EVENT', 'FIELDS', 'REASONS'];
const MAX_WIDTH = 48;

function cellsOf(record: LogLine): Cells {
  const text = (name: string) => textOf(record[name]);
  const decision = text('decision') === '' ? text('kind') : text('decision');
  const fields = objectsOf<FieldsRecord>(record['fields']).flatMap(({ paths }) => textsOf(paths)).join(' ');
  const reasons = record['kind'] === 'refused' ? text('code') : [...new Set(objectsOf<{ readonly code: string }>(record['reasons']).map(({ code }) => textOf(code)))].join(' ');
  const onBehalf = record['onBehalfOf'] === undefined ? '' : ` for ${text('onBehalfOf')}`;
  const time = text('time').replace('T', ' ').slice(0, 19);
  return { decision, cells: [text('index'), time, decision, `${text('identity') || text('caller')}${onBehalf}`, text('vendor'), text('environment'), text('event'), fields, reasons].map(printable) };
}

function table(rows: readonly Cells[], paint: Paint): readonly string[] {
  const widths = HEAD.map((head, at) => Math.min(MAX_WIDTH, Math.max(head.length, ...rows.map(({ cells }) => cells[at]!.length))));
  const isLast = (at: number) => at === HEAD.length - 1;
  const fit = (cell: string, at: number) => {
    if (isLast(at)) return cell;
    const text = cell.length > widths[at]! ? `${cell.slice(0, widths[at]! - 1)}…` : cell;
    return at === 0 ? text.padStart(widths[at]!) : text.padEnd(widths[at]!);
  };
  const line = (cells: readonly string[], dress: (text: string, at: number) => string) => cells.map((cell, at) => dress(fit(cell, at), at)).join('  ').trimEnd();
  return [
    line(HEAD, (text) => paint('bold', text)),
    ...rows.map(({ decision, cells }) => {
      const style = EFFECT_STYLE[decision as keyof typeof EFFECT_STYLE];
      return line(cells, (text, at) => (at < 2 ? paint('dim', text) : at === 2 && style !== undefined ? paint(style, text) : text));
    }),
  ];
}
