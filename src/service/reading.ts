import { SluiceError } from '../core/errors.ts';
import type { HashName } from '../core/record.ts';
import type { Facet } from '../log/index/ask/facets.ts';
import type { LogIndex } from '../log/index/log-index.ts';
import { CSV_HEAD } from '../log/index/csv.ts';
import type { Page } from '../log/index/ask/page.ts';
import { toCursor, type ParsedQuery } from '../log/index/ask/parse.ts';
import type { Query } from '../log/index/ask/query.ts';
import { widen } from '../log/index/ask/widen.ts';
import type { DecisionLog } from '../log/types.ts';
import type { Asked } from '../pdp.ts';

export { PARAMETERS, parseQuery, QUERY_LIMITS, type ParsedQuery } from '../log/index/ask/parse.ts';
export { RECORD_KINDS } from '../log/types.ts';

export type ReadFormat = 'json' | 'ndjson' | 'csv';

export interface ReadPage {
  /** JSON texts; with `csv` rows with their line end, the names of the columns first. */
  readonly rows: readonly string[];
  /** What `after` takes for the next page; null after the last. */
  readonly next: string | null;
}

/** The decision log as auditors read it. Nothing of it is given before the reading is itself on record. */
export interface Reading {
  /** Of the log. */
  readonly origin: string;
  /** @throws {SluiceError} `not_ready` while there is no index to read by, `audit_unavailable` when the reading can't be recorded. */
  page(parsed: ParsedQuery, format: ReadFormat, by: Asked): Promise<ReadPage>;
  /**
   * Everything that the query asks for and that the log held when it was asked, some rows at a time. Take all of it, or
   * end it: then a second record tells how much was given. Throws as `page`, before the first rows, and `not_ready` while
   * too many are under way.
   */
  all(parsed: ParsedQuery, format: ReadFormat, by: Asked): Promise<AsyncGenerator<string>>;
  /** One record by its decision's id, or by its index. @throws {SluiceError} `not_found`, and as `page`. */
  record(id: string, by: Asked): Promise<{ readonly index: number; readonly text: string }>;
  /** Puts on record that something else of the log was read. */
  noted(read: 'checkpoint' | 'proof' | 'tile' | 'report', what: string, by: Asked): Promise<unknown>;
  /** A caller without the power wanted to read: puts it on record. */
  refused(by: Asked): void;
}

export interface ReadingDeps {
  readonly log: DecisionLog;
  readonly index: LogIndex;
  readonly hash: HashName;
}

/** How many records an export reads at a time. */
const CHUNK = 500;
/** How many exports may be under way: each holds rows in memory for as long as its client likes to read. */
const MAX_EXPORTS = 16;

export function createReading({ log, index, hash }: ReadingDeps): Reading {
  const note = (by: Asked, members: object) => (
    log.append({ kind: 'log_read', members: JSON.stringify({ caller: by.caller.id, requestId: by.requestId, ...members }).slice(1, -1) }).durable
  );
  let exports = 0;

  function begin(): () => void {
    if (exports >= MAX_EXPORTS) throw new SluiceError('not_ready', `${MAX_EXPORTS} exports are under way`, { retryAfterSeconds: 5 });
    exports += 1;
    return () => { exports -= 1; };
  }

  const formatOf = (format: ReadFormat) => (format === 'csv' ? 'csv' : 'lines');

  return {
    origin: log.origin,

    async page({ query }, format, by) {
      const page = await index.page({ query: widen(query, hash), format: formatOf(format) });
      await note(by, { read: 'page', format, ...toRecord(query, page, hash), rows: page.rows.length });
      return { rows: format === 'csv' ? [CSV_HEAD, ...page.rows] : page.rows, next: page.next === undefined ? null : toCursor(query, page.next, log.origin) };
    },

    async all({ query }, format, by) {
      const end = begin();
      try {
        const wanted = { ...widen(query, hash), below: log.size() - log.queued(), limit: CHUNK };
        const first = await index.page({ query: wanted, format: formatOf(format) });
        const asked = { read: 'export', format, ...toRecord(query, first, hash) };
        await note(by, { ...asked, state: 'begun' });
        const next = (after: number) => index.page({ query: { ...wanted, after }, format: formatOf(format) });
        return exported({ first, format, next, async ended(given) {
          end();
          await note(by, { ...asked, ...given });
        } });
      } catch (error) {
        end();
        throw error;
      }
    },

    async record(id, by) {
      const query = queryOf(id);
      const page: Page = query === undefined ? { rows: [], known: [] } : await index.page({ query, format: 'lines' });
      const text = page.rows[0];
      await note(by, { read: 'record', ...(text === undefined ? { id: hash(id) } : { id }), rows: page.rows.length });
      if (text === undefined) throw new SluiceError('not_found', 'the log has no record with this id');
      return { index: (JSON.parse(text) as { index: number }).index, text };
    },

    noted: (read, what, by) => note(by, { read, what }),

    refused({ caller, requestId }) {
      // The refusal stands whether or not it can be recorded: it lets nothing out.
      try {
        log.append({ kind: 'refused', members: JSON.stringify({ code: 'forbidden', caller: caller.id, requestId }).slice(1, -1) }).durable.catch(() => {});
      } catch {
        // The log says itself that it failed.
      }
    },
  };
}

interface Export {
  readonly first: Page;
  readonly format: ReadFormat;
  readonly next: (after: number) => Promise<Page>;
  readonly ended: (given: { readonly state: 'ended' | 'broken_off'; readonly rows: number }) => Promise<void>;
}

async function* exported({ first, format, next, ended }: Export): AsyncGenerator<string> {
  let rows = 0;
  let state: 'ended' | 'broken_off' = 'broken_off';
  try {
    if (format === 'csv') yield CSV_HEAD;
    for (let page: Page | undefined = first; page !== undefined; page = page.next === undefined ? undefined : await next(page.next)) {
      rows += page.rows.length;
      yield format === 'csv' ? page.rows.join('') : page.rows.map((row) => `${row}\n`).join('');
    }
    state = 'ended';
  } finally {
    await ended({ state, rows });
  }
}

/** What was asked for, as it may be recorded: names that no record has stand as their hash (J30). */
function toRecord({ filter, fromMs, toMs, requestId, order }: Query, { known }: Page, hash: HashName) {
  const named = Object.entries(filter).map(([facet, values]) => (
    [facet, CLOSED.includes(facet as Facet) ? values : values.map((value) => (known.includes(value) ? value : hash(value)))]
  ));
  return {
    filter: Object.fromEntries(named) as Record<string, readonly string[]>,
    ...(fromMs !== undefined && { from: new Date(fromMs).toISOString() }),
    ...(toMs !== undefined && { to: new Date(toMs).toISOString() }),
    ...(requestId !== undefined && { requested: hash(requestId) }),
    order,
  };
}

// Their values are checked against closed lists, or are numbers and digests.
const CLOSED: readonly Facet[] = ['kind', 'decision', 'reason', 'revision'];

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

function queryOf(id: string): Query | undefined {
  const one = { filter: {}, order: 'oldest', limit: 1 } as const;
  if (ULID.test(id)) return { ...one, decisionId: id };
  return /^(0|[1-9]\d{0,14})$/.test(id) ? { ...one, after: Number(id) - 1, below: Number(id) + 1 } : undefined;
}
