import type { Query } from './query.ts';

export interface PageQuery {
  readonly query: Query;
  /** `lines`: JSON texts without newline, as stored; of a side object the members too. `csv`: rows with their line end. */
  readonly format: 'lines' | 'csv';
}

export interface Page {
  readonly rows: readonly string[];
  /** Index of the last of them: `after` of the next page. Undefined when nothing comes after this page. */
  readonly next?: number;
  /** Those values of the query's filter and ids that stand in some record. */
  readonly known: readonly string[];
}
