import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readLog } from '../../src/log/read.ts';
import { createRandom, SEED } from '../support/random.ts';
import { rounds as roundsOf, say } from '../support/rounds.ts';
import { inDataDir, startVerifier } from './tree/support.ts';

const verify = startVerifier();
const { data, dir, read, vkey, open } = inDataDir();

const CHILD = fileURLToPath(new URL('kill-child.ts', import.meta.url));
const rounds = roundsOf(5, 50);

/** Runs a writer, kills it (-9) once it has acknowledged `enough` records, and gives all that it acknowledged. */
async function killAfter(enough: number, round: number): Promise<ReadonlyMap<number, string>> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, data(), String(round)], { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const acknowledged = new Map<number, string>();
  for await (const line of createInterface(child.stdout)) {
    const [index, id] = line.split(' ');
    acknowledged.set(Number(index), id!);
    if (acknowledged.size === enough) child.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
  return acknowledged;
}

test(`J31: kill -9 under load, ${rounds} times (SEED=${SEED}): every acknowledged record is in the log, and the log verifies, also by what was signed before each kill`, async () => {
  say(`log/kill.test.ts: SEED=${SEED}, ${rounds} rounds`);
  const random = createRandom(SEED);
  const acknowledged = new Map<number, string>();
  let older: string | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const more = await killAfter(1 + Math.floor(random() ** 2 * 6000), round);
    for (const [index, id] of more) {
      expect(acknowledged.has(index)).toBe(false);
      acknowledged.set(index, id);
    }
    const found = await verify(dir(), { vkey: vkey(), ...(older !== undefined && { oldCheckpoint: older }) });
    expect([round, found.wrong]).toEqual([round, []]);
    older = read('checkpoint');
    const log = await open();
    expect(log.evidence!.status()).toEqual({ size: log.size(), signed: log.size() });
    await log.close();
    if (rounds > 5 && round % 10 === 9) say(`log/kill.test.ts: ${round + 1} of ${rounds}, ${acknowledged.size} records acknowledged so far`);
  }
  expect((await verify(dir(), { vkey: vkey(), oldCheckpoint: older! })).wrong).toEqual([]);
  const missing = new Map(acknowledged);
  let next = 0;
  for await (const { index, record } of readLog(dir())) {
    expect(index).toBe(next);
    next += 1;
    if (missing.get(index) === record['id']) missing.delete(index);
  }
  expect([...missing]).toEqual([]);
  expect(acknowledged.size).toBeGreaterThanOrEqual(rounds);
}, 10_000 + rounds * 8000);
