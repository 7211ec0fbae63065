import type { Seed } from './seed.ts';

/**
 * Writes a text as UTF-8 and returns where it ends; `into` must have room for three bytes a UTF-16 unit. Half of a
 * surrogate pair is written like any other code point, so that different texts always have different bytes.
 */
export function encode(text: string, into: Uint8Array, start: number): number {
  let at = start;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.codePointAt(i)!;
    if (code < 0x80) into[at++] = code;
    else if (code < 0x800) {
      into[at++] = 0xc0 | (code >> 6);
      into[at++] = 0x80 | (code & 63);
    } else {
      if (code < 0x10000) into[at++] = 0xe0 | (code >> 12);
      else {
        into[at++] = 0xf0 | (code >> 18);
        into[at++] = 0x80 | ((code >> 12) & 63);
        i += 1;
      }
      into[at++] = 0x80 | ((code >> 6) & 63);
      into[at++] = 0x80 | (code & 63);
    }
  }
  return at;
}

/** The text that `encode` wrote. `bytes` and `view` are the same memory. */
export function decode(bytes: Uint8Array, view: Buffer, start: number, end: number): string {
  const text = view.toString('utf8', start, end);
  return text.includes('\ufffd') ? decodeAll(bytes, start, end) : text; // perhaps half a pair, which only `encode` writes
}

function decodeAll(bytes: Uint8Array, start: number, end: number): string {
  const codes: number[] = [];
  for (let at = start; at < end;) {
    const first = bytes[at]!;
    const more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    let code = more === 0 ? first : first & (0x3f >> more);
    for (let i = 1; i <= more; i += 1) code = (code << 6) | (bytes[at + i]! & 63);
    codes.push(code);
    at += more + 1;
  }
  return codes.map((code) => String.fromCodePoint(code)).join('');
}

/**
 * 32 bits of the bytes from `start` to `end`. Without the seed nobody can write names that collide.
 *
 * Source: HalfSipHash (Aumasson and Bernstein) with one round a word and three at the end.
 */
export function hash(bytes: Uint8Array, start: number, end: number, seed: Seed): number {
  const words = (end - start) >> 2;
  let a = seed[0] | 0;
  let b = seed[1] | 0;
  let c = 0x6c796765 ^ a;
  let d = 0x74656462 ^ b;
  for (let i = 0, at = start; i < words + 4; i += 1, at += 4) {
    const word = i < words ? bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
      : i === words ? lastWord(bytes, at, end) | ((end - start) << 24) : 0;
    if (i === words + 1) c ^= 0xff;
    d ^= word;
    a = (a + b) | 0; b = ((b << 5) | (b >>> 27)) ^ a; a = (a << 16) | (a >>> 16);
    c = (c + d) | 0; d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0; d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0; b = ((b << 13) | (b >>> 19)) ^ c; c = (c << 16) | (c >>> 16);
    a ^= word;
  }
  return (b ^ d) >>> 0;
}

function lastWord(bytes: Uint8Array, at: number, end: number): number {
  let word = 0;
  for (let i = end - 1; i >= at; i -= 1) word = (word << 8) | bytes[i]!;
  return word;
}

/** A column that grows. What it outgrows is given back at once, not at the next collection. */
export interface Growing {
  readonly length: number;
  push(value: number): void;
  at(index: number): number;
  /** What was pushed; valid until the next `push`. */
  view(): Int32Array;
}

export function growing(): Growing {
  let values = new Int32Array(1024);
  let length = 0;
  return {
    get length() { return length; },
    push(value) {
      if (length === values.length) values = new Int32Array(values.buffer.transfer(length * 8));
      values[length++] = value;
    },
    at: (index) => values[index]!,
    view: () => values.subarray(0, length),
  };
}

/** A copy that every thread can read. */
export function shared(values: Int32Array | Uint8Array): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(values.byteLength);
  new Uint8Array(buffer).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return buffer;
}
