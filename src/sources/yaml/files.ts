import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { didYouMean } from '../../core/suggest.ts';
import { parseText } from './document.ts';
import { PoliciesError, type Problem, type Report } from './problems.ts';
import type { Respelt } from './raw.ts';
import { KINDS, type Kind } from './schemas.ts';

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_FOLDERS_DEEP = 8;
/** Files open at once. */
const WINDOW = 64;

/** A file that is YAML; whether it has its kind's shape is not known yet. */
export interface RawFile {
  readonly kind: Kind;
  readonly file: string;
  readonly raw: unknown;
  readonly report: Report;
  /** What in `raw` says something else than what is written. */
  readonly respelt: readonly Respelt[];
}

export interface RawFiles {
  readonly files: readonly RawFile[];
  readonly problems: readonly Problem[];
  /** Kinds of which a file can't be read: nobody knows all of their ids. */
  readonly unread: ReadonlySet<Kind>;
}

/** A file's name below the folder, and its text or why there is none. */
export interface TextFile {
  readonly name: string;
  readonly text: string | Problem;
}

/**
 * Reads every YAML file below `dir` but for cases/ and names that begin with a dot, links followed; in the order of their names.
 *
 * @throws {PoliciesError} when the folder can't be read, or has no such file.
 */
export async function readTexts(dir: string): Promise<readonly TextFile[]> {
  const read = await readBelow(dir, ['cases']).catch((error: { code?: string }) => {
    throw new PoliciesError([top(dir, `the policies folder cannot be read (${error.code ?? 'error'})`)]);
  });
  if (read.length === 0) throw new PoliciesError([top(dir, 'no policies file is here: is it the right folder?')]);
  return read;
}

/**
 * As `readTexts`, of any folder.
 *
 * @param passed entries of the folder itself that are not read.
 * @throws what the system says when the folder itself can't be read.
 */
export async function readBelow(dir: string, passed: readonly string[] = []): Promise<readonly TextFile[]> {
  const found = await list(dir, '', passed);
  const read: TextFile[] = [];
  for (let at = 0; at < found.length; at += WINDOW) {
    read.push(...await Promise.all(found.slice(at, at + WINDOW).map(async ({ name, problem }) => (
      { name, text: problem ?? await readText(path.join(dir, name)) }
    ))));
  }
  return read;
}

/** Parses them as YAML. */
export function parseTexts(dir: string, texts: readonly TextFile[]): RawFiles {
  const read = texts.map((each) => parseOne(path.join(dir, each.name), kindOf(each.name), each.text));
  return {
    files: read.flatMap(({ file }) => file ?? []),
    problems: read.flatMap(({ problems }) => problems),
    unread: new Set(read.flatMap(({ unread }) => unread ?? [])),
  };
}

const top = (file: string, message: string): Problem => ({ file, line: 1, column: 1, message });

const kindOf = (name: string) => name.split(path.sep)[0]!.replace(/\.ya?ml$/i, '');

/** A name below the policies folder, and why nothing can be read under it. */
interface Found {
  readonly name: string;
  readonly problem?: Problem;
}

/** Made by fsck at the top of an ext4 volume, for root alone. */
const OF_THE_VOLUME = 'lost+found';

/** Names below `dir`. A link counts as what it leads to: Kubernetes mounts every file as one. */
async function list(dir: string, folder: string, passed: readonly string[] = []): Promise<readonly Found[]> {
  const entries = await readdir(path.join(dir, folder));
  const names = entries.filter((name) => !name.startsWith('.') && name !== OF_THE_VOLUME && !passed.includes(name));
  const found = await Promise.all(names.sort(byStem).map(async (entry): Promise<readonly Found[]> => {
    const name = path.join(folder, entry);
    if (/\.ya?ml$/i.test(entry)) return [{ name }];
    try {
      if (!(await stat(path.join(dir, name))).isDirectory()) return [];
      return name.split(path.sep).length > MAX_FOLDERS_DEEP ? [] : await list(dir, name);
    } catch (error) {
      return [{ name, problem: unreadable(path.join(dir, name), error) }];
    }
  }));
  return found.flat();
}

function unreadable(entry: string, error: unknown): Problem {
  const { code = 'error' } = error as { code?: string };
  const why: Readonly<Record<string, string>> = {
    ENOENT: 'this link leads to nothing: mend or remove it',
    ELOOP: 'this link leads back to itself: mend or remove it',
    EACCES: 'this folder may not be read: give the right to, or move it out of the policies',
  };
  return top(entry, why[code] ?? `this cannot be read (${code})`);
}

/** `grants.yaml` before the folder `grants`. */
function byStem(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => name.replace(/\.ya?ml$/i, '')) as [string, string];
  return left < right ? -1 : left > right ? 1 : b.length - a.length || (a < b ? -1 : 1);
}

function parseOne(file: string, kind: string, text: TextFile['text']): { readonly file?: RawFile; readonly problems: readonly Problem[]; readonly unread?: Kind } {
  if (typeof text !== 'string') return { problems: [text], ...(isKind(kind) && { unread: kind }) };
  if (!isKind(kind)) {
    return { problems: [top(file, `no kind of file is called ${kind}${didYouMean(kind, Object.keys(KINDS))}`)] };
  }
  const { raw, problems, report, respelt } = parseText(file, text);
  return raw === undefined ? { problems, unread: kind } : { file: { kind, file, raw, report, respelt }, problems };
}

const isKind = (name: string): name is Kind => Object.hasOwn(KINDS, name);

async function readText(file: string): Promise<string | Problem> {
  try {
    const found = await stat(file);
    if (!found.isFile()) return top(file, 'this is no file');
    if (found.size > MAX_BYTES) return top(file, `the file has ${found.size} bytes; ${MAX_BYTES} are allowed: split it`);
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    const { code } = error as { code?: string };
    return top(file, code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'the file is not UTF-8' : `the file cannot be read (${code ?? 'error'})`);
  }
}
