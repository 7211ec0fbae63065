import { nodeHash, type Hash } from './merkle.ts';

/** Entries `from` to `to`, the latter not included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The largest power of two below `n`, which is at least 2. */
function splitOf(n: number): number {
  let k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

/** The subtrees whose roots prove that entry `index` is in the log of `size` entries, in the order of the proof. */
export function inclusionRanges(index: number, size: number): readonly Range[] {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < size)) throw new RangeError('the log has no such entry');
  const ranges: Range[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      ranges.unshift({ from: middle, to });
      to = middle;
    } else {
      ranges.unshift({ from, to: middle });
      from = middle;
    }
  }
  return ranges;
}

/** The subtrees whose roots prove that the log of `older` entries is the beginning of the one of `newer`, in order. */
export function consistencyRanges(older: number, newer: number): readonly Range[] {
  if (!(Number.isSafeInteger(older) && older >= 1 && older <= newer)) throw new RangeError('the log was never of this size');
  const ranges: Range[] = [];
  let [from, to] = [0, newer];
  while (to !== older) {
    const middle = from + splitOf(to - from);
    if (older <= middle) {
      ranges.unshift({ from: middle, to });
      to = middle;
    } else {
      ranges.unshift({ from, to: middle });
      from = middle;
    }
  }
  // The older tree's own root is known to whoever checks, when it is a subtree as a whole.
  return from === 0 ? ranges : [{ from, to }, ...ranges];
}

/** The root of the complete subtree of 2^`height` entries that begins at entry `index` · 2^`height`. */
export type ReadNode = (height: number, index: number) => Promise<Hash>;

/** The root over the entries of a range as it occurs in a proof: it begins where a complete subtree of its size may. */
export async function rootOfRange({ from, to }: Range, read: ReadNode): Promise<Hash> {
  const height = Math.log2(to - from);
  if (Number.isInteger(height)) return read(height, from / 2 ** height);
  const middle = from + splitOf(to - from);
  return nodeHash(await rootOfRange({ from, to: middle }, read), await rootOfRange({ from: middle, to }, read));
}

const HEAD = 'c2sp.org/tlog-proof@v1\n';

export interface InclusionProof {
  readonly index: number;
  readonly path: readonly Uint8Array[];
  /** A signed checkpoint. */
  readonly checkpoint: string;
}

/** One text that proves, offline and by itself, that an entry is in the log. Source: c2sp.org/tlog-proof. */
export function formatProof({ index, path, checkpoint }: InclusionProof): string {
  const hashes = path.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('');
  return `${HEAD}index ${index}\n${hashes}\n${checkpoint}`;
}

// No tree of fewer than 2^64 records has a longer path; without the bound a long text ends the stack.
const PROOF =
  /^c2sp\.org\/tlog-proof@v1\n(?:extra [A-Za-z0-9+/=]*\n)?index (0|[1-9]\d{0,15})\n((?:[A-Za-z0-9+/]{43}=\n){0,64})\n([^]+)$/;

/** Undefined for what is no such text. */
export function parseProof(text: string): InclusionProof | undefined {
  const match = PROOF.exec(text);
  if (match === null) return undefined;
  const lines = match[2]!.split('\n').slice(0, -1);
  const path = lines.map((line) => Buffer.from(line, 'base64'));
  if (path.some((hash, at) => hash.toString('base64') !== lines[at])) return undefined; // else some bits of the text would not count
  return { index: Number(match[1]), path, checkpoint: match[3]! };
}
