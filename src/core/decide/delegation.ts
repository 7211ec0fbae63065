import { EFFECTS, type Effect } from '../answer.ts';
import type { AskedField } from '../prepare/prepared.ts';
import { judgeField, type IndexedView, type JudgedField, type JudgeOptions } from './judge.ts';

/** The views of one verdict: of the identity, or of the one it acts for, each over the vendor and its destinations. */
export type Side = readonly IndexedView[];

/** One side, or two with `onBehalfOf`: who acts for another is asked whether it may (J20). */
export function sidesOf(views: readonly IndexedView[]): readonly Side[] {
  const acting = views.filter(({ view }) => view.input.delegation !== undefined);
  const others = views.filter(({ view }) => view.input.delegation === undefined);
  return [acting, others].filter((side) => side.length > 0);
}

/** A field as all sides together let it leave, with what each of them alone would. */
export interface DelegatedField extends JudgedField {
  /** One a side: the profile that would leave by its verdict alone. */
  readonly finals: readonly (number | undefined)[];
}

/**
 * Each side judges the field alone, with its own obligations; the worse wins. If all let it leave, the obligations of
 * all are planned together, and what leaves after them is judged again by the rules of all: no grant is asked again.
 *
 * @param kept the views that count for what leaves together; of one side alone these are its own.
 */
export function judgeDelegated(
  field: AskedField,
  sides: readonly Side[],
  kept: readonly IndexedView[],
  options: JudgeOptions,
): DelegatedField {
  const alone = sides.map((side) => judgeField(field, side, options));
  const finals = alone.map(({ final }) => final);
  const [only, ...others] = alone;
  if (others.length === 0 && only !== undefined) return { ...only, finals };
  if (!alone.every(leaves)) return { ...worse(field, alone), finals };
  return {
    ...judgeField(
      field,
      kept,
      options,
      alone.flatMap(({ steps }) => steps),
    ),
    finals,
  };
}

export const leaves = ({ effect }: Pick<JudgedField, 'effect'>): boolean =>
  effect === 'allow' || effect === 'transform';

/** Denials don't hide each other (J8): the reasons of all sides are told. */
function worse(field: AskedField, alone: readonly JudgedField[]): JudgedField {
  const effect = worst(alone.map((one) => one.effect));
  const approverRole = alone.find((one) => one.approverRole !== undefined)?.approverRole;
  const causes = alone.flatMap((one) => one.causes);
  return {
    field,
    effect,
    causes,
    steps: [],
    final: undefined,
    rules: [...new Set(causes.map(({ rule }) => rule))].sort(),
    winners: alone.flatMap(({ winners }) => winners),
    ...(effect === 'review' && approverRole !== undefined && { approverRole }),
  };
}

export const worst = (effects: readonly Effect[]): Effect =>
  EFFECTS[Math.max(...effects.map((effect) => EFFECTS.indexOf(effect)))] ?? 'deny';
