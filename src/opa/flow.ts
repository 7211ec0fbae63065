import type { Domain } from './domains.ts';
import type { Shape } from './input-shape.ts';

/** A string that stands in a rule. */
export interface Written {
  readonly value: string;
  readonly row: number;
}

/** How a string is compared: as it is, but for the case, or as the beginning, the end or some part of the other. */
export type Test = 'equals' | 'folded' | 'prefix' | 'suffix' | 'part';

/**
 * One value, or several that a rule holds to be equal: what is known of it, and which strings it is compared with. The
 * values inside it are those that it has as a list, a set or a map.
 */
export interface Flow {
  merged?: Flow;
  shapes: Shape[];
  written: Written[];
  /** Of a list, set or map; of a set `key` and `each` are one. */
  each?: Flow;
  key?: Flow;
  members: Map<string, Flow>;
  /** Written out in the rule: its members are what it holds, and need not be alike. */
  whole: boolean;
  /** Strings of these are compared with this one's in another way than by being equal. */
  tests: { readonly test: Test; readonly with: Flow }[];
}

export const createFlow = (shape?: Shape): Flow => ({
  shapes: shape === undefined ? [] : [shape],
  written: [],
  members: new Map(),
  whole: false,
  tests: [],
});

export function rootOf(flow: Flow): Flow {
  let root = flow;
  while (root.merged !== undefined) root = root.merged;
  return root;
}

/** From now on both are one. No flow is made here, so that it ends also where one holds itself. */
export function unify(a: Flow, b: Flow): void {
  const [to, from] = [rootOf(a), rootOf(b)];
  if (to === from) return;
  from.merged = to;
  to.written.push(...from.written);
  to.tests.push(...from.tests);
  for (const shape of from.shapes) attach(to, shape);
  to.whole ||= from.whole;
  for (const side of ['each', 'key'] as const) if (from[side] !== undefined) adopt(rootOf(to), side, from[side]);
  for (const [name, member] of from.members) adoptMember(rootOf(to), name, member);
  holdMembers(rootOf(to));
}

function holdMembers(root: Flow): void {
  if (root.whole && root.each !== undefined)
    for (const member of [...root.members.values()]) unify(rootOf(root).each!, member);
}

function adopt(root: Flow, side: 'each' | 'key', child: Flow): void {
  if (root[side] !== undefined) return unify(root[side], child);
  root[side] = child;
  for (const shape of root.shapes) (side === 'each' ? attachEach : attachKey)(root, shape);
}

function adoptMember(root: Flow, name: string, child: Flow): void {
  const present = root.members.get(name);
  if (present !== undefined) return unify(present, child);
  root.members.set(name, child);
  for (const shape of root.shapes) attachMember(child, shape, name);
}

/** What a list, a set or a map holds. */
export function eachOf(flow: Flow): Flow {
  const root = rootOf(flow);
  if (root.each === undefined) {
    root.each = createFlow();
    for (const shape of root.shapes) attachEach(root, shape);
    holdMembers(root);
  }
  return rootOf(root).each!;
}

export function keyOf(flow: Flow): Flow {
  const root = rootOf(flow);
  if (root.key === undefined) {
    root.key = createFlow();
    for (const shape of root.shapes) attachKey(root, shape);
  }
  return root.key;
}

export function memberOf(flow: Flow, name: string): Flow {
  const root = rootOf(flow);
  let member = root.members.get(name);
  if (member === undefined) {
    member = createFlow();
    root.members.set(name, member);
    for (const shape of root.shapes) attachMember(member, shape, name);
  }
  return member;
}

/** A set holds what it is asked for. */
export const makeSet = (flow: Flow): void => unify(keyOf(flow), eachOf(flow));

/** The kinds of names that it may be. */
export const domainsOf = (flow: Flow): readonly Domain[] =>
  rootOf(flow).shapes.filter(
    (shape): shape is Domain => typeof shape === 'string' && shape !== 'text' && shape !== 'value',
  );

function attach(root: Flow, shape: Shape): void {
  if (root.shapes.includes(shape)) return;
  root.shapes.push(shape);
  if (root.each !== undefined) attachEach(root, shape);
  if (root.key !== undefined) attachKey(root, shape);
  for (const [name, member] of root.members) attachMember(member, shape, name);
}

function attachEach(root: Flow, shape: Shape): void {
  if (typeof shape === 'object' && isEach(shape) && shape.each !== 'context value')
    attach(rootOf(root.each!), shape.each);
}

function attachKey(root: Flow, shape: Shape): void {
  if (typeof shape !== 'object') return;
  if (!isEach(shape)) attach(rootOf(root.key!), `one of ${Object.keys(shape).join(',')}`);
  else if (shape.keys !== undefined) attach(rootOf(root.key!), shape.keys);
}

function attachMember(member: Flow, shape: Shape, name: string): void {
  if (typeof shape !== 'object') return;
  if (!isEach(shape)) {
    if (Object.hasOwn(shape, name)) attach(rootOf(member), shape[name]!);
  } else {
    attach(rootOf(member), shape.each === 'context value' ? `context value ${name}` : shape.each);
  }
}

type Each = Extract<Shape, { readonly each: Shape }>;

const isEach = (shape: object): shape is Each => Object.hasOwn(shape, 'each');
