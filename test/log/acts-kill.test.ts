import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataDir } from '../../src/datadir/datadir.ts';
import { openLog } from '../../src/log/log.ts';
import { createRandom, SEED } from '../support/random.ts';
import { rounds, say } from '../support/rounds.ts';
import { ROOT } from '../support/world.ts';
import { fill, startVerifier } from './tree/support.ts';

const ROUNDS = rounds(5, 50);
const OCTOBER = Date.UTC(2026, 9, 1);
// What changes a file or a folder. One that is killed at its call has not done it.
const CALLS = 'rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,fsync,fdatasync,ftruncate,pwrite64,write,copy_file_range,sendfile';
const tracer = (at: number, calls = CALLS) => ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', `inject=${calls}:signal=KILL:when=${at}`];
const works = spawnSync('strace', [...tracer(60_000), 'true']).status === 0;
const verify = startVerifier();

let root = '';
beforeAll(() => { root = mkdtempSync(join(tmpdir(), 'acts-kill-')); });
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function written(): Promise<string> {
  const data = join(root, 'written');
  (await openDataDir(data, () => OCTOBER)).close();
  const log = await openLog({ dir: join(data, 'log'), keysDir: join(data, 'keys'), now: () => OCTOBER, maxSegmentBytes: 18_000 });
  for (let from = 0; from < 600; from += 100) await fill(log, from, from + 100);
  await log.close();
  return data;
}

/** Runs the command under a tracer that kills it (-9) at some call; gives the signal, or null when it came to its end before. */
async function killed(data: string, act: readonly string[], random: () => number): Promise<NodeJS.Signals | null> {
  // Few at the start of a program are the act's: those of each thread are counted for itself.
  const at = 1 + Math.floor(random() ** 2 * 40);
  const child = spawn('strace', [...tracer(at, random() < 0.5 ? CALLS : CALLS.replace(',write,', ',')), process.execPath, '--disable-warning=ExperimentalWarning', 'src/cli/main.ts', 'log', ...act], {
    cwd: ROOT, stdio: 'ignore', env: { PATH: process.env['PATH'], SLUICE_DATA_DIR: data },
  });
  const [, signal] = await once(child, 'exit') as [number | null, NodeJS.Signals | null];
  return signal;
}

const run = (data: string, act: readonly string[]) => spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/cli/main.ts', 'log', ...act], { cwd: ROOT, encoding: 'utf8', env: { PATH: process.env['PATH'], SLUICE_DATA_DIR: data } });

const name = `kill -9 of a command that prunes, rotates or begins anew, at some system call, ${ROUNDS} times (SEED=${SEED}): done again it is done, and the log verifies`;
// The same at every call, with the calls of Node: crash.test.ts.
(works ? test : test.skip)(works ? name : `${name} (skipped: no strace here that may trace)`, async () => {
  say(`log/acts-kill.test.ts: SEED=${SEED}, ${ROUNDS} rounds`);
  const random = createRandom(SEED);
  const from = await written();
  const vkey = readFileSync(join(from, 'log', 'log.vkey'), 'utf8').trim();
  const kills = { none: 0, killed: 0 };
  for (let round = 0; round < ROUNDS; round += 1) {
    const data = join(root, `round-${round}`);
    cpSync(from, data, { recursive: true });
    chmodSync(data, 0o700); // a copy is made by the mask alone
    const acts = [['prune', '--before', '2026-10-02', '--archive', join(data, 'archive')], ['rotate-key'], ['new-origin', '--because', 'a test']] as const;
    const act = acts[Math.floor(random() * acts.length)]!;
    const signal = await killed(data, act, random);
    kills[signal === 'SIGKILL' ? 'killed' : 'none'] += 1;
    const isBegun = act[0] === 'new-origin' && existsSync(join(data, 'log', 'old')) && !existsSync(join(data, 'keys', 'new-origin.json'));
    if (!isBegun) {
      const { status, stderr } = run(data, act);
      expect([round, act[0], status, stderr]).toEqual([round, act[0], 0, '']);
    }
    const found = await verify(join(data, 'log'), { vkey });
    expect([round, act[0], found.wrong, found.size - found.signed]).toEqual([round, act[0], [], 0]);
    if (act[0] === 'prune') expect(readdirSync(join(data, 'archive', 'segments')).length).toBeGreaterThan(0);
    rmSync(data, { recursive: true });
  }
  say(`log/acts-kill.test.ts: ${kills.killed} of ${ROUNDS} were killed before their end`);
  expect(kills.killed).toBeGreaterThan(0);
}, 20_000 + ROUNDS * 8000);
