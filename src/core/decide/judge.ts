import type { Effect } from '../answer.ts';
import type { ObligationOp } from '../facts.ts';
import { plan, type Demand, type Plan } from './obligations.ts';
import type { AskedField, Finding, Shape, View } from '../prepare/prepared.ts';
import { hostCause, type Cause } from './reasons.ts';
import type { Rule, Rulings } from './rulings.ts';

/** Why no grant permits a profile in a view (J7): codes and the grants that came nearest. */
export type WhyNot = (view: number, profile: number) => readonly Cause[];

/** One view's rulings, by profile. */
export interface IndexedView {
  /** Its place among the views of the question. */
  readonly at: number;
  readonly view: View;
  readonly permits: readonly (readonly string[])[];
  readonly rules: readonly (readonly Rule[])[];
}

export interface JudgedField {
  readonly field: AskedField;
  readonly effect: Effect;
  readonly causes: readonly Cause[];
  readonly steps: Plan['steps'];
  /** The profile that leaves; undefined when nothing does. */
  readonly final: number | undefined;
  readonly rules: readonly string[];
  readonly approverRole?: string;
  /** Grants that won, one a view, where they permit. */
  readonly winners: readonly string[];
}

/** With `lift`, as shadow sees it: missing permits and reviews do not count (J13). */
export interface JudgeOptions {
  readonly shape: Shape;
  readonly whyNot: WhyNot;
  readonly lift: boolean;
}

export function indexView(at: number, view: View, rulings: Rulings): IndexedView {
  const { profiles } = view.input;
  const permits: string[][] = profiles.map(() => []);
  for (const [grant, indexes] of rulings.permits) for (const index of indexes) permits[index]!.push(grant);
  const rules: Rule[][] = profiles.map(() => []);
  for (const { rule, profiles: hit } of rulings.rules) {
    for (const index of hit === '*' ? profiles.keys() : hit) rules[index]!.push(rule);
  }
  return { at, view, permits, rules };
}

/** What answers call a grant. */
const nameOf = ({ terms }: View, grant: string): string => terms[grant]!.name ?? grant;

const FREEDOM = { permit: 0, transform: 1, review: 2 } as const;

/** The freest of the grants that permit; of equals the one whose name sorts first (J1). */
function winnerOf({ view, permits }: IndexedView, profile: number): string | undefined {
  const sortKey = (grant: string) => `${nameOf(view, grant)} ${grant}`;
  return permits[profile]!.toSorted((a, b) => (
    FREEDOM[view.terms[a]!.effect] - FREEDOM[view.terms[b]!.effect] || (sortKey(a) < sortKey(b) ? -1 : 1)
  ))[0];
}

/**
 * Judges one field in all its views at once: any view's denial denies, all views' obligations bind.
 * @param bound what must be done besides, whoever demands it.
 */
export function judgeField(
  field: AskedField,
  views: readonly IndexedView[],
  options: JudgeOptions,
  bound: readonly Demand[] = [],
): JudgedField {
  const { shape } = options;
  const raw = field.profile;
  const stripped = isStripped(field, shape);
  const winners = views.map((view) => winnerOf(view, raw));
  const granted = views.flatMap(({ view }, at) => (winners[at] === undefined ? [] : demandsOf(view, winners[at])));
  const strip: Demand[] = stripped ? [{ op: 'drop', source: 'unknown-field' }] : [];
  const { done, duties } = withDuties([...bound, ...granted, ...strip], views, raw, shape);

  const forbidden = forbids(views, field, done.final, stripped || isObserved(field, options));
  // Of a grant nothing is told where a name is unknown for which it might not hold: that name's own code suffices.
  const told = forbidden.length === 0 || views.every(isNamed);
  const denials = [
    ...forbidden,
    ...findingCauses(field.findings, stripped || isObserved(field, options)),
    ...(told ? unsupported(done, shape.supports) : []),
  ];
  const reviews = options.lift ? [] : reviewsOf(views, told ? winners : [], [raw, done.final]);
  const absent = stripped || options.lift ? [] : absences(views, winners, raw, options);
  const names = views.flatMap(({ view }, at) => (winners[at] === undefined ? [] : [nameOf(view, winners[at])]));
  return conclude(field, { denials, reviews, absent, done, duties, winners, names, unmatched: shape.unmatched });
}

const isNamed = ({ view: { input: { identity, vendor, event, environment, purpose } } }: IndexedView) => (
  identity.known && vendor.known && event.known && environment.known && purpose.known
);

/** Why views permit nothing. Silence is a denial: a view that gives no better reason gives `no_permit`. */
function absences(views: readonly IndexedView[], winners: readonly (string | undefined)[], raw: number, { shape, whyNot }: JudgeOptions): readonly Cause[] {
  return views.flatMap(({ at, view, rules }, index) => {
    if (winners[index] !== undefined) return [];
    if (shape.unmatched === 'review' && view.approval !== undefined && view.input.profiles[raw]!.known) return [];
    const causes = whyNot(at, raw);
    const explained = causes.length > 0 || rules[raw]!.some((rule) => rule.effect === 'forbid' && rule.judges === 'both');
    return explained ? causes : [hostCause('no_permit', 'default-deny')];
  });
}

const isStripped = (field: AskedField, { views, unknown }: Shape) => unknown === 'strip' && isNew(field, views);

const isObserved = (field: AskedField, { shape, lift }: JudgeOptions) => lift && shape.unknown === 'observe' && isNew(field, shape.views);

/** A path that a known event does not know, or a known one whose value changed its type. */
function isNew(field: AskedField, views: readonly View[]): boolean {
  const { event, profiles } = views[0]!.input;
  return event.known && (!profiles[field.profile]!.known || field.findings.some(({ code }) => code === 'unknown_field'));
}

const demandsOf = (view: View, grant: string): readonly Demand[] => (
  view.terms[grant]!.obligations.filter(({ op }) => op !== 'scope_destinations').map((obligation) => ({ ...obligation, source: nameOf(view, grant) }))
);

/** Adds the duties on the field as it is and as it would leave, until no new one comes: the set only grows. */
function withDuties(granted: readonly Demand[], views: readonly IndexedView[], raw: number, { results }: Shape) {
  let duties: readonly Rule[] = [];
  for (;;) {
    const demands = duties.flatMap((rule) => rule.obligations.map((o) => ({ ...o, source: rule.id })));
    const done = plan([...granted, ...demands], raw, results);
    const more = views.flatMap((view) => rulesOn(view, raw, done.final)).filter((rule) => rule.effect === 'require' && rule.obligations.length > 0 && !duties.includes(rule));
    if (more.length === 0) return { done, duties: duties.map(({ id }) => id) };
    duties = [...new Set([...duties, ...more])];
  }
}

/** Rules on the raw profile, unless they judge what leaves only, and all rules on the profile that leaves (J5). */
function rulesOn({ rules }: IndexedView, raw: number, final: number | undefined): readonly Rule[] {
  if (final === raw) return rules[raw]!;
  return [...rules[raw]!.filter(({ judges }) => judges === 'both'), ...(final === undefined ? [] : rules[final]!)];
}

function forbids(views: readonly IndexedView[], { path, profile: raw }: AskedField, final: number | undefined, isNewAllowed: boolean): readonly Cause[] {
  return views.flatMap((indexed) => {
    const hit = rulesOn(indexed, raw, final).filter((rule) => (
      rule.effect === 'forbid' && !(isNewAllowed && rule.code === 'unknown_field')
    ));
    const causes = (path === '$event' ? hit : narrow(hit)).map((rule) => toCause(rule, indexed.view));
    const lifted = indexed.view.approval === undefined ? [] : causes.map(({ rule }) => hostCause('mandatory_forbid', rule));
    return [...causes, ...lifted];
  });
}

// An unknown event denies with `unknown_event` alone (J33); its name, where a pattern knows it, has all its reasons.
function narrow(rules: readonly Rule[]): readonly Rule[] {
  const unknown = rules.filter(({ code }) => code === 'unknown_event');
  return unknown.length > 0 ? unknown : rules;
}

function toCause(rule: Rule, view: View): Cause {
  const chain = view.chains[rule.code] ?? (view.destination === undefined ? undefined : view.path);
  return { code: rule.code, rule: rule.id, message: rule.message, fix: rule.fix, ...(chain !== undefined && { path: chain }) };
}

function findingCauses(findings: readonly Finding[], isNewAllowed: boolean): readonly Cause[] {
  return findings
    .filter(({ code }) => !(isNewAllowed && code === 'unknown_field'))
    .map(({ code, detector }) => hostCause(code, findingRule(code, detector), detector === undefined ? {} : { detector }));
}

// All but the age of the facts was found in the payload.
const findingRule = (code: string, detector: string | undefined) => (
  code === 'stale_facts' ? 'stale-facts' : detector === undefined ? `payload-${code}` : `payload-secret-${detector}`
);

function unsupported(done: Plan, supports: readonly ObligationOp[]): readonly Cause[] {
  const undoable = done.steps.filter(({ op }) => !supports.includes(op));
  return [...undoable, ...done.conflict].map(({ source }) => hostCause('obligation_unsupported', source));
}

interface Review {
  readonly cause: Cause;
  readonly approverRole?: string;
}

function reviewsOf(views: readonly IndexedView[], winners: readonly (string | undefined)[], [raw, final]: readonly [number, number | undefined]): readonly Review[] {
  return views.flatMap((indexed, at) => {
    if (indexed.view.approval !== undefined) return [];
    const winner = winners[at];
    const terms = winner === undefined ? undefined : indexed.view.terms[winner];
    const granted: Review[] = winner !== undefined && terms?.effect === 'review'
      ? [{ cause: hostCause('approval_required', nameOf(indexed.view, winner)), ...(terms.approverRole !== undefined && { approverRole: terms.approverRole }) }]
      : [];
    const required = rulesOn(indexed, raw, final)
      .filter((rule) => rule.effect === 'require' && rule.review !== undefined)
      .map((rule) => ({ cause: toCause(rule, indexed.view), approverRole: rule.review! }));
    return [...granted, ...required];
  });
}

interface Judgement {
  readonly denials: readonly Cause[];
  readonly reviews: readonly Review[];
  readonly absent: readonly Cause[];
  readonly done: Plan;
  readonly duties: readonly string[];
  readonly winners: readonly (string | undefined)[];
  /** Of the winners, as answers call them. */
  readonly names: readonly string[];
  readonly unmatched: 'deny' | 'review';
}

/** A forbid outranks everything, silence is a denial, a review comes before what it would permit. */
function conclude(field: AskedField, { denials, reviews, absent, done, duties, winners, names, unmatched }: Judgement): JudgedField {
  const causes = [...denials, ...absent, ...reviews.map(({ cause }) => cause)];
  const denied = denials.length > 0 || (absent.length > 0 && unmatched === 'deny');
  const held = absent.length > 0 || reviews.length > 0;
  const effect = denied ? 'deny' : held ? 'review' : done.steps.length > 0 ? 'transform' : 'allow';
  const leaves = effect === 'allow' || effect === 'transform';
  const approverRole = reviews.find((review) => review.approverRole !== undefined)?.approverRole;
  const rules = leaves ? [...names, ...duties, ...done.steps.map(({ source }) => source)] : causes.map(({ rule }) => rule);
  return {
    field,
    effect,
    causes: leaves ? [] : causes,
    steps: leaves ? done.steps : [],
    final: leaves ? done.final : undefined,
    rules: [...new Set(rules)].sort(),
    winners: winners.filter((winner) => winner !== undefined),
    ...(effect === 'review' && approverRole !== undefined && { approverRole }),
  };
}
