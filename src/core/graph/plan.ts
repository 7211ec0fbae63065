import type { Model } from './model.ts';
import { NONE } from './packed.ts';
import { findIn, hasSets, ofKind, tuplesFrom, tuplesTo, type Range, type Tuples } from './tuples.ts';

/** One subject, and what may matter of what it holds. */
export interface Asked {
  readonly tuples: Tuples;
  readonly model: Model;
  readonly subject: number;
  /** Pairs of a type and a relation; undefined: all may. */
  readonly relevant: ReadonlySet<number> | undefined;
}

/** Where a relation on an object leads: along tuples, and to relations of the same object. */
export interface Plan {
  readonly spans: readonly Span[];
  readonly same: readonly number[];
}

/** Tuples to follow. */
export interface Span extends Range {
  /** To which relation they lead; -1: to the one that each tuple's set names. */
  readonly relation: number;
  /** Not to objects on which the subject holds one of these directly. */
  readonly unless: readonly number[];
}

const NOTHING: readonly never[] = [];
const NO_RANGE: Range = { start: 0, end: 0 };
export const LEADS_NOWHERE: Plan = { spans: NOTHING, same: NOTHING };

/** From an object towards its subjects: whoever holds what this leads to holds the relation. Positions are by object. */
export function planGoal(asked: Asked, object: number, relation: number): Plan {
  const { tuples, model } = asked;
  const rule = model.rules.get(model.pairOf(tuples.typeOf[object]!, relation));
  const nested = hasSets(tuples, object);
  if (rule === undefined && !nested) return LEADS_NOWHERE;
  const { start, end } = nested ? tuplesTo(tuples, object, relation).sets : NO_RANGE;
  const spans: Span[] = start < end ? [{ start, end, relation: NONE, unless: NOTHING }] : [];
  for (const { relation: through, is, unless } of rule?.via ?? NOTHING) {
    const { start, end } = tuplesTo(tuples, object, through).plain;
    if (start < end && !holdsDirectly(asked, object, unless)) spans.push({ start, end, relation: is, unless: NOTHING });
  }
  const same = rule?.from ?? NOTHING;
  return spans.length === 0 && same.length === 0 ? LEADS_NOWHERE : { spans, same };
}

/** From what the subject holds to what follows from it. Positions are by subject. */
export function planFact(asked: Asked, object: number, relation: number): Plan {
  const { tuples, model, relevant } = asked;
  const own = model.pairOf(tuples.typeOf[object]!, relation);
  const spans = model.sets.has(own) ? spansOf(asked, tuplesFrom(tuples, object, relation + 1)) : [];
  const down = (model.down.get(relation) ?? NOTHING).filter(({ pair }) => relevant?.has(pair) !== false);
  const children = down.length === 0 ? NO_RANGE : tuplesFrom(tuples, object, 0);
  for (const { kind, gives, unless } of down) {
    const { start, end } = ofKind(tuples, children, kind);
    if (start < end) spans.push({ start, end, relation: gives, unless });
  }
  const same = model.follows.get(own)?.filter((one) => relevant?.has(model.pairOf(tuples.typeOf[object]!, one)) !== false) ?? NOTHING;
  return spans.length === 0 && same.length === 0 ? LEADS_NOWHERE : { spans, same };
}

/** What the subject holds by tuples of its own. */
export const planSubject = (asked: Asked): Plan => ({ spans: spansOf(asked, tuplesFrom(asked.tuples, asked.subject, 0)), same: NOTHING });

/** The tuples of a range that matter, each kind for itself. */
function spansOf({ tuples, model, relevant }: Asked, range: Range): Span[] {
  const { bySubject, kinds } = tuples;
  const spans: Span[] = [];
  for (let start = range.start; start < range.end;) {
    const kind = bySubject.kind[start]!;
    const { end } = ofKind(tuples, { start, end: range.end }, kind);
    const relation = kinds.relation[kind]!;
    if (relevant?.has(model.pairOf(kinds.type[kind]!, relation)) !== false) spans.push({ start, end, relation, unless: NOTHING });
    start = end;
  }
  return spans;
}

export const holdsDirectly = ({ tuples, subject }: Asked, object: number, relations: readonly number[]): boolean =>
  relations.some((relation) => findIn(tuples, tuplesTo(tuples, object, relation).plain, subject) !== NONE);
