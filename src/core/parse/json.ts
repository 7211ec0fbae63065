import { SluiceError } from '../errors.ts';

/** Lists and objects inside each other, the outermost counted (J32). */
export const MAX_DEPTH = 32;

/** For a batch: an item that is too deep is then refused by itself, as `parseQuestion` finds it, and not the whole (J26). */
export const BATCH_DEPTH = 2 * MAX_DEPTH;

const QUOTE = 0x22;
const MINUS = 0x2d;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/**
 * Parses JSON that nobody vouches for, as strictly as I-JSON (RFC 7493): all readers of a text that passes agree on
 * what it says. Refused besides whatever `JSON.parse` refuses: a repeated key in an object, a key `__proto__`, nesting
 * over `maxDepth`, a lone surrogate, a number beyond ±(2^53 - 1).
 * `constructor` and `prototype` are ordinary own keys: ask for members with `Object.hasOwn`.
 *
 * Linear, and without recursion before the depth is known. Trusts the caller for the length of `text`.
 *
 * @throws {SluiceError} `request_invalid`, with the offset in UTF-16 units and never a part of the text.
 */
export function parseJson(text: string, maxDepth: number = MAX_DEPTH): unknown {
  if (!text.isWellFormed()) throw refused('a lone surrogate', text.search(/\p{Surrogate}/u));
  const keys = scan(text, maxDepth);
  const value = parse(text);
  // Of equal keys JSON.parse keeps the last, so fewer are left than the text has.
  if (countKeys(value) === keys && !hasEscapedKey(text) && !/\\u[Dd][89A-Fa-f]/.test(text)) return value;
  return readValue({ text, at: 0 });
}

function refused(what: string, at?: number): SluiceError {
  return new SluiceError('request_invalid', `the body can't be read: ${what}${at === undefined ? '' : ` at position ${at}`}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's own message quotes the text; of it only the offset is passed on, where it ends with one.
    const at = /at position (\d+) \(line \d+ column \d+\)$/.exec((error as Error).message)?.[1];
    throw refused('invalid JSON', at === undefined ? undefined : Number(at));
  }
}

// Counts the keys, and refuses what must not reach JSON.parse or can't be seen after it. Jumps over strings.
function scan(text: string, maxDepth: number): number {
  let depth = 0;
  let keys = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COLON) keys += 1;
    else if (isDigit(code) || code === MINUS) at = endOfNumber(text, at) - 1;
    else if (isOpening(code) && ++depth > maxDepth) throw refused(`more than ${maxDepth} levels`, at);
    else if (isClosing(code)) depth -= 1;
  }
  return keys;
}

/** Whether a valid text has a key with an escape. */
function hasEscapedKey(text: string): boolean {
  for (let at = text.indexOf('\\'); at !== -1; at = text.indexOf('\\', at)) {
    // Where JSON is valid, a backslash is inside a string.
    at = endOfString(text, at - 1);
    if (isKey(text, at)) return true;
  }
  return false;
}

/** Whether a string that ends at `end` is a key. */
function isKey(text: string, end: number): boolean {
  colon.lastIndex = end + 1;
  return colon.test(text);
}

const colon = /[\t\n\r ]*:/y;
const isDigit = (code: number) => code >= 0x30 && code <= 0x39;
// [ and {, ] and }
const isOpening = (code: number) => (code | 0x20) === 0x7b;
const isClosing = (code: number) => (code | 0x20) === 0x7d;

/** The offset of the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (text.charCodeAt(before - 1) === BACKSLASH) before -= 1;
    if ((at - before) % 2 === 0) return at;
  }
  return text.length;
}

function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  let whole = true;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isDigit(code)) continue;
    // . + - e E
    if (code !== 0x2e && code !== 0x2b && code !== MINUS && (code | 0x20) !== 0x65) break;
    whole = false;
  }
  // So few digits always fit.
  if (whole && at - start <= 15) return at;
  if (Math.abs(Number(text.slice(start, at))) > Number.MAX_SAFE_INTEGER) throw refused('a number that is too large', start);
  return at;
}

/** The keys in a value and below it; NaN if one of them is `__proto__`. */
function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) if (typeof element === 'object') count += countKeys(element);
    return count;
  }
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key];
    count += key === '__proto__' ? Number.NaN : 1;
    if (typeof member === 'object') count += countKeys(member);
  }
  return count;
}

interface Cursor {
  readonly text: string;
  at: number;
}

/**
 * Reads a text that `JSON.parse` has found valid, key by key: refuses repeated keys, `__proto__` and lone surrogates where
 * they stand. Much slower, so only for a text that may hold one, and for one with an escape in a key: such a key
 * `JSON.parse` may take for one that it met before (nodejs/node issue 63785: after a key `\\`, a key `\"` is read as `\\`).
 */
function readValue(cursor: Cursor): unknown {
  const { text } = cursor;
  const start = skipSpace(cursor, 0);
  const code = text.charCodeAt(start);
  if (isOpening(code)) return code === 0x7b ? readObject(cursor) : readList(cursor);
  if (code === QUOTE) return readString(cursor);
  const literal = LITERALS.get(code);
  cursor.at = literal === undefined ? endOfNumber(text, start) : start + String(literal).length;
  return literal === undefined ? Number(text.slice(start, cursor.at)) : literal;
}

/** By their first letter. */
const LITERALS: ReadonlyMap<number, boolean | null> = new Map([[0x74, true], [0x66, false], [0x6e, null]]);

function readObject(cursor: Cursor): object {
  const object: Record<string, unknown> = {};
  let start = skipSpace(cursor, 1);
  while (!isClosing(cursor.text.charCodeAt(cursor.at))) {
    const key = readString(cursor);
    if (key === '__proto__') throw refused('a key that is not allowed', start);
    if (Object.hasOwn(object, key)) throw refused('a repeated key', start);
    skipSpace(cursor, 0);
    cursor.at += 1;
    object[key] = readValue(cursor);
    start = skipComma(cursor);
  }
  cursor.at += 1;
  return object;
}

function readList(cursor: Cursor): readonly unknown[] {
  const list: unknown[] = [];
  skipSpace(cursor, 1);
  while (!isClosing(cursor.text.charCodeAt(cursor.at))) {
    list.push(readValue(cursor));
    skipComma(cursor);
  }
  cursor.at += 1;
  return list;
}

function readString(cursor: Cursor): string {
  const start = cursor.at;
  cursor.at = endOfString(cursor.text, start) + 1;
  const written = cursor.text.slice(start, cursor.at);
  const string = written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1);
  if (!string.isWellFormed()) throw refused('a string with a lone surrogate', start);
  return string;
}

/** Goes on by `units` and over white space; returns where it is then. */
function skipSpace(cursor: Cursor, units: number): number {
  cursor.at += units;
  while (cursor.text.charCodeAt(cursor.at) <= 0x20) cursor.at += 1;
  return cursor.at;
}

const skipComma = (cursor: Cursor) => (cursor.text[skipSpace(cursor, 0)] === ',' ? skipSpace(cursor, 1) : cursor.at);
