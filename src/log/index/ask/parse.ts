import { hash } from 'node:crypto';
import { EFFECTS } from '../../../core/answer.ts';
import { isBare, isDate } from '../../../core/dates.ts';
import { SluiceError } from '../../../core/errors.ts';
import { REASON_CODES, isOwnCode } from '../../../core/reason-codes.ts';
import { didYouMean, nearest } from '../../../core/suggest.ts';
import { RECORD_KINDS, type RecordKind } from '../../types.ts';
import { FACETS, type Facet } from './facets.ts';
import type { Filter, Query } from './query.ts';

/** What a question gets: an answer or a refusal. Those are meant when no kind is asked for. */
const OF_QUESTIONS: readonly RecordKind[] = ['decision', 'permitted', 'refused'];

const MAX_LIMIT = 1_000;
const MAX_VALUES = 50;
const MAX_LENGTH = 512;
/** What a query may have: records of a page, values of a facet, characters of a value. */
export const QUERY_LIMITS = { page: MAX_LIMIT, values: MAX_VALUES, length: MAX_LENGTH } as const;

const REFUSALS = ['not_your_identity', 'environment_mismatch', 'forbidden', 'stale_revision'];
const CLOSED: Readonly<Partial<Record<Facet, readonly string[]>>> = {
  kind: [...RECORD_KINDS, 'all'],
  decision: EFFECTS,
  reason: [...REASON_CODES, ...REFUSALS],
};
const SINGLE = ['from', 'to', 'requestId', 'order', 'limit', 'after'] as const;
type Single = (typeof SINGLE)[number];

/** Every parameter of a query, for help texts and descriptions. */
export const PARAMETERS: readonly string[] = ['from', 'to', ...FACETS, 'requestId', 'order', 'limit', 'after'];

export interface ParsedQuery {
  readonly query: Query;
  /** Whether a limit was asked for. */
  readonly limited: boolean;
}

/**
 * A query from its parameters, each a name and a value. A facet may come several times: then any of its values will do;
 * different parameters must all be met. Without `kind` the answers to questions and refusals are meant; `all` is every kind.
 *
 * @param origin of the log that is asked: a cursor of another one is none.
 * @throws {SluiceError} `request_invalid`; an unknown parameter names the nearest known one.
 */
export function parseQuery(parameters: Iterable<readonly [name: string, value: string]>, origin: string): ParsedQuery {
  const single = new Map<Single, string>();
  const filter = new Map<Facet, string[]>();
  for (const [name, value] of parameters) {
    if (value === '' || value.length > MAX_LENGTH) throw invalid(`${shown(name)} takes 1 to ${MAX_LENGTH} characters`);
    if (isFacet(name)) addTo(filter, name, value);
    else if (!isSingle(name)) throw invalid(`there is no filter ${shown(name)}${didYouMean(name, PARAMETERS)}; there are ${PARAMETERS.join(', ')}`);
    else if (single.has(name)) throw invalid(`${name} may come once`);
    else single.set(name, value);
  }
  const [fromMs, toMs] = [momentOf(single, 'from'), momentOf(single, 'to')];
  if (fromMs !== undefined && toMs !== undefined && toMs <= fromMs) throw invalid('to must be after from');
  const requestId = single.get('requestId');
  const asked = { filter: withKinds(filter), ...(fromMs !== undefined && { fromMs }), ...(toMs !== undefined && { toMs }), ...(requestId !== undefined && { requestId }), order: orderOf(single) };
  const after = single.has('after') ? fromCursor(single.get('after')!, asked, origin) : undefined;
  return { query: { ...asked, ...(after !== undefined && { after }), limit: limitOf(single) }, limited: single.has('limit') };
}

const invalid = (message: string) => new SluiceError('request_invalid', message);
const isFacet = (name: string): name is Facet => FACETS.some((facet) => facet === name);
const isSingle = (name: string): name is Single => SINGLE.some((known) => known === name);

// A name may be anything, and errors are logged by nobody but told: as much of it as helps.
const shown = (name: string) => (/^[A-Za-z_-]{1,32}$/.test(name) ? name : 'of this name');

function addTo(filter: Map<Facet, string[]>, facet: Facet, value: string): void {
  const known = CLOSED[facet];
  const isKnown = known?.includes(value) !== false || (facet === 'reason' && isOwnCode(value));
  if (known !== undefined && !isKnown) {
    const near = nearest(value, known);
    throw invalid(`${facet} has no such value${near === undefined ? '' : ` (did you mean ${near}?)`}; there are ${known.join(', ')}`);
  }
  if (facet === 'revision' && !/^(\d{1,15}|sha256:[0-9a-f]{64})$/.test(value)) throw invalid('revision takes a number, or a digest as sha256:…');
  const values = filter.get(facet) ?? [];
  if (values.length >= MAX_VALUES) throw invalid(`${facet} may come ${MAX_VALUES} times`);
  filter.set(facet, [...values, value]);
}

function withKinds(filter: ReadonlyMap<Facet, readonly string[]>): Filter {
  const { kind = OF_QUESTIONS, ...others } = Object.fromEntries(filter) as Filter;
  return kind.includes('all') ? others : { ...others, kind };
}

const DAY_MS = 86_400_000;

// A bare date as `to` ends with its day, as every bare date does (J28).
function momentOf(single: ReadonlyMap<Single, string>, name: 'from' | 'to'): number | undefined {
  const text = single.get(name);
  if (text === undefined) return undefined;
  if (!isDate(text)) throw invalid(`${name} takes a date as 2026-11-22, or a time as 2026-11-22T12:00:00Z (a + in an address is written %2B)`);
  return Date.parse(text) + (name === 'to' && isBare(text) ? DAY_MS : 0);
}

function orderOf(single: ReadonlyMap<Single, string>): Query['order'] {
  const order = single.get('order') ?? 'newest';
  if (order !== 'newest' && order !== 'oldest') throw invalid('order is newest or oldest');
  return order;
}

function limitOf(single: ReadonlyMap<Single, string>): number {
  const text = single.get('limit') ?? '100';
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw invalid(`limit takes a whole number from 1 to ${MAX_LIMIT}`);
  return limit;
}

type Fixed = Pick<Query, 'filter' | 'fromMs' | 'toMs' | 'requestId' | 'order'>;

/** Where the next page of the same query begins. It stays good while the log grows, and in another Sluice on the same log. */
export const toCursor = (query: Fixed, next: number, origin: string): string => Buffer.from(`1.${next}.${checkOf(query, origin)}`).toString('base64url');

function fromCursor(cursor: string, query: Fixed, origin: string): number {
  const [, next, check] = /^1\.(\d{1,15})\.([0-9a-f]{8})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  if (next === undefined) throw invalid('after takes what an answer gave as next');
  if (check !== checkOf(query, origin)) throw invalid('after was given for another query, or of another log: filters and order must stay the same from page to page, and what a new origin has stands in other places');
  return Number(next);
}

function checkOf({ filter, fromMs, toMs, requestId, order }: Fixed, origin: string): string {
  const values = FACETS.map((facet) => filter[facet]?.toSorted() ?? null);
  return hash('sha256', JSON.stringify([origin, values, fromMs ?? null, toMs ?? null, requestId ?? null, order]), 'hex').slice(0, 8);
}
