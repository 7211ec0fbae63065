import type { PermitData } from '../data.ts';
import { LISTS, contentDigest, countsOf, type Counts } from './rows.ts';

/** A list that loses more than this part of its rows may be an answer that went wrong, or a revocation. */
const MOST_LOST = 0.2;
export const CONFIRM_AFTER_MS = 1000;

/** What has emptied or shrunk by more than a fifth, for a person: `users 50 → 3`. */
export function massChanges(before: Counts | undefined, after: Counts): readonly string[] {
  if (before === undefined) return [];
  return LISTS.filter((list) => after[list] < before[list] && before[list] - after[list] > MOST_LOST * before[list]).map((list) => `${list} ${before[list]} → ${after[list]}`);
}

/** The change stays unconfirmed: what was good before stays, and somebody should look. */
export class UnconfirmedError extends Error {
  override readonly name = 'UnconfirmedError';
}

export interface Guarded {
  /** Of the last good content; undefined lets everything pass. */
  readonly before: Counts | undefined;
  readonly first: PermitData;
  /** One complete double scan over connections of its own. */
  readonly scanAgain: () => Promise<PermitData>;
  /** Resolves at least so many milliseconds later. */
  readonly wait: (ms: number) => Promise<void>;
}

/**
 * Gives the first scan's content, if it isn't a mass change or a further scan gives the same. A confirmed change is as
 * good as any other: a revocation may be large.
 *
 * @throws {UnconfirmedError} when the further scan differs or fails.
 */
export async function confirmed({ before, first, scanAgain, wait }: Guarded): Promise<PermitData> {
  const changes = massChanges(before, countsOf(first));
  if (changes.length === 0) return first;
  await wait(CONFIRM_AFTER_MS);
  const what = `a large change (${changes.join(', ')}) is not applied`;
  const second = await scanAgain().catch((error: unknown) => {
    throw new UnconfirmedError(`${what}: the read that should confirm it failed: ${messageOf(error)}`, { cause: error });
  });
  if (contentDigest(second) !== contentDigest(first)) throw new UnconfirmedError(`${what}: a further read a second later gave another content`);
  return first;
}

const messageOf = (error: unknown) => (error instanceof Error && error.name === 'PermitError' ? error.message : 'for an unknown reason');
