import { createHash } from 'node:crypto';
import { decode, encode, growing, hash, shared, type Seed } from './bytes.ts';

export const NONE = -1;

/** Distinct texts, numbered in order of appearance. Made of shared memory, so that a thread hands it over without a copy. */
export interface PackedNames {
  readonly size: number;
  readonly seed: Seed;
  /** Of the longest name, in bytes. */
  readonly longest: number;
  /** UTF-8, one name after the other. */
  readonly bytes: SharedArrayBuffer;
  /** Uint32: name `i` is the bytes from `offsets[i]` to `offsets[i + 1]`. */
  readonly offsets: SharedArrayBuffer;
  /** Int32, a power of two of them, at least half empty: 0, or 1 + the number of a name, at or after the slot of its hash. */
  readonly slots: SharedArrayBuffer;
}

export interface Names {
  readonly size: number;
  /** The number of a name; -1 if there is no such name. */
  find(text: string): number;
  /** The name of a number below `size`. */
  text(index: number): string;
}

export interface NameBuilder {
  readonly size: number;
  /** The number of a name, old or new. */
  add(text: string): number;
  /** Ends the building. */
  finish(): PackedNames;
}

const FIXED_SEED: Seed = [0x243f6a88, 0x85a308d3];
const LONGEST_RUN = 256; // in a table that is half empty, chance makes no run half as long
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Numbers names. The hash is keyed, and when names pile up all the same (crafted against a seed that is known) it takes
 * a new key, a digest of all names so far. A source may give a random `seed`; core knows no chance.
 *
 * @throws {RangeError} beyond 2 GB of names.
 */
export function nameBuilder(seed: Seed = FIXED_SEED): NameBuilder {
  let key = seed;
  let bytes = new Uint8Array(1024);
  let slots = new Int32Array(64);
  let longest = 0;
  let end = 0;
  const offsets = growing();
  offsets.push(0);

  const rehash = (capacity: number) => {
    slots = new Int32Array(capacity);
    const ends = offsets.view();
    for (let name = 0; name + 1 < ends.length; name += 1) {
      let slot = hash(bytes, ends[name]!, ends[name + 1]!, key) & (capacity - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (capacity - 1);
      slots[slot] = name + 1;
    }
  };
  const spread = () => {
    const digest = createHash('sha256').update(Int32Array.of(...key)).update(bytes.subarray(0, end)).digest();
    key = [digest.readInt32LE(0), digest.readInt32LE(4)];
    rehash(slots.length);
  };

  return {
    get size() { return offsets.length - 1; },
    add(text) {
      if (end + text.length * 3 > bytes.length) bytes = enlarge(bytes, end + text.length * 3);
      const last = encode(text, bytes, end); // behind the others: it stays there if it is new
      const mask = slots.length - 1;
      const asked = { bytes, start: end, end: last };
      const first = hash(bytes, end, last, key);
      let run = 0;
      for (let slot = first & mask; slots[slot] !== 0; slot = (slot + 1) & mask, run += 1) {
        const name = slots[slot]! - 1;
        if (same(asked, bytes, offsets.at(name), offsets.at(name + 1))) return name;
      }
      slots[(first + run) & mask] = offsets.length; // 1 + its number
      longest = Math.max(longest, last - end);
      end = last;
      offsets.push(end);
      if (offsets.length * 2 > slots.length) rehash(slots.length * 2);
      else if (run > LONGEST_RUN) spread();
      return offsets.length - 2;
    },
    finish: () => ({
      size: offsets.length - 1, seed: key, longest, bytes: shared(bytes.subarray(0, end)), offsets: shared(offsets.view()), slots: shared(slots),
    }),
  };
}

function enlarge(bytes: Uint8Array<ArrayBuffer>, needed: number): Uint8Array<ArrayBuffer> {
  if (needed > MOST_BYTES) throw new RangeError('names of more than 2 GB can\'t be packed: split them');
  return new Uint8Array(bytes.buffer.transfer(Math.min(MOST_BYTES, Math.max(needed, bytes.length * 2))));
}

export function packNames(names: Iterable<string>, seed?: Seed): PackedNames {
  const builder = nameBuilder(seed);
  for (const name of names) builder.add(name);
  return builder.finish();
}

/** Reads where the names lie: no copy, no string before it is asked for. */
export function openNames(packed: PackedNames): Names {
  const { size, seed, longest } = packed;
  const bytes = new Uint8Array(packed.bytes);
  const view = Buffer.from(packed.bytes);
  const offsets = new Uint32Array(packed.offsets);
  const slots = new Int32Array(packed.slots);
  const mask = slots.length - 1;
  const scratch = new Uint8Array(longest * 3);
  return {
    size,
    find(text) {
      if (text.length > longest) return NONE; // a name has at least as many bytes as UTF-16 units
      const asked = { bytes: scratch, start: 0, end: encode(text, scratch, 0) };
      for (let slot = hash(scratch, 0, asked.end, seed) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
        const name = slots[slot]! - 1;
        if (same(asked, bytes, offsets[name]!, offsets[name + 1]!)) return name;
      }
      return NONE;
    },
    text: (index) => decode(bytes, view, offsets[index]!, offsets[index + 1]!),
  };
}

interface Encoded { readonly bytes: Uint8Array; readonly start: number; readonly end: number }

function same(asked: Encoded, bytes: Uint8Array, start: number, end: number): boolean {
  if (asked.end - asked.start !== end - start) return false;
  for (let i = 0; i < end - start; i += 1) if (bytes[start + i] !== asked.bytes[asked.start + i]) return false;
  return true;
}

/** A value by name, each as JSON. Made of shared memory. */
export interface PackedRows {
  readonly keys: PackedNames;
  /** The JSON texts, UTF-8. */
  readonly bytes: SharedArrayBuffer;
  /** Uint32: where the text of key `i` starts, and, as many entries later, where it ends. */
  readonly spans: SharedArrayBuffer;
}

/** Of a key that comes twice the last value stays, as in a Map. @throws {RangeError} beyond 2 GB. */
export function packRows(entries: Iterable<readonly [key: string, json: string]>, seed?: Seed): PackedRows {
  const keys = nameBuilder(seed);
  const [starts, ends]: [number[], number[]] = [[], []];
  let bytes = new Uint8Array(1024);
  let end = 0;
  for (const [key, json] of entries) {
    if (end + json.length * 3 > bytes.length) bytes = enlarge(bytes, end + json.length * 3);
    const index = keys.add(key);
    starts[index] = end;
    ends[index] = end = encode(json, bytes, end);
  }
  return { keys: keys.finish(), bytes: shared(bytes.subarray(0, end)), spans: shared(Int32Array.from([...starts, ...ends])) };
}

/**
 * The rows as a Map, in order of first appearance. Every read parses its row anew, and gives a value of its own.
 *
 * @param revive makes the value of what the JSON holds; without it that is the value.
 */
export function openRows<T>(packed: PackedRows, revive: (value: unknown, key: string) => T = (value) => value as T): ReadonlyMap<string, T> {
  const keys = openNames(packed.keys);
  const bytes = new Uint8Array(packed.bytes);
  const view = Buffer.from(packed.bytes);
  const spans = new Uint32Array(packed.spans);
  const value = (index: number, key: string) => revive(JSON.parse(decode(bytes, view, spans[index]!, spans[keys.size + index]!)), key);

  function* each<V>(toItem: (index: number, key: string) => V): Generator<V, undefined> {
    for (let index = 0; index < keys.size; index += 1) yield toItem(index, keys.text(index));
  }
  const rows: ReadonlyMap<string, T> = {
    size: keys.size,
    has: (key) => keys.find(key) !== NONE,
    get(key) {
      const index = keys.find(key);
      return index === NONE ? undefined : value(index, key);
    },
    keys: () => each((_index, key) => key),
    values: () => each(value),
    entries: () => each((index, key) => [key, value(index, key)]),
    [Symbol.iterator]: () => rows.entries(),
    forEach(call, self) {
      for (const [key, one] of rows) call.call(self, one, key, rows);
    },
  };
  return rows;
}
