import type { Json } from '../facts.ts';

/**
 * What an operator takes, what it compares, and when it holds: the plain reading of rego/egress/rules/conditions.rego.
 * It compares numbers and strings in order, all else for being equal, and only values of one JSON type.
 */
export interface Operator {
  readonly takes: string;
  /** Whether a condition may state this at the operator's right. */
  readonly accepts: (right: Json) => boolean;
  /** Whether all that would be compared is of one type: else an atom holds neither as it is nor under `not`. */
  readonly fits: (left: Json, right: Json) => boolean;
  /** Says nothing of operands that don't fit. */
  readonly test: (left: Json, right: Json) => boolean;
}

const ANYTHING = { takes: 'a value', accepts: (right: Json) => right !== null };
const ORDERED = {
  takes: 'a number or a string',
  accepts: (right: Json) => typeof right === 'number' || typeof right === 'string',
  fits: (left: Json, right: Json) => !Number.isNaN(order(left, right)),
};
const LIST = {
  takes: 'a list of values of one type',
  accepts: (right: Json) => isList(right) && new Set(right.map(typeOf)).size <= 1,
};
const LISTS = {
  ...LIST,
  fits: (left: Json, right: Json) =>
    isList(left) && isList(right) && left.every((element) => right.every((other) => isComparable(element, other))),
};
// With fk_resource_type the elements are keys of other objects, which no input holds.
const MATCH = {
  takes: 'a map, or { match: a map }',
  accepts: (right: Json) =>
    isObject(right) &&
    !Object.hasOwn(right, 'fk_resource_type') &&
    (!Object.hasOwn(right, 'match') || isObject(right['match']!)),
  fits: (left: Json, right: Json) => isList(left) && left.every((element) => isMatchable(element, wanted(right))),
};

/** The operators of Permit.io's condition grammar, by name. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['equals', { ...ANYTHING, fits: isComparable, test: same }],
  ['not-equals', { ...ANYTHING, fits: isComparable, test: (left, right) => !same(left, right) }],
  ['less-than', { ...ORDERED, test: (left, right) => order(left, right) < 0 }],
  ['greater-than', { ...ORDERED, test: (left, right) => order(left, right) > 0 }],
  ['less-than-equals', { ...ORDERED, test: (left, right) => order(left, right) <= 0 }],
  ['greater-than-equals', { ...ORDERED, test: (left, right) => order(left, right) >= 0 }],
  [
    'contains',
    {
      takes: 'a string',
      accepts: (right) => typeof right === 'string',
      fits: (left, right) => typeof left === 'string' && typeof right === 'string',
      test: (left, right) => String(left).includes(String(right)),
    },
  ],
  [
    'in',
    {
      ...LIST,
      fits: (left, right) => isList(right) && right.every((element) => isComparable(left, element)),
      test: (left, right) => has(right, left),
    },
  ],
  [
    'between',
    {
      takes: 'two numbers or two strings: [lowest, highest]',
      accepts: (right) => isList(right) && right.length === 2 && !Number.isNaN(order(right[0]!, right[1]!)),
      fits: (left, right) =>
        isList(right) && right.length === 2 && right.every((bound) => !Number.isNaN(order(left, bound))),
      test: (left, right) => isList(right) && order(left, right[0]!) >= 0 && order(left, right[1]!) <= 0,
    },
  ],
  [
    'array_contains',
    {
      ...ANYTHING,
      fits: (left, right) => isList(left) && left.every((element) => isComparable(element, right)),
      test: has,
    },
  ],
  ['array_subset', { ...LISTS, test: isSubset }],
  ['array_superset', { ...LISTS, test: (left, right) => isSubset(right, left) }],
  ['array_intersect', { ...LISTS, test: (left, right) => isList(left) && left.some((element) => has(right, element)) }],
  ['object_match', { takes: 'a map', accepts: isObject, fits: isMatchable, test: matches }],
  [
    'any_match',
    { ...MATCH, test: (left, right) => isList(left) && left.some((element) => matches(element, wanted(right))) },
  ],
  [
    'all_match',
    {
      ...MATCH,
      test: (left, right) =>
        isList(left) && left.length > 0 && left.every((element) => matches(element, wanted(right))),
    },
  ],
]);

/** Whether the atom `left op right` holds, or with `negate` its opposite: neither does where the operands don't fit. */
export function compares(op: string, left: Json, right: Json, negate = false): boolean {
  const operator = OPERATORS.get(op);
  return operator !== undefined && operator.fits(left, right) && operator.test(left, right) !== negate;
}

export function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

const typeOf = (value: Json) => (value === null ? 'null' : isList(value) ? 'array' : typeof value);

/** Whether the values are of one JSON type, and so is whatever stands at the same place inside both. */
function isComparable(left: Json, right: Json): boolean {
  if (isList(left) && isList(right))
    return left.every((element, index) => index >= right.length || isComparable(element, right[index]!));
  if (!isObject(left) || !isObject(right)) return typeOf(left) === typeOf(right);
  return Object.entries(left).every(([key, value]) => !Object.hasOwn(right, key) || isComparable(value, right[key]!));
}

/** Whether the candidate has all that is wanted of it, and of the types that are wanted. */
function isMatchable(candidate: Json, right: Json): boolean {
  return (
    isObject(candidate) &&
    isObject(right) &&
    Object.entries(right).every(([key, value]) => Object.hasOwn(candidate, key) && isComparable(candidate[key]!, value))
  );
}

function has(list: Json, element: Json): boolean {
  return isList(list) && list.some((one) => same(one, element));
}

function isSubset(elements: Json, list: Json): boolean {
  return isList(elements) && isList(list) && elements.every((element) => has(list, element));
}

const wanted = (right: Json): Json => (isObject(right) && Object.hasOwn(right, 'match') ? right['match']! : right);

function matches(candidate: Json, right: Json): boolean {
  return (
    isObject(candidate) &&
    isObject(right) &&
    Object.entries(right).every(([key, value]) => Object.hasOwn(candidate, key) && same(candidate[key]!, value))
  );
}

/** Negative, zero or positive as in a sort; NaN, which compares as false, unless both are numbers or both strings. */
function order(left: Json, right: Json): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return typeof left === 'string' && typeof right === 'string' ? byCodePoint(left, right) : Number.NaN;
}

// As Rego does: by the bytes of UTF-8, which is the order of code points, not of UTF-16 units.
function byCodePoint(left: string, right: string): number {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at += 1;
  return (left.codePointAt(at) ?? -1) - (right.codePointAt(at) ?? -1);
}

/** Equal as JSON: the order of keys doesn't count. */
function same(left: Json, right: Json): boolean {
  if (isList(left) && isList(right))
    return left.length === right.length && left.every((element, index) => same(element, right[index]!));
  if (!isObject(left) || !isObject(right)) return left === right;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && same(left[key]!, right[key]!))
  );
}
