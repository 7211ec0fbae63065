import { join } from 'node:path';
import {
  createEdge,
  fullTiles,
  partialWidth,
  TILE_WIDTH,
  tilePath,
  type Edge,
  type Tile,
} from '../../core/tlog/edge.ts';
import { HASH_BYTES, type TreeHead } from '../../core/tlog/merkle.ts';
import { keptPath } from '../tree/checkpoints.ts';
import type { Copy, CopiedCheckpoint } from '../tree/copy.ts';
import { firstIndex, leavesOf, placeOf } from '../tree/leaves.ts';
import { readTileFile, tileBytes } from '../tree/tiles.ts';
import { refusal } from './refusal.ts';

const HOLE = Buffer.alloc(HASH_BYTES);

/**
 * What a stored tile is beside the hashes that belong into it. `lost`: what a power loss leaves of a file that was not
 * synced, short or with zeros, but nothing else than what belongs there.
 */
export function compareTile(stored: Buffer | undefined, made: Buffer): 'same' | 'missing' | 'lost' | 'differs' {
  if (stored === undefined) return 'missing';
  if (stored.equals(made)) return 'same';
  return stored.length <= made.length && firstDifference(stored, made) === undefined ? 'lost' : 'differs';
}

/** The number of the first hash that is another one, and no hole; undefined when there is none. */
export function firstDifference(stored: Buffer, made: Buffer): number | undefined {
  for (let at = 0; at < stored.length; at += HASH_BYTES) {
    const hash = stored.subarray(at, at + HASH_BYTES);
    if (!hash.equals(made.subarray(at, at + hash.length)) && !hash.equals(HOLE.subarray(0, hash.length)))
      return at / HASH_BYTES;
  }
  return undefined;
}

/** The full tiles whose files are not what the records make of them. */
export interface Damage {
  /** The tree of the records that are signed for. */
  readonly edge: Edge;
  readonly missing: ReadonlySet<string>;
  /** Those that hold something else, in their order. */
  readonly differing: readonly string[];
}

export interface Compared {
  readonly dir: string;
  /** Of the last checkpoint; undefined when nothing is signed for. */
  readonly last: TreeHead | undefined;
  readonly copy: Copy;
  readonly copied: CopiedCheckpoint | undefined;
  /** Takes what the edge fills later. */
  readonly tiles: Tile[];
}

/**
 * Makes the tree of all records that are signed for again, and compares every full tile with it.
 *
 * @throws {Error} naming the place when they are not the signed ones, or not those of the copy.
 */
export async function compareAll({ dir, last, copy, copied, tiles }: Compared): Promise<Damage> {
  const size = last?.size ?? 0;
  const [missing, differing] = [new Set<string>(), [] as string[]];
  let firstChanged: number | undefined;
  const { edge, middle } = await treeOf(dir, { size, middle: copied?.size, tiles }, async (tile) => {
    const stored = await tileBytes(dir, tile);
    const state = compareTile(stored, tile.hashes);
    if (state === 'missing') missing.add(tilePath(tile));
    else if (state !== 'same') differing.push(tilePath(tile));
    if (tile.level === 0 && stored !== undefined && state === 'differs')
      firstChanged ??= tile.index * TILE_WIDTH + (firstDifference(stored, tile.hashes) ?? 0);
  });
  if (last !== undefined && !edge.root().equals(last.root)) {
    firstChanged ??= await changedInPartial(dir, edge);
    throw refusal(
      firstChanged === undefined
        ? `${keptPath(dir)}: the ${size} records are not those that the last checkpoint signs; "sluice log verify" ` +
            `tells more`
        : `${await placeOf(dir, firstChanged)}: record ${firstChanged} is not the one that was signed`,
    );
  }
  if (copied !== undefined && middle?.equals(copied.root) === false) {
    throw refusal(
      `${copy.path}: is the copy of a checkpoint of another history: the first ${copied.size} records are not ` +
        `those that it signs for`,
    );
  }
  return { edge, missing, differing };
}

/** Makes these full tiles again, a few at a time. */
export async function remake(
  dir: string,
  { size, names }: { readonly size: number; readonly names: ReadonlySet<string> },
  write: (tile: Tile) => Promise<void>,
): Promise<void> {
  if (names.size > 0)
    await treeOf(dir, { size, middle: undefined, tiles: [] }, async (tile) => {
      if (names.has(tilePath(tile))) await write(tile);
    });
}

interface Sizes {
  readonly size: number;
  /** Of a smaller tree, whose root is wanted too. */
  readonly middle: number | undefined;
  readonly tiles: Tile[];
}

/** The tree of the first records, from the records themselves; of those that were pruned, from their tiles. */
async function treeOf(
  dir: string,
  { size, middle, tiles }: Sizes,
  onTile: (tile: Tile) => Promise<void>,
): Promise<{ readonly edge: Edge; readonly middle: Buffer | undefined }> {
  const edge = createEdge((tile) => tiles.push(tile));
  let root: Buffer | undefined = middle === 0 ? edge.root() : undefined;
  const grow = async (leaves: Buffer) => {
    const cut =
      middle === undefined ? 0 : Math.min(Math.max(0, middle - edge.size()), leaves.length / HASH_BYTES) * HASH_BYTES;
    for (const some of [leaves.subarray(0, cut), leaves.subarray(cut)]) {
      edge.append(some);
      if (edge.size() === middle) root ??= edge.root();
    }
    for (const tile of tiles.splice(0)) await onTile(tile);
  };
  const first = Math.min(size, await firstIndex(dir));
  for (let index = 0; index * TILE_WIDTH < first; index += 1) {
    const tile = await readTileFile(dir, { level: 0, index });
    if (tile === undefined)
      throw refusal(`${join(dir, tilePath({ level: 0, index }))}: missing or damaged, and its records were pruned`);
    await grow(tile.subarray(0, (Math.min(first, (index + 1) * TILE_WIDTH) - index * TILE_WIDTH) * HASH_BYTES));
  }
  for await (const leaves of leavesOf(dir, { from: first, to: size })) await grow(leaves);
  return { edge, middle: root };
}

async function changedInPartial(dir: string, edge: Edge): Promise<number | undefined> {
  const size = edge.size();
  const stored = await readTileFile(dir, { level: 0, index: fullTiles(size, 0) }, partialWidth(size, 0));
  const now = edge.partials().find(({ level }) => level === 0);
  const at = stored === undefined || now === undefined ? undefined : firstDifference(stored, now.hashes);
  return at === undefined ? undefined : now!.index * TILE_WIDTH + at;
}
