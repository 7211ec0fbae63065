import { MAX_DEPTH, MAX_LEAVES } from './limits.ts';
import { joinPath } from './paths.ts';
import { withoutSecrets } from './secrets.ts';

/** A question as JSON holds it, or why it can't be one: where, what stands there, and what to write instead. */
export type Plain = { readonly value: unknown; readonly mostBytes: number } | { readonly problem: string };

/** Outside of the payload a question has far fewer. */
const MAX_VALUES = 2 * MAX_LEAVES;
/** Of a path in a message: a key may be of any length. */
const SHOWN = 200;

/**
 * A copy of a question that says in JSON what the question says in JavaScript. What JSON would change or leave out
 * without a word is a problem instead: what is asked about must be what is sent. So nothing that has its own way to be
 * written (a Date, whatever has `toJSON`), nothing that would come out empty (a Map, a Set, an Error, a Promise), no
 * bytes, NaN or Infinity, BigInt, function or symbol, no getter, hidden member, symbol key or hole, no circle. Outside
 * of the payload undefined stands for absent. Each member is read once, so that what is checked is what is copied. -0 is
 * 0.
 *
 * Never throws. `mostBytes`: the JSON text has no more.
 */
export function toPlain(question: unknown): Plain {
  const copying: Copying = { around: [], values: 0, mostBytes: 0 };
  try {
    return { value: copy(question, undefined, copying), mostBytes: copying.mostBytes };
  } catch (error) {
    return { problem: error instanceof Problem ? error.message : 'the question can not be read' };
  }
}

interface Copying {
  /** The objects and lists around what is being copied, the outermost first. */
  readonly around: object[];
  /** Empty objects and lists are some too. */
  values: number;
  mostBytes: number;
}

class Problem extends Error {
  constructor(at: string | undefined, what: string) {
    super(`${at === undefined ? 'the question' : shown(at)} ${what}`);
  }
}

const shown = (path: string) => withoutSecrets(path).replace(/[^\x20-\x7e…]/g, '?').slice(0, SHOWN);

/** @param at its path from the question; undefined is the question itself. */
function copy(value: unknown, at: string | undefined, copying: Copying): unknown {
  if (typeof value === 'object' && value !== null) return copyContainer(value, at, copying);
  count(copying);
  // A unit of a string takes six bytes at most, as \u0000 does.
  copying.mostBytes += typeof value === 'string' ? 6 * value.length + 3 : 32;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value !== 'number') throw new Problem(at, WRONG[typeof value as keyof typeof WRONG]);
  if (!Number.isFinite(value)) {
    throw new Problem(at, 'is no finite number, and JSON writes null: write null, or leave it out');
  }
  return value === 0 ? 0 : value;
}

function count(copying: Copying): void {
  copying.values += 1;
  if (copying.values > MAX_VALUES) throw new Problem(undefined, 'has more values than it may: ask in parts');
}

const WRONG = {
  bigint: 'is a BigInt, which JSON does not know: write it as a string',
  function: 'is a function, which JSON leaves out: leave it out',
  symbol: 'is a symbol, which JSON leaves out: leave it out',
  undefined: 'is undefined, which JSON leaves out or writes as null: leave it out, or write null',
} as const;

function copyContainer(value: object, at: string | undefined, copying: Copying): unknown {
  const { around } = copying;
  if (around.includes(value)) throw new Problem(at, 'is what it stands in, without end: write what is meant, once');
  if (around.length === MAX_DEPTH) {
    throw new Problem(at, `has more than ${MAX_DEPTH} levels around it: send less of it`);
  }
  const isList = Array.isArray(value);
  refuseOther(value, isList, at);
  copying.mostBytes += 4;
  around.push(value);
  const before = copying.values;
  const copied = isList ? copyList(value, at ?? '', copying) : copyMembers(value, at, copying);
  if (copying.values === before) count(copying);
  around.pop();
  return copied;
}

/** What isn't made of its members alone. */
function refuseOther(value: object, isList: boolean, at: string | undefined): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = isList ? isListPrototype(prototype) : prototype === null || isObjectPrototype(prototype);
  if (!isPlain) throw new Problem(at, kindOf(value));
  if (typeof (value as { readonly toJSON?: unknown }).toJSON === 'function') {
    throw new Problem(at, 'has a toJSON, by which JSON writes something else: write what it gives');
  }
  // @ts-expect-error: the types don't know it yet.
  if (JSON.isRawJSON?.(value) === true) throw new Problem(at, 'is a text for JSON: write the value, or a string');
}

// Those of another realm, such as a vm context, are other objects.
const isListPrototype = (prototype: unknown) => Array.isArray(prototype);
function isObjectPrototype(prototype: unknown): boolean {
  if (prototype === Object.prototype) return true;
  const isRoot = Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
  return isRoot && Object.keys(prototype as object).length === 0;
}

/** By the names that the language gives them: one that a program gave may say anything. */
const INSTEAD: Readonly<Record<string, string>> = {
  Date: 'a Date: write its toISOString()',
  Map: 'a Map: write Object.fromEntries(it)',
  Set: 'a Set: write [...it]',
  Error: 'an Error: write its name or its message',
  RegExp: 'a RegExp: write its source',
  URL: 'a URL: write its href',
  Promise: 'a Promise: await it first',
  String: 'a String object: write its valueOf()',
  Number: 'a Number object: write its valueOf()',
  Boolean: 'a Boolean object: write its valueOf()',
  ArrayBuffer: 'an ArrayBuffer: write its bytes as a string, in base64',
};

function kindOf(value: object): string {
  if (ArrayBuffer.isView(value)) return 'is an array of bytes or numbers: write Array.from(it), or a string in base64';
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (Object.hasOwn(INSTEAD, kind)) return `is ${INSTEAD[kind]}`;
  return 'is an instance of a class: write a plain object of what is sent, as { ...it }';
}

function copyList(list: readonly unknown[], at: string, copying: Copying): readonly unknown[] {
  const { length } = list;
  // One more key is the length; to list them of a list that is too long would take too long.
  if (length <= MAX_VALUES && Reflect.ownKeys(list).length > length + 1) {
    throw new Problem(at, 'has members besides its elements, which JSON leaves out: leave them out');
  }
  const copied: unknown[] = [];
  for (let index = 0; index < length; index += 1) {
    const place = `${at}[${index}]`;
    if (!Object.hasOwn(list, index)) {
      throw new Problem(place, 'is a hole, and JSON writes null: write null, or close it');
    }
    copied.push(copy(read(list, String(index), place), place, copying));
  }
  return copied;
}

function copyMembers(members: object, at: string | undefined, copying: Copying): object {
  const copied: Record<string, unknown> = {};
  const isPayload = at === 'payload' || at?.startsWith('payload.') === true || at?.startsWith('payload[') === true;
  for (const key of Reflect.ownKeys(members)) {
    if (typeof key === 'symbol') {
      throw new Problem(at, 'has a member whose key is a symbol, which JSON leaves out: leave it out');
    }
    const place = joinPath(at, key);
    if (!key.isWellFormed()) {
      throw new Problem(place, 'has half of a surrogate pair in its key: write the key with toWellFormed()');
    }
    const value = read(members, key, place);
    if (value === undefined && !isPayload) continue;
    copying.mostBytes += 6 * key.length + 4;
    const plain = copy(value, place, copying);
    // An assignment to `__proto__` would set the prototype.
    if (key !== '__proto__') copied[key] = plain;
    else Object.defineProperty(copied, key, { value: plain, enumerable: true, configurable: true, writable: true });
  }
  return copied;
}

/** A member, once. */
function read(container: object, key: string, at: string): unknown {
  const described = Object.getOwnPropertyDescriptor(container, key);
  if (described === undefined) throw new Problem(at, 'is not there any more when it is read: write a copy');
  if (described.get !== undefined || described.set !== undefined) {
    throw new Problem(at, 'is a getter or setter, which may give another value when it is sent: write its value');
  }
  if (described.enumerable !== true && !Array.isArray(container)) {
    throw new Problem(at, 'is not enumerable, so JSON leaves it out: leave it out, or write it as a plain member');
  }
  const value: unknown = Reflect.get(container, key);
  // Of a proxy objects may come back as proxies again; a value that isn't the one described was made up by it.
  if (!Object.is(value, described.value) && !(isObject(value) && isObject(described.value))) {
    throw new Problem(at, 'is one value when it is described and another when it is read: write a copy');
  }
  return value;
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null;
