// What the server keeps: its start, its memory over a million checks, and what an fdatasync costs here.
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startSluice, type HttpOptions } from './http.ts';
import { load, writeRequests } from './load.ts';
import { seeded, zipf } from './random.ts';
import { residentBytes } from './servers.ts';
import { questionsOf, TOKEN } from './world.ts';

export interface Growth {
  readonly checks: number;
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

/** Memory after 200,000 checks and a collection, and again after so many more. Ten thousand questions, a memo of a thousand. */
export async function memoryGrowth(options: HttpOptions, checks: number): Promise<Growth> {
  const questions = questionsOf(10_000, 20).map((question) => JSON.stringify(question));
  const requests = await writeRequests(options.work, 'growth', questions, zipf(questions.length, 100_000, seeded(7)));
  const server = await startSluice(options, 'growth', 11, ['--expose-gc', '--import', path.join(options.root, 'bench', 'collect.mjs')]);
  const check = { url: `${server.url}/check`, requests, headers: { authorization: `Bearer ${TOKEN}` }, connections: options.connections, seconds: 10 };
  try {
    let done = 0;
    const until = async (wanted: number) => {
      while (done < wanted) {
        done += (await load(check)).perSecond * check.seconds;
        options.say(`memory: ${Math.round(done)} of ${200_000 + checks} checks`);
      }
    };
    await until(200_000);
    const beforeBytes = await collected(server.pid);
    const from = done;
    await until(200_000 + checks);
    return { checks: Math.round(done - from), beforeBytes, afterBytes: await collected(server.pid) };
  } finally {
    await server.stop();
  }
}

/** Twice, since the first collection lets finalisers go. */
async function collected(pid: number): Promise<number> {
  for (let time = 0; time < 2; time += 1) {
    process.kill(pid, 'SIGUSR2');
    await pause(1500);
  }
  return residentBytes(pid);
}

/** Milliseconds from the start of the process to the first 200 of `/readyz`, with a bundle that is built. */
export async function startTimes(options: HttpOptions, rounds: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const startedAt = performance.now();
    const server = await startSluice(options, 'start', 64);
    if (round >= 0) times.push(performance.now() - startedAt);
    await server.stop();
  }
  return times;
}

/** Milliseconds of an fdatasync after 100 KB, as a group of 64 records makes it. */
export async function syncTimes(folder: string): Promise<readonly number[]> {
  const file = path.join(folder, 'sync');
  const handle = await open(file, 'w');
  const block = Buffer.alloc(100_000, 'x');
  const times: number[] = [];
  for (let round = 0; round < 300; round += 1) {
    await handle.write(block);
    const startedAt = performance.now();
    await handle.datasync();
    times.push(performance.now() - startedAt);
  }
  await handle.close();
  await rm(file);
  return times;
}
