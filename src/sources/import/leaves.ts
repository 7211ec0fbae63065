import type { Scalar, ValueType } from '../../core/facts.ts';
import { escapeKey } from '../../core/parse/paths.ts';
import { MAX_PATH_BYTES } from '../../core/parse/payload.ts';
import { either, type Shape } from './shape.ts';

/** A path at which a payload may have a leaf (J22). */
export interface ImportedField {
  readonly path: string;
  /** Empty: nothing is said. */
  readonly types: readonly ValueType[];
  readonly enum?: readonly (Scalar | null)[];
}

interface Leaves {
  readonly fields: readonly ImportedField[];
  readonly losses: readonly string[];
  readonly notes: readonly string[];
}

const MAX_FIELDS = 10_000;

/**
 * All leaves of a payload of this shape: null, `{}` and `[]` are leaves at their key, so an object or a list is one
 * too where it may be null or empty. An object of which no member is known is a leaf of type object. Paths that no
 * question can name are left out, and said. A list at the root stands for its elements.
 */
export function leavesOf(root: Shape): Leaves {
  const fields: ImportedField[] = [];
  const losses = new Set<string>();
  const notes =
    root.items === undefined ? [] : ['a list at the root: imported as its elements, since a payload is an object'];
  for (const field of membersOf(root.items ? either(root, root.items) : root, '')) {
    const flaw =
      fields.length === MAX_FIELDS ? `more than ${MAX_FIELDS} fields: the rest is left out` : flawOf(field.path);
    if (flaw === undefined) fields.push(field);
    else losses.add(flaw);
    if (fields.length === MAX_FIELDS && flaw !== undefined) break;
  }
  return { fields, losses: [...losses], notes };
}

function flawOf(path: string): string | undefined {
  if (path === '' || path === '__proto__')
    return `a key ${JSON.stringify(path)} at the root: left out, since no question can name it`;
  if (!path.isWellFormed()) return 'keys that are no Unicode text: left out, since no question can name them';
  return Buffer.byteLength(path) > MAX_PATH_BYTES ? `paths over ${MAX_PATH_BYTES} bytes: left out` : undefined;
}

// `prefix` is empty or ends with a dot.
function* membersOf(shape: Shape, prefix: string): Iterable<ImportedField> {
  for (const [key, member] of shape.properties) yield* leaves(member, prefix + escapeKey(key));
  if (shape.dynamic !== undefined) yield* leaves(shape.dynamic, `${prefix}*`);
}

function* leaves(shape: Shape, path: string): Iterable<ImportedField> {
  const { types } = shape;
  const own = [...types].filter((type) => isLeaf(type, shape));
  if (own.length > 0 || types.size === 0)
    yield { path, types: own, ...(hasScalar(own) && shape.enum && { enum: shape.enum }) };
  yield* membersOf(shape, `${path}.`);
  if (shape.items !== undefined) yield* leaves(shape.items, `${path}[]`);
}

// An object without known members has nothing else to classify.
function isLeaf(type: ValueType, { properties, dynamic, filled }: Shape): boolean {
  if (type === 'array') return !filled;
  if (type === 'object') return !filled || (properties.size === 0 && dynamic === undefined);
  return true;
}

const hasScalar = (types: readonly ValueType[]) => types.some((type) => type !== 'object' && type !== 'array');
