import { ancestorsOf } from '../../../core/catalogue/selectors.ts';
import { IDENTIFIABILITIES, SENSITIVITIES } from '../../../core/facts.ts';
import type { Problem } from '../problems.ts';
import type { World } from './world.ts';

const RANKS = { sensitivity: SENSITIVITIES, identifiability: IDENTIFIABILITIES } as const;

/** A category that is less sensitive, or less identifying, than the one of its name, or above it, that is shipped. */
export function lowered({ collector, shipped }: World): readonly Problem[] {
  return collector.entries('categories').flatMap(({ id, value, problem }) => {
    const above = ancestorsOf(id).toReversed().find((ancestor) => shipped.has(ancestor));
    const standard = above === undefined ? undefined : shipped.get(above);
    if (standard === undefined) return [];
    return (['sensitivity', 'identifiability'] as const).flatMap((member) => {
      const ranks: readonly string[] = RANKS[member];
      if (ranks.indexOf(value[member]) >= ranks.indexOf(standard[member])) return [];
      const which = `lower than shipped, where ${above} is ${standard[member]}`;
      return [problem([member], `${which}: guardrails let more of it leave`)];
    });
  });
}
