import { readFile } from 'node:fs/promises';
import { partialWidth, fullTiles, TILE_WIDTH } from '../../core/tlog/edge.ts';
import { parseCheckpoint } from '../../core/tlog/checkpoint.ts';
import { HASH_BYTES, leafHash, rootOf, verifyInclusion } from '../../core/tlog/merkle.ts';
import { consistencyRanges, formatProof, inclusionRanges, rootOfRange, type ReadNode } from '../../core/tlog/proof.ts';
import { checkpointPath } from './checkpoints.ts';
import { lineOf } from './leaves.ts';
import { readTile } from './tiles.ts';

const HEIGHT = Math.log2(TILE_WIDTH);

/** Complete subtrees of the tree of this size, out of its tiles. */
export function createNodeReader(dir: string, size: number): ReadNode {
  return async (height, index) => {
    const level = Math.floor(height / HEIGHT);
    const width = 2 ** (height % HEIGHT);
    const tile = Math.floor(index * width / TILE_WIDTH);
    const isFull = tile < fullTiles(size, level);
    const hashes = await readTile(dir, { level, index: tile }, isFull ? TILE_WIDTH : partialWidth(size, level));
    const at = (index * width) % TILE_WIDTH;
    return rootOf(hashes.subarray(at * HASH_BYTES, (at + width) * HASH_BYTES));
  };
}

/** The hashes that prove record `index` to be in the log of `size` records. */
export async function inclusionPath(dir: string, index: number, size: number): Promise<readonly Buffer[]> {
  const read = createNodeReader(dir, size);
  return Promise.all(inclusionRanges(index, size).map((range) => rootOfRange(range, read)));
}

/** The log can't prove it: it has been changed, or something of it is missing. */
export class ProofError extends Error {
  override readonly name: string = 'ProofError';
}

/** There is no such record, or no checkpoint covers it yet. */
export class NotSignedYet extends ProofError {
  override readonly name = 'NotSignedYet';
}

/**
 * The proof that record `index` is in the log, as one text (c2sp.org/tlog-proof), by the newest checkpoint. Also while a
 * server writes the log, and for records that were pruned.
 *
 * @throws {ProofError}
 */
export async function proveRecord(dir: string, index: number): Promise<string> {
  const note = await readFile(checkpointPath(dir), 'utf8');
  const checkpoint = parseCheckpoint(note);
  if (checkpoint === undefined) throw new ProofError(`${checkpointPath(dir)}: no signed checkpoint`);
  const { size, root } = checkpoint;
  if (index >= size) throw new NotSignedYet(`the last checkpoint signs for ${size} records: there is no record ${index} yet, or the next checkpoint, within a second of it, covers it`);
  const { path, leaf } = await partsOf(dir, index, size).catch((error: Error) => {
    throw new ProofError(`record ${index} can't be proven: ${error.message}`, { cause: error });
  });
  if (!verifyInclusion({ leaf, index, size, path, root })) throw new ProofError(`record ${index} can't be proven: the log is not the one that was signed; "sluice log verify" tells where`);
  return formatProof({ index, path, checkpoint: note });
}

async function partsOf(dir: string, index: number, size: number): Promise<{ readonly path: readonly Buffer[]; readonly leaf: Buffer }> {
  const path = await inclusionPath(dir, index, size);
  const line = await lineOf(dir, index);
  return { path, leaf: line === undefined ? await createNodeReader(dir, size)(0, index) : leafHash(line) };
}

/** The hashes that prove the log of `older` records to be the beginning of the one of `newer` (RFC 9162 §2.1.4.1). */
export async function proveConsistency(dir: string, older: number, newer: number): Promise<readonly Buffer[]> {
  const read = createNodeReader(dir, newer);
  return Promise.all(consistencyRanges(older, newer).map((range) => rootOfRange(range, read)));
}
