import type { Atom, Json } from './facts.ts';

/** The operators of Permit.io's condition grammar; rego/egress/rules/conditions.rego evaluates them. */
export const OPERATORS = [
  'equals', 'not-equals', 'less-than', 'greater-than', 'less-than-equals', 'greater-than-equals', 'contains', 'in', 'between',
  'array_contains', 'array_subset', 'array_superset', 'array_intersect', 'object_match', 'any_match', 'all_match',
] as const;

const MAX_ATOMS = 1024;
const MAX_DEPTH = 32;

/** Alternatives of atoms: met when all atoms of one alternative hold. */
export type Alternatives = readonly (readonly Atom[])[];

/** A condition that can't be compiled; it is never met. */
export class ConditionError extends Error {
  override readonly name = 'ConditionError';
}

/**
 * Compiles a condition to alternatives of flat atoms: at most 1,024 atoms, 32 levels. `not` moves into the atoms.
 * Grammar: facts on Permit.io's condition sets: `allOf|and`, `anyOf|or`, `not`, `{attribute: {operator: value}}`.
 *
 * @throws {ConditionError} over a bound, and for an unknown operator or attribute.
 */
export function compileCondition(condition: Json): Alternatives {
  return compile(condition, { negate: false, depth: 0 });
}

interface Place {
  readonly negate: boolean;
  readonly depth: number;
  /** The attribute that stands around, as in `{attribute: {or: […]}}`. */
  readonly attribute?: string;
}

function compile(condition: Json, place: Place): Alternatives {
  if (place.depth > MAX_DEPTH) throw new ConditionError(`a condition may have ${MAX_DEPTH} levels`);
  const members = Object.entries(object(condition));
  if (members.length === 0) throw new ConditionError('a condition is empty');
  return all(members.map(([key, value]) => member(key, value, { ...place, depth: place.depth + 1 })), place.negate);
}

function member(key: string, value: Json, place: Place): Alternatives {
  if (key === 'allOf' || key === 'and') return all(list(value).map((part) => compile(part, place)), place.negate);
  if (key === 'anyOf' || key === 'or') return any(list(value).map((part) => compile(part, place)), place.negate);
  if (key === 'not') return any((Array.isArray(value) ? value : [value]).map((part: Json) => compile(part, { ...place, negate: !place.negate })), place.negate);
  if (place.attribute === undefined) return compile(value, { ...place, attribute: key });
  return [[atom(place.attribute, key, value, place.negate)]];
}

// Under `not`, all becomes any of the negated, and the other way round.
const all = (parts: readonly Alternatives[], negate: boolean): Alternatives => (negate ? parts.flat() : product(parts));
const any = (parts: readonly Alternatives[], negate: boolean): Alternatives => (negate ? product(parts) : parts.flat());

function product(parts: readonly Alternatives[]): Alternatives {
  return parts.reduce<Alternatives>((before, part) => {
    if (before.length * part.length > MAX_ATOMS) throw new ConditionError(`a condition may have ${MAX_ATOMS} atoms`);
    const combined = before.flatMap((left) => part.map((right) => [...left, ...right]));
    if (combined.reduce((sum, atoms) => sum + atoms.length, 0) > MAX_ATOMS) throw new ConditionError(`a condition may have ${MAX_ATOMS} atoms`);
    return combined;
  }, [[]]);
}

function atom(attribute: string, op: string, value: Json, negate: boolean): Atom {
  if (!OPERATORS.some((known) => known === op)) throw new ConditionError(`${op} is no operator; there are ${OPERATORS.join(', ')}`);
  const ref = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).join() === 'ref' ? (value as { ref: Json }).ref : undefined;
  return {
    path: resolve(attribute),
    op,
    ...(typeof ref === 'string' ? { ref: resolve(ref) } : { value }),
    ...(negate && { negate: true as const }),
  };
}

const INPUT_NAMES: Readonly<Record<string, readonly string[]>> = {
  'environment.id': ['environment', 'id'], 'environment.tier': ['environment', 'tier'], 'purpose.id': ['purpose', 'id'],
  'event.id': ['event', 'id'], 'event.kind': ['event', 'kind'], 'dataSubject.region': ['dataSubject', 'region'],
  channel: ['channel'], 'identity.type': ['identity', 'type'], 'vendor.state': ['vendor', 'state'],
};

const ROOTS: Readonly<Record<string, (first: string, rest: readonly string[]) => readonly string[]>> = {
  identity: identityPath, user: identityPath, subject: identityPath, vendor: vendorPath, resource: vendorPath,
  context: (_, rest) => ['context', ...rest], environment: (_, rest) => ['context', ...rest],
};

/** Where an attribute stands in the Rego input. */
function resolve(attribute: string): readonly string[] {
  if (Object.hasOwn(INPUT_NAMES, attribute)) return INPUT_NAMES[attribute]!;
  const [root = '', ...names] = attribute.split('.');
  const rest = names[0] === 'attributes' ? names.slice(1) : names;
  const [first] = rest;
  if (first === undefined || first === '') throw new ConditionError(`${attribute} names no attribute`);
  if (!Object.hasOwn(ROOTS, root)) throw new ConditionError(`${attribute}: a condition reads identity (user, subject), vendor (resource), context, environment.id, purpose.id, event.id, event.kind, channel or dataSubject.region`);
  return ROOTS[root]!(first, rest);
}

function identityPath(first: string, rest: readonly string[]): readonly string[] {
  return first === 'key' || first === 'id' ? ['identity', 'id'] : ['identity', 'attributes', ...rest];
}

function vendorPath(first: string, rest: readonly string[]): readonly string[] {
  if (first === 'key' || first === 'id') return ['vendor', 'id'];
  if (first === 'categories' || first === 'party' || first === 'regions') return ['vendor', first];
  if (first === 'claims') return ['vendor', 'claims', ...rest.slice(1)];
  return ['vendor', 'claims', first, 'value', ...rest.slice(1)];
}

function object(value: Json): Readonly<Record<string, Json>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, Json>>;
  throw new ConditionError('a condition is an object');
}

function list(value: Json): readonly Json[] {
  if (Array.isArray(value) && value.length > 0) return value as readonly Json[];
  throw new ConditionError('allOf, anyOf, and, or take a list that is not empty');
}
