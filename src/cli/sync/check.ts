import type { Facts } from '../../core/facts.ts';
import { parseConfig } from '../../config.ts';
import { openPermitKeys } from '../../sources/permit/keys.ts';
import { PermitError, type Scanned } from '../../sources/permit/data.ts';
import { mapPermit } from '../../sources/permit/map/map.ts';
import { mergePermit } from '../../sources/permit/merge.ts';
import type { Unmapped } from '../../sources/permit/map/unmapped.ts';
import { scanPermit } from '../../sources/permit/read/scan.ts';
import { loadYaml } from '../../sources/yaml/load.ts';
import { count, foldersOf, UsageError, type Context, type Invocation } from '../command.ts';
import { createPaint, printable } from '../paint.ts';

interface Checked {
  readonly environment: string;
  readonly counts?: Readonly<Record<string, number>>;
  readonly unmapped: readonly Unmapped[];
  readonly setAside: readonly string[];
  /** Why nothing could be read, or no facts be made. */
  readonly error?: string;
}

/** Reads every environment that has a key, and says what of it means nothing here. 1 when something does, or nothing was read. */
export async function checkPermit(invocation: Invocation, context: Context): Promise<number> {
  const { permit } = parseConfig(context.env);
  if (permit === undefined) throw new UsageError('SLUICE_PERMIT_KEYS_FILE is not set: name the file that holds environment=key, one a line');
  const keys = openPermitKeys(permit.keysFile);
  const facts = await loadYaml(foldersOf(invocation, context).policies);
  const checked: Checked[] = [];
  for (const environment of keys.environments()) checked.push(await checkOne(environment, { apiUrl: permit.apiUrl, key: keys.key(environment)!, facts, context }));
  if (invocation.values['json'] === true) context.out(JSON.stringify({ environments: checked }));
  else for (const one of checked) context.out(describe(one, context));
  return checked.every(({ error, unmapped }) => error === undefined && unmapped.length === 0) ? 0 : 1;
}

async function checkOne(environment: string, { apiUrl, key, facts, context }: { readonly apiUrl: string; readonly key: string; readonly facts: Facts; readonly context: Context }): Promise<Checked> {
  const onProgress = ({ phase, rows, requests }: { readonly phase: string; readonly rows: number; readonly requests: number }) => {
    if (context.interactive) context.err(`\r\u001B[K${environment}: ${rows} ${phase}, ${requests} requests`);
  };
  try {
    const { data }: Scanned = await scanPermit({ apiUrl, key, signal: AbortSignal.timeout(600_000), mayRequest: async () => 0, onProgress });
    const { scope: _, ...lists } = data;
    const { unmapped, setAside } = mergePermit(facts, mapPermit(data));
    return { environment, counts: Object.fromEntries(Object.entries(lists).map(([list, rows]) => [list, rows.length])), unmapped, setAside };
  } catch (error) {
    if (!(error instanceof PermitError)) throw error;
    return { environment, unmapped: [], setAside: [], error: error.message };
  } finally {
    if (context.interactive) context.err('\r\u001B[K');
  }
}

function describe({ environment, counts, unmapped, setAside, error }: Checked, { colour }: Context): string {
  const paint = createPaint(colour);
  if (error !== undefined) return `${paint('bold', environment)}\n  ${paint('red', error)}`;
  return [
    paint('bold', environment),
    `  holds      ${Object.entries(counts!).filter(([, n]) => n > 0).map(([list, n]) => `${n} ${list}`).join(', ')}`,
    `  set aside  ${setAside.join(', ')} of policies/`,
    `  not mapped ${unmapped.length === 0 ? paint('green', 'nothing') : paint('yellow', count(unmapped.length, 'object'))}`,
    ...unmapped.map(({ object, reason }) => `    ${printable(object)}: ${printable(reason)}`),
  ].join('\n');
}
