import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseCheckpoint, type Checkpoint } from '../../core/tlog/checkpoint.ts';
import { openNote, type VerifierKey } from '../../core/tlog/note.ts';
import { DisplacedError, openPlain, readPlain, synced, syncFolder, writeAll, type Files } from '../files.ts';

/** The newest checkpoint, for whoever asks for one. */
export const checkpointPath = (dir: string) => join(dir, 'checkpoint');
/** Every checkpoint that was ever signed: `{"note":"…"}`, one a line, oldest first. */
export const keptPath = (dir: string) => join(dir, 'checkpoints.ndjson');
/** The first public key of the log, by which an auditor follows the later ones. */
export const vkeyPath = (dir: string) => join(dir, 'log.vkey');

export const hasCheckpoints = (dir: string) => existsSync(keptPath(dir));

export interface SignedCheckpoint extends Checkpoint {
  readonly note: string;
}

export interface KeptCheckpoints {
  /** The last one that is kept and, as it was given out, the newest: the same unless there was a crash. Largest first. */
  readonly heads: readonly (SignedCheckpoint & { readonly path: string })[];
  /** Up to the end of the last whole line; what is behind was never given to anybody. */
  readonly bytes: number;
  /** What the last line holds. */
  readonly last?: string;
  /** What was given out as the newest. */
  readonly newest?: string;
}

/** @throws {Error} naming the file when what it holds is no checkpoint. */
export async function readCheckpoints(dir: string): Promise<KeptCheckpoints> {
  const { line, bytes } = await lastLine(keptPath(dir));
  const newest = (await readPlain(checkpointPath(dir)))?.toString();
  const last = line === undefined ? undefined : noteOf(line);
  const notes = [
    ...last === undefined ? [] : [toSigned(last, keptPath(dir))],
    ...newest === undefined ? [] : [toSigned(newest, checkpointPath(dir))],
  ];
  return {
    heads: notes.toSorted((a, b) => b.size - a.size),
    bytes,
    ...(last !== undefined && { last }),
    ...(newest !== undefined && { newest }),
  };
}

/** A line has some hundred bytes: the last 64 KiB hold the last one. */
async function lastLine(path: string): Promise<{ readonly line: string | undefined; readonly bytes: number }> {
  const file = await openPlain(path);
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - 65_536);
    const end = Buffer.alloc(size - start);
    await file.read(end, 0, end.length, start);
    const [newline, from] = endOf(end);
    if (newline === -1) return { line: undefined, bytes: start };
    return { line: end.toString('utf8', from, newline), bytes: start + newline + 1 };
  } finally {
    await file.close();
  }
}

/** Where the last whole line ends and begins: not one with a zero byte in it, as a power loss leaves of the last write. */
function endOf(bytes: Buffer): readonly [number, number] {
  const newline = bytes.lastIndexOf('\n');
  const from = newline <= 0 ? 0 : bytes.lastIndexOf('\n', newline - 1) + 1;
  if (newline === -1 || !bytes.subarray(from, newline).includes(0)) return [newline, from];
  return [from - 1, from <= 1 ? 0 : bytes.lastIndexOf('\n', from - 2) + 1];
}

/** What a kept line holds; empty for what is none. */
export function noteOf(line: string): string {
  try {
    const { note } = JSON.parse(line) as { readonly note?: unknown };
    return typeof note === 'string' ? note : '';
  } catch {
    return '';
  }
}

function toSigned(note: string, path: string): KeptCheckpoints['heads'][number] {
  const checkpoint = parseCheckpoint(note);
  if (checkpoint === undefined) throw new Error(`${path}: ends with what is no signed checkpoint`);
  return { ...checkpoint, note, path };
}

/** Whether one of the keys has signed it, for the log of this origin. */
export const isSignedBy = ({ note, origin }: SignedCheckpoint, keys: readonly VerifierKey[]) => keys.some((key) => key.name === origin && openNote(note, key) !== undefined);

/** The only one that writes checkpoints. */
export interface Keeper {
  /** On return the checkpoint is on disk: among all the others, as the newest, and then in the copy. */
  keep(note: string, options?: { readonly withCopy: boolean }): Promise<void>;
}

/** What the keeper goes on from: the note that is in each of the three places. */
export interface KeeperOptions extends Omit<KeptCheckpoints, 'heads'> {
  readonly files: Files;
  readonly dir: string;
  readonly copied?: string | undefined;
  readonly writeCopy: (note: string) => Promise<void>;
}

export function createKeeper({ files, dir, bytes, writeCopy, ...found }: KeeperOptions): Keeper {
  let end = bytes;
  let { last, newest, copied } = found;

  return {
    // What is in its place already, since a step behind it failed, isn't put there again.
    async keep(note, { withCopy } = { withCopy: true }) {
      if (last !== note) await keepLine(note);
      last = note;
      if (newest !== note) await replaceByFiles(files, checkpointPath(dir), note);
      newest = note;
      if (!withCopy || copied === note) return;
      await writeCopy(note);
      copied = note;
    },
  };

  async function keepLine(note: string): Promise<void> {
    const line = Buffer.from(`${JSON.stringify({ note })}\n`);
    // First where nothing is ever replaced: what one reader has seen can then never be denied to another.
    await within(files, keptPath(dir), 'a', async (file) => {
      const size = await file.size();
      if (size < end)
        throw new DisplacedError(`${keptPath(dir)} has become shorter, or been removed, by another hand than Sluice's`);
      if (size > end) await file.truncate(end);
      await writeAll(file, line);
      await synced(file.datasync);
    });
    end += line.length;
  }
}

/** Gives the file this content. After a crash it holds the old one or the new, whole; on return the new, on disk. */
export async function replaceByFiles(files: Files, path: string, content: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await within(files, temporary, 'w', async (file) => {
    await writeAll(file, Buffer.from(content));
    await synced(file.sync);
  });
  await files.rename(temporary, path);
  await syncFolder(files, dirname(path));
}

async function within(files: Files, path: string, flags: 'a' | 'w', use: (file: Awaited<ReturnType<Files['open']>>) => Promise<void>): Promise<void> {
  const file = await files.open(path, flags);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
