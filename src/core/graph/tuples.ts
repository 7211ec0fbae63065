import type { GraphImage } from './image.ts';
import { NONE, openNames, type Names } from './packed.ts';

/** The columns of an image, as numbers. */
export interface Tuples {
  readonly ids: Names;
  readonly relations: Names;
  readonly types: Names;
  readonly typeOf: Int32Array;
  readonly nested: Uint8Array;
  readonly byObject: Readonly<Record<'start' | 'relation' | 'set' | 'subject', Int32Array>>;
  readonly bySubject: Readonly<Record<'start' | 'set' | 'kind' | 'object', Int32Array>>;
  readonly kinds: Readonly<Record<'type' | 'relation', Int32Array>>;
}

/** Positions from `start` to less than `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Of one relation of an object: plain subjects first, sets after them. */
export interface ToObject {
  readonly plain: Range;
  readonly sets: Range;
}

export function openTuples({ ids, relations, types, typeOf, nested, byObject, bySubject, kinds }: GraphImage): Tuples {
  return {
    ids: openNames(ids), relations: openNames(relations), types: openNames(types), typeOf: new Int32Array(typeOf), nested: new Uint8Array(nested),
    byObject: {
      start: new Int32Array(byObject.start), relation: new Int32Array(byObject.relation), set: new Int32Array(byObject.set), subject: new Int32Array(byObject.subject),
    },
    bySubject: {
      start: new Int32Array(bySubject.start), set: new Int32Array(bySubject.set), kind: new Int32Array(bySubject.kind), object: new Int32Array(bySubject.object),
    },
    kinds: { type: new Int32Array(kinds.type), relation: new Int32Array(kinds.relation) },
  };
}

/** By object: the tuples of a relation. */
export function tuplesTo({ byObject }: Tuples, object: number, wanted: number): ToObject {
  const { relation, set } = byObject;
  const last = byObject.start[object + 1]!;
  const start = lowerBound(relation, byObject.start[object]!, last, wanted);
  const end = lowerBound(relation, start, last, wanted + 1);
  const sets = lowerBound(set, start, end, 1);
  return { plain: { start, end: sets }, sets: { start: sets, end } };
}

/** Whether some tuple of the object names a set. Most have none, and the bits of all stay in the processor's cache. */
export const hasSets = ({ nested }: Tuples, object: number): boolean => (nested[object >> 3]! & (1 << (object & 7))) !== 0;

/** By subject: the tuples of a plain subject (`set` 0) or a set. */
export function tuplesFrom({ bySubject }: Tuples, subject: number, set: number): Range {
  const last = bySubject.start[subject + 1]!;
  const start = lowerBound(bySubject.set, bySubject.start[subject]!, last, set);
  return { start, end: lowerBound(bySubject.set, start, last, set + 1) };
}

/** Those of them that are of a kind. */
export function ofKind({ bySubject }: Tuples, { start, end }: Range, kind: number): Range {
  const first = lowerBound(bySubject.kind, start, end, kind);
  return { start: first, end: lowerBound(bySubject.kind, first, end, kind + 1) };
}

/** The position, by object, of the tuple with the plain subject, among those of a relation; -1 if there is none. */
export function findIn({ byObject }: Tuples, { start, end }: Range, subject: number): number {
  const at = lowerBound(byObject.subject, start, end, subject);
  return at < end && byObject.subject[at] === subject ? at : NONE;
}

/** The same of a set, among the sets of a relation. */
export function findSet(tuples: Tuples, { start, end }: Range, { subject, set }: { readonly subject: number; readonly set: number }): number {
  const first = lowerBound(tuples.byObject.set, start, end, set);
  return findIn(tuples, { start: first, end: lowerBound(tuples.byObject.set, first, end, set + 1) }, subject);
}

/** Where, between `low` and `high`, the values that are at least `wanted` begin. */
function lowerBound(values: Int32Array, low: number, high: number, wanted: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
