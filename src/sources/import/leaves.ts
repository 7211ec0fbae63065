import type { Scalar, ValueType } from '../../core/facts.ts';
import { escapeKey } from '../../core/paths.ts';
import type { Shape } from './shape.ts';

/** A path at which a payload may have a leaf (J22). */
export interface ImportedField {
  readonly path: string;
  /** Empty: nothing is said. */
  readonly types: readonly ValueType[];
  readonly enum?: readonly (Scalar | null)[];
}

/** Longer paths can't be asked about (J32). */
const MAX_PATH_BYTES = 512;
const MAX_FIELDS = 10_000;

/**
 * All leaves of a payload of this shape: null, `{}` and `[]` are leaves at their key, so an object or a list is one
 * too where it may be null or empty. An object of which no member is known is a leaf of type object.
 */
export function leavesOf(root: Shape): { readonly fields: readonly ImportedField[]; readonly warnings: readonly string[] } {
  const fields = new Map<string, ImportedField>();
  const warnings = new Set<string>();
  if (root.items !== undefined) warnings.add('a list at the root: left out, since a payload is an object');
  for (const field of membersOf(root, '')) {
    if (Buffer.byteLength(field.path) > MAX_PATH_BYTES) warnings.add(`paths over ${MAX_PATH_BYTES} bytes: left out`);
    else if (fields.size < MAX_FIELDS) fields.set(field.path, field);
    else {
      warnings.add(`more than ${MAX_FIELDS} fields: the rest is left out`);
      break;
    }
  }
  return { fields: [...fields.values()], warnings: [...warnings] };
}

// `prefix` is empty or ends with a dot.
function* membersOf(shape: Shape, prefix: string): Iterable<ImportedField> {
  for (const [key, member] of shape.properties) yield* leaves(member, prefix + escapeKey(key));
  if (shape.dynamic !== undefined) yield* leaves(shape.dynamic, `${prefix}*`);
}

function* leaves(shape: Shape, path: string): Iterable<ImportedField> {
  const types = shape.types.size > 0 ? shape.types : impliedTypes(shape);
  const own = [...types].filter((type) => isLeaf(type, shape));
  if (own.length > 0 || types.size === 0) yield { path, types: own, ...(hasScalar(own) && shape.enum && { enum: shape.enum }) };
  yield* membersOf(shape, `${path}.`);
  if (shape.items !== undefined) yield* leaves(shape.items, `${path}[]`);
  else if (types.has('array')) yield { path: `${path}[]`, types: [] };
}

// A list whose members are not described can still have some; of such an object no member is known.
function isLeaf(type: ValueType, { properties, dynamic, filled }: Shape): boolean {
  if (type === 'array') return !filled;
  if (type === 'object') return !filled || (properties.size === 0 && dynamic === undefined);
  return true;
}

function impliedTypes({ properties, dynamic, items, enum: values }: Shape): ReadonlySet<ValueType> {
  const types = new Set<ValueType>((values ?? []).map(typeOf));
  if (properties.size > 0 || dynamic !== undefined) types.add('object');
  if (items !== undefined) types.add('array');
  return types;
}

function typeOf(value: Scalar | null): ValueType {
  if (value === null) return 'null';
  return typeof value as 'string' | 'number' | 'boolean';
}

const hasScalar = (types: readonly ValueType[]) => types.some((type) => type !== 'object' && type !== 'array');
