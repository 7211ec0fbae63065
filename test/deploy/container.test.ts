import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { POWERS } from '../../src/core/vocabulary.ts';
import { OPA_VERSION } from '../../src/opa/toolchain.ts';
import { VERSION } from '../../src/version.ts';
import { findBuiltOpa } from '../support/world.ts';
import { envOf, parseDockerfile, type Stage } from './dockerfile.ts';

// There may be no container engine: the Dockerfile's own COPY, RUN, HEALTHCHECK and CMD are done here, each stage in a
// folder that stands for its root. `go install` of OPA is not repeated: the same version is there already.

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const stages = parseDockerfile(path.join(root, 'deploy', 'Dockerfile'));
const last = stages.at(-1)!;
const ORDINARY = 65_532;
const isRoot = process.getuid?.() === 0;
const HOME = '/var/lib/sluice';

let work: string;
beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'sluice-image-'));
  await chmod(work, 0o755);
});
afterAll(async () => {
  await run('chmod', ['-R', 'u+w', work]);
  await rm(work, { recursive: true, force: true });
});

describe('the Dockerfile', () => {
  test('has stages on pinned images, the last one slim, with neither tools nor OPA', () => {
    for (const { from } of stages) expect(from).toMatch(/^(golang:1\.\d+|node:24)-bookworm(-slim)?$/);
    expect(last.from).toBe('node:24-bookworm-slim');
    expect(last.instructions.filter(({ name, text }) => name === 'COPY' && /opa|src |tsconfig|scripts/.test(text.replaceAll('/src/', '')))).toEqual([]);
    expect(stages[0]!.instructions[0]!.text).toContain(`open-policy-agent/opa@v${OPA_VERSION}`);
  });

  test('runs as an ordinary user, says how it is, and holds no secret', () => {
    expect(last.instructions.find(({ name }) => name === 'USER')?.text).toBe('node');
    expect(last.instructions.find(({ name }) => name === 'HEALTHCHECK')?.exec?.[0]).toBe('node');
    expect(last.instructions.find(({ name }) => name === 'CMD')?.exec?.[0]).toBe('node');
    expect(stages.flatMap(({ instructions }) => instructions).filter(({ name }) => name === 'ADD' || name === 'ARG')).toEqual([]);
    expect(Object.keys(envOf(last)).filter((name) => /TOKEN|SECRET|PASSWORD|KEY/.test(name))).toEqual([]);
  });

  test('is given only what it copies', async () => {
    const ignore = (await readFile(path.join(root, '.dockerignore'), 'utf8')).split('\n');
    expect(ignore).toContain('*');
    const given = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const copied = stages.flatMap(({ instructions }) => instructions).filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from')).flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
    expect(given.toSorted()).toEqual(copied.toSorted());
    for (const name of copied) await expect(stat(path.join(root, name))).resolves.toBeTruthy();
  });
});

describe('the compose file', () => {
  interface Service { readonly ports?: string[]; readonly volumes?: string[]; readonly image?: string; readonly cap_drop?: string[]; readonly security_opt?: string[]; readonly read_only?: boolean; readonly environment?: Record<string, string>; readonly build?: { context: string; dockerfile: string } }
  const load = async () => parse(await readFile(path.join(root, 'deploy', 'docker-compose.yml'), 'utf8')) as { services: Record<string, Service>; volumes: Record<string, unknown> };

  test('publishes on loopback alone, takes every capability away, pins images, names no secret', async () => {
    const { services } = await load();
    expect(Object.keys(services).sort()).toEqual(['grafana', 'prometheus', 'sluice']);
    for (const service of Object.values(services)) {
      expect(service).toMatchObject({ cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'], image: expect.stringMatching(/:v?\d+\.\d+\.\d+$/) });
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
      expect(Object.keys(service.environment ?? {}).filter((name) => /TOKEN|SECRET|PASSWORD$/.test(name))).toEqual([]);
    }
    expect(services['sluice']).toMatchObject({ read_only: true, volumes: [`sluice:${HOME}`], image: `sluice:${VERSION}` });
  });

  test('names volumes and files that are there', async () => {
    const { services, volumes } = await load();
    for (const volume of Object.values(services).flatMap((service) => service.volumes ?? [])) {
      const source = volume.split(':')[0]!;
      if (source.startsWith('.')) await expect(stat(path.join(root, 'deploy', source))).resolves.toBeTruthy();
      else expect(Object.keys(volumes)).toContain(source);
    }
  });
});

test('built and started as the Dockerfile says: as an ordinary user, read-only but for its volume, with production packages only', async () => {
  for (const stage of stages) await build(stage);
  const image = folderOf(last);
  const app = path.join(image, 'opt/sluice');
  expect((await readdir(path.join(app, 'node_modules'))).filter((name) => ['jest', 'typescript', 'oxlint'].includes(name))).toEqual([]);
  const fromImage = (name: string) => `import(${JSON.stringify(name)}).then((all) => process.stdout.write(Object.keys(all).sort().join()))`;
  expect((await run(process.execPath, ['--input-type=module', '-e', fromImage('pg')], { cwd: app })).stdout).toContain('Client');
  expect((await run(process.execPath, ['--input-type=module', '-e', fromImage('pg-copy-streams')], { cwd: app })).stdout).toContain('from');
  await mkdir(path.join(image, 'usr/local/bin'), { recursive: true });
  await cp(process.execPath, path.join(image, 'usr/local/bin/node'));
  // The folder that stands for the root, alone: what is in the image keeps the modes that it was copied with.
  await run('chmod', ['a+rx', image, path.join(image, 'opt'), app, path.join(image, 'usr'), path.join(image, 'usr/local'), path.join(image, 'usr/local/bin'), path.join(image, 'usr/local/bin/node')]);
  await run('chmod', ['-R', 'a-w', app]);
  const before = await listing(image);

  const [port, metrics] = [await freePort(), await freePort()];
  const env = { PATH: `${path.join(image, 'usr/local/bin')}:/usr/bin:/bin`, ...envOf(last), HOST: '127.0.0.1', PORT: String(port), SLUICE_METRICS_PORT: String(metrics), SLUICE_HOME: path.join(image, HOME), SLUICE_DRAIN_SECONDS: '0' };
  const options = { cwd: app, env, ...(isRoot && { uid: ORDINARY, gid: ORDINARY }) };
  const [command, ...args] = last.instructions.find(({ name }) => name === 'CMD')!.exec!;
  const server = spawn(path.join(image, 'usr/local/bin', command!), args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = said_(server);
  await until(() => said().includes('Sluice listens'), server, said);

  const [check, ...how] = last.instructions.find(({ name }) => name === 'HEALTHCHECK')!.exec!;
  await run(path.join(image, 'usr/local/bin', check!), how, options);
  const token = (await readFile(path.join(image, HOME, 'tokens', 'gateway'), 'utf8')).trim();
  expect((await stat(path.join(image, HOME, 'tokens', 'gateway'))).mode & 0o777).toBe(0o600);
  const answer = await fetch(`http://127.0.0.1:${port}/check`, {
    method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id', 'org_id'] }),
  });
  expect(await answer.json()).toMatchObject({ decision: 'deny', fields: { anon_user_id: { effect: 'allow' }, org_id: { effect: 'deny' } } });
  expect(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()).toContain('sluice_decisions_total');
  expect((await fetch(`http://127.0.0.1:${port}/check`, { method: 'POST', headers: { authorization: 'Bearer demo-gateway', 'content-type': 'application/json' }, body: '{}' })).status).toBe(401);
  // F14: what an operator does, this one may.
  const operator = (await readFile(path.join(image, HOME, 'tokens', 'operator'), 'utf8')).trim();
  const pruned = await fetch(`http://127.0.0.1:${port}/admin/log/prune`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${operator}` }, body: '{"before":"2020-01-01"}' });
  expect(pruned.status).toBe(200);
  const { callers } = parse(await readFile(path.join(image, HOME, 'policies', 'callers.yaml'), 'utf8')) as { callers: { operator: { powers: string[] } } };
  expect(callers.operator.powers.toSorted()).toEqual(POWERS.filter((power) => power !== 'check').toSorted());
  expect(said()).not.toContain(token);

  server.kill('SIGTERM');
  expect(await once(server, 'exit')).toEqual([0, null]);
  expect(await listing(image)).toEqual(before);
}, 240_000);

const folderOf = ({ name }: Stage) => path.join(work, name);

/** Does what a stage says, in its folder. */
async function build(stage: Stage): Promise<void> {
  const folder = folderOf(stage);
  let cwd = folder;
  for (const { name, text } of stage.instructions) {
    if (name === 'WORKDIR') await mkdir(cwd = path.join(folder, text), { recursive: true });
    if (name === 'COPY') await copy(text, cwd);
    if (name === 'RUN') await perform(text, cwd, folder);
  }
}

async function copy(text: string, cwd: string): Promise<void> {
  const words = text.split(/\s+/);
  const stage = words[0]!.startsWith('--from=') ? stages.find(({ name }) => `--from=${name}` === words[0]) : undefined;
  const from = stage === undefined ? root : folderOf(stage);
  const sources = words.slice(stage === undefined ? 0 : 1, -1);
  const to = words.at(-1)!;
  for (const source of sources) {
    // A file goes under a folder's name when the target ends with a slash; a folder's content goes into the target.
    const target = path.join(cwd, to, to.endsWith('/') ? path.basename(source) : '');
    await mkdir(path.dirname(target), { recursive: true });
    await cp(path.join(from, source), target, { recursive: true, filter: (file) => !/[/\\](node_modules|\.sluice)$/.test(file) || file.startsWith(work) });
  }
}

async function perform(text: string, cwd: string, folder: string): Promise<void> {
  if (text.includes('go install')) {
    await mkdir(path.join(folder, 'go/bin'), { recursive: true });
    await cp(await findBuiltOpa(), path.join(folder, 'go/bin/opa'));
    return;
  }
  const owner = isRoot ? `-o ${ORDINARY} -g ${ORDINARY}` : '';
  const command = text.replaceAll(HOME, path.join(folder, HOME)).replace('-o node -g node', owner).replace('install -d', 'install -D -d');
  await mkdir(path.join(folder, path.dirname(HOME)), { recursive: true });
  const env = { ...process.env, PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}`, CI: 'true', NODE_ENV: '' };
  await run('sh', ['-c', `${command} </dev/null`], { cwd, env, maxBuffer: 1 << 24, timeout: 180_000 });
}

/** Every file but those of the volume: name, size and time. */
async function listing(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => !`/${name}`.startsWith(HOME)).sort();
  return Promise.all(names.map(async (name) => {
    const { size, mtimeMs } = await stat(path.join(folder, name));
    return `${name} ${size} ${mtimeMs}`;
  }));
}

function said_(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk: Buffer) => { text += String(chunk); });
  return () => text;
}

/** Looks again whenever something is printed. @throws with what was said when it ends before. */
async function until(holds: () => boolean, child: ChildProcess, said: () => string): Promise<void> {
  const ended = once(child, 'exit').then(() => { throw new Error(`it ended:\n${said()}`); });
  while (!holds()) await Promise.race([ended, once(child.stdout!, 'data'), once(child.stderr!, 'data')]);
  ended.catch(() => {});
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

// Written last, so that the folder of the tests can be used without an image.
test('the image has the clients of sinks that the tests ran with', async () => {
  const versions = async (lock: string) => {
    const { packages } = JSON.parse(await readFile(lock, 'utf8')) as { packages: Record<string, { version: string }> };
    return ['pg', 'pg-copy-streams', 'pg-protocol', 'pg-types'].map((name) => packages[`node_modules/${name}`]!.version);
  };
  expect(await versions(path.join(root, 'deploy/sinks/package-lock.json'))).toEqual(await versions(path.join(root, 'package-lock.json')));
});

test('the first start is done once: what is there is never overwritten', async () => {
  const home = path.join(work, 'home');
  await mkdir(path.join(home, 'policies'), { recursive: true });
  await writeFile(path.join(home, 'policies', 'purposes.yaml'), 'purposes: [\n');
  const start = path.join(folderOf(last), 'opt/sluice/deploy/start.mjs');
  await expect(run(process.execPath, [start], { env: { SLUICE_HOME: home, PORT: '0' } })).rejects.toMatchObject({ stderr: expect.stringMatching(/purposes.yaml:\d+:\d+: /) });
  expect(await readdir(home)).not.toContain('tokens');
});
