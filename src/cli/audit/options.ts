import { existsSync } from 'node:fs';
import path from 'node:path';
import { createCatalogue, type Catalogue } from '../../core/catalogue/catalogue.ts';
import { parseMoment, type Window } from '../../reports/window.ts';
import { loadYaml } from '../../sources/yaml/load.ts';
import { FOLDER_OPTIONS, foldersOf, UsageError, type Context, type Invocation } from '../command.ts';

export const WINDOW_OPTIONS = { from: { type: 'string' }, to: { type: 'string' }, json: { type: 'boolean' }, log: { type: 'string' }, 'data-dir': FOLDER_OPTIONS['data-dir'] } as const;

export const WINDOW_HELP = `  --from, --to TIME  2026-11-22, or 2026-11-22T12:00:00Z; a date as --to ends with its day
  --json             the report as JSON; otherwise Markdown
  --data-dir DIR     where log/ is (default: .sluice, or SLUICE_DATA_DIR)
  --log DIR          the log itself: a copy, or an earlier one in log/old/`;

export const textOf = ({ values }: Invocation, name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);

/** How many names each list of a report may have; undefined: what is usual. */
export const maxNamesOf = ({ values }: Invocation): number | undefined => (values['all'] === true ? Infinity : undefined);

/** The one vendor that is named, behind the command or by --vendor. @throws {UsageError} for more than one. */
export function vendorIn(invocation: Invocation, positionals: readonly string[]): string | undefined {
  const named = new Set([...positionals, ...[textOf(invocation, 'vendor') ?? []].flat()]);
  if (named.size > 1) throw new UsageError(`name one vendor, not ${[...named].join(' and ')}`);
  return [...named][0];
}

export function windowFrom(invocation: Invocation): Window {
  const moment = (name: 'from' | 'to') => {
    const text = textOf(invocation, name);
    const atMs = text === undefined ? undefined : parseMoment(text, name === 'to');
    if (text !== undefined && atMs === undefined) throw new UsageError(`--${name} takes a time such as 2026-11-22 or 2026-11-22T12:00:00Z`);
    return atMs;
  };
  const [fromMs, toMs] = [moment('from'), moment('to')];
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs) throw new UsageError('--from must be before --to');
  return { ...(fromMs !== undefined && { fromMs }), ...(toMs !== undefined && { toMs }) };
}

/** The folder of the log. @throws {UsageError} when there is none. */
export function logOf(invocation: Invocation, context: Context): string {
  const dir = textOf(invocation, 'log') ?? path.join(foldersOf(invocation, context).dataDir, 'log');
  if (!existsSync(path.join(dir, 'segments'))) throw new UsageError(`${dir}: there is no log; name its data directory with --data-dir, or the log with --log`);
  return dir;
}

/** The catalogue as the files have it now, for what no record says: names and combinations. Undefined without the files. */
export async function catalogueOf(invocation: Invocation, context: Context): Promise<Catalogue | undefined> {
  const { policies } = foldersOf(invocation, context);
  return existsSync(path.join(policies, 'vendors.yaml')) ? createCatalogue(await loadYaml(policies)) : undefined;
}
