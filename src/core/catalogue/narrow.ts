import type { Condition, Grant, Period, Term } from '../facts.ts';
import { isBelow } from './selectors.ts';

export type Limit = Term | Grant;

// From the freest.
const EFFECTS = ['permit', 'transform', 'review'] as const;

/** What is left of a grant under a term or a closure: both hold. Its id, vendors and categories stay as they are. */
export function narrow<G extends Grant>(grant: G, limit: Limit): G {
  const { defaultPurposeOnly: _, ...rest } = grant;
  const replaced = 'role' in limit || limit.purposes === undefined ? grant : rest; // a term's purposes stand in its place
  return {
    ...replaced,
    effect: EFFECTS[Math.max(EFFECTS.indexOf(grant.effect), EFFECTS.indexOf(limit.effect))]!,
    // Taking destinations out makes freer: only a grant itself may do so.
    obligations: distinct([...grant.obligations, ...limit.obligations.filter(({ op }) => op !== 'scope_destinations')]),
    purposes: limit.purposes === undefined ? grant.purposes : meet(grant.purposes, limit.purposes),
    ...both('environments', grant, limit),
    ...both('channels', grant, limit),
    ...both('kinds', grant, limit),
    ...both('events', grant, limit),
    ...approver(grant, limit),
    ...overlap(grant, limit),
    ...relations(grant, limit),
  } as unknown as G;
}

type ListName = 'environments' | 'channels' | 'kinds' | 'events';

function both(name: ListName, grant: Grant, limit: Limit) {
  const [a, b]: readonly (readonly string[] | undefined)[] = [grant[name], limit[name]];
  const left = a === undefined ? b : b === undefined ? a : a.filter((one) => b.includes(one));
  return left === undefined ? {} : { [name]: left };
}

/** The purposes that stand in or below both lists; `*` is every one. */
export function meet(left: readonly string[], right: readonly string[]): readonly string[] {
  if (left.includes('*')) return right;
  if (right.includes('*')) return left;
  const inner = (of: readonly string[], others: readonly string[]) => of.filter((purpose) => others.some((other) => isBelow(purpose, other)));
  return distinct([...inner(left, right), ...inner(right, left)]);
}

const approver = (grant: Grant, limit: Limit) => {
  const approverRole = grant.approverRole ?? limit.approverRole;
  return approverRole === undefined ? {} : { approverRole };
};

function overlap(grant: Period, limit: Period): Period {
  const [froms, untils] = [[grant.fromMs, limit.fromMs], [grant.untilMs, limit.untilMs]].map((times) => times.filter((time) => time !== undefined));
  return { ...(froms!.length > 0 && { fromMs: Math.max(...froms!) }), ...(untils!.length > 0 && { untilMs: Math.min(...untils!) }) };
}

/** A grant has one relation: of two that differ the other is a condition, which an event about nothing doesn't meet. */
function relations(grant: Grant, limit: Limit): Pick<Grant, 'relation' | 'conditions'> {
  const relation = grant.relation ?? limit.relation;
  const other: readonly Condition[] = limit.relation === undefined || limit.relation === relation
    ? [] : [{ code: 'no_relationship', any: [[{ path: ['about', 'relations'], op: 'array_contains', value: limit.relation }]] }];
  return { ...(relation !== undefined && { relation }), conditions: distinct([...grant.conditions, ...limit.conditions, ...other]) };
}

const distinct = <T>(list: readonly T[]): readonly T[] => [...new Map(list.map((one) => [JSON.stringify(one), one])).values()];
