import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { didYouMean } from '../../core/suggest.ts';
import { parseText } from './document.ts';
import { PoliciesError, type Problem, type Report } from './problems.ts';
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
  const names = await list(dir, '').catch((error: { code?: string }) => {
    throw new PoliciesError([top(dir, `the policies folder cannot be read (${error.code ?? 'error'})`)]);
  });
  if (names.length === 0) throw new PoliciesError([top(dir, 'no policies file is here: is it the right folder?')]);
  const read: TextFile[] = [];
  for (let at = 0; at < names.length; at += WINDOW) {
    read.push(...await Promise.all(names.slice(at, at + WINDOW).map(async (name) => ({ name, text: await readText(path.join(dir, name)) }))));
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

/** Names below `dir`. A link counts as what it leads to: Kubernetes mounts every file as one. */
async function list(dir: string, folder: string): Promise<readonly string[]> {
  const names = (await readdir(path.join(dir, folder))).filter((name) => !name.startsWith('.') && path.join(folder, name) !== 'cases');
  const found = await Promise.all(names.sort(byStem).map(async (entry) => {
    const name = path.join(folder, entry);
    const isYaml = /\.ya?ml$/i.test(entry);
    const isFolder = isYaml ? false : (await stat(path.join(dir, name))).isDirectory();
    if (!isFolder) return isYaml ? [name] : [];
    return name.split(path.sep).length > MAX_FOLDERS_DEEP ? [] : list(dir, name);
  }));
  return found.flat();
}

/** `grants.yaml` before the folder `grants`. */
function byStem(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => name.replace(/\.ya?ml$/i, '')) as [string, string];
  return left < right ? -1 : left > right ? 1 : b.length - a.length || (a < b ? -1 : 1);
}

function parseOne(file: string, kind: string, text: TextFile['text']): { readonly file?: RawFile; readonly problems: readonly Problem[]; readonly unread?: Kind } {
  if (!isKind(kind)) return { problems: [top(file, `no kind of file is called ${kind}${didYouMean(kind, Object.keys(KINDS))}`)] };
  if (typeof text !== 'string') return { problems: [text], unread: kind };
  const { raw, problems, report } = parseText(file, text);
  return raw === undefined ? { problems, unread: kind } : { file: { kind, file, raw, report }, problems };
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
