import type { Facts, Mode } from '../facts.ts';

// From the strictest.
const MODES = ['enforce', 'shadow'] as const;
const UNKNOWN = ['deny', 'strip', 'observe'] as const;
const UNMATCHED = ['deny', 'review'] as const;

export interface ModeScope {
  /** The vendor asked about and, for a CDP, its destinations. */
  readonly vendors: readonly string[];
  readonly event: string | undefined;
  /** Whether an exclusive grant closes one of them: then neither shadow nor an approval may open it (J3, J13). */
  readonly closed: boolean;
}

/** What is set for vendors and event; the stricter wins, and where none says anything the strictest (J12, J13). */
export function modeOf(modes: Facts['modes'], { vendors, event, closed }: ModeScope) {
  const set = [...vendors.map((vendor) => modes.vendors.get(vendor)), event === undefined ? undefined : modes.events.get(event)].filter((mode): mode is Mode => mode !== undefined);
  const strictest = <T extends string>(order: readonly T[], said: readonly (T | undefined)[]): T => (
    order.find((value) => said.includes(value)) ?? order[0]!
  );
  return {
    mode: closed ? 'enforce' : strictest(MODES, set.map(({ mode }) => mode)),
    unknown: strictest(UNKNOWN, set.map(({ unknown }) => unknown)),
    unmatched: closed ? 'deny' : strictest(UNMATCHED, set.map(({ unmatched }) => unmatched)),
  };
}
