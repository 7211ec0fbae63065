import { isObject, OPERATORS } from '../../../core/catalogue/operators.ts';
import type { Alternatives, Atom, ContextName, Grant, Identity, Json, Term } from '../../../core/facts.ts';
import { selects } from '../checks/grants.ts';
import type { EntryOf, Entry } from '../collect.ts';
import type { At, Problem } from '../problems.ts';
import { closureOf, type World } from './world.ts';

/** A stored attribute that has another type than all conditions need that read it: they never hold for it (F25). */
export function misfit(world: World): readonly Problem[] {
  const limits = [...limitsOf('grant', world.facts.grants), ...limitsOf('term', world.facts.terms)];
  return [...ofIdentities(world, limits), ...ofVendors(world, limits), ...ofContext(world)];
}

/** The conditions of one grant or term. */
interface Limit {
  readonly what: 'grant' | 'term';
  readonly limit: Grant | Term;
  /** Absent: whoever asks. */
  readonly roles: readonly string[] | undefined;
}

function limitsOf(what: Limit['what'], limits: ReadonlyMap<string, Grant | Term>): readonly Limit[] {
  return [...limits.values()].filter(({ conditions }) => conditions.length > 0)
    .map((limit) => ({ what, limit, roles: 'role' in limit ? [limit.role] : limit.roles }));
}

function ofIdentities({ collector, facts }: World, limits: readonly Limit[]): readonly Problem[] {
  return collector.entries('identities').flatMap((entry) => {
    const { attributes, roles }: Identity = facts.identities.get(entry.id)!;
    const held = closureOf(roles, facts.roles);
    const read = limits.filter((limit) => limit.roles === undefined || limit.roles.some((role) => held.has(role)));
    return objections(read, { identity: { attributes } }, ['identity', 'attributes'])
      .map(({ path, message }) => entry.problem(['attributes', ...path.slice(2)], message));
  });
}

function ofVendors({ collector, facts }: World, limits: readonly Limit[]): readonly Problem[] {
  return collector.entries('vendors').flatMap((entry: Entry<EntryOf<'vendors'>>) => {
    const vendor = facts.vendors.get(entry.id)!;
    const claims = Object.fromEntries(vendor.claims.map(({ name, value }) => [name, { value }]));
    const read = limits.filter(({ limit }) => limit.vendors.some((selector) => selects(selector, vendor)));
    return objections(read, { vendor: { claims } }, ['vendor', 'claims'])
      .map(({ path, message }) => entry.problem(path.slice(1), message));
  });
}

/** What a context name may hold is declared: a condition that no such value fits is told where it stands. */
function ofContext({ collector, facts }: World): readonly Problem[] {
  const context = Object.fromEntries([...facts.context].map(([name, declared]) => [name, exampleOf(declared)]));
  const declaredAs = (path: readonly string[]) => `${path.join('.')} is declared ${facts.context.get(path[1]!)!.type}`;
  return (['grants', 'terms'] as const).flatMap((kind) => collector.entries(kind).flatMap(({ id, problem }) => (
    facts[kind].get(id)!.conditions.flatMap(({ any }) => misfitsIn(any, { context }, ['context']))
      .map(([{ path }, wish]) => problem(['conditions'], `${declaredAs(path)}, and the ${kind.slice(0, -1)} ${wish}`))
  )));
}

function exampleOf({ type, enum: values }: ContextName): Json {
  if (type === 'enum') return values?.[0] ?? '';
  return type === 'number' ? 0 : true;
}

interface Objection {
  readonly path: readonly string[];
  readonly message: string;
}

function objections(limits: readonly Limit[], input: Json, root: At): readonly Objection[] {
  return limits.flatMap(({ what, limit }) => limit.conditions.flatMap(({ any }) => (
    misfitsIn(any, input, root).map(([{ path }, wish]) => (
      { path, message: `this is ${typeOf(read(path, input)!)}, and ${what} ${limit.id} ${wish}` }
    ))
  )));
}

/** For each path below `root` of which all atoms of a condition want another type, the first of them. */
function misfitsIn(any: Alternatives, input: Json, root: At): readonly (readonly [Atom, string])[] {
  const atoms = any.flat().filter(({ path }) => root.every((step, index) => path[index] === step));
  return [...Map.groupBy(atoms, ({ path }) => path.join('\0')).values()].flatMap((same) => {
    const left = read(same[0]!.path, input);
    if (left === undefined) return [];
    // What another attribute holds is known when it is asked.
    const fits = ({ op, value }: Atom) => value === undefined || OPERATORS.get(op)!.fits(left, value);
    return same.some(fits) ? [] : [[same[0]!, wishOf(same[0]!)] as const];
  });
}

const wishOf = ({ op, value }: Atom) => `compares it by ${op} with ${typeOf(value!)}: the condition never holds`;

function read(path: readonly string[], input: Json): Json | undefined {
  const found = path.reduce<Json | undefined>((value, name) => (
    isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  ), input);
  return found ?? undefined;
}

function typeOf(value: Json): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list with ${typeOf(value[0] as Json)}`;
  return { string: 'a string', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'a map';
}
