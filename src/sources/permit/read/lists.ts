import type { Permit } from 'permitio';
import { PermitError } from '../data.ts';
import { isRow, type Row } from './rows.ts';

export const PER_PAGE = 100;
/** Pages asked for at once, when the first was full: each waits for Permit, not for us. */
const AT_ONCE = 4;
const MOST_PAGES = 200_000;

type Api = Permit['api'];
interface Page { readonly page: number; readonly perPage: number }

/** One page of a list, as the SDK gives it: rows, or rows and a total. */
export type Fetch = (page: Page) => Promise<unknown>;

/** The lists of an environment, in the order in which they are read. Each says its page: some calls would give one default page alone. */
export const listsOf = (api: Api): Readonly<Record<'resources' | 'roles' | 'conditionSets' | 'rules' | 'tenants' | 'users' | 'assignments' | 'instances' | 'tuples', Fetch>> => ({
  resources: (page) => api.resources.list({ ...page, includeTotalCount: true }),
  roles: (page) => api.roles.list({ ...page, includeTotalCount: true }),
  conditionSets: (page) => api.conditionSets.list(page),
  rules: (page) => api.conditionSetRules.list(page as Parameters<Api['conditionSetRules']['list']>[0]),
  tenants: (page) => api.tenants.list(page),
  users: (page) => api.users.list(page),
  assignments: (page) => api.roleAssignments.list({ ...page, includeTotalCount: true }),
  instances: (page) => api.resourceInstances.list(page),
  tuples: (page) => api.relationshipTuples.list(page),
});

/** The list changed while its pages were read: what was read belongs to no one moment. */
export class MovingError extends Error {
  override readonly name = 'MovingError';
}

/**
 * All rows, page by page, to the proven end: a page that is not full, and as many rows as Permit says there are.
 *
 * @throws {MovingError} @throws {PermitError} `invalid`
 */
export async function* rowsOf(list: string, fetch: Fetch): AsyncGenerator<readonly Row[]> {
  let total: number | undefined;
  let count = 0;
  for (let page = 1; page <= MOST_PAGES;) {
    const pages = page === 1 ? [1] : Array.from({ length: AT_ONCE }, (_, index) => page + index);
    for (const answer of await Promise.all(pages.map((number) => fetch({ page: number, perPage: PER_PAGE })))) {
      const { rows, total: said } = readPage(list, answer);
      if (total !== undefined && said !== undefined && said !== total) throw new MovingError(list);
      total ??= said;
      count += rows.length;
      yield rows;
      if (rows.length === PER_PAGE) continue;
      if (total !== undefined && count !== total) throw new MovingError(list);
      return;
    }
    page += pages.length;
  }
  throw new PermitError('invalid', `${list}: more than ${MOST_PAGES} pages`);
}

function readPage(list: string, answer: unknown): { readonly rows: readonly Row[]; readonly total: number | undefined } {
  const { data = answer, total_count: total } = isRow(answer) ? answer as { readonly data?: unknown; readonly total_count?: unknown } : {};
  if (!Array.isArray(data) || data.length > PER_PAGE || !data.every(isRow)) throw new PermitError('invalid', `${list}: Permit's answer is no list of at most ${PER_PAGE} rows`);
  if (total !== undefined && (typeof total !== 'number' || !Number.isSafeInteger(total) || total < 0)) throw new PermitError('invalid', `${list}: total_count is no count`);
  return { rows: data as readonly Row[], total: total as number | undefined };
}
