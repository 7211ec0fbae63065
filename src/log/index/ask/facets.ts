import type { FieldsRecord } from '../../../core/record.ts';

/** By what records can be looked for, apart from time and ids. The index stores positions in this list: only append. */
export const FACETS = [
  'kind', 'caller', 'identity', 'onBehalfOf', 'vendor', 'environment', 'purpose', 'event', 'decision', 'revision', 'category', 'field', 'reason', 'rule',
] as const;
export type Facet = (typeof FACETS)[number];

export type LogLine = Readonly<Record<string, unknown>>;

/** What a record has of each facet, without repetition; a facet that it has nothing of is absent. */
export type Facets = ReadonlyMap<Facet, ReadonlySet<string>>;

const NAMES = ['kind', 'caller', 'identity', 'onBehalfOf', 'vendor', 'environment', 'purpose', 'event', 'decision'] as const;

/** @param record with the members of its side object, if it has one. Whatever it holds, this throws nothing. */
export function facetsOf(record: LogLine): Facets {
  const found = new Map<Facet, Set<string>>();
  const add = (facet: Facet, value: unknown) => {
    if (typeof value !== 'string' && typeof value !== 'number') return;
    const values = found.get(facet);
    if (values === undefined) found.set(facet, new Set([String(value)]));
    else values.add(String(value));
  };
  for (const name of NAMES) add(name, record[name]);
  addRevision(record, add);
  for (const group of objectsOf<FieldsRecord>(record['fields'])) {
    add('category', group.category);
    for (const path of listOf(group.paths)) add('field', path);
    for (const rule of listOf(group.rules)) add('rule', rule);
  }
  for (const { code, rule } of objectsOf<{ readonly code: unknown; readonly rule: unknown }>(record['reasons'])) {
    add('reason', code);
    add('rule', rule);
  }
  if (record['kind'] === 'refused') add('reason', record['code']);
  return found;
}

// By its number, which counts in one environment, or by its digest, which an activation names too.
function addRevision(record: LogLine, add: (facet: Facet, value: unknown) => void): void {
  const revision = record['revision'] as { readonly number?: unknown; readonly digest?: unknown } | undefined;
  add('revision', revision?.number);
  add('revision', revision?.digest);
  if (record['kind'] === 'snapshot_activated') add('revision', record['digest']);
}

// Of a log that somebody has changed a record may hold anything: what does not fit is left out.
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value));
export const textsOf = (value: unknown): readonly string[] => listOf(value).filter((item) => typeof item === 'string');
export const objectsOf = <T extends object>(value: unknown) => listOf(value).filter((item): item is Partial<T> => typeof item === 'object' && item !== null);
