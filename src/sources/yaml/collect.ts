import type { Source } from './files.ts';
import type { Problem } from './problems.ts';
import type { Kind, Value } from './schemas.ts';

/** One entry of a kind: its id, its value, and how to point at a member of it. */
export interface Entry<T> {
  readonly id: string;
  readonly value: T;
  readonly problem: (at: readonly (string | number)[], message: string) => Problem;
}

type Mapped = Exclude<Kind, 'purposes' | 'events' | 'relations' | 'modes' | 'transforms'>;
type ValueOf<K extends Mapped> = Value<K> extends Readonly<Record<K, infer M>> ? M extends Readonly<Record<string, infer T>> ? T : never : never;

/** All files, by kind, over all files of the kind. */
export interface Collector {
  /** The entries of a kind that is a map by id, in the order of the files. */
  entries<K extends Mapped>(kind: K): readonly Entry<ValueOf<K>>[];
  sources<K extends Kind>(kind: K): readonly Source<K>[];
  /** Ids that stand in two files. */
  readonly problems: readonly Problem[];
}

const MAPPED: readonly Mapped[] = [
  'categories', 'environments', 'fields', 'event_names', 'envelopes', 'vendors', 'identities', 'roles', 'grants', 'combinations',
  'callers', 'approvals', 'context',
];

export function createCollector(sources: readonly Source[]): Collector {
  const byKind = Map.groupBy(sources, ({ kind }) => kind);
  const of = <K extends Kind>(kind: K) => (byKind.get(kind) ?? []) as unknown as readonly Source<K>[];
  const entries = <K extends Mapped>(kind: K): readonly Entry<ValueOf<K>>[] => of(kind).flatMap((source) => (
    Object.entries((source.value as unknown as Record<string, Record<string, ValueOf<K>>>)[kind]!).map(([id, value]) => ({
      id, value, problem: (at: readonly (string | number)[], message: string) => source.problem([kind, id, ...at], message),
    }))
  ));
  const cached = new Map<Mapped, readonly Entry<unknown>[]>(MAPPED.map((kind) => [kind, entries(kind)]));
  return {
    entries: <K extends Mapped>(kind: K) => cached.get(kind) as readonly Entry<ValueOf<K>>[],
    sources: of,
    problems: MAPPED.flatMap((kind) => duplicates(kind, cached.get(kind)!)),
  };
}

function duplicates(kind: Mapped, entries: readonly Entry<unknown>[]): readonly Problem[] {
  const seen = new Set<string>();
  return entries.flatMap(({ id, problem }) => {
    if (!seen.has(id)) return seen.add(id) && [];
    return [problem([], `${kind}: ${id} stands in another file too; ids are unique`)];
  });
}
