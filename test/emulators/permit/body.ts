import { malformed, type Mistake, type Place } from './errors.ts';

/** Reads one value; says what is wrong with it in `mistakes`, and then its result is not to be used. */
export type Shape<T> = (value: unknown, at: Place, mistakes: Mistake[]) => T;

export type Attributes = Readonly<Record<string, unknown>>;
type ReadOf<S> = { readonly [K in keyof S]: S[K] extends Shape<infer T> ? T : never };

// Facts 5: users may have dots and pipes, everything else neither.
const KEY = /^[A-Za-z0-9\-_]+$/;
const USER_KEY = /^[A-Za-z0-9|@+\-._]+$/;

function simple<T>(isIt: (value: unknown) => boolean, msg: string, type: string): Shape<T> {
  return (value, loc, mistakes) => {
    if (value === undefined || value === null) mistakes.push({ loc, msg: 'field required', type: 'value_error.missing' });
    else if (!isIt(value)) mistakes.push({ loc, msg, type });
    return value as T;
  };
}

const matching = (pattern: RegExp) => simple<string>((value) => typeof value === 'string' && pattern.test(value), `string does not match regex "${pattern.source}"`, 'value_error.str.regex');
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

export const text = simple<string>((value) => typeof value === 'string', 'str type expected', 'type_error.str');
export const flag = simple<boolean>((value) => typeof value === 'boolean', 'value could not be parsed to a boolean', 'type_error.bool');
export const attributes = simple<Attributes>(isObject, 'value is not a valid dict', 'type_error.dict');
export const key = matching(KEY);
export const userKey = matching(USER_KEY);
/** Not checked for its pattern: it may be an id or a key of something that exists. */
export const idOrKey = text;

export function oneOf<const T extends string>(values: readonly T[]): Shape<T> {
  return simple<T>((value) => values.some((known) => known === value), `value is not one of ${values.join(', ')}`, 'type_error.enum');
}

/** Absent and null are the same: undefined. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value, at, mistakes) => value === undefined || value === null ? undefined : shape(value, at, mistakes);
}

export function list<T>(shape: Shape<T>): Shape<readonly T[]> {
  return (value, loc, mistakes) => {
    if (Array.isArray(value)) return value.map((item, i) => shape(item, [...loc, i], mistakes));
    mistakes.push({ loc, msg: 'value is not a valid list', type: 'type_error.list' });
    return [];
  };
}

/** A map from legal keys. */
export function dictionary<T>(shape: Shape<T>): Shape<ReadonlyMap<string, T>> {
  return (value, at, mistakes) => {
    attributes(value, at, mistakes);
    const entries = isObject(value) ? Object.entries(value as object) : [];
    return new Map(entries.map(([name, item]) => [key(name, [...at, name], mistakes), shape(item, [...at, name], mistakes)]));
  };
}

/** Members that the shape does not name are ignored (assumed, facts 5). */
export function object<const S extends Readonly<Record<string, Shape<unknown>>>>(members: S): Shape<ReadOf<S>> {
  return (value, loc, mistakes) => {
    attributes(value, loc, mistakes);
    const from = (isObject(value) ? value : {}) as Readonly<Record<string, unknown>>;
    return Object.fromEntries(Object.entries(members).map(([name, shape]) => [name, isObject(value) ? shape(from[name], [...loc, name], mistakes) : undefined])) as ReadOf<S>;
  };
}

/** @throws {Refusal} 422 that lists every mistake. */
export function readBody<T>(body: unknown, shape: Shape<T>): T {
  const mistakes: Mistake[] = [];
  const read = shape(body, ['body'], mistakes);
  if (mistakes.length > 0) throw malformed(mistakes);
  return read;
}
