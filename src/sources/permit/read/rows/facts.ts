import type { Json } from '../../../../core/facts.ts';
import type { PermitAssignment, PermitInstance, PermitRule, PermitTuple, PermitUser } from '../../data.ts';
import { isAbsent, readContent, readKey, readOptional, readPair, readRow, readUserKey, type At, type Raw } from './check.ts';

const ATTRIBUTES = { depth: 32, chars: 100_000 };
const NONE: Readonly<Record<string, Json>> = Object.freeze({});

/** Without a tenant from an API that is older than this member: then it is that of the object. */
export type TupleRow = Omit<PermitTuple, 'tenant'> & { readonly tenant: string | undefined };

const attributesOf = (row: Raw, at: At) => isAbsent(row['attributes']) ? NONE : readContent(row, 'attributes', at, ATTRIBUTES);

export const toTenant = (value: unknown, at: At): string => readKey(readRow(value, at), 'key', at);

/** Permit keeps the address apart from the attributes, but conditions name it as one. */
export function toUser(value: unknown, at: At): PermitUser {
  const row = readRow(value, at);
  const [key, attributes, email] = [readUserKey(row, 'key', at), attributesOf(row, at), row['email']];
  if (typeof email !== 'string' || email.length > 1000 || Object.hasOwn(attributes, 'email')) return { key, attributes };
  return { key, attributes: Object.fromEntries(Object.entries({ ...attributes, email }).sort(([a], [b]) => a < b ? -1 : 1)) };
}

/** What Permit's own data documents say of whoever is in a tenant at all: no role. */
const PSEUDO_ROLE = 'tenant-association';

/** Undefined for what is no assignment of a role. */
export function toAssignment(value: unknown, at: At): PermitAssignment | undefined {
  const row = readRow(value, at);
  const assignment = { user: readUserKey(row, 'user', at), role: readKey(row, 'role', at), tenant: readKey(row, 'tenant', at) };
  if (assignment.role === PSEUDO_ROLE) return undefined;
  const instance = readOptional(row, 'resource_instance', at, readPair);
  return instance === undefined ? assignment : { ...assignment, instance };
}

export function toInstance(value: unknown, at: At): PermitInstance {
  const row = readRow(value, at);
  return { type: readKey(row, 'resource', at), key: readKey(row, 'key', at), tenant: readKey(row, 'tenant', at), attributes: attributesOf(row, at) };
}

export function toTuple(value: unknown, at: At): TupleRow {
  const row = readRow(value, at);
  return { subject: readPair(row, 'subject', at), relation: readKey(row, 'relation', at), object: readPair(row, 'object', at), tenant: readOptional(row, 'tenant', at, readKey) };
}

export function toRule(value: unknown, at: At): PermitRule {
  const row = readRow(value, at);
  return { userSet: readKey(row, 'user_set', at), permission: readPair(row, 'permission', at), resourceSet: readKey(row, 'resource_set', at) };
}
