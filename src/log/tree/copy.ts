import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { parseCheckpoint } from '../../core/tlog/checkpoint.ts';
import { makeFolder, replaceFile, syncFolder } from '../../datadir/durable.ts';
import { refuseWriters } from '../../datadir/log-key.ts';
import type { Files } from '../files.ts';
import { replaceByFiles, type SignedCheckpoint } from './checkpoints.ts';

/** The newest checkpoint once more, where whoever can write `log/` can't roll it back. */
export interface Copy {
  readonly path: string;
  /** Undefined when there is none. @throws {Error} for the operator when it is damaged, or others may write it. */
  read(): CopiedCheckpoint | undefined;
  /** Puts this in its place; on disk on return. */
  begin(content: CopyContent): void;
  /** As `begin`, off the way of a request. */
  write(files: Files, content: CopyContent): Promise<void>;
  /** Lays it aside in this folder, by this name, for a log that begins anew. */
  retire(folder: string, name: string): void;
}

export interface CopyContent {
  /** The first public key of the log, as text. */
  readonly vkey: string;
  readonly note: string;
}

export type CopiedCheckpoint = SignedCheckpoint & Pick<CopyContent, 'vkey'>;

const Content = z.strictObject({ v: z.literal(1), vkey: z.string(), note: z.string() });
const textOf = ({ vkey, note }: CopyContent) => `${JSON.stringify({ v: 1, vkey, note })}\n`;

/**
 * @param path default: `log.checkpoint` among the keys.
 * @throws {Error} for the operator when its folder isn't there, or lies in the log's own.
 */
export function openCopy({
  dir,
  keysDir,
  path = join(keysDir, 'log.checkpoint'),
}: {
  readonly dir: string;
  readonly keysDir: string;
  readonly path?: string | undefined;
}): Copy {
  makeFolder(keysDir);
  const folder = dirname(resolve(path));
  if (!existsSync(folder))
    throw new Error(
      `${path}: there is no folder for the copy of the log's newest checkpoint. Make it, or mount it, and start ` +
        `again (SLUICE_LOG_CHECKPOINT_FILE).`,
    );
  if (existsSync(dir) && isWithin(realpathSync(dir), join(realpathSync(folder), basename(path)))) {
    throw new Error(
      `${path}: the copy of the log's newest checkpoint may not lie in the log's own folder: whoever can change ` +
        `the log could change both. Give it another place by SLUICE_LOG_CHECKPOINT_FILE.`,
    );
  }
  return {
    path,
    read() {
      if (!existsSync(path)) return undefined;
      const info = statSync(path);
      for (const name of [path, folder])
        refuseWriters(
          name,
          'Whoever changes the copy of the newest checkpoint can have an older log taken for this one',
        );
      try {
        if (!info.isFile() || info.size > MAX_BYTES) throw new Error('no such file');
        const { vkey, note } = Content.parse(JSON.parse(readFileSync(path, 'utf8')));
        return { ...parseCheckpoint(note)!, note, vkey };
      } catch (error) {
        throw new Error(
          `${path}: damaged; it is the copy of the log's newest checkpoint. Restore it from a copy of the data ` +
            `directory.`,
          { cause: error },
        );
      }
    },
    begin: (content) => replaceFile(path, textOf(content)),
    write: (files, content) => replaceByFiles(files, path, textOf(content)),
    retire(aside, name) {
      if (!existsSync(path)) return;
      mkdirSync(aside, { recursive: true, mode: 0o700 });
      replaceFile(join(aside, `${name}.checkpoint`), readFileSync(path)); // it may lie on another disk
      rmSync(path);
      syncFolder(folder);
    },
  };
}

const MAX_BYTES = 1 << 16;

const isWithin = (folder: string, path: string) => !relative(folder, path).startsWith('..');
