import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fill, inDataDir, startVerifier } from './support.ts';

const run = promisify(execFile);
const verify = startVerifier();
const { data, dir, file, read, vkey, open } = inDataDir();
const copy = () => join(data(), 'copy');
const names = () => readdirSync(file('segments')).sort();
const HINT = /copy it again: checkpoint and checkpoints\.ndjson first, then segments\/$/;

/** A writer that ends a segment every some hundred records, signs all the time, and goes on until `work` is done. */
async function whileWriting<T>(work: () => Promise<T>): Promise<T> {
  const log = await open({ maxSegmentBytes: 60_000, signEveryMs: 1 });
  await fill(log, 0, 3000);
  await log.evidence!.sign(); // a busy machine may else not have come to it
  let isDone = false;
  let next = 3000;
  const writing = (async () => {
    while (!isDone) {
      await fill(log, next, next + 20);
      next += 20;
    }
  })();
  try {
    return await work();
  } finally {
    isDone = true;
    await writing;
    await log.close();
  }
}

test('a log is verified while its server writes, again and again, and nothing is found', async () => {
  await whileWriting(async () => {
    for (let round = 0; round < 8; round += 1) {
      const { wrong, signed } = await verify(dir(), { vkey: vkey() });
      expect([wrong, signed > 0]).toEqual([[], true]);
    }
  });
  expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
}, 60_000);

test('a copy of a log that is being written, checkpoints first, agrees; in any other order what is wrong says that it may be the copying', async () => {
  await whileWriting(async () => {
    for (let round = 0; round < 3; round += 1) {
      await run('sh', ['-c', 'mkdir "$2" && cp "$1"/checkpoint "$1"/checkpoints.ndjson "$2" && cp -r -n "$1"/. "$2"', 'sh', dir(), copy()]).catch(() => {}); // a tile's folder may leave meanwhile
      const { wrong, signed } = await verify(copy(), { vkey: vkey() });
      expect([wrong.filter((one) => !HINT.test(one)), signed > 0]).toEqual([[], true]);
      rmSync(copy(), { recursive: true });
      await run('cp', ['-r', file('segments'), copy()]);
      await run('cp', ['-r', dir(), join(copy(), 'log')]).catch(() => {});
      const other = await verify(join(copy(), 'log'), { vkey: vkey() });
      expect(other.wrong.filter((one) => !HINT.test(one))).toEqual([]);
      rmSync(copy(), { recursive: true });
    }
  });
}, 60_000);

describe('a copy that caught', () => {
  beforeEach(async () => {
    const log = await open({ maxSegmentBytes: 20_000 });
    for (let from = 0; from < 600; from += 50) await fill(log, from, from + 50);
    await log.evidence!.sign();
    cpSync(dir(), copy(), { recursive: true });
    for (let from = 600; from < 900; from += 50) await fill(log, from, from + 50);
    await log.close();
  });
  const signedFor = (name: string) => Number(readFileSync(name, 'utf8').split('\n')[1]);

  test('records newer than its checkpoint: they are named, and their times', async () => {
    rmSync(join(copy(), 'segments'), { recursive: true });
    cpSync(file('segments'), join(copy(), 'segments'), { recursive: true });
    const signed = signedFor(join(copy(), 'checkpoint'));
    expect(await verify(copy(), { vkey: vkey() })).toMatchObject({
      wrong: [], size: 900, signed, notes: [expect.stringMatching(new RegExp(`^records ${signed} to 899 follow the last checkpoint: nothing vouches for them yet \\(from segments/\\d+\\.ndjson:\\d+: record ${signed} on; 2026-\\S+Z to 2026-\\S+Z\\)$`))],
    });
  });

  test('a line half written: it is named, and nobody was answered for it', async () => {
    const name = readdirSync(join(copy(), 'segments')).sort().at(-1)!;
    appendFileSync(join(copy(), 'segments', name), '{"v":1,"index":600,"ti');
    expect(await verify(copy(), { vkey: vkey() })).toMatchObject({ wrong: [], notes: [expect.stringMatching(new RegExp(`^segments/${name}:\\d+: the last line is cut off after 22 bytes, as a crash or a copy may leave it; nobody was answered for it$`))] });
  });

  test('a checkpoint half written among the kept ones: it is named', async () => {
    appendFileSync(join(copy(), 'checkpoints.ndjson'), '{"note":"slu');
    expect(await verify(copy(), { vkey: vkey() })).toMatchObject({ wrong: [], notes: [expect.stringMatching(/^checkpoints\.ndjson:\d+: the last line is cut off/)] });
  });

  test.each<readonly [string, () => void]>([
    ['checkpoints newer than its records', () => { for (const name of ['checkpoint', 'checkpoints.ndjson']) cpSync(file(name), join(copy(), name)); }],
    ['a segment before it ended, and its successor', () => {
      rmSync(join(copy(), 'segments'), { recursive: true });
      cpSync(file('segments'), join(copy(), 'segments'), { recursive: true });
      const name = names().at(-2)!;
      const lines = read('segments', name).split('\n');
      writeFileSync(join(copy(), 'segments', name), `${lines.slice(0, lines.length - 4).join('\n')}\n`);
    }],
    ['a segment before it ended, in the middle of a line, and its successor', () => {
      rmSync(join(copy(), 'segments'), { recursive: true });
      cpSync(file('segments'), join(copy(), 'segments'), { recursive: true });
      const name = names().at(-2)!;
      truncateSync(join(copy(), 'segments', name), read('segments', name).length - 300);
    }],
  ])('%s: that is wrong, and the way out is said', async (_name, tamper) => {
    tamper();
    const { wrong } = await verify(copy(), { vkey: vkey() });
    expect(wrong).toEqual([expect.stringMatching(HINT)]);
  });
});
