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

/**
 * What is set for vendors and event; the stricter wins, and where none says anything the strictest (J12, J13). Each
 * vendor is asked as if it were the only one: a CDP in shadow does not put its destinations there (J16).
 */
export function modeOf(modes: Facts['modes'], { vendors, event, closed }: ModeScope) {
  const ofEvent = event === undefined ? undefined : modes.events.get(event);
  const strictest = <T extends string>(order: readonly T[], read: (mode: Mode) => T | undefined): T => {
    const ofVendors = vendors.map((vendor) => firstOf(order, [modes.vendors.get(vendor), ofEvent].map((mode) => mode && read(mode))));
    return firstOf(order, ofVendors);
  };
  return {
    mode: closed ? 'enforce' : strictest(MODES, ({ mode }) => mode),
    unknown: strictest(UNKNOWN, ({ unknown }) => unknown),
    unmatched: closed ? 'deny' : strictest(UNMATCHED, ({ unmatched }) => unmatched),
  };
}

const firstOf = <T>(order: readonly T[], said: readonly (T | undefined)[]): T => order.find((value) => said.includes(value)) ?? order[0]!;
