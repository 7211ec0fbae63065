import { SluiceError } from './errors.ts';

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
  const keysAreGood = countKeys(value) === keys;
  if (!keysAreGood || /\\u[Dd][89A-Fa-f]/.test(text)) checkStrings(text);
  if (!keysAreGood) throw refused('a repeated key');
  return value;
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

const colon = /[\t\n\r ]*:/y;

/**
 * Finds where in a valid JSON text a key is repeated or not allowed, or a surrogate alone. Slower than all the rest: only
 * for a text that seems to hold one.
 */
function checkStrings(text: string): void {
  // Of each open container the keys met so far; undefined for a list.
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      const string = JSON.parse(text.slice(at, end + 1)) as string;
      if (!string.isWellFormed()) throw refused('a string with a lone surrogate', at);
      colon.lastIndex = end + 1;
      if (colon.test(text)) addKey(string, open.at(-1), at);
      at = end;
    } else if (isOpening(code)) open.push(code === 0x7b ? new Set() : undefined);
    else if (isClosing(code)) open.pop();
  }
}

function addKey(key: string, met: Set<string> | undefined, at: number): void {
  if (key === '__proto__') throw refused('a key that is not allowed', at);
  if (met?.has(key) === true) throw refused('a repeated key', at);
  met?.add(key);
}
