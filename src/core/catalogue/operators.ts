import type { Json } from '../facts.ts';

/** What an operator takes at its right, and when it holds: the plain reading of rego/egress/rules/conditions.rego. */
export interface Operator {
  readonly takes: string;
  readonly fits: (right: Json) => boolean;
  readonly test: (left: Json, right: Json) => boolean;
}

const ANYTHING = { takes: 'a value', fits: (right: Json) => right !== null };
const ORDERED = { takes: 'a number or a string', fits: (right: Json) => typeof right === 'number' || typeof right === 'string' };
const LIST = { takes: 'a list', fits: (right: Json) => Array.isArray(right) };
// With fk_resource_type the elements are keys of other objects, which no input holds.
const MATCH = {
  takes: 'a map, or { match: a map }',
  fits: (right: Json) => isObject(right) && !Object.hasOwn(right, 'fk_resource_type') && (!Object.hasOwn(right, 'match') || isObject(right['match']!)),
};

/** The operators of Permit.io's condition grammar, by name. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['equals', { ...ANYTHING, test: same }],
  ['not-equals', { ...ANYTHING, test: (left, right) => !same(left, right) }],
  ['less-than', { ...ORDERED, test: (left, right) => order(left, right) < 0 }],
  ['greater-than', { ...ORDERED, test: (left, right) => order(left, right) > 0 }],
  ['less-than-equals', { ...ORDERED, test: (left, right) => order(left, right) <= 0 }],
  ['greater-than-equals', { ...ORDERED, test: (left, right) => order(left, right) >= 0 }],
  ['contains', {
    takes: 'a string',
    fits: (right) => typeof right === 'string',
    test: (left, right) => typeof left === 'string' && typeof right === 'string' && left.includes(right),
  }],
  ['in', { ...LIST, test: (left, right) => has(right, left) }],
  ['between', {
    takes: 'two numbers or two strings: [lowest, highest]',
    fits: (right) => isList(right) && right.length === 2 && !Number.isNaN(order(right[0]!, right[1]!)),
    test: (left, right) => isList(right) && right.length >= 2 && order(left, right[0]!) >= 0 && order(left, right[1]!) <= 0,
  }],
  ['array_contains', { ...ANYTHING, test: (left, right) => has(left, right) }],
  ['array_subset', { ...LIST, test: (left, right) => isSubset(left, right) }],
  ['array_superset', { ...LIST, test: (left, right) => isSubset(right, left) }],
  ['array_intersect', { ...LIST, test: (left, right) => isList(left) && left.some((element) => has(right, element)) }],
  ['object_match', { takes: 'a map', fits: isObject, test: matches }],
  ['any_match', { ...MATCH, test: (left, right) => isList(left) && left.some((element) => matches(element, wanted(right))) }],
  ['all_match', { ...MATCH, test: (left, right) => isList(left) && left.length > 0 && left.every((element) => matches(element, wanted(right))) }],
]);

export function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

const has = (list: Json, wanted: Json) => isList(list) && list.some((element) => same(element, wanted));

const isSubset = (elements: Json, list: Json) => isList(elements) && isList(list) && elements.every((element) => has(list, element));

const wanted = (right: Json): Json => (isObject(right) && Object.hasOwn(right, 'match') ? right['match']! : right);

function matches(candidate: Json, right: Json): boolean {
  return isObject(candidate) && isObject(right)
    && Object.entries(right).every(([key, value]) => Object.hasOwn(candidate, key) && same(candidate[key]!, value));
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
  if (isList(left) && isList(right)) return left.length === right.length && left.every((element, index) => same(element, right[index]!));
  if (!isObject(left) || !isObject(right)) return left === right;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && same(left[key]!, right[key]!));
}
