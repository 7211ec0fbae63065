/** What of a Permit environment means nothing here. It can only take rights away. */
export interface Unmapped {
  /** Its kind and key, as in `user service|telemetry`. */
  readonly object: string;
  /** Why, and what to do. Holds no attribute's value. */
  readonly reason: string;
}

export interface Unmappables {
  add(object: string, reason: string): void;
  /** Each once, sorted. */
  list(): readonly Unmapped[];
}

export function createUnmappables(): Unmappables {
  const found = new Map<string, Unmapped>();
  return {
    add: (object, reason) => void found.set(`${object}\0${reason}`, { object, reason }),
    list: () => [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one),
  };
}
