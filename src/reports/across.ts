import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { basisText, gapsOf, withoutInputText, type Basis } from './basis.ts';
import type { Collected } from './collect.ts';
import type { Holding } from './held/holding.ts';
import { coverageOf, type Coverage } from './coverage.ts';
import { combinationsOf, isAnyOf, joinKeysOf } from './held/inference.ts';
import { amountOf, type AmountReport } from './tally.ts';
import { windowOf, type Window } from './window.ts';

/** Who holds what, over all vendors (R57), and who can tell where the product is going (R56). */
export interface Across {
  readonly report: 'vendors';
  readonly v: 1;
  readonly window: ReturnType<typeof windowOf>;
  readonly basis: Basis;
  readonly coverage: Coverage;
  readonly vendors: readonly {
    readonly vendor: string;
    readonly permitted: AmountReport;
    readonly categories: readonly string[];
    readonly party: 'first' | 'third' | 'unknown';
    readonly joinKeys: readonly string[];
    /** Titles of combinations that its categories make up, in one message or over several. */
    readonly combinations: readonly string[];
    /** Holds feature flags and when or how much they are used. */
    readonly infersRoadmap: boolean;
    /** Vendors that hold a join key of this one as it is: together they know more. */
    readonly canJoinWith: readonly string[];
    /** Answers to /permitted: nothing leaves by them. */
    readonly onlyAsked: number;
  }[];
  /** Third parties that hold the same lasting value as it is: by it what they have can be put together. */
  readonly joins: readonly { readonly category: string; readonly vendors: readonly string[] }[];
  readonly notes: readonly string[];
}

const FLAGS = ['system.operations.feature_flag', 'system.operations.experiment'];
// An event tells its hour by arriving: with a lasting identifier or a count its flags make a series.
const SERIES = ['user.behavior.usage', 'system.operations.timestamp', 'user.unique_id'];

export function acrossVendors(collected: Collected, { catalogue, basis, ...window }: Window & { readonly catalogue: Catalogue; readonly basis: Basis }): Across {
  const receiving = [...collected.holdings.values()].filter(({ permitted }) => permitted.decisions > 0).sort((a, b) => (a.vendor < b.vendor ? -1 : 1));
  const partyOf = (vendor: string): 'first' | 'third' | 'unknown' => catalogue.facts.vendors.get(vendor)?.party ?? 'unknown';
  const joins = new Map<string, string[]>();
  const vendors = receiving.map((holding) => {
    const keys = joinKeysOf(holding, collected);
    for (const { category, form } of keys) if (form === 'raw' && partyOf(holding.vendor) !== 'first') joins.set(category, [...joins.get(category) ?? [], holding.vendor]);
    return {
      vendor: holding.vendor, party: partyOf(holding.vendor), permitted: amountOf(holding.permitted), categories: categoriesOf(holding), joinKeys: [...new Set(keys.map(({ category }) => category))],
      combinations: combinationsOf(holding, catalogue).map(({ title }) => title),
      infersRoadmap: holds(holding, FLAGS) && holds(holding, SERIES), canJoinWith: [...new Set(keys.flatMap(({ alsoHeldBy }) => alsoHeldBy))].sort(), onlyAsked: holding.onlyAsked.decisions,
    };
  });
  return {
    report: 'vendors', v: 1, window: windowOf(window), basis, coverage: coverageOf(catalogue), vendors,
    joins: [...joins].filter(([, holders]) => holders.length > 1).sort(([a], [b]) => (a < b ? -1 : 1)).map(([category, holders]) => ({ category, vendors: holders })),
    notes: [...gapsOf(basis, window), ...basisText(basis), ...(collected.withoutInput === 0 ? [] : [withoutInputText(collected.withoutInput)])],
  };
}

const categoriesOf = ({ held }: Holding) => [...new Set([...held.values()].map(({ category }) => category))].sort();
const holds = (holding: Holding, roots: readonly string[]) => categoriesOf(holding).some((category) => isAnyOf(category, roots));
