import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, createServer, request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { listen } from '../../src/http/server.ts';
import { QUESTION, send } from './harness.ts';

// The program itself, as `npm start` runs it. One data directory for all, so that the policy is built once.

const ROOT = path.resolve(__dirname, '../..');
const STARTS = 30_000;

interface Program {
  readonly child: ChildProcess;
  readonly port: number;
  readonly stdout: string;
  /** Resolves when a line that holds `text` has been written to stderr. */
  logged(text: string): Promise<void>;
  readonly exited: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

let folder: string;
let dataDir: string;
const children: ChildProcess[] = [];
/** Ended after each test, however it went. */
const held: (() => void)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-main-'));
  dataDir = path.join(folder, 'data');
  await cp(path.join(ROOT, 'policies'), path.join(folder, 'policies'), { recursive: true });
});
afterEach(async () => {
  for (const end of held.splice(0)) end();
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
});
afterAll(() => rm(folder, { recursive: true }));

function run(env: Readonly<Record<string, string>> = {}): Omit<Program, 'port' | 'stdout'> & { readonly banner: Promise<string> } {
  const child = spawn(process.execPath, ['src/main.ts'], {
    cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], PORT: '0', SLUICE_DRAIN_SECONDS: '0', SLUICE_DATA_DIR: dataDir, SLUICE_POLICIES: path.join(folder, 'policies'), ...env },
  });
  children.push(child);
  let stderr = '';
  let waiting: { readonly text: string; readonly from: number; readonly resolve: () => void }[] = [];
  child.stderr!.setEncoding('utf8').on('data', (part: string) => {
    stderr += part;
    waiting = waiting.filter(({ text, from, resolve }) => (stderr.includes(text, from) ? (resolve(), false) : true));
  });
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }));
  let stdout = '';
  const banner = new Promise<string>((resolve, reject) => {
    child.stdout!.setEncoding('utf8').on('data', (part: string) => {
      stdout += part;
      if (stdout.endsWith('\n')) resolve(stdout);
    });
    exited.then((end) => reject(new Error(`it ended with ${end.code}: ${end.stderr}`)), reject);
  });
  banner.catch(() => {});
  return { child, exited, banner, logged: (text) => new Promise((resolve) => waiting.push({ text, from: stderr.length, resolve })) };
}

async function start(env: Readonly<Record<string, string>> = {}): Promise<Program> {
  const { banner, ...program } = run(env);
  const stdout = await banner;
  return { ...program, stdout, port: Number(/:(\d+), by/.exec(stdout)![1]) };
}

/** All records of the log, as text. */
async function log(): Promise<string> {
  const names = await readdir(path.join(dataDir, 'log'), { recursive: true, withFileTypes: true });
  return (await Promise.all(names.filter((entry) => entry.isFile()).map((entry) => readFile(path.join(entry.parentPath, entry.name), 'utf8')))).join('\n');
}

test('what it prints can be pasted, and is answered', async () => {
  const { stdout, child, exited } = await start();
  const curl = stdout.slice(stdout.indexOf('curl'));
  const ran = spawnSync('sh', ['-c', curl], { encoding: 'utf8' });
  expect(JSON.parse(ran.stdout)).toMatchObject({ decision: 'deny', fields: { anon_user_id: { effect: 'allow' }, city: { effect: 'transform' }, org_id: { effect: 'deny' } } });
  child.kill('SIGTERM');
  expect((await exited).code).toBe(0);
}, STARTS);

test.each<{ name: string; env: Record<string, string>; says: RegExp }>([
  { name: 'a bad configuration', env: { PORT: 'x', SLUICE_DATADIR: '/' }, says: /PORT must be a whole number[^]*SLUICE_DATADIR is not known; did you mean SLUICE_DATA_DIR\?/ },
  { name: 'no TLS off loopback', env: { HOST: '0.0.0.0' }, says: /SLUICE_TLS_TERMINATED=yes/ },
  { name: 'demo callers off loopback', env: { HOST: '0.0.0.0', SLUICE_TLS_TERMINATED: 'yes' }, says: /take demo-gateway, .* out of callers\.yaml/ },
  { name: 'demo callers in production', env: { NODE_ENV: 'production' }, says: /take demo-gateway, .* out of callers\.yaml/ },
  { name: 'no policies', env: { SLUICE_POLICIES: '/nowhere' }, says: /nowhere/ },
])('$name keeps it from starting: a message, no stack, exit code 1', async ({ env, says }) => {
  const { exited } = run(env);
  const { code, stderr } = await exited;
  expect(stderr).toMatch(says);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(code).toBe(1);
}, STARTS);

test('a port in use keeps it from starting', async () => {
  const other = createServer();
  const port = await listen(other, 0, '127.0.0.1');
  held.push(() => other.close());
  const { code, stderr } = await run({ PORT: String(port) }).exited;
  expect({ code, stderr }).toEqual({ code: 1, stderr: `sluice: port ${port} is in use: set PORT to a free one, or end what listens there\n` });
}, STARTS);

test('a data directory in use keeps it from starting', async () => {
  const { child, exited } = await start();
  const second = await run().exited;
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(dataDir);
  expect(second.stderr).not.toMatch(/^\s+at /m);
  child.kill('SIGTERM');
  await exited;
}, STARTS);

test('SIGHUP: policies that can not be used leave the last good ones, and say so', async () => {
  const program = await start();
  const grants = path.join(folder, 'policies', 'grants.yaml');
  const good = await readFile(grants, 'utf8');
  await writeFile(grants, `${good}\nnonsense: [`);
  let said = program.logged('"level":50');
  program.child.kill('SIGHUP');
  await said;
  expect((await send(program.port, '/readyz')).json()).toEqual({ status: 'degraded', reload: 'failed' });
  expect((await send(program.port, '/check', { token: 'demo-gateway', body: QUESTION })).status).toBe(200);
  await writeFile(grants, good);
  said = program.logged('reloaded');
  program.child.kill('SIGHUP');
  await said;
  expect((await send(program.port, '/readyz')).json()).toEqual({ status: 'ready' });
  program.child.kill('SIGTERM');
  expect((await program.exited).code).toBe(0);
}, STARTS);

test('SIGTERM under load: no answer is lost, every answer has its record, exit code 0', async () => {
  const { port, child, exited } = await start();
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  held.push(() => agent.destroy());
  const answered: string[] = [];
  const failures: string[] = [];
  let begun = 0;
  const ask = () => new Promise<void>((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, path: '/check', method: 'POST', agent, headers: { authorization: 'Bearer demo-gateway', 'content-type': 'application/json' } }, (res: IncomingMessage) => {
      begun += 1;
      let text = '';
      res.setEncoding('utf8').on('data', (part: string) => { text += part; }).on('error', reject).on('end', () => {
        answered.push((JSON.parse(text) as { decisionId: string }).decisionId);
        resolve();
      });
    });
    req.on('error', reject).end(JSON.stringify(QUESTION));
  });
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (;;) {
      try {
        await ask();
      } catch (error) {
        failures.push((error as NodeJS.ErrnoException).code!);
        return;
      }
      if (answered.length >= 400 && !child.killed) child.kill('SIGTERM');
    }
  }));
  expect((await exited).code).toBe(0);
  expect(answered.length).toBeGreaterThanOrEqual(400);
  expect(answered).toHaveLength(begun);
  expect(failures.filter((code) => !['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code))).toEqual([]);
  const records = await log();
  expect(answered.filter((id) => !records.includes(id))).toEqual([]);
  const lines = records.split('\n');
  expect(lines.findLastIndex((line) => line.includes('"kind":"stop"'))).toBeGreaterThan(lines.findLastIndex((line) => line.includes('"decisionId":')));
  // Nor was anything judged and not answered: the records of this run end with its last answer.
  const decided = [...records.matchAll(/"decisionId":"([^"]+)"/g)].map(([, id]) => id!).filter((id) => id >= answered.toSorted()[0]!);
  expect(decided.filter((id) => !answered.includes(id))).toEqual([]);
}, STARTS);
