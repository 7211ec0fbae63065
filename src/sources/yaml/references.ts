import { REASON_CODES } from '../../core/answer.ts';
import type { Facts } from '../../core/facts.ts';
import { ancestorsOf } from '../../core/selectors.ts';
import { nearest } from '../../core/suggest.ts';
import type { Collector, Entry } from './collect.ts';
import type { Problem } from './problems.ts';
import type { FieldSource } from './schemas.ts';

type At = readonly (string | number)[];
type Report = (at: At, message: string) => Problem;

/** Every name that nothing declares, with the nearest that something does. */
export function checkReferences(collector: Collector, facts: Omit<Facts, 'digest'>): readonly Problem[] {
  const problems: Problem[] = [];
  const names = namesOf(collector, facts);
  const want = (kind: keyof typeof names, name: string | undefined, report: Report, at: At) => {
    if (name === undefined || names[kind].has(name)) return;
    const near = nearest(name, names[kind]);
    problems.push(report(at, `there is no ${WORDS[kind]} ${name}${near === undefined ? '' : `; did you mean ${near}?`}`));
  };
  const each = (kind: keyof typeof names, list: readonly string[] | undefined, report: Report, at: At) => list?.forEach((name, index) => want(kind, name, report, [...at, index]));
  const selectors = (list: readonly string[] | undefined, report: Report, at: At) => list?.forEach((selector, index) => {
    if (selector !== '*') want('anyCategory', selector.replace(/\.\*$/, ''), report, [...at, index]);
  });
  const leaf = (field: FieldSource, report: Report, at: At) => {
    const category = typeof field === 'string' ? field : field?.category ?? undefined;
    if (category === undefined) return;
    if (!names.leaf.has(category) && names.anyCategory.has(category)) problems.push(report(at, `${category} has categories below it; a field's category is a leaf`));
    else want('leaf', category, report, typeof field === 'string' ? at : [...at, 'category']);
  };

  for (const { value, problem } of collector.sources('events')) {
    Object.entries(value.fields).forEach(([path, field]) => leaf(field, problem, ['fields', path]));
    each('purpose', value.purposes, problem, ['purposes']);
    want('purpose', value.defaultPurpose, problem, ['defaultPurpose']);
    each('envelope', value.envelopes, problem, ['envelopes']);
    want('relationType', value.about?.type, problem, ['about', 'type']);
  }
  for (const { value, problem } of collector.entries('envelopes')) Object.entries(value.fields).forEach(([path, field]) => leaf(field, problem, ['fields', path]));
  for (const { value, problem } of collector.entries('fields')) leaf(value, problem, []);
  for (const { value, problem } of collector.entries('event_names')) leaf(value, problem, []);
  for (const { value, problem } of collector.entries('vendors')) value.edges.forEach(({ to }, index) => want('vendor', to, problem, ['edges', index, 'to']));
  for (const { value, problem } of collector.entries('roles')) each('role', value.extends, problem, ['extends']);
  for (const { value, problem } of collector.entries('identities')) {
    each('role', value.roles, problem, ['roles']);
    each('identity', value.manifest?.actsFor, problem, ['manifest', 'actsFor']);
    selectors(value.manifest?.categories, problem, ['manifest', 'categories']);
    each('vendor', value.manifest?.vendors, problem, ['manifest', 'vendors']);
    each('environment', value.manifest?.environments, problem, ['manifest', 'environments']);
  }
  for (const { value, problem } of collector.entries('grants')) {
    want('role', value.role, problem, ['role']);
    want('role', value.approverRole, problem, ['approverRole']);
    value.vendors.forEach((selector, index) => want('vendor', typeof selector === 'string' ? selector : selector.vendor, problem, ['vendors', index]));
    each('environment', value.environments, problem, ['environments']);
    each('purpose', value.purposes, problem, ['purposes']);
    each('event', value.events, problem, ['events']);
    selectors(value.categories, problem, ['categories']);
    selectors(value.except, problem, ['except']);
    want('relation', value.relation, problem, ['relation']);
    value.conditions.forEach((condition, index) => want('code', 'if' in condition ? condition.code : undefined, problem, ['conditions', index, 'code']));
  }
  for (const { value, problem } of collector.entries('combinations')) {
    value.members.forEach((member, index) => (typeof member === 'string' ? selectors([member], (_, message) => problem(['members', index], message), []) : selectors(member, problem, ['members', index])));
    want('role', value.approverRole, problem, ['approverRole']);
  }
  for (const { value, problem } of collector.entries('callers')) {
    each('identity', value.identities.filter((name) => name !== '*'), problem, ['identities']);
    each('environment', value.environments.filter((name) => name !== '*'), problem, ['environments']);
  }
  for (const { value, problem } of collector.entries('approvals')) {
    want('identity', value.identity, problem, ['identity']);
    want('identity', value.onBehalfOf, problem, ['onBehalfOf']);
    want('identity', value.approver, problem, ['approver']);
    want('vendor', value.vendor, problem, ['vendor']);
    want('environment', value.environment, problem, ['environment']);
    want('purpose', value.purpose, problem, ['purpose']);
    want('event', value.event, problem, ['event']);
  }
  for (const { value, problem } of collector.sources('modes')) {
    Object.keys(value.modes.vendors).forEach((vendor) => want('vendor', vendor, problem, ['modes', 'vendors', vendor]));
    Object.keys(value.modes.events).forEach((event) => want('event', event, problem, ['modes', 'events', event]));
  }
  for (const { value, problem } of collector.sources('transforms')) value.transforms.forEach((line, index) => {
    if (line.category !== '*') want('anyCategory', line.category.replace(/\.\*$/, ''), problem, ['transforms', index, 'category']);
    leaf(line.result, problem, ['transforms', index, 'result']);
  });
  for (const { value, problem } of collector.sources('relations')) problems.push(...checkRelations(value.relations, problem));
  return problems;
}

const WORDS = {
  anyCategory: 'category', leaf: 'category', purpose: 'purpose', envelope: 'envelope', relationType: 'relation type', relation: 'relation',
  vendor: 'vendor', role: 'role', identity: 'identity', environment: 'environment', event: 'event', code: 'reason code',
} as const;

function namesOf(collector: Collector, facts: Omit<Facts, 'digest'>) {
  const categories = [...facts.categories.keys()];
  const parents = new Set(categories.flatMap((id) => ancestorsOf(id).slice(1, -1)));
  const ids = (entries: readonly Entry<unknown>[]) => new Set(entries.map(({ id }) => id));
  return {
    anyCategory: new Set([...categories, ...parents]),
    leaf: new Set(categories.filter((id) => !parents.has(id))),
    purpose: facts.purposes,
    envelope: ids(collector.entries('envelopes')),
    relationType: new Set(facts.relationRules.map(({ type }) => type)),
    relation: new Set([...facts.relationRules.map(({ relation }) => relation), ...facts.tuples.map(({ relation }) => relation)]),
    vendor: new Set(facts.vendors.keys()),
    role: new Set(facts.roles.keys()),
    identity: new Set(facts.identities.keys()),
    environment: new Set(facts.environments.keys()),
    event: new Set(facts.events.keys()),
    code: new Set<string>(REASON_CODES),
  };
}

/** Relations of one type name each other; `via` goes over one of the same type. */
function checkRelations({ types }: { readonly types: Readonly<Record<string, Readonly<Record<string, { readonly from: readonly string[]; readonly via: readonly { readonly relation: string }[] }>>>> }, problem: Report): readonly Problem[] {
  return Object.entries(types).flatMap(([type, relations]) => Object.entries(relations).flatMap(([relation, { from, via }]) => [
    ...from.map((name, index) => [name, ['from', index]] as const),
    ...via.map(({ relation: name }, index) => [name, ['via', index, 'relation']] as const),
  ].filter(([name]) => !Object.hasOwn(relations, name)).map(([name, at]) => {
    const near = nearest(name, Object.keys(relations));
    return problem(['relations', 'types', type, relation, ...at], `${type} has no relation ${name}${near === undefined ? '' : `; did you mean ${near}?`}`);
  })));
}
