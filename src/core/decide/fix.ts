import type { Fix } from '../answer.ts';
import { hits, type Leaving } from './combinations.ts';
import { SENSITIVITIES, type Sensitivity } from '../facts.ts';
import type { PreparedCombination } from '../prepare/prepared.ts';

const EXACT_UP_TO = 16;

export interface Droppable extends Leaving {
  readonly sensitivity: Sensitivity;
}

/**
 * The smallest set of fields whose removal lets the rest leave: all that are refused by themselves, and the fewest
 * members that break every combination; ties go to the more sensitive, then by path (J10).
 *
 * @returns null if nothing would be left, or if dropping does not help.
 */
export function smallestFix(
  refused: readonly string[],
  leaving: readonly Droppable[],
  combinations: readonly PreparedCombination[],
): Fix | null {
  const hit = hits(combinations, leaving);
  const involved = leaving.filter((field) => hit.some(({ fields }) => fields.includes(field)));
  const candidates = involved.filter(({ path }) => path !== '$event').toSorted(byPreference);
  const broken = hit.map(({ combination }) => combination);
  const breaks = (dropped: ReadonlySet<Leaving>) => hits(broken, involved.filter((field) => !dropped.has(field))).length === 0;

  const exact = candidates.length <= EXACT_UP_TO;
  const members = exact ? fewest(candidates, breaks) : minimal(candidates, breaks);
  const dropped = new Set(members?.map(({ path }) => path));
  // The event's name alone is no event: nobody can ask for that.
  const isLeft = leaving.some(({ path }) => path !== '$event' && !dropped.has(path));
  if (members === undefined || refused.includes('$event') || !isLeft) return null;
  return { drop: [...refused, ...members.map((field) => field.path)], exact };
}

function byPreference(a: Droppable, b: Droppable): number {
  return SENSITIVITIES.indexOf(b.sensitivity) - SENSITIVITIES.indexOf(a.sensitivity) || (a.path < b.path ? -1 : 1);
}

/** The first subset that breaks all, by size, then in the order of preference. */
function fewest<T>(candidates: readonly T[], breaks: (dropped: ReadonlySet<T>) => boolean): readonly T[] | undefined {
  const subset = (size: number, from: number, taken: readonly T[]): readonly T[] | undefined => {
    if (size === 0) return breaks(new Set(taken)) ? taken : undefined;
    for (let index = from; index <= candidates.length - size; index += 1) {
      const found = subset(size - 1, index + 1, [...taken, candidates[index]!]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  for (let size = 0; size <= candidates.length; size += 1) {
    const found = subset(size, 0, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Drops all, then gives back, least preferred first, whatever is not needed: no smaller set inside it breaks all. */
function minimal<T>(candidates: readonly T[], breaks: (dropped: ReadonlySet<T>) => boolean): readonly T[] | undefined {
  const dropped = new Set(candidates);
  if (!breaks(dropped)) return undefined;
  for (const candidate of candidates.toReversed()) {
    dropped.delete(candidate);
    if (!breaks(dropped)) dropped.add(candidate);
  }
  return [...dropped];
}
