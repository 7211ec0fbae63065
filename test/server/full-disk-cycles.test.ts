import { spawnSync } from 'node:child_process';
import { cp, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { mountTest, withTmpfs } from '../log/tmpfs.ts';
import { createRandom, SEED } from '../support/random.ts';
import { rounds, say } from '../support/rounds.ts';
import { endServers, missingFrom, newDataDir, QUESTION, readRecords, startServer, until, type Acknowledged, type RunningServer } from '../support/server.ts';
import { ROOT } from '../support/world.ts';

afterAll(endServers);

const ROUNDS = rounds(5, 50);

/** Takes the space that is left but for some bytes of it: every file of the data directory is on this disk. */
async function fill(file: string, leave: number): Promise<void> {
  const handle = await open(file, 'w');
  let written = 0;
  try {
    for (const size of [4_194_304, 65_536, 4096, 1]) for (const block = Buffer.alloc(size); ;) {
      const { bytesWritten } = await handle.write(block).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error;
        return { bytesWritten: 0 };
      });
      written += bytesWritten;
      if (bytesWritten < size) break;
    }
    await handle.truncate(Math.max(0, written - leave));
  } finally {
    await handle.close();
  }
}

interface Asking {
  readonly acknowledged: Acknowledged[];
  readonly refused: string[];
  stop(): Promise<void>;
}

/** Asks, also while it is refused. */
function keepAsking(server: RunningServer): Asking {
  const asking = { acknowledged: [] as Acknowledged[], refused: [] as string[], isStopped: false };
  const worker = async () => {
    while (!asking.isStopped) {
      const received = await server.send('/check', { body: QUESTION });
      if (received.status === 200) {
        const { decisionId, log } = received.json() as unknown as { decisionId: string; log: { index: number } };
        asking.acknowledged.push({ decisionId, index: log.index });
      } else asking.refused.push(`${received.status} ${String(received.json()['code'])}`);
    }
  };
  const workers = Promise.all([0, 1, 2, 3].map(worker));
  return { ...asking, stop: async () => { asking.isStopped = true; await workers; } };
}

// 50 rounds leave a log of some 20 MB, and the disk must have room for it.
mountTest(`J31: a disk that is full and freed again, ${ROUNDS} times (SEED=${SEED}), with log, tiles, checkpoints, index and states on it: refused or on record, never neither, and the log verifies`, () => withTmpfs('size=64m', async (small) => {
  say(`server/full-disk-cycles.test.ts: SEED=${SEED}, ${ROUNDS} rounds`);
  const random = createRandom(SEED);
  await cp(await newDataDir(), small, { recursive: true });
  const server = await startServer({ dataDir: small });
  const filler = path.join(small, 'filler');
  const acknowledged: Acknowledged[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const asking = keepAsking(server);
    await until(async () => asking.acknowledged.length, (count) => count > random() * 100);
    await fill(filler, Math.floor(random() ** 3 * 30_000));
    await until(async () => asking.refused.length, (count) => count > 0);
    expect((await server.send('/readyz')).status).toBe(503);
    // The kill switch and a reading want records too.
    const set = await server.setVendor('segment', round % 2 === 0 ? 'under_review' : 'active');
    expect([round, [200, 503].includes(set.status)]).toEqual([round, true]);
    expect([200, 503]).toContain((await server.send('/decisions?limit=1', { token: 'demo-auditor' })).status);
    await rm(filler);
    const before = asking.acknowledged.length;
    await until(async () => asking.acknowledged.length, (count) => count > before);
    await asking.stop();
    expect(new Set(asking.refused)).toEqual(new Set(['503 audit_unavailable']));
    acknowledged.push(...asking.acknowledged);
    if (ROUNDS > 5 && round % 10 === 9) say(`server/full-disk-cycles.test.ts: ${round + 1} of ${ROUNDS}, ${acknowledged.length} answers so far`);
  }
  await until(() => server.send('/readyz'), ({ status }) => status === 200);
  expect((await server.setVendor('segment', 'active')).status).toBe(200);
  const read = await until(() => server.send('/decisions?kind=gap&order=oldest', { token: 'demo-auditor' }), ({ status }) => status === 200);
  expect(await server.end()).toMatchObject({ code: 0 });

  const records = await readRecords(small);
  expect(missingFrom(records, acknowledged)).toEqual([]);
  const gaps = records.filter(({ kind }) => kind === 'gap');
  expect(gaps.length).toBeGreaterThanOrEqual(ROUNDS);
  expect(new Set(gaps.map(({ reason }) => reason))).toEqual(new Set(['ENOSPC']));
  expect((read.json()['records'] as { index: number }[]).map(({ index }) => index)).toEqual(gaps.map(({ index }) => index));
  const { status, stdout } = spawnSync(process.execPath, ['verify.mjs', path.join(small, 'log')], { cwd: ROOT, encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, expect.any(String)]);
  await (await startServer({ dataDir: small })).end();
}), 60_000 + ROUNDS * 12_000);
