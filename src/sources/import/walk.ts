import { open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { SluiceError } from '../../core/errors.ts';
import { isVersion, type Place } from './names.ts';

/** A file that may have definitions. */
export interface Candidate {
  readonly path: string;
  readonly place: Place;
  /** The folder that the place is below: of files with one number it is the same. */
  readonly root: number;
  /** A person named this very file: it must have some. */
  readonly isNamed: boolean;
}

export interface Walked {
  readonly candidates: readonly Candidate[];
  /** What can't be looked at. */
  readonly failed: readonly { readonly file: string; readonly message: string }[];
  /** Files that can't be definitions, by their names. */
  readonly others: number;
}

export const MAX_FILE_BYTES = 16 * 1024 * 1024;
const MAX_FILES = 50_000;
const MAX_FOLDERS_DEEP = 32;

/** Folders of tools and packages; all whose names begin with a dot besides. */
const PASSED: ReadonlySet<string> = new Set(['node_modules']);

/**
 * The files to import: each that is named, and below each folder `*.json`, `*.yaml`, `*.yml`, `*.jsonschema`, and what
 * has no extension or a version for a name (Iglu's `1-0-0`). Folders of tools, and `except`, are passed over. A link is
 * not followed: what it leads to is met where it stands, or the link is among those that failed.
 *
 * @throws {SluiceError} `request_invalid` for over 50,000 files.
 * @throws when a path does not exist.
 */
export async function walk(paths: readonly string[], except: string): Promise<Walked> {
  const walked: Mutable = {
    candidates: [],
    failed: [],
    others: 0,
    except: path.resolve(except),
    roots: [],
    numbers: new Map(),
  };
  for (const name of paths) walked.roots.push(await realpath(name));
  for (const name of paths) {
    const resolved = path.resolve(name);
    const found = await stat(name);
    if (found.isDirectory()) await walkFolder(resolved, { root: resolved, depth: 0 }, walked);
    else if (!found.isFile()) walked.failed.push({ file: name, message: 'neither a file nor a folder' });
    else
      walked.candidates.push({
        path: name,
        place: { file: path.basename(name), folder: path.basename(path.dirname(resolved)) },
        root: numberOf(path.dirname(resolved), walked),
        isNamed: true,
      });
  }
  return walked;
}

interface Mutable extends Walked {
  readonly candidates: Candidate[];
  readonly failed: { file: string; message: string }[];
  others: number;
  readonly except: string;
  readonly roots: string[];
  readonly numbers: Map<string, number>;
}

function numberOf(folder: string, { numbers }: Mutable): number {
  const number = numbers.get(folder) ?? numbers.size;
  numbers.set(folder, number);
  return number;
}

interface Below {
  readonly root: string;
  readonly depth: number;
}

async function walkFolder(folder: string, { root, depth }: Below, walked: Mutable): Promise<void> {
  const fileOf = (name: string) => path.relative(root, path.join(folder, name)).replaceAll('\\', '/');
  const fail = (name: string, message: string) => void walked.failed.push({ file: fileOf(name), message });
  if (depth > MAX_FOLDERS_DEEP) return fail('', `over ${MAX_FOLDERS_DEEP} folders deep: not looked into`);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: { code?: string }) =>
    fail('', `the folder cannot be read (${error.code})`),
  );
  for (const entry of (entries ?? []).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const full = path.join(folder, entry.name);
    if (entry.name.startsWith('.') || PASSED.has(entry.name) || full === walked.except) continue;
    if (entry.isDirectory()) await walkFolder(full, { root, depth: depth + 1 }, walked);
    else if (!mayDefine(entry.name)) walked.others += 1;
    else if (entry.isSymbolicLink()) await passLink(full, fail.bind(undefined, entry.name), walked);
    else if (entry.isFile())
      walked.candidates.push({
        path: full,
        place: { file: fileOf(entry.name), folder: path.basename(root) },
        root: numberOf(root, walked),
        isNamed: false,
      });
    if (walked.candidates.length > MAX_FILES)
      throw new SluiceError('request_invalid', `over ${MAX_FILES} files: import the folders below one by one`);
  }
}

const mayDefine = (name: string) => /^[^.]+$|\.(?:json|ya?ml|jsonschema)$/i.test(name) || isVersion(name);

async function passLink(link: string, fail: (message: string) => void, walked: Mutable): Promise<void> {
  try {
    const target = await realpath(link);
    if (walked.roots.some((root) => target.startsWith(`${root}${path.sep}`) || target === root)) walked.others += 1;
    else fail('a link out of the folder: name what it leads to, if that has definitions');
  } catch (error) {
    fail(`a link to nothing that can be read (${(error as { code?: string }).code})`);
  }
}

/** @throws {SluiceError} `request_invalid` for what is no file, is too large, or no UTF-8. */
export async function readDefinition(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat().then((found) => (found.isFile() ? found : refuse('no file')));
    if (size > MAX_FILE_BYTES) refuse(`larger than ${MAX_FILE_BYTES} bytes`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await handle.readFile());
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') refuse('not UTF-8');
    throw error;
  } finally {
    await handle.close();
  }
}

function refuse(message: string): never {
  throw new SluiceError('request_invalid', message);
}
