import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, watch, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { send } from '../http/harness.ts';
import { endServers, newDataDir } from '../support/server.ts';
import { copyPolicies, removeWorlds, ROOT } from '../support/world.ts';

let folder: string;
const children: ChildProcess[] = [];
const opened: number[] = [];
beforeEach(() => { folder = mkdtempSync(path.join(tmpdir(), 'sluice-standing-')); });
afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  for (const fd of opened.splice(0)) closeSync(fd);
  rmSync(folder, { recursive: true });
});
afterAll(endServers);
afterAll(removeWorlds);

/** A pipe that nobody reads, and that is full. */
function fullPipe(): { readonly file: string; readonly reader: number } {
  const file = path.join(folder, 'pipe');
  execFileSync('mkfifo', [file]);
  const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
  opened.push(reader, writer);
  for (const size of [4096, 1]) try {
    for (;;) writeSync(writer, '.'.repeat(size));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN');
  }
  return { file, reader };
}

const MISTAKES = 400;

const QUESTION = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['city'] };
const environment = async (policies: string) => ({ PATH: process.env['PATH'], PORT: '0', SLUICE_DRAIN_SECONDS: '0', SLUICE_DATA_DIR: await newDataDir(), SLUICE_POLICIES: policies });

/** Has the server say much, until it drops what it says, and looks whether it still answers. */
async function expectAnswers(port: number, policies: string): Promise<void> {
  writeFileSync(path.join(policies, 'purposes.yaml'), `purposes:\n${Array.from({ length: MISTAKES }, (_, n) => `  - "not a purpose ${n}"\n`).join('')}`);
  const droppedNow = async () => Number(/^sluice_log_lines_dropped_total (\d+)$/m.exec((await send(port, '/metrics', { token: null })).text)![1]);
  let mistakes = 0;
  for (let n = 0; n < 1000 && await droppedNow() < 3; n += 1) {
    const { errors } = (await send(port, '/admin/reload', { method: 'POST', token: 'demo-admin' })).json() as { errors: string[] };
    mistakes = errors.length;
  }
  expect(mistakes).toBeGreaterThanOrEqual(MISTAKES);
  expect(await droppedNow()).toBeGreaterThanOrEqual(3);
  expect((await send(port, '/livez', { token: null })).status).toBe(200);
  expect((await send(port, '/check', { token: 'demo-gateway', body: QUESTION })).status).toBe(200);
}

async function portOf(child: ChildProcess): Promise<number> {
  const [banner] = await once(child.stdout!, 'data') as [Buffer];
  return Number(/:(\d+), by/.exec(String(banner))![1]);
}

test('F12: with a full pipe that nobody reads every answer is given, lines are dropped and counted, SIGTERM ends it', async () => {
  const { file, reader } = fullPipe();
  const policies = await copyPolicies({});
  const child = spawn('sh', ['-c', `exec '${process.execPath}' src/main.ts 2>'${file}'`], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'], env: await environment(policies) });
  children.push(child);
  await expectAnswers(await portOf(child), policies);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  // What the pipe holds is what it held.
  const buffer = Buffer.alloc(1 << 20);
  const count = readSync(reader, buffer);
  expect(buffer.toString('latin1', 0, count)).toMatch(/^\.+$/);
}, 120_000);

test.each(['stands', 'has gone'] as const)('F12: the same where the log goes to a socket, as under systemd, whose reader %s', async (how) => {
  const policies = await copyPolicies({});
  const child = spawn(process.execPath, ['src/main.ts'], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: await environment(policies) });
  children.push(child);
  if (how === 'has gone') child.stderr!.destroy();
  await expectAnswers(await portOf(child), policies);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
}, 120_000);

const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true;

(hasScript ? test : test.skip)('F12: the same where it goes to a terminal that is stopped', async () => {
  const policies = await copyPolicies({});
  const said = path.join(folder, 'said');
  const pidFile = path.join(folder, 'pid');
  const child = spawn('script', ['-qc', `exec '${process.execPath}' src/main.ts >'${said}'`, '/dev/null'], { cwd: ROOT, stdio: ['pipe', 'ignore', 'ignore'], env: { ...await environment(policies), SLUICE_PID_FILE: pidFile } });
  children.push(child);
  const changed = watch(folder);
  while (!existsSync(said) || !readFileSync(said, 'utf8').includes(', by')) await once(changed, 'change');
  child.kill('SIGSTOP');
  await expectAnswers(Number(/:(\d+), by/.exec(readFileSync(said, 'utf8'))![1]), policies);
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
  while (existsSync(pidFile)) await once(changed, 'change');
  changed.close();
}, 120_000);
