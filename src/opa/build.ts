import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Rule } from '../core/decide/rulings.ts';
import { checkContract, toRules, type Inspected } from './contract.ts';
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
  /** Path of the opa binary; asked for only when something must be built. */
  readonly opa: () => Promise<string>;
}

/**
 * Gives the bundle of these rules, built now or before.
 * @throws {PolicyError} when a rule does not compile, or breaks the contract of design section 4.
 */
export async function loadBundle(options: BuildOptions): Promise<Bundle> {
  const source = await digestOf(options.rego);
  const folder = path.join(options.cache, source.slice('sha256:'.length));
  return await readBundle(folder, source) ?? await build(options, folder, source);
}

/** Undefined when it is not there, or not as it was written: then it is built anew. */
async function readBundle(folder: string, source: string): Promise<Bundle | undefined> {
  try {
    const [wasm, text] = await Promise.all([readFile(path.join(folder, 'policy.wasm')), readFile(path.join(folder, 'rules.json'), 'utf8')]);
    const stored = JSON.parse(text) as { wasm: string; rules: Rule[]; reads: string[] };
    if (stored.wasm !== sha256(wasm)) return undefined;
    return { wasm: new Uint8Array(wasm), rules: new Map(stored.rules.map((rule) => [rule.id, rule])), reads: stored.reads, source };
  } catch {
    return undefined;
  }
}

async function build({ rego, cache, opa }: BuildOptions, folder: string, source: string): Promise<Bundle> {
  const binary = await opa();
  const work = await mkdtemp(path.join(tmpdir(), 'sluice-build-'));
  try {
    const flags = ['--capabilities', path.join(rego, 'capabilities.json')];
    await check(binary, rego, flags);
    const archive = path.join(work, 'bundle.tar.gz');
    await opaRun(binary, ['build', '-t', 'wasm', ...flags, '-e', ENTRYPOINT, '--ignore', '*_test.rego', '-o', archive, rego]);
    const inspected = JSON.parse(await opaRun(binary, ['inspect', '-a', '-f', 'json', archive])) as Inspected;
    const problems = checkContract(await parseAll(binary, rego), inspected);
    if (problems.length > 0) throw new PolicyError(problems);
    const files = readTarGz(await readFile(archive));
    const wasm = files.get('/policy.wasm');
    if (wasm === undefined) throw new PolicyError(['the bundle has no policy.wasm']);
    const rules = toRules(inspected);
    await keep({ folder, cache, wasm, rules, reads: await readsOf(binary, rego), archive: await readFile(archive) });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  const built = await readBundle(folder, source);
  if (built === undefined) throw new PolicyError([`the built bundle in ${folder} cannot be read back`]);
  return built;
}

async function keep({ folder, cache, wasm, rules, reads, archive }: {
  readonly folder: string; readonly cache: string; readonly wasm: Uint8Array; readonly rules: readonly Rule[]; readonly reads: readonly string[]; readonly archive: Uint8Array;
}): Promise<void> {
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const fresh = path.join(cache, `.${randomBytes(6).toString('hex')}`);
  await mkdir(fresh, { mode: 0o700 });
  await writeFile(path.join(fresh, 'policy.wasm'), wasm);
  await writeFile(path.join(fresh, 'bundle.tar.gz'), archive);
  await writeFile(path.join(fresh, 'rules.json'), JSON.stringify({ wasm: sha256(wasm), rules, reads }));
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
}

const check = (binary: string, rego: string, flags: readonly string[]) => opaRun(binary, ['check', '--strict', ...flags, '-s', path.join(rego, 'schemas'), '--ignore', '*_test.rego', rego]);

async function parseAll(binary: string, rego: string) {
  const files = await regoFiles(rego);
  return Promise.all(files.map(async (file) => ({ file, module: JSON.parse(await opaRun(binary, ['parse', '-f', 'json', '--json-include', 'locations', path.join(rego, file)])) as unknown })));
}

async function readsOf(binary: string, rego: string): Promise<readonly string[]> {
  const text = await opaRun(binary, ['deps', '-f', 'json', '-d', rego, '--ignore', '*_test.rego', '--ignore', 'schemas', '--ignore', 'capabilities.json', 'data.egress.decision']);
  const { base } = JSON.parse(text) as { base: readonly (readonly { readonly value: string }[])[] };
  return base.map((ref) => ref.slice(1).map(({ value }) => value).join('.')).filter((name) => name !== '').sort();
}

async function opaRun(binary: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(binary, args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string };
    const text = [stderr, stdout].find((output) => output !== undefined && output.trim() !== '') ?? message;
    throw new PolicyError(text.trim().split('\n').filter((line) => !/^\d+ errors? occurred:?$/.test(line)).map((line) => line.replace(/^\d+ errors? occurred: /, '')));
  }
}

/** The `.rego` files below `rego` but for tests, relative, sorted. */
export async function regoFiles(rego: string): Promise<readonly string[]> {
  const entries = await readdir(rego, { recursive: true });
  return entries.filter((file) => file.endsWith('.rego') && !file.endsWith('_test.rego')).sort();
}

async function digestOf(rego: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of [...await regoFiles(rego), 'capabilities.json', path.join('schemas', 'input.json')]) {
    const content = await readFile(path.join(rego, file)).catch((error: unknown) => { throw new PolicyError([`${path.join(rego, file)}: cannot be read (${(error as { code?: string }).code ?? 'error'})`]); });
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return `sha256:${hash.digest('hex')}`;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
