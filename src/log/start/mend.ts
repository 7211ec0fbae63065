import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tilePath } from '../../core/tlog/edge.ts';
import { HASH_BYTES } from '../../core/tlog/merkle.ts';
import { nodeFiles, readPlain, syncFolder } from '../files.ts';
import { writePartials, writeTiles } from '../tree/tiles.ts';
import { remake, type Damage } from './compare.ts';
import type { PartialFile } from './stored.ts';

/** What a start mends of the tiles, which can be made from the records. */
export interface Mending {
  /** Tiles that hold something else than the signed records hash to: they are kept, under `aside/`. */
  readonly asides: readonly string[];
  /** How many tiles are made again. */
  readonly count: number;
  /** On return every tile that a checkpoint covers is whole. */
  run(): Promise<void>;
}

export interface Found {
  readonly signed: number;
  readonly damage: Damage | undefined;
  readonly partials: { readonly lost: readonly PartialFile[]; readonly differing: readonly PartialFile[] };
}

export function mendingOf(dir: string, { signed, damage, partials: { lost, differing } }: Found): Mending {
  const asides = [...(damage?.differing ?? []), ...differing.map(({ tile, width }) => tilePath(tile, width))];
  const full = new Set([...(damage?.missing ?? []), ...(damage?.differing ?? [])]);
  const partials = [...lost, ...differing];
  return {
    asides,
    count: full.size + partials.length,
    async run() {
      for (const name of asides) await layAside(dir, name);
      await remake(dir, { size: signed, names: full }, (tile) => writeTiles(nodeFiles, dir, [tile]));
      for (const { tile, width } of partials)
        await writePartials(nodeFiles, dir, [{ ...tile, hashes: tile.hashes.subarray(0, width * HASH_BYTES) }]);
    },
  };
}

/** Its name says where it lay, and what it holds: nothing that was laid aside before is written over. */
async function layAside(dir: string, name: string): Promise<void> {
  const path = join(dir, name);
  const bytes = await readPlain(path);
  if (bytes === undefined) return;
  const folder = join(dir, 'aside');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const aside = join(
    folder,
    `${name.replaceAll('/', '-')}-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`,
  );
  if (existsSync(aside)) return; // the same bytes
  await rename(path, aside);
  for (const one of [dir, folder, dirname(path)]) await syncFolder(nodeFiles, one);
}
