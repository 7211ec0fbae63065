import type { Decision, Effect } from '../core/answer.ts';
import type { Shape } from '../core/prepare/prepared.ts';
import { canLeave, destinationsOf, FORMS, leftAfterFix, leftBy, UNCLASSIFIED, type Form, type Left, type Outcome } from './leaving.ts';
import type { AskedRecord } from './recorded.ts';

export interface DecidedOutcome extends Outcome {
  readonly reasons: AskedRecord['reasons'];
  readonly fix: Decision['fix'];
  readonly fields: readonly { readonly paths: readonly [string]; readonly effect: Effect; readonly category?: string; readonly rules: readonly string[] }[];
}

/** A decision in the form of a record. */
export const outcomeOf = ({ decision, obligations, reasons, fix, fields }: Decision): DecidedOutcome => ({
  decision, obligations, reasons, fix, fields: Object.entries(fields).map(([path, verdict]) => ({ paths: [path], ...verdict })),
});

/** What was said of a question, then or by another policy. */
export interface Told<Of extends Outcome = Outcome> {
  /** Who was asked about. */
  readonly vendor: string;
  readonly outcome: Of;
  readonly shape: Pick<Shape, 'views'> | undefined;
}

/** A field that another policy judges otherwise, or lets somebody have who did not. */
export interface Moved {
  /** Who is asked about, or to whom that one hands on. */
  readonly vendor: string;
  readonly path: string;
  readonly category: string;
  readonly from: Effect;
  readonly to: Effect;
  /** As what it left and would leave; null: not at all, since of a refused question nothing leaves. */
  readonly leftAs: Form | null;
  readonly wouldLeaveAs: Form | null;
  /** Where both forms are the same, and something else is done to it. */
  readonly done?: { readonly then: string; readonly now: string };
  /** What decides now: rules and grants. */
  readonly rule: string;
}

/** Whether both say the same of every field, and hand on to nobody: then nothing has moved, and most of the time that is so. */
export function isUnmoved(before: Told<AskedRecord>, after: Told<DecidedOutcome>): boolean {
  return before.outcome.decision === after.outcome.decision && !mayHandOn(before) && !mayHandOn(after) && saidBy(before.outcome) === saidBy(after.outcome);
}

const mayHandOn = ({ shape }: Told) => shape === undefined || shape.views.some(({ destination }) => destination !== undefined);

const saidBy = ({ fields, obligations, fix }: AskedRecord | DecidedOutcome) => JSON.stringify([
  fields.flatMap(({ paths, effect, category = '' }) => paths.map((path) => JSON.stringify([path, effect, category]))).sort(),
  obligations.map(({ field, op, params, resultCategory }) => JSON.stringify([field, op, params, resultCategory])).sort(),
  fix?.drop.toSorted(),
]);

const leavingIn = ({ outcome }: Told) => new Map(leftBy(outcome).map((one) => [one.path, one]));

export function movedBy(before: Told<AskedRecord>, after: Told<DecidedOutcome>): readonly Moved[] {
  const then = new Map(before.outcome.fields.flatMap(({ paths, effect, category }) => paths.map((path) => [path, { effect, category }] as const)));
  const [left, leaving] = [leavingIn(before), leavingIn(after)];
  const bothLeave = canLeave(before.outcome) && canLeave(after.outcome);
  const [lost, won] = [handedOn(before, left, after, leaving), handedOn(after, leaving, before, left)];
  return after.outcome.fields.flatMap(({ paths: [path], effect, category, rules }): readonly Moved[] => {
    const [was, is] = [left.get(path), leaving.get(path)];
    // Not in the record by this name: nobody knew it then; or the event's own name, which nothing held back.
    const known = then.get(path) ?? { effect: path === '$event' ? 'allow' : 'deny', category } as const;
    const [leftAs, wouldLeaveAs] = [was?.form ?? null, is?.form ?? null];
    const one = { path, category: category ?? known.category ?? UNCLASSIFIED, rule: rules.join(' ') };
    const isOwnName = path === '$event' && !then.has(path);
    const direct = known.effect === effect && (!bothLeave || isOwnName || isSame(was, is)) ? [] : [{
      vendor: before.vendor, ...one, from: known.effect, to: effect, leftAs, wouldLeaveAs,
      ...(was !== undefined && is !== undefined && leftAs === wouldLeaveAs && was.done !== is.done && { done: { then: was.done, now: is.done } }),
    }];
    return [
      ...direct,
      ...(was === undefined ? [] : lost.map((vendor): Moved => ({ vendor, ...one, from: known.effect, to: 'deny', leftAs, wouldLeaveAs: null }))),
      ...(is === undefined ? [] : won.map((vendor): Moved => ({ vendor, ...one, from: 'deny', to: effect, leftAs: null, wouldLeaveAs }))),
    ];
  });
}

const isSame = (a: Left | undefined, b: Left | undefined) => a?.form === b?.form && a?.category === b?.category && a?.done === b?.done;

/** Those that got something then, and get nothing after. */
function handedOn(then: Told, left: ReadonlyMap<string, Left>, after: Told, leaving: ReadonlyMap<string, Left>): readonly string[] {
  if (left.size === 0) return [];
  const still = leaving.size === 0 ? [] : destinationsOf(after.shape, after.outcome);
  return destinationsOf(then.shape, then.outcome).filter((vendor) => !still.includes(vendor));
}

type Fixable = Told<AskedRecord> | Told<DecidedOutcome>;

const leavingAfterFix = ({ outcome }: Fixable) => new Map(leftAfterFix(outcome).map((one) => [one.path, one]));

/**
 * Whether something leaves after that did not before: a field, one that tells or may tell more, as something else, or to
 * somebody else; of a refused question what its fix leaves.
 */
export function isFreer(before: Fixable, after: Fixable): boolean {
  const [left, leaving] = [leavingAfterFix(before), leavingAfterFix(after)];
  if (handedOn(after, leaving, before, left).length > 0) return true;
  return [...leaving.values()].some(({ path, category, form, done }) => {
    const was = left.get(path);
    if (was === undefined) return path !== '$event' || left.size === 0;
    // Of two lengths of a piece nobody here knows which tells more.
    return was.form === form ? was.category !== category || was.done !== done : FORMS.indexOf(form) < FORMS.indexOf(was.form);
  });
}
