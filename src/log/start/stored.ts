import { dirname, join } from 'node:path';
import { fullTiles, partialWidth, TILE_WIDTH, tilePath, type Edge, type Tile } from '../../core/tlog/edge.ts';
import { HASH_BYTES } from '../../core/tlog/merkle.ts';
import { listPlain } from '../files.ts';
import { listSegments } from '../layout.ts';
import { leavesOf, placeOf } from '../tree/leaves.ts';
import { readTileFile, tileBytes } from '../tree/tiles.ts';
import { compareTile, firstDifference } from './compare.ts';
import { refusal } from './refusal.ts';

type Place = Pick<Tile, 'level' | 'index'>;

/** A tile with all the hashes that it has by now, and how many of them a file of it has. */
export interface PartialFile {
  readonly tile: Tile;
  readonly width: number;
}

export interface StoredOptions {
  readonly dir: string;
  /** How many records the last checkpoint covers, and how many there are. */
  readonly signed: number;
  readonly size: number;
  /** The tree of all records. */
  readonly edge: Edge;
  /** The tiles that are full and that no checkpoint covers. */
  readonly tiles: readonly Tile[];
}

/**
 * That no file of a tile which no checkpoint covers contradicts the records. One that a power loss has emptied is
 * written anew.
 *
 * @throws {Error} naming the record and the tile.
 */
export async function checkNewTiles(dir: string, tiles: readonly Tile[]): Promise<void> {
  for (const tile of tiles) {
    const stored = await tileBytes(dir, tile);
    if (compareTile(stored, tile.hashes) === 'differs')
      throw await contradiction(dir, { tile, width: TILE_WIDTH }, stored!);
  }
}

/**
 * Looks at the tiles that are not full: those of the last segment, and those that the end of the tree has. Nobody waits
 * until they are on disk, so that a power loss may leave them empty. Gives which were lost, and which of those that a
 * checkpoint covers hold something else.
 *
 * @throws {Error} naming the place when one that no checkpoint covers does, or tells of records that aren't there.
 */
export async function checkPartials(
  options: StoredOptions,
): Promise<{ readonly lost: readonly PartialFile[]; readonly differing: readonly PartialFile[] }> {
  const { dir, signed, size } = options;
  const [lost, differing]: [PartialFile[], PartialFile[]] = [[], []];
  const lastSegment = (await listSegments(dir)).at(-1) ?? 0;
  for (let level = 0; level === 0 || fullTiles(size, level - 1) > 0; level += 1) {
    const from = Math.min(level === 0 ? Math.floor(lastSegment / TILE_WIDTH) : Infinity, fullTiles(signed, level));
    for (const { index, width } of await filesOf(dir, { level, from, to: fullTiles(size, level) })) {
      const tile = { level, index, hashes: await hashesOf(options, { level, index }) };
      const name = join(dir, tilePath(tile, width));
      if (tile.hashes.length < width * HASH_BYTES) throw missingRecords(name, size);
      const stored = await tileBytes(dir, tile, width);
      const state = compareTile(stored, tile.hashes.subarray(0, width * HASH_BYTES));
      if (state === 'lost') lost.push({ tile, width });
      if (state !== 'differs') continue;
      if ((index * TILE_WIDTH + width) * TILE_WIDTH ** level > signed)
        throw await contradiction(dir, { tile, width }, stored!);
      differing.push({ tile, width });
    }
  }
  return { lost, differing };
}

/** The files of tiles that aren't full, as they lie in the folders of these tiles. */
async function filesOf(
  dir: string,
  { level, from, to }: { readonly level: number; readonly from: number; readonly to: number },
): Promise<readonly { readonly index: number; readonly width: number }[]> {
  const files: { readonly index: number; readonly width: number }[] = [];
  for (const folder of foldersOf(dir, { level, from, to })) {
    for (const { name } of await listPlain(folder.path)) {
      const index = folder.from + Number(/^(\d{3})\.p$/.exec(name)?.[1] ?? NaN);
      if (!(index >= from && index <= to)) continue;
      const widths = (await listPlain(join(folder.path, name))).map((entry) => Number(entry.name));
      files.push(...widths.filter((width) => width > 0 && width < TILE_WIDTH).map((width) => ({ index, width })));
    }
  }
  return files;
}

/** A folder has a thousand tiles. */
function foldersOf(
  dir: string,
  { level, from, to }: { readonly level: number; readonly from: number; readonly to: number },
) {
  const folders: { readonly from: number; readonly path: string }[] = [];
  for (let at = Math.floor(from / 1000) * 1000; at <= to; at += 1000)
    folders.push({ from: at, path: dirname(join(dir, tilePath({ level, index: at }))) });
  return folders;
}

/** The hashes that belong into the tile: from the edge, from what it has filled, else from the records or the file. */
async function hashesOf({ dir, size, edge, tiles }: StoredOptions, { level, index }: Place): Promise<Buffer> {
  const isIt = (tile: Tile) => tile.level === level && tile.index === index;
  const made = edge.partials().find(isIt) ?? tiles.find(isIt);
  if (made !== undefined) return made.hashes;
  if (index >= fullTiles(size, level)) return Buffer.alloc(0);
  if (level > 0) return (await readTileFile(dir, { level, index })) ?? Buffer.alloc(0);
  const leaves: Buffer[] = [];
  for await (const some of leavesOf(dir, { from: index * TILE_WIDTH, to: (index + 1) * TILE_WIDTH })) leaves.push(some);
  const own = Buffer.concat(leaves);
  // Of a tile whose first records were pruned the file tells.
  return own.length === TILE_WIDTH * HASH_BYTES ? own : ((await readTileFile(dir, { level, index })) ?? own);
}

/**
 * That no tile tells of records behind the last one: it would be the evidence that some were removed. Looked for where
 * a log that goes on would put its next tiles.
 *
 * @throws {Error} naming the tile.
 */
export async function refuseBeyond(dir: string, size: number): Promise<void> {
  for (const { name } of await listPlain(join(dir, 'tile'))) {
    if (!/^\d{1,2}$/.test(name)) continue;
    const level = Number(name);
    const end = fullTiles(size, level);
    for (const folder of foldersOf(dir, { level, from: end, to: end + 1000 })) {
      const tiles = await listPlain(folder.path);
      for (const above of levelsAbove(join(dir, 'tile', name), folder.path)) await listPlain(above);
      for (const entry of tiles) {
        const [, digits, part] = /^(\d{3})(\.p)?$/.exec(entry.name) ?? [];
        const index = folder.from + Number(digits ?? NaN);
        const isBeyond = index > end || (index === end && (part === undefined || partialWidth(size, level) === 0));
        if (!isBeyond) continue;
        const [first] =
          part === undefined ? [''] : (await listPlain(join(folder.path, entry.name))).map((file) => `/${file.name}`);
        if (first !== undefined) throw missingRecords(`${join(folder.path, entry.name)}${first}`, size);
      }
    }
  }
}

function levelsAbove(top: string, folder: string): readonly string[] {
  const folders: string[] = [];
  for (let above = folder; above.length > top.length; above = dirname(above)) folders.push(dirname(above));
  return folders;
}

const missingRecords = (name: string, size: number) =>
  refusal(
    `${name}: tells of records from ${size} on, and the log ends with ` +
      `${size === 0 ? 'none' : `record ${size - 1}`}: they were removed`,
  );

async function contradiction(dir: string, { tile, width }: PartialFile, stored: Buffer): Promise<Error> {
  const name = join(dir, tilePath(tile, width));
  const at = firstDifference(stored, tile.hashes.subarray(0, width * HASH_BYTES)) ?? width;
  const record = (tile.index * TILE_WIDTH + at) * TILE_WIDTH ** tile.level;
  return refusal(
    `${await placeOf(dir, record)}: record ${record}${tile.level === 0 ? '' : ' or one of those after it'} is not ` +
      `the one whose hash ${name} holds: one of both was changed, and no checkpoint covers it`,
  );
}
