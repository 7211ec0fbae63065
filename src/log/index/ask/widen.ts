import type { Facet } from './facets.ts';
import type { Filter, Query } from './query.ts';

// Facets of which a record may hold a hash instead of the name (J30).
const HASHED: readonly Facet[] = ['identity', 'onBehalfOf', 'vendor', 'environment', 'purpose', 'event', 'field'];

/** A name that the catalogue did not know when it was asked about is in the log as its hash: looks for that too. */
export function widen(query: Query, hash: ((name: string) => string) | undefined): Query {
  if (hash === undefined) return query;
  const filter: Filter = Object.fromEntries(Object.entries(query.filter).map(([facet, values]) => (
    [facet, HASHED.includes(facet as Facet) ? values.flatMap((value) => [value, hash(value)]) : values]
  )));
  return { ...query, filter };
}
