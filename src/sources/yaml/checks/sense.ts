import type { Collector, Entry, EntryOf } from '../collect.ts';
import { cycleFrom } from './cycle.ts';
import { isAfter, isEmpty } from '../dates.ts';
import type { Loaded } from '../digest.ts';
import { membersOf, type Names } from '../names.ts';
import type { Problem } from '../problems.ts';
import { isBelow } from '../../../core/catalogue/selectors.ts';
import { tokensOf } from '../../../core/facts.ts';
import { didYouMean } from '../../../core/suggest.ts';
import { checkGrants, checkTerms, selects } from './grants.ts';
import { toHost } from './hosts.ts';

/** What has its shape and names only what exists, and still makes no sense. */
export function checkSense(collector: Collector, facts: Loaded, names: Names): readonly Problem[] {
  return [
    ...checkEvents(collector),
    ...checkVendors(collector),
    ...checkRoles(collector),
    ...checkGrants(collector, facts, names),
    ...checkTerms(collector, facts, names),
    ...checkModes(collector, facts),
    ...checkCallers(collector, facts),
    ...checkApprovals(collector, facts),
    ...checkRest(collector),
  ];
}

function checkEvents(collector: Collector): readonly Problem[] {
  const envelopes = new Map(collector.sources('envelopes').flatMap(({ raw }) => Object.entries(membersOf(membersOf(raw)['envelopes']))));
  const versioned = new Set(collector.values('events').map(({ event, version }) => `${event}@${version}`));
  return collector.sources('events').flatMap(({ value, raw, report }) => {
    if (value === undefined) return [];
    const problems: Problem[] = [];
    const { event, about, countField, defaultPurpose, purposes } = value;
    const paths = [raw, ...value.envelopes.map((name) => envelopes.get(name))].flatMap((holder) => Object.keys(membersOf(membersOf(holder)['fields'])));
    const lacks = (path: string | undefined) => path !== undefined && value.envelopes.every((name) => envelopes.has(name)) && !paths.includes(path);
    if (versioned.has(event)) problems.push(report(['event'], `${event} also stands for a version of another event: call it something else`));
    if (lacks(about?.field)) problems.push(report(['about', 'field'], `the event has no field ${about!.field}${didYouMean(about!.field, paths)}`));
    if (lacks(countField)) problems.push(report(['countField'], `the event has no field ${countField}${didYouMean(countField!, paths)}`));
    if (defaultPurpose !== undefined && purposes?.some((purpose) => isBelow(defaultPurpose, purpose)) === false) {
      problems.push(report(['defaultPurpose'], `${defaultPurpose} is none of the event's purposes, nor below one`));
    }
    return problems;
  });
}

function checkVendors(collector: Collector): readonly Problem[] {
  const owners = new Map<string, string>();
  return collector.entries('vendors').flatMap((entry) => {
    const { id, value, problem } = entry;
    const hosts = (['hosts', 'aliases'] as const).flatMap((list) => value[list].map((host, index) => ({ host, at: [list, index] })));
    const wrong = hosts.flatMap(({ host, at }) => {
      const key = toHost(host);
      if (key === undefined) return [problem(at, `${host} is no host name: leave out scheme, port and path`)];
      const owner = owners.get(key);
      owners.set(key, owner ?? id);
      return owner === undefined ? [] : [problem(at, `the host ${host} is ${owner === id ? 'listed twice' : `${owner}'s already`}`)];
    });
    return [...wrong, ...checkClaims(entry)];
  });
}

function checkClaims({ id, value: { breached, state, claims }, problem }: Entry<EntryOf<'vendors'>>): readonly Problem[] {
  const stated = Object.entries(claims);
  const problems = stated.flatMap(([name, { issued, expires, periodEnd }]) => [
    ...(isEmpty(issued, expires) ? [problem(['claims', name, 'expires'], `${name} expires before it was issued`)] : []),
    ...(name !== 'soc2_type2' && periodEnd !== undefined ? [problem(['claims', name, 'periodEnd'], 'only soc2_type2 has a period', 'key')] : []),
  ]);
  if (breached === undefined || state !== 'active') return problems;
  const old = stated.filter(([, { issued }]) => issued === undefined || !isAfter(issued, breached));
  const renew = (what: string) => `${id} was breached on ${breached} and is active only with claims issued since: ${what}, or set state: breached`;
  return [
    ...problems,
    ...old.map(([name, { issued }]) => (issued === undefined ? problem(['claims', name], renew(`say when ${name} was issued`)) : problem(['claims', name, 'issued'], renew(`renew ${name}`)))),
    ...(stated.length === 0 ? [problem(['breached'], renew('add its claims'))] : []),
  ];
}

function checkRoles(collector: Collector): readonly Problem[] {
  const extended = new Map(collector.entries('roles').map(({ id, value }) => [id, value.extends]));
  return collector.entries('roles').flatMap(({ id, value, problem }) => {
    const cycle = cycleFrom(id, (role) => extended.get(role) ?? []);
    return cycle === undefined ? [] : [problem(['extends', value.extends.indexOf(cycle[1]!)], `the role ${id} extends itself: ${cycle.join(' extends ')}`)];
  });
}

/** An exclusive vendor can't be in shadow: shadow would let out what the grant closes (J13). */
function checkModes(collector: Collector, facts: Loaded): readonly Problem[] {
  const exclusive = [...facts.grants.values(), ...facts.terms.values()].filter((grant) => grant.exclusive);
  return collector.sources('modes').flatMap(({ value, report }) => Object.entries(value?.modes.vendors ?? {}).flatMap(([id, { mode }]) => {
    const vendor = facts.vendors.get(id);
    const grant = vendor === undefined ? undefined : exclusive.find(({ vendors }) => vendors.some((selector) => selects(selector, vendor)));
    return mode === 'shadow' && grant !== undefined ? [report(['modes', 'vendors', id, 'mode'], `${id} is closed by the exclusive ${facts.grants.has(grant.id) ? 'grant' : 'term'} ${grant.id} and cannot be in shadow`)] : [];
  }));
}

function checkCallers(collector: Collector, facts: Loaded): readonly Problem[] {
  const owners = new Map<string, string>();
  return collector.entries('callers').flatMap(({ id, value, problem }) => {
    if (value.demo && value.tokenSha256 !== undefined) return [problem(['demo'], `the caller ${id} has tokenSha256: it is not for the demo`)];
    if (!value.demo && value.tokenSha256 === undefined) return [problem([], `the caller ${id} has no tokenSha256 (sluice token new makes one), nor demo: true`)];
    return tokensOf(facts.callers.get(id)!).flatMap(({ sha256 }, at) => {
      const owner = owners.get(sha256);
      owners.set(sha256, owner ?? id);
      const place = value.demo ? ['demo'] : ['tokenSha256', ...(Array.isArray(value.tokenSha256) ? [at] : [])];
      if (owner === id) return [problem(place, 'this token stands here already: leave one')];
      return owner === undefined ? [] : [problem(place, `this is the token of ${owner}: nobody could tell them apart`)];
    });
  });
}

function checkApprovals(collector: Collector, facts: Loaded): readonly Problem[] {
  const versions = Map.groupBy(new Set(facts.events.values()), ({ name }) => name);
  return collector.entries('approvals').flatMap(({ value, problem }) => {
    const { identity, onBehalfOf, requester, approver, event, eventVersion, starts, expires } = value;
    const known = versions.get(event ?? '')?.map(({ version }) => version);
    return [
      ...([identity, onBehalfOf, requester].includes(approver) ? [problem(['approver'], `${approver} asks, and cannot approve`)] : []),
      ...(isEmpty(starts, expires) ? [problem(['expires'], 'the approval expires before it starts: it can never apply')] : []),
      ...(event !== undefined && eventVersion === undefined ? [problem(['event'], `eventVersion is missing: the approval is for one version of ${event}`)] : []),
      ...(event === undefined && eventVersion !== undefined ? [problem(['eventVersion'], 'eventVersion needs an event')] : []),
      ...(known !== undefined && eventVersion !== undefined && !known.includes(eventVersion) ? [problem(['eventVersion'], `there is no version ${eventVersion} of ${event}; there is ${known.join(', ')}`)] : []),
    ];
  });
}

function checkRest(collector: Collector): readonly Problem[] {
  return [
    ...collector.entries('combinations').flatMap(({ value: { min = 0, members, effect, approverRole }, problem }) => [
      ...(min > members.length ? [problem(['min'], `min is ${min}, but there are ${members.length} members: it can never be hit`)] : []),
      ...(effect !== 'review' && approverRole !== undefined ? [problem(['approverRole'], 'approverRole needs effect: review')] : []),
    ]),
    ...collector.entries('context').flatMap(({ id, value: { type, values }, problem }) => [
      ...(type === 'enum' && values === undefined ? [problem(['type'], `${id} has no values: an enum lists them`)] : []),
      ...(type !== 'enum' && values !== undefined ? [problem(['values'], `values need type: enum; ${id} is of type ${type}`)] : []),
    ]),
  ];
}
