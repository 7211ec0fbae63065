import type { Alternatives, Atom, Json } from '../facts.ts';
import { compares, isObject, OPERATORS } from './operators.ts';
import { didYouMean } from '../suggest.ts';

const MAX_ALTERNATIVES = 256;
const MAX_ATOMS = 1024;
const MAX_DEPTH = 32;

export type { Alternatives };

/** A mistake in a condition: `at` leads to a value from the condition; with `key` it is the key of that value that is wrong. */
export interface ConditionMistake {
  readonly at: readonly (string | number)[];
  readonly key?: 'key';
  readonly message: string;
}

/** A condition that can't be compiled, with all its mistakes. Whoever goes on without it must hold it for never met. */
export class ConditionError extends Error {
  override readonly name = 'ConditionError';
  readonly mistakes: readonly ConditionMistake[];
  constructor(mistakes: readonly ConditionMistake[]) {
    super(mistakes.map(({ message }) => message).join('; '));
    this.mistakes = mistakes;
  }
}

/** Why an attribute, by its path in the Rego input, may not be read; undefined: it may. */
export type Objection = (path: readonly string[]) => string | undefined;

export type PathOf = (attribute: string) => readonly string[] | undefined;

/**
 * Compiles a condition to alternatives of flat atoms: at most 256 with 1,024 atoms together, from at most 32 levels.
 * `not` moves into the atoms, so an atom on a missing attribute, or on one of another type, holds neither way.
 * Grammar (facts/permit.md section 6): `allOf|and`, `anyOf|or`, `not`, `{attribute: {operator: value}}`,
 * `{attribute: {or: […]}}`; a value may be another attribute: `{ref: "user.key"}`.
 *
 * @param pathOf where an attribute stands in the Rego input; undefined: nothing of that name does.
 * @throws {ConditionError} over a bound, and for an operator, attribute or operand that makes no sense.
 */
export function compileCondition(condition: Json, objection: Objection = () => undefined, pathOf: PathOf = ownPath): Alternatives {
  const mistakes: ConditionMistake[] = [];
  const compiled = compile(condition, { negate: false, at: [], depth: 0, mistakes, objection, pathOf });
  if (mistakes.length > 0) throw new ConditionError(mistakes);
  return compiled;
}

interface Place {
  readonly negate: boolean;
  readonly at: readonly (string | number)[];
  /** Levels of conditions above. */
  readonly depth: number;
  /** The attribute that stands around, as in `{attribute: {or: […]}}`. */
  readonly attribute?: string;
  readonly mistakes: ConditionMistake[];
  readonly objection: Objection;
  readonly pathOf: PathOf;
}

const NEVER: Alternatives = [];

function mistake({ mistakes, at }: Place, message: string, key?: 'key'): Alternatives {
  mistakes.push({ at, message, ...(key && { key }) });
  return NEVER;
}

function compile(condition: Json, place: Place): Alternatives {
  if (place.depth >= MAX_DEPTH) return mistake(place, `a condition may have ${MAX_DEPTH} levels`);
  if (!isObject(condition)) return mistake(place, 'a condition is a map: { attribute: { operator: value } }');
  const members = Object.entries(condition);
  if (members.length === 0) return mistake(place, 'a condition is empty');
  return all(members.map(([key, value]) => member(key, value, { ...place, at: [...place.at, key], depth: place.depth + 1 })), place);
}

function member(key: string, value: Json, place: Place): Alternatives {
  switch (key) {
    case 'allOf':
    case 'and':
      return all(parts(value, place), place);
    case 'anyOf':
    case 'or':
      return any(parts(value, place), place);
    case 'not': // of a list it could mean that none is met, or not all: the grammar doesn't say
      if (Array.isArray(value)) return mistake(place, 'not takes one condition: put the list under allOf or anyOf');
      return compile(value, { ...place, negate: !place.negate });
    default:
      return place.attribute === undefined ? compile(value, { ...place, attribute: key }) : atom(place.attribute, key, value, place);
  }
}

function parts(list: Json, place: Place): readonly Alternatives[] {
  if (!Array.isArray(list) || list.length === 0) return [mistake(place, 'allOf, anyOf, and, or take a list that is not empty')];
  return list.map((part: Json, index) => compile(part, { ...place, at: [...place.at, index] }));
}

// Under `not`, all becomes any of the negated, and the other way round.
const all = (compiled: readonly Alternatives[], place: Place) => (place.negate ? sum(compiled, place) : product(compiled, place));
const any = (compiled: readonly Alternatives[], place: Place) => (place.negate ? product(compiled, place) : sum(compiled, place));

const sum = (compiled: readonly Alternatives[], place: Place): Alternatives => bounded(compiled.flat(), place);

function product(compiled: readonly Alternatives[], place: Place): Alternatives {
  return compiled.reduce<Alternatives>((before, part) => {
    if (before.length * part.length > MAX_ALTERNATIVES) return tooLarge(place);
    return bounded(before.flatMap((left) => part.map((right) => [...left, ...right])), place);
  }, [[]]);
}

function bounded(compiled: Alternatives, place: Place): Alternatives {
  const atoms = compiled.reduce((count, alternative) => count + alternative.length, 0);
  return compiled.length > MAX_ALTERNATIVES || atoms > MAX_ATOMS ? tooLarge(place) : compiled;
}

const tooLarge = (place: Place) => mistake(place, `a condition may come to ${MAX_ALTERNATIVES} alternatives and ${MAX_ATOMS} atoms, written out: split it over several grants`);

function atom(attribute: string, op: string, value: Json, place: Place): Alternatives {
  const operator = OPERATORS.get(op);
  if (operator === undefined) return mistake(place, `${op} is no operator${didYouMean(op, OPERATORS.keys())}: there are ${[...OPERATORS.keys()].join(', ')}`, 'key');
  const above = { ...place, at: place.at.slice(0, -1) };
  const left = resolve(attribute, above, 'key');
  const ref = isObject(value) && Object.keys(value).join() === 'ref' ? value['ref'] : undefined;
  if (ref === undefined) {
    // An operand that never fits makes an atom that never holds: somebody meant something else.
    if (!operator.accepts(value)) return mistake(place, `${op} takes ${operator.takes}`);
    return [[{ path: left, op, value, ...(place.negate && { negate: true }) }]];
  }
  if (typeof ref !== 'string') return mistake(place, 'ref names an attribute, as in { ref: user.key }');
  return [[{ path: left, op, ref: resolve(ref, place), ...(place.negate && { negate: true }) }]];
}

// What stands in the input under its own name; any other name is an attribute of the identity, of its context, or a claim.
const NAMED: readonly string[] = [
  'channel', 'dataSubject.region', 'environment.id', 'environment.tier', 'event.id', 'event.kind', 'identity.id', 'identity.roles',
  'identity.type', 'purpose.id', 'vendor.categories', 'vendor.id', 'vendor.party', 'vendor.regions', 'vendor.state',
];
// Permit's words for ours. `user.type` is an attribute that someone gave to users, not the type of the identity.
const ALIASES: Readonly<Record<string, string>> = {
  'user.key': 'identity.id', 'user.id': 'identity.id', 'user.roles': 'identity.roles',
  'subject.key': 'identity.id', 'subject.id': 'identity.id', 'subject.roles': 'identity.roles',
  'resource.key': 'vendor.id', 'resource.id': 'vendor.id', 'identity.key': 'identity.id', 'vendor.key': 'vendor.id',
};
const ROOTS: Readonly<Record<string, string>> = { user: 'identity', subject: 'identity', resource: 'vendor' };
const RESERVED: ReadonlySet<string> = new Set(['', '__proto__', 'constructor', 'prototype']);

/** Where an attribute stands in the Rego input. */
function resolve(attribute: string, place: Place, key?: 'key'): readonly string[] {
  const path = place.pathOf(attribute);
  const objection = path === undefined || path.some((step) => RESERVED.has(step))
    ? `${attribute} is nothing that a condition reads${didYouMean(attribute, NAMED)}: that is attributes of identity (user, subject), vendor (resource) and context, and ${NAMED.join(', ')}`
    : place.objection(path);
  if (objection !== undefined) mistake(place, objection, key);
  return path ?? [];
}

function ownPath(attribute: string): readonly string[] | undefined {
  const name = Object.hasOwn(ALIASES, attribute) ? ALIASES[attribute]! : attribute;
  return NAMED.includes(name) ? name.split('.') : attributePath(name.split('.'));
}

function attributePath([first = '', ...names]: readonly string[]): readonly string[] | undefined {
  const root = Object.hasOwn(ROOTS, first) ? ROOTS[first]! : first;
  const rest = names[0] === 'attributes' ? names.slice(1) : names;
  if (rest[0] === undefined) return undefined;
  if (root === 'identity') return ['identity', 'attributes', ...rest];
  if (root === 'context' || root === 'environment') return ['context', ...rest];
  if (root !== 'vendor') return undefined;
  const [claim, part = 'value', ...deeper] = rest[0] === 'claims' ? rest.slice(1) : [rest[0], 'value', ...rest.slice(1)];
  return claim !== undefined && (part === 'state' || part === 'value') ? ['vendor', 'claims', claim, part, ...deeper] : undefined;
}

/** What authors call the attribute that stands there in the Rego input. */
export function nameOfPath([root, part = '', name = '', ...rest]: readonly string[]): string {
  const plain = [root, part, ...(name === '' ? [] : [name]), ...rest].filter((step) => step !== '').join('.');
  if (root === 'identity' && part === 'attributes')
    return NAMED.includes(`identity.${name}`) ? plain : ['identity', name, ...rest].join('.');
  if (root === 'vendor' && part === 'attributes') return ['vendor', name, ...rest].join('.');
  if (root === 'vendor' && part === 'claims')
    return rest[0] === 'value' ? ['vendor.claims', name, ...rest.slice(1)].join('.') : plain;
  return plain === 'vendor.confirmed' ? 'vendor.categories' : plain;
}

/**
 * Whether some alternative has only atoms that hold on this Rego input: what conditions.rego must give as well. An atom on
 * an attribute that is missing, null, or of a type that does not fit its operator never holds, negated or not.
 */
export function holds(alternatives: Alternatives, input: Json): boolean {
  return alternatives.some((atoms) => atoms.every((one) => holdsAtom(one, input)));
}

function holdsAtom({ path, op, value, ref, negate }: Atom, input: Json): boolean {
  const left = read(path, input);
  const right = ref === undefined ? value : read(ref, input);
  return left !== undefined && right !== undefined && compares(op, left, right, negate);
}

function read(path: readonly string[], input: Json): Json | undefined {
  const found = path.reduce<Json | undefined>((value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined), input);
  return found ?? undefined;
}
