import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Rule } from '../core/decide/rulings.ts';
import { checkContract, toRules, type Inspected } from './contract.ts';
import { literalsOf, type Literal } from './references.ts';
import { PolicyError, placeIn, readSources, writeSources, type RuleFolders, type Sources } from './sources.ts';
import { readTarGz } from './tar.ts';

const run = promisify(execFile);
const ENTRYPOINT = 'egress/decision';

/** A built policy. `digest` covers the WASM and what the rules say of themselves; `source` the files it was built from. */
export interface Bundle {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly rules: ReadonlyMap<string, Rule>;
  /** Input paths that rules read, dotted: `identity.attributes.team`. */
  readonly reads: readonly string[];
  readonly source: string;
  /** What its rules name in the catalogue. */
  readonly literals: readonly Literal[];
}

export { PolicyError };

export interface BuildOptions extends RuleFolders {
  /** Built bundles, content-addressed by their source; an unchanged policy is not built again. */
  readonly cache: string;
  /** Where a package has its rules built already: without OPA, its users have these at least. */
  readonly shipped?: string;
  /** Path of the opa binary; asked for only when something must be built. */
  readonly opa: () => Promise<string>;
}

/**
 * Gives the bundle of these rules, built now or before.
 * @throws {PolicyError} when a rule does not compile, or breaks the contract of design section 4.
 */
export async function loadBundle(options: BuildOptions): Promise<Bundle> {
  const sources = await readSources(options);
  const source = sources.digest;
  const folder = path.join(options.cache, hexOf(source));
  const kept = await readBundle(folder, source);
  if (kept !== undefined) return kept;
  const from = options.shipped === undefined ? undefined : path.join(options.shipped, hexOf(source));
  const shipped = from === undefined ? undefined : await readBundle(from, source);
  if (from === undefined || shipped === undefined) return build(options, folder, sources);
  // Records name it, and the package's next version has another one. Where nothing can be written, nothing is recorded.
  await copyShipped(from, folder).catch(() => {});
  return shipped;
}

/** The package is for everybody to read, its copy for nobody else. */
async function copyShipped(from: string, folder: string): Promise<void> {
  const files = await Promise.all((await readdir(from)).map(async (name) => [name, await readFile(path.join(from, name))] as const));
  await putInPlace(folder, files);
}

/** Files of mode 0600 in a folder of 0700, which has its name only once they are whole. */
async function putInPlace(folder: string, files: readonly (readonly [name: string, content: Uint8Array | string])[]): Promise<void> {
  const cache = path.dirname(folder);
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const fresh = path.join(cache, `.${randomBytes(6).toString('hex')}`);
  await mkdir(fresh, { mode: 0o700 });
  for (const [name, content] of files) await writeFile(path.join(fresh, name), content, { mode: 0o600 });
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
}

/** A kept bundle. Undefined when it is not there, or not as it was written: then it is built anew. */
export async function readBundle(folder: string, source: string): Promise<Bundle | undefined> {
  try {
    const [wasm, text] = await Promise.all([readFile(path.join(folder, 'policy.wasm')), readFile(path.join(folder, 'rules.json'), 'utf8')]);
    const stored = JSON.parse(text) as { wasm: string; rules: Rule[]; reads: string[]; literals?: Literal[] };
    // An earlier program kept no literals.
    if (stored.wasm !== sha256(wasm) || stored.literals === undefined) return undefined;
    return { wasm: new Uint8Array(wasm), rules: new Map(stored.rules.map((rule) => [rule.id, rule])), reads: stored.reads, literals: stored.literals, source };
  } catch {
    return undefined;
  }
}

async function build(options: BuildOptions, folder: string, sources: Sources): Promise<Bundle> {
  const work = await mkdtemp(path.join(tmpdir(), 'sluice-build-'));
  try {
    const tree = path.join(work, 'rules');
    await writeSources(sources, tree);
    const runOpa = runner({ binary: path.resolve(await options.opa()), tree, folders: options });
    const flags = ['--capabilities', 'capabilities.json'];
    await runOpa(['check', '--strict', ...flags, '-s', 'schemas', '.']);
    const archive = path.join(work, 'bundle.tar.gz');
    await runOpa(['build', '-t', 'wasm', ...flags, '-e', ENTRYPOINT, '-o', archive, '.']);
    const inspected = JSON.parse(await runOpa(['inspect', '-a', '-f', 'json', archive])) as Inspected;
    const modules = await parseAll(runOpa, sources.modules);
    const problems = [...sources.problems, ...checkContract(modules, inspected)];
    if (problems.length > 0) throw new PolicyError(problems.map((problem) => placeIn(options, problem)));
    const files = readTarGz(await readFile(archive));
    const wasm = files.get('/policy.wasm');
    if (wasm === undefined) throw new PolicyError(['the bundle has no policy.wasm']);
    const literals = modules.flatMap(({ file, module }) => literalsOf(file, module));
    const described = { wasm: sha256(wasm), rules: toRules(inspected), reads: await readsOf(runOpa), literals };
    await putInPlace(folder, [['policy.wasm', wasm], ['bundle.tar.gz', await readFile(archive)], ['rules.json', JSON.stringify(described)]]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const built = await readBundle(folder, sources.digest);
  if (built === undefined) throw new PolicyError([`the built bundle in ${folder} cannot be read back`]);
  return built;
}

async function parseAll(runOpa: RunOpa, modules: readonly string[]) {
  return Promise.all(modules.map(async (file) => ({ file, module: JSON.parse(await runOpa(['parse', '-f', 'json', '--json-include', 'locations', file])) as unknown })));
}

async function readsOf(runOpa: RunOpa): Promise<readonly string[]> {
  const text = await runOpa(['deps', '-f', 'json', '-d', '.', '--ignore', 'schemas', '--ignore', 'capabilities.json', 'data.egress.decision']);
  const { base } = JSON.parse(text) as { base: readonly (readonly { readonly value: string }[])[] };
  return base.filter(([root]) => root?.value === 'input').map((ref) => ref.slice(1).map(({ value }) => value).join('.')).filter((name) => name !== '').sort();
}

type RunOpa = (args: readonly string[]) => Promise<string>;

/** Runs opa in the tree; what it says of a file there, it says of the one that this was read from. */
function runner({ binary, tree, folders }: { readonly binary: string; readonly tree: string; readonly folders: RuleFolders }): RunOpa {
  return async (args) => {
    try {
      return (await run(binary, args, { cwd: tree, maxBuffer: 64 * 1024 * 1024 })).stdout;
    } catch (error) {
      const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string };
      const text = [stderr, stdout].find((output) => output !== undefined && output.trim() !== '') ?? message;
      const lines = text.trim().split('\n').filter((line) => !/^\d+ errors? occurred(?: during loading)?:?$/.test(line)).map((line) => line.replace(/^\d+ errors? occurred(?: during loading)?: /, ''));
      throw new PolicyError(lines.map((line) => (/^\S+\.rego:\d+/.test(line) ? placeIn(folders, line) : line)));
    }
  };
}

const hexOf = (source: string) => source.slice('sha256:'.length);

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
