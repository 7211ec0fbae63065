import { NONE } from './packed.ts';
import { holdsDirectly, LEADS_NOWHERE, planFact, planGoal, planSubject, type Asked, type Plan } from './plan.ts';
import { findIn, findSet, tuplesTo } from './tuples.ts';

/** `overrun`: the search was cut off, so nothing is known. Whoever gets it denies. */
export type Held = 'yes' | 'no' | 'overrun';

/** What one call may do. `edges`: follow so many tuples and rules; `depth`: go so many tuples away from what is asked. */
export interface GraphLimits {
  readonly edges: number;
  readonly depth: number;
}

/** One call: everything about one subject. */
export interface Task extends Asked {
  readonly limits: GraphLimits;
  /** What the subject was found to hold, kept from one search to the next. */
  readonly facts: Side;
  /** Goals that the subject is known not to hold. */
  readonly refuted: Set<number>;
  /** Followed so far. */
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

/** One of two searches that go to meet each other, level by level: a level is one tuple further than the one before. */
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
  readonly goal: Unplanned;
  readonly tuple: number;
  readonly fact: Node | undefined;
}

type Unplanned = Omit<Node, 'plan'>;

export interface Found {
  readonly held: Held;
  path?(): readonly string[];
}

export function newTask(asked: Asked, limits: GraphLimits): Task {
  const task: Task = { ...asked, limits, facts: newSide(), refuted: new Set(), edges: 0 };
  push(task.facts, { object: asked.subject, relation: NONE, from: undefined, by: NONE, plan: planSubject(asked) });
  return task;
}

const newSide = (): Side => ({ seen: new Map(), level: [], cost: 0, spent: 0, depth: 0 });

/**
 * Looks for a way from the object to the subject and from the subject to the object, in turn a level of the one or the
 * other: of that which will then have followed fewer edges. So it follows at most twice the edges of the better direction,
 * and a node with a hundred thousand neighbours is opened only where there is no way around it. The last tuple of a way
 * is never looked for in a list but found by its place. The first meeting is on a shortest way. Levels are whole or not
 * begun, so the order of tuples changes no answer, an overrun neither.
 */
export function search(task: Task, relation: number, object: number): Found {
  const goals = newSide();
  task.facts.spent = 0;
  let meeting = addGoal(task, goals, { object, relation, from: undefined, by: NONE }) ?? addSame(task, goals);
  for (let compared = task.facts.seen.size === 0; meeting === undefined; compared = true) {
    const next = chooseStep(task, goals, compared);
    if (typeof next === 'string') return { held: next };
    meeting = next(task, goals);
  }
  const found = meeting;
  return { held: 'yes', path: () => pathOf(task, found) };
}

type Step = (task: Task, goals: Side) => Meeting | undefined;

/** `compared`: no fact is, or is next to, what is asked. That needs to be seen to once, if facts are there from before. */
function chooseStep(task: Task, goals: Side, compared: boolean): Step | 'no' | 'overrun' {
  const { facts, limits, edges } = task;
  if (goals.level.length === 0) {
    for (const key of goals.seen.keys()) task.refuted.add(key);
    return 'no';
  }
  const affordable = (cost: number) => edges + cost <= limits.edges;
  const goalsMay = affordable(goals.cost) && goals.depth + Math.max(facts.depth - 1, 0) < limits.depth;
  if (!compared) {
    if (facts.seen.size <= goals.cost && affordable(facts.seen.size)) return compareFacts;
    return goalsMay ? nextGoals : 'overrun';
  }
  if (facts.level.length === 0) return 'no';
  const factsMay = affordable(facts.cost) && Math.max(goals.depth, 1) + facts.depth <= limits.depth;
  if (goalsMay && factsMay) return goals.spent + goals.cost <= facts.spent + facts.cost ? nextGoals : nextFacts;
  return goalsMay ? nextGoals : factsMay ? nextFacts : 'overrun';
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
  if (node.plan === LEADS_NOWHERE) return;
  side.level.push(node);
  side.cost += node.plan.same.length;
  for (const { start, end } of node.plan.spans) side.cost += end - start;
}

const keyOf = ({ tuples }: Task, { object, relation }: Unplanned) => object * tuples.relations.size + relation;

function nextGoals(task: Task, goals: Side): Meeting | undefined {
  const { subject, set } = task.tuples.byObject;
  for (const from of open(task, goals)) {
    for (const { start, end, relation } of from.plan.spans) {
      for (let by = start; by < end; by += 1) {
        const met = addGoal(task, goals, { object: subject[by]!, relation: relation === NONE ? set[by]! - 1 : relation, from, by });
        if (met !== undefined) return met;
      }
    }
  }
  return addSame(task, goals);
}

// Grows the level that it goes through.
function addSame(task: Task, goals: Side): Meeting | undefined {
  for (const from of goals.level) {
    for (const relation of from.plan.same) {
      const met = addGoal(task, goals, { object: from.object, relation, from, by: NONE });
      if (met !== undefined) return met;
    }
  }
  return undefined;
}

function addGoal(task: Task, goals: Side, goal: Unplanned): Meeting | undefined {
  const key = keyOf(task, goal);
  if (goals.seen.has(key) || task.refuted.has(key)) return undefined;
  const { object, relation, from, by } = goal;
  const { tuples, subject, facts } = task;
  const fact = facts.seen.get(key);
  // Once the subject's own tuples were opened, those that can matter here are facts.
  const look = fact === undefined && (goals.depth === 0 || facts.depth === 0);
  const tuple = look ? findIn(tuples, tuplesTo(tuples, object, relation).plain, subject) : NONE;
  if (tuple !== NONE || fact !== undefined) return { goal, tuple, fact };
  const plan = planGoal(task, object, relation);
  if (plan === LEADS_NOWHERE) return undefined;
  const node: Node = { object, relation, from, by, plan };
  goals.seen.set(key, node);
  push(goals, node);
  return undefined;
}

// The level is followed to its end even after a meeting: the facts serve the next search too.
function nextFacts(task: Task, goals: Side): Meeting | undefined {
  const { object } = task.tuples.bySubject;
  let met: Meeting | undefined;
  const add = (node: Unplanned) => {
    met = addFact(task, goals, { node, met });
  };
  for (const from of open(task, task.facts)) {
    for (const { start, end, relation, unless } of from.plan.spans) {
      for (let by = start; by < end; by += 1) {
        if (unless.length === 0 || !holdsDirectly(task, object[by]!, unless)) add({ object: object[by]!, relation, from, by });
      }
    }
  }
  for (const from of task.facts.level) for (const relation of from.plan.same) add({ object: from.object, relation, from, by: NONE });
  return met;
}

function addFact(task: Task, goals: Side, { node: { object, relation, from, by }, met }: { readonly node: Unplanned; readonly met: Meeting | undefined }): Meeting | undefined {
  const { facts } = task;
  const key = keyOf(task, { object, relation, from, by });
  if (facts.seen.has(key)) return met;
  const fact: Node = { object, relation, from, by, plan: planFact(task, object, relation) };
  facts.seen.set(key, fact);
  push(facts, fact);
  if (met !== undefined) return met;
  const goal = goals.seen.get(key);
  return goal === undefined ? nextTo(task, goals, fact) : { goal, tuple: NONE, fact };
}

function compareFacts(task: Task, goals: Side): Meeting | undefined {
  const { facts } = task;
  task.edges += facts.seen.size;
  for (const fact of facts.seen.values()) {
    const met = nextTo(task, goals, fact);
    if (met !== undefined) return met;
  }
  return undefined;
}

/** Whether one tuple leads from the fact to what is asked. Once goals were opened, those tuples' other ends are goals. */
function nextTo({ tuples }: Task, goals: Side, fact: Node): Meeting | undefined {
  if (goals.depth > 0) return undefined;
  const { object, relation } = fact;
  for (const from of goals.level) {
    for (const span of from.plan.spans) {
      const by = span.relation === NONE ? findSet(tuples, span, { subject: object, set: relation + 1 }) : span.relation === relation ? findIn(tuples, span, object) : NONE;
      if (by !== NONE) return { goal: { object, relation, from, by }, tuple: NONE, fact };
    }
  }
  return undefined;
}

/** The tuples on the way, from the subject's to the object's. */
function pathOf({ tuples, subject }: Task, { goal, tuple, fact }: Meeting): readonly string[] {
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
