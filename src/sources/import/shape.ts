import type { Scalar, ValueType } from '../../core/facts.ts';

/** What a JSON Schema says of one place in a payload, all its alternatives taken together. */
export interface Shape {
  /** Empty: nothing is said. */
  readonly types: ReadonlySet<ValueType>;
  /** All values that a scalar here may have; undefined: any. */
  readonly enum: readonly (Scalar | null)[] | undefined;
  readonly properties: ReadonlyMap<string, Shape>;
  /** Of keys that the schema doesn't name. */
  readonly dynamic: Shape | undefined;
  readonly items: Shape | undefined;
  /** An object or array here has at least one member. */
  readonly filled: boolean;
}

/** Nothing is said: anything may stand here. */
export const ANYTHING: Shape = {
  types: new Set(),
  enum: undefined,
  properties: new Map(),
  dynamic: undefined,
  items: undefined,
  filled: false,
};

/**
 * Both hold. Types are united all the same: a part that states another type is met in practice, and then means "or".
 */
export function both(a: Shape, b: Shape): Shape {
  return {
    types: a.types.union(b.types),
    enum: bothEnums(a.enum, b.enum),
    ...members(a, b, both),
    filled: a.filled || b.filled,
  };
}

/** One of them holds, and nobody knows which. */
export function either(a: Shape, b: Shape): Shape {
  return {
    types: a.types.size === 0 || b.types.size === 0 ? ANYTHING.types : a.types.union(b.types),
    enum: eitherEnum(a, b),
    ...members(a, b, either),
    filled: (a.filled || isScalar(a)) && (b.filled || isScalar(b)),
  };
}

// What only one of them names is kept as that one has it.
function members(
  a: Shape,
  b: Shape,
  merge: (a: Shape, b: Shape) => Shape,
): Pick<Shape, 'properties' | 'dynamic' | 'items'> {
  const optional = (x: Shape | undefined, y: Shape | undefined) => (x && y ? merge(x, y) : (x ?? y));
  const names = new Set([...a.properties.keys(), ...b.properties.keys()]);
  return {
    properties: new Map([...names].map((name) => [name, optional(a.properties.get(name), b.properties.get(name))!])),
    dynamic: optional(a.dynamic, b.dynamic),
    items: optional(a.items, b.items),
  };
}

function bothEnums(a: Shape['enum'], b: Shape['enum']): Shape['enum'] {
  if (a === undefined || b === undefined) return a ?? b;
  const common = a.filter((value) => b.includes(value));
  return common.length > 0 ? common : a; // no value fits such a schema; a list is better than none
}

// A list closes the alternatives only if each that admits a scalar has one.
function eitherEnum(a: Shape, b: Shape): Shape['enum'] {
  const lists = [a, b]
    .filter((shape) => !isContainer(shape))
    .map((shape) => shape.enum ?? (isNull(shape) ? [null] : undefined));
  if (lists.length === 0 || lists.includes(undefined)) return undefined;
  return [...new Set(lists.flatMap((list) => list ?? []))];
}

const isScalar = ({ types }: Shape) => types.size > 0 && !types.has('object') && !types.has('array');
const isContainer = ({ types }: Shape) =>
  types.size > 0 && [...types].every((type) => type === 'object' || type === 'array');
const isNull = ({ types }: Shape) => types.size === 1 && types.has('null');
