import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createRandom, SEED } from '../support/random.ts';
import { rounds, say } from '../support/rounds.ts';
import { endServers, makeFolder, missingFrom, newDataDir, QUESTION, readRecords, startLoad, startServer, until, type Acknowledged } from '../support/server.ts';
import { ROOT } from '../support/world.ts';

afterAll(endServers);

const ROUNDS = rounds(2, 20);

// Stands beside the server as its tracer, and gives the error instead of the system call's own answer.
const inject = (out: string, how: string) => ['strace', '-D', '-f', '-y', '-qq', '-o', out, '--seccomp-bpf', '-e', 'trace=fdatasync', '-e', `inject=fdatasync:${how}`];
const works = spawnSync('strace', [...inject('/dev/null', 'error=EIO:when=40+').slice(2), 'true']).status === 0;
const traced = (name: string, run: () => Promise<void>, timeoutMs?: number) => (
  works ? test(name, run, timeoutMs) : test.skip(`${name} (skipped: no strace here that may trace)`, run)
);
const verify = (dataDir: string) => spawnSync(process.execPath, [path.join(ROOT, 'verify.mjs'), path.join(dataDir, 'log')]).status;

// The same with an injected file layer: test/log/faults.test.ts.
traced(`J31: a real fdatasync that fails with EIO, ${ROUNDS} times (SEED=${SEED}): 503 from then on, that file is synced no more, and what was answered is there after a restart`, async () => {
  say(`server/sync-error.test.ts: SEED=${SEED}, ${ROUNDS} rounds`);
  const random = createRandom(SEED);
  const dataDir = await newDataDir();
  const acknowledged: Acknowledged[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const calls = path.join(await makeFolder(), 'calls');
    const server = await startServer({ dataDir, under: inject(calls, `error=EIO:when=${12 + Math.floor(random() ** 2 * 200)}+`) });
    const load = startLoad(server, 8);
    await until(() => server.send('/readyz'), ({ status }) => status === 503);
    const { failures } = await load.stop();
    expect(failures).toHaveLength(8);
    expect(failures[0]).toContain('"code":"audit_unavailable"');
    for (let n = 0; n < 5; n += 1) {
      const { status, text } = await server.send('/check', { body: QUESTION });
      expect({ status, text }).toEqual({ status: 503, text: expect.stringMatching(/the log('s checkpoints)? can't be (synced|written) \(EIO\)/) as string });
    }
    expect((await server.end()).code).toBe(0);
    acknowledged.push(...load.acknowledged);
    const failed = (await readFile(calls, 'utf8')).split('\n').filter((line) => line.includes('INJECTED') && /\/(segments\/|checkpoints)/.test(line)).map((line) => /<(.*?)>/.exec(line)![1]!);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed).toEqual([...new Set(failed)]);
  }
  const again = await startServer({ dataDir });
  await again.check();
  await again.end();
  expect(missingFrom(await readRecords(dataDir), acknowledged)).toEqual([]);
  expect(verify(dataDir)).toBe(0);
}, 30_000 + ROUNDS * 20_000);

traced('J31: a disk that takes seconds for each fdatasync makes answers late, and loses and refuses none', async () => {
  const dataDir = await newDataDir();
  const calls = path.join(await makeFolder(), 'calls');
  const server = await startServer({ dataDir, under: inject(calls, 'delay_enter=1500000:when=4+') });
  const load = startLoad(server, 8);
  await until(async () => (await readFile(calls, 'utf8')).split('\n').filter((line) => line.includes('DELAYED')).length, (count) => count > 4, 50_000);
  const { failures } = await load.stop();
  expect(failures).toEqual([]);
  await server.end('SIGKILL'); // a graceful end waits for the disk too
  expect(missingFrom(await readRecords(dataDir), load.acknowledged)).toEqual([]);
}, 90_000);
