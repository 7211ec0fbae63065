import type { PermitScope, ScanOptions } from '../data.ts';
import type { Asker } from './ask.ts';
import type { NewDigest } from './digest.ts';
import { invalid } from './errors.ts';
import { connect } from './http.ts';
import type { Limits } from './limits.ts';
import { LISTS, LIST_NAMES, paged, type Api, type List, type ListName, type Rows } from './lists.ts';
import { readPages } from './pages.ts';
import type { Pool } from './pool.ts';
import { toRelation, toResourceRole, type ResourceRow } from './rows/schema.ts';
import { openSdk } from './sdk.ts';
import { compareStats } from './stats.ts';

export interface PassOptions extends Pick<ScanOptions, 'apiUrl' | 'key' | 'signal'> {
  readonly scope: PermitScope;
  readonly asker: Asker;
  readonly limits: Limits;
  readonly newDigest: NewDigest;
  readonly pool: Pool;
  /** Whether the rows are wanted, or their digest alone. */
  readonly keep: boolean;
  /** Called after every hundredth request and every list. */
  readonly onRows: (list: ListName, rows: number) => void;
}

export interface Pass {
  /** Equal for equal environments, whatever the order of their rows. */
  readonly digest: string;
  /** Empty unless they were wanted. */
  readonly rows: Rows;
}

/**
 * Reads every list once, over connections of its own. The first failure ends all that is under way.
 *
 * @throws {Moved} for lists that don't fit together; {PermitError}; the signal's reason.
 */
export async function readPass(options: PassOptions): Promise<Pass> {
  const control = new AbortController();
  const signal = AbortSignal.any([options.signal, control.signal]);
  const received = boundOf(options.limits.maxBytes, (most) => `Permit's lists are longer than ${most} bytes together`);
  const connection = await connect({ signal, limits: options.limits, received });
  try {
    const api = await openSdk({ ...options, client: connection.client });
    const reading = createReading({ ...options, signal }, api);
    let failure: unknown;
    const done = LIST_NAMES.map((name) => reading.read(name).catch((error: unknown) => {
      failure ??= error;
      control.abort();
    }));
    await Promise.all(done);
    if (failure !== undefined) throw failure;
    return await reading.finish();
  } finally {
    control.abort();
    connection.close();
  }
}

function createReading(options: PassOptions, api: Api) {
  const { asker, limits, signal, pool, keep, scope } = options;
  const rows = emptyRows();
  const counts = Object.fromEntries(LIST_NAMES.map((name) => [name, 0])) as Record<ListName, number>;
  const digests = Object.fromEntries(LIST_NAMES.map((name) => [name, options.newDigest()])) as Record<ListName, ReturnType<NewDigest>>;
  const counted = boundOf(limits.maxRows, (most) => `The environment holds more than ${most} rows`);
  let pages = 0;

  /** Every row of a list, whether of the environment or of one resource. */
  const readAll = (title: string, get: (page: number) => Promise<unknown>, take: (found: readonly unknown[]) => void) => readPages({
    list: title, lanes: limits.lanes,
    get: (page) => asker.ask(`page ${page} of the ${title}`, () => get(page), signal),
    take(found) {
      counted(found.length);
      take(found);
    },
  });
  const fold = <K extends ListName>(name: K, row: Rows[K][number]) => {
    digests[name].add(JSON.stringify(row));
    if (keep) (rows[name] as Rows[K][number][]).push(row);
  };
  /** What isn't embedded in a resource is asked for by itself. */
  const complete = async (resource: ResourceRow): Promise<ResourceRow> => {
    const { key } = resource;
    const gather = async <T>(part: string, get: (page: number) => Promise<unknown>, toItem: (value: unknown, list: string) => T) => {
      const [title, items]: [string, T[]] = [`${part} of the resource ${key}`, []];
      await readAll(title, get, (found) => items.push(...found.map((value) => toItem(value, title))));
      return items;
    };
    return {
      ...resource,
      roles: resource.roles ?? (await gather('roles', (page) => api.resourceRoles.list({ resourceKey: key, ...paged(page) }), (value, list) => toResourceRole(value, key, { list, pool }))).sort((a, b) => a.key < b.key ? -1 : 1),
      relations: resource.relations ?? Object.fromEntries((await gather('relations', (page) => api.resourceRelations.list({ resourceKey: key, ...paged(page) }), (value, list) => toRelation(value, { list, pool }))).sort(([a], [b]) => a < b ? -1 : 1)),
    };
  };
  return {
    async read<K extends ListName>(name: K): Promise<void> {
      const { title, get, toRow } = LISTS[name] as List<Rows[K][number]>;
      const partial: ResourceRow[] = [];
      counts[name] = await readAll(title, (page) => get(api, page), (found) => {
        counts[name] += found.length;
        for (const value of found) {
          const row = toRow(value, { list: title, pool });
          if (row === undefined) continue;
          if (name === 'resources') partial.push(row as ResourceRow); else fold(name, row);
        }
        if ((pages += 1) % 100 === 0) options.onRows(name, counts[name]);
      });
      for (const resource of partial) fold('resources', await complete(resource));
      options.onRows(name, counts[name]);
    },
    async finish(): Promise<Pass> {
      compareStats(await asker.ask('counts of the environment', () => api.environments.getStats(scope.project, scope.environment), signal), counts);
      return { digest: LIST_NAMES.map((name) => digests[name].value).join('\n'), rows };
    },
  };
}

const emptyRows = (): Rows => ({ resources: [], roles: [], conditionSets: [], rules: [], tenants: [], users: [], assignments: [], instances: [], tuples: [] });

/** Adds up, and throws over the bound. */
function boundOf(most: number, explain: (most: number) => string): (more: number) => void {
  let sum = 0;
  return (more) => {
    sum += more;
    if (sum > most) throw invalid(`${explain(most)}, which is more than Sluice reads.`);
  };
}
