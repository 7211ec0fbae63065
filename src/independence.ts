import type { Judged } from './judge.ts';
import type { Engine } from './opa/engine.ts';

/**
 * Whether each profile's rulings are the same alone and together with others (J21), on real inputs: slices and the
 * smallest fix rest on it.
 * @returns what is wrong, naming the rule.
 */
export function checkIndependence(judged: readonly Judged[], engine: Engine): readonly string[] {
  const problems = new Set<string>();
  for (const { prepared, rulings } of judged) for (const [at, { input }] of prepared.shape.views.entries()) {
    const together = rulings?.[at];
    if (together === undefined || input.profiles.length < 2) continue;
    for (const [index, profile] of input.profiles.entries()) {
      const alone = engine.evaluate({ ...input, profiles: [profile], matches: [input.matches[index]!] });
      const before = new Set(together.rules.filter(({ profiles }) => profiles === '*' || profiles.includes(index)).map(({ rule }) => rule.id));
      const after = new Set(alone.rules.map(({ rule }) => rule.id));
      for (const id of before.symmetricDifference(after)) {
        problems.add(`${engine.rules.get(id)?.location}: rule ${id} says something else of ${profile.category} alone than together with other profiles; a ruling depends on its own profile only (what concerns several fields is a combination)`);
      }
    }
  }
  return [...problems].sort();
}
