import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fullTiles, partialWidth, TILE_WIDTH, tilePath, type Tile } from '../../core/tlog/edge.ts';
import { HASH_BYTES, rootOf } from '../../core/tlog/merkle.ts';
import { synced, syncFolder, writeAll, type Files } from '../files.ts';
import { leavesOf } from './leaves.ts';

type Place = Pick<Tile, 'level' | 'index'>;

/** Writes full tiles; on return they and their names are on disk. What was written of fewer hashes of them is removed. */
export async function writeTiles(files: Files, dir: string, tiles: readonly Tile[]): Promise<void> {
  const folders = new Set<string>();
  for (const [folder, some] of Map.groupBy(tiles, (tile) => dirname(join(dir, tilePath(tile))))) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const names = new Set(await readdir(folder));
    for (const tile of some) {
      const path = join(dir, tilePath(tile));
      await writeTile(files, { path, temporary: join(dir, 'tile', 'unfinished'), hashes: tile.hashes, isSynced: true });
      if (names.has(`${basename(path)}.p`)) await rm(`${path}.p`, { recursive: true, force: true });
    }
    for (let above = folder; above.length >= dir.length; above = dirname(above)) folders.add(above);
  }
  for (const folder of folders) await syncFolder(files, folder);
}

/**
 * Writes the tiles that are not full. They are for readers: nothing is lost without them, so nobody waits for the disk.
 * Kept until the full tile is there, since a reader may come with a checkpoint of their size.
 */
export async function writePartials(files: Files, dir: string, tiles: readonly Tile[]): Promise<void> {
  for (const tile of tiles) {
    const path = join(dir, tilePath(tile, tile.hashes.length / HASH_BYTES));
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeTile(files, { path, temporary: join(dir, 'tile', 'unfinished'), hashes: tile.hashes, isSynced: false });
  }
}

interface Writing {
  readonly path: string;
  readonly temporary: string;
  readonly hashes: Buffer;
  readonly isSynced: boolean;
}

async function writeTile(files: Files, { path, temporary, hashes, isSynced }: Writing): Promise<void> {
  const file = await files.open(temporary, 'w');
  try {
    await writeAll(file, hashes);
    if (isSynced) await synced(file.sync);
  } finally {
    await file.close();
  }
  await files.rename(temporary, path);
}

/** The tile as it lies on disk; undefined when it isn't there as a whole. */
export async function readTileFile(dir: string, place: Place, width = TILE_WIDTH): Promise<Buffer | undefined> {
  const bytes = await readFile(join(dir, tilePath(place, width))).catch(absent);
  return bytes?.length === width * HASH_BYTES ? bytes : undefined;
}

export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}

/**
 * The first `width` hashes of a tile, from its file or, where there is none, from what it is made of: the tiles below,
 * in the end the records. Width is at most what the log holds.
 *
 * @throws {Error} when neither is there any more.
 */
export async function readTile(dir: string, place: Place, width = TILE_WIDTH): Promise<Buffer> {
  const stored = await readTileFile(dir, place) ?? await readTileFile(dir, place, width);
  if (stored !== undefined) return stored.subarray(0, width * HASH_BYTES);
  const from = place.index * TILE_WIDTH;
  const hashes: Buffer[] = [];
  if (place.level === 0) for await (const leaves of leavesOf(dir, { from, to: from + width })) hashes.push(leaves);
  else for (let index = from; index < from + width; index += 1) hashes.push(rootOf(await readTile(dir, { level: place.level - 1, index })));
  const made = Buffer.concat(hashes);
  if (made.length !== width * HASH_BYTES) throw new Error(`${join(dir, tilePath(place))}: missing, and so is what it is made of`);
  return made;
}

/** The tiles at the right edge of the tree of this size; undefined when one that they rest on isn't there. */
export async function edgeOf(dir: string, size: number): Promise<readonly Tile[] | undefined> {
  const partials: Tile[] = [];
  for (let level = 0; size >= TILE_WIDTH ** level; level += 1) {
    const width = partialWidth(size, level);
    if (width === 0) continue;
    const index = fullTiles(size, level);
    const hashes: Buffer[] = [];
    if (level === 0) for await (const leaves of leavesOf(dir, { from: size - width, to: size })) hashes.push(leaves);
    else for (let below = index * TILE_WIDTH; below < index * TILE_WIDTH + width; below += 1) {
      const tile = await readTileFile(dir, { level: level - 1, index: below });
      if (tile === undefined) return undefined;
      hashes.push(rootOf(tile));
    }
    const made = Buffer.concat(hashes);
    if (made.length !== width * HASH_BYTES) return undefined;
    partials.push({ level, index, hashes: made });
  }
  return partials;
}
