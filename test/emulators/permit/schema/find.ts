import { notFound } from '../errors.ts';
import type { ConditionSet, Environment, Resource, Role } from '../rows.ts';

/** @throws {Refusal} 404. */
export function findResource(environment: Environment, idOrKey: string): Resource {
  const resource = environment.resources.find(idOrKey);
  if (resource === undefined) throw notFound('resource', idOrKey);
  return resource;
}

/** @throws {Refusal} 404. */
export function findRole(holder: Environment | Resource, idOrKey: string): Role {
  const role = holder.roles.find(idOrKey);
  if (role === undefined) throw notFound('role', idOrKey);
  return role;
}

/** @throws {Refusal} 404. */
export function findSet(environment: Environment, idOrKey: string): ConditionSet {
  const set = environment.sets.find(idOrKey);
  if (set === undefined) throw notFound('condition set', idOrKey);
  return set;
}
