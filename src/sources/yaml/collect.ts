import type { RawFiles } from './files.ts';
import type { At, Problem, Report } from './problems.ts';
import type { Kind, Value } from './schemas.ts';
import { shape, type Source } from './shape.ts';

/** One entry of a kind that has its shape: its id, its value, and how to point at a member of it. */
export interface Entry<T> {
  readonly id: string;
  readonly value: T;
  readonly problem: Report;
}

export type Mapped = Exclude<Kind, 'purposes' | 'events' | 'relations' | 'modes' | 'transforms'>;
export type EntryOf<K extends Mapped> = Value<K> extends Readonly<Record<K, infer M>> ? M extends Readonly<Record<string, infer T>> ? T : never : never;

/** All files by kind. */
export interface Collector {
  /** The entries of a kind that is a map by id, in the order of the files. */
  entries<K extends Mapped>(kind: K): readonly Entry<EntryOf<K>>[];
  sources<K extends Kind>(kind: K): readonly Source<K>[];
  /** What has its shape, of kinds that are no map by id. */
  values<K extends Kind>(kind: K): readonly Value<K>[];
  /** Every entry of the kind could be read and has its shape: what is not among them does not exist. */
  complete(kind: Kind): boolean;
  /** All files of the kind could be read: their ids are known, whatever is wrong with the entries. */
  read(kind: Kind): boolean;
}

/** Sorts the files by kind, and compares each with its schema. */
export function collect({ files, unread }: RawFiles): { readonly collector: Collector; readonly problems: readonly Problem[] } {
  const shaped = files.map(shape);
  const byKind = Map.groupBy(shaped.map(({ source }) => source), ({ kind }) => kind);
  const sources = <K extends Kind>(kind: K) => (byKind.get(kind) ?? []) as unknown as readonly Source<K>[];
  const cache = new Map<Mapped, readonly Entry<unknown>[]>();
  const collector: Collector = {
    entries: <K extends Mapped>(kind: K) => {
      const entries = cache.get(kind) ?? sources(kind).flatMap((source) => entriesOf(source, kind));
      cache.set(kind, entries);
      return entries as readonly Entry<EntryOf<K>>[];
    },
    sources,
    values: (kind) => sources(kind).flatMap(({ value }) => value ?? []),
    complete: (kind) => !unread.has(kind) && sources(kind).every(({ whole }) => whole),
    read: (kind) => !unread.has(kind),
  };
  return { collector, problems: shaped.flatMap(({ problems }) => problems) };
}

function entriesOf(source: Source, kind: Mapped): readonly Entry<unknown>[] {
  const entries = (source.value as Readonly<Record<string, object>> | undefined)?.[kind] ?? {};
  return Object.entries(entries).map(([id, value]) => ({
    id, value: value as unknown, problem: (at: At, message, key) => source.report([kind, id, ...at], message, at.length === 0 ? 'key' : key),
  }));
}
