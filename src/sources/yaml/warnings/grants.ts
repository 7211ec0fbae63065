import type { VendorSelector } from '../../../core/facts.ts';
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

/** A grant for a role that no identity has, and that Permit can't bring where the grant counts. */
export function idleRole({ collector, facts, permit }: World): readonly Problem[] {
  const held = new Set([...facts.identities.values()].flatMap(({ roles }) => [...closureOf(roles, facts.roles)]));
  return collector.entries('grants').flatMap(({ value: { role, environments }, problem }) => {
    const isBrought = environments === undefined ? permit.size > 0 : environments.some((one) => permit.has(one));
    if (held.has(role) || isBrought) return [];
    return [problem(['role'], `nobody has the role ${role}: the grant permits nothing`)];
  });
}
