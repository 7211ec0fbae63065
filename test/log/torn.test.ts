import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastOf } from '../../src/log/last.ts';
import { openLog, type LogOptions } from '../../src/log/log.ts';
import { recover } from '../../src/log/recover.ts';
import { createRandom, SEED } from '../support/random.ts';
import { rounds, say } from '../support/rounds.ts';
import { AT_MS, recordsOf } from './support.ts';
import { fill, startVerifier } from './tree/support.ts';

const ROUNDS = rounds(20, 400);
const PAGE = 4096;
const verify = startVerifier();
say(`log/torn.test.ts: SEED=${SEED}, ${ROUNDS} rounds`);

let root = '';
beforeEach(() => { root = mkdtempSync(join(tmpdir(), 'torn-')); });
afterEach(() => rmSync(root, { recursive: true, force: true }));
const data = () => join(root, 'data');
const segment = () => join(data(), 'log', 'segments', `${'0'.repeat(20)}.ndjson`);
const open = (options: Partial<LogOptions> = {}) => openLog({ dir: join(data(), 'log'), keysDir: join(data(), 'keys'), now: () => AT_MS, signEveryMs: 3_600_000, ...options });

/** 20 records that were acknowledged and signed for, and behind them the bytes of a group of 60 that was not yet. */
async function written(): Promise<{ readonly sound: Buffer; readonly group: Buffer }> {
  const log = await open();
  await fill(log, 0, 20);
  await log.close();
  const sound = readFileSync(segment());
  cpSync(data(), join(root, 'before'), { recursive: true });
  const again = await open();
  await Promise.all(Array.from({ length: 60 }, (_, n) => again.append({ kind: n % 7 === 0 ? 'snapshot_activated' : 'decision', members: `"n":${20 + n},"x":"${'x'.repeat(n * 7)}"` }).durable));
  await again.close();
  const group = readFileSync(segment()).subarray(sound.length);
  rmSync(data(), { recursive: true });
  cpSync(join(root, 'before'), data(), { recursive: true });
  return { sound, group };
}

/** Opens what the crash left; gives how many records there are, all of them as they were written. */
async function opened(sound: Buffer, group: Buffer): Promise<number> {
  const { tail } = await recover(join(data(), 'log'), readFileSync(join(data(), 'log', 'origin'), 'utf8').trimEnd());
  const last = await lastOf(join(data(), 'log'), 'snapshot_activated', tail);
  const log = await open();
  const size = log.size();
  expect(Buffer.concat([sound, group]).subarray(0, tail.bytes).equals(readFileSync(segment()))).toBe(true);
  expect(last?.['index'] ?? -1).toBe(recordsOf(join(data(), 'log')).findLast(({ kind }) => kind === 'snapshot_activated')?.['index'] ?? -1);
  await fill(log, size, size + 1);
  await log.close();
  expect(await verify(join(data(), 'log'))).toMatchObject({ wrong: [], size: size + 1, signed: size + 1 });
  return size;
}

test('a last record torn at any byte is cut off, and the log verifies', async () => {
  const { sound } = await written();
  const line = Buffer.from(`{"v":1,"index":20,"time":"2026-11-22T12:00:00.000Z","origin":"${readFileSync(join(data(), 'log', 'origin'), 'utf8').trimEnd()}","kind":"decision","n":20}\n`);
  for (let bytes = 0; bytes < line.length; bytes += 1) {
    rmSync(data(), { recursive: true });
    cpSync(join(root, 'before'), data(), { recursive: true });
    writeFileSync(segment(), Buffer.concat([sound, line.subarray(0, bytes)]));
    expect([bytes, await opened(sound, line)]).toEqual([bytes, 20]);
  }
});

test(`a power loss in the middle of a group, of which any pages have reached the disk and the others are zeros, ${ROUNDS} times: the group is cut off from there, and nothing before it`, async () => {
  const { sound, group } = await written();
  const random = createRandom(SEED);
  const sizes = new Set<number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    rmSync(data(), { recursive: true });
    cpSync(join(root, 'before'), data(), { recursive: true });
    const torn = Buffer.concat([sound, group]).subarray(0, sound.length + Math.floor(random() * (group.length + 1)));
    const left = Buffer.from(torn);
    for (let page = Math.floor(sound.length / PAGE); page * PAGE < torn.length; page += 1) {
      if (random() < 0.4) left.fill(0, Math.max(sound.length, page * PAGE), Math.min(left.length, (page + 1) * PAGE));
    }
    writeFileSync(segment(), left);
    const hole = left.indexOf(0);
    const upTo = hole === -1 ? left.length : hole;
    const size = await opened(sound, group);
    expect([round, size]).toEqual([round, left.subarray(0, upTo).toString('latin1').split('\n').length - 1]);
    sizes.add(size);
  }
  expect(sizes.size).toBeGreaterThan(3);
}, 30_000 + ROUNDS * 500);

test('zeros among the records that were signed for are no torn end: refused by place, and nothing is cut off', async () => {
  const { sound } = await written();
  const damaged = Buffer.from(sound);
  damaged.fill(0, 1500, 1600);
  writeFileSync(segment(), damaged);
  await expect(open()).rejects.toThrow(/0\.ndjson:\d+: the log ends with record \d+, but .*checkpoints\.ndjson signs for 20 records/);
  expect(readFileSync(segment()).equals(damaged)).toBe(true);
  expect(readdirSync(join(data(), 'log', 'segments'))).toHaveLength(1);
});
