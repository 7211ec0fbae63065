import { randomFillSync } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const pool = Buffer.alloc(16 * 1024);
let used = pool.length;

/** A ULID: 48 bits of time, 80 random bits, in Crockford's base 32. Sorts by time. */
export function createDecisionId(nowMs: number): string {
  if (used + 16 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let id = '';
  for (let shift = 45; shift >= 0; shift -= 5) id += ALPHABET[Math.floor(nowMs / 2 ** shift) % 32];
  for (let index = 0; index < 16; index += 1) id += ALPHABET[pool[used + index]! % 32];
  used += 16;
  return id;
}
