import { isStringOneByteRepresentation } from 'node:v8';

/** A map of bounded size that forgets what was used least recently. Keys are compared in full. */
export interface Memo<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  clear(): void;
  /** How many are kept. */
  readonly size: () => number;
  /** What they hold of memory, their keys included. */
  readonly bytes: () => number;
}

export interface MemoOptions<V> {
  /** All that is kept together; 0 keeps nothing. */
  readonly maxBytes: number;
  /** What holding on to a value keeps from being freed. */
  readonly bytesOf: (value: V) => number;
}

/** What has more, key and value together, is not kept. */
export const MAX_ENTRY_BYTES = 64 * 1024;

/** For each entry besides its strings: its place in the map, which is up to twice as large as full, and its objects. */
const ENTRY_BYTES = 512;

/** The heap that strings take: one byte a character, or two where one of them is not of Latin-1. */
export const textBytes = (...texts: readonly string[]): number => (
  texts.reduce((sum, text) => sum + 32 + text.length * (isStringOneByteRepresentation(text) ? 1 : 2), 0)
);

interface Kept<V> {
  readonly value: V;
  readonly bytes: number;
}

export function createMemo<V>({ maxBytes, bytesOf }: MemoOptions<V>): Memo<V> {
  // A Map iterates in the order of insertion: the first key is the one used least recently.
  const entries = new Map<string, Kept<V>>();
  let total = 0;

  function forget(key: string): void {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value) {
      forget(key);
      const bytes = ENTRY_BYTES + textBytes(key) + bytesOf(value);
      if (bytes > Math.min(MAX_ENTRY_BYTES, maxBytes)) return;
      entries.set(key, { value, bytes });
      total += bytes;
      while (total > maxBytes) forget(entries.keys().next().value!);
    },
    clear() {
      entries.clear();
      total = 0;
    },
    size: () => entries.size,
    bytes: () => total,
  };
}
