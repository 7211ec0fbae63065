import type { Category } from '../../../core/facts.ts';
import type { Collector } from '../collect.ts';
import type { Loaded } from '../digest.ts';

/** What warnings are found in: facts without a mistake, and what stands around them. */
export interface World {
  readonly collector: Collector;
  readonly facts: Loaded;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** The categories that come with the program, by id. */
  readonly shipped: ReadonlyMap<string, Pick<Category, 'sensitivity' | 'identifiability'>>;
  /** Environments that Permit administers; roles may be held there that the files give to nobody. */
  readonly permit: ReadonlySet<string>;
}

/** All roles that somebody with these has. */
export function closureOf(roles: readonly string[], known: Loaded['roles']): ReadonlySet<string> {
  const held = new Set(roles);
  // A set goes on over what is added meanwhile.
  for (const role of held) for (const other of known.get(role)?.extends ?? []) held.add(other);
  return held;
}
