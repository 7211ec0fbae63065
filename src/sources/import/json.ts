/** Why a text can't be read, and where (from 1; columns in UTF-16 units). */
export class TextError extends Error {
  override readonly name = 'TextError';
  readonly line: number;
  readonly column: number;
  constructor(message: string, { line, column }: { readonly line: number; readonly column: number }) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

/** A value, and what its text says twice. */
export interface ReadText {
  readonly value: unknown;
  readonly notes: readonly string[];
}

type Container = Record<string, unknown> | unknown[];

/** An object or list that is still open. */
interface Open {
  readonly container: Container;
  key: string;
  /** The offset of `key`. */
  keyAt: number;
}

interface Cursor {
  readonly text: string;
  at: number;
}

/**
 * Reads JSON. Objects under a key that stands twice are united, so that no definition is lost; of other values the
 * later one counts; that is noted. Without recursion: no nesting is too deep.
 *
 * @throws {TextError} with the place.
 */
export function readJson(text: string): ReadText {
  const cursor: Cursor = { text, at: 0 };
  const notes = new Set<string>();
  const stack: Open[] = [];
  for (;;) {
    let value = open(cursor, stack);
    while (value !== OPENED) {
      const top = stack.at(-1);
      if (top === undefined) return { value: atEnd(cursor, value), notes: [...notes] };
      store(top, value, (at) => notes.add(twice(top.key, placeOf(text, at))));
      if (notes.size > MAX_TWICE) throw failed(cursor, `over ${MAX_TWICE} keys stand twice`);
      if (!goesOn(cursor, top)) value = stack.pop()!.container;
      else break;
    }
  }
}

/** Each costs as much as what it is united with. */
export const MAX_TWICE = 100;

const OPENED = Symbol('an object or list that has members');

/** The value at the cursor; of an object or list that isn't empty only its beginning, which goes onto the stack. */
function open(cursor: Cursor, stack: Open[]): unknown {
  const code = next(cursor);
  if (code !== '{' && code !== '[') return readScalar(cursor);
  const start = cursor.at;
  cursor.at += 1;
  const top: Open = { container: code === '{' ? {} : [], key: '', keyAt: start };
  if (next(cursor) === (code === '{' ? '}' : ']')) {
    cursor.at += 1;
    return top.container;
  }
  stack.push(top);
  if (code === '{') readKey(cursor, top);
  return OPENED;
}

/** Whether another member follows; then the cursor is at its value. */
function goesOn(cursor: Cursor, top: Open): boolean {
  const close = Array.isArray(top.container) ? ']' : '}';
  const code = next(cursor);
  if (code !== ',' && code !== close) throw failed(cursor, `a comma or ${close} is wanted`);
  cursor.at += 1;
  if (code === close) return false;
  if (close === '}') readKey(cursor, top);
  else if (next(cursor) === close) throw failed(cursor, 'a comma stands before the end of a list');
  return true;
}

function readKey(cursor: Cursor, top: Open): void {
  const code = next(cursor);
  if (code === '}') throw failed(cursor, 'a comma stands before the end of an object');
  if (code !== '"') throw failed(cursor, code === '/' ? COMMENT : 'a key in double quotes is wanted');
  top.keyAt = cursor.at;
  top.key = readString(cursor);
  if (next(cursor) !== ':') throw failed(cursor, 'a colon is wanted');
  cursor.at += 1;
}

function store({ container, key, keyAt }: Open, value: unknown, note: (at: number) => void): void {
  if (Array.isArray(container)) container.push(value);
  else if (Object.hasOwn(container, key)) {
    note(keyAt);
    define(container, key, unite(container[key], value));
  } else define(container, key, value);
}

// `__proto__` is a key like any other.
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

const MAX_UNITED = 64;

/** What stands under a key that stands twice: both, where both are objects; else the later one. */
export function unite(before: unknown, after: unknown, depth = 0): unknown {
  if (!isObject(before) || !isObject(after) || depth === MAX_UNITED) return after;
  const both: Record<string, unknown> = {};
  for (const [key, value] of [...Object.entries(before), ...Object.entries(after)]) {
    define(both, key, Object.hasOwn(both, key) ? unite(both[key], value, depth + 1) : value);
  }
  return both;
}

/** What is said of a key that stands twice. */
export const twice = (key: string, { line, column }: { readonly line: number; readonly column: number }) =>
  `${line}:${column}: the key ${JSON.stringify(key)} stands twice: ` +
  'objects are taken together, of other values the later one counts';

const COMMENT = 'JSON has no comments';

const LITERALS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

function readScalar(cursor: Cursor): unknown {
  const { text, at } = cursor;
  if (text[at] === '"') return readString(cursor);
  NUMBER.lastIndex = at;
  const number = NUMBER.exec(text)?.[0];
  WORD.lastIndex = at;
  const word = number ?? WORD.exec(text)?.[0] ?? '';
  if (number === undefined && !Object.hasOwn(LITERALS, word)) throw failed(cursor, wrongValue(text, at));
  cursor.at += word.length;
  return number === undefined ? LITERALS[word] : Number(number);
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])/y;
const WORD = /[a-zA-Z]+/y;

function wrongValue(text: string, at: number): string {
  if (at === text.length) return 'it ends before its end';
  if (text[at] === '/') return COMMENT;
  if (text[at] === "'") return 'JSON has double quotes alone';
  return 'a value is wanted';
}

function readString(cursor: Cursor): string {
  const { text, at: start } = cursor;
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x22) return written(cursor, at + 1);
    else if (code < 0x20) throw failed({ text, at }, 'a control character stands in a string');
  }
  throw failed(cursor, 'a string does not end');
}

function written(cursor: Cursor, end: number): string {
  const quoted = cursor.text.slice(cursor.at, end);
  try {
    const value = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
    cursor.at = end;
    return value;
  } catch {
    throw failed(cursor, 'a string has an escape that JSON does not have');
  }
}

/** The character at the cursor, after white space. */
function next(cursor: Cursor): string | undefined {
  while (' \t\n\r'.includes(cursor.text[cursor.at] ?? '.')) cursor.at += 1;
  return cursor.text[cursor.at];
}

function atEnd(cursor: Cursor, value: unknown): unknown {
  if (next(cursor) !== undefined) throw failed(cursor, 'something stands after its end');
  return value;
}

const failed = ({ text, at }: Cursor, message: string) => new TextError(message, placeOf(text, at));

function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
