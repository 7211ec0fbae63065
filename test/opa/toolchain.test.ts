import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { findOpa, OPA_VERSION, releaseName, type Downloads, type FindOptions } from '../../src/opa/toolchain.ts';

const NAME = releaseName(process.platform, process.arch);
const SYSTEM = '/usr/bin:/bin';
let root: string;
let lines: string[];
let server: Server | undefined;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'sluice-toolchain-'));
  lines = [];
});

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => { if (server === undefined) resolve(undefined); else server.close(resolve); });
  server = undefined;
  rmSync(root, { recursive: true, force: true });
});

const opaOf = (version: string) => `#!/bin/sh\necho "Version: ${version}"\n`;
const own = () => path.join(root, '.tools', 'bin', 'opa');
const leftOvers = () => readdirSync(path.join(root, '.tools')).filter((name) => name !== 'bin');

function put(file: string, text: string): string {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

/** A folder on PATH with these programs; nothing else of the machine is found but the shell. */
function withPrograms(programs: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(programs)) put(path.join(root, 'path', name), text);
  return path.join(root, 'path');
}

const find = (env: FindOptions['env'], more: Partial<FindOptions> = {}) => findOpa({ root, env: { PATH: path.join(root, 'path'), ...env }, log: (line) => lines.push(line), ...more });

async function serve(answer: RequestListener): Promise<string> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/releases`;
}

function pinnedTo(baseUrl: string, text: string, timeoutMs = 5000): Downloads {
  return { baseUrl, pinned: { [NAME]: createHash('sha256').update(text).digest('hex') }, timeoutMs };
}

describe('$SLUICE_OPA', () => {
  test.each(['1.22.2', '1.22.10', '1.30.0'])('%s is taken', async (version) => {
    const named = put(path.join(root, 'my-opa'), opaOf(version));
    await expect(find({ SLUICE_OPA: named })).resolves.toEqual({ path: named, version });
  });

  test.each(['1.22.1', '1.4.2', '0.70.0', '2.0.0'])('%s is refused, though PATH has the right one', async (version) => {
    withPrograms({ opa: opaOf(OPA_VERSION) });
    const named = put(path.join(root, 'my-opa'), opaOf(version));
    await expect(find({ SLUICE_OPA: named })).rejects.toThrow(`SLUICE_OPA is opa ${version}: ${named}; Sluice needs ${OPA_VERSION} or a newer 1.x`);
  });

  test.each([['no file', undefined], ['a program that fails', '#!/bin/sh\nexit 3\n'], ['a program that is not opa', '#!/bin/sh\necho hello\n']])('%s is refused', async (_what, text) => {
    const named = path.join(root, 'my-opa');
    if (text !== undefined) put(named, text);
    await expect(find({ SLUICE_OPA: named })).rejects.toThrow('SLUICE_OPA is no opa binary that runs here');
  });

  test('a bare name is looked up on PATH', async () => {
    const folder = withPrograms({ 'opa-next': opaOf('1.23.0') });
    await expect(find({ SLUICE_OPA: 'opa-next' })).resolves.toEqual({ path: path.join(folder, 'opa-next'), version: '1.23.0' });
  });

  test('empty counts as not set', async () => {
    const folder = withPrograms({ opa: opaOf(OPA_VERSION) });
    await expect(find({ SLUICE_OPA: '' })).resolves.toEqual({ path: path.join(folder, 'opa'), version: OPA_VERSION });
  });
});

describe('PATH, then .tools', () => {
  test('PATH wins where its version is right', async () => {
    put(own(), opaOf(OPA_VERSION));
    const folder = withPrograms({ opa: opaOf('1.23.0') });
    await expect(find({})).resolves.toEqual({ path: path.join(folder, 'opa'), version: '1.23.0' });
  });

  test('.tools is taken where the one on PATH is too old, and nothing is fetched', async () => {
    put(own(), opaOf(OPA_VERSION));
    withPrograms({ opa: opaOf('1.4.2'), go: '#!/bin/sh\nexit 1\n' });
    await expect(find({})).resolves.toEqual({ path: own(), version: OPA_VERSION });
    expect(lines).toEqual([]);
  });
});

describe('the download', () => {
  const body = opaOf(OPA_VERSION);

  test('is put in place when its SHA-256 is the pinned one', async () => {
    const asked: (string | undefined)[] = [];
    const baseUrl = await serve((req, res) => { asked.push(req.url); res.end(body); });
    await expect(find({ PATH: SYSTEM }, { downloads: pinnedTo(baseUrl, body) })).resolves.toEqual({ path: own(), version: OPA_VERSION });
    expect(asked).toEqual([`/releases/v${OPA_VERSION}/${NAME}`]);
    expect(leftOvers()).toEqual([]);
    await expect(find({}, { downloads: pinnedTo(baseUrl, body) })).resolves.toEqual({ path: own(), version: OPA_VERSION });
    expect(asked).toHaveLength(1);
  });

  test.each<[string, RequestListener, string]>([
    ['another SHA-256', (_req, res) => { res.end(`${body}# changed`); }, 'has another SHA-256 than the pinned one: refused'],
    ['a refusal', (_req, res) => { res.writeHead(404).end(); }, 'answered 404'],
    ['a connection that breaks off', (_req, res) => { res.writeHead(200, { 'content-length': 10_000 }); res.write('half'); setTimeout(() => res.destroy(), 20); }, 'the download of opa failed'],
    ['an answer that never ends', (_req, res) => { res.write('half'); }, 'the download of opa failed'],
  ])('%s leaves nothing behind', async (_what, answer, problem) => {
    const downloads = pinnedTo(await serve(answer), body, 300);
    await expect(find({}, { downloads })).rejects.toThrow(problem);
    expect(existsSync(own())).toBe(false);
    if (existsSync(path.join(root, '.tools'))) expect(leftOvers()).toEqual([]);
  });

  test('is not offered where no hash is pinned: the server is not asked', async () => {
    let asked = 0;
    const baseUrl = await serve((_req, res) => { asked += 1; res.end(body); });
    await expect(find({}, { downloads: { baseUrl, pinned: {}, timeoutMs: 300 } })).rejects.toThrow(`the SHA-256 of ${NAME} ${OPA_VERSION} is not pinned`);
    expect(asked).toBe(0);
  });

  test('its file name is that of the release', () => {
    expect([['linux', 'x64'], ['linux', 'arm64'], ['darwin', 'x64'], ['darwin', 'arm64']].map(([platform, arch]) => releaseName(platform!, arch!)))
      .toEqual(['opa_linux_amd64_static', 'opa_linux_arm64_static', 'opa_darwin_amd64', 'opa_darwin_arm64_static']);
  });
});

describe('go install', () => {
  const go = (body: string) => `#!/bin/sh\n${body}\n`;
  const builds = (version: string) => go(`[ "$*" = "install github.com/open-policy-agent/opa@v${OPA_VERSION}" ] || exit 9\n[ -z "$GOFLAGS$GOOS$GOARCH" ] || exit 8\nprintf '#!/bin/sh\\necho "Version: ${version}"\\n' > "$GOBIN/opa"`);

  test('builds the pinned version into .tools/bin, for this machine', async () => {
    const folder = withPrograms({ go: builds(OPA_VERSION) });
    await expect(find({ PATH: `${folder}:${SYSTEM}`, GOFLAGS: '-mod=vendor', GOOS: 'plan9', GOARCH: 'mips' })).resolves.toEqual({ path: own(), version: OPA_VERSION });
    expect(leftOvers()).toEqual([]);
    expect(lines.join('\n')).toContain(`building opa ${OPA_VERSION} by go install`);
  });

  test('tells its progress on one line where there is a terminal', async () => {
    const folder = withPrograms({ go: `${builds(OPA_VERSION)}sleep 0.6\n` });
    const shown: (string | undefined)[] = [];
    await find({ PATH: `${folder}:${SYSTEM}` }, { progress: (line) => shown.push(line) });
    expect(shown[0]).toMatch(/^building opa .* … \d+ s$/);
    expect(shown.at(-1)).toBeUndefined();
  });

  test('what fails is told in its own words, and leaves nothing behind', async () => {
    const folder = withPrograms({ go: go('echo "go: downloading x" >&2\necho "x: dial tcp: no route to host" >&2\necho half > "$GOBIN/opa"\nexit 1') });
    await expect(find({ PATH: `${folder}:${SYSTEM}` })).rejects.toThrow('go install of opa failed: x: dial tcp: no route to host');
    expect(existsSync(own())).toBe(false);
    expect(leftOvers()).toEqual([]);
  });

  test('a build of another version is not taken', async () => {
    const folder = withPrograms({ go: builds('1.4.2') });
    await expect(find({ PATH: `${folder}:${SYSTEM}` })).rejects.toThrow(`what was got does not run here as opa ${OPA_VERSION}`);
  });
});

test('without any route, one error names every way', async () => {
  withPrograms({ opa: opaOf('1.4.2') });
  const message = await find({}).then(() => '', (error: Error) => error.message);
  expect(message).toBe(`opa ${OPA_VERSION} is needed to build the policy, and could not be had:
  - SLUICE_OPA is not set
  - the opa on PATH is 1.4.2
  - there is no opa in .tools/bin
  - no download is offered: the SHA-256 of ${NAME} ${OPA_VERSION} is not pinned
  - Go, which could build it, is not installed
Put opa ${OPA_VERSION} or a newer 1.x on PATH, or set SLUICE_OPA to it, or install Go.`);
});

test('the program prints the path alone on stdout; an error goes to stderr', async () => {
  const program = path.resolve(import.meta.dirname, '../../src/opa/toolchain.ts');
  const named = put(path.join(root, 'my-opa'), opaOf('1.23.0'));
  const run = (env: NodeJS.ProcessEnv) => promisify(execFile)(process.execPath, [program], { env });
  await expect(run({ SLUICE_OPA: named })).resolves.toEqual({ stdout: `${named}\n`, stderr: '' });
  await expect(run({ SLUICE_OPA: '/nowhere/opa' })).rejects.toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^sluice: SLUICE_OPA is no opa binary/) as unknown });
});
