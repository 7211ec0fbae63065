import { facetsOf, FACETS, type Facet, type LogLine } from './facets.ts';

/** For each facet the values of which a record must have one; an absent facet asks nothing. */
export type Filter = Readonly<Partial<Record<Facet, readonly string[]>>>;

/** Which records, in which order. */
export interface Query {
  readonly filter: Filter;
  /** Milliseconds since the Unix epoch: from `fromMs` on, before `toMs`. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Those of one request; a batch has many. */
  readonly requestId?: string;
  readonly decisionId?: string;
  readonly order: 'newest' | 'oldest';
  /** Only what comes after the record of this index, in `order`: where the page before ended. */
  readonly after?: number;
  /** Only records below this index. */
  readonly below?: number;
  readonly limit: number;
}

/** Whether a record is one of those asked for; `order`, `after`, `below` and `limit` apart. The index must say the same. */
export function matches(record: LogLine, { filter, fromMs, toMs, requestId, decisionId }: Query): boolean {
  const atMs = Date.parse(String(record['time']));
  if ((fromMs !== undefined && atMs < fromMs) || (toMs !== undefined && atMs >= toMs)) return false;
  if (requestId !== undefined && record['requestId'] !== requestId) return false;
  if (decisionId !== undefined && record['decisionId'] !== decisionId) return false;
  const has = facetsOf(record);
  return FACETS.every((facet) => filter[facet] === undefined || filter[facet].some((value) => has.get(facet)?.has(value) === true));
}
