import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, constants, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version that is fetched or built. A newer 1.x is taken where the operator has one. */
export const OPA_VERSION = '1.22.2';

/** Where releases are downloaded from, and the SHA-256 of each file by its name. A file without a hash known beforehand is not offered. */
export interface Downloads {
  readonly baseUrl: string;
  readonly pinned: Readonly<Record<string, string>>;
  /** For the whole download. */
  readonly timeoutMs: number;
}

// No hash of this version has been checked by us yet: until then OPA comes from the operator or from Go.
const DOWNLOADS: Downloads = { baseUrl: 'https://github.com/open-policy-agent/opa/releases/download', pinned: {}, timeoutMs: 300_000 };
const GO_TIMEOUT_MS = 900_000;

export interface FindOptions {
  /** `.tools/` stands in it. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What is being done, a line at a time. */
  readonly log: (line: string) => void;
  /** Where lines can be overwritten: what is going on, several times a second, and undefined at its end. */
  readonly progress?: (line: string | undefined) => void;
  readonly downloads?: Downloads;
}

export interface Opa {
  /** Absolute. */
  readonly path: string;
  readonly version: string;
}

/**
 * Finds the pinned OPA, or gets it: $SLUICE_OPA, PATH, `.tools/bin/opa`, a download whose hash is pinned, `go install`
 * (Go's checksum database stands in for the hash). `.tools/bin/opa` is complete or not there.
 *
 * @throws {Error} one message that names every way, when none works; or when $SLUICE_OPA names a wrong one.
 */
export async function findOpa(options: FindOptions): Promise<Opa> {
  const { root, env, log } = options;
  const named = env['SLUICE_OPA'];
  if (named !== undefined && named !== '') return useNamed(named, env);
  const own = path.join(root, '.tools', 'bin', 'opa');
  const onPath = await lookUp('opa', env);
  const tried = ['SLUICE_OPA is not set'];
  for (const [where, candidate] of [['on PATH', onPath], ['in .tools/bin', own]] as const) {
    const version = candidate === undefined ? undefined : await versionOf(candidate);
    if (candidate !== undefined && isGoodEnough(version)) return { path: candidate, version };
    tried.push(version === undefined ? `there is no opa ${where}` : `the opa ${where} is ${version}`);
  }
  for (const get of [download, goInstall]) {
    const problem = await get(own, options);
    const version = problem === undefined ? await versionOf(own) : undefined;
    if (isGoodEnough(version)) return { path: own, version };
    tried.push(problem ?? `what was got does not run here as opa ${OPA_VERSION}`);
    log(tried.at(-1)!);
  }
  throw new Error(`opa ${OPA_VERSION} is needed to build the policy, and could not be had:\n${tried.map((line) => `  - ${line}`).join('\n')}\nPut opa ${OPA_VERSION} or a newer 1.x on PATH, or set SLUICE_OPA to it, or install Go.`);
}

async function useNamed(named: string, env: FindOptions['env']): Promise<Opa> {
  const binary = named.includes(path.sep) ? path.resolve(named) : await lookUp(named, env);
  const version = binary === undefined ? undefined : await versionOf(binary);
  if (binary !== undefined && isGoodEnough(version)) return { path: binary, version };
  throw new Error(`SLUICE_OPA is ${version === undefined ? 'no opa binary that runs here' : `opa ${version}`}: ${named}; Sluice needs ${OPA_VERSION} or a newer 1.x`);
}

async function lookUp(name: string, env: FindOptions['env']): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '').split(path.delimiter).filter(path.isAbsolute)) {
    const candidate = path.join(folder, name);
    if (await access(candidate, constants.X_OK).then(() => true, () => false)) return candidate;
  }
  return undefined;
}

async function versionOf(binary: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(binary, ['version'], { timeout: 10_000 });
    return /^Version: (\d+\.\d+\.\d+)/m.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

function isGoodEnough(version: string | undefined): version is string {
  if (version === undefined) return false;
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const [, wantedMinor = 0, wantedPatch = 0] = OPA_VERSION.split('.').map(Number);
  return major === 1 && (minor > wantedMinor || (minor === wantedMinor && patch >= wantedPatch));
}

/** The file name of the release for a machine; static where there is a static one. */
export function releaseName(platform: string, arch: string): string {
  const name = `opa_${platform}_${arch === 'x64' ? 'amd64' : arch}`;
  return name === 'opa_darwin_amd64' ? name : `${name}_static`;
}

/** @returns what went wrong, or undefined. */
async function download(to: string, options: FindOptions): Promise<string | undefined> {
  const { baseUrl, pinned, timeoutMs } = options.downloads ?? DOWNLOADS;
  const name = releaseName(process.platform, process.arch);
  const hash = pinned[name];
  if (hash === undefined) return `no download is offered: the SHA-256 of ${name} ${OPA_VERSION} is not pinned`;
  try {
    return await during(`downloading opa ${OPA_VERSION}`, options, async () => {
      const response = await fetch(`${baseUrl}/v${OPA_VERSION}/${name}`, { signal: AbortSignal.timeout(timeoutMs) });
      if (!response.ok) return `the download of opa answered ${response.status}`;
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (createHash('sha256').update(bytes).digest('hex') !== hash) return 'the download of opa has another SHA-256 than the pinned one: refused';
      await putInPlace(to, (folder) => writeFile(path.join(folder, 'opa'), bytes));
      return undefined;
    });
  } catch (error) {
    return `the download of opa failed: ${reasonOf(error)}`;
  }
}

/** @returns what went wrong, or undefined. */
async function goInstall(to: string, options: FindOptions): Promise<string | undefined> {
  const go = await lookUp('go', options.env);
  if (go === undefined) return 'Go, which could build it, is not installed';
  const { GOOS: _os, GOARCH: _arch, ...env } = options.env; // for this machine, whatever else is being built
  try {
    await during(`building opa ${OPA_VERSION} by go install (about two minutes the first time)`, options, () => putInPlace(to, (folder) => (
      run(go, ['install', `github.com/open-policy-agent/opa@v${OPA_VERSION}`], { env: { ...env, GOBIN: folder, GOFLAGS: '' }, timeout: GO_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 })
    )));
    return undefined;
  } catch (error) {
    return `go install of opa failed: ${reasonOf(error)}`;
  }
}

/** `make` puts a file named opa into the folder that it gets; only a whole one is moved to `to`. */
async function putInPlace(to: string, make: (folder: string) => Promise<unknown>): Promise<void> {
  const tools = path.dirname(path.dirname(to));
  await mkdir(path.dirname(to), { recursive: true });
  const folder = await mkdtemp(path.join(tools, 'opa-'));
  try {
    await make(folder);
    await chmod(path.join(folder, 'opa'), 0o755);
    await rename(path.join(folder, 'opa'), to);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Tells how long something has been going on: on one line where lines can be overwritten, else in a line every 15 seconds. */
async function during<T>(what: string, { log, progress }: FindOptions, work: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now();
  const elapsed = () => `${Math.round((performance.now() - startedAtMs) / 1000)} s`;
  if (progress === undefined) log(`${what} …`);
  const ticking = progress === undefined ? setInterval(() => log(`  … ${elapsed()}`), 15_000) : setInterval(() => progress(`${what} … ${elapsed()}`), 250);
  try {
    return await work();
  } finally {
    clearInterval(ticking);
    progress?.(undefined);
  }
}

/** The last line of what a program said on stderr, for the first tells only what it fetched; or what was thrown. */
function reasonOf(error: unknown): string {
  const { stderr, killed, message, cause } = error as { stderr?: string; killed?: boolean; message?: string; cause?: { message?: string } };
  if (killed === true) return 'it took too long';
  return stderr?.trim().split('\n').at(-1) || cause?.message || message || 'for an unknown reason';
}

/** Prints the path alone on stdout, so that a shell can use it. */
async function main(): Promise<void> {
  const { stdout, stderr, env } = process;
  const log = (line: string) => void stderr.write(`${line}\n`);
  const progress = (line: string | undefined) => void stderr.write(`\r\u001B[K${line ?? ''}`);
  try {
    const opa = await findOpa({ root: path.resolve(import.meta.dirname, '..', '..'), env, log, ...(stderr.isTTY ? { progress } : {}) });
    stdout.write(`${opa.path}\n`);
  } catch (error) {
    log(`sluice: ${error instanceof Error ? error.message : 'unknown'}`);
    process.exitCode = 1;
  }
}

if (import.meta.main) void main();
