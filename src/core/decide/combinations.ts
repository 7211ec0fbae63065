import type { PreparedCombination } from '../prepare/prepared.ts';

/** A field that would leave, with the profile that it would leave as. */
export interface Leaving {
  readonly path: string;
  readonly profile: number;
}

/** The combinations that `leaving` hits, each with its members among them (J9). */
export function hits(combinations: readonly PreparedCombination[], leaving: readonly Leaving[]) {
  return combinations.flatMap((combination) => {
    const present = combination.members.filter((member) => leaving.some((field) => member.includes(field.profile)));
    if (present.length < combination.min) return [];
    return [{ combination, fields: leaving.filter((field) => present.some((member) => member.includes(field.profile))) }];
  });
}
