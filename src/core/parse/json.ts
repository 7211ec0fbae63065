import { MAX_DEPTH } from './limits.ts';
import { FORMS, isSafe, readAs, refused, type JsonForm } from './read-json.ts';
import { endOfNumber, endOfString, findSyntaxError, isClosing, isDigit, isOpening } from './syntax.ts';

export { isSafe, Unreadable, type JsonForm } from './read-json.ts';

const QUOTE = 0x22;
const MINUS = 0x2d;
const COLON = 0x3a;

const EXACT_DIGITS = 15;

/**
 * Parses JSON that nobody vouches for, as strictly as I-JSON (RFC 7493): all readers of a text that passes agree on
 * what it says. Refused besides whatever `JSON.parse` refuses: a repeated key in an object, a key `__proto__`, nesting
 * over 32 levels, a lone surrogate, a number beyond ±(2^53 - 1); a byte order mark before the text is passed over.
 * `constructor` and `prototype` are ordinary own keys: ask for members with `Object.hasOwn`.
 *
 * In a `payload` keys may be any, strings may hold lone surrogates, and numbers of any size keep their text
 * (`NumberText`). In `permit` and `bulk` numbers may be of any size too, as doubles. In `batch` and `bulk` what is wrong
 * with one item is its own error (J26): an `Unreadable` stands for it.
 *
 * Linear in time and memory, and without recursion before the depth is known. Trusts the caller for the length of `given`.
 *
 * @throws {SluiceError} `request_invalid`, with the offset in UTF-16 units after the mark and never a part of the text.
 */
export function parseJson(given: string, form: JsonForm = 'plain'): unknown {
  const text = given.startsWith('\ufeff') ? given.slice(1) : given;
  if (!text.isWellFormed()) throw refused('a lone surrogate', text.search(/\p{Surrogate}/u));
  const { keys, depth, exact } = scan(text, form);
  if (depth > MAX_DEPTH) {
    const at = findSyntaxError(text, depth);
    if (at !== undefined) throw refused('invalid JSON', at);
  } else {
    const value = parse(text);
    // Of equal keys JSON.parse keeps the last, so fewer are left than the text has.
    if (exact && countKeys(value) === keys && !hasEscapedKey(text) && !/\\u[Dd][89A-Fa-f]/.test(text)) return value;
  }
  return readAs(form, text);
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

interface Scanned {
  readonly keys: number;
  readonly depth: number;
  /** Whether every number is one that `JSON.parse` may read. */
  readonly exact: boolean;
}

/** Looks for what must not reach JSON.parse or can't be seen after it. Jumps over strings. */
function scan(text: string, form: JsonForm): Scanned {
  const { numbers, hasItems } = FORMS[form];
  let [keys, level, depth, exact] = [0, 0, 0, true];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COLON) keys += 1;
    else if (isDigit(code) || code === MINUS) {
      const end = endOfNumber(text, at);
      exact &&= isShortWhole(text, at, end) || isExact(text.slice(at, end), numbers);
      at = end - 1;
    } else if (isOpening(code)) {
      level += 1;
      if (level > depth) depth = level;
      if (depth > MAX_DEPTH && !hasItems) throw refused(`more than ${MAX_DEPTH} levels`, at);
    } else if (isClosing(code)) level -= 1;
  }
  return { keys, depth, exact };
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

/** What most numbers are: of so few digits the double is exact, and written alike. */
function isShortWhole(text: string, start: number, end: number): boolean {
  if (end - start > EXACT_DIGITS || !isDigit(text.charCodeAt(start))) return false;
  for (let at = start + 1; at < end; at += 1) if (!isDigit(text.charCodeAt(at))) return false;
  return true;
}

/** Whether the double says all that counts of the number. */
function isExact(written: string, numbers: (typeof FORMS)[JsonForm]['numbers']): boolean {
  if (numbers === 'any') return true;
  const number = Number(written);
  return isSafe(number) && (numbers === 'safe' || String(number) === written);
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
