import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseCheckpoint } from '../../../src/core/tlog/checkpoint.ts';
import { beginNewOrigin } from '../../../src/log/tree/new-origin.ts';
import { AT_MS, diskError, recordsOf, watchedFiles } from '../support.ts';
import { fill, inDataDir, startVerifier } from '../tree/support.ts';
import { contentOf, hands, withoutCopy } from './world.ts';

const verify = startVerifier();
const { data, dir, keysDir, file, read, vkey, open } = inDataDir();
const copyPath = () => join(keysDir(), 'log.checkpoint');
const copied = (path = copyPath()) => {
  const { note, vkey: first } = JSON.parse(readFileSync(path, 'utf8')) as { note: string; vkey: string };
  return { first, note, size: parseCheckpoint(note)!.size };
};

test('F22: the copy says before the first record that the log has begun; then it holds the newest checkpoint', async () => {
  const log = await open();
  expect([copied().size, copied().first, log.size()]).toEqual([0, vkey(), 0]);
  await fill(log, 0, 5);
  expect(copied().size).toBe(0);
  await log.evidence!.sign();
  expect([copied().size, copied().note]).toEqual([5, read('checkpoint')]);
  expect([statSync(copyPath()).mode & 0o777, readFileSync(join(keysDir(), 'log.first.vkey'), 'utf8').trim()]).toEqual([
    0o600,
    vkey(),
  ]);
  await log.evidence!.rotateKey();
  expect([copied().note, copied().first]).toEqual([read('checkpoint'), vkey()]);
});

test('F22: the copy follows the checkpoint; without it nothing counts as signed, and only it is tried again', async () => {
  const state = { isFull: false };
  const order: string[] = [];
  const { files } = watchedFiles(({ op, name }) => {
    if (state.isFull && op === 'write' && name === 'log.checkpoint.tmp') throw diskError('ENOSPC');
    if (op === 'rename' || op === 'datasync') order.push(name);
  });
  const log = await open({ files });
  await fill(log, 0, 5);
  state.isFull = true;
  order.length = 0;
  await expect(log.evidence!.sign()).rejects.toThrow('ENOSPC');
  await expect(log.evidence!.sign()).rejects.toThrow('ENOSPC');
  expect([log.evidence!.status().signed, copied().size, parseCheckpoint(read('checkpoint'))!.size]).toEqual([0, 0, 5]);
  const kept = read('checkpoints.ndjson');
  state.isFull = false;
  await log.evidence!.sign();
  expect([log.evidence!.status().signed, copied().size, read('checkpoints.ndjson')]).toEqual([5, 5, kept]);
  expect(order.filter((name) => !name.startsWith('0') && name !== '5')).toEqual([
    'checkpoints.ndjson',
    'checkpoint',
    'log.checkpoint',
  ]);
});

describe('F22: a start', () => {
  async function written(): Promise<void> {
    const log = await open();
    await fill(log, 0, 300);
    await log.close();
  }

  test('takes a newer checkpoint that extends the copy, and brings the copy up to it', async () => {
    await written();
    const older = readFileSync(copyPath());
    const log = await open();
    await fill(log, 300, 600);
    await log.close();
    writeFileSync(copyPath(), older);
    await (await open()).close();
    expect(copied().note).toBe(read('checkpoint'));
  });

  test.each<readonly [string, () => void, RegExp]>([
    [
      'is missing',
      () => rmSync(copyPath()),
      /log\.checkpoint: missing; it is the copy of the log's newest checkpoint.*SLUICE_LOG_CHECKPOINT_FILE/,
    ],
    ['is damaged', () => writeFileSync(copyPath(), '{}'), /log\.checkpoint: damaged; .* Restore it from a copy/],
    [
      'is a folder',
      () => {
        rmSync(copyPath());
        mkdirSync(copyPath());
      },
      /log\.checkpoint: damaged/,
    ],
    [
      'can be written by others',
      () => chmodSync(copyPath(), 0o606),
      /log\.checkpoint: can be changed by others .*Whoever changes the copy .* can have an older log taken .*: chmod 600 it/,
    ],
    [
      'lies where others can write',
      () => chmodSync(keysDir(), 0o703),
      /keys: can be changed by others .*: chmod 700 it/,
    ],
    [
      'was changed',
      () => writeFileSync(copyPath(), readFileSync(copyPath(), 'utf8').replace('\\n300\\n', '\\n299\\n')),
      /log\.checkpoint: the last checkpoint is not signed by keys\/log\.key, or has been changed/,
    ],
    [
      'is of another log',
      () =>
        writeFileSync(
          copyPath(),
          readFileSync(copyPath(), 'utf8').replaceAll(/sluice\/[0-9a-f]{16}/g, 'sluice/0123456789abcdef'),
        ),
      /log\.checkpoint: a checkpoint of another log/,
    ],
    [
      'names another first key',
      () => writeFileSync(copyPath(), readFileSync(copyPath(), 'utf8').replace(/"vkey":"[^"]*"/, '"vkey":"another"')),
      /log\.checkpoint: names another first key of this log than keys\/log\.first\.vkey/,
    ],
  ])('refuses where the copy %s, and changes nothing', async (_name, damage, message) => {
    await written();
    damage();
    const before = contentOf(dir());
    await expect(open()).rejects.toThrow(message);
    expect(contentOf(dir())).toEqual(before);
  });

  test('verifies a log without a copy as a whole, once, and refuses one that is not as it was signed', async () => {
    const log = await open({ maxSegmentBytes: 18_000 });
    await fill(log, 0, 150);
    await fill(log, 150, 600);
    await log.close();
    withoutCopy(data());
    const hand = hands(dir());
    const line = hand.lines(hand.segments()[0]!)[7]!;
    hand.edit(hand.segments()[0]!, (lines) => lines.with(7, line.replace('"n":7', '"n":8')));
    await expect(open()).rejects.toThrow(/:8: record 7 is not the one that was signed/);
    hand.edit(hand.segments()[0]!, (lines) => lines.with(7, line));
    // What the bounded start would not see: a line among the checkpoints that the log does not agree with.
    const kept = hand.text('checkpoints.ndjson');
    hand.edit('checkpoints.ndjson', (lines) => lines.with(1, lines[1]!.replace(/n(\d+)\\n/, 'n1\\n')));
    await expect(open()).rejects.toThrow(
      /only as it was signed, which it is not: checkpoints\.ndjson:2: the checkpoint of 1 records is not signed by key/,
    );
    expect(existsSync(copyPath())).toBe(false);
    hand.put('checkpoints.ndjson', kept);
    await (await open()).close();
    await (await open()).close();
    expect(recordsOf(dir()).filter(({ kind }) => kind === 'recovered')).toMatchObject([
      { index: 600, what: 'checkpoint_copied', size: 600 },
    ]);
    expect(copied().size).toBe(601);
    rmSync(copyPath());
    await expect(open()).rejects.toThrow(/log\.checkpoint: missing/);
    expect((await verify(dir(), { vkey: vkey() })).wrong).toEqual([]);
  });
});

describe('F22: the copy has another place', () => {
  test('as configured, with the same rules', async () => {
    const path = join(data(), 'elsewhere', 'sluice.json');
    await expect(open({ copyPath: path })).rejects.toThrow(
      /elsewhere\/sluice\.json: there is no folder for the copy.*SLUICE_LOG_CHECKPOINT_FILE/,
    );
    mkdirSync(join(data(), 'elsewhere'));
    const log = await open({ copyPath: path });
    await fill(log, 0, 5);
    await log.close();
    expect([copied(path).size, existsSync(copyPath())]).toEqual([5, false]);
    await expect(open()).rejects.toThrow(/keys\/log\.checkpoint: missing/);
    renameSync(path, copyPath()); // the way to move it
    await (await open()).close();
  });

  test("never in the log's own folder, by whatever path", async () => {
    await (await open()).close();
    for (const path of [file('copy'), join(keysDir(), '..', 'log', 'copy')])
      await expect(open({ copyPath: path })).rejects.toThrow(/may not lie in the log's own folder/);
  });
});

describe('F22: a new origin', () => {
  const begin = () => beginNewOrigin({ dir: dir(), keysDir: keysDir(), because: 'so', now: () => AT_MS + 1 });

  test('is the way on from a log that is older than its copy, which is laid aside and says what was signed', async () => {
    const log = await open();
    await fill(log, 0, 300);
    await log.evidence!.sign();
    await fill(log, 300, 310);
    await log.close();
    const newest = copied();
    hands(dir()).rollBack(300);
    await expect(open()).rejects.toThrow(/this is an older state of the log/);
    const { plan } = await begin();
    expect([plan.old.size, plan.old.checkpoint]).toEqual([310, newest.note]);
    expect(copied(join(keysDir(), 'old', `${plan.old.folder}.checkpoint`))).toEqual(newest);
    expect([copied().size, copied().first]).toEqual([1, vkey()]);
    await (await open()).close();
  });

  test('also from one of which only the keys are left', async () => {
    const log = await open();
    await fill(log, 0, 300);
    await log.close();
    rmSync(dir(), { recursive: true });
    await expect(open()).rejects.toThrow(
      /log\/origin: missing, though there is a key of this log, and .*log\.checkpoint signs for 300 records of s/,
    );
    expect(existsSync(file('origin'))).toBe(false);
    const { plan } = await begin();
    expect([plan.old.size, plan.lost]).toEqual([300, [[0, 300]]]);
    await (await open()).close();
    expect(readdirSync(join(keysDir(), 'old')).sort()).toEqual([
      `${plan.old.folder}.checkpoint`,
      `${plan.old.folder}.key`,
    ]);
  });
});
