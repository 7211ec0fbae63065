import { invalid, Moved } from './errors.ts';

/** The most that the API gives. */
export const PER_PAGE = 100;

export interface Pages {
  /** For messages: `users`. */
  readonly list: string;
  /** Asks for a page, counted from 1; gives what came. */
  readonly get: (page: number) => Promise<unknown>;
  /** Takes the rows of a page; pages come in any order. */
  readonly take: (rows: readonly unknown[]) => void;
  /** How many pages are asked for at the same time, once there is more than one. */
  readonly lanes: number;
}

interface Page {
  readonly rows: readonly unknown[];
  readonly total: number | undefined;
}

/**
 * Reads a list to its proven end: every page but the last is full, and the rows are as many as the total; where no total
 * is given, the page after the last is empty (a server of shorter pages would else end a list too early).
 *
 * @returns how many rows there are.
 * @throws {Moved} for pages that don't fit together.
 */
export async function readPages({ list, get, take, lanes }: Pages): Promise<number> {
  let [count, last, next, shortest, fullest] = [0, Infinity, 1, Infinity, 0];
  let total: number | undefined;
  const readNext = async () => {
    const page = next++;
    const { rows, total: told } = toPage(await get(page), list);
    if (page > 1 && told !== total) throw new Moved(`the total of the ${list} changed while they were read`);
    total = told;
    if (rows.length > PER_PAGE) throw invalid(`Permit's list of ${list}: page ${page} holds ${rows.length} rows, though ${PER_PAGE} were asked for. Check the address of the API.`);
    if (rows.length < PER_PAGE) shortest = Math.min(shortest, page);
    if (rows.length > 0) fullest = Math.max(fullest, page);
    last = Math.min(last, told === undefined ? rows.length === 0 ? page : shortest + 1 : Math.floor(told / PER_PAGE) + 1);
    count += rows.length;
    take(rows);
  };
  await readNext();
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (next <= last) await readNext();
  }));
  if (fullest > shortest) throw new Moved(`the ${list} have more rows after page ${shortest}, which wasn't full`);
  if (total !== undefined && count !== total) throw new Moved(`the pages of the ${list} have ${count} rows, their total is ${total}`);
  return count;
}

/** `T[]` and `{data: T[], total_count}` alike: which of them comes depends on the list, the question and the version. */
function toPage(answer: unknown, list: string): Page {
  if (Array.isArray(answer)) return { rows: answer, total: undefined };
  const { data, total_count: total } = (answer ?? {}) as { readonly data?: unknown; readonly total_count?: unknown };
  if (!Array.isArray(data)) throw invalid(`Permit answered the list of ${list} with what is no list. Check the address of the API.`);
  if (total === undefined || total === null) return { rows: data, total: undefined };
  if (!Number.isSafeInteger(total) || (total as number) < 0) throw invalid(`Permit's list of ${list}: its \`total_count\` is no count.`);
  return { rows: data, total: total as number };
}
