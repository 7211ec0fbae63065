import { createEdge, partialWidth, TILE_WIDTH, tilePath, type Edge, type Tile } from '../../core/tlog/edge.ts';
import { HASH_BYTES, verifyConsistency, type TreeHead } from '../../core/tlog/merkle.ts';
import { listSegments } from '../layout.ts';
import { nodeFiles } from '../files.ts';
import type { SignedCheckpoint } from '../tree/checkpoints.ts';
import { firstIndex, leavesOf, placeOf } from '../tree/leaves.ts';
import { proveConsistency } from '../tree/prove.ts';
import { checkPruned } from '../tree/pruned.ts';
import { edgeOf, readTileFile, writeTiles } from '../tree/tiles.ts';
import { findBegun, type Begun, type BegunOptions } from './begun.ts';
import { compareAll, type Damage } from './compare.ts';
import { mendingOf, type Mending } from './mend.ts';
import { checkObjects } from './objects.ts';
import { refusal } from './refusal.ts';
import { checkNewTiles, checkPartials, refuseBeyond } from './stored.ts';

/** What a tree goes on from. */
export interface Checked extends Begun {
  readonly edge: Edge;
  /** Tiles that the edge has filled and nobody has written yet. */
  readonly tiles: Tile[];
  /** What is to be done before anything is signed. */
  readonly mending: Mending;
  /** What the side objects of the last segment take. */
  readonly objectBytes: number;
}

export interface CheckOptions extends BegunOptions {
  /** How many records a crash can leave unsigned. */
  readonly maxUnsigned: number;
}

/**
 * That the records are those that the last checkpoint was signed for, and that this is the newest one there ever was:
 * those of the last segment one by one, with the tiles and side objects of them; those before it by their tiles; that a
 * record further back was not changed is for the verifier to say. Of a log without a copy of its newest checkpoint all
 * records are looked at. Changes nothing.
 *
 * @throws {Error} naming file, line and index, and the ways out, when anything disagrees: nothing more may be signed
 * then.
 */
export async function checkTree(options: CheckOptions): Promise<Checked> {
  const { dir, size } = options;
  const begun = await findBegun(options);
  const last = begun.kept.heads[0];
  const signed = last?.size ?? 0;
  if (signed > size) {
    throw refusal(
      `${await placeOf(dir, Math.max(0, size - 1))}: the log ends with record ${size - 1}, but ${last!.path} signs ` +
        `for ${signed} records: ${size} to ${signed - 1} are missing`,
    );
  }
  await refuseUnsigned(options, signed);
  const first = await firstIndex(dir);
  if (first > 0)
    await checkPruned(dir, first, last, false).catch((error: Error) => {
      throw refusal(error.message);
    });

  const { edge, tiles, damage } = await signedTree(options, { begun, last, first });
  if (damage !== undefined && damage.differing.length > 0 && begun.copied === undefined) {
    throw refusal(
      `${dir}/${damage.differing[0]!}: does not hold the hashes of the log's records, or not all of them, and this ` +
        `log has no copy of its newest checkpoint yet by which to tell that the tile is what was changed`,
    );
  }
  // What is not signed yet. The tiles of a log from before there was a tree don't wait in memory: an operator has
  // accepted it.
  for await (const leaves of leavesOf(dir, { from: signed, to: size })) {
    edge.append(leaves);
    if (!options.accepts || tiles.length < TILE_WIDTH) continue;
    await checkNewTiles(dir, tiles);
    await writeTiles(nodeFiles, dir, tiles.splice(0));
  }
  await checkNewTiles(dir, tiles);
  await refuseBeyond(dir, size);
  const partials = await checkPartials({ dir, signed, size, edge, tiles });
  if (partials.differing.length > 0 && begun.copied === undefined) {
    const [{ tile, width }] = partials.differing as [(typeof partials.differing)[number]];
    throw refusal(
      `${dir}/${tilePath(tile, width)}: does not hold the hashes of the log's records, and this log has no copy of ` +
        `its newest checkpoint yet by which to tell that the tile is what was changed`,
    );
  }
  return {
    ...begun,
    edge,
    tiles,
    objectBytes: await checkObjects(dir, size),
    mending: mendingOf(dir, { signed, damage, partials }),
  };
}

async function refuseUnsigned({ dir, size, maxUnsigned, accepts }: CheckOptions, signed: number): Promise<void> {
  if (accepts || size - signed <= maxUnsigned) return;
  throw refusal(
    `${await placeOf(dir, signed)}: no checkpoint covers records ${signed} to ${size - 1}: ` +
      `${size - signed}, and a log that is written leaves at most ${maxUnsigned}. ` +
      'If you know how they came there, have them signed by "sluice log accept-unsigned --because …", which is ' +
      'recorded',
  );
}

interface Known {
  readonly begun: Begun;
  readonly last: SignedCheckpoint | undefined;
  /** Index of the first record. */
  readonly first: number;
}

/** The tree of what is signed for; from the tiles before the last segment, where these and the checkpoints agree. */
async function signedTree(
  { dir, copy }: CheckOptions,
  { begun, last, first }: Known,
): Promise<{ readonly edge: Edge; readonly tiles: Tile[]; readonly damage: Damage | undefined }> {
  const signed = last?.size ?? 0;
  const { copied, isNew } = begun;
  const tiles: Tile[] = [];
  const partials = await edgeOf(dir, signed);
  const edge = partials && createEdge((tile) => tiles.push(tile), { size: signed, partials });
  const agrees =
    edge !== undefined &&
    (last === undefined || edge.root().equals(last.root)) &&
    (await areInTiles(dir, signed)) &&
    (await extendsCopy(dir, copied, last)) &&
    (first === 0 ||
      (await checkPruned(dir, first, last).then(
        () => true,
        () => false,
      )));
  if (agrees && (isNew || copied !== undefined)) return { edge, tiles, damage: undefined };
  const damage = await compareAll({ dir, last, copy, copied, tiles });
  // All lines are the signed ones, whatever the tiles hold.
  if (first > 0)
    await checkPruned(dir, first, last, false).catch((error: Error) => {
      throw refusal(error.message);
    });
  return { edge: damage.edge, tiles, damage };
}

/** Whether the records of the last segment are those whose hashes the full tiles hold. */
async function areInTiles(dir: string, size: number): Promise<boolean> {
  const from = (await listSegments(dir)).at(-1) ?? 0;
  let at = from;
  for await (const leaves of leavesOf(dir, { from, to: size - partialWidth(size, 0) })) {
    for (let done = 0, width; done < leaves.length; done += width, at += width / HASH_BYTES) {
      const tile = await readTileFile(dir, { level: 0, index: Math.floor(at / TILE_WIDTH) });
      const start = (at % TILE_WIDTH) * HASH_BYTES;
      width = Math.min(leaves.length - done, TILE_WIDTH * HASH_BYTES - start);
      if (tile?.compare(leaves, done, done + width, start, start + width) !== 0) return false;
    }
  }
  return true;
}

async function extendsCopy(dir: string, copied: TreeHead | undefined, last: TreeHead | undefined): Promise<boolean> {
  if (copied === undefined || last === undefined || copied.size === 0 || copied.size === last.size) return true;
  return proveConsistency(dir, copied.size, last.size).then(
    (proof) => verifyConsistency(copied, last, proof),
    () => false,
  );
}
