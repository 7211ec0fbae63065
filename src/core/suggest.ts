const MAX_LENGTH = 128;

/**
 * The candidate nearest to `word`, whatever the case: at most a third of its letters away (added, left out, changed, or
 * two neighbours swapped), one in a word of two. The first of equals; undefined when none is that near, or `word` is over 128 long.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bound = Math.min(Math.max(1, Math.floor(word.length / 3)), word.length - 1) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bound) continue;
    const away = distance(wanted, candidate.toLowerCase(), bound);
    if (away < bound) [best, bound] = [candidate, away];
  }
  return best;
}

/**
 * As `nearest`; of dotted names, when none is near as a whole, one that has the word's last part among its own, or nearly:
 * `email`, or `user.email`, finds `user.contact.email`.
 */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  const all = [...candidates];
  const whole = nearest(word, all);
  if (whole !== undefined || word.length > MAX_LENGTH) return whole;
  const last = partsOf(word).at(-1)!;
  const having = (part: string) => all.filter((name) => name.includes('.') && partsOf(name).includes(part)).sort((a, b) => a.length - b.length)[0];
  const near = nearest(last, new Set(all.filter((name) => name.includes('.')).flatMap(partsOf)));
  return having(last) ?? (near === undefined ? undefined : having(near));
}

const partsOf = (name: string) => name.toLowerCase().split('.');

/** ` (did you mean …?)` for a word that is none of the candidates; empty when none is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = nearestName(word, candidates);
  return near === undefined || near === word ? '' : ` (did you mean ${near}?)`;
}

/** Damerau and Levenshtein's distance (no letter twice), or `bound` when it is not below that. */
function distance(a: string, b: string, bound: number): number {
  let before: readonly number[] = [];
  let previous: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : bound;
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), swapped));
    }
    if (Math.min(...row) >= bound && Math.min(...previous) >= bound) return bound;
    [before, previous] = [previous, row];
  }
  return Math.min(previous[b.length]!, bound);
}
