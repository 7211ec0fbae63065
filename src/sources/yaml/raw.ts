import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar } from 'yaml';

const MAX_DEPTH = 64;
/** Values that aliases may stand for, all of a file together: a file of a few lines could stand for billions. */
const MAX_ALIASED = 100_000;

type Complain = (offset: number, message: string) => void;

/** What a reader of texts that others wrote does instead of complaining. */
export interface Lenient {
  /** The value of a key that stands twice. */
  readonly twice: (offset: number, key: string, values: readonly [before: unknown, after: unknown]) => unknown;
}

/** A scalar that says something else than what is written there: `00123` is the number 123, `True` is true. */
export interface Respelt {
  readonly holder: object;
  readonly key: string | number;
  /** As it is written. */
  readonly source: string;
  readonly value: number | boolean | null;
}

interface Anchored {
  readonly value: unknown;
  /** How many values it is made of, those that aliases stand for included. */
  readonly size: number;
}

/**
 * Reads nodes as plain values, as the parser's `toJS` does, but with bounds and with the place of each mistake: keys
 * that stand twice, keys that would change an object's prototype, numbers that JavaScript can't hold, endless aliases.
 *
 * @param lenient the first three are no mistakes.
 * @param respelt gets each scalar whose value is not what is written.
 */
export function createReader(
  complain: Complain,
  { lenient, respelt = [] }: { readonly lenient?: Lenient; readonly respelt?: Respelt[] },
): (node: Node | null) => unknown {
  const anchors = new Map<string, Anchored>();
  let [size, aliased] = [0, 0];

  const read = (node: unknown, depth: number): unknown => {
    const before = size;
    size += 1;
    const value = depth > MAX_DEPTH ? tooDeep(node as Node) : readNode(node as Node, depth);
    const { anchor } = (node ?? {}) as { anchor?: string };
    if (anchor !== undefined && !isAlias(node)) anchors.set(anchor, { value, size: size - before });
    return value;
  };
  const tooDeep = (node: Node | null) => {
    complain(node?.range?.[0] ?? 0, `this is nested over ${MAX_DEPTH} levels deep`);
    return null;
  };
  const readNode = (node: Node | null, depth: number): unknown => {
    if (isMap(node)) return readMap(node.items as readonly Pair[], depth + 1);
    if (isSeq(node)) {
      const list = node.items.map((item) => read(item, depth + 1));
      for (const [key, item] of node.items.entries()) noteSpelling(item, { holder: list, key }, respelt);
      return list;
    }
    if (isAlias(node)) return readAlias(node.source, node.range?.[0] ?? 0);
    if (!isScalar(node)) return null;
    return lenient === undefined ? readScalar(node, complain) : node.value;
  };
  const readAlias = (source: string, offset: number): unknown => {
    const anchored = anchors.get(source);
    aliased += anchored?.size ?? 0;
    if (anchored !== undefined && aliased <= MAX_ALIASED) {
      size += anchored.size;
      return anchored.value;
    }
    complain(
      offset,
      anchored === undefined
        ? `no anchor &${source} stands before this`
        : `aliases stand for over ${MAX_ALIASED} values`,
    );
    return null;
  };
  const readMap = (items: readonly Pair[], depth: number): unknown => {
    const map: Record<string, unknown> = {};
    for (const { key, value: node } of items) {
      const name = String((key as Scalar).value);
      const offset = (key as Node).range?.[0] ?? 0;
      const inner = read(node, depth);
      const isTwice = Object.hasOwn(map, name);
      if (lenient === undefined && name === '__proto__') complain(offset, '__proto__ is reserved');
      else if (lenient === undefined && isTwice) complain(offset, `the key ${name} stands here twice`);
      else {
        const value = lenient !== undefined && isTwice ? lenient.twice(offset, name, [map[name], inner]) : inner;
        noteSpelling(node, { holder: map, key: name }, respelt);
        Object.defineProperty(map, name, { value, enumerable: true, writable: true, configurable: true });
      }
    }
    return map;
  };
  return (node) => read(node, 0);
}

function noteSpelling(node: unknown, at: Pick<Respelt, 'holder' | 'key'>, respelt: Respelt[]): void {
  if (!isScalar(node) || node.source === undefined || typeof node.value === 'string') return;
  const { source, value } = node as Scalar<number | boolean | null> & { readonly source: string };
  if (source !== String(value) && (value !== null || !EMPTY.has(source))) respelt.push({ ...at, source, value });
}

/** Nothing, as YAML has it. */
const EMPTY: ReadonlySet<string> = new Set(['', '~']);

function readScalar({ value, range }: Scalar, complain: Complain): unknown {
  const exact =
    typeof value !== 'number' || (Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)));
  if (!exact) complain(range?.[0] ?? 0, 'this number cannot be kept exactly: quote it if it is a name');
  return value;
}
