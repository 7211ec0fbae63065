import type { Permit } from 'permitio';
import type { PermitAssignment, PermitInstance, PermitRole, PermitRule, PermitUser } from '../data.ts';
import { PER_PAGE } from './pages.ts';
import type { At } from './rows/check.ts';
import { toAssignment, toInstance, toRule, toTenant, toTuple, toUser, type TupleRow } from './rows/facts.ts';
import { toResource, toRole, toSet, type ResourceRow, type SetRow } from './rows/schema.ts';

export type Api = Permit['api'];

/** The rows of an environment, as they refer to each other in Permit. */
export interface Rows {
  readonly resources: ResourceRow[];
  readonly roles: PermitRole[];
  readonly conditionSets: SetRow[];
  readonly rules: PermitRule[];
  readonly tenants: string[];
  readonly users: PermitUser[];
  readonly assignments: PermitAssignment[];
  readonly instances: PermitInstance[];
  readonly tuples: TupleRow[];
}

export type ListName = keyof Rows;

export interface List<T> {
  /** For messages. */
  readonly title: string;
  readonly get: (api: Api, page: number) => Promise<unknown>;
  /** Undefined: a row that says nothing. @throws {PermitError} `invalid`. */
  readonly toRow: (value: unknown, at: At) => T | undefined;
}

/** The SDK leaves some lists without page parameters unless they are given: they always are. */
export const paged = (page: number) => ({ page, perPage: PER_PAGE });
const counted = (page: number) => ({ ...paged(page), includeTotalCount: true as const });

/** The SDK's type wants three keys, its method none. */
const allRules = (page: number) => paged(page) as unknown as Parameters<Api['conditionSetRules']['list']>[0];

/** In the order in which they are begun. */
export const LISTS: { readonly [K in ListName]: List<Rows[K][number]> } = {
  resources: { title: 'resources', get: (api, page) => api.resources.list(counted(page)), toRow: toResource },
  roles: { title: 'roles', get: (api, page) => api.roles.list(counted(page)), toRow: toRole },
  conditionSets: { title: 'condition sets', get: (api, page) => api.conditionSets.list(paged(page)), toRow: toSet },
  rules: { title: 'rules of condition sets', get: (api, page) => api.conditionSetRules.list(allRules(page)), toRow: toRule },
  tenants: { title: 'tenants', get: (api, page) => api.tenants.list(paged(page)), toRow: toTenant },
  users: { title: 'users', get: (api, page) => api.users.list(paged(page)), toRow: toUser },
  assignments: { title: 'role assignments', get: (api, page) => api.roleAssignments.list(counted(page)), toRow: toAssignment },
  instances: { title: 'resource instances', get: (api, page) => api.resourceInstances.list(paged(page)), toRow: toInstance },
  tuples: { title: 'relationship tuples', get: (api, page) => api.relationshipTuples.list(paged(page)), toRow: toTuple },
};

export const LIST_NAMES = Object.keys(LISTS) as readonly ListName[];
