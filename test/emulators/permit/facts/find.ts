import { notFound } from '../errors.ts';
import type { Environment, Instance, Tenant, User } from '../rows.ts';
import { undashed } from '../table.ts';

/** @throws {Refusal} 404. */
export function findTenant(environment: Environment, idOrKey: string): Tenant {
  const tenant = environment.tenants.find(idOrKey);
  if (tenant === undefined) throw notFound('tenant', idOrKey);
  return tenant;
}

/** @throws {Refusal} 404. */
export function findUser(environment: Environment, idOrKey: string): User {
  const user = environment.users.find(idOrKey);
  if (user === undefined) throw notFound('user', idOrKey);
  return user;
}

/** By id or `type:key`. @throws {Refusal} 404. */
export function findInstance(environment: Environment, idOrName: string): Instance {
  const instance = environment.instances.find(idOrName);
  if (instance === undefined) throw notFound('resource instance', idOrName);
  return instance;
}

/** Whether an id or a key names the row: a filter that names nothing finds nothing (assumed, facts 3). */
export const isNamed = (row: { readonly id: string; readonly key: string }, idOrKey: string) => row.id === undashed(idOrKey) || row.key === idOrKey;

export function holds({ assignments }: User, role: string, tenant?: Tenant): boolean {
  return [...assignments].some((one) => isNamed(one.role, role) && (tenant === undefined || one.tenant === tenant));
}
