import { SluiceError } from './errors.ts';

/** Lists and objects inside each other, the outermost counted (J32). */
export const MAX_DEPTH = 32;

/** For a batch: too deep an item is then refused by itself, as `parseQuestion` finds it, and not the whole batch (J26). */
export const BATCH_DEPTH = 2 * MAX_DEPTH;

const QUOTE = 0x22;
const MINUS = 0x2d;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/**
 * Parses JSON that nobody vouches for, as strictly as I-JSON (RFC 7493): all readers of a text that passes agree on
 * what it says. Refused besides whatever `JSON.parse` refuses: a repeated key in an object, a key `__proto__`, nesting
 * over `maxDepth`, a lone surrogate, a number beyond a double and an integer beyond ±(2^53 - 1).
 * Keys `constructor` and `prototype` pass and are ordinary own keys: ask for members with `Object.hasOwn`.
 *
 * One pass before `JSON.parse`, linear and without recursion. Trusts the caller for the length of `text`.
 *
 * @throws {SluiceError} `request_invalid`, with the offset in UTF-16 units and never a part of the text.
 */
export function parseJson(text: string, maxDepth: number = MAX_DEPTH): unknown {
  if (!text.isWellFormed()) throw refused('a lone surrogate', text.search(/\p{Surrogate}/u));
  scan(text, maxDepth);
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's own message quotes the text; of it only the offset is passed on, where it ends with one.
    const at = /at position (\d+) \(line \d+ column \d+\)$/.exec((error as Error).message)?.[1];
    throw refused('invalid JSON', at === undefined ? undefined : Number(at));
  }
}

function refused(what: string, at: number | undefined): SluiceError {
  return new SluiceError('request_invalid', `the body can't be read: ${what}${at === undefined ? '' : ` at position ${at}`}`);
}

// Looks only at what JSON.parse lets pass. In a text that is no JSON it may overlook things: JSON.parse refuses it then.
function scan(text: string, maxDepth: number): void {
  // Of each open container the keys met so far; undefined for a list.
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      const keys = open.at(-1);
      if (keys !== undefined && isKey(text, end)) addKey(keys, text, at, end);
      at = end;
    } else if (code === 0x7b || code === 0x5b) {
      if (open.length === maxDepth) throw refused(`more than ${maxDepth} levels`, at);
      open.push(code === 0x7b ? new Set() : undefined);
    } else if (code === 0x7d || code === 0x5d) {
      open.pop();
    } else if (code === MINUS || (code >= 0x30 && code <= 0x39)) {
      at = endOfNumber(text, at) - 1;
    }
  }
}

/** The offset of the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) {
      at += 1;
      if (text.charCodeAt(at) === LETTER_U) at = endOfEscape(text, at);
    }
  }
  return text.length;
}

/** From the `u` of an escape to its last digit; of a surrogate to the last digit of its pair. */
function endOfEscape(text: string, at: number): number {
  const unit = hex(text, at);
  if (!isSurrogate(unit)) return at + 4;
  const low = text.charCodeAt(at + 5) === BACKSLASH && text.charCodeAt(at + 6) === LETTER_U ? hex(text, at + 6) : 0;
  if (unit >= 0xdc00 || low < 0xdc00 || low > 0xdfff) throw refused('a lone surrogate', at - 1);
  return at + 10;
}

const hex = (text: string, at: number) => Number.parseInt(text.slice(at + 1, at + 5), 16);
const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;

function isKey(text: string, end: number): boolean {
  let code = text.charCodeAt(end + 1);
  for (let at = end + 2; code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09; at += 1) code = text.charCodeAt(at);
  return code === COLON;
}

function addKey(keys: Set<string>, text: string, start: number, end: number): void {
  const written = text.slice(start + 1, end);
  const key = written.includes('\\') ? unescaped(written) : written;
  if (key === '__proto__') throw refused('a key that is not allowed', start);
  const before = keys.size;
  if (keys.add(key).size === before) throw refused('a repeated key', start);
}

// What is no string is no JSON either, which is found later.
function unescaped(written: string): string {
  try {
    return JSON.parse(`"${written}"`) as string;
  } catch {
    return written;
  }
}

function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  let whole = true;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) continue;
    // . + - e E
    if (code !== 0x2e && code !== 0x2b && code !== MINUS && code !== 0x65 && code !== 0x45) break;
    whole = false;
  }
  // 15 digits without exponent always fit.
  if (whole && at - start <= 15) return at;
  const value = Number(text.slice(start, at));
  if (whole ? !Number.isSafeInteger(value) : Math.abs(value) === Infinity) throw refused('a number that is too large', start);
  return at;
}
