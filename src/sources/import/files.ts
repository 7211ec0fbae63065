import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { SluiceError } from '../../core/errors.ts';
import { importDefinitions } from './definitions.ts';
import { writeImported, type SkippedEvent, type WriteOptions } from './write.ts';

export interface ImportProgress {
  readonly file: string;
  /** Files done, this one included. */
  readonly done: number;
  readonly total: number;
}

export interface ImportOptions extends WriteOptions {
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportReport {
  readonly files: number;
  readonly events: number;
  readonly fields: number;
  /** Below `outDir`. */
  readonly written: readonly string[];
  readonly skipped: readonly SkippedEvent[];
  /** Files that are no definitions, or broken; the others are imported all the same. */
  readonly failed: readonly { readonly file: string; readonly message: string }[];
  readonly warnings: readonly { readonly file: string; readonly event: string; readonly message: string }[];
}

const MAX_FILE_BYTES = 16 * 1024 * 1024;

/**
 * Imports files, and of folders every `*.json` and every file without an extension (Iglu's `1-0-0`) at any depth, and
 * writes one YAML file an event into `outDir/events`. `source` is the path below the folder given. Links are not followed.
 *
 * @throws when a path does not exist or `outDir` can't be written.
 */
export async function importFiles(paths: readonly string[], outDir: string, options: ImportOptions = {}): Promise<ImportReport> {
  const files = (await Promise.all(paths.map(definitionFiles))).flat();
  const failed: { file: string; message: string }[] = [];
  const events = [];
  for (const [i, { path, name }] of files.entries()) {
    try {
      events.push(...importDefinitions(await readDefinition(path), name));
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      failed.push({ file: name, message: error.message });
    }
    options.onProgress?.({ file: name, done: i + 1, total: files.length });
  }
  return {
    files: files.length,
    events: events.length,
    fields: events.reduce((sum, { fields }) => sum + fields.length, 0),
    ...(await writeImported(events, outDir, options)),
    failed,
    warnings: events.flatMap(({ source, name, warnings }) => warnings.map((message) => ({ file: source, event: name, message }))),
  };
}

interface DefinitionFile {
  readonly path: string;
  readonly name: string;
}

async function definitionFiles(path: string): Promise<readonly DefinitionFile[]> {
  if (!(await stat(path)).isDirectory()) return [{ path, name: basename(path) }];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /(?:^[^.]+|\.json)$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({ path: file, name: relative(path, file).replaceAll('\\', '/') }));
}

async function readDefinition(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES) throw new SluiceError('request_invalid', `${basename(path)}: larger than ${MAX_FILE_BYTES} bytes`);
  return readFile(path, 'utf8');
}
