import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Rule } from '../core/decide/rulings.ts';
import { checkContract, checkTests, toRules, type Inspected } from './contract.ts';
import { shapesOf, type RulingShape } from './heads.ts';
import { literalsOf, type Literal } from './literals.ts';
import { PolicyError, placeIn, readSources, writeSources, type RuleFolders, type Sources } from './sources.ts';
import { readTarGz } from './tar.ts';

const run = promisify(execFile);
const ENTRYPOINT = 'egress/decision';

/** A built policy; `source` is the digest of the files it was built from. */
export interface Bundle {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly rules: ReadonlyMap<string, Rule>;
  /** Input paths that rules read, dotted: `identity.attributes.team`. */
  readonly reads: readonly string[];
  readonly source: string;
  /** What its rules name in the catalogue and in closed lists. */
  readonly literals: readonly Literal[];
  /** What each rule may give. */
  readonly shapes: Readonly<Record<string, RulingShape>>;
  /** Names that the shipped rules may speak of, whether or not a world has them. */
  readonly taxonomy: readonly string[];
}

/** As it is kept; `checks` is `CHECKS` of the program that built it. */
interface Kept extends Omit<Bundle, 'wasm' | 'rules' | 'source'> {
  readonly wasm: string;
  readonly rules: readonly Rule[];
  readonly checks: number;
}

/** Raised whenever a build refuses more than before, or keeps more: what passed earlier checks is built anew. */
const CHECKS = 4;

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
  const kept = await readChecked(folder, source);
  if (kept !== undefined && sources.problems.length > 0)
    throw new PolicyError(sources.problems.map((problem) => placeIn(options, problem)));
  if (kept !== undefined) return kept;
  const from = options.shipped === undefined ? undefined : path.join(options.shipped, hexOf(source));
  const shipped = from === undefined ? undefined : await readChecked(from, source);
  if (from === undefined || shipped === undefined) return build(options, folder, sources);
  // Records name it, and the package's next version has another one. Where nothing can be written, nothing is recorded.
  await copyShipped(from, folder).catch(() => {});
  return shipped;
}

/** The package is for everybody to read, its copy for nobody else. */
async function copyShipped(from: string, folder: string): Promise<void> {
  const files = await Promise.all(
    (await readdir(from)).map(async (name) => [name, await readFile(path.join(from, name))] as const),
  );
  await putInPlace(folder, files);
}

/** Files of mode 0600 in a folder of 0700, which has its name only once they are whole. */
async function putInPlace(
  folder: string,
  files: readonly (readonly [name: string, content: Uint8Array | string])[],
): Promise<void> {
  const cache = path.dirname(folder);
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const fresh = path.join(cache, `.${randomBytes(6).toString('hex')}`);
  await mkdir(fresh, { mode: 0o700 });
  for (const [name, content] of files) await writeFile(path.join(fresh, name), content, { mode: 0o600 });
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
}

/** A kept bundle, also one that an earlier program built. Undefined when it is not there, or not as it was written. */
export async function readBundle(folder: string, source: string): Promise<Bundle | undefined> {
  return (await read(folder, source))?.bundle;
}

/** One that passed the checks of this program. */
async function readChecked(folder: string, source: string): Promise<Bundle | undefined> {
  const found = await read(folder, source);
  return found?.checks === CHECKS ? found.bundle : undefined;
}

async function read(
  folder: string,
  source: string,
): Promise<{ readonly bundle: Bundle; readonly checks: number | undefined } | undefined> {
  try {
    const [bytes, text] = await Promise.all([
      readFile(path.join(folder, 'policy.wasm')),
      readFile(path.join(folder, 'rules.json'), 'utf8'),
    ]);
    const { wasm, rules, checks, ...more } = JSON.parse(text) as Pick<Kept, 'wasm' | 'rules' | 'reads'> & Partial<Kept>;
    if (wasm !== sha256(bytes)) return undefined;
    const described = { literals: [], shapes: {}, taxonomy: [], ...more };
    return {
      bundle: {
        ...described,
        wasm: new Uint8Array(bytes),
        rules: new Map(rules.map((rule) => [rule.id, rule])),
        source,
      },
      checks,
    };
  } catch {
    return undefined;
  }
}

async function build(options: BuildOptions, folder: string, sources: Sources): Promise<Bundle> {
  const work = await mkdtemp(path.join(tmpdir(), 'sluice-build-'));
  try {
    const tree = path.join(work, 'rules');
    const tests = path.join(work, 'tests');
    await writeSources(sources.files, tree);
    await writeSources(sources.tests, tests);
    const binary = path.resolve(await options.opa());
    const runOpa = runner({ binary, tree, folders: options });
    const flags = ['--capabilities', 'capabilities.json'];
    await runOpa(['check', '--strict', ...flags, '-s', 'schemas', '.']);
    const archive = path.join(work, 'bundle.tar.gz');
    await runOpa(['build', '-t', 'wasm', ...flags, '-e', ENTRYPOINT, '-o', archive, '.']);
    const inspected = JSON.parse(await runOpa(['inspect', '-a', '-f', 'json', archive])) as Inspected;
    const modules = await parseAll(runOpa, sources.modules);
    const named = await parseAll(runner({ binary, tree: tests, folders: options }), [...sources.tests.keys()]);
    const problems = [...sources.problems, ...checkTests(named), ...checkContract(modules, inspected)];
    if (problems.length > 0) throw new PolicyError(problems.map((problem) => placeIn(options, problem)));
    const files = readTarGz(await readFile(archive));
    const wasm = files.get('/policy.wasm');
    if (wasm === undefined) throw new PolicyError(['the bundle has no policy.wasm']);
    const described: Kept = {
      checks: CHECKS,
      wasm: sha256(wasm),
      rules: toRules(inspected),
      reads: await readsOf(runOpa),
      taxonomy: sources.taxonomy,
      literals: modules.flatMap(({ file, module }) => literalsOf(file, module)),
      shapes: Object.assign({}, ...modules.map(({ module }) => shapesOf(module))) as Kept['shapes'],
    };
    await putInPlace(folder, [
      ['policy.wasm', wasm],
      ['bundle.tar.gz', await readFile(archive)],
      ['rules.json', JSON.stringify(described)],
    ]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const built = await readChecked(folder, sources.digest);
  if (built === undefined) throw new PolicyError([`the built bundle in ${folder} cannot be read back`]);
  return built;
}

async function parseAll(runOpa: RunOpa, modules: readonly string[]) {
  return Promise.all(
    modules.map(async (file) => ({
      file,
      module: JSON.parse(await runOpa(['parse', '-f', 'json', '--json-include', 'locations', file])) as unknown,
    })),
  );
}

async function readsOf(runOpa: RunOpa): Promise<readonly string[]> {
  const text = await runOpa([
    'deps',
    '-f',
    'json',
    '-d',
    '.',
    '--ignore',
    'schemas',
    '--ignore',
    'capabilities.json',
    'data.egress.decision',
  ]);
  const { base } = JSON.parse(text) as { base: readonly (readonly { readonly value: string }[])[] };
  return base
    .filter(([root]) => root?.value === 'input')
    .map((ref) =>
      ref
        .slice(1)
        .map(({ value }) => value)
        .join('.'),
    )
    .filter((name) => name !== '')
    .sort();
}

type RunOpa = (args: readonly string[]) => Promise<string>;

/** Runs opa in the tree; what it says of a file there, it says of the one that this was read from. */
function runner({
  binary,
  tree,
  folders,
}: {
  readonly binary: string;
  readonly tree: string;
  readonly folders: RuleFolders;
}): RunOpa {
  return async (args) => {
    try {
      return (await run(binary, args, { cwd: tree, maxBuffer: 64 * 1024 * 1024 })).stdout;
    } catch (error) {
      const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string };
      const text = [stderr, stdout].find((output) => output !== undefined && output.trim() !== '') ?? message;
      const lines = text
        .trim()
        .split('\n')
        .filter((line) => !/^\d+ errors? occurred(?: during loading)?:?$/.test(line))
        .map((line) => line.replace(/^\d+ errors? occurred(?: during loading)?: /, ''));
      throw new PolicyError(lines.map((line) => toWords(/^\S+\.rego:\d+/.test(line) ? placeIn(folders, line) : line)));
    }
  };
}

const NO_PRINT =
  "a rule can't print: no log may hold what it would print of a question; print in a test, or ask `sluice explain`";

/** What OPA says of its inside, in words of the rules. */
const toWords = (line: string) => line.replace(/rego_type_error: undefined function internal\.print$/, NO_PRINT);

const hexOf = (source: string) => source.slice('sha256:'.length);

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
