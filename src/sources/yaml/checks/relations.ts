import { IDENTITY_TYPES } from '../../../core/facts.ts';
import { didYouMean } from '../../../core/suggest.ts';
import type { Collector } from '../collect.ts';
import { cycleFrom } from './cycle.ts';
import { membersOf, type Names } from '../names.ts';
import type { Problem } from '../problems.ts';
import type { Source } from '../shape.ts';

/** Held by an identity on the identity that it acts for; known without a declaration (J20). */
const ACTS_FOR = 'acts_for';

/** Relations that name none of their type, or lead back to themselves; tuples that no declared relation is for. */
export function checkRelations(collector: Collector, names: Names): readonly Problem[] {
  if (!collector.read('relations')) return [];
  const types = mergeTypes(collector);
  return collector.sources('relations').flatMap((source) => {
    const relations = membersOf(membersOf(source.raw)['relations']);
    return [
      ...Object.entries(membersOf(relations['types'])).flatMap(([type, declared]) => Object.keys(membersOf(declared)).flatMap((relation) => checkRelation(source, { type, relation, types, names }))),
      ...Object.entries(membersOf(relations['tuples'])).flatMap(([index, tuple]) => checkTuple(String(tuple), { types, names })
        .map((message) => source.report(['relations', 'tuples', index], message))),
    ];
  });
}

/** By type and relation, what it is `from`. */
type Types = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

function mergeTypes(collector: Collector): Types {
  const types = new Map<string, Map<string, readonly string[]>>();
  for (const { raw } of collector.sources('relations')) {
    for (const [type, relations] of Object.entries(membersOf(membersOf(membersOf(raw)['relations'])['types']))) {
      const known = types.get(type) ?? new Map<string, readonly string[]>();
      for (const [relation, rule] of Object.entries(membersOf(relations))) known.set(relation, Object.values(membersOf(membersOf(rule)['from'])).map(String));
      types.set(type, known);
    }
  }
  return types;
}

interface Context {
  readonly types: Types;
  readonly names: Names;
}

function checkRelation(source: Source, { type, relation, types, names }: Context & { readonly type: string; readonly relation: string }): readonly Problem[] {
  const at = ['relations', 'types', type, relation];
  const known = types.get(type)!;
  const rule = membersOf(at.reduce<unknown>((value, step) => membersOf(value)[step], source.raw));
  const missing = (name: unknown) => (typeof name !== 'string' || known.has(name) ? undefined : `${type} has no relation ${name}${didYouMean(name, known.keys())}`);
  const problems: Problem[] = [];
  const check = (message: string | undefined, ...rest: readonly string[]) => void (message === undefined || problems.push(source.report([...at, ...rest], message)));
  for (const [index, name] of Object.entries(membersOf(rule['from']))) check(missing(name), 'from', index);
  for (const [index, via] of Object.entries(membersOf(rule['via']))) {
    const { relation: over, is } = membersOf(via);
    check(missing(over), 'via', index, 'relation');
    if (typeof is === 'string') check(names.objection('relation', is), 'via', index, 'is');
  }
  const cycle = cycleFrom(relation, (name) => known.get(name) ?? []);
  if (cycle !== undefined) check(`${type} ${relation} comes from itself: ${cycle.join(' from ')}`, 'from', String(known.get(relation)!.indexOf(cycle[1]!)));
  return problems;
}

function checkTuple(tuple: string, { types, names }: Context): readonly string[] {
  const parts = tuple.split(' ');
  const [subject = '', relation = '', object = ''] = parts;
  if (parts.length !== 3) return [];
  const [subjectId = '', set] = subject.split('#');
  return [relationOf(object, relation, types), set === undefined ? undefined : relationOf(subjectId, set, types), identityOf(subjectId, names), identityOf(object, names)]
    .filter((message) => message !== undefined);
}

function relationOf(object: string, relation: string, types: Types): string | undefined {
  const type = object.split(':', 1)[0]!;
  const known = types.get(type);
  if (known?.has(relation) === true || (relation === ACTS_FOR && isIdentity(object))) return undefined;
  if (known === undefined) return `no relation type ${type} is declared${didYouMean(type, types.keys())}`;
  return `${type} has no relation ${relation}${didYouMean(relation, known.keys())}`;
}

const isIdentity = (id: string) => IDENTITY_TYPES.some((type) => id.startsWith(`${type}:`));

const identityOf = (id: string, names: Names) => (isIdentity(id) ? names.objection('identity', id) : undefined);
