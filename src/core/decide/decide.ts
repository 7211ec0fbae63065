import { createHash } from 'node:crypto';
import type { ApprovalRequest, Decision, FieldObligation, FieldVerdict } from '../answer.ts';
import { hits, type Leaving } from './combinations.ts';
import { judgeDelegated, leaves, sidesOf, worst, type DelegatedField, type Side } from './delegation.ts';
import { smallestFix } from './fix.ts';
import { indexView, type IndexedView, type JudgedField, type JudgeOptions, type WhyNot } from './judge.ts';
import type { Prepared } from '../prepare/prepared.ts';
import { gather, hostCause, type Cause } from './reasons.ts';
import type { Rulings } from './rulings.ts';

/**
 * Folds the rulings of each view into one decision. Pure and total; it can only take away: what no grant permits is
 * denied, and what any rule forbids is denied. The laws are J1–J21 of semantics.md.
 *
 * @param rulings one a view, in the order of the views; undefined if an evaluation failed, which denies every field.
 */
export function decide(prepared: Prepared, rulings: readonly Rulings[] | undefined, whyNot: WhyNot): Decision {
  if (rulings === undefined) return denyAll(prepared, hostCause('evaluation_failed', 'evaluation'));
  const views = prepared.shape.views.map((view, at) => indexView(at, view, rulings[at]!));
  const real = fold(prepared, views, whyNot, false);
  if (prepared.shape.mode === 'enforce') return { ...real, mode: 'enforce' };
  const lifted = fold(prepared, views, whyNot, true);
  return { ...lifted, mode: 'shadow', wouldBe: { decision: real.decision, reasons: real.reasons } };
}

/** Every field denied, for one reason of the host's own. */
export function denyAll({ fields, shape }: Prepared, cause: Cause): Decision {
  const reasons = gather(fields.map((field) => ({ field, causes: [cause] })));
  return {
    decision: 'deny',
    fields: verdicts(fields.map((field) => ({ field, effect: 'deny', rules: [cause.rule] }))),
    obligations: [],
    reasons,
    fix: null,
    approval: null,
    mode: 'enforce',
    ...(shape.mode === 'shadow' && { mode: 'enforce' }),
  };
}

function fold(prepared: Prepared, views: readonly IndexedView[], whyNot: WhyNot, lift: boolean): Omit<Decision, 'mode'> {
  const { shape } = prepared;
  const options = { shape, whyNot, lift };
  const scoped = sidesOf(views).map((side) =>
    scope(side, (among) => judgeAll(prepared, [among], among, options), shape.supports),
  );
  const sides = scoped.map(({ kept }) => kept);
  const excluded = [...new Set(scoped.flatMap((side) => side.excluded))].sort();
  const kept = sides.flat().filter(({ view }) => !excluded.includes(view.destination ?? ''));
  const alone = refuseEmpty(judgeAll(prepared, sides, kept, options));
  const sent = views.some(({ view }) => view.input.vendor.party === 'third') ? sentBy(alone, sides, kept) : [];
  const judged = lift ? alone : combine(alone, prepared, sent);
  const decision = worst(judged.map(({ effect }) => effect));
  const allowed = decision === 'allow' || decision === 'transform';
  const obligations = [
    ...judged.flatMap((field) => obligationsOf(field, prepared)),
    ...(excluded.length > 0 ? [{ field: '*', op: 'scope_destinations' as const, params: { exclude: excluded } }] : []),
  ];
  return {
    decision: decision === 'allow' && obligations.length > 0 ? 'transform' : decision,
    fields: verdicts(judged),
    obligations,
    reasons: gather(judged),
    fix: allowed ? null : fixOf(alone, prepared, sent),
    approval: decision === 'review' ? approvalOf(judged, prepared) : null,
  };
}

/** Fields of one profile are judged alike: once, unless something was found about one of them. */
function judgeAll(
  { fields, findings }: Prepared,
  sides: readonly Side[],
  kept: Side,
  options: JudgeOptions,
): readonly DelegatedField[] {
  const alike = new Map<number, DelegatedField>();
  return fields.map((field) => {
    const own = field.findings.length > 0 || field.path === '$event';
    const known = own ? undefined : alike.get(field.profile);
    if (known !== undefined) return { ...known, field };
    const judged = judgeDelegated(
      findings.length === 0 ? field : { ...field, findings: [...field.findings, ...findings] },
      sides,
      kept,
      options,
    );
    if (!own) alike.set(field.profile, judged);
    return judged;
  });
}

/** Takes refused destinations of a CDP out, where every grant that sends there knows how to (J16). */
function scope(views: readonly IndexedView[], judge: (among: readonly IndexedView[]) => readonly JudgedField[], supports: readonly string[]) {
  const destinations = [...new Set(views.flatMap(({ view }) => (view.destination === undefined ? [] : [view.destination])))];
  if (destinations.length === 0 || !supports.includes('scope_destinations')) return { kept: views, excluded: [] };
  const own = views.filter(({ view }) => view.destination === undefined);
  const scopable = judge(own).map((field) => field.winners.length > 0 && field.winners.every((grant) => own.some(({ view }) => (
    view.terms[grant]?.obligations.some(({ op }) => op === 'scope_destinations')
  ))));
  const refused = destinations.filter((destination) => {
    const no = judge(views.filter(({ view }) => view.destination === destination)).map(({ effect }) => effect === 'deny' || effect === 'review');
    return no.includes(true) && no.every((refuses, at) => !refuses || scopable[at]);
  });
  const excluded = unfed(refused, views).sort();
  return { kept: views.filter(({ view }) => view.destination === undefined || !excluded.includes(view.destination)), excluded };
}

/** Without those to which a destination that stays hands on: the platform can't keep anything from them. */
function unfed(excluded: readonly string[], views: readonly IndexedView[]): string[] {
  const isFed = ({ view: { destination, from = [], path } }: IndexedView) => (
    excluded.includes(destination ?? '') && from.some((vendor) => vendor !== path[0] && !excluded.includes(vendor))
  );
  const fed = new Set(views.filter(isFed).map(({ view }) => view.destination));
  return fed.size === 0 ? [...excluded] : unfed(excluded.filter((destination) => !fed.has(destination)), views);
}

/** If nothing would leave because all was stripped, that is a denial, not an empty message (J12). */
function refuseEmpty(judged: readonly DelegatedField[]): readonly DelegatedField[] {
  const empties = judged.every(({ effect, final }) => effect === 'transform' && final === undefined);
  if (!empties) return judged;
  return judged.map((field) => {
    const causes = field.steps.map(({ source }) => hostCause(source === 'unknown-field' ? 'unknown_field' : 'no_permit', source));
    return { ...field, effect: 'deny', causes, steps: [], rules: causes.map(({ rule }) => rule) };
  });
}

/** Fields that leave in one message, and whether an approval lifts reviews of them together. */
interface Sent {
  readonly leaving: readonly Leaving[];
  readonly approved: boolean;
}

/** What would really leave; and for whom acts for another, what would leave of it by each verdict alone (J20). */
function sentBy(judged: readonly DelegatedField[], sides: readonly Side[], kept: Side): readonly Sent[] {
  const leavingAs = (finalOf: (field: DelegatedField) => number | undefined) =>
    judged.flatMap((field): readonly Leaving[] => {
      const profile = finalOf(field);
      return profile === undefined ? [] : [{ path: field.field.path, profile }];
    });
  const approved = (among: Side) => among.every(({ view }) => view.approval !== undefined);
  const together = { leaving: leavingAs(({ final }) => final), approved: approved(kept) };
  return sides.length === 1
    ? [together]
    : [
        together,
        ...sides.map((side, at) => ({ leaving: leavingAs(({ finals }) => finals[at]), approved: approved(side) })),
      ];
}

/** Judged once, on what would really leave; every member of a hit gets its effect, so that the rest may leave together (J9). */
function combine(judged: readonly JudgedField[], { shape }: Prepared, sent: readonly Sent[]): readonly JudgedField[] {
  const hit = sent.flatMap(({ leaving, approved }) =>
    hits(shape.combinations, leaving).filter(({ combination }) => combination.effect === 'deny' || !approved),
  );
  if (hit.length === 0) return judged;
  return judged.map((field) => {
    const own = [
      ...new Set(
        hit
          .filter(({ fields }) => fields.some(({ path }) => path === field.field.path))
          .map(({ combination }) => combination),
      ),
    ];
    if (own.length === 0) return field;
    const approverRole =
      field.approverRole ?? own.find((combination) => combination.approverRole !== undefined)?.approverRole;
    const causes = [
      ...field.causes,
      ...own.map(({ id, message, fix }) => ({ code: 'combination' as const, rule: id, message, fix })),
    ];
    return {
      ...field,
      effect: worst([...(leaves(field) ? [] : [field.effect]), ...own.map(({ effect }) => effect)]),
      causes,
      steps: [],
      final: undefined,
      rules: [...new Set(causes.map(({ rule }) => rule))].sort(),
      ...(approverRole !== undefined && { approverRole }),
    };
  });
}

/** What is refused by itself is dropped first; the rest hits no combination in what any verdict would send. */
function fixOf(alone: readonly JudgedField[], { shape }: Prepared, sent: readonly Sent[]): Decision['fix'] {
  const { profiles } = shape.views[0]!.input;
  const refused = alone.filter((field) => !leaves(field)).map(({ field }) => field.path);
  const sensitivities = new Map(
    alone.map(({ field, final }) => [field.path, profiles[final ?? field.profile]!.sensitivity]),
  );
  const leaving = alone.flatMap(({ field, final }) => (final === undefined ? [] : [field.path]));
  const rest = sent.map((one) => one.leaving.filter(({ path }) => !refused.includes(path)));
  return smallestFix({ refused, leaving, sensitivities }, rest, shape.combinations);
}

function obligationsOf({ field, steps }: JudgedField, { shape }: Prepared): readonly FieldObligation[] {
  const { profiles } = shape.views[0]!.input;
  return steps.map(({ op, params, result }) => ({
    field: field.path,
    op,
    ...(params !== undefined && { params }),
    ...(result !== undefined && { resultCategory: profiles[result]!.category }),
  }));
}

/** What a review asks for, and of whom: the id is a digest of the whole scope, so that it can't be reused for another. */
function approvalOf(judged: readonly JudgedField[], { scope: asked, fields }: Prepared): ApprovalRequest {
  const scope = { ...asked, fields: fields.map(({ path }) => path).sort() };
  const id = `apr_${createHash('sha256').update(JSON.stringify(scope)).digest('hex').slice(0, 32)}`;
  return { id, scope, approverRole: judged.find(({ approverRole }) => approverRole !== undefined)?.approverRole ?? null };
}

// A null prototype: a path may be called __proto__ or constructor.
function verdicts(judged: readonly Pick<JudgedField, 'field' | 'effect' | 'rules'>[]): Record<string, FieldVerdict> {
  const fields = Object.create(null) as Record<string, FieldVerdict>;
  for (const { field: { path, category }, effect, rules } of judged) fields[path] = category === undefined ? { effect, rules } : { effect, category, rules };
  return fields;
}
