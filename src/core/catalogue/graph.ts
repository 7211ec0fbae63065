import type { RelationRule, Tuple } from '../facts.ts';

/** `overrun`: the search was cut off, so nothing is known. Whoever gets it denies. */
export type Held = 'yes' | 'no' | 'overrun';

/**
 * Who is related to what (ReBAC). A subject holds a relation to an object by a tuple, by being in a set that a tuple
 * names (`group:eu#member`, sets may nest), by holding one of `from` on the object, or by holding `is` on an object
 * that a tuple makes a `via` relation of it (`folder:rnd parent document:opal`). Names compare exactly; cycles end.
 * A subject is a plain id: a set (`group:eu#member`) holds nothing. Immutable; answers don't depend on the order of tuples.
 */
export interface Graph {
  /** Whether a tuple names the object, on either side. */
  has(id: string): boolean;
  holds(subject: string, relation: string, object: string): Held;
  /** All relations of the object's type, declared or in a tuple, that the subject holds; sorted; incomplete on overrun. */
  relations(subject: string, object: string): { readonly relations: readonly string[]; readonly overrun: boolean };
  /** A shortest chain of tuples, from the subject's to the object's, that makes it hold; `undefined` unless `holds` is yes. */
  why(subject: string, relation: string, object: string): readonly string[] | undefined;
}

/** `nodes`: pairs of an object and a relation that one call may look at; `depth`: steps away from the pair asked about. */
export interface GraphLimits {
  readonly nodes: number;
  readonly depth: number;
}

const LIMITS: GraphLimits = { nodes: 10_000, depth: 64 };
const NONE = -1;

/** Interns the tuples. O(n log n) in time, some 20 bytes a tuple beside the names. Repeated tuples and rules are harmless. */
export function createGraph(tuples: readonly Tuple[], rules: readonly RelationRule[], limits: GraphLimits = LIMITS): Graph {
  const index = indexTuples(tuples);
  const model = indexRules(rules, index);
  const newTask = () => ({ index, model, limits, budget: { left: limits.nodes }, refuted: new Set<number>() });
  const query = (subject: string, relation: string, object: string): Query => ({
    subject: index.objects.find(subject), relation: index.relations.find(relation), object: index.objects.find(object),
  });

  return {
    has: (id) => index.objects.find(id) !== NONE,
    holds: (...asked) => search(newTask(), query(...asked)).held,
    why: (...asked) => search(newTask(), query(...asked)).path?.(),

    relations(subject, object) {
      const task = newTask(); // one for all: the relations of a type lead to much the same pairs
      const held = (model.ofType.get(typeOf(object)) ?? []).map((relation) => ({ relation, ...search(task, query(subject, relation, object)) }));
      return {
        relations: held.filter((found) => found.held === 'yes').map((found) => found.relation),
        overrun: held.some((found) => found.held === 'overrun'),
      };
    },
  };
}

/** Names as small numbers, in order of appearance. */
interface Names {
  readonly texts: string[];
  find(text: string): number;
  add(text: string): number;
}

function createNames(): Names {
  const numbers = new Map<string, number>();
  const texts: string[] = [];
  return {
    texts,
    find: (text) => numbers.get(text) ?? NONE,
    add(text) {
      const number = numbers.get(text) ?? texts.push(text) - 1;
      if (number === numbers.size) numbers.set(text, number);
      return number;
    },
  };
}

/** Tuples by object. Those of object `o` are `start[o]` to `start[o + 1]`, sorted by relation, sets before plain subjects, then subject. */
interface TupleIndex {
  readonly objects: Names;
  readonly relations: Names;
  readonly start: Int32Array;
  readonly relation: Int32Array;
  readonly subject: Int32Array;
  /** `NONE` for a plain subject. */
  readonly subjectRelation: Int32Array;
}

function indexTuples(tuples: readonly Tuple[]): TupleIndex {
  const [objects, relations] = [createNames(), createNames()];
  const column = () => new Int32Array(tuples.length);
  const [object, relation, subject, set, order] = [column(), column(), column(), column(), column()];
  tuples.forEach((tuple, i) => {
    const hash = tuple.subject.lastIndexOf('#');
    object[i] = objects.add(tuple.object);
    relation[i] = relations.add(tuple.relation);
    subject[i] = objects.add(hash < 0 ? tuple.subject : tuple.subject.slice(0, hash));
    set[i] = hash < 0 ? NONE : relations.add(tuple.subject.slice(hash + 1));
  });

  // A counting sort by object, then each object's few tuples among themselves.
  const start = new Int32Array(objects.texts.length + 1);
  for (const o of object) start[o + 1]! += 1;
  for (let o = 0; o < objects.texts.length; o++) start[o + 1]! += start[o]!;
  const next = start.slice();
  object.forEach((o, i) => (order[next[o]!++] = i));
  const compare = (a: number, b: number) =>
    relation[a]! - relation[b]! || Number(set[a] === NONE) - Number(set[b] === NONE) || subject[a]! - subject[b]! || set[a]! - set[b]!;
  for (let o = 0; o < objects.texts.length; o++) order.subarray(start[o], start[o + 1]).sort(compare);

  const sorted = (values: Int32Array) => order.map((i) => values[i]!);
  return { objects, relations, start, relation: sorted(relation), subject: sorted(subject), subjectRelation: sorted(set) };
}

interface Model {
  /** By type of the object, then by relation. */
  readonly rules: ReadonlyMap<string, ReadonlyMap<number, Rule>>;
  readonly ofType: ReadonlyMap<string, readonly string[]>;
}

interface Rule {
  readonly from: number[];
  readonly via: { readonly relation: number; readonly is: number }[];
}

function indexRules(declared: readonly RelationRule[], { objects, relations, start, relation }: TupleIndex): Model {
  const rules = new Map<string, Map<number, Rule>>();
  const ofType = new Map<string, Set<string>>();
  const note = (type: string, name: string) => ofType.set(type, (ofType.get(type) ?? new Set()).add(name));
  for (const rule of declared) {
    note(rule.type, rule.relation);
    const [ofThisType, number] = [rules.get(rule.type) ?? new Map<number, Rule>(), relations.add(rule.relation)];
    const merged = ofThisType.get(number) ?? { from: [], via: [] };
    merged.from.push(...rule.from.map((name) => relations.add(name)));
    merged.via.push(...rule.via.map((via) => ({ relation: relations.add(via.relation), is: relations.add(via.is) })));
    rules.set(rule.type, ofThisType.set(number, merged));
  }
  objects.texts.forEach((object, o) => {
    for (const held of relation.subarray(start[o], start[o + 1])) note(typeOf(object), relations.texts[held]!);
  });
  return { rules, ofType: new Map([...ofType].map(([type, names]) => [type, [...names].sort()])) };
}

const typeOf = (id: string) => id.split(':', 1)[0]!;

interface Task {
  readonly index: TupleIndex;
  readonly model: Model;
  readonly limits: GraphLimits;
  readonly budget: { left: number };
  /** Pairs that the subject is known not to hold. */
  readonly refuted: Set<number>;
}

/** A pair to look at: does the subject hold `relation` on `object`? If so, it holds what `from` stands for, by tuple `by`. */
interface Node {
  readonly object: number;
  readonly relation: number;
  readonly depth: number;
  readonly from: Node | undefined;
  readonly by: number;
}

type Query = Readonly<Record<'subject' | 'relation' | 'object', number>>;

// Breadth first, from the object towards the subject, so the first hit is a shortest one and depth is a true bound.
function search(task: Task, { subject, relation, object }: Query): { held: Held; path?: () => string[] } {
  if (subject === NONE || relation === NONE || object === NONE) return { held: 'no' };
  const { index, limits, budget, refuted } = task;
  const seen = new Set<number>();
  const queue: Node[] = [];
  let overrun = false;
  const visit = (node: Node) => {
    const pair = node.object * index.relations.texts.length + node.relation;
    if (seen.has(pair) || refuted.has(pair)) return;
    overrun ||= budget.left === 0 || node.depth > limits.depth;
    if (overrun) return;
    budget.left -= 1;
    seen.add(pair);
    queue.push(node);
  };

  visit({ object, relation, depth: 0, from: undefined, by: NONE });
  for (const node of queue) {
    const hit = findPlain(index, node, subject);
    if (hit !== NONE) return { held: 'yes', path: () => pathOf(index, node, hit) };
    for (const next of expand(task, node)) {
      visit(next);
      if (overrun) break; // nothing can be added any more, but what is queued may still hit
    }
  }
  if (overrun) return { held: 'overrun' };
  for (const pair of seen) refuted.add(pair);
  return { held: 'no' };
}

// Holding any one of these is enough.
function* expand({ index, model }: Task, node: Node): Iterable<Node> {
  const { object } = node;
  const depth = node.depth + 1;
  const own = slice(index, object, node.relation);
  for (let i = own.start; i < own.plain; i++) {
    yield { object: index.subject[i]!, relation: index.subjectRelation[i]!, depth, from: node, by: i };
  }
  const rule = model.rules.get(typeOf(index.objects.texts[object]!))?.get(node.relation);
  for (const relation of rule?.from ?? []) yield { object, relation, depth, from: node, by: NONE };
  for (const { relation, is } of rule?.via ?? []) {
    const parents = slice(index, object, relation);
    for (let i = parents.plain; i < parents.end; i++) {
      yield { object: index.subject[i]!, relation: is, depth, from: node, by: i };
    }
  }
}

/** The tuples of one object and relation: sets from `start`, plain subjects from `plain`, up to `end`. */
function slice({ start, relation, subjectRelation }: TupleIndex, object: number, wanted: number) {
  const last = start[object + 1]!;
  const first = lowerBound(start[object]!, last, (i) => relation[i]! < wanted);
  const end = lowerBound(first, last, (i) => relation[i] === wanted);
  return { start: first, plain: lowerBound(first, end, (i) => subjectRelation[i] !== NONE), end };
}

function findPlain(index: TupleIndex, { object, relation }: Node, subject: number): number {
  const { plain, end } = slice(index, object, relation);
  const at = lowerBound(plain, end, (i) => index.subject[i]! < subject);
  return at < end && index.subject[at] === subject ? at : NONE;
}

function lowerBound(from: number, to: number, before: (i: number) => boolean): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function pathOf({ objects, relations, subject, subjectRelation, relation }: TupleIndex, found: Node, hit: number): string[] {
  const text = (tuple: number, object: number) => {
    const set = subjectRelation[tuple]!;
    const who = objects.texts[subject[tuple]!]! + (set === NONE ? '' : `#${relations.texts[set]}`);
    return `${who} ${relations.texts[relation[tuple]!]} ${objects.texts[object]}`;
  };
  const path = [text(hit, found.object)];
  for (let node = found; node.from !== undefined; node = node.from) {
    if (node.by !== NONE) path.push(text(node.by, node.from.object));
  }
  return path;
}
