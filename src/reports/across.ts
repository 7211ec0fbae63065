import { isBelow } from '../core/catalogue/selectors.ts';
import type { Collected, Holding } from './collect.ts';
import { exposureOf } from './exposure.ts';
import { amountOf, type AmountReport } from './tally.ts';
import { windowOf, type Window } from './window.ts';

/** Who holds what, over all vendors (R57), and who can tell where the product is going (R56). */
export interface Across {
  readonly report: 'vendors';
  readonly v: 1;
  readonly window: ReturnType<typeof windowOf>;
  readonly vendors: readonly {
    readonly vendor: string;
    readonly permitted: AmountReport;
    readonly categories: readonly string[];
    readonly joinKeys: readonly string[];
    /** Holds feature flags and when or how much they are used. */
    readonly infersRoadmap: boolean;
    /** Vendors that hold a join key of this one as it is: together they know more. */
    readonly canJoinWith: readonly string[];
  }[];
}

const FLAGS = ['system.operations.feature_flag', 'system.operations.experiment'];
// An event tells its hour by arriving: with a lasting identifier or a count its flags make a series.
const SERIES = ['user.behavior.usage', 'system.operations.timestamp', 'user.unique_id'];

export function acrossVendors(collected: Collected, window: Window): Across {
  const receiving = [...collected.holdings.values()].filter(({ permitted }) => permitted.decisions > 0);
  return {
    report: 'vendors', v: 1, window: windowOf(window),
    vendors: receiving.sort((a, b) => (a.vendor < b.vendor ? -1 : 1)).map((holding) => {
      const { joinKeys } = exposureOf(collected, { vendor: holding.vendor });
      return {
        vendor: holding.vendor, permitted: amountOf(holding.permitted), categories: categoriesOf(holding), joinKeys: [...new Set(joinKeys.map(({ category }) => category))],
        infersRoadmap: holds(holding, FLAGS) && holds(holding, SERIES), canJoinWith: [...new Set(joinKeys.flatMap(({ alsoHeldBy }) => alsoHeldBy))].sort(),
      };
    }),
  };
}

const categoriesOf = ({ held }: Holding) => [...new Set([...held.values()].map(({ category }) => category))].sort();
const holds = (holding: Holding, roots: readonly string[]) => categoriesOf(holding).some((category) => roots.some((root) => isBelow(category, root)));
