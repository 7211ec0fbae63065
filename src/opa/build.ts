import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Rule } from '../core/decide/rulings.ts';
import { checkContract, toRules, type Inspected } from './contract.ts';
import { literalsOf, type Literal } from './references.ts';
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

/** A policy that does not build. `problems` are `file:row: what is wrong`, all of them. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the policy does not build:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

export interface BuildOptions {
  /** Folder of the rules, with `schemas/` and `capabilities.json`. */
  readonly rego: string;
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
  const source = await digestOf(options.rego);
  const folder = path.join(options.cache, hexOf(source));
  const own = await readBundle(folder, source);
  if (own !== undefined) return own;
  const from = options.shipped === undefined ? undefined : path.join(options.shipped, hexOf(source));
  const shipped = from === undefined ? undefined : await readBundle(from, source);
  if (from === undefined || shipped === undefined) return build(options, folder, source);
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

async function build({ rego, opa }: BuildOptions, folder: string, source: string): Promise<Bundle> {
  const runOpa = runner(path.resolve(await opa()), rego);
  const work = await mkdtemp(path.join(tmpdir(), 'sluice-build-'));
  try {
    const flags = ['--capabilities', 'capabilities.json'];
    await runOpa(['check', '--strict', ...flags, '-s', 'schemas', '--ignore', '*_test.rego', '.']);
    const archive = path.join(work, 'bundle.tar.gz');
    await runOpa(['build', '-t', 'wasm', ...flags, '-e', ENTRYPOINT, '--ignore', '*_test.rego', '-o', archive, '.']);
    const inspected = JSON.parse(await runOpa(['inspect', '-a', '-f', 'json', archive])) as Inspected;
    const modules = await parseAll(runOpa, rego);
    const problems = checkContract(modules, inspected);
    if (problems.length > 0) throw new PolicyError(problems.map((problem) => inFolder(rego, problem)));
    const files = readTarGz(await readFile(archive));
    const wasm = files.get('/policy.wasm');
    if (wasm === undefined) throw new PolicyError(['the bundle has no policy.wasm']);
    const literals = modules.flatMap(({ file, module }) => literalsOf(file, module));
    const described = { wasm: sha256(wasm), rules: toRules(inspected), reads: await readsOf(runOpa), literals };
    await putInPlace(folder, [['policy.wasm', wasm], ['bundle.tar.gz', await readFile(archive)], ['rules.json', JSON.stringify(described)]]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const built = await readBundle(folder, source);
  if (built === undefined) throw new PolicyError([`the built bundle in ${folder} cannot be read back`]);
  return built;
}

async function parseAll(runOpa: RunOpa, rego: string) {
  const files = await regoFiles(rego);
  return Promise.all(files.map(async (file) => ({ file, module: JSON.parse(await runOpa(['parse', '-f', 'json', '--json-include', 'locations', file])) as unknown })));
}

async function readsOf(runOpa: RunOpa): Promise<readonly string[]> {
  const text = await runOpa(['deps', '-f', 'json', '-d', '.', '--ignore', '*_test.rego', '--ignore', 'schemas', '--ignore', 'capabilities.json', 'data.egress.decision']);
  const { base } = JSON.parse(text) as { base: readonly (readonly { readonly value: string }[])[] };
  return base.filter(([root]) => root?.value === 'input').map((ref) => ref.slice(1).map(({ value }) => value).join('.')).filter((name) => name !== '').sort();
}

type RunOpa = (args: readonly string[]) => Promise<string>;

/** Runs opa in the folder of the rules: where that stands is no part of the policy, nor of its digest. */
function runner(binary: string, rego: string): RunOpa {
  return async (args) => {
    try {
      return (await run(binary, args, { cwd: rego, maxBuffer: 64 * 1024 * 1024 })).stdout;
    } catch (error) {
      const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string };
      const text = [stderr, stdout].find((output) => output !== undefined && output.trim() !== '') ?? message;
      const lines = text.trim().split('\n').filter((line) => !/^\d+ errors? occurred:?$/.test(line)).map((line) => line.replace(/^\d+ errors? occurred: /, ''));
      throw new PolicyError(lines.map((line) => (/^\S+\.rego:\d+/.test(line) ? inFolder(rego, line) : line)));
    }
  };
}

/** @param place `file:row: what is wrong`, the file as seen from the folder of the rules. */
const inFolder = (rego: string, place: string) => `${rego.replace(/\/+$/, '')}/${place}`;

/** The `.rego` files below `rego` but for tests, relative, sorted. */
export async function regoFiles(rego: string): Promise<readonly string[]> {
  const entries = await readdir(rego, { recursive: true }).catch((error: unknown) => { throw unreadable(rego, error); });
  return entries.filter((file) => file.endsWith('.rego') && !file.endsWith('_test.rego')).sort();
}

async function digestOf(rego: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of [...await regoFiles(rego), 'capabilities.json', path.join('schemas', 'input.json')]) {
    const content = await readFile(path.join(rego, file)).catch((error: unknown) => { throw unreadable(path.join(rego, file), error); });
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return `sha256:${hash.digest('hex')}`;
}

const hexOf = (source: string) => source.slice('sha256:'.length);

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const unreadable = (what: string, error: unknown) => new PolicyError([`${what}: cannot be read (${(error as { code?: string }).code ?? 'error'})`]);
