import type { VendorSelector } from '../../../core/facts.ts';
import type { Entry } from '../collect.ts';
import { endOf } from '../dates.ts';
import type { Problem } from '../problems.ts';
import { closureOf, type World } from './world.ts';

const WIDE = 'every vendor is selected, those too that come later: name them, or say party or categories';

const selectsAll = (selector: VendorSelector) => Object.keys(selector).length === 0;

/** A grant for every vendor: by one selector that says nothing, or by several that leave nobody out. */
export function everyVendor({ collector, facts }: World): readonly Problem[] {
  return collector.entries('grants').flatMap(({ id, problem }) => {
    const { vendors } = facts.grants.get(id)!;
    const all = vendors.findIndex(selectsAll);
    if (all >= 0) return [problem(['vendors', all], WIDE)];
    const parties = new Set(vendors.flatMap(({ party, ...more }) => (selectsAll(more) ? party : [])));
    return parties.has('first') && parties.has('third') ? [problem(['vendors'], WIDE)] : [];
  });
}

/** A grant, or a term, that is over. An exclusive one still closes its vendors (J3). */
export function expired({ collector, nowMs }: World): readonly Problem[] {
  const isOver = (expires: string | undefined): expires is string => expires !== undefined && endOf(expires) <= nowMs;
  const said = (what: string) => `expired: ${what}; renew or remove it`;
  const idle = (exclusive: boolean) => `the grant permits nothing${exclusive ? ' and keeps its vendors closed' : ''}`;
  return [
    ...collector.entries('grants').flatMap(({ value: { expires, exclusive }, problem }) => (
      isOver(expires) ? [problem(['expires'], said(idle(exclusive)))] : []
    )),
    ...collector.entries('terms').flatMap(({ value: { expires }, problem }) => (
      isOver(expires) ? [problem(['expires'], said('nothing that the term covers is permitted any more'))] : []
    )),
  ];
}

interface Reviewed {
  readonly approverRole?: string | undefined;
  readonly environments?: readonly string[] | undefined;
}

/** A grant for a role that no identity has, or whose approvals nobody can give; not where Permit can bring one. */
export function idleRole({ collector, facts, permit }: World): readonly Problem[] {
  const held = new Set([...facts.identities.values()].flatMap(({ roles }) => [...closureOf(roles, facts.roles)]));
  const isIdle = (role: string | undefined, environments?: readonly string[]): role is string => {
    const isBrought = environments === undefined ? permit.size > 0 : environments.some((one) => permit.has(one));
    return role !== undefined && !held.has(role) && !isBrought;
  };
  const reviewed: readonly Entry<Reviewed>[] = [
    ...collector.entries('grants'), ...collector.entries('terms'), ...collector.entries('combinations'),
  ];
  const approvers = reviewed.flatMap(({ value: { approverRole, environments }, problem }) => (
    isIdle(approverRole, environments)
      ? [problem(['approverRole'], `nobody has the role ${approverRole}: no approval can be given`)] : []
  ));
  return [...approvers, ...collector.entries('grants').flatMap(({ value: { role, environments }, problem }) => (
    isIdle(role, environments) ? [problem(['role'], `nobody has the role ${role}: the grant permits nothing`)] : []
  ))];
}
