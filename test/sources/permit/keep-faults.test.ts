import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openGenerations } from '../../../src/sources/permit/keep/generations.ts';
import { mountTest, withTmpfs } from '../../log/tmpfs.ts';
import { at, content, inFolder, users, version } from './keep-support.ts';
import { inSync } from './sync-support.ts';

const CHILD = fileURLToPath(new URL('keep-child.ts', import.meta.url));
const rounds = Number(process.env['SLUICE_SOAK'] ?? 5);

describe('kill -9 while generations are written', () => {
  const { dir, file, names, open } = inFolder();

  /** Gives the number and digest of each generation that was said to be on disk. */
  async function killed(afterLines: number, afterMs: number): Promise<readonly (readonly [number, string])[]> {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, dir()], { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const said: [number, string][] = [];
    for await (const line of createInterface(child.stdout)) {
      const [number, digest] = line.split(' ');
      said.push([Number(number), digest!]);
      if (said.length === afterLines) setTimeout(() => child.kill('SIGKILL'), afterMs); // somewhere in the next write
    }
    expect(await exited).toEqual([null, 'SIGKILL']);
    return said;
  }

  test(`${rounds} times: what was said to be there is there, no number comes twice, and nothing is left over`, async () => {
    let lastNumber = 0;
    for (let round = 0; round < rounds; round += 1) {
      const said = await killed(1 + Math.floor(Math.random() * 4), Math.random() * 20);
      expect(said[0]![0]).toBeGreaterThan(lastNumber);
      const generations = await open({ keep: 3 });
      const [number, digest] = said.at(-1)!;
      expect((await generations.load(digest)).generation.number).toBe(number);
      for (const one of generations.list()) await generations.load(one.number);
      ({ number: lastNumber } = await generations.write(version(round), at()));
      expect(lastNumber).toBeGreaterThan(number);
      await generations.prune(undefined);
      expect(generations.list().length).toBeLessThanOrEqual(3);
      expect(names()).toEqual([...generations.list().map((one) => basename(file(one.number))), 'state.json']);
    }
  }, 10_000 + rounds * 5000);
});

describe('a disk that is full', () => {
  const large = content({ users: users(20_000) });

  mountTest('leaves the generations as they were, and the next write works once there is space', () => withTmpfs('size=256k', async (folder) => {
    const options = { folder, environment: 'production', keep: 3, program: 'sluice/test' };
    const generations = await openGenerations(options);
    const first = await generations.write(version(1), at());
    await expect(generations.write(large, at())).rejects.toThrow(/0000000002\.ndjson: can't be written \(ENOSPC\)\. See to the space/);
    expect((await (await openGenerations(options)).load(first.digest)).data).toEqual(version(1));
    expect((await generations.write(version(2), at())).number).toBe(3);
  }));

  const { answer, open } = inSync();
  mountTest('fails the poll, and what decided decides on', () => withTmpfs('size=256k', async (folder) => {
    answer({ data: version(1) }, { data: large });
    const { active, status, poll } = await open({ folder });
    await poll();
    expect(await poll()).toBe('disk');
    expect(status().lastAttempt!.message).toContain('0000000002.ndjson: can\'t be written (ENOSPC)');
    expect(active()!.number).toBe(1);
    writeFileSync(join(folder, 'filler'), Buffer.alloc(200 * 1024)); // so full that not even the state can be written
    answer({ data: version(2) });
    await poll();
    rmSync(join(folder, 'filler'));
    await poll();
    expect([active()!.counts.users, status().failures]).toEqual([1, 0]);
    expect(active()!.number).toBeGreaterThan(2);
  }));
});
