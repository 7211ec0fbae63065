import { compileCondition, ConditionError, type Alternatives } from '../../../core/catalogue/conditions.ts';
import { compares } from '../../../core/catalogue/operators.ts';
import { CLAIM_NAMES, type Atom } from '../../../core/facts.ts';
import type { PermitConditionSet, PermitData } from '../data.ts';
import type { Unmappables } from './unmapped.ts';

/** The conditions of a set and of all its parents; undefined: never met. Each is compiled once, and listed when it can't be. */
export type Sets = (key: string, type: PermitConditionSet['type']) => Alternatives | undefined;

/** Sets above one another, the set itself included. */
const MAX_PARENTS = 16;

export function createSets({ conditionSets }: PermitData, unmapped: Unmappables): Sets {
  const sets = new Map(conditionSets.map((set) => [nameOf(set), set]));
  const compiled = new Map<string, Alternatives | undefined>();
  const compile = (set: PermitConditionSet): Alternatives | undefined => {
    try {
      return compileSet(lineOf(set, sets));
    } catch (error) {
      if (!(error instanceof ConditionError || error instanceof BrokenLine)) throw error;
      unmapped.add(`condition set ${set.key}`, `it counts as never met: ${error instanceof ConditionError ? error.mistakes[0]!.message : error.message}`);
      return undefined;
    }
  };
  return (key, type) => {
    const name = nameOf({ key, type });
    const set = sets.get(name);
    if (set === undefined) return undefined;
    if (!compiled.has(name)) compiled.set(name, compile(set));
    return compiled.get(name);
  };
}

// A user set and a resource set may be called the same, and say nothing of one another.
const nameOf = ({ type, key }: Pick<PermitConditionSet, 'type' | 'key'>) => `${type} ${key}`;

class BrokenLine extends Error {}

/** The set and all above it. */
function lineOf(set: PermitConditionSet, sets: ReadonlyMap<string, PermitConditionSet>): readonly PermitConditionSet[] {
  const line = [set];
  for (let { parent } = set; parent !== undefined; ({ parent } = line.at(-1)!)) {
    const above = sets.get(nameOf({ type: set.type, key: parent }));
    if (above === undefined) throw new BrokenLine(`its parent ${parent} is no ${set.type}`);
    if (line.length === MAX_PARENTS || line.includes(above)) throw new BrokenLine(`it has over ${MAX_PARENTS - 1} sets above it, or is above itself`);
    line.push(above);
  }
  return line;
}

/** @throws {ConditionError} over a bound, and for what the grammar doesn't know. */
function compileSet(line: readonly PermitConditionSet[]): Alternatives {
  const alternatives = compileCondition({ allOf: line.map(({ conditions }) => conditions) }, undefined, pathOf);
  return alternatives.flatMap((atoms) => {
    const translated = atoms.map(translate);
    return translated.includes(false) ? [] : [translated.filter((atom) => atom !== true && atom !== false)];
  });
}

const IDENTITY: Readonly<Record<string, readonly string[]>> = { roles: ['identity', 'roles'], id: ['identity', 'attributes', 'key'] };
const RESOURCE: Readonly<Record<string, readonly string[]>> = {
  key: ['vendor', 'id'], id: ['vendor', 'id'], type: ['vendor', 'type'], tenant: ['vendor', 'tenant'], categories: ['vendor', 'categories'],
  party: ['vendor', 'party'], regions: ['vendor', 'regions'], status: ['vendor', 'state'],
};
const isClaim = (name: string) => CLAIM_NAMES.some((claim) => claim === name);

/** Where Permit's attributes stand in the Rego input. The attributes of tenants aren't among what is read. */
function pathOf(attribute: string): readonly string[] | undefined {
  const [root = '', ...names] = attribute.split('.');
  const [name, ...deeper] = names[0] === 'attributes' ? names.slice(1) : names;
  if (name === undefined) return undefined;
  const plain = deeper.length === 0;
  switch (root) {
    case 'user':
    case 'subject':
      return plain && Object.hasOwn(IDENTITY, name) ? IDENTITY[name] : ['identity', 'attributes', name, ...deeper];
    case 'resource':
      if (plain && Object.hasOwn(RESOURCE, name)) return RESOURCE[name];
      return isClaim(name) ? ['vendor', 'claims', name, 'value', ...deeper] : ['vendor', 'attributes', name, ...deeper];
    case 'tenant':
      return plain && (name === 'key' || name === 'id') ? ['vendor', 'tenant'] : undefined;
    case 'context':
    case 'environment':
      return ['context', name, ...deeper];
    default:
      return undefined;
  }
}

const IS_AMONG: readonly string[] = ['array_contains', 'array_intersect', 'array_superset'];

/** An atom on what is always the same is decided here; one on categories looks at those that are sure, or under `not` at all that may be. */
function translate(atom: Atom): Atom | boolean {
  const [path, ref] = [atom.path.join('.'), atom.ref?.join('.')];
  if (ref === 'vendor.type' || ref === 'vendor.categories') throw unsupported(`ref to resource.${ref.slice('vendor.'.length)} is not supported`);
  if (path === 'vendor.type') {
    if (atom.ref !== undefined) throw unsupported('resource.type is compared with a value');
    return compares(atom.op, 'vendor', atom.value!, atom.negate);
  }
  if (path !== 'vendor.categories') return atom;
  if (!IS_AMONG.includes(atom.op)) throw unsupported(`${atom.op} is not supported on resource.categories: use array_contains`);
  return atom.negate === true ? atom : { ...atom, path: ['vendor', 'confirmed'] };
}

const unsupported = (message: string) => new ConditionError([{ at: [], message }]);

/** Names of the context that these read. */
export const contextNames = (alternatives: Alternatives): readonly string[] => (
  alternatives.flat().flatMap(({ path, ref }) => [path, ref ?? []]).filter(([root]) => root === 'context').map(([, name]) => name!)
);

