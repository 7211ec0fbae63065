import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A policy that does not build. `problems` are `file:row: what is wrong`, all of them. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the policy does not build:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Where rules stand. */
export interface RuleFolders {
  /** Folder of the guardrails, with `schemas/` and `capabilities.json`. */
  readonly rego: string;
  /** Folder of the authors' own rules; absent, or not there: none. */
  readonly own?: string;
}

/** Below the folder of the facts: rules of one's own are dropped in there, nothing is registered. */
export const ownRulesOf = (policies: string) => path.join(policies, 'rules');

/** Where the tree that OPA sees holds the authors' files. */
export const OWN = 'egress/rules/own/';

/** The rules of both folders as OPA sees them: one tree, whose digest does not depend on where the folders stand. */
export interface Sources {
  /** `sha256:` and hex over everything that is built from. */
  readonly digest: string;
  /** Content by name in the tree, in the order of the names: rules, `capabilities.json` and the schema. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Names of the modules in the tree, `egress/rules/residency.rego`. */
  readonly modules: readonly string[];
  /** Tests that may hold rules, which would never count: of no other test anything is known here. */
  readonly tests: ReadonlyMap<string, Uint8Array>;
  /** Categories and purposes that the guardrails may name, whether or not a world has them: from `taxonomy.json`. */
  readonly taxonomy: readonly string[];
  /** Mistakes of names, which no compiler looks at: `file:row: what is wrong`, the file as seen in the tree. */
  readonly problems: readonly string[];
}

/** @throws {PolicyError} when a folder or file can't be read. */
export async function readSources(folders: RuleFolders): Promise<Sources> {
  const [shipped, own] = await Promise.all([
    namesBelow(folders.rego),
    folders.own === undefined ? [] : namesIn(folders.own),
  ]);
  const rego = [...shipped, ...own.map((name) => `${OWN}${name}`)].filter((name) => name.endsWith('.rego')).sort();
  const readAll = async (names: readonly string[]) =>
    new Map(await Promise.all(names.map(async (name) => [name, await read(fileOf(folders, name))] as const)));
  const modules = rego.filter((name) => !isTest(name));
  const misnamed = own
    .filter((name) => /\.rego$/i.test(name) && !name.endsWith('.rego'))
    .map((name) => `${OWN}${name}:1: its name must end in .rego, in small letters: as it is nobody reads it`);
  const files = await readAll([...modules, 'capabilities.json', 'schemas/input.json']);
  const tests = new Map([...(await readAll(rego.filter(isTest)))].filter(([, content]) => mayHoldRules(content)));
  const taxonomy = shipped.includes(TAXONOMY) ? await readAll([TAXONOMY]) : new Map<string, Buffer>();
  const names = taxonomyOf(taxonomy.get(TAXONOMY));
  return {
    digest: digestOf(new Map([...files, ...tests, ...taxonomy])),
    files,
    tests,
    modules,
    taxonomy: names ?? [],
    problems: [
      ...misnamed,
      ...checkNames(modules),
      ...(names === undefined ? [`${TAXONOMY}:1: must be { "categories": ["…"], "purposes": ["…"] }`] : []),
    ],
  };
}

const TAXONOMY = 'taxonomy.json';

function taxonomyOf(content: Uint8Array | undefined): readonly string[] | undefined {
  if (content === undefined) return [];
  try {
    const { categories, purposes, ...more } = JSON.parse(new TextDecoder().decode(content)) as Record<string, unknown>;
    const names: readonly unknown[] = [...(categories as unknown[]), ...(purposes as unknown[])];
    return names.every((name) => typeof name === 'string') && Object.keys(more).length === 0 ? names : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a file of tests has another package than one of tests, or a line that begins like `rulings`. By its text, so
 * that what is built does not change with every test; what looks like it is parsed.
 */
function mayHoldRules(content: Uint8Array): boolean {
  const text = new TextDecoder().decode(content);
  return (
    !/^(?:\s|#[^\n]*\n)*package[ \t]+[\w.]*_test\s*?(?:#|\n|$)/.test(text.replace(/^\uFEFF/, '')) ||
    /^[ \t]*(?:default[ \t]+)?rulings\b/m.test(text)
  );
}

/** Writes files by their names in the tree into `folder`. */
export async function writeSources(files: Sources['files'], folder: string): Promise<void> {
  for (const [name, content] of files) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
}

/** @param place `file:row …`, the file as seen in the tree. @returns the same with the file that it was read from. */
export const placeIn = (folders: RuleFolders, place: string): string => fileOf(folders, place);

function fileOf({ rego, own }: RuleFolders, name: string): string {
  return own !== undefined && name.startsWith(OWN)
    ? `${trimmed(own)}/${name.slice(OWN.length)}`
    : `${trimmed(rego)}/${name}`;
}

const trimmed = (folder: string) => folder.replace(/\/+$/, '');
const isTest = (name: string) => name.endsWith('_test.rego');

/** A name in both folders would be one package's for a reader, and two for OPA. */
function checkNames(modules: readonly string[]): readonly string[] {
  return modules
    .filter((name) => name.startsWith(OWN))
    .flatMap((name) => {
      const file = name.slice(OWN.length);
      if (file.includes('/')) return [`${name}:1: rules stand in this folder itself, not in one below it`];
      return modules.includes(`egress/rules/${file}`)
        ? [`${name}:1: the shipped rules have a file called ${file} too: choose another name`]
        : [];
    });
}

async function namesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    throw unreadable(folder, error);
  });
  return entries.map((name) => name.split(path.sep).join('/'));
}

/** Files of the authors; a mounted volume may hold folders of its own, `..data`, and no folder at all is none. */
async function namesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw unreadable(folder, error);
  });
  return entries.map((name) => name.split(path.sep).join('/')).filter((name) => !name.startsWith('.'));
}

const read = (file: string) =>
  readFile(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });

function digestOf(files: Sources['files']): string {
  const hash = createHash('sha256');
  for (const [name, content] of files) hash.update(`${name}\0${content.length}\0`).update(content);
  return `sha256:${hash.digest('hex')}`;
}

const unreadable = (what: string, error: unknown) =>
  new PolicyError([`${what}: cannot be read (${(error as { code?: string }).code ?? 'error'})`]);
