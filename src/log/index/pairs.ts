/** Rows of a table that is ordered by part, key and index, gathered and then written in that order. */
export interface Pairs {
  add(key: number, index: number): void;
  /** Calls `write` for each, in the order of the table: so that a batch goes once through its pages and not criss-cross. */
  flush(write: (part: number, key: number, index: number) => void): void;
}

/**
 * Flat, since a batch has hundreds of thousands.
 *
 * @param part how many records share one.
 */
export function createPairs(part: number): Pairs {
  let keys = new Float64Array(1024);
  let indexes = new Float64Array(1024);
  let size = 0;
  return {
    add(key, index) {
      if (size === keys.length) [keys, indexes] = [doubled(keys), doubled(indexes)];
      keys[size] = key;
      indexes[size] = index;
      size += 1;
    },
    flush(write) {
      const partOf = (at: number) => Math.floor(indexes[at]! / part);
      const order = Uint32Array.from({ length: size }, (_, at) => at);
      order.sort((a, b) => partOf(a) - partOf(b) || keys[a]! - keys[b]! || a - b);
      for (const at of order) write(partOf(at), keys[at]!, indexes[at]!);
    },
  };
}

function doubled(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const twice = new Float64Array(values.length * 2);
  twice.set(values);
  return twice;
}
