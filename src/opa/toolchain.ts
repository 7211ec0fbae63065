import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version that is fetched or built. A newer 1.x is taken where the operator has one. */
export const OPA_VERSION = '1.22.2';

/** SHA-256 of release downloads, by file name. Without a hash known beforehand a download is not offered. */
export type PinnedDownloads = Readonly<Record<string, string>>;

export interface FindOptions {
  /** `.tools/` stands in it. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Progress, a line at a time. */
  readonly log: (line: string) => void;
  readonly downloads?: { readonly baseUrl: string; readonly pinned: PinnedDownloads };
}

export interface Opa {
  readonly path: string;
  readonly version: string;
}

/**
 * Finds the pinned OPA, or gets it: $SLUICE_OPA, PATH, `.tools/bin/opa`, a download whose hash is pinned, `go install`
 * (Go's checksum database stands in for the hash).
 *
 * @throws {Error} one message that names every way, when none works.
 */
export async function findOpa(options: FindOptions): Promise<Opa> {
  const { root, env, log } = options;
  const named = env['SLUICE_OPA'];
  if (named !== undefined && named !== '') {
    const version = await versionOf(named);
    if (!isGoodEnough(version)) throw new Error(`SLUICE_OPA is ${version === undefined ? 'no opa binary' : `opa ${version}`}; Sluice needs ${OPA_VERSION} or a newer 1.x`);
    return { path: named, version };
  }
  const own = path.join(root, '.tools', 'bin', 'opa');
  for (const candidate of ['opa', own]) {
    const version = await versionOf(candidate);
    if (isGoodEnough(version)) return { path: candidate, version };
  }
  const tried = [`SLUICE_OPA is not set`, `there is no opa ${OPA_VERSION} on PATH or in .tools/bin`];
  for (const get of [download, goInstall]) {
    const problem = await get(own, options);
    const version = problem === undefined ? await versionOf(own) : undefined;
    if (isGoodEnough(version)) return { path: own, version };
    tried.push(problem ?? 'what was installed is not the wanted version');
    log(tried.at(-1)!);
  }
  throw new Error(`opa ${OPA_VERSION} is needed to build the policy, and could not be had:\n${tried.map((line) => `  ${line}`).join('\n')}\nInstall it and put it on PATH, or set SLUICE_OPA to it, or install Go.`);
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

/** @returns what went wrong, or undefined. */
async function download(to: string, { downloads, log }: FindOptions): Promise<string | undefined> {
  const name = `opa_${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}_static`;
  const hash = downloads?.pinned[name];
  if (downloads === undefined || hash === undefined) return `no download is offered: the hash of ${name} is not pinned`;
  log(`downloading opa ${OPA_VERSION} …`);
  try {
    const response = await fetch(`${downloads.baseUrl}/v${OPA_VERSION}/${name}`, { signal: AbortSignal.timeout(300_000) });
    if (!response.ok) return `the download of opa answered ${response.status}`;
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (createHash('sha256').update(bytes).digest('hex') !== hash) return 'the download of opa has another SHA-256 than the pinned one: refused';
    await mkdir(path.dirname(to), { recursive: true });
    await writeFile(`${to}.part`, bytes);
    await chmod(`${to}.part`, 0o755);
    await rename(`${to}.part`, to);
    return undefined;
  } catch (error) {
    await rm(`${to}.part`, { force: true });
    return `the download of opa failed (${error instanceof Error ? error.message : 'unknown'})`;
  }
}

async function goInstall(to: string, { env, log }: FindOptions): Promise<string | undefined> {
  const go = env['GO'] ?? 'go';
  if (await run(go, ['version']).then(() => false, () => true)) return 'Go is not installed';
  log(`building opa ${OPA_VERSION} by go install; about two minutes the first time …`);
  const folder = path.dirname(to);
  await mkdir(folder, { recursive: true });
  const startedAt = Date.now();
  const ticking = setInterval(() => log(`  … ${Math.round((Date.now() - startedAt) / 1000)} s`), 15_000);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      const child = spawn(go, ['install', `github.com/open-policy-agent/opa@v${OPA_VERSION}`], { env: { ...env, GOBIN: folder, GOFLAGS: '' }, stdio: ['ignore', 'ignore', 'pipe'] });
      child.stderr.on('data', (chunk: Buffer) => { if (!/downloading/.test(String(chunk))) log(String(chunk).trimEnd()); });
      child.on('error', reject).on('exit', resolve);
    });
    await access(to);
    return code === 0 ? undefined : `go install of opa ended with ${code}`;
  } catch (error) {
    return `go install of opa failed (${error instanceof Error ? error.message : 'unknown'})`;
  } finally {
    clearInterval(ticking);
  }
}
