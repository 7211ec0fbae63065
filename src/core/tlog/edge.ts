import { HASH_BYTES, nodeHash, rootOf, EMPTY_ROOT, type Hash } from './merkle.ts';

/** How many hashes a full tile holds. */
export const TILE_WIDTH = 256;
const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

/** A tile of level 0 holds leaves, one of level L + 1 the roots of tiles of level L. Source: c2sp.org/tlog-tiles. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  /** One behind the other; 256 when it is full. */
  readonly hashes: Buffer;
}

/** `tile/0/x001/x234/067`, and `….p/13` when it holds 13 hashes only. */
export function tilePath({ level, index }: Pick<Tile, 'level' | 'index'>, width = TILE_WIDTH): string {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  return `tile/${level}/${groups.join('/')}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** How many hashes the last, partial tile of a level has in a tree of this size; 0 when all are full. */
export const partialWidth = (size: number, level: number) => Math.floor(size / TILE_WIDTH ** level) % TILE_WIDTH;

/** How many full tiles a level has. */
export const fullTiles = (size: number, level: number) => Math.floor(size / TILE_WIDTH ** (level + 1));

/** The right edge of a tree: all that appending and the root need, 8 KiB a level. */
export interface Edge {
  size(): number;
  /** Appends leaves, one behind the other. Each tile that becomes full is given away; its bytes are the receiver's. */
  append(leaves: Buffer): void;
  root(): Hash;
  /** The last tile of each level that has begun and is not full; copies. */
  partials(): readonly Tile[];
}

/**
 * @param size and `partials` where it goes on: the last tiles of a tree of this size, level by level. A level that is
 * missing there is empty.
 */
export function createEdge(onTile: (tile: Tile) => void, { size = 0, partials = [] }: { readonly size?: number; readonly partials?: readonly Tile[] } = {}): Edge {
  const levels: Buffer[] = [];
  let count = size;
  for (const { level, hashes } of partials) {
    if (hashes.length !== partialWidth(size, level) * HASH_BYTES) throw new RangeError('the tile does not fit the size');
    hashes.copy(bufferOf(level));
  }

  function bufferOf(level: number): Buffer {
    while (levels.length <= level) levels.push(Buffer.alloc(TILE_BYTES));
    return levels[level]!;
  }

  /** @param at the place of the first hash among those of its level; they fit into its tile. */
  function put(level: number, at: number, some: Buffer): void {
    const hashes = bufferOf(level);
    const end = some.copy(hashes, (at % TILE_WIDTH) * HASH_BYTES) + (at % TILE_WIDTH) * HASH_BYTES;
    if (end < TILE_BYTES) return;
    const index = Math.floor(at / TILE_WIDTH);
    levels[level] = Buffer.alloc(TILE_BYTES);
    onTile({ level, index, hashes });
    put(level + 1, index, rootOf(hashes));
  }

  const filled = (level: number) => levels[level]!.subarray(0, partialWidth(count, level) * HASH_BYTES);

  return {
    size: () => count,
    append(leaves) {
      for (let at = 0; at < leaves.length;) {
        const some = leaves.subarray(at, at + TILE_BYTES - (count % TILE_WIDTH) * HASH_BYTES);
        put(0, count, some);
        count += some.length / HASH_BYTES;
        at += some.length;
      }
    },
    root() {
      // From the newest entries up: what stands right of a level's hashes is a smaller tree.
      let root: Hash | undefined;
      for (let level = 0; level < levels.length; level += 1) root = foldLeft(filled(level), root);
      return root ?? EMPTY_ROOT;
    },
    partials: () => levels.flatMap((_, level) => {
      const hashes = Buffer.from(filled(level));
      return hashes.length === 0 ? [] : [{ level, index: fullTiles(count, level), hashes }];
    }),
  };
}

/** The root over complete subtrees of one height, and behind them a smaller tree. */
function foldLeft(hashes: Buffer, smaller: Hash | undefined): Hash | undefined {
  let result = smaller;
  let end = hashes.length / HASH_BYTES;
  // The complete subtrees that `end` is made of, the smallest and last one first.
  for (let width = 1; end > 0; width *= 2) {
    if (end % (2 * width) === 0) continue;
    const subtree = rootOf(hashes.subarray((end - width) * HASH_BYTES, end * HASH_BYTES));
    result = result === undefined ? subtree : nodeHash(subtree, result);
    end -= width;
  }
  return result;
}
