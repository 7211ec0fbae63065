import type { Scalar, ValueType } from '../../core/facts.ts';
import { MAX_DEPTH } from '../../core/parse/limits.ts';
import { fitsType } from '../yaml/checks/types.ts';
import { createResolver, type Origin, type Resolve } from './references.ts';
import { ANYTHING, both, either, type Shape } from './shape.ts';

/** A shape and what was left out of it: for the person who imports, in plain words. */
export interface ReadSchema {
  readonly shape: Shape;
  readonly losses: readonly string[];
}

const MAX_NESTING = 128;
const MAX_VISITS = 50_000;

const TYPES: ReadonlySet<unknown> = new Set<ValueType>([
  'string',
  'number',
  'integer',
  'boolean',
  'null',
  'object',
  'array',
]);

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a JSON Schema of any draft into a shape. Never throws and always ends: a reference that leads back to itself,
 * leaves the document or goes too deep is cut, with a warning; what is cut is unknown, so it is denied later.
 */
export function readSchema(root: unknown, origin?: Origin): ReadSchema {
  const losses = new Set<string>();
  const shape = read(root, {
    resolve: createResolver(root, origin),
    losses,
    budget: { left: MAX_VISITS },
    open: new Set([root]),
    depth: 0,
    nesting: 0,
  });
  return { shape: shape ?? ANYTHING, losses: [...losses] };
}

interface Place {
  readonly resolve: Resolve;
  readonly losses: Set<string>;
  readonly budget: { left: number };
  /** The schemas that are being read, by reference: to meet one again is a cycle. */
  readonly open: ReadonlySet<unknown>;
  /** Keys and list levels from the payload's root. */
  readonly depth: number;
  /** Schemas around this one. */
  readonly nesting: number;
}

// Undefined for `false`: nothing may stand here.
function read(schema: unknown, place: Place): Shape | undefined {
  if (schema === false) return undefined;
  if (!isObject(schema)) return ANYTHING;
  const cut = cutReason(place);
  if (cut !== undefined) {
    place.losses.add(cut);
    return bare(schema, place);
  }
  place.budget.left -= 1;
  const inner = { ...place, nesting: place.nesting + 1 };
  const own = readOwn(schema, inner);
  const parts = [
    ...[schema.allOf, schema.extends]
      .flat()
      .filter(isObject)
      .map((part) => read(part, inner)),
    ...references(schema, inner),
  ];
  const whole = parts.filter((part) => part !== undefined).reduce(both, own);
  const chosen = [schema.anyOf, schema.oneOf, typeSchemas(schema)]
    .map((options) => alternatives(listOf(options), inner))
    .filter((part) => part !== undefined);
  const settled = chosen.reduce(both, whole);
  return conditionals(schema)
    .map((part) => read(part, inner))
    .filter((part) => part !== undefined)
    .reduce((shape, part) => either(shape, both(shape, part)), settled);
}

function cutReason({ nesting, budget }: Place): string | undefined {
  if (nesting > MAX_NESTING) return `schemas nested deeper than ${MAX_NESTING}: not followed`;
  return budget.left > 0 ? undefined : `larger than ${MAX_VISITS} schemas: the rest is left out`;
}

function readOwn(schema: Json, place: Place): Shape {
  const properties = entriesOf(schema.properties);
  const patterns = entriesOf(schema.patternProperties).map(([, of]) => of);
  const others = [...patterns, schema.additionalProperties, schema.unevaluatedProperties].filter(isObject);
  const items = [schema.items, schema.prefixItems, schema.additionalItems, schema.unevaluatedItems]
    .flat()
    .filter(isObject);
  const filled = listOf(schema.required).length > 0 || isPositive(schema.minProperties) || isPositive(schema.minItems);
  if (place.depth === MAX_DEPTH) {
    if (properties.length + others.length + items.length > 0)
      place.losses.add(`deeper than ${MAX_DEPTH} keys: not followed`);
    return bare(schema, place);
  }
  const below = { ...place, depth: place.depth + 1 };
  const named = properties.map(([name, of]) => [name, read(of, below)] as const);
  const said = bare(schema, place);
  const implied = (
    [
      ['object', properties.length + others.length],
      ['array', items.length],
    ] as const
  ).filter(([, count]) => count > 0);
  return {
    ...said,
    types: said.types.size > 0 ? said.types : new Set(implied.map(([type]) => type)),
    properties: new Map(named.filter((entry): entry is [string, Shape] => entry[1] !== undefined)),
    dynamic: alternatives(others, below),
    // A list whose elements aren't described can have any.
    items: alternatives(items, below) ?? (said.types.has('array') ? ANYTHING : undefined),
    filled,
  };
}

// What a schema says of the value itself, without its members.
function bare(schema: Json, { losses }: Place): Shape {
  const stated = [schema.type].flat().filter((type): type is ValueType => TYPES.has(type));
  const values = Array.isArray(schema.enum) ? schema.enum : Object.hasOwn(schema, 'const') ? [schema.const] : [];
  const scalars = values.filter((value): value is Scalar | null => value === null || typeof value !== 'object');
  const closed = scalars.length > 0 && scalars.length === values.length;
  const exact = scalars.filter(
    (value) =>
      typeof value !== 'number' ||
      (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))),
  );
  if (closed && exact.length < scalars.length) losses.add('a number of an enum cannot be kept exactly: left out of it');
  if (!closed || exact.length === 0) return { ...ANYTHING, types: new Set(stated), enum: undefined };
  // A value of another type than stated is met in practice, as null is beside strings.
  const others = exact.filter((value) => !stated.some((type) => fitsType(value, type))).map(typeOf);
  return { ...ANYTHING, types: new Set([...stated, ...others]), enum: exact };
}

const typeOf = (value: Scalar | null) => (value === null ? 'null' : (typeof value as 'string' | 'number' | 'boolean'));

// Draft 3 has schemas among the types.
function typeSchemas(schema: Json): readonly unknown[] {
  const types = [schema.type].flat();
  return types.some(isObject) ? types.map((type) => (isObject(type) ? type : { type })) : [];
}

// Undefined when there are none, or none is possible.
function alternatives(options: readonly unknown[], place: Place): Shape | undefined {
  const shapes = options.map((option) => read(option, place)).filter((shape) => shape !== undefined);
  return shapes.reduce<Shape | undefined>((all, next) => (all ? either(all, next) : next), undefined);
}

// Parts that hold only sometimes: what they name may be there.
const conditionals = (schema: Json): readonly unknown[] =>
  [
    schema.then,
    schema.else,
    ...[...entriesOf(schema.dependentSchemas), ...entriesOf(schema.dependencies)].map(([, part]) => part),
  ].filter(isObject);

// All keywords by which a schema names another one.
function references(schema: Json, place: Place): readonly (Shape | undefined)[] {
  return [schema.$ref, schema.$dynamicRef, schema.$recursiveRef]
    .filter((ref) => typeof ref === 'string')
    .map((ref) => reference(ref, schema, place));
}

function reference(ref: string, from: Json, place: Place): Shape | undefined {
  const target = place.resolve(ref, from);
  if (target === undefined) {
    place.losses.add(`reference ${JSON.stringify(ref.slice(0, 200))} leads nowhere in what is imported: not followed`);
    return ANYTHING;
  }
  if (place.open.has(target)) {
    place.losses.add(`reference ${JSON.stringify(ref.slice(0, 200))} leads back to itself: followed once`);
    return isObject(target) ? bare(target, place) : ANYTHING;
  }
  return read(target, { ...place, open: new Set([...place.open, target]) });
}

const isPositive = (value: unknown) => typeof value === 'number' && value > 0;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const entriesOf = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : []);
