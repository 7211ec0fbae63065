import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fullTiles, tilePath, type Edge, type Tile } from '../../core/tlog/edge.ts';
import { HASH_BYTES } from '../../core/tlog/merkle.ts';
import { nodeFiles } from '../files.ts';
import { absent, readTileFile, writePartials } from './tiles.ts';

/**
 * Makes tiles that are not full whole again: nobody waits until they are on disk, so that a power loss may leave them
 * empty. Only those that were written since the checkpoint of `signed` records can be. Gives how many were not whole.
 */
export async function repairPartials(dir: string, signed: number, edge: Edge): Promise<number> {
  const partials = edge.partials();
  let repaired = 0;
  for (let level = 0; fullTiles(edge.size(), level - 1) > 0; level += 1) {
    for (let index = fullTiles(signed, level); index <= fullTiles(edge.size(), level); index += 1) {
      const widths = await widthsOf(dir, { level, index });
      if (widths.length === 0) continue;
      const hashes = partials.find((tile) => tile.level === level && tile.index === index)?.hashes ?? await readTileFile(dir, { level, index });
      if (hashes !== undefined) repaired += await repairTile(dir, { level, index, hashes }, widths);
    }
  }
  return repaired;
}

async function widthsOf(dir: string, place: Pick<Tile, 'level' | 'index'>): Promise<readonly number[]> {
  const names = await readdir(dirname(join(dir, tilePath(place, 1)))).catch(absent);
  return (names ?? []).map(Number).filter((width) => width > 0);
}

/** @param tile with all the hashes that it has by now. */
async function repairTile(dir: string, { hashes, ...place }: Tile, widths: readonly number[]): Promise<number> {
  let repaired = 0;
  for (const width of widths) {
    const wanted = hashes.subarray(0, width * HASH_BYTES);
    if (wanted.length < width * HASH_BYTES || (await readFile(join(dir, tilePath(place, width)))).equals(wanted)) continue;
    await writePartials(nodeFiles, dir, [{ ...place, hashes: wanted }]);
    repaired += 1;
  }
  return repaired;
}
