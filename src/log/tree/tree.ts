import type { KeyObject } from 'node:crypto';
import { formatCheckpoint } from '../../core/tlog/checkpoint.ts';
import type { Edge, Tile } from '../../core/tlog/edge.ts';
import { HASH_BYTES, type TreeHead } from '../../core/tlog/merkle.ts';
import { signNote, type Signer } from '../../core/tlog/note.ts';
import type { Files } from '../files.ts';
import { isPassing, passing } from '../writer.ts';
import type { Keeper } from './checkpoints.ts';
import { writePartials, writeTiles } from './tiles.ts';

export interface TreeOptions {
  readonly dir: string;
  readonly files: Files;
  readonly origin: string;
  readonly edge: Edge;
  /** Where the edge puts the tiles that it has filled. */
  readonly tiles: Tile[];
  readonly keeper: Keeper;
  readonly key: KeyObject;
  /** Size of the last checkpoint; undefined while there is none. */
  readonly signed: number | undefined;
  /** A record is signed for at the latest so long after it is durable. */
  readonly everyMs: number;
  /** How many records may be unsigned: a start refuses more, so that no running log may leave more. */
  readonly maxUnsigned: number;
  /** So many of the first records an operator has said are good, though no checkpoint covers them yet. */
  readonly accepted: number;
  /** Milliseconds from any start, never set back. */
  readonly monotonic: () => number;
  /** Told once for each kind of trouble, until it is over. */
  readonly onProblem: (reason: string) => void;
}

export interface TreeStatus {
  /** Durable records. */
  readonly size: number;
  /** Those of them that a checkpoint covers. */
  readonly signed: number;
  readonly problem?: string;
}

/** Grows with the log and signs for it. What it does with the disk is off the way of a request. */
export interface Tree {
  /** Takes the leaves of records that are on disk, one behind the other. @param from index of the first. */
  extend(from: number, leaves: Buffer): void;
  /** Has the present size signed soon: a segment has ended. */
  signSoon(): void;
  /**
   * On return a checkpoint of the present size or a later one is on disk, with all the tiles that it rests on.
   * @param cosigners sign it too. With `again` also when this size has been signed already.
   */
  sign(options?: { readonly cosigners?: readonly Signer[]; readonly again?: boolean }): Promise<void>;
  /** Whose checkpoints are signed from now on. */
  setKey(key: KeyObject): void;
  status(): TreeStatus;
  /** The tree of all durable records, signed for or not. */
  head(): TreeHead;
  /** Does this when all before it is done, and nothing beside it. */
  inTurn(work: () => Promise<void>): Promise<void>;
  /**
   * Why no record may be appended, with the error's code; undefined while they may.
   * @param next index of the next record; `isReserved`: it is no answer.
   */
  failure(next: number, isReserved: boolean): { readonly reason: string; readonly code: string } | undefined;
  /** Nothing more is signed. */
  abandon(): void;
  /** Signs what is there. Never rejects. */
  close(): Promise<void>;
}

const TILES_AT_ONCE = 64;

/**
 * What a crash can leave unsigned, and not more: a start that finds more records behind the last checkpoint refuses them,
 * since whoever writes the log's folder can add some. Two seconds at 65,536 records a second; a running log is signed at a
 * quarter of it, or each second.
 */
export const MAX_UNSIGNED_RECORDS = 131_072;
/** One append may write as many lines: a gap, what a segment begins with, an input. */
const LINES_AT_ONCE = 16;
/** So many lines are kept for what is no answer: a switch that stops a vendor waits for no signature. */
const RESERVED_LINES = 4096;
/** How long signing may take, or fail, before no more records are taken. */
const SIGNING_MS = 1000;

export function createTree({ dir, files, origin, edge, tiles, keeper, everyMs, onProblem, ...rest }: TreeOptions): Tree {
  const { maxUnsigned, accepted, monotonic } = rest;
  let { key, signed } = rest;
  let problem: { readonly reason: string; readonly code: string; readonly isFinal: boolean } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let isClosed = false;
  let unhashed: Buffer[] = [];
  let unhashedLeaves = 0;
  /** When the oldest record became durable that no checkpoint covers, and that the one under way won't cover. */
  let [unsignedSinceMs, behindSinceMs]: (number | undefined)[] = [];
  /** When what is under way was begun. */
  let workingSinceMs: number | undefined;

  // The nodes above the leaves are hashed while the next group is on its way to the disk, not before it is.
  function grow(): void {
    const groups = unhashed;
    [unhashed, unhashedLeaves] = [[], 0];
    for (const leaves of groups) edge.append(leaves);
    const isFree = () => running === undefined && problem === undefined;
    if (tiles.length >= TILES_AT_ONCE && isFree()) queue(writeFull).catch(() => {});
    if (edge.size() - Math.max(signed ?? 0, accepted) >= maxUnsigned / 4 && isFree()) queue().catch(() => {});
    if (edge.size() !== signed) schedule(dueMs());
  }

  /** From the oldest record that is not signed for, so that signing may take its time. */
  const dueMs = () =>
    Math.max(0, everyMs - (unsignedSinceMs === undefined || problem !== undefined ? 0 : monotonic() - unsignedSinceMs));

  const sizeNow = () => edge.size() + unhashedLeaves;

  /** The tiles that are full by now. */
  async function writeFull(): Promise<void> {
    for (let left = tiles.length; left > 0;) {
      const some = tiles.slice(0, Math.min(TILES_AT_ONCE, left));
      await writeTiles(files, dir, some);
      tiles.splice(0, some.length);
      left -= some.length;
    }
  }

  /** Takes what is to be signed at once, before anything else can be appended. */
  async function publish(cosigners: readonly Signer[] = [], again = false): Promise<void> {
    if (unhashed.length > 0) grow();
    const head = { origin, size: edge.size(), root: edge.root() };
    const partials = edge.partials();
    behindSinceMs = undefined;
    await writeFull();
    if (head.size === signed && !again) return;
    await writePartials(files, dir, partials);
    await keeper.keep(signNote(formatCheckpoint(head), [{ name: origin, key }, ...cosigners]));
    signed = head.size;
    unsignedSinceMs = behindSinceMs;
  }

  async function run(work: () => Promise<void>): Promise<void> {
    if (problem?.isFinal === true) throw new Error(problem.reason);
    workingSinceMs = monotonic();
    try {
      await work();
      problem = undefined;
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      const { code = 'unknown', path: place = 'the disk' } = cause as NodeJS.ErrnoException;
      const isFinal = !isPassing(error);
      const wayOut = isFinal ? `see to ${place}, then restart` : `they go on ${passing(code)}`;
      const reason = `the log's checkpoints can't be written (${code}): ${wayOut}`;
      if (problem?.reason !== reason) onProblem(reason);
      problem = { reason, code, isFinal };
      throw error;
    } finally {
      workingSinceMs = undefined;
    }
  }

  /** One after the other. */
  function queue(work: () => Promise<void> = publish, how = run): Promise<void> {
    const before = running ?? Promise.resolve();
    const mine = before.catch(() => {}).then(() => how(work));
    running = mine;
    mine.catch(() => {}).finally(() => {
      if (running === mine) running = undefined;
      if (sizeNow() !== signed) schedule(dueMs());
    });
    return mine;
  }

  /** Time in which this thread had no turn to sign in doesn't count. */
  function isLate(): boolean {
    const nowMs = monotonic();
    const isTooOld = unsignedSinceMs !== undefined && nowMs - unsignedSinceMs >= everyMs + SIGNING_MS;
    const isStuck = workingSinceMs !== undefined && nowMs - workingSinceMs >= SIGNING_MS;
    return isTooOld && (problem !== undefined || isStuck);
  }

  function schedule(ms: number): void {
    if (isClosed || timer !== undefined || problem?.isFinal === true) return;
    timer = setTimeout(() => {
      timer = undefined;
      queue().catch(() => {}); // failure() and status() tell
    }, ms);
    timer.unref();
  }

  return {
    extend(from, leaves) {
      if (from !== sizeNow()) throw new Error(`record ${from} can't follow a tree of ${sizeNow()}`);
      if (unhashed.length === 0) setImmediate(grow);
      unhashed.push(leaves);
      unhashedLeaves += leaves.length / HASH_BYTES;
      unsignedSinceMs ??= monotonic();
      behindSinceMs ??= monotonic();
    },
    signSoon() {
      if (running === undefined && !isClosed) queue().catch(() => {});
    },
    async sign({ cosigners = [], again = false } = {}) {
      const wanted = sizeNow();
      if (!again && signed !== undefined && signed >= wanted && tiles.length === 0) return running;
      await queue(() => publish(cosigners, again));
    },
    setKey(next) {
      key = next;
    },
    head() {
      if (unhashed.length > 0) grow();
      return { size: edge.size(), root: edge.root() };
    },
    status: () => ({ size: sizeNow(), signed: signed ?? 0, ...(problem !== undefined && { problem: problem.reason }) }),
    inTurn: (work) => queue(work, (one) => one()),
    abandon() {
      isClosed = true;
      clearTimeout(timer);
    },
    failure: (next, isReserved) => {
      if (problem?.isFinal === true) return problem;
      const room = Math.max(signed ?? 0, accepted) + maxUnsigned - next - LINES_AT_ONCE;
      const isOver = isReserved ? room < 0 : room < Math.min(RESERVED_LINES, maxUnsigned / 4) || isLate();
      return isOver ? { reason: problem?.reason ?? UNSIGNED, code: problem?.code ?? 'unsigned' } : undefined;
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      timer = undefined;
      await running?.catch(() => {});
      if (sizeNow() !== signed || tiles.length > 0) await queue().catch(() => {});
    },
  };
}

const UNSIGNED =
  'records are on disk and not signed for yet, as many as a crash may leave: the next ones are taken when they are';
