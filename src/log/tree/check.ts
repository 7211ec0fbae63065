import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEdge, fullTiles, partialWidth, TILE_WIDTH, tilePath, type Edge, type Tile } from '../../core/tlog/edge.ts';
import { HASH_BYTES } from '../../core/tlog/merkle.ts';
import { parseVerifierKey, toVerifierKey, type VerifierKey } from '../../core/tlog/note.ts';
import { replaceFile } from '../../datadir/durable.ts';
import type { LogKeys } from '../../datadir/log-key.ts';
import { nodeFiles } from '../files.ts';
import { listSegments } from '../layout.ts';
import { checkpointPath, hasCheckpoints, isSignedBy, keptPath, readCheckpoints, vkeyPath, type KeptCheckpoints, type SignedCheckpoint } from './checkpoints.ts';
import { firstIndex, leavesOf, placeOf } from './leaves.ts';
import { repairPartials } from './partials.ts';
import { checkPruned } from './pruned.ts';
import { edgeOf, readTileFile, writeTiles } from './tiles.ts';

/** What a tree goes on from. */
export interface Checked {
  readonly edge: Edge;
  /** Tiles that the edge has filled and nobody has written yet. */
  readonly tiles: Tile[];
  readonly kept: KeptCheckpoints;
  readonly isNew: boolean;
  /** Tiles that were missing or damaged, and are whole again. */
  readonly repairedTiles: number;
}

export interface CheckOptions {
  readonly dir: string;
  readonly origin: string;
  readonly keys: LogKeys;
  /** How many records there are. */
  readonly size: number;
}

const WAY_OUT = 'Restore the log from a copy that has the newest checkpoint, since an older one would sign another history; or, if there is none, begin a new origin with "sluice log new-origin --because …", which keeps these files.';

/**
 * That the records are those that the last checkpoint was signed for: those of the last segment one by one, those before
 * it by their tiles; that a record further back was not changed is for the verifier to say. Makes no file but those of a first start, and repairs tiles, which can be made from the records.
 *
 * @throws {Error} naming file, line and index, and the ways out, when data and checkpoint disagree: nothing more may be
 * signed then.
 */
export async function checkTree({ dir, origin, keys, size }: CheckOptions): Promise<Checked> {
  const isNew = await checkFiles(dir, keys);
  const kept = isNew ? { heads: [], bytes: 0 } : await readCheckpoints(dir).catch((error: Error) => { throw refusal(error.message); });
  checkSignatures({ origin, keys }, kept);
  const [last] = kept.heads;
  const signed = last?.size ?? 0;
  if (signed > size) {
    throw refusal(`${await placeOf(dir, Math.max(0, size - 1))}: the log ends with record ${size - 1}, but ${keptPath(dir)} signs for ${signed} records: ${size} to ${signed - 1} are missing`);
  }
  const first = await firstIndex(dir);
  if (first > 0) await checkPruned(dir, first, last, false).catch((error: Error) => { throw refusal(error.message); });

  const partials = await edgeOf(dir, signed);
  const tiles: Tile[] = [];
  const edge = partials && createEdge((tile) => tiles.push(tile), { size: signed, partials });
  const agrees = edge !== undefined && (last === undefined || edge.root().equals(last.root)) && await areInTiles(dir, signed);
  const repairedTiles = (agrees ? 0 : await repair(dir, last)) + (first > 0 ? await checkPruning(dir, first, last) : 0);
  const good = agrees ? edge : createEdge((tile) => tiles.push(tile), { size: signed, partials: (await edgeOf(dir, signed))! });
  // What is not signed yet; the tiles of a log from before there was a tree don't wait in memory.
  for await (const leaves of leavesOf(dir, { from: signed, to: size })) {
    good.append(leaves);
    if (tiles.length >= TILE_WIDTH) await writeTiles(nodeFiles, dir, tiles.splice(0));
  }
  return { edge: good, tiles, kept, isNew, repairedTiles: repairedTiles + await repairPartials(dir, signed, good) };
}

/** Whether this is the first start with a tree. What a first start makes is made in an order that a crash can't confuse. */
async function checkFiles(dir: string, keys: LogKeys): Promise<boolean> {
  const hasKey = keys.current() !== undefined;
  const others = [vkeyPath(dir), checkpointPath(dir)].filter(existsSync);
  if (!hasKey && !hasCheckpoints(dir) && others.length === 0) {
    replaceFile(keptPath(dir), '');
    return true;
  }
  if (!hasCheckpoints(dir)) throw refusal(`${keptPath(dir)}: missing, though there is ${others[0] ?? 'a key of this log'}`);
  if (existsSync(checkpointPath(dir)) && readFileSync(keptPath(dir)).length === 0) throw refusal(`${keptPath(dir)}: empty, though there is a checkpoint`);
  const isBegun = readFileSync(keptPath(dir)).length === 0 && others.every((path) => path === vkeyPath(dir));
  if (isBegun) return true;
  if (!hasKey) throw refusal('keys/log.key: missing, though this log has been signed with it');
  if (!existsSync(vkeyPath(dir))) throw refusal(`${vkeyPath(dir)}: missing; it is the public key that auditors hold`);
  return false;
}

function checkSignatures({ origin, keys }: Omit<CheckOptions, 'size' | 'dir'>, { heads }: KeptCheckpoints): void {
  if (heads.length === 0) return;
  const foreign = heads.find((head) => head.origin !== origin);
  if (foreign !== undefined) throw refusal(`${foreign.path}: a checkpoint of another log than ${origin}`);
  const previous = keys.previous();
  const known: readonly VerifierKey[] = [toVerifierKey(origin, keys.current()!), ...previous === undefined ? [] : [parseVerifierKey(previous)].filter((key) => key !== undefined)];
  const unsigned = heads.find((head) => !isSignedBy(head, known));
  if (unsigned !== undefined) throw refusal(`${unsigned.path}: the last checkpoint is not signed by keys/log.key, or has been changed`);
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

/** That the record of a pruning is the one that was signed. Gives how many tiles had to be made again to tell. */
async function checkPruning(dir: string, first: number, last: SignedCheckpoint | undefined): Promise<number> {
  if (await checkPruned(dir, first, last).then(() => true, () => false)) return 0;
  const repaired = await repair(dir, last);
  await checkPruned(dir, first, last).catch((error: Error) => { throw refusal(error.message); });
  return repaired;
}

/** Makes the tiles from the records again, if these are the signed ones. Gives how many differed. */
async function repair(dir: string, last: SignedCheckpoint | undefined): Promise<number> {
  const size = last?.size ?? 0;
  const damaged = new Set<string>();
  let firstChanged: number | undefined;
  const made = await treeOf(dir, size, async (tile) => {
    const stored = await readTileFile(dir, tile);
    if (stored?.equals(tile.hashes) === true) return;
    damaged.add(tilePath(tile));
    if (tile.level === 0 && stored !== undefined) firstChanged ??= tile.index * TILE_WIDTH + firstDifference(stored, tile.hashes);
  });
  if (last !== undefined && !made.root().equals(last.root)) {
    firstChanged ??= await changedInPartial(dir, made);
    throw refusal(firstChanged === undefined
      ? `${keptPath(dir)}: the ${size} records are not those that the last checkpoint signs; "sluice log verify" tells more`
      : `${await placeOf(dir, firstChanged)}: record ${firstChanged} is not the one that was signed`);
  }
  await treeOf(dir, size, async (tile) => {
    if (damaged.has(tilePath(tile))) await writeTiles(nodeFiles, dir, [tile]);
  });
  return damaged.size;
}

/** The tree of the first records, from the records themselves; of those that were pruned, from their tiles. */
async function treeOf(dir: string, size: number, onTile: (tile: Tile) => Promise<void>): Promise<Edge> {
  const filled: Tile[] = [];
  const edge = createEdge((tile) => filled.push(tile));
  const flush = async () => {
    for (const tile of filled.splice(0)) await onTile(tile);
  };
  const first = Math.min(size, await firstIndex(dir));
  for (let index = 0; index * TILE_WIDTH < first; index += 1) {
    const tile = await readTileFile(dir, { level: 0, index });
    if (tile === undefined) throw refusal(`${join(dir, tilePath({ level: 0, index }))}: missing or damaged, and its records were pruned`);
    edge.append(tile.subarray(0, (Math.min(first, (index + 1) * TILE_WIDTH) - index * TILE_WIDTH) * HASH_BYTES));
    await flush();
  }
  for await (const leaves of leavesOf(dir, { from: first, to: size })) {
    edge.append(leaves);
    await flush();
  }
  return edge;
}

async function changedInPartial(dir: string, edge: Edge): Promise<number | undefined> {
  const size = edge.size();
  const stored = await readTileFile(dir, { level: 0, index: fullTiles(size, 0) }, partialWidth(size, 0));
  const now = edge.partials().find(({ level }) => level === 0);
  if (stored === undefined || now === undefined || stored.equals(now.hashes)) return undefined;
  return now.index * TILE_WIDTH + firstDifference(stored, now.hashes);
}

function firstDifference(a: Buffer, b: Buffer): number {
  let at = 0;
  while (a.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES).equals(b.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))) at += 1;
  return at;
}

export const refusal = (message: string) => new Error(`${message}. ${WAY_OUT}`);
