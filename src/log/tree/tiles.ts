import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fullTiles, partialWidth, TILE_WIDTH, tilePath, type Tile } from '../../core/tlog/edge.ts';
import { HASH_BYTES, rootOf } from '../../core/tlog/merkle.ts';
import { readPlain, synced, syncFolder, writeAll, type Files } from '../files.ts';
import { leavesOf } from './leaves.ts';

type Place = Pick<Tile, 'level' | 'index'>;

const AT_ONCE = 16;
const temporaryIn = (dir: string, n = 0) => join(dir, 'tile', n === 0 ? 'unfinished' : `unfinished.${n}`);

/** Writes full tiles; on return they and their names are on disk. What was written of fewer hashes of them is removed. */
export async function writeTiles(files: Files, dir: string, tiles: readonly Tile[]): Promise<void> {
  const folders = new Set<string>();
  for (const [folder, some] of Map.groupBy(tiles, (tile) => dirname(join(dir, tilePath(tile))))) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const names = new Set(await readdir(folder));
    // Beside each other: in a busy thread each step of a file waits for a turn. So few names are left by a crash.
    for (let at = 0; at < some.length; at += AT_ONCE) {
      await allDone(
        some
          .slice(at, at + AT_ONCE)
          .map((tile, n) =>
            writeTile(files, {
              path: join(dir, tilePath(tile)),
              temporary: temporaryIn(dir, n),
              hashes: tile.hashes,
              isSynced: true,
            }),
          ),
      );
    }
    for (const tile of some) {
      const parts = `${join(dir, tilePath(tile))}.p`;
      if (names.has(basename(parts))) await rm(parts, { recursive: true, force: true });
    }
    for (let above = folder; above.length >= dir.length; above = dirname(above)) folders.add(above);
  }
  await allDone([...folders].map((folder) => syncFolder(files, folder)));
}

/**
 * Writes the tiles that are not full. They are for readers: nothing is lost without them, so nobody waits for the disk.
 * Kept until the full tile is there, since a reader may come with a checkpoint of their size.
 */
export async function writePartials(files: Files, dir: string, tiles: readonly Tile[]): Promise<void> {
  await allDone(tiles.map(async (tile, n) => {
    const path = join(dir, tilePath(tile, tile.hashes.length / HASH_BYTES));
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeTile(files, { path, temporary: temporaryIn(dir, n), hashes: tile.hashes, isSynced: false });
  }));
}

/** Waits for all, also once one has failed: what is tried next may write to the same names. */
async function allDone(works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
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

/** What the tile's file holds, whatever its length. */
export const tileBytes = (dir: string, place: Place, width = TILE_WIDTH): Promise<Buffer | undefined> =>
  readPlain(join(dir, tilePath(place, width)));

/** The tile as it lies on disk; undefined when it isn't there as a whole. */
export async function readTileFile(dir: string, place: Place, width = TILE_WIDTH): Promise<Buffer | undefined> {
  const bytes = await tileBytes(dir, place, width);
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
