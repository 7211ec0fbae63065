import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readLog } from '../../src/log/read.ts';
import { inFolder } from './support.ts';

const { dir, open } = inFolder();

const CHILD = fileURLToPath(new URL('kill-child.ts', import.meta.url));
const rounds = Number(process.env['SLUICE_SOAK'] ?? 8);

/** Runs a writer, kills it (-9) once it has acknowledged `enough` records, and gives all that it acknowledged. */
async function killAfter(enough: number, round: number): Promise<ReadonlyMap<number, string>> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, dir(), String(round)], { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
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

test(`kill -9 under load, ${rounds} times: every acknowledged record is in the log`, async () => {
  const acknowledged = new Map<number, string>();
  for (let round = 0; round < rounds; round += 1) {
    const more = await killAfter(1 + Math.floor(Math.random() * 3000), round);
    for (const [index, id] of more) {
      expect(acknowledged.has(index)).toBe(false);
      acknowledged.set(index, id);
    }
    const log = await open();
    await log.close();
  }
  const missing = new Map(acknowledged);
  let next = 0;
  for await (const { index, record } of readLog(dir())) {
    expect(index).toBe(next);
    next += 1;
    if (missing.get(index) === record['id']) missing.delete(index);
  }
  expect([...missing]).toEqual([]);
  expect(acknowledged.size).toBeGreaterThanOrEqual(rounds);
}, 10_000 + rounds * 5000);
