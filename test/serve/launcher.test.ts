import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newDataDir, endServers } from '../support/server.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const CHILD = path.join(ROOT, 'test/serve/watch-child.ts');
const onLinux = existsSync('/proc/self/stat') ? test : test.skip;

let folder: string;
let said: string;
const children: ChildProcess[] = [];
const pids: number[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-launcher-'));
  said = path.join(folder, 'said');
});
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  // A failed test may have left one behind.
  for (const pid of pids.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true });
});
afterAll(endServers);

function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** The file's text once it fits. */
async function heard(file: string, wanted: RegExp): Promise<string> {
  const changed = watch(path.dirname(file));
  try {
    for (;;) {
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      if (wanted.test(text)) return text;
      await once(changed, 'change');
    }
  } finally {
    changed.close();
  }
}

function start(command: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(command[0]!, command.slice(1), { cwd: ROOT, stdio: 'ignore', env: { ...process.env, npm_config_update_notifier: 'false', ...env } });
  children.push(child);
  return child;
}

const node = `'${process.execPath}' '${CHILD}' '$0'`.replace("'$0'", '"$SAID"');
const makefile = (recipe: string) => {
  const file = path.join(folder, 'Makefile');
  writeFileSync(file, `run:\n\t${recipe.replaceAll('$', '$$$$')}\n`);
  return file;
};

describe('F11: who is watched', () => {
  onLinux.each<readonly [string, () => readonly string[], string]>([
    ['make, whose recipe becomes the program', () => ['make', '-s', '-f', makefile(`exec ${node}`), 'run'], 'make'],
    ['make, over shells that wait', () => ['make', '-s', '-f', makefile(`sh -c "sh -c '${process.execPath} ${CHILD} \\"\\$SAID\\"; true'; true"; true`), 'run'], 'make'],
    ['npx', () => ['npx', '-c', node], 'npm'],
  ])('%s: and once it is gone, by whatever signal, that is told', async (_name, command, name) => {
    const launcher = start(command(), { SAID: said });
    const [pid] = (await heard(said, /watching|nobody/)).split(' ');
    pids.push(Number(pid));
    expect(readFileSync(said, 'utf8')).toBe(`${pid} watching\n`);
    launcher.kill('SIGKILL');
    expect(await heard(said, /gone/)).toBe(`${pid} watching\ngone ${name}\n`);
  }, 30_000);

  onLinux.each<readonly [string, () => readonly string[]]>([
    ['a shell that waits', () => ['sh', '-c', `${node}; true`]],
    ['a program', () => [process.execPath, CHILD, said]],
    ['nohup in the background of a shell that ends', () => ['sh', '-c', `nohup sh -c 'sleep 0.1; exec ${node}' &`]],
    ['nohup in the background of make', () => ['make', '-s', '-f', makefile(`nohup sh -c 'while kill -0 $PPID 2>/dev/null && [ "$(ps -o ppid= -p $$ | tr -d " ")" != 1 ]; do sleep 0.05; done; exec ${node}' &`), 'run']],
    ['setsid under make', () => ['make', '-s', '-f', makefile(`setsid -w ${node}`), 'run']],
    ['setsid', () => ['setsid', '-w', process.execPath, CHILD, said]],
  ])('nobody, started by %s', async (_name, command) => {
    start(command(), { SAID: said });
    expect(await heard(said, /watching|nobody/)).toMatch(/^\d+ nobody\n$/);
  }, 30_000);
});

describe('F11: the program itself, by real launchers', () => {
  const running = async (command: readonly string[]) => {
    const pidFile = path.join(folder, 'pid');
    const launcher = start(command, { NODE_ENV: '', PORT: '0', SLUICE_DRAIN_SECONDS: '0', SLUICE_DATA_DIR: await newDataDir(), SLUICE_PID_FILE: pidFile });
    const pid = Number(await heard(pidFile, /^\d+\n$/));
    pids.push(pid);
    expect(isAlive(pid)).toBe(true);
    return { launcher, pid, pidFile };
  };
  const serve = 'sh scripts/node.sh src/main.ts';

  // To SIGHUP alone make does nothing but wait for what it runs: then nobody is left behind.
  onLinux.each<readonly [string, NodeJS.Signals, () => readonly string[]]>([
    ['npm start', 'SIGHUP', () => ['npm', 'start']],
    ['npm start', 'SIGTERM', () => ['npm', 'start']],
    ['make', 'SIGKILL', () => ['make', '-s', '-f', makefile(`exec ${serve}`), 'run']],
    ['make', 'SIGTERM', () => ['make', '-s', '-f', makefile(`exec ${serve}`), 'run']],
    ['npx', 'SIGHUP', () => ['npx', '-c', serve]],
    ['npx', 'SIGTERM', () => ['npx', '-c', serve]],
  ])('%s gets %s: the server ends too, by itself, and takes its pid file away', async (_name, signal, command) => {
    const { launcher, pid, pidFile } = await running(command());
    const gone = (async () => {
      const changed = watch(folder);
      while (existsSync(pidFile)) await once(changed, 'change');
      changed.close();
    })();
    launcher.kill(signal);
    await gone;
    // The file goes with the last of its doings; the process right after.
    while (isAlive(pid)) await new Promise((resolve) => { setImmediate(resolve); });
  }, 60_000);
});
