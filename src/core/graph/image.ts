import type { RelationRule, Tuple } from '../relation-facts.ts';
import { growing, shared } from './bytes.ts';
import { nameBuilder, type NameBuilder, type PackedNames } from './packed.ts';
import type { Seed } from './seed.ts';

/**
 * A relationship graph as memory that threads share: `postMessage` hands it over in microseconds, whatever its size.
 * All columns are Int32. A set that a tuple names is given as 1 + its relation, 0 is a plain subject.
 */
export interface GraphImage {
  /** Of objects and subjects, sets without their relation. */
  readonly ids: PackedNames;
  readonly relations: PackedNames;
  readonly types: PackedNames;
  /** The type of each id. */
  readonly typeOf: SharedArrayBuffer;
  /** A bit for each id, from the lowest bit of the first byte on: whether a tuple of this object names a set. */
  readonly nested: SharedArrayBuffer;
  /** Tuples of object `o`: from `start[o]` to `start[o + 1]`, sorted by relation, set, subject. No tuple is there twice. */
  readonly byObject: Columns<'start' | 'relation' | 'set' | 'subject'>;
  /** The same tuples by subject, sorted by set, kind, object. */
  readonly bySubject: Columns<'start' | 'set' | 'kind' | 'object'>;
  /** What tuples are of: the type of the object and the relation. */
  readonly kinds: Columns<'type' | 'relation'>;
  /** Which subjects occur in tuples of a kind: their type, and set. Each once. */
  readonly shapes: Columns<'kind' | 'type' | 'set'>;
  readonly rules: readonly RelationRule[];
}

export type Columns<Name extends string> = Readonly<Record<Name, SharedArrayBuffer>>;

export interface GraphBuilder {
  /** Tuples so far, repeated ones counted. */
  readonly size: number;
  /** `type:id`; the subject may be a set: `type:id#relation`. */
  add(subject: string, relation: string, object: string): void;
  /** Ends the building. O(n) in time. */
  finish(): GraphImage;
}

const MOST_TUPLES = 2 ** 26;

export const typeOf = (id: string): string => {
  const colon = id.indexOf(':');
  return colon < 0 ? id : id.slice(0, colon);
};

/** Takes tuples one by one, in 16 bytes each and the names; repeated tuples and rules are harmless. */
export function graphBuilder(rules: readonly RelationRule[], seed?: Seed): GraphBuilder {
  const [ids, relations, types] = [nameBuilder(seed), nameBuilder(seed), nameBuilder(seed)];
  const [object, relation, subject, set, type] = [growing(), growing(), growing(), growing(), growing()];
  const idOf = (text: string) => {
    const index = ids.add(text);
    if (index === type.length) type.push(types.add(typeOf(text)));
    return index;
  };
  for (const rule of rules) nameRule(rule, relations, types);
  return {
    get size() { return object.length; },
    add(subjectText, relationText, objectText) {
      if (object.length === MOST_TUPLES) throw new RangeError(`a graph of more than ${MOST_TUPLES} tuples can't be built: split the environment`);
      const hash = subjectText.lastIndexOf('#');
      object.push(idOf(objectText));
      relation.push(relations.add(relationText));
      subject.push(idOf(hash < 0 ? subjectText : subjectText.slice(0, hash)));
      set.push(hash < 0 ? 0 : 1 + relations.add(subjectText.slice(hash + 1)));
    },
    finish() {
      const raw: Raw = { object: object.view(), relation: relation.view(), subject: subject.view(), set: set.view(), typeOf: type.view() };
      const sizes = { ids: ids.size, relations: relations.size };
      return {
        ...index(raw, sizes), typeOf: shared(raw.typeOf), ids: ids.finish(), relations: relations.finish(), types: types.finish(), rules,
      };
    },
  };
}

export function packGraph(tuples: Iterable<Tuple>, rules: readonly RelationRule[], seed?: Seed): GraphImage {
  const builder = graphBuilder(rules, seed);
  for (const { subject, relation, object } of tuples) builder.add(subject, relation, object);
  return builder.finish();
}

function nameRule(rule: RelationRule, relations: NameBuilder, types: NameBuilder): void {
  types.add(rule.type);
  const named = [rule, ...rule.via].flatMap((part) => [part.relation, ...part.unlessDirect ?? []]);
  for (const name of [...named, ...rule.from, ...rule.via.map(({ is }) => is)]) relations.add(name);
}

type Raw = Readonly<Record<'object' | 'relation' | 'subject' | 'set' | 'typeOf', Int32Array>>;
interface Sizes { readonly ids: number; readonly relations: number }

function index(raw: Raw, { ids, relations }: Sizes): Pick<GraphImage, 'nested' | 'byObject' | 'bySubject' | 'kinds' | 'shapes'> {
  // Sorts of which each keeps the order of the one before: by the last key first.
  let order = sortBy(raw.subject, ids);
  order = sortBy(raw.set, relations + 1, order);
  order = sortBy(raw.relation, relations, order);
  order = distinct(sortBy(raw.object, ids, order), raw);
  const byObject = {
    start: starts(raw.object, ids, order), relation: pick(raw.relation, order), set: pick(raw.set, order), subject: pick(raw.subject, order),
  };
  const { kind, ...rest } = classify(raw, relations, order);
  order = sortBy(kind, rest.kinds.type.byteLength / 4, order); // which were by object
  order = sortBy(raw.set, relations + 1, order);
  order = sortBy(raw.subject, ids, order);
  const bySubject = {
    start: starts(raw.subject, ids, order), set: pick(raw.set, order), kind: pick(kind, order), object: pick(raw.object, order),
  };
  return { nested: objectsWithSets(raw, ids), byObject, bySubject, ...rest };
}

/** Positions sorted by their key, from 0 to less than `keys`; those of one key in the order given. A counting sort. */
function sortBy(key: Int32Array, keys: number, order?: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const next = new Int32Array(keys + 1);
  const length = order?.length ?? key.length;
  for (let i = 0; i < length; i += 1) next[key[order === undefined ? i : order[i]!]! + 1]! += 1;
  for (let k = 0; k < keys; k += 1) next[k + 1]! += next[k]!;
  const sorted = new Int32Array(length);
  for (let i = 0; i < length; i += 1) {
    const position = order === undefined ? i : order[i]!;
    sorted[next[key[position]!]!++] = position;
  }
  order?.buffer.transfer(0); // nobody needs it any more
  return sorted;
}

function distinct(order: Int32Array<ArrayBuffer>, { object, relation, subject, set }: Raw): Int32Array<ArrayBuffer> {
  let kept = 0;
  for (const i of order) {
    const last = order[kept - 1];
    const repeated = last !== undefined && object[i] === object[last] && relation[i] === relation[last] && subject[i] === subject[last] && set[i] === set[last];
    if (!repeated) order[kept++] = i;
  }
  return order.subarray(0, kept);
}

function starts(key: Int32Array, keys: number, order: Int32Array): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer((keys + 1) * 4);
  const start = new Int32Array(buffer);
  for (const i of order) start[key[i]! + 1]! += 1;
  for (let k = 0; k < keys; k += 1) start[k + 1]! += start[k]!;
  return buffer;
}

function pick(values: Int32Array, order: Int32Array): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(order.length * 4);
  const picked = new Int32Array(buffer);
  for (let i = 0; i < order.length; i += 1) picked[i] = values[order[i]!]!;
  return buffer;
}

function objectsWithSets({ object, set }: Raw, ids: number): SharedArrayBuffer {
  const bits = new Uint8Array(new SharedArrayBuffer((ids + 7) >> 3));
  set.forEach((one, i) => {
    if (one !== 0) bits[object[i]! >> 3]! |= 1 << (object[i]! & 7);
  });
  return bits.buffer;
}

/** Which kinds of tuples there are, and of which kind each is. */
function classify({ object, relation, subject, set, typeOf }: Raw, relations: number, order: Int32Array): Pick<GraphImage, 'kinds' | 'shapes'> & { kind: Int32Array } {
  const kind = new Int32Array(object.length);
  const kinds = numbering();
  const holders = numbering();
  const shapes = numbering();
  for (const i of order) {
    kind[i] = kinds.add(typeOf[object[i]!]! * relations + relation[i]!);
    const holder = holders.add(typeOf[subject[i]!]! * (relations + 1) + set[i]!);
    shapes.add(kind[i]! * MOST_TUPLES + holder);
  }
  const holderOf = (shape: number) => holders.keys[shape % MOST_TUPLES]!;
  const column = (values: readonly number[], read: (value: number) => number) => shared(Int32Array.from(values, read));
  return {
    kind,
    kinds: { type: column(kinds.keys, (key) => Math.floor(key / relations)), relation: column(kinds.keys, (key) => key % relations) },
    shapes: {
      kind: column(shapes.keys, (shape) => Math.floor(shape / MOST_TUPLES)),
      type: column(shapes.keys, (shape) => Math.floor(holderOf(shape) / (relations + 1))),
      set: column(shapes.keys, (shape) => holderOf(shape) % (relations + 1)),
    },
  };
}

function numbering(): { readonly keys: number[]; add(key: number): number } {
  const numbers = new Map<number, number>();
  const keys: number[] = [];
  return {
    keys,
    add(key) {
      const number = numbers.get(key) ?? keys.push(key) - 1;
      if (number === numbers.size) numbers.set(key, number);
      return number;
    },
  };
}
