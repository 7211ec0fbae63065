import type { ReasonCode } from '../answer.ts';
import type { WhyNot } from './judge.ts';
import { hostCause } from './reasons.ts';

/** Why nothing permits a profile in a view, as it was told: code and rule of each cause. */
export type Told = readonly (readonly [view: number, profile: number, causes: readonly (readonly [ReasonCode, string])[]])[];

/** Passes on what is asked, and remembers what was told: the one thing that `decide` has besides rulings and the prepared question. */
export function listenTo(whyNot: WhyNot): { readonly whyNot: WhyNot; told(): Told } {
  const answers = new Map<string, { readonly at: readonly [number, number]; readonly causes: ReturnType<WhyNot> }>();
  return {
    whyNot(view, profile) {
      const key = `${view} ${profile}`;
      const known = answers.get(key) ?? { at: [view, profile] as const, causes: whyNot(view, profile) };
      answers.set(key, known);
      return known.causes;
    },
    told: () => [...answers.values()]
      .filter(({ causes }) => causes.length > 0)
      .map(({ at: [view, profile], causes }) => [view, profile, causes.map(({ code, rule }) => [code, rule] as const)] as const)
      .sort(([a, b], [c, d]) => a - c || b - d),
  };
}

/** Tells again what was told. */
export function retell(told: Told): WhyNot {
  const answers = new Map(told.map(([view, profile, causes]) => [`${view} ${profile}`, causes.map(([code, rule]) => hostCause(code, rule))]));
  return (view, profile) => answers.get(`${view} ${profile}`) ?? [];
}
