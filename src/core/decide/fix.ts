import type { Fix } from '../answer.ts';
import { hits, type Leaving } from './combinations.ts';
import { SENSITIVITIES, type Sensitivity } from '../facts.ts';
import type { PreparedCombination } from '../prepare/prepared.ts';

const EXACT_UP_TO = 16;

/** The fields of a question, by path. */
export interface Droppable {
  /** Denied or under review by themselves. */
  readonly refused: readonly string[];
  /** Those of which something leaves. */
  readonly leaving: readonly string[];
  readonly sensitivities: ReadonlyMap<string, Sensitivity>;
}

/**
 * The smallest set of fields whose removal lets the rest leave: all that are refused by themselves, and the fewest
 * members that break every combination; ties go to the more sensitive field, then by path (J10).
 *
 * @param sent what is sent, once for each verdict that must let it leave.
 * @returns null if nothing would be left, or if dropping does not help.
 */
export function smallestFix(
  { refused, leaving, sensitivities }: Droppable,
  sent: readonly (readonly Leaving[])[],
  combinations: readonly PreparedCombination[],
): Fix | null {
  const hit = sent
    .map((fields) => ({ fields, broken: hits(combinations, fields) }))
    .filter(({ broken }) => broken.length > 0);
  const involved = new Set(hit.flatMap(({ broken }) => broken.flatMap(({ fields }) => fields.map(({ path }) => path))));
  const rank = (path: string) => SENSITIVITIES.indexOf(sensitivities.get(path) ?? 'restricted');
  const candidates = [...involved]
    .filter((path) => path !== '$event')
    .sort((a, b) => rank(b) - rank(a) || (a < b ? -1 : 1));
  const worlds = hit.map(({ fields, broken }) => ({
    fields: fields.filter(({ path }) => involved.has(path)),
    broken: broken.map(({ combination }) => combination),
  }));
  const breaks = (dropped: ReadonlySet<string>) =>
    worlds.every(
      ({ fields, broken }) =>
        hits(
          broken,
          fields.filter(({ path }) => !dropped.has(path)),
        ).length === 0,
    );

  const exact = candidates.length <= EXACT_UP_TO;
  const members = exact ? fewest(candidates, breaks) : minimal(candidates, breaks);
  // The event's name alone is no event: nobody can ask for that.
  const isLeft = leaving.some((path) => path !== '$event' && members?.includes(path) !== true);
  if (members === undefined || refused.includes('$event') || !isLeft) return null;
  return { drop: [...refused, ...members], exact };
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
