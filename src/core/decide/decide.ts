import { createHash } from 'node:crypto';
import { EFFECTS, type ApprovalRequest, type Decision, type Effect, type FieldObligation, type FieldVerdict } from '../answer.ts';
import { hits } from './combinations.ts';
import { smallestFix } from './fix.ts';
import { indexView, judgeField, type IndexedView, type JudgedField, type JudgeOptions, type WhyNot } from './judge.ts';
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
  const judge = (among: readonly IndexedView[]) => judgeAll(prepared, among, options);
  const { kept, excluded } = scope(views, judge, shape.supports);
  const alone = refuseEmpty(judge(kept));
  const judged = lift || !views.some(({ view }) => view.input.vendor.party === 'third') ? alone : combine(alone, prepared, kept);
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
    fix: allowed ? null : fixOf(alone, prepared),
    approval: decision === 'review' ? approvalOf(judged, prepared) : null,
  };
}

/** Fields of one profile are judged alike: once, unless something was found about one of them. */
function judgeAll({ fields, findings }: Prepared, views: readonly IndexedView[], options: JudgeOptions): readonly JudgedField[] {
  const alike = new Map<number, JudgedField>();
  return fields.map((field) => {
    const own = field.findings.length > 0 || field.path === '$event';
    const known = own ? undefined : alike.get(field.profile);
    if (known !== undefined) return { ...known, field };
    const judged = judgeField(findings.length === 0 ? field : { ...field, findings: [...field.findings, ...findings] }, views, options);
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
function refuseEmpty(judged: readonly JudgedField[]): readonly JudgedField[] {
  const empties = judged.every(({ effect, final }) => effect === 'transform' && final === undefined);
  if (!empties) return judged;
  return judged.map((field) => {
    const causes = field.steps.map(({ source }) => hostCause(source === 'unknown-field' ? 'unknown_field' : 'no_permit', source));
    return { ...field, effect: 'deny', causes, steps: [], rules: causes.map(({ rule }) => rule) };
  });
}

const leavingOf = (judged: readonly JudgedField[]) => judged
  .flatMap(({ field, final }) => (final === undefined ? [] : [{ path: field.path, profile: final }]));

/** Judged once, on what would really leave; every member of a hit gets its effect, so that the rest may leave together (J9). */
function combine(judged: readonly JudgedField[], { shape }: Prepared, views: readonly IndexedView[]): readonly JudgedField[] {
  const approved = views.every(({ view }) => view.approval !== undefined);
  const hit = hits(shape.combinations, leavingOf(judged)).filter(({ combination }) => combination.effect === 'deny' || !approved);
  if (hit.length === 0) return judged;
  return judged.map((field) => {
    const own = hit.filter(({ fields }) => fields.some(({ path }) => path === field.field.path)).map(({ combination }) => combination);
    if (own.length === 0) return field;
    const { message: _, ...first } = own.find(({ approverRole }) => approverRole !== undefined) ?? own[0]!;
    return {
      ...field,
      effect: own.some(({ effect }) => effect === 'deny') ? 'deny' : 'review',
      causes: own.map(({ id, message, fix }) => ({ code: 'combination', rule: id, message, fix })),
      steps: [],
      final: undefined,
      rules: own.map(({ id }) => id).sort(),
      ...(first.approverRole !== undefined && { approverRole: first.approverRole }),
    };
  });
}

function fixOf(alone: readonly JudgedField[], { shape }: Prepared): Decision['fix'] {
  const { profiles } = shape.views[0]!.input;
  const refused = alone.filter(({ effect }) => effect === 'deny' || effect === 'review').map(({ field }) => field.path);
  const leaving = leavingOf(alone).map((field) => ({ ...field, sensitivity: profiles[field.profile]!.sensitivity }));
  const third = shape.views.some(({ input }) => input.vendor.party === 'third');
  return smallestFix(refused, leaving, third ? shape.combinations : []);
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

const worst = (effects: readonly Effect[]): Effect => EFFECTS[Math.max(...effects.map((effect) => EFFECTS.indexOf(effect)))] ?? 'deny';

// A null prototype: a path may be called __proto__ or constructor.
function verdicts(judged: readonly Pick<JudgedField, 'field' | 'effect' | 'rules'>[]): Record<string, FieldVerdict> {
  const fields = Object.create(null) as Record<string, FieldVerdict>;
  for (const { field: { path, category }, effect, rules } of judged) fields[path] = category === undefined ? { effect, rules } : { effect, category, rules };
  return fields;
}
