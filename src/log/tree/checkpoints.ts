import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCheckpoint, type Checkpoint } from '../../core/tlog/checkpoint.ts';
import { openNote, type VerifierKey } from '../../core/tlog/note.ts';
import { DisplacedError, synced, syncFolder, writeAll, type Files } from '../files.ts';
import { absent } from './tiles.ts';

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
}

/** @throws {Error} naming the file when what it holds is no checkpoint. */
export async function readCheckpoints(dir: string): Promise<KeptCheckpoints> {
  const { line, bytes } = await lastLine(keptPath(dir));
  const newest = await readFile(checkpointPath(dir), 'utf8').catch(absent);
  const notes = [
    ...line === undefined ? [] : [toSigned(noteOf(line), keptPath(dir))],
    ...newest === undefined ? [] : [toSigned(newest, checkpointPath(dir))],
  ];
  return { heads: notes.toSorted((a, b) => b.size - a.size), bytes };
}

/** A line has some hundred bytes: the last 64 KiB hold the last one. */
async function lastLine(path: string): Promise<{ readonly line: string | undefined; readonly bytes: number }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - 65_536);
    const end = Buffer.alloc(size - start);
    await file.read(end, 0, end.length, start);
    const newline = end.lastIndexOf('\n');
    if (newline === -1) return { line: undefined, bytes: start };
    return { line: end.toString('utf8', newline === 0 ? 0 : end.lastIndexOf('\n', newline - 1) + 1, newline), bytes: start + newline + 1 };
  } finally {
    await file.close();
  }
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
  /** On return the checkpoint is on disk, among all the others and as the newest. */
  keep(note: string): Promise<void>;
}

/** @param bytes where the kept ones end. */
export function createKeeper(files: Files, dir: string, bytes: number): Keeper {
  let end = bytes;
  return {
    async keep(note) {
      const line = Buffer.from(`${JSON.stringify({ note })}\n`);
      // First where nothing is ever replaced: what one reader has seen can then never be denied to another.
      await within(files, keptPath(dir), 'a', async (file) => {
        const size = await file.size();
        if (size < end) throw new DisplacedError(`${keptPath(dir)} has become shorter, or been removed, by another hand than Sluice's`);
        if (size > end) await file.truncate(end);
        await writeAll(file, line);
        await synced(file.datasync);
      });
      end += line.length;
      await replace(files, dir, note);
    },
  };
}

async function replace(files: Files, dir: string, note: string): Promise<void> {
  const temporary = `${checkpointPath(dir)}.tmp`;
  await within(files, temporary, 'w', async (file) => {
    await writeAll(file, Buffer.from(note));
    await synced(file.sync);
  });
  await files.rename(temporary, checkpointPath(dir));
  await syncFolder(files, dir);
}

async function within(files: Files, path: string, flags: 'a' | 'w', use: (file: Awaited<ReturnType<Files['open']>>) => Promise<void>): Promise<void> {
  const file = await files.open(path, flags);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
