import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { endServers, failToStart, newDataDir, startServer } from '../support/server.ts';
import { ROOT } from '../support/world.ts';

const onLinux = existsSync('/proc/self/status') ? test : test.skip;
const children: ChildProcess[] = [];
let folder: string;
beforeEach(() => { folder = mkdtempSync(path.join(tmpdir(), 'sluice-signals-')); });
afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});
afterAll(endServers);

interface Started { readonly child: ChildProcess; said(): string; has(text: string): Promise<void>; readonly ended: Promise<unknown> }

/** The program right after its start: it has its handlers, and has read nothing of itself yet. */
async function startUnready(program: readonly string[]): Promise<Started> {
  const env = { PATH: process.env['PATH'], PORT: '0', SLUICE_DRAIN_SECONDS: '0', SLUICE_DATA_DIR: await newDataDir() };
  const child = spawn(process.execPath, [...program], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding('utf8').on('data', (part: string) => { text += part; });
  const ended = once(child, 'close');
  // SigCgt has a bit for each signal that is caught.
  const isHeld = () => (Number.parseInt(/^SigCgt:\s*[0-9a-f]*([0-9a-f])$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1] ?? '0', 16) & 1) === 1;
  while (!isHeld()) await turn();
  return {
    child, said: () => text, ended,
    async has(wanted) {
      while (!text.includes(wanted)) await Promise.race([once(child.stdout!, 'data'), once(child.stderr!, 'data'), ended.then(() => { throw new Error(`it ended:\n${text}`); })]);
    },
  };
}

const PROGRAMS = [['src/main.ts'], ['src/cli/main.ts', 'serve']] as const;

onLinux.each(PROGRAMS.map((program) => [program.join(' '), program] as const))('F11: %s: SIGHUPs before it is ready keep nothing from starting, and reload once', async (_name, program) => {
  const { child, said, has, ended } = await startUnready(program);
  for (let n = 0; n < 3; n += 1) child.kill('SIGHUP');
  expect(said()).toBe('');
  await has('Sluice listens');
  await has('policy and facts reloaded');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(said().match(/policy and facts reloaded/g)).toHaveLength(1);
}, 30_000);

onLinux.each(['SIGTERM', 'SIGINT'] as const)('F11: %s before it is ready ends it at once', async (signal) => {
  const { child, said, ended } = await startUnready(['src/main.ts']);
  child.kill(signal);
  expect(await ended).toEqual([0, null]);
  expect(said()).toBe('');
}, 30_000);

const hasScript = (() => {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux');
  } catch {
    return false;
  }
})();

(hasScript ? onLinux : test.skip)('F11: SIGHUP of a terminal that is closed ends it', async () => {
  const pidFile = path.join(folder, 'pid');
  const env = { ...process.env, NODE_ENV: '', PORT: '0', SLUICE_DRAIN_SECONDS: '0', SLUICE_DATA_DIR: await newDataDir(), SLUICE_PID_FILE: pidFile };
  const changed = watch(folder);
  const terminal = spawn('script', ['-qc', `exec '${process.execPath}' src/main.ts`, '/dev/null'], { cwd: ROOT, stdio: ['pipe', 'ignore', 'ignore'], env });
  children.push(terminal);
  while (!existsSync(pidFile)) await once(changed, 'change');
  terminal.kill('SIGKILL');
  while (existsSync(pidFile)) await once(changed, 'change');
  changed.close();
}, 30_000);

describe('F11: SLUICE_PID_FILE', () => {
  test('holds the number of the process that serves, and goes with it', async () => {
    const file = path.join(folder, 'sluice.pid');
    const { end, output } = await startServer({ env: { SLUICE_PID_FILE: file } });
    const pid = Number(readFileSync(file, 'utf8'));
    process.kill(pid, 'SIGTERM');
    expect((await end('SIGTERM')).code).toBe(0);
    expect(existsSync(file)).toBe(false);
    expect(output()).not.toContain('pid');
  }, 30_000);

  test('stays where another process has written its own by then', async () => {
    const file = path.join(folder, 'sluice.pid');
    const { end } = await startServer({ env: { SLUICE_PID_FILE: file } });
    writeFileSync(file, '1\n');
    await end();
    expect(readFileSync(file, 'utf8')).toBe('1\n');
  }, 30_000);

  test('keeps it from starting where it can not be written, by name', async () => {
    const file = path.join(folder, 'none', 'sluice.pid');
    const { code, stderr } = await failToStart({ env: { SLUICE_PID_FILE: file } });
    expect(code).toBe(1);
    expect(stderr).toBe(`sluice: ${file}: the pid file can't be written (ENOENT): name a file in a folder that this user may write, by SLUICE_PID_FILE\n`);
  }, 30_000);
});
