import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, SEED } from '../../support/random.ts';
import { sample, say } from '../../support/rounds.ts';
import { crashesOf, restore, type Crash } from '../crash.ts';
import { diskError, recordsOf, watchedFiles } from '../support.ts';
import { fill, startVerifier } from '../tree/support.ts';
import { hands, makeWorld, openIn, withoutCopy } from './world.ts';

say(`log/start/ends.test.ts: SEED=${SEED}`);
const random = createRandom(SEED);
const verify = startVerifier();
let world = '';
let root = '';
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => rmSync(world, { recursive: true }));
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ends-'));
  restore(data(), new Map());
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const data = () => join(root, 'data');
const copyOf = (from: string, name: string) => {
  cpSync(from, join(root, name), { recursive: true });
  return join(root, name);
};
const signedIn = (where: string, name = 'log.checkpoint') =>
  Number((JSON.parse(readFileSync(join(where, 'keys', name), 'utf8')) as { note: string }).note.split('\n')[1]);

/** It starts with all that was acknowledged, goes on, is right for an auditor, and its copy is the newest. */
async function starts(where: string, acknowledged: number): Promise<void> {
  const log = await openIn(where);
  expect(log.size()).toBeGreaterThanOrEqual(acknowledged);
  await fill(log, 0, 1);
  await log.close();
  const found = await verify(join(where, 'log'), { vkey: readFileSync(join(where, 'log', 'log.vkey'), 'utf8').trim() });
  expect({ wrong: found.wrong, unsigned: found.size - found.signed }).toEqual({ wrong: [], unsigned: 0 });
  expect([signedIn(where), readFileSync(join(where, 'keys', 'log.first.vkey'), 'utf8')]).toEqual([
    found.size,
    readFileSync(join(where, 'log', 'log.vkey'), 'utf8'),
  ]);
}

async function each(crashes: readonly Crash[], check: (where: string, crash: Crash) => Promise<void>): Promise<void> {
  const where = join(root, 'after');
  for (const crash of crashes) {
    restore(where, crash.state);
    try {
      await check(where, crash);
    } catch (error) {
      throw new Error(`${crash.kind}, step ${crash.step}, before or in ${crash.at}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

describe('F22: legitimate ends start too', () => {
  test('a crash or a power loss at any step of a first start and of the first second after it', async () => {
    let acknowledged = 0;
    const crashes = await crashesOf(
      data(),
      async () => {
        const log = await openIn(data());
        await fill(log, 0, 3);
        acknowledged = 3;
        await log.evidence!.sign();
        await log.close();
      },
      () => acknowledged,
    );
    expect(crashes.some(({ state }) => state.has('keys/log.checkpoint') && !state.has('keys/log.key'))).toBe(true);
    expect(crashes.some(({ state }) => state.has('keys/log.key') && !state.has('log/log.vkey'))).toBe(true);
    await each(crashes, (where, { mark }) => starts(where, mark));
  }, 120_000);

  test('the same of the first start of a version that keeps a copy: it verifies the whole log, once', async () => {
    restore(data(), new Map());
    const first = await openIn(data(), { maxUnsigned: 4096 });
    await fill(first, 0, 250);
    await first.close();
    withoutCopy(data());
    let acknowledged = 250;
    const crashes = await crashesOf(
      data(),
      async () => {
        const log = await openIn(data());
        acknowledged = log.size();
        await fill(log, 250, 260);
        acknowledged += 10;
        await log.close();
      },
      () => acknowledged,
    );
    await each(sample(crashes, 30, random), async (where, { mark }) => {
      await starts(where, mark);
      const made = recordsOf(join(where, 'log')).filter(
        ({ kind, what }) => kind === 'recovered' && what === 'checkpoint_copied',
      );
      expect([1, 2]).toContain(made.length); // twice where the crash came between its record and the copy
      await starts(where, mark);
      expect(recordsOf(join(where, 'log')).filter(({ what }) => what === 'checkpoint_copied')).toHaveLength(
        made.length,
      );
    });
  }, 300_000);

  test('a log that the version before left at any step', async () => {
    const first = await openIn(data(), { maxUnsigned: 4096 });
    await fill(first, 0, 250);
    await first.close();
    let acknowledged = 250;
    const crashes = await crashesOf(
      data(),
      async () => {
        const log = await openIn(data());
        await fill(log, 250, 260);
        acknowledged = 260;
        await log.close();
      },
      () => acknowledged,
    );
    await each(sample(crashes, 30, random), async (where, { mark }) => {
      withoutCopy(where);
      await starts(where, mark);
    });
  }, 300_000);

  test.each<readonly [string, (log: ReturnType<typeof hands>) => void]>([
    ['a tile that is not full is empty', (log) => truncateSync(log.at('tile/0/002.p/208'), 0)],
    ['it is zeros', (log) => log.put('tile/0/002.p/208', Buffer.alloc(208 * 32))],
    [
      'its last page is zeros',
      (log) =>
        log.put(
          'tile/0/002.p/208',
          Buffer.concat([readFileSync(log.at('tile/0/002.p/208')).subarray(0, 4096), Buffer.alloc(208 * 32 - 4096)]),
        ),
    ],
    ['it is cut in the middle of a hash', (log) => truncateSync(log.at('tile/0/002.p/208'), 4100)],
    ['one of the upper level is empty', (log) => truncateSync(log.at('tile/1/000.p/2'), 0)],
    [
      'the last kept checkpoint is torn',
      (log) => truncateSync(log.at('checkpoints.ndjson'), statSync(log.at('checkpoints.ndjson')).size - 9),
    ],
    [
      'a kept checkpoint that was being written is zeros',
      (log) => writeFileSync(log.at('checkpoints.ndjson'), `${'\0'.repeat(150)}\n`, { flag: 'a' }),
    ],
    [
      'a line that was being written is zeros',
      (log) => writeFileSync(log.at(log.last()), `${'\0'.repeat(100)}"n":1}\n`, { flag: 'a' }),
    ],
    [
      'unfinished files lie about',
      (log) =>
        ['tile/unfinished', 'tile/unfinished.3', 'objects/unfinished', 'checkpoint.tmp'].forEach((name) =>
          log.put(name, 'x'),
        ),
    ],
  ])('pages that a power loss took, with a copy and without: %s', async (_name, lose) => {
    for (const name of ['with', 'without']) {
      const where = copyOf(world, name);
      if (name === 'without') withoutCopy(where);
      lose(hands(join(where, 'log')));
      await starts(where, 720);
      expect(existsSync(join(where, 'log', 'aside'))).toBe(false); // nothing there was evidence of anything
    }
  });

  test('tiles that no checkpoint covers yet and that a power loss emptied are made again', async () => {
    const log = await openIn(data(), {
      maxUnsigned: 4096,
      files: watchedFiles(({ op, name }) => {
        if (op === 'write' && name === 'checkpoints.ndjson') throw diskError('ENOSPC');
      }).files,
    });
    await fill(log, 0, 600);
    await log.evidence!.sign().catch(() => {});
    for (const lose of [
      (name: string) => truncateSync(name, 0),
      (name: string) => writeFileSync(name, Buffer.alloc(statSync(name).size)),
      (name: string) => truncateSync(name, 77),
    ]) {
      const where = copyOf(data(), `lost-${random()}`);
      lose(join(where, 'log', 'tile/0/000'));
      lose(join(where, 'log', 'tile/0/002.p/88'));
      const again = await openIn(where, { maxUnsigned: 4096 });
      await again.close();
      expect((await verify(join(where, 'log'))).wrong).toEqual([]);
    }
  });

  test('a disk that is full from any write on, and then a kill', async () => {
    let writes = Infinity;
    for (let full = 0; full < writes; full += 1) {
      const where = join(root, `full-${full}`);
      let seen = 0;
      const { files } = watchedFiles(({ op }) => {
        if (op !== 'write' && op !== 'rename') return;
        seen += 1;
        if (seen > full) throw diskError('ENOSPC');
      });
      const log = await openIn(where, { files, maxUnsigned: 4096 }).catch(() => undefined);
      let acknowledged = 0;
      for (const [from, to] of [
        [0, 3],
        [3, 260],
        [260, 262],
      ] as const) {
        if (
          await Promise.resolve(log)
            .then((one) => one && fill(one, from, to))
            .then(
              () => log !== undefined,
              () => false,
            )
        )
          acknowledged = to;
        await log?.evidence!.sign().catch(() => {});
      }
      const killed = copyOf(where, `killed-${full}`);
      await log?.close();
      if (seen <= full) writes = full;
      const again = await openIn(killed, { maxUnsigned: 4096 });
      expect([full, again.size() >= acknowledged]).toEqual([full, true]);
      await again.close();
      expect([full, (await verify(join(killed, 'log'))).wrong]).toEqual([full, []]);
    }
    expect(writes).toBeGreaterThan(10);
  }, 120_000);

  test('a whole restore of log and keys; keys that were backed up before the log', async () => {
    const where = copyOf(world, 'now');
    const log = await openIn(where, { maxUnsigned: 4096 });
    await fill(log, 0, 30);
    await log.close();
    await starts(copyOf(world, 'restored'), 720);

    const older = copyOf(where, 'older-keys');
    rmSync(join(older, 'keys'), { recursive: true });
    cpSync(join(world, 'keys'), join(older, 'keys'), { recursive: true });
    await starts(older, 750);

    // The other way round is a log that is older than what was signed.
    const oldLog = copyOf(where, 'older-log');
    rmSync(join(oldLog, 'log'), { recursive: true });
    cpSync(join(world, 'log'), join(oldLog, 'log'), { recursive: true });
    await expect(openIn(oldLog)).rejects.toThrow(
      /checkpoints\.ndjson: signs for 720 records, but .*log\.checkpoint, .*, for 750: this is an older state of the log/,
    );
    expect(readdirSync(join(oldLog, 'log')).sort()).toEqual(readdirSync(join(world, 'log')).sort());
  });
});
