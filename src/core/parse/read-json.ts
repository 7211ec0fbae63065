import { SluiceError } from '../errors.ts';
import { MAX_DEPTH, MAX_ITEMS, MAX_LEAVES } from './limits.ts';
import { toPayloadNumber } from './numbers.ts';
import { endOfNumber, endOfString, isClosing, isOpening, skipSpace } from './syntax.ts';

/** What a text is: a question, a batch of them, what Permit's SDKs send, a list of that, or anything else. */
export type JsonForm = 'plain' | 'question' | 'batch' | 'permit' | 'bulk';

/** Where in a text a value stands. */
type Place = 'rest' | 'question' | 'payload' | 'batch' | 'items' | 'bulk';

interface Form {
  /** Of the whole text. */
  readonly place: Place;
  /** Bounded, of any size, or bounded everywhere but in a payload, where they keep their text. */
  readonly numbers: 'safe' | 'any' | 'kept';
  /** Whether each item of a list has its own errors. */
  readonly hasItems: boolean;
}

export const FORMS: Readonly<Record<JsonForm, Form>> = {
  plain: { place: 'rest', numbers: 'safe', hasItems: false },
  question: { place: 'question', numbers: 'kept', hasItems: false },
  batch: { place: 'batch', numbers: 'kept', hasItems: true },
  permit: { place: 'rest', numbers: 'any', hasItems: false },
  bulk: { place: 'bulk', numbers: 'any', hasItems: true },
};

/** Where a member of an object at this place stands. */
function placeOf(key: string, place: Place): Place {
  if (place === 'payload') return 'payload';
  if (place === 'question' && key === 'payload') return 'payload';
  if (place === 'batch' && key === 'items') return 'items';
  return place === 'batch' && key === 'defaults' ? 'question' : 'rest';
}

/** Where an element of a list at this place stands; undefined for what is no list of items. */
const ITEM: Readonly<Partial<Record<Place, Place>>> = { items: 'question', bulk: 'rest' };

/** An item that can't be read, in its place: whoever wants the item throws its error. */
export class Unreadable {
  readonly error: SluiceError;

  constructor(error: SluiceError) {
    this.error = error;
  }
}

export const isSafe = (number: number): boolean => Math.abs(number) <= Number.MAX_SAFE_INTEGER;

export function refused(what: string, at?: number): SluiceError {
  const place = at === undefined ? '' : ` at position ${at}`;
  return new SluiceError('request_invalid', `the body can't be read: ${what}${place}`);
}

interface Cursor {
  readonly text: string;
  readonly numbers: Form['numbers'];
  at: number;
  /** Of a payload, so far. */
  values: number;
}

/**
 * Reads a text that is JSON for certain, key by key: refuses what `parseJson` says, where it stands. Much slower than
 * `JSON.parse`, so only for a text that may hold such a thing, and for one with an escape in a key: such a key
 * `JSON.parse` may take for one that it met before (nodejs/node issue 63785: after a key `\\`, a key `\"` is read as
 * `\\`).
 */
export function readAs(form: JsonForm, text: string): unknown {
  const { place, numbers } = FORMS[form];
  return readValue({ text, numbers, at: 0, values: 0 }, place, 1);
}

/** @param level of a list or object that stands here. */
function readValue(cursor: Cursor, place: Place, level: number): unknown {
  const { text } = cursor;
  const start = move(cursor, 0);
  const code = text.charCodeAt(start);
  if (isOpening(code)) {
    if (level > MAX_DEPTH) throw refused(`more than ${MAX_DEPTH} levels`, start);
    return code === 0x7b ? readObject(cursor, place, level) : readList(cursor, place, level);
  }
  if (place === 'payload') countValue(cursor);
  if (code === 0x22) return readString(cursor, place);
  const literal = LITERALS.get(code);
  if (literal === undefined) return readNumber(cursor, place);
  cursor.at = start + String(literal).length;
  return literal;
}

/** It is too large however it goes on: nobody needs to wait for the rest, nor to hold it (J32). */
function countValue(cursor: Cursor): void {
  cursor.values += 1;
  if (cursor.values > MAX_LEAVES) throw tooManyValues();
}

export const tooManyValues = (): SluiceError => new SluiceError('too_large', `payload: more than ${MAX_LEAVES} values`);

/** By their first letter. */
const LITERALS: ReadonlyMap<number, boolean | null> = new Map([[0x74, true], [0x66, false], [0x6e, null]]);

function readObject(cursor: Cursor, place: Place, level: number): object {
  const object: Record<string, unknown> = {};
  let start = move(cursor, 1);
  let isEmpty = true;
  while (!isClosing(cursor.text.charCodeAt(cursor.at))) {
    const key = readString(cursor, place);
    if (key === '__proto__' && place !== 'payload') throw refused('a key that is not allowed', start);
    if (Object.hasOwn(object, key)) throw refused('a repeated key', start);
    move(cursor, 0);
    cursor.at += 1;
    const inner = placeOf(key, place);
    if (inner !== place) cursor.values = 0;
    const value = readValue(cursor, inner, inner === 'question' ? 1 : level + 1);
    // An assignment to `__proto__` would set the prototype.
    if (key !== '__proto__') object[key] = value;
    else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
    start = moveOverComma(cursor);
    isEmpty = false;
  }
  if (isEmpty && place === 'payload') countValue(cursor);
  cursor.at += 1;
  return object;
}

function readList(cursor: Cursor, place: Place, level: number): readonly unknown[] {
  const list: unknown[] = [];
  const item = ITEM[place];
  move(cursor, 1);
  while (!isClosing(cursor.text.charCodeAt(cursor.at))) {
    if (item === undefined) list.push(readValue(cursor, place === 'payload' ? place : 'rest', level + 1));
    else list.push(list.length < MAX_ITEMS ? readItem(cursor, item) : passOver(cursor));
    moveOverComma(cursor);
  }
  if (list.length === 0 && place === 'payload') countValue(cursor);
  cursor.at += 1;
  return list;
}

function readItem(cursor: Cursor, place: Place): unknown {
  const start = cursor.at;
  try {
    return readValue(cursor, place, 1);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    cursor.at = endOfValue(cursor.text, start);
    return new Unreadable(error);
  }
}

function passOver(cursor: Cursor): undefined {
  cursor.at = endOfValue(cursor.text, cursor.at);
}

/** Whatever its depth. */
function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first !== 0x22 && !isOpening(first)) return endOfNumber(text, start);
  let level = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (isOpening(code)) level += 1;
    else if (isClosing(code)) level -= 1;
    if (level === 0) return at + 1;
  }
  return text.length;
}

function readNumber(cursor: Cursor, place: Place): unknown {
  const start = cursor.at;
  cursor.at = endOfNumber(cursor.text, start);
  const written = cursor.text.slice(start, cursor.at);
  if (place === 'payload') return toPayloadNumber(written);
  const number = Number(written);
  if (cursor.numbers !== 'any' && !isSafe(number)) throw refused('a number that is too large', start);
  return number;
}

function readString(cursor: Cursor, place: Place): string {
  const start = cursor.at;
  cursor.at = endOfString(cursor.text, start) + 1;
  const written = cursor.text.slice(start, cursor.at);
  const string = written.includes('\\') ? (JSON.parse(written) as string) : written.slice(1, -1);
  if (place !== 'payload' && !string.isWellFormed()) throw refused('a string with a lone surrogate', start);
  return string;
}

/** Goes on by `units` and over white space; returns where it is then. */
function move(cursor: Cursor, units: number): number {
  cursor.at = skipSpace(cursor.text, cursor.at + units);
  return cursor.at;
}

const moveOverComma = (cursor: Cursor) => (cursor.text[move(cursor, 0)] === ',' ? move(cursor, 1) : cursor.at);
