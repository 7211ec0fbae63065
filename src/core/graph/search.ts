import type { Model, Relevant } from './model.ts';
import { findIn, ofKind, tuplesFrom, tuplesTo, type Range, type Tuples } from './tuples.ts';
import { NONE } from './packed.ts';

/** `overrun`: the search was cut off, so nothing is known. Whoever gets it denies. */
export type Held = 'yes' | 'no' | 'overrun';

/** `edges`: tuples and rules that one call may follow; `depth`: steps between subject and object. */
export interface GraphLimits {
  readonly edges: number;
  readonly depth: number;
}

/** One call: everything about one subject. */
export interface Task {
  readonly tuples: Tuples;
  readonly model: Model;
  readonly limits: GraphLimits;
  readonly subject: number;
  readonly relevant: Relevant | undefined;
  /** What the subject was found to hold, kept from one search to the next. */
  readonly facts: Side;
  /** Pairs that the subject is known not to hold. */
  readonly refuted: Set<number>;
  edges: number;
}

/** A relation on an object. As a goal: if the subject holds it, it holds what `from` stands for. As a fact: held, because `from` is. */
interface Node {
  readonly object: number;
  readonly relation: number;
  readonly from: Node | undefined;
  /** The tuple between the two, by object for goals and by subject for facts; -1 between two relations of one object. */
  readonly by: number;
  readonly plan: Plan;
}

/** Where a node leads: along tuples, and to relations of the same object. */
interface Plan {
  readonly spans: readonly Span[];
  readonly same: readonly number[];
}

interface Span extends Range {
  /** Of the nodes it leads to; -1: the one that each tuple's set names. */
  readonly relation: number;
  readonly unless: readonly number[];
}

/** One of two searches that go to meet each other, level by level. */
interface Side {
  readonly seen: Map<number, Node>;
  /** The outermost nodes, those that lead on. */
  level: Node[];
  /** Edges that the next level takes, and that all before took. */
  cost: number;
  spent: number;
  depth: number;
}

/** Where the two met: a tuple of the subject at a goal, or a goal that is a fact. */
interface Meeting {
  readonly goal: Node;
  readonly tuple: number;
  readonly fact: Node | undefined;
}

export interface Found {
  readonly held: Held;
  path?(): string[];
}

const NOTHING: readonly never[] = [];
const LEADS_NOWHERE: Plan = { spans: NOTHING, same: NOTHING };

export function newTask(graph: Pick<Task, 'tuples' | 'model' | 'limits'>, subject: number, pairs: readonly number[]): Task {
  const task = { ...graph, subject, relevant: graph.model.relevantTo(pairs), facts: newSide(), refuted: new Set<number>(), edges: 0 };
  const spans = kindsOf(task, tuplesFrom(task.tuples, subject, 0), task.relevant?.before);
  push(task.facts, { object: subject, relation: NONE, from: undefined, by: NONE, plan: { spans, same: NOTHING } });
  return task;
}

const newSide = (): Side => ({ seen: new Map(), level: [], cost: 0, spent: 0, depth: 0 });

/**
 * Looks for a way from the object to the subject and from the subject to the object, in turn a level of the one or the
 * other: of that which has then followed fewer edges. So it follows at most twice the edges of the better direction, and
 * a node with a hundred thousand neighbours is only opened where there is no way around it. The first meeting is on a
 * shortest way. Levels are whole or not begun, so the order of tuples changes no answer, an overrun neither.
 */
export function search(task: Task, relation: number, object: number): Found {
  const { facts } = task;
  const goals = newSide();
  facts.spent = 0;
  let meeting = addGoal(task, goals, { object, relation, from: undefined, by: NONE });
  while (meeting === undefined) {
    if (facts.level.length === 0) return { held: 'no' };
    if (goals.level.length === 0) {
      for (const key of goals.seen.keys()) task.refuted.add(key);
      return { held: 'no' };
    }
    const side = choose(task, goals);
    if (side === undefined) return { held: 'overrun' };
    meeting = side === goals ? nextGoals(task, goals) : nextFacts(task, goals);
  }
  const { goal, tuple, fact } = meeting;
  return { held: 'yes', path: () => pathOf(task, { goal, tuple, fact }) };
}

function choose({ facts, limits, edges }: Task, goals: Side): Side | undefined {
  const affordable = (side: Side) => edges + side.cost <= limits.edges;
  // A subject's own tuples are at no distance: every goal is compared with them.
  const goalsMay = affordable(goals) && goals.depth + Math.max(facts.depth - 1, 0) < limits.depth;
  const factsMay = affordable(facts) && goals.depth + facts.depth <= limits.depth;
  if (goalsMay && factsMay) return goals.spent + goals.cost <= facts.spent + facts.cost ? goals : facts;
  return goalsMay ? goals : factsMay ? facts : undefined;
}

/** Takes the level off, to be followed. */
function open(task: Task, side: Side): Node[] {
  const { level, cost } = side;
  task.edges += cost;
  side.spent += cost;
  side.depth += 1;
  side.level = [];
  side.cost = 0;
  return level;
}

function push(side: Side, node: Node): void {
  const { spans, same } = node.plan;
  if (spans.length === 0 && same.length === 0) return;
  side.level.push(node);
  side.cost += same.length;
  for (const { start, end } of spans) side.cost += end - start;
}

const keyOf = ({ tuples }: Task, object: number, relation: number) => object * tuples.relations.size + relation;

type Unplanned = Omit<Node, 'plan'>;

function addGoal(task: Task, goals: Side, { object, relation, from, by }: Unplanned): Meeting | undefined {
  const key = keyOf(task, object, relation);
  if (goals.seen.has(key) || task.refuted.has(key)) return undefined;
  const own = tuplesTo(task.tuples, object, relation);
  const tuple = findIn(task.tuples, own, task.subject);
  const fact = task.facts.seen.get(key);
  if (tuple !== NONE || fact !== undefined) return { goal: { object, relation, from, by, plan: LEADS_NOWHERE }, tuple, fact };
  const node: Node = { object, relation, from, by, plan: planGoal(task, { object, relation }, { start: own.sets, end: own.end }) };
  goals.seen.set(key, node);
  push(goals, node);
  return undefined;
}

function planGoal(task: Task, { object, relation }: Pick<Node, 'object' | 'relation'>, sets: Range): Plan {
  const { tuples, model } = task;
  const spans: Span[] = sets.start < sets.end ? [{ ...sets, relation: NONE, unless: NOTHING }] : [];
  const rule = model.rules.get(model.pairOf(tuples.typeOf[object]!, relation));
  for (const { relation: through, is, unless } of rule?.via ?? NOTHING) {
    const { start, sets: end } = tuplesTo(tuples, object, through);
    if (start < end && !holdsDirectly(task, object, unless)) spans.push({ start, end, relation: is, unless: NOTHING });
  }
  return { spans, same: rule?.from ?? NOTHING };
}

const holdsDirectly = ({ tuples, subject }: Task, object: number, relations: readonly number[]) =>
  relations.some((relation) => findIn(tuples, tuplesTo(tuples, object, relation), subject) !== NONE);

function nextGoals(task: Task, goals: Side): Meeting | undefined {
  const { subject, set } = task.tuples.byObject;
  for (const node of open(task, goals)) {
    for (const relation of node.plan.same) {
      const met = addGoal(task, goals, { object: node.object, relation, from: node, by: NONE });
      if (met !== undefined) return met;
    }
    for (const { start, end, relation } of node.plan.spans) {
      for (let by = start; by < end; by += 1) {
        const met = addGoal(task, goals, { object: subject[by]!, relation: relation === NONE ? set[by]! - 1 : relation, from: node, by });
        if (met !== undefined) return met;
      }
    }
  }
  return undefined;
}

// The level is followed to its end even after a meeting: the facts serve the next search too.
function nextFacts(task: Task, goals: Side): Meeting | undefined {
  const { object } = task.tuples.bySubject;
  let met: Meeting | undefined;
  const add = (node: Unplanned) => {
    const key = keyOf(task, node.object, node.relation);
    if (task.facts.seen.has(key)) return;
    const fact: Node = { ...node, plan: planFact(task, node) };
    task.facts.seen.set(key, fact);
    push(task.facts, fact);
    const goal = goals.seen.get(key);
    if (goal !== undefined) met ??= { goal, tuple: NONE, fact };
  };
  for (const from of open(task, task.facts)) {
    for (const relation of from.plan.same) add({ object: from.object, relation, from, by: NONE });
    for (const { start, end, relation, unless } of from.plan.spans) {
      for (let by = start; by < end; by += 1) {
        if (!holdsDirectly(task, object[by]!, unless)) add({ object: object[by]!, relation, from, by });
      }
    }
  }
  return met;
}

function planFact(task: Task, { object, relation }: Unplanned): Plan {
  const { tuples, model, relevant } = task;
  const spans = kindsOf(task, tuplesFrom(tuples, object, relation + 1), relevant?.upTo);
  for (const { kind, gives, pair, unless } of model.down.get(relation) ?? NOTHING) {
    if (relevant?.upTo.has(pair) === false) continue;
    const range = ofKind(tuples, tuplesFrom(tuples, object, 0), kind);
    if (range.start < range.end) spans.push({ ...range, relation: gives, unless });
  }
  const type = tuples.typeOf[object]!;
  const same = model.follows.get(model.pairOf(type, relation)) ?? NOTHING;
  return { spans, same: relevant === undefined ? same : same.filter((one) => relevant.upTo.has(model.pairOf(type, one))) };
}

/** The tuples of a range that are of a kind that matters, each kind for itself. */
function kindsOf({ tuples, model }: Pick<Task, 'tuples' | 'model'>, range: Range, matter: ReadonlySet<number> | undefined): Span[] {
  const { bySubject, kinds } = tuples;
  const spans: Span[] = [];
  for (let start = range.start; start < range.end;) {
    const kind = bySubject.kind[start]!;
    const { end } = ofKind(tuples, { start, end: range.end }, kind);
    const relation = kinds.relation[kind]!;
    if (matter?.has(model.pairOf(kinds.type[kind]!, relation)) !== false) spans.push({ start, end, relation, unless: NOTHING });
    start = end;
  }
  return spans;
}

/** The tuples on the way, from the subject's to the object's. */
function pathOf({ tuples, subject }: Task, { goal, tuple, fact }: Meeting): string[] {
  const { byObject, bySubject, kinds, ids, relations } = tuples;
  const line = (who: number, set: number, rest: readonly [relation: number, object: number]) =>
    `${ids.text(who)}${set === 0 ? '' : `#${relations.text(set - 1)}`} ${relations.text(rest[0])} ${ids.text(rest[1])}`;
  const path: string[] = [];
  for (let node = tuple === NONE ? fact : undefined; node?.from !== undefined; node = node.from) {
    if (node.by !== NONE) path.unshift(line(node.from.object, bySubject.set[node.by]!, [kinds.relation[bySubject.kind[node.by]!]!, bySubject.object[node.by]!]));
  }
  if (tuple !== NONE) path.push(line(subject, 0, [byObject.relation[tuple]!, goal.object]));
  for (let node = goal; node.from !== undefined; node = node.from) {
    if (node.by !== NONE) path.push(line(byObject.subject[node.by]!, byObject.set[node.by]!, [byObject.relation[node.by]!, node.from.object]));
  }
  return path;
}
