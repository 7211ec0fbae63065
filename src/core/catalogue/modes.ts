import type { Facts, Mode } from '../facts.ts';

// From the strictest.
const MODES = ['enforce', 'shadow'] as const;
const UNKNOWN = ['deny', 'strip', 'observe'] as const;
const UNMATCHED = ['deny', 'review'] as const;

/** What is set for the vendor and for the event; the stricter wins, and where neither says anything the strictest (J12, J13). */
export function modeOf(modes: Facts['modes'], vendor: string, event: string | undefined) {
  const set = [modes.vendors.get(vendor), event === undefined ? undefined : modes.events.get(event)].filter((mode): mode is Mode => mode !== undefined);
  const strictest = <T extends string>(order: readonly T[], said: readonly (T | undefined)[]): T => (
    order.find((value) => said.includes(value)) ?? order[0]!
  );
  return {
    mode: strictest(MODES, set.map(({ mode }) => mode)),
    unknown: strictest(UNKNOWN, set.map(({ unknown }) => unknown)),
    unmatched: strictest(UNMATCHED, set.map(({ unmatched }) => unmatched)),
  };
}
