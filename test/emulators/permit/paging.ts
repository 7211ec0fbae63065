import type { Reply } from './call.ts';
import { malformed, type Mistake } from './errors.ts';

// Facts 14: 30 rows by default, 100 at most; a number out of range is 422.
const DEFAULT_PER_PAGE = 30;
const MAX_PER_PAGE = 100;

/**
 * How a list answers: with an array, with `{data, total_count, page_count}`, or with the one unless
 * `include_total_count=true` asks for the other.
 */
export type Form = 'array' | 'paginated' | 'either';

/** A list before it is cut into a page. */
export interface Listing {
  readonly form: Form;
  readonly rows: readonly unknown[];
  /** Called for the rows of the page alone: a page of a million rows costs no more than another. */
  readonly toJson: (row: never) => object;
}

/** What a fault does to the rows before they are paged. */
export type Disturb = (rows: readonly unknown[]) => readonly unknown[];

export const listing = <T>(form: Form, rows: readonly T[], toJson: (row: T) => object): Listing => ({ form, rows, toJson });

/** @throws {Refusal} 422 for parameters out of range. */
export function toPage({ form, rows, toJson }: Listing, query: URLSearchParams, disturb?: Disturb): Reply {
  const mistakes: Mistake[] = [];
  const page = wholeNumber(query, 'page', { default: 1, max: Number.MAX_SAFE_INTEGER / MAX_PER_PAGE }, mistakes);
  const perPage = wholeNumber(query, 'per_page', { default: DEFAULT_PER_PAGE, max: MAX_PER_PAGE }, mistakes);
  const counted = flagOf(query, 'include_total_count', mistakes);
  if (mistakes.length > 0) throw malformed(mistakes);

  const seen = disturb?.(rows) ?? rows;
  const rendered = seen.slice((page - 1) * perPage, page * perPage).map(toJson as (row: unknown) => object);
  if (form === 'array' || (form === 'either' && !counted)) return { status: 200, body: rendered };
  // Assumed (facts 3): page_count counts the pages. The total is that of the rows, whatever a fault shows of them.
  return { status: 200, body: { data: rendered, total_count: rows.length, page_count: Math.ceil(rows.length / perPage) } };
}

function wholeNumber(query: URLSearchParams, name: string, range: { readonly default: number; readonly max: number }, mistakes: Mistake[]): number {
  const given = query.get(name);
  if (given === null) return range.default;
  const number = /^[+-]?\d+$/.test(given) ? Number(given) : Number.NaN;
  const loc = ['query', name];
  if (Number.isNaN(number)) mistakes.push({ loc, msg: 'value is not a valid integer', type: 'type_error.integer' });
  else if (number < 1) mistakes.push({ loc, msg: 'ensure this value is greater than or equal to 1', type: 'value_error.number.not_ge' });
  else if (number > range.max) mistakes.push({ loc, msg: `ensure this value is less than or equal to ${range.max}`, type: 'value_error.number.not_le' });
  return number;
}

/** Spelt as FastAPI takes booleans; anything else is a mistake, and false. */
export function flagOf(query: URLSearchParams, name: string, mistakes: Mistake[]): boolean {
  const given = query.get(name)?.toLowerCase() ?? 'false';
  if (['true', '1', 'yes', 'on', 't', 'y'].includes(given)) return true;
  if (!['false', '0', 'no', 'off', 'f', 'n'].includes(given)) mistakes.push({ loc: ['query', name], msg: 'value could not be parsed to a boolean', type: 'type_error.bool' });
  return false;
}

/** @throws {Refusal} 422. */
export function readFlag(query: URLSearchParams, name: string): boolean {
  const mistakes: Mistake[] = [];
  const is = flagOf(query, name, mistakes);
  if (mistakes.length > 0) throw malformed(mistakes);
  return is;
}
