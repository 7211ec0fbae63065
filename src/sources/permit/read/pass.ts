import type { Permit } from 'permitio';
import { PermitError, type PermitData, type PermitScope } from '../data.ts';
import { listsOf, MovingError, rowsOf, type Fetch } from './lists.ts';
import { embeddedRelations, embeddedRoles, TENANT_ASSOCIATION, toAssignment, toConditionSet, toInstance, toResource, toRole, toRule, toTenant, toTuple, toUser } from './normalise.ts';
import { isRow, type Row } from './rows.ts';

export interface PassOptions {
  readonly permit: Permit;
  readonly scope: PermitScope;
  /** Around every call: tries again what may pass. */
  readonly retried: <T>(call: () => Promise<T>) => Promise<T>;
  readonly onRows: (list: string, rows: number) => void;
}

/**
 * Everything in the environment, read once.
 *
 * @throws {MovingError} when a list moved under its pages, or a row names what isn't there any more.
 */
export async function readOnce({ permit, scope, retried, onRows }: PassOptions): Promise<PermitData> {
  const { api } = permit;
  const lists = listsOf(api);
  const share = sharing();

  async function all<T>(list: string, fetch: Fetch, toItem: (row: Row) => T, keyOf: (item: T) => string): Promise<readonly T[]> {
    const items: T[] = [];
    for await (const rows of rowsOf(list, (page) => retried(() => fetch(page)))) {
      for (const row of rows) items.push(toItem(row));
      onRows(list, items.length);
    }
    return sorted(list, items, keyOf);
  }

  const parts = (of: { list(options: { resourceKey: string; page: number; perPage: number }): Promise<unknown> }, list: string, resourceKey: string) => (
    rawRows(list, (page) => retried(() => of.list({ resourceKey, ...page })))
  );
  const resource = async (row: Row) => {
    const key = String(row['key']);
    return toResource(row, embeddedRoles(row) ?? await parts(api.resourceRoles, `roles of ${key}`, key), embeddedRelations(row) ?? await parts(api.resourceRelations, `relations of ${key}`, key));
  };

  const rawResources = await rawRows('resources', (page) => retried(() => lists.resources(page)));
  const resources = sorted('resources', await Promise.all(rawResources.map(resource)), ({ key }) => key);
  onRows('resources', resources.length);
  const roles = await all('roles', lists.roles, toRole, ({ key }) => key);
  const rawSets = await rawRows('condition sets', (page) => retried(() => lists.conditionSets(page)));
  const setKeys = new Map(rawSets.map(({ id, key }) => [id, String(key)]));
  const conditionSets = sorted('condition sets', rawSets.map((row) => toConditionSet(row, setKeys)), ({ key }) => key);
  const rules = await all('rules', lists.rules, toRule, textOf);
  const tenants = await all('tenants', lists.tenants, toTenant, (key) => key);
  const users = await all('users', lists.users, toUser, ({ key }) => key);
  const assigned = await all('role assignments', lists.assignments, toAssignment, textOf);
  const instances = await all('resource instances', lists.instances, (row) => { const one = toInstance(row); return { ...one, type: share(one.type), tenant: share(one.tenant) }; }, ({ type, key }) => `${type}:${key}`);
  const tenantOf = new Map(instances.map(({ type, key, tenant }) => [`${type}:${key}`, tenant]));
  const tuples = await all('relationship tuples', lists.tuples, (row) => {
    const { subject, relation, object, tenant } = toTuple(row, (instance) => tenantOf.get(instance));
    return { subject: share(subject), relation: share(relation), object: share(object), tenant: share(tenant) };
  }, ({ subject, relation, object, tenant }) => `${object}\n${relation}\n${subject}\n${tenant}`);
  await compareCounts(permit, scope, retried, { roles: roles.length, users: users.length, tenants: tenants.length, resources: resources.length });
  return { scope, resources, roles, conditionSets, rules, tenants, users, assignments: assigned.filter(({ role }) => role !== TENANT_ASSOCIATION), instances, tuples };
}

async function rawRows(list: string, fetch: Fetch): Promise<readonly Row[]> {
  const found: Row[] = [];
  for await (const rows of rowsOf(list, fetch)) found.push(...rows);
  return found;
}

/** In one order whatever theirs was. A row that comes twice has moved from one page to the next. @throws {MovingError} */
function sorted<T>(list: string, items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  const keyed = items.map((item) => ({ key: keyOf(item), item })).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  if (keyed.some(({ key }, at) => at > 0 && keyed[at - 1]!.key === key)) throw new MovingError(list);
  return keyed.map(({ item }) => item);
}

const textOf = (item: object) => JSON.stringify(Object.values(item));

/** What Permit itself counts; where it says nothing of a list, the pages alone tell. @throws {MovingError} */
async function compareCounts(permit: Permit, { project, environment }: PermitScope, retried: PassOptions['retried'], read: Readonly<Record<string, number>>): Promise<void> {
  const answer = await retried(async () => permit.api.environments.getStats(project, environment) as Promise<unknown>);
  if (!isRow(answer)) throw new PermitError('invalid', 'counts: Permit\'s answer is no object');
  const stats = answer['stats'] as Readonly<Record<string, unknown>> | undefined;
  for (const [list, count] of Object.entries(read)) {
    const said = stats?.[list];
    if (typeof said === 'number' && said !== count) throw new MovingError(list);
  }
}

/** One string for all equal ones: an id stands in many rows. */
function sharing(): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const before = known.get(text);
    if (before === undefined) known.set(text, text);
    return before ?? text;
  };
}


