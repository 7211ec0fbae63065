import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
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

test('F12: with a log that nobody reads every answer is given, lines are dropped and counted, SIGTERM ends it', async () => {
  const { file, reader } = fullPipe();
  const policies = await copyPolicies({});
  const child = spawn('sh', ['-c', `exec '${process.execPath}' src/main.ts 2>'${file}'`], {
    cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], PORT: '0', SLUICE_DRAIN_SECONDS: '0', SLUICE_DATA_DIR: await newDataDir(), SLUICE_POLICIES: policies },
  });
  children.push(child);
  const [banner] = await once(child.stdout!, 'data') as [Buffer];
  const port = Number(/:(\d+), by/.exec(String(banner))![1]);
  const question = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['city'] };

  writeFileSync(path.join(policies, 'purposes.yaml'), `purposes:\n${Array.from({ length: MISTAKES }, (_, n) => `  - "not a purpose ${n}"\n`).join('')}`);
  const droppedNow = async () => Number(/^sluice_log_lines_dropped_total (\d+)$/m.exec((await send(port, '/metrics', { token: null })).text)![1]);
  let mistakes = 0;
  for (let n = 0; n < 200 && await droppedNow() < 3; n += 1) {
    const { errors } = (await send(port, '/admin/reload', { method: 'POST', token: 'demo-admin' })).json() as { errors: string[] };
    mistakes = errors.length;
  }
  expect(mistakes).toBeGreaterThanOrEqual(MISTAKES);
  expect(await droppedNow()).toBeGreaterThanOrEqual(3);
  expect((await send(port, '/livez', { token: null })).status).toBe(200);
  expect((await send(port, '/check', { token: 'demo-gateway', body: question })).status).toBe(200);

  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  // What the pipe holds is what it held.
  const buffer = Buffer.alloc(1 << 20);
  const count = readSync(reader, buffer);
  expect(buffer.toString('latin1', 0, count)).toMatch(/^\.+$/);
}, 120_000);
