import { SluiceError } from '../errors.ts';
import { parseJson } from './json.ts';
import { MAX_DEPTH, MAX_ITEMS } from './limits.ts';
import { refused, Unreadable, type JsonForm } from './read-json.ts';
import { findSyntaxError, isClosing, isOpening, skipSpace } from './syntax.ts';

/**
 * The characters of an item, and of what stands beside the items: twice what a question alone may have. It is read
 * without a pause.
 */
export const MAX_ITEM_LENGTH = 2 * 1024 * 1024;
/** Brackets, commas and colons in it: several times what 1,000 fields or 10,000 values take. */
export const MAX_ITEM_MARKS = 64 * 1024;

/** A text with a list of items, taken apart. */
export interface Parts {
  /** The text, with a number in the place of each item. */
  readonly frame: string;
  readonly items: readonly Item[];
}

export interface Item {
  readonly text: string;
  /** Where it begins in the whole. */
  readonly at: number;
  /** Brackets, commas and colons. */
  readonly marks: number;
  /** Where it has more levels than it may. */
  readonly deepAt: number | undefined;
}

/** Which list has the items: the text itself, or the member `items` of it; and how an item is read. */
const LISTS = {
  batch: { level: 2, key: 'items', form: 'question' },
  bulk: { level: 1, key: undefined, form: 'permit' },
} as const satisfies Partial<Record<JsonForm, object>>;
export type ItemsForm = keyof typeof LISTS;

/** As many characters are looked at in a millisecond or less. */
const STEP = 64 * 1024;

interface Place extends Pick<Item, 'marks' | 'deepAt'> {
  readonly start: number;
  readonly end: number;
}

/**
 * Takes a text of many megabytes apart, with a stop every millisecond or so. Whether it is JSON shows when frame and
 * items are read: a value in the place of a value makes nothing right or wrong.
 *
 * @throws {SluiceError} `too_large` over 1,000 items, and where what stands beside them is longer than a question may be.
 */
export function* takeApart(given: string, form: ItemsForm): Generator<undefined, Parts> {
  const text = given.startsWith('\ufeff') ? given.slice(1) : given;
  const places: Place[] = [];
  const finder = createFinder(text, LISTS[form], ({ start, end, ...more }) => {
    const count = places.push({ ...more, start: Math.min(skipSpace(text, start), end), end });
    if (count > MAX_ITEMS) throw new SluiceError('too_large', `items: more than ${MAX_ITEMS}`);
  });
  yield* scan(text, finder);
  const starts = [...places.map(({ start }) => start), text.length];
  const between = starts.map((start, index) => text.slice(places[index - 1]?.end ?? 0, start));
  const frame = between.map((part, index) => (index === 0 ? part : `0${part}`)).join('');
  if (isTooLarge(frame, finder.beside())) throw new SluiceError('too_large', `what stands beside the items ${ALLOWED}`);
  return { frame, items: places.map(({ start, end, ...more }) => ({ ...more, text: text.slice(start, end), at: start })) };
}

const isTooLarge = (text: string, marks: number) => text.length > MAX_ITEM_LENGTH || marks > MAX_ITEM_MARKS;
const ALLOWED = `may have ${MAX_ITEM_LENGTH} characters, and ${MAX_ITEM_MARKS} brackets, commas and colons`;

interface Finder {
  /** A bracket, a comma or a colon outside of strings. */
  mark(code: number, at: number): void;
  string(start: number, end: number): void;
  /** The marks of all but the items. */
  beside(): number;
}

/** Calls `each` for what stands between the brackets and commas of the list, valid or not. */
function createFinder(text: string, list: typeof LISTS[ItemsForm], each: (place: Place) => void): Finder {
  const { level: wanted, key } = list;
  let [level, marks, beside, lastString] = [0, 0, 0, ''];
  let itemAt: number | undefined;
  let deepAt: number | undefined;

  function endItem(code: number, start: number, at: number): void {
    // An empty list has no item; one that is missing elsewhere shows when it is read.
    const isThere = code === COMMA || text[start - 1] === ',' || skipSpace(text, start) < at;
    if (isThere) each({ start, end: at, marks, deepAt });
    itemAt = code === COMMA ? at + 1 : undefined;
    marks = 0;
    deepAt = undefined;
  }

  return {
    mark(code, at) {
      if (isOpening(code)) level += 1;
      else if (level === wanted && itemAt !== undefined && code !== COLON) endItem(code, itemAt, at);
      if (isClosing(code)) level -= 1;
      marks += 1;
      if (level - wanted > MAX_DEPTH) deepAt ??= at;
      if (code !== BRACKET || level !== wanted || !isItems(lastString, key)) return;
      [itemAt, beside, marks] = [at + 1, beside + marks, 0];
    },
    string(start, end) {
      if (level === wanted - 1) lastString = text.slice(start, end);
    },
    beside: () => beside + marks,
  };
}

/** Tells of strings and marks, and stops now and then. */
function* scan(text: string, { mark, string }: Finder): Generator<undefined, void> {
  let pauseAt = STEP;
  let stringAt: number | undefined;
  for (let at = 0; at < text.length; at += 1) {
    if (at >= pauseAt) {
      yield;
      pauseAt += STEP;
    }
    const code = text.charCodeAt(at);
    if (stringAt !== undefined) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) {
        string(stringAt, at + 1);
        stringAt = undefined;
      }
    } else if (code === QUOTE) stringAt = at;
    else if (code === COMMA || code === COLON || isOpening(code) || isClosing(code)) mark(code, at);
  }
}

const [QUOTE, BACKSLASH, COMMA, COLON, BRACKET] = [0x22, 0x5c, 0x2c, 0x3a, 0x5b];

/** Whether a key is this one, escaped or not: an escape makes six characters of one. */
function isItems(written: string, key: string | undefined): boolean {
  if (key === undefined || written === `"${key}"`) return true;
  if (written.length > 6 * key.length + 2 || !written.includes('\\')) return false;
  try {
    return JSON.parse(written) === key;
  } catch {
    return false;
  }
}

/** @throws {SluiceError} `request_invalid`, with the offset in the whole text. */
export function parseFrame({ frame, items }: Parts, form: ItemsForm): unknown {
  try {
    return parseJson(frame, form);
  } catch (error) {
    throw moved(error, (position) => {
      let at = position;
      for (const item of items) if (item.at < at) at += item.text.length - 1;
      return at;
    });
  }
}

/**
 * An item as `parseJson` reads it in its place: an `Unreadable` for one that has a mistake of its own.
 * @throws {SluiceError} `request_invalid` where it is no JSON, which is the mistake of the whole.
 */
export function parseItem({ text, at, marks, deepAt }: Item, form: ItemsForm): unknown {
  const isTooDeep = marks > MAX_ITEM_MARKS && deepAt !== undefined;
  if (isTooDeep) return new Unreadable(refused(`more than ${MAX_DEPTH} levels`, deepAt));
  if (isTooLarge(text, marks)) return new Unreadable(new SluiceError('too_large', `an item ${ALLOWED}`));
  if (text === '' || text.startsWith('\ufeff')) throw refused('invalid JSON', at);
  try {
    return parseJson(text, LISTS[form].form);
  } catch (error) {
    const wrongAt = findSyntaxError(text, text.length);
    if (wrongAt !== undefined) throw refused('invalid JSON', at + wrongAt);
    return new Unreadable(moved(error, (position) => position + at));
  }
}

/** An item that can be read, and is when it is wanted: all at once would take many times the memory of the text. */
export class Unread {
  readonly #item: Item;
  readonly #form: ItemsForm;

  constructor(item: Item, form: ItemsForm) {
    this.#item = item;
    this.#form = form;
  }

  read(): unknown {
    return parseItem(this.#item, this.#form);
  }
}

export const readItem = (item: unknown): unknown => (item instanceof Unread ? item.read() : item);

/** What the frame says, with the items in their places. */
export function putTogether(frame: unknown, items: readonly unknown[], form: ItemsForm): unknown {
  if (form === 'bulk') return Array.isArray(frame) ? items : frame;
  const members = frame as { readonly items?: unknown } | null;
  const isList = typeof members === 'object' && Array.isArray(members?.items);
  return isList ? { ...members, items } : frame;
}

function moved(error: unknown, to: (position: number) => number): SluiceError {
  if (!(error instanceof SluiceError)) throw error;
  const message = error.message.replace(/(?<= at position )\d+$/, (position) => String(to(Number(position))));
  return new SluiceError(error.code, message);
}
