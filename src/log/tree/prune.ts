import { existsSync, readFileSync } from 'node:fs';
import { copyFile, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fullTiles, TILE_WIDTH, tilePath } from '../../core/tlog/edge.ts';
import { HASH_BYTES, rootOf, verifyConsistency, type TreeHead } from '../../core/tlog/merkle.ts';
import { rootOfRange, type Range } from '../../core/tlog/proof.ts';
import { makeFolder, replaceFile } from '../../datadir/durable.ts';
import { nodeFiles, openPlain, syncFolder } from '../files.ts';
import { blocks } from '../blocks.ts';
import { listSegments, objectPath, segmentPath } from '../layout.ts';
import type { DecisionLog } from '../types.ts';
import { keepActs } from './acts.ts';
import { leavesOf } from './leaves.ts';
import { createNodeReader, proveConsistency } from './prove.ts';
import { writePrunedHint } from './pruned.ts';
import { absent, readTileFile } from './tiles.ts';
import type { Tree } from './tree.ts';

export interface PruneOptions {
  /** Segments all of whose records are older leave, in milliseconds since the Unix epoch. */
  readonly beforeMs: number;
  /** A folder that takes them; without it they are deleted. */
  readonly archive?: string;
}

export interface PruneResult {
  /** The records that left: from, and to, which is not included; the same when none did. */
  readonly from: number;
  readonly to: number;
  readonly segments: number;
}

interface Pruning extends PruneOptions {
  readonly dir: string;
  readonly tree: Tree;
  readonly append: DecisionLog['append'];
}

/**
 * Takes sealed segments out of the log, the oldest first. The record that says so is written, and signed for, before the
 * first file is touched; the tiles stay, so that every proof can still be made and checked.
 *
 * @throws {Error} when a record that would leave is not the one in the tree: then nothing has changed.
 */
export async function prune({ dir, tree, append, beforeMs, archive }: Pruning): Promise<PruneResult> {
  await tree.sign(); // with it all full tiles are on disk
  await removeLeaving(dir); // of a pruning that a crash ended
  const segments = await listSegments(dir);
  const from = segments[0] ?? 0;
  const leaving = await leavingOf(dir, segments, { beforeMs, size: tree.status().size });
  const to = segments[leaving.length] ?? from;
  if (leaving.length === 0) return { from, to: from, segments: 0 };

  await checkTiles(dir, { from, to });
  const root = await signedRoot(dir, { from, to }, tree.head());
  const acts = await keepActs(dir, leaving, to);
  // Numbers, no lists: a verifier reads it from its line alone, which must hold it however much leaves.
  const members = { from, to, before: new Date(beforeMs).toISOString(), root: root.toString('base64'), archived: archive !== undefined, segments: leaving.length, acts };
  const index = await append({ kind: 'pruned', members: JSON.stringify(members).slice(1, -1) }).durable;
  await tree.sign();
  writePrunedHint(dir, index);
  const objects = await objectsOf(dir, leaving);
  if (archive !== undefined) await copyTo(archive, dir, { leaving, objects });
  if (objects.size > 0) replaceFile(leavingPath(dir), [...objects].join('\n'));
  // From the first on: a crash in between leaves what the record allows.
  for (const first of leaving) await rm(segmentPath(dir, first));
  await syncFolder(nodeFiles, join(dir, 'segments'));
  await removeLeaving(dir);
  return { from, to, segments: leaving.length };
}

/** The first segments whose successor begins before the moment, and whose last tile is full. */
export async function leavingOf(
  dir: string,
  segments: readonly number[],
  { beforeMs, size }: { readonly beforeMs: number; readonly size: number },
): Promise<readonly number[]> {
  const leaving: number[] = [];
  for (const [position, first] of segments.slice(0, -1).entries()) {
    const successor = segments[position + 1]!;
    const isInTiles = Math.ceil(successor / TILE_WIDTH) <= fullTiles(size, 0);
    if (!isInTiles || (await startMs(dir, successor)) >= beforeMs) break;
    leaving.push(first);
  }
  return leaving;
}

async function startMs(dir: string, first: number): Promise<number> {
  const file = await openPlain(segmentPath(dir, first));
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    return Date.parse(/"time":"([^"]+)"/.exec(buffer.toString('latin1', 0, bytesRead))?.[1] ?? '');
  } finally {
    await file.close();
  }
}

/** That the tiles hold the leaves of the records that are about to leave: they will be all that is left of them. */
async function checkTiles(dir: string, { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
  let index = from;
  let tile = await readTileFile(dir, { level: 0, index: Math.floor(from / TILE_WIDTH) });
  for await (const leaves of leavesOf(dir, { from, to })) for (let leaf = 0; leaf < leaves.length; leaf += HASH_BYTES) {
    if (index % TILE_WIDTH === 0) tile = await readTileFile(dir, { level: 0, index: index / TILE_WIDTH });
    const at = (index % TILE_WIDTH) * HASH_BYTES;
    if (tile?.subarray(at, at + HASH_BYTES).equals(leaves.subarray(leaf, leaf + HASH_BYTES)) !== true) {
      throw new Error(`${join(dir, tilePath({ level: 0, index: Math.floor(index / TILE_WIDTH) }))}: does not hold record ${index}: nothing was pruned. "sluice log verify" tells more.`);
    }
    index += 1;
  }
}

/**
 * The root of all records before `to`. The tiles of what leaves are those of the log that is signed for, each by its hash
 * in the tile above it, and the uppermost by the tree: they stand in for the records, and the record of the pruning says
 * what their root is.
 *
 * @throws {Error} naming what is not.
 */
async function signedRoot(dir: string, { from, to }: Range, whole: TreeHead): Promise<Buffer> {
  const refuse = (what: string) =>
    new Error(`${what}: not as the log was signed: nothing was pruned. "sluice log verify" tells more.`);
  const read = createNodeReader(dir, whole.size);
  const root = await rootOfRange({ from: 0, to }, read);
  if (!verifyConsistency({ size: to, root }, whole, await proveConsistency(dir, to, whole.size)))
    throw refuse(`${join(dir, 'tile')}: the tiles of records 0 to ${to - 1}`);
  for (let level = 0, records = TILE_WIDTH; records <= to; level += 1, records *= TILE_WIDTH) {
    for (
      let index = Math.floor(from / records);
      index < Math.min(Math.ceil(to / records), fullTiles(whole.size, level));
      index += 1
    ) {
      const tile = await readTileFile(dir, { level, index });
      if (tile === undefined || !rootOf(tile).equals(await read((level + 1) * Math.log2(TILE_WIDTH), index)))
        throw refuse(join(dir, tilePath({ level, index })));
    }
  }
  return root;
}

async function objectsOf(dir: string, segments: readonly number[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const first of segments) {
    const file = await openPlain(segmentPath(dir, first));
    try {
      for await (const block of blocks(file)) {
        for (let at = block.indexOf(OBJECT); at !== -1; at = block.indexOf(OBJECT, at + 1)) found.add(block.toString('latin1', at + OBJECT.length, at + OBJECT.length + 64));
      }
    } finally {
      await file.close();
    }
  }
  return found;
}

const OBJECT = '"object":"sha256:';

async function copyTo(archive: string, dir: string, { leaving, objects }: { readonly leaving: readonly number[]; readonly objects: ReadonlySet<string> }): Promise<void> {
  for (const folder of ['segments', 'objects']) makeFolder(join(archive, folder));
  const paths = [...leaving.map((first) => [segmentPath(dir, first), segmentPath(archive, first)] as const), ...[...objects].map((hex) => [objectPath(dir, hex), objectPath(archive, hex)] as const)];
  for (const [source, copy] of paths) await copyDurably(source, copy);
  for (const folder of ['segments', 'objects']) await syncFolder(nodeFiles, join(archive, folder));
}

/** On return the copy is on disk, but for its name. What a crash left of an earlier one stands under another name. */
async function copyDurably(source: string, copy: string): Promise<void> {
  const there = await stat(copy).catch(absent);
  if (there !== undefined) {
    if (there.size !== (await stat(source)).size || !(await readFile(copy)).equals(await readFile(source))) throw new Error(`${copy}: another file of this name is there already`);
    return;
  }
  const unfinished = `${copy}.unfinished`;
  await copyFile(source, unfinished);
  const file = await open(unfinished, 'r+');
  await file.sync().finally(() => file.close());
  await rename(unfinished, copy);
}

/** Names the side objects of segments that are being removed, one a line: no segment names them once these are gone. */
const leavingPath = (dir: string) => join(dir, 'leaving');

async function removeLeaving(dir: string): Promise<void> {
  if (!existsSync(leavingPath(dir))) return;
  const leaving = readFileSync(leavingPath(dir), 'utf8').split('\n');
  // The same long members may stand in a record that stays.
  const needed = await objectsOf(dir, await listSegments(dir));
  const there = new Set(await readdir(join(dir, 'objects')));
  for (const hex of leaving) if (!needed.has(hex) && there.has(`${hex}.json`)) await rm(objectPath(dir, hex));
  await syncFolder(nodeFiles, join(dir, 'objects'));
  await rm(leavingPath(dir));
}
