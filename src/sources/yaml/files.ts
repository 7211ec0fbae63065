import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { isMap, isPair, isScalar, LineCounter, parse, parseDocument, type Node } from 'yaml';
import type { z } from 'zod';
import { nearest } from '../../core/suggest.ts';
import { PoliciesError, type Problem } from './problems.ts';
import { KINDS, KNOWN_KEYS, type Kind, type Value } from './schemas.ts';

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_ALIASES = 100;

/** A file that has its kind's shape. `at` finds the place of one of its members. */
export interface Source<K extends Kind = Kind> {
  readonly kind: K;
  readonly file: string;
  readonly value: Value<K>;
  /** A mistake at this member; the last step may be a key. */
  readonly problem: (at: readonly (string | number)[], message: string) => Problem;
}

/**
 * Reads every policies file below `dir` but for cases/.
 * @returns what has its shape, and the mistakes of the rest.
 */
export async function readSources(dir: string): Promise<{ readonly sources: readonly Source[]; readonly problems: readonly Problem[] }> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((error: { code?: string }) => {
    throw new PoliciesError([{ file: dir, line: 1, column: 1, message: `the policies folder cannot be read (${error.code ?? 'error'})` }]);
  });
  const files = entries
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith(`cases${path.sep}`))
    .sort();
  const read = await Promise.all(files.map((file) => readSource(dir, file)));
  return { sources: read.flatMap(({ source }) => source ?? []), problems: read.flatMap(({ problems }) => problems) };
}

async function readSource(dir: string, name: string): Promise<{ readonly source?: Source; readonly problems: readonly Problem[] }> {
  const file = path.join(dir, name);
  const kind = name.split(path.sep)[0]!.replace(/\.ya?ml$/, '');
  if (!Object.hasOwn(KINDS, kind)) {
    const near = nearest(kind, Object.keys(KINDS));
    return { problems: [{ file, line: 1, column: 1, message: `no kind of file is called ${kind}${near === undefined ? '' : `; did you mean ${near}?`}` }] };
  }
  if ((await stat(file)).size > MAX_BYTES) return { problems: [{ file, line: 1, column: 1, message: 'the file is larger than 8 MiB: split it' }] };
  const text = await readFile(file, 'utf8');
  const problem = locator(file, text);
  const { value, problems } = parseText(file, text);
  if (problems.length > 0) return { problems };
  const parsed = (KINDS[kind as Kind] as z.ZodType).safeParse(value);
  if (!parsed.success) return { problems: parsed.error.issues.flatMap((issue) => explain(issue, problem)) };
  return { source: { kind: kind as Kind, file, value: parsed.data as Value<Kind>, problem }, problems: [] };
}

// Positions cost twice the time of parsing: they are looked for only where there is a mistake.
function parseText(file: string, text: string): { readonly value: unknown; readonly problems: readonly Problem[] } {
  try {
    return { value: parse(text, { maxAliasCount: MAX_ALIASES, uniqueKeys: true }), problems: [] };
  } catch {
    const lines = new LineCounter();
    const { errors } = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
    const found = errors.map(({ message, pos }) => ({ file, line: lines.linePos(pos[0]).line, column: lines.linePos(pos[0]).col, message: message === 'Map keys must be unique' ? 'this key stands here twice' : message }));
    return { value: undefined, problems: found.length > 0 ? found : [{ file, line: 1, column: 1, message: 'the file cannot be read: too many aliases' }] };
  }
}

function locator(file: string, text: string): Source['problem'] {
  let document: { readonly root: Node | null; readonly lines: LineCounter } | undefined;
  return (at, message) => {
    if (document === undefined) {
      const lines = new LineCounter();
      document = { lines, root: parseDocument(text, { lineCounter: lines }).contents };
    }
    const offset = offsetOf(document.root, at);
    const { line, col } = offset === undefined ? { line: 1, col: 1 } : document.lines.linePos(offset);
    return { file, line, column: col, message };
  };
}

/** Where the value at this path starts; for a map's member its key, where the value itself is a map or a list. */
function offsetOf(root: Node | null, at: readonly (string | number)[]): number | undefined {
  let node: Node | null | undefined = root;
  let offset = node?.range?.[0];
  for (const step of at) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step));
      if (pair === undefined) return offset;
      node = pair.value as Node | null;
      offset = isScalar(node) ? node.range?.[0] : (pair.key as Node).range?.[0];
    } else {
      node = (node as { items?: readonly Node[] } | undefined)?.items?.[Number(step)];
      if (node === undefined) return offset;
      offset = node.range?.[0] ?? offset;
    }
  }
  return offset;
}

function explain(issue: z.core.$ZodIssue, problem: Source['problem']): readonly Problem[] {
  const at = issue.path.filter((step): step is string | number => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const near = nearest(key, KNOWN_KEYS);
      return problem([...at, key], `${key} is not known here${near === undefined || near === key ? '' : `; did you mean ${near}?`}`);
    });
  }
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.flat().toSorted((a, b) => b.path.length - a.path.length)[0];
    if (deepest !== undefined) return explain({ ...deepest, path: [...issue.path, ...deepest.path] } as z.core.$ZodIssue, problem);
  }
  if (issue.code === 'invalid_key') return [problem(at, issue.issues[0]?.message ?? issue.message)];
  if (issue.code === 'invalid_value') {
    return [problem(at, `must be one of ${issue.values.map(String).join(', ')}`)];
  }
  return [problem(at, issue.message)];
}
