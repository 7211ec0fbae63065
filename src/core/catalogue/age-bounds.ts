import type { Environment } from '../facts.ts';
import type { Profile } from './profiles.ts';
import { covers, toSelectors } from './selectors.ts';

/** The greatest age of facts, in milliseconds, that may decide a field of this profile; Infinity: any. */
export type AgeBounds = (profile: Profile) => number;

/** Of an environment's bounds the most specific one that covers the category counts; undefined when it has none. */
export function compileAgeBounds({ maxAgeMs = Infinity, maxAgeOf = [] }: Environment): AgeBounds | undefined {
  if (maxAgeMs === Infinity && maxAgeOf.length === 0) return undefined;
  const bounds = [...maxAgeOf].sort((a, b) => depthOf(b.category) - depthOf(a.category)).map((bound) => ({ ...bound, selectors: toSelectors([bound.category]) }));
  return ({ input, ancestors }) => bounds.find(({ selectors }) => covers(selectors, input.category, ancestors))?.maxAgeMs ?? maxAgeMs;
}

// `a.b` is more specific than `a.b.*`, and that more than `a.*`.
const depthOf = (selector: string) => selector.split('.').length - (selector.endsWith('*') ? 0.5 : 0);
