import type { Facts, VendorSelector } from '../../core/facts.ts';
import { ancestorsOf, isBelow, toSelectors, covers } from '../../core/selectors.ts';
import type { Collector } from './collect.ts';
import { durationOf, endOf, startOf } from './dates.ts';
import type { Problem } from './problems.ts';

type Loaded = Omit<Facts, 'digest'>;

/** What has its shape and names only what exists, and still makes no sense. */
export function checkSense(collector: Collector, facts: Loaded): readonly Problem[] {
  return [
    ...checkCategories(collector),
    ...checkEvents(collector),
    ...checkVendors(collector),
    ...checkRoles(collector),
    ...checkGrants(collector, facts),
    ...checkModes(collector, facts),
    ...checkRest(collector),
  ];
}

function checkCategories(collector: Collector): readonly Problem[] {
  return collector.entries('categories').flatMap(({ id, value, problem }) => {
    const above = id.includes('.') ? id.slice(0, id.lastIndexOf('.')) : undefined;
    return value.parent === undefined || value.parent === above ? [] : [problem(['parent'], `the parent of ${id} is its dotted prefix ${above ?? '(none)'}: a parent elsewhere would make a cycle or a second tree`)];
  });
}

function checkEvents(collector: Collector): readonly Problem[] {
  const seen = new Set<string>();
  return collector.sources('events').flatMap(({ value, problem }) => {
    const problems: Problem[] = [];
    const { event, version, about, countField, envelopes, defaultPurpose, purposes, fields } = value;
    const key = `${event}@${version}`;
    if (seen.has(key)) problems.push(problem(['event'], `${event} version ${version} stands in another file too; give one another version`));
    seen.add(key);
    const has = (path: string) => Object.hasOwn(fields, path) || envelopes.length > 0;
    if (about !== undefined && !has(about.field)) problems.push(problem(['about', 'field'], `the event has no field ${about.field}`));
    if (countField !== undefined && !has(countField)) problems.push(problem(['countField'], `the event has no field ${countField}`));
    if (defaultPurpose !== undefined && purposes?.every((purpose) => !isBelow(defaultPurpose, purpose)) === true) {
      problems.push(problem(['defaultPurpose'], `${defaultPurpose} is none of the event's purposes, nor below one`));
    }
    return problems;
  });
}

function checkVendors(collector: Collector): readonly Problem[] {
  const owners = new Map<string, string>();
  return collector.entries('vendors').flatMap(({ id, value, problem }) => {
    const problems: Problem[] = [];
    for (const [list, hosts] of [['hosts', value.hosts], ['aliases', value.aliases]] as const) hosts.forEach((host, index) => {
      const owner = owners.get(host.toLowerCase());
      if (owner !== undefined) problems.push(problem([list, index], `the host ${host} belongs to ${owner} already`));
      if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host)) problems.push(problem([list, index], `${host} is no host name: leave out the scheme, the port and the path`));
      owners.set(host.toLowerCase(), id);
    });
    for (const [name, { issued, expires }] of Object.entries(value.claims)) {
      if (issued !== undefined && expires !== undefined && endOf(expires) <= startOf(issued)) problems.push(problem(['claims', name, 'expires'], `${name} expires before it was issued`));
      const { breached } = value;
      if (breached !== undefined && value.state === 'active' && (issued === undefined || startOf(issued) <= startOf(breached))) {
        problems.push(problem(['claims', name], `${id} was breached on ${breached} and is active only with claims issued since: renew ${name}, or set state: breached`));
      }
    }
    if (value.breached !== undefined && value.state === 'active' && Object.keys(value.claims).length === 0) problems.push(problem(['state'], `${id} was breached and has no claim issued since: set state: breached`));
    return problems;
  });
}

function checkRoles(collector: Collector): readonly Problem[] {
  const extended = new Map(collector.entries('roles').map(({ id, value }) => [id, value.extends]));
  return collector.entries('roles').flatMap(({ id, problem }) => {
    const seen = new Set<string>();
    const queue = [...extended.get(id) ?? []];
    for (let role = queue.pop(); role !== undefined; role = queue.pop()) {
      if (role === id) return [problem(['extends'], `the role ${id} extends itself, by way of ${[...seen].join(', ') || id}`)];
      if (!seen.has(role)) queue.push(...extended.get(role) ?? []);
      seen.add(role);
    }
    return [];
  });
}

const grantsOf = (collector: Collector) => collector.entries('grants');
type GrantEntry = ReturnType<typeof grantsOf>[number];

/** Grants that can never apply, or that say two things at once. */
const checkGrants = (collector: Collector, facts: Loaded): readonly Problem[] => grantsOf(collector)
  .flatMap((entry) => [...checkTerms(entry), ...checkPeriod(entry), ...checkReach(entry, facts)]);

function checkTerms({ value: { effect, obligations, approverRole }, problem }: GrantEntry): readonly Problem[] {
  const onFields = obligations.filter(({ op }) => op !== 'scope_destinations');
  return [
    ...(effect === 'transform' && onFields.length === 0 ? [problem(['effect'], 'a transform needs obligations')] : []),
    ...(effect !== 'transform' && onFields.length > 0 ? [problem(['obligations'], `obligations need effect: transform (this grant says ${effect})`)] : []),
    ...(effect !== 'review' && approverRole !== undefined ? [problem(['approverRole'], 'approverRole needs effect: review')] : []),
  ];
}

function checkPeriod({ value: { starts, expires, temporary }, problem }: GrantEntry): readonly Problem[] {
  const [from, until] = [starts === undefined ? undefined : startOf(starts), expires === undefined ? undefined : endOf(expires)];
  const short = from !== undefined && until !== undefined && until - from <= durationOf('7d');
  return [
    ...(from !== undefined && until !== undefined && until <= from ? [problem(['expires'], 'the grant expires before it starts: it can never apply')] : []),
    ...(temporary !== undefined && !short ? [problem(['temporary'], 'a temporary grant has starts and expires, at most 7 days apart')] : []),
  ];
}

function checkReach({ value: { vendors, categories, except, events, purposes, kinds }, problem }: GrantEntry, facts: Loaded): readonly Problem[] {
  const problems: Problem[] = [];
  vendors.forEach((selector, index) => {
    if (typeof selector !== 'string' && ![...facts.vendors.values()].some((vendor) => selects(selector, vendor))) problems.push(problem(['vendors', index], 'no vendor is like this: the grant can never apply'));
  });
  const [covered, spared] = [toSelectors(categories), toSelectors(except)];
  const left = [...facts.categories.keys()].some((id) => covers(covered, id, new Set(ancestorsOf(id))) && !covers(spared, id, new Set(ancestorsOf(id))));
  if (!left) problems.push(problem(['categories'], 'no category is left: the grant can never apply'));
  for (const [index, name] of (events ?? []).entries()) {
    const event = facts.events.get(name);
    if (event === undefined) continue;
    if (kinds !== undefined && !kinds.includes(event.kind)) problems.push(problem(['events', index], `${name} is of kind ${event.kind}, which the grant leaves out: it can never apply`));
    if (!event.purposes.some((allowed) => purposes.some((purpose) => isBelow(allowed, purpose) || isBelow(purpose, allowed)))) problems.push(problem(['events', index], `${name} allows none of the grant's purposes: it can never apply`));
  }
  return problems;
}

const selects = (selector: VendorSelector | { readonly vendor?: string | undefined; readonly party?: string | undefined; readonly categories?: readonly string[] | undefined }, vendor: { readonly id: string; readonly party: string; readonly categories: readonly string[] }) => (
  (selector.vendor === undefined || selector.vendor === vendor.id)
  && (selector.party === undefined || selector.party === vendor.party)
  && (selector.categories ?? []).every((category) => vendor.categories.includes(category))
);

/** An exclusive vendor can't be in shadow: shadow would let out what the grant closes (J13). */
function checkModes(collector: Collector, facts: Loaded): readonly Problem[] {
  const exclusive = [...facts.grants.values()].filter((grant) => grant.exclusive);
  return collector.sources('modes').flatMap(({ value, problem }) => Object.entries(value.modes.vendors).flatMap(([id, { mode }]) => {
    const vendor = facts.vendors.get(id);
    const grant = vendor === undefined ? undefined : exclusive.find(({ vendors }) => vendors.some((selector) => selects(selector, vendor)));
    return mode === 'shadow' && grant !== undefined ? [problem(['modes', 'vendors', id, 'mode'], `${id} is closed by the exclusive grant ${grant.id} and cannot be in shadow`)] : [];
  }));
}

function checkRest(collector: Collector): readonly Problem[] {
  return [
    ...collector.entries('combinations').flatMap(({ value, problem }) => (
      (value.min ?? 0) > value.members.length ? [problem(['min'], `min is ${value.min}, but there are ${value.members.length} members: it can never be hit`)] : []
    )),
    ...collector.entries('callers').flatMap(({ id, value, problem }) => (
      value.demo === (value.tokenSha256 !== undefined) ? [problem([], `the caller ${id} has either tokenSha256 or demo: true`)] : []
    )),
    ...collector.entries('approvals').flatMap(({ value, problem }) => (
      [value.identity, value.onBehalfOf, value.requester].includes(value.approver) ? [problem(['approver'], 'who asks cannot approve')] : []
    )),
    ...collector.entries('context').flatMap(({ id, value, problem }) => (
      (value.type === 'enum') === (value.values === undefined) ? [problem([], `context ${id}: values stand with type: enum, and only there`)] : []
    )),
  ];
}
