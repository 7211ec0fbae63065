import { SluiceError } from '../errors.ts';
import type { FieldFact, Scalar, ValueType } from '../facts.ts';
import { MAX_DEPTH, MAX_LEAVES } from './limits.ts';
import { compareExactly, isWhole, NumberText, type PayloadNumber } from './numbers.ts';
import { joinPath, splitPath } from './paths.ts';
import { tooManyValues } from './read-json.ts';
import type { PayloadLeaf } from '../question.ts';
import { findSecrets } from './secrets.ts';

export const MAX_FIELDS = 1000;
export const MAX_PATH_BYTES = 512;
/** All paths of a question together. */
export const MAX_PATHS_BYTES = 32 * 1024;

/** What is wrong with a value, or in a key, at `path`. Never holds the value. */
export interface PayloadFinding {
  readonly path: string;
  readonly code: 'value_not_in_enum' | 'free_text' | 'unknown_field' | 'secret_detected';
  /** With `secret_detected`: the detector's name. */
  readonly detector?: string;
}

interface Walk {
  readonly leaves: PayloadLeaf[];
  readonly paths: Paths;
  /** The first thing that makes the payload invalid. Thrown at the end, since too large comes before it (J33). */
  problem: string | undefined;
}

/**
 * The leaves of a payload in its order (J22): scalars, and null, `{}` and `[]` at their key. Elements of a list share a
 * path; each of their values is a leaf of its own. The payload is the second of the question's 32 levels.
 *
 * @throws {SluiceError} `too_large` over 1,000 paths, 32 KiB of paths or 10,000 leaves; `request_invalid` for `{}`, a
 * path over 512 bytes, too many levels, a key with a lone surrogate, and whatever JSON can't hold (undefined, NaN, a Date, …).
 */
export function flatten(payload: object): readonly PayloadLeaf[] {
  const walk: Walk = { leaves: [], paths: countPaths(), problem: undefined };
  if (!isPlain(payload)) throw new SluiceError('request_invalid', 'payload must be an object');
  visitMembers(payload, undefined, 2, walk);
  if (walk.paths.tooLong) walk.problem ??= `a path of more than ${MAX_PATH_BYTES} bytes`;
  if (walk.problem !== undefined) throw new SluiceError('request_invalid', `payload: ${walk.problem}`);
  if (walk.leaves.length === 0) throw new SluiceError('request_invalid', 'payload must not be empty');
  return walk.leaves;
}

// Not a class instance, whose serialised form is another than its members; in another realm a prototype is another one.
function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  if (Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function visitMembers(members: Readonly<Record<string, unknown>>, path: string | undefined, depth: number, walk: Walk): void {
  for (const key of Object.keys(members)) {
    if (!key.isWellFormed()) walk.problem ??= 'a key has a lone surrogate';
    visit(members[key], joinPath(path, key), depth, walk);
  }
}

/** @param depth levels around `value`. */
function visit(value: unknown, path: string, depth: number, walk: Walk): void {
  if (value instanceof NumberText) return addLeaf({ path, value, kind: 'number' }, walk);
  if (typeof value === 'object' && value !== null) return visitContainer(value, path, depth, walk);
  walk.problem ??= problemOf(value);
  addLeaf({ path, value: value as PayloadLeaf['value'], kind: value === null ? 'null' : typeof value as PayloadLeaf['kind'] }, walk);
}

function problemOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'a number is not finite';
  return value === null || typeof value === 'boolean' || typeof value === 'string' ? undefined : 'a value is not JSON';
}

function visitContainer(value: object, path: string, depth: number, walk: Walk): void {
  if (depth === MAX_DEPTH) {
    walk.problem ??= `more than ${MAX_DEPTH} levels, the question's own included`;
  } else if (Array.isArray(value)) {
    if (value.length === 0) addLeaf({ path, value: 'array', kind: 'array' }, walk);
    // Not forEach: it passes over holes, which are no JSON.
    for (const element of value) visit(element, `${path}[]`, depth + 1, walk);
  } else if (isPlain(value)) {
    if (Object.keys(value).length === 0) addLeaf({ path, value: 'object', kind: 'object' }, walk);
    visitMembers(value, path, depth + 1, walk);
  } else {
    walk.problem ??= 'a value is not JSON';
  }
}

function addLeaf(leaf: PayloadLeaf, walk: Walk): void {
  if (walk.leaves.push(leaf) > MAX_LEAVES) throw tooManyValues();
  walk.paths.add(leaf.path);
}

/** The distinct paths of a question, counted as they come: a long one is not kept ten thousand times before it is refused. */
export interface Paths {
  /** False for one that was there already. @throws {SluiceError} `too_large` over 1,000 paths or 32 KiB together (J32). */
  add(path: string): boolean;
  /** Whether a path has over 512 bytes. */
  readonly tooLong: boolean;
}

export function countPaths(): Paths {
  const met = new Set<string>();
  // To measure a path costs more than all the rest here: until it matters, three bytes a UTF-16 unit, which is the most.
  let bytes = 0;
  let exact = false;
  let tooLong = false;
  return {
    add(path) {
      const before = met.size;
      if (met.add(path).size === before) return false;
      if (met.size > MAX_FIELDS) throw new SluiceError('too_large', `more than ${MAX_FIELDS} fields`);
      if (path.length * 3 > MAX_PATH_BYTES && Buffer.byteLength(path) > MAX_PATH_BYTES) tooLong = true;
      bytes += exact ? Buffer.byteLength(path) : path.length * 3;
      if (bytes > MAX_PATHS_BYTES && !exact) {
        exact = true;
        bytes = [...met].reduce((sum, one) => sum + Buffer.byteLength(one), 0);
      }
      if (bytes > MAX_PATHS_BYTES) throw new SluiceError('too_large', `the paths have more than ${MAX_PATHS_BYTES} bytes together`);
      return true;
    },
    get tooLong() { return tooLong; },
  };
}

interface Declared extends Pick<FieldFact, 'types' | 'enum' | 'nullable'> {
  /** Something is declared below the path too: an object or a list is no new type there. */
  readonly isContainer?: boolean;
}

/**
 * Compares the leaves with what is declared of their paths, and looks for secrets in every string and key, declared or
 * not. That a path is not declared at all is no finding. Each (path, code, detector) once.
 */
export function inspect(leaves: readonly PayloadLeaf[], lookup: (path: string) => Declared | undefined): readonly PayloadFinding[] {
  const found = secretsIn(leaves).slice();
  const met = new Map<string, { readonly declared: Declared | undefined; readonly codes: Set<string> }>();
  for (const leaf of leaves) {
    const { path } = leaf;
    let field = met.get(path);
    if (field === undefined) met.set(path, field = { declared: lookup(path), codes: new Set() });
    const code = field.declared && compare(leaf, field.declared);
    if (code === undefined || field.codes.has(code)) continue;
    field.codes.add(code);
    found.push({ path, code });
  }
  return found;
}

function compare(leaf: PayloadLeaf, { types = [], enum: allowed, nullable, isContainer = false }: Declared): PayloadFinding['code'] | undefined {
  if (leaf.value === null) return nullable === false ? 'unknown_field' : undefined;
  if (isContainer && (leaf.kind === 'object' || leaf.kind === 'array')) return undefined;
  if (allowed !== undefined && !isListed(leaf, allowed, types)) return 'value_not_in_enum';
  if (types.length === 0 || types.some((type) => fits(type, leaf))) return undefined;
  return leaf.kind === 'string' && isText(String(leaf.value)) ? 'free_text' : 'unknown_field';
}

// An enum speaks of scalars; whether {} or [] may stand here is for the types to say.
function isListed({ value, kind }: PayloadLeaf, allowed: readonly (Scalar | null)[], types: readonly ValueType[]): boolean {
  if (kind === 'object' || kind === 'array') return types.length > 0;
  if (kind !== 'number') return allowed.includes(value as Scalar | null);
  return allowed.some((one) => typeof one === 'number' && compareExactly(value as PayloadNumber, one) === 0);
}

function fits(type: ValueType, { kind, value }: PayloadLeaf): boolean {
  return type === kind || (type === 'integer' && kind === 'number' && isWhole(value as PayloadNumber));
}

/** What a person may have typed: three words, or something long with a space in it. */
function isText(value: string): boolean {
  return /\S\s+\S+\s+\S/.test(value) || (value.length > 64 && /\s/.test(value.trim()));
}

// The items of a batch may share the leaves of its defaults; they are searched once.
const searched = new WeakMap<readonly PayloadLeaf[], readonly PayloadFinding[]>();

function secretsIn(leaves: readonly PayloadLeaf[]): readonly PayloadFinding[] {
  const before = searched.get(leaves);
  if (before !== undefined) return before;
  const detectors = new Map<string, Set<string>>();
  for (const { path, value, kind } of leaves) {
    // A key's escapes are no hindrance: the search takes backslashes out.
    let ofPath = detectors.get(path);
    if (ofPath === undefined) detectors.set(path, ofPath = new Set(splitPath(path).flatMap((key) => findSecrets(key))));
    if (kind === 'string') for (const name of findSecrets(String(value))) ofPath.add(name);
  }
  const found = [...detectors].flatMap(([path, names]) => [...names].map((detector): PayloadFinding => ({ path, code: 'secret_detected', detector })));
  searched.set(leaves, found);
  return found;
}
