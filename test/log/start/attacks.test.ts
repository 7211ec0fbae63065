import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AT_MS } from '../support.ts';
import { fill, startVerifier } from '../tree/support.ts';
import { contentOf, copyTo, hands, makeWorld, MAX_UNSIGNED, openIn, withoutCopy, type Hands } from './world.ts';

const verify = startVerifier();
let world = '';
let root = '';
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => rmSync(world, { recursive: true }));
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'attack-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const TILE = 'tile/0/001';
const change = (line: string) => line.replace(/"n":(\d+)/, '"n":1$1');
const changeLast = (log: Hands) => log.edit(log.last(), (lines) => lines.with(-3, change(lines.at(-3)!)));
const link = (log: Hands, name: string, to: string) => {
  log.remove(name);
  symlinkSync(to, log.at(name));
};
const pipe = (log: Hands, name: string) => {
  log.remove(name);
  execFileSync('mkfifo', [log.at(name)]);
};
const movedAndLinked = (log: Hands, name: string) => {
  renameSync(log.at(name), join(root, 'moved'));
  symlinkSync(join(root, 'moved'), log.at(name));
};
const emptied = (log: Hands) => {
  log.put('checkpoints.ndjson', '');
  log.remove('checkpoint');
};
/** The records from this one on are gone, and the segments that held only such. */
const cutTo = (log: Hands, size: number) =>
  log.segments().forEach((name) => {
    const first = Number(name.slice(9, 29));
    if (first >= size) log.remove(name);
    else log.edit(name, (lines) => lines.slice(0, size - first));
  });
const objectOf = (log: Hands) => `objects/${/"object":"sha256:(\w+)"/.exec(log.text(log.last()))![1]!}.json`;

/**
 * What a start does: `refused`, naming the place, and changing nothing; or `mended`: it goes on with all the records
 * that were ever signed for; or `left`: what it can't see at a bounded price, and doesn't sign for as if it were right.
 */
type Start = 'refused' | 'mended' | 'left';
interface Attack {
  readonly name: string;
  readonly act: (log: Hands) => void;
  /** With the copy of the newest checkpoint, and in the first start of a version that makes one. */
  readonly start: readonly [Start, Start];
  /** Whether an auditor with the public key finds it, or with a kept checkpoint only, or is told, or nothing is amiss. */
  readonly verifier: 'found' | 'by a kept checkpoint' | 'noted' | 'nothing';
}
const attack = (
  name: string,
  act: Attack['act'],
  start: Attack['start'] = ['refused', 'refused'],
  verifier: Attack['verifier'] = 'found',
): Attack => ({ name, act, start, verifier });

const ATTACKS: readonly Attack[] = [
  // Checkpoints
  attack('checkpoints emptied, one removed, a record changed', (log) => {
    emptied(log);
    changeLast(log);
  }),
  attack('and the tiles removed', (log) => {
    emptied(log);
    changeLast(log);
    log.remove('tile');
  }),
  attack('and the tiles made from the changed records', (log) => {
    emptied(log);
    changeLast(log);
    log.forgeTiles();
  }),
  attack('all removed but changed records', (log) => {
    log.remove('checkpoints.ndjson', 'checkpoint', 'log.vkey', 'tile');
    changeLast(log);
  }),
  attack('checkpoints emptied alone', emptied),
  attack('the file of checkpoints removed', (log) => log.remove('checkpoints.ndjson')),
  attack('both files removed', (log) => log.remove('checkpoints.ndjson', 'checkpoint')),
  attack('rolled back to an older genuine line, a later record changed', (log) => {
    log.rollBack(450);
    changeLast(log);
  }),
  attack(
    'rolled back, a later record changed, the tiles made from it',
    (log) => {
      log.rollBack(450);
      changeLast(log);
      log.forgeTiles();
    },
    ['refused', 'refused'],
    'by a kept checkpoint',
  ),
  attack(
    'rolled back, a later record changed, the tiles removed',
    (log) => {
      log.rollBack(450);
      changeLast(log);
      log.remove('tile');
    },
    ['refused', 'refused'],
    'by a kept checkpoint',
  ),
  attack(
    'rolled back by one, what came after removed, its tiles left',
    (log) => {
      log.rollBack(700);
      cutTo(log, 700);
    },
    ['refused', 'refused'],
    'noted',
  ),
  attack('rolled back to the empty log', (log) => {
    log.rollBack(0);
    changeLast(log);
  }),
  attack(
    'the whole log as it was before',
    (log) => {
      log.rollBack(700);
      cutTo(log, 700);
      log.forgeTiles();
    },
    ['refused', 'mended'],
    'by a kept checkpoint',
  ),
  attack(
    'the last line removed, the newest left',
    (log) => log.edit('checkpoints.ndjson', (lines) => lines.slice(0, -1)),
    ['mended', 'mended'],
    'noted',
  ),
  attack(
    'the last line zeros, the newest left',
    (log) => {
      const kept = log.text('checkpoints.ndjson');
      const from = kept.lastIndexOf('{');
      log.put('checkpoints.ndjson', `${kept.slice(0, from)}${'\0'.repeat(kept.length - from - 1)}\n`);
    },
    ['mended', 'mended'],
  ),
  attack('the newest removed', (log) => log.remove('checkpoint'), ['mended', 'mended']),
  attack(
    'the newest put back',
    (log) => log.put('checkpoint', (JSON.parse(log.lines('checkpoints.ndjson')[2]!) as { note: string }).note),
    ['mended', 'mended'],
    'noted',
  ),
  attack('the newest emptied', (log) => log.put('checkpoint', '')),
  attack('a size in the last line changed', (log) =>
    log.edit('checkpoints.ndjson', (lines) => lines.with(-1, lines.at(-1)!.replace('\\n720\\n', '\\n710\\n'))),
  ),
  // Records
  attack('a record of the last segment changed', changeLast),
  attack('and the tiles made from it', (log) => {
    changeLast(log);
    log.forgeTiles();
  }),
  attack('the last record removed', (log) => log.edit(log.last(), (lines) => lines.slice(0, -1))),
  attack('the last record doubled', (log) => log.edit(log.last(), (lines) => [...lines, lines.at(-1)!])),
  attack('two records swapped', (log) =>
    log.edit(log.last(), (lines) => lines.with(-2, lines.at(-3)!).with(-3, lines.at(-2)!)),
  ),
  attack('a record inserted', (log) => log.edit(log.last(), (lines) => lines.toSpliced(-3, 0, lines.at(-3)!))),
  attack(
    'a record of an older segment changed',
    (log) => log.edit(log.segments()[0]!, (lines) => lines.with(7, change(lines[7]!))),
    ['left', 'refused'],
  ),
  attack('and its tile made from it', (log) => {
    log.edit(log.segments()[0]!, (lines) => lines.with(7, change(lines[7]!)));
    log.forgeTiles();
  }),
  attack(
    'a record of an older segment removed',
    (log) => log.edit(log.segments()[0]!, (lines) => lines.toSpliced(7, 1)),
    ['left', 'refused'],
  ),
  attack(
    'more records added than a crash leaves',
    (log) => log.append(MAX_UNSIGNED + 1),
    ['refused', 'refused'],
    'noted',
  ),
  // Tiles
  attack('a tile changed', (log) => log.flip(TILE), ['mended', 'refused']),
  attack('a tile zeroed', (log) => log.put(TILE, Buffer.alloc(8192)), ['mended', 'refused']),
  attack('a tile shortened', (log) => truncateSync(log.at(TILE), 100), ['mended', 'refused']),
  attack('a tile removed', (log) => log.remove(TILE), ['mended', 'mended'], 'noted'),
  attack('all tiles removed', (log) => log.remove('tile'), ['mended', 'mended'], 'noted'),
  attack('a tile that is not full changed', (log) => log.flip('tile/0/002.p/208'), ['mended', 'refused']),
  attack('a tile of the upper level changed', (log) => log.flip('tile/1/000.p/2'), ['mended', 'refused']),
  attack(
    'a tile behind the last record',
    (log) => log.put('tile/0/003', Buffer.alloc(8192, 7)),
    ['refused', 'refused'],
    'noted',
  ),
  attack('a full tile where there are not so many records', (log) => log.put('tile/0/002', Buffer.alloc(8192, 7))),
  attack('a wider tile than there are records', (log) => log.put('tile/0/002.p/250', Buffer.alloc(8000, 7))),
  attack(
    'a tile of a level that there is none of',
    (log) => log.put('tile/2/000.p/1', Buffer.alloc(32, 7)),
    ['refused', 'refused'],
    'noted',
  ),
  attack(
    'a tile in a later folder',
    (log) => log.put('tile/0/x001/000', Buffer.alloc(8192, 7)),
    ['refused', 'refused'],
    'noted',
  ),
  // Links, pipes, devices
  attack('a tile is a link to an endless device', (log) => link(log, TILE, '/dev/zero')),
  attack('a tile is a pipe', (log) => pipe(log, TILE)),
  attack('a tile that is not full is a link to a device', (log) => link(log, 'tile/0/002.p/208', '/dev/zero')),
  attack('the folder of tiles is a link', (log) => movedAndLinked(log, 'tile')),
  attack('a level of tiles is a link', (log) => movedAndLinked(log, 'tile/0')),
  attack('the folder of segments is a link', (log) => movedAndLinked(log, 'segments')),
  attack('the last segment is a link', (log) => movedAndLinked(log, log.last())),
  attack('the first segment is a pipe', (log) => pipe(log, log.segments()[0]!)),
  attack('the checkpoints are an endless device', (log) => link(log, 'checkpoints.ndjson', '/dev/zero')),
  attack('the newest checkpoint is a pipe', (log) => pipe(log, 'checkpoint')),
  attack('the origin is a pipe', (log) => pipe(log, 'origin')),
  attack('the public key is a link', (log) => movedAndLinked(log, 'log.vkey')),
  attack('a side object is a link to a device', (log) => link(log, objectOf(log), '/dev/zero')),
  attack(
    'a name for what is unfinished is a link',
    (log) => symlinkSync(join(root, 'elsewhere'), log.at('checkpoint.tmp')),
    ['refused', 'refused'],
    'nothing',
  ),
  // Keys, segments, the rest
  attack('the public key removed', (log) => log.remove('log.vkey')),
  attack('the public key another one', (log) =>
    log.put('log.vkey', 'sluice/0123456789abcdef+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n'),
  ),
  attack('the first segment removed', (log) => log.remove(log.segments()[0]!)),
  attack('a segment in the middle removed', (log) => log.remove(log.segments()[1]!)),
  attack('the last segment removed', (log) => log.remove(log.last())),
  attack('the last segment renamed', (log) => renameSync(log.at(log.last()), log.at(`${log.last()}.bak`))),
  attack('a segment given another number', (log) =>
    renameSync(log.at(log.segments()[1]!), log.at('segments/00000000000000000123.ndjson')),
  ),
  attack('a segment added in between', (log) =>
    writeFileSync(log.at('segments/00000000000000000010.ndjson'), log.text(log.segments()[1]!)),
  ),
  attack('a segment added far behind', (log) =>
    writeFileSync(log.at('segments/00000000000000009999.ndjson'), log.text(log.last())),
  ),
  attack('all segments removed', (log) => {
    log.remove('segments');
    mkdirSync(log.at('segments'));
  }),
  attack('the origin removed, and all segments', (log) => log.remove('origin', 'segments')),
  attack('the origin changed', (log) => log.put('origin', 'sluice/0123456789abcdef\n')),
  attack('a side object removed', (log) => log.remove(objectOf(log)), ['refused', 'refused']),
  attack('a side object changed', (log) => log.flip(objectOf(log), 50), ['refused', 'refused']),
  attack('all of the log but its origin removed', (log) =>
    log.remove('checkpoints.ndjson', 'checkpoint', 'log.vkey', 'tile', 'segments', 'objects'),
  ),
  attack('all removed, and other records put there', (log) => {
    const [line] = log.all();
    log.remove('checkpoints.ndjson', 'checkpoint', 'log.vkey', 'tile', 'segments', 'objects');
    log.put('segments/00000000000000000000.ndjson', `${change(line!)}\n`);
  }),
];

/** Attacks the copy of the log; gives what the verifier and a start make of it. */
async function tried({ act }: Attack, hasCopy: boolean) {
  const data = join(root, 'data');
  copyTo(world, data);
  if (!hasCopy) withoutCopy(data);
  const log = hands(join(data, 'log'));
  const genuine = { lines: log.all(), vkey: log.text('log.vkey').trim(), newest: log.text('checkpoint') };
  act(log);
  const [alone, kept] = [
    await verify(join(data, 'log'), { vkey: genuine.vkey }),
    await verify(join(data, 'log'), { vkey: genuine.vkey, oldCheckpoint: genuine.newest }),
  ];
  const before = contentOf(join(data, 'log'));
  const error = await openIn(data).then(
    async (opened) => {
      await fill(opened, 0, 1);
      await opened.close();
      return undefined;
    },
    (reason: Error) => reason,
  );
  return { data, genuine, alone, kept, before, error };
}

test('F22: there are at least 27 ideas, each once', () => {
  expect(ATTACKS.length).toBeGreaterThanOrEqual(27);
  expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length);
});

describe.each([
  ['whose newest checkpoint is kept among the keys', true],
  ['of an earlier version, at its first start', false],
] as const)('F22: a log %s, and whoever can write its folder', (_name, hasCopy) => {
  test.each(ATTACKS.map((one) => [one.name, one] as const))('%s', async (_title, one) => {
    const { data, genuine, alone, kept, before, error } = await tried(one, hasCopy);
    const found =
      alone.wrong.length > 0
        ? 'found'
        : kept.wrong.length > 0 && one.verifier === 'by a kept checkpoint'
          ? 'by a kept checkpoint'
          : alone.notes.length > 0
            ? 'noted'
            : 'nothing';
    expect([found, alone.wrong]).toEqual([one.verifier, alone.wrong]);

    const expected = one.start[hasCopy ? 0 : 1];
    expect([error?.message, error === undefined ? 'starts' : 'refused']).toEqual([
      error?.message,
      expected === 'refused' ? 'refused' : 'starts',
    ]);
    if (error !== undefined) {
      // By place, with a way out; and what is there stays as it is.
      expect(error.message).toMatch(new RegExp(`${data}|keys/log\\.key`));
      expect(error.message).toMatch(/Restore|restore/);
      expect(contentOf(join(data, 'log'))).toEqual(before);
      return;
    }
    const after = await verify(join(data, 'log'), {
      vkey: genuine.vkey,
      oldCheckpoint: expected === 'mended' && hasCopy ? genuine.newest : undefined!,
    });
    if (expected === 'left') return expect(after.wrong).not.toEqual([]);
    expect(after.wrong).toEqual([]);
    const lines = hands(join(data, 'log')).all();
    const signed = Math.min(genuine.lines.length, alone.signed);
    expect(lines.slice(0, signed)).toEqual(genuine.lines.slice(0, signed));
    if (hasCopy) expect(signed).toBe(genuine.lines.length);
  });
});

test('F22: what a start has refused is refused again, and a restored log starts', async () => {
  const { data, error } = await tried(ATTACKS[0]!, true);
  expect(error?.message).toMatch(/checkpoints\.ndjson: empty/);
  await expect(openIn(data)).rejects.toThrow(error!.message);
  rmSync(join(data, 'log'), { recursive: true });
  copyTo(join(world, 'log'), join(data, 'log'));
  const log = await openIn(data, { now: () => AT_MS });
  await log.close();
  expect(
    (await verify(join(data, 'log'), { vkey: readFileSync(join(data, 'log', 'log.vkey'), 'utf8').trim() })).wrong,
  ).toEqual([]);
});
