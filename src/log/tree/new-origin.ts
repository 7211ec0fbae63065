import { createPrivateKey } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { TILE_WIDTH } from '../../core/tlog/edge.ts';
import { HASH_BYTES, leafHash, type TreeHead } from '../../core/tlog/merkle.ts';
import { parseVerifierKey, toVerifierKey, type Signer } from '../../core/tlog/note.ts';
import { makeFolder, syncFolder } from '../../datadir/durable.ts';
import { openLogKeys } from '../../datadir/log-key.ts';
import { blocks, eachLine } from '../blocks.ts';
import { openPlain, readPlainSync } from '../files.ts';
import { listSegments, segmentPath } from '../layout.ts';
import { openLog } from '../log.ts';
import { vkeyPath, type SignedCheckpoint } from './checkpoints.ts';
import { openCopy, type Copy } from './copy.ts';
import { lastCheckpoint } from './last-checkpoint.ts';
import { readPlan, refuseEarlier, removePlan, STAYS, writePlan, type Plan } from './plan.ts';
import { checkPruned } from './pruned.ts';
import { readTileFile } from './tiles.ts';

export interface NewOriginOptions {
  /** `<data directory>/log`; the caller holds the data directory's lock, and no log is open. */
  readonly dir: string;
  readonly keysDir: string;
  readonly copyPath?: string | undefined;
  /** Why: one line, for auditors. */
  readonly because: string;
  readonly now: () => number;
}

export interface NewOrigin {
  readonly origin: string;
  /** The new public key, as text. */
  readonly vkey: string;
  readonly plan: Plan;
}

const MAX_RANGES = 100;

/**
 * Begins a new log under a new origin and key. Its first record names the old origin, its last checkpoint, and what is
 * missing or changed of what that signed for; if the old key is still there it signs for that record too. The old files
 * stay, in `old/`. After a crash it is called again, and goes on; `because` is then the one that was given first.
 */
export async function beginNewOrigin({ dir, keysDir, copyPath, because, now }: NewOriginOptions): Promise<NewOrigin> {
  refuseEarlier(dir);
  makeFolder(dir);
  const copy = openCopy({ dir, keysDir, path: copyPath });
  const { isMoved, ...plan } = readPlan(keysDir) ?? await makePlan({ dir, keysDir, copy }, because);
  if (!isMoved) layAside({ dir, keysDir, copy }, plan);
  const log = await openLog({ dir, keysDir, copyPath, now, beginsAnew: true });
  try {
    if (log.size() === 0) await log.append({ kind: 'new_origin', members: JSON.stringify(plan).slice(1, -1) }).durable;
    await log.evidence!.sign(cosignersOf(plan, keysDir));
  } finally {
    await log.close();
  }
  removePlan(keysDir);
  return { origin: log.origin, vkey: log.evidence!.vkey(), plan };
}

interface Places {
  readonly dir: string;
  readonly keysDir: string;
  readonly copy: Copy;
}

function layAside({ dir, keysDir, copy }: Places, plan: Plan): void {
  const old = join(dir, 'old', plan.old.folder);
  makeFolder(old);
  for (const name of readdirSync(dir)) if (!STAYS.includes(name)) renameSync(join(dir, name), join(old, name));
  for (const folder of [old, dir]) syncFolder(folder);
  copy.retire(join(keysDir, 'old'), plan.old.folder);
  openLogKeys(keysDir).retire(plan.old.folder);
  writePlan(keysDir, { ...plan, isMoved: true });
}

function cosignersOf({ old }: Plan, keysDir: string): readonly Signer[] {
  const retired = join(keysDir, 'old', `${old.folder}.key`);
  return existsSync(retired) ? [{ name: old.origin, key: createPrivateKey(readFileSync(retired, 'utf8')) }] : [];
}

/** Undefined for what isn't there, or is no file of a log. */
function textIn(path: string): string | undefined {
  try {
    return readPlainSync(path)?.toString().trimEnd();
  } catch {
    return undefined;
  }
}

/** Whatever state the old log is in: what can't be read any more is not there. */
async function makePlan(
  { dir, keysDir, copy }: Places,
  because: string,
): Promise<Plan & { readonly isMoved: boolean }> {
  const first = parseVerifierKey(textIn(vkeyPath(dir)) ?? '');
  const stored = textIn(join(dir, 'origin'));
  const keys = openLogKeys(keysDir);
  const key = keys.current();
  const last = newer(await lastCheckpoint(dir, key, keys.previous()), copiedIn(copy));
  const origin = last?.origin ?? first?.name ?? stored ?? 'unknown';
  const lost = await lostRanges(dir, last);
  const plan = {
    isMoved: false,
    old: {
      origin,
      vkey: key === undefined ? (first?.text ?? null) : toVerifierKey(origin, key).text,
      size: last?.size ?? 0,
      checkpoint: last?.note ?? null,
      folder: origin.replaceAll(/[^a-z0-9]+/g, '-'),
    },
    lost: lost.slice(0, MAX_RANGES),
    more: Math.max(0, lost.length - MAX_RANGES),
    because,
  };
  writePlan(keysDir, plan);
  return plan;
}

function copiedIn(copy: Copy): SignedCheckpoint | undefined {
  try {
    return copy.read();
  } catch {
    return undefined; // damaged: the log's own checkpoints tell
  }
}

const newer = (last: SignedCheckpoint | undefined, copied: SignedCheckpoint | undefined) =>
  copied !== undefined && copied.size > (last?.size ?? -1) ? copied : last;

async function lostRanges(dir: string, head: TreeHead | undefined): Promise<[number, number][]> {
  const size = head?.size ?? 0;
  const there: [number, number][] = [];
  const segments = existsSync(join(dir, 'segments')) ? await listSegments(dir) : [];
  const first = segments[0] ?? 0;
  if (first > 0 && await checkPruned(dir, first, head).then(() => true, () => false)) there.push([0, first]);
  for (const segment of segments) await addThere(dir, segment, there).catch(() => {}); // a sector can't be read, or it is no file
  const ranges: [number, number][] = [];
  let end = 0;
  for (const [from, to] of [...there.sort(([a], [b]) => a - b), [size, size] as const]) {
    if (Math.min(from, size) > end) ranges.push([end, Math.min(from, size)]);
    end = Math.max(end, to);
  }
  return ranges;
}

/** A record is there when its line is, and hashes to what its tile holds; where there is no tile, when its line is. */
async function addThere(dir: string, segment: number, there: [number, number][]): Promise<void> {
  const file = await openPlain(segmentPath(dir, segment));
  let tile: { readonly index: number; readonly hashes: Buffer | undefined } | undefined;
  try {
    for await (const block of blocks(file)) {
      const lines: [number, Buffer][] = [];
      eachLine(block, (start, newline) => {
        const index = Number(/^\{"v":1,"index":(\d{1,15}),/.exec(block.toString('latin1', start, Math.min(newline, start + 40)))?.[1] ?? NaN);
        if (!Number.isNaN(index)) lines.push([index, block.subarray(start, newline)]);
      });
      for (const [index, line] of lines) {
        const at = Math.floor(index / TILE_WIDTH);
        if (tile?.index !== at)
          tile = { index: at, hashes: await readTileFile(dir, { level: 0, index: at }).catch(() => undefined) };
        const hash = tile.hashes?.subarray((index % TILE_WIDTH) * HASH_BYTES, (index % TILE_WIDTH + 1) * HASH_BYTES);
        if (hash !== undefined && !hash.equals(leafHash(line))) continue;
        const last = there.at(-1);
        if (last?.[1] === index) last[1] += 1;
        else there.push([index, index + 1]);
      }
    }
  } finally {
    await file.close();
  }
}
