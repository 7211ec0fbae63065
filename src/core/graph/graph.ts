import type { RelationRule, Tuple } from '../facts.ts';
import { packGraph, type GraphImage } from './image.ts';
import { createModel } from './model.ts';
import { NONE } from './packed.ts';
import { newTask, search, type Found, type GraphLimits, type Held } from './search.ts';
import { openTuples } from './tuples.ts';

export type { GraphLimits, Held } from './search.ts';

/**
 * Who is related to what (ReBAC). A subject holds a relation to an object by a tuple, by being in a set that a tuple
 * names (`group:eu#member`, sets may nest), by holding one of `from` on the object, or by holding `is` on an object
 * that a tuple makes a `via` relation of it (`folder:rnd parent document:opal`), unless it holds directly what excludes
 * that (`RelationRule`). Names compare exactly; cycles end. A subject is a plain id: a set (`group:eu#member`) holds
 * nothing. Immutable; answers don't depend on the order of tuples.
 */
export interface Graph {
  /** Whether a tuple names the object, on either side. */
  has(id: string): boolean;
  holds(subject: string, relation: string, object: string): Held;
  /** `holds`, and how many edges (tuples and steps between relations of one object) it took. */
  check(subject: string, relation: string, object: string): { readonly held: Held; readonly edges: number };
  /** All relations of the object's type, declared or in a tuple, that the subject holds; sorted; incomplete on overrun. */
  relations(subject: string, object: string): { readonly relations: readonly string[]; readonly overrun: boolean };
  /** A shortest chain of tuples, from the subject's to the object's, that makes it hold; `undefined` unless `holds` is yes. */
  why(subject: string, relation: string, object: string): readonly string[] | undefined;
}

const LIMITS: GraphLimits = { edges: 10_000, depth: 64 };
const NO: Found & { readonly edges: number } = { held: 'no', edges: 0 };

/** The graph of these tuples and rules, built here and now; for many tuples build the image in a worker. */
export function createGraph(tuples: Iterable<Tuple>, rules: readonly RelationRule[], limits?: GraphLimits): Graph {
  return openGraph(packGraph(tuples, rules), limits);
}

/** Reads the image where it lies, in any thread: the time it takes depends on the rules, not on the tuples. */
export function openGraph(image: GraphImage, limits: GraphLimits = LIMITS): Graph {
  const tuples = openTuples(image);
  const model = createModel(image, tuples);
  const taskOf = (subject: number, pairs: readonly number[]) => newTask({ tuples, model, subject, relevant: model.relevantTo(pairs) }, limits);
  const { ids, relations } = tuples;

  const ask = (subjectText: string, relationText: string, objectText: string): typeof NO => {
    const [subject, relation, object] = [ids.find(subjectText), relations.find(relationText), ids.find(objectText)];
    if (subject === NONE || relation === NONE || object === NONE) return NO;
    const task = taskOf(subject, [model.pairOf(tuples.typeOf[object]!, relation)]);
    return { ...search(task, relation, object), edges: task.edges };
  };

  return {
    has: (id) => ids.find(id) !== NONE,
    holds: (...asked) => ask(...asked).held,
    check(...asked) {
      const { held, edges } = ask(...asked);
      return { held, edges };
    },
    why: (...asked) => ask(...asked).path?.(),

    relations(subjectText, objectText) {
      const [subject, object] = [ids.find(subjectText), ids.find(objectText)];
      if (subject === NONE || object === NONE) return { relations: [], overrun: false };
      const type = tuples.typeOf[object]!;
      const ofType = model.relationsOf.get(type) ?? [];
      const task = taskOf(subject, ofType.map((relation) => model.pairOf(type, relation)));
      const found = ofType.map((relation) => ({ relation, held: search(task, relation, object).held }));
      return {
        relations: found.filter(({ held }) => held === 'yes').map(({ relation }) => relations.text(relation)),
        overrun: found.some(({ held }) => held === 'overrun'),
      };
    },
  };
}
