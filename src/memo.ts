/** A bounded map that forgets what was used least recently. Keys are compared in full. */
export interface Memo<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  clear(): void;
  readonly size: () => number;
}

/** @param entries how many are kept; 0 keeps none. */
export function createMemo<V>(entries: number): Memo<V> {
  // A Map iterates in the order of insertion: the first key is the one used least recently.
  const kept = new Map<string, V>();
  return {
    get(key) {
      const value = kept.get(key);
      if (value === undefined) return undefined;
      kept.delete(key);
      kept.set(key, value);
      return value;
    },
    set(key, value) {
      if (entries === 0) return;
      kept.delete(key);
      kept.set(key, value);
      if (kept.size > entries) kept.delete(kept.keys().next().value!);
    },
    clear: () => kept.clear(),
    size: () => kept.size,
  };
}
