import type { Json } from '../../../../core/facts.ts';
import { invalid } from '../errors.ts';
import type { Pool } from '../pool.ts';

/** A row as it came. */
export type Raw = Readonly<Record<string, unknown>>;

/** Where a row stands, and what shares its strings. */
export interface At {
  /** `users`, or `roles of the resource vendor` */
  readonly list: string;
  readonly pool: Pool;
}

const MAX_KEY = 512;
const USER = /^[A-Za-z0-9|@+\-._]+$/;
const KEY = /^[A-Za-z0-9\-_]+$/;
const INSTANCE = /^[A-Za-z0-9\-_]+:[A-Za-z0-9\-_]+$/;

const isText = (value: unknown, pattern: RegExp): value is string => typeof value === 'string' && value.length <= MAX_KEY && pattern.test(value);

/** Absent and null are the same. */
export const isAbsent = (value: unknown) => value === undefined || value === null;

export const isObject = (value: unknown): value is Raw => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a row is called in messages: by its keys, which are no values. */
function nameOf(row: unknown): string {
  if (!isObject(row)) return 'a row that is no object';
  const named = ['key', 'user', 'role', 'user_set', 'subject', 'relation', 'object'].flatMap((name) => isText(row[name], /^[\w\-|@+.:]+$/) ? [row[name]] : []);
  return named.length === 0 ? 'a row without a legal key' : `'${named.join(' ').slice(0, 200)}'`;
}

/** Of the row at fault: list, key and member, never a value. */
export const wrong = (row: unknown, { list }: At, what: string) => invalid(`Permit's list of ${list}: ${nameOf(row)}: ${what}. Nothing of this reading is used.`);

export function readRow(value: unknown, at: At): Raw {
  if (!isObject(value)) throw wrong(value, at, 'it is expected to be an object');
  return value;
}

function readText(row: Raw, name: string, at: At, pattern: RegExp): string {
  const value = row[name];
  if (isText(value, pattern)) return at.pool(value);
  throw wrong(row, at, isAbsent(value) ? `it has no \`${name}\`` : `its \`${name}\` isn't ${pattern === INSTANCE ? 'of the form type:key' : 'a legal key'} of at most ${MAX_KEY} characters`);
}

export const readUserKey = (row: Raw, name: string, at: At) => readText(row, name, at, USER);
export const readKey = (row: Raw, name: string, at: At) => readText(row, name, at, KEY);
/** `type:key`; of permissions `type:action`. */
export const readPair = (row: Raw, name: string, at: At) => readText(row, name, at, INSTANCE);
export const readOptional = (row: Raw, name: string, at: At, read: typeof readKey): string | undefined => isAbsent(row[name]) ? undefined : read(row, name, at);

export function readFlag(row: Raw, name: string, at: At): boolean {
  const value = row[name];
  if (isAbsent(value)) return false;
  if (typeof value !== 'boolean') throw wrong(row, at, `its \`${name}\` is neither true nor false`);
  return value;
}

const MAX_ITEMS = 10_000;

/** Sorted, each once; absent is none. @param toItem gives undefined for what is no legal item. */
export function readKeys(row: Raw, name: string, at: At, toItem: (text: string) => string = (text) => text): readonly string[] {
  const value = row[name];
  if (isAbsent(value)) return [];
  if (!Array.isArray(value) || value.length > MAX_ITEMS) throw wrong(row, at, `its \`${name}\` isn't a list of at most ${MAX_ITEMS}`);
  const items = value.map((item: unknown) => {
    const text = typeof item === 'string' ? toItem(item) : undefined;
    if (!isText(text, /^[A-Za-z0-9\-_]+(:[A-Za-z0-9\-_]+)?$/)) throw wrong(row, at, `\`${name}\` holds what isn't a legal key`);
    return at.pool(text);
  });
  return [...new Set(items)].sort();
}

/** Members of a map from keys, sorted; absent is none. */
export function readEntries(row: Raw, name: string, at: At): readonly (readonly [string, unknown])[] {
  const value = row[name];
  if (isAbsent(value)) return [];
  if (!isObject(value)) throw wrong(row, at, `its \`${name}\` isn't a map from keys`);
  const entries = Object.entries(value);
  if (entries.length > MAX_ITEMS || !entries.every(([key]) => isText(key, KEY))) throw wrong(row, at, `\`${name}\` isn't a map from at most ${MAX_ITEMS} legal keys`);
  return entries.map(([key, item]) => [at.pool(key), item] as const).sort(([a], [b]) => a < b ? -1 : 1);
}

export interface Bound {
  /** Lists and objects inside each other. */
  readonly depth: number;
  /** Of its JSON text. */
  readonly chars: number;
}

/** Free content as it is, its members in the order of their names. */
export function readContent(row: Raw, name: string, at: At, { depth, chars }: Bound): Readonly<Record<string, Json>> {
  const value = row[name];
  if (!isObject(value)) throw wrong(row, at, isAbsent(value) ? `it has no \`${name}\`` : `its \`${name}\` isn't an object`);
  const sorted = sortMembers(value, depth, () => wrong(row, at, `its \`${name}\` is nested deeper than ${depth} levels, or has a member __proto__`));
  if (JSON.stringify(sorted).length > chars) throw wrong(row, at, `its \`${name}\` is longer than ${chars} characters of JSON`);
  return sorted as Readonly<Record<string, Json>>;
}

function sortMembers(value: unknown, depth: number, refuse: () => Error): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) throw refuse();
  if (Array.isArray(value)) return value.map((item) => sortMembers(item, depth - 1, refuse));
  if (Object.hasOwn(value, '__proto__')) throw refuse();
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([name, item]) => [name, sortMembers(item, depth - 1, refuse)]));
}
