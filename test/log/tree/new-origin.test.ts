import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCheckpoint } from '../../../src/core/tlog/checkpoint.ts';
import { beginNewOrigin } from '../../../src/log/tree/new-origin.ts';
import { AT_MS, recordsOf } from '../support.ts';
import { fill, inDataDir, startVerifier } from './support.ts';

const verify = startVerifier();
const { data, dir, keysDir, file, read, vkey, open } = inDataDir();

describe('a new origin', () => {
  const begin = (because = 'the disk was lost') => beginNewOrigin({ dir: dir(), keysDir: keysDir(), because, now: () => AT_MS + 1 });
  const written = async () => {
    const log = await open({ maxSegmentBytes: 18_000 });
    await fill(log, 0, 300);
    await fill(log, 300, 400);
    await log.close();
    return { origin: log.origin, vkey: vkey(), checkpoint: read('checkpoint') };
  };
  const names = () => readdirSync(file('segments')).sort();

  test('names the old one, its last checkpoint and what is missing; the old key signs for it, and the old files stay', async () => {
    const old = await written();
    const before = join(data(), 'before');
    const last = file('segments', names().at(-1)!);
    writeFileSync(last, `${readFileSync(last, 'utf8').split('\n').slice(0, -3).join('\n')}\n`);
    const first = file('segments', names()[0]!);
    writeFileSync(first, readFileSync(first, 'utf8').replace('"n":7}', '"n":8}'));
    cpSync(dir(), before, { recursive: true });
    await expect(open()).rejects.toThrow('begin a new origin');

    const begun = await begin();
    expect(begun.origin).not.toBe(old.origin);
    const record = recordsOf(dir())[0]!;
    expect(record).toMatchObject({
      index: 0, origin: begun.origin, kind: 'new_origin', because: 'the disk was lost', lost: [[7, 8], [398, 400]], more: 0,
      old: { origin: old.origin, vkey: old.vkey, size: 400, checkpoint: old.checkpoint },
    });
    const aside = file('old', (record['old'] as { folder: string }).folder);
    for (const name of ['segments', 'tile/0', 'checkpoints.ndjson', 'checkpoint', 'log.vkey', 'origin']) {
      const [was, is] = [join(before, name), join(aside, name)];
      expect(statSync(was).isDirectory() ? readdirSync(is) : readFileSync(is, 'utf8')).toEqual(statSync(was).isDirectory() ? readdirSync(was) : readFileSync(was, 'utf8'));
    }
    // The new log is whole by its own key, and by the old one, which vouches for its beginning; the old one is not.
    expect(await verify(dir(), { vkey: begun.vkey })).toMatchObject({ wrong: [], notes: [expect.stringMatching(/^this log began anew after .*, whose key signed for it: the disk was lost\. Its last checkpoint signed for 400 records; missing or changed, as was found then: record 7, records 398 to 399$/)] });
    expect((await verify(dir(), { vkey: old.vkey })).wrong).toEqual([]);
    expect((await verify(aside, { vkey: old.vkey })).wrong.length).toBeGreaterThan(0);
    const log = await open();
    await fill(log, 0, 3);
    await log.close();
    expect(await verify(dir(), { vkey: old.vkey })).toMatchObject({ wrong: [], size: 4 });
  });

  test('after a rotation: whoever has the first key is told which one signed, and where that is shown to follow from his', async () => {
    const { vkey: first } = await written();
    const log = await open();
    const later = await log.evidence!.rotateKey();
    await log.close();
    await begin();
    const { wrong } = await verify(dir(), { vkey: first });
    expect(wrong).toEqual([expect.stringContaining(`that one did not sign for the new beginning, but ${later.split('+')[1]} of that name. It counts only if checking that log (old/`)]);
    expect(wrong[0]!.endsWith(`: then give ${later}`)).toBe(true);
    expect((await verify(dir(), { vkey: later })).wrong).toEqual([]);
  });

  const changed = (name: string, from: RegExp, to: string) => writeFileSync(file(name), read(name).replace(from, to));
  test.each<readonly [string, () => void]>([
    ['the last kept checkpoint is cut off', () => writeFileSync(file('checkpoints.ndjson'), read('checkpoints.ndjson').slice(0, -20))],
    ['the last kept checkpoint is no line of its kind', () => writeFileSync(file('checkpoints.ndjson'), `${read('checkpoints.ndjson')}x\n`)],
    ['the last kept checkpoint names another root', () => changed('checkpoints.ndjson', /\\n400\\n\w/, '\\n400\\n/')],
    ['the kept checkpoints are a folder', () => { rmSync(file('checkpoints.ndjson')); mkdirSync(file('checkpoints.ndjson')); }],
    ['the kept checkpoints are gone', () => rmSync(file('checkpoints.ndjson'))],
    ['the newest checkpoint is none', () => writeFileSync(file('checkpoint'), 'x')],
    ['the newest checkpoint says that it signs for more than memory holds', () => changed('checkpoint', /\n400\n/, '\n4000000000000000\n')],
    ['some records stand there twice', () => writeFileSync(file('segments', `${'1'.padStart(20, '0')}.ndjson`), `${read('segments', names()[0]!).split('\n').slice(1, 6).join('\n')}\n`)],
    ['the newest checkpoint is a folder', () => { rmSync(file('checkpoint')); mkdirSync(file('checkpoint')); }],
  ])('names what the key has signed last, though %s', async (_name, damage) => {
    const old = await written();
    const second = Number.parseInt(names()[1]!, 10);
    const third = Number.parseInt(names()[2]!, 10);
    rmSync(file('segments', names()[1]!));
    damage();
    const { plan } = await begin();
    expect([plan.old.size, plan.old.origin, plan.lost]).toEqual([400, old.origin, [[second, third]]]);
    expect(parseCheckpoint(plan.old.checkpoint!)).toMatchObject({ size: 400, root: parseCheckpoint(old.checkpoint)!.root });
  });

  test('without a key it names the last checkpoint there is, however much that says to sign for; what can\'t be read is missing', async () => {
    await written();
    rmSync(join(keysDir(), 'log.key'));
    changed('checkpoint', /\n400\n/, '\n4000000000000000\n');
    const [first, second] = names();
    rmSync(file('segments', first!));
    mkdirSync(file('segments', first!));
    expect((await begin()).plan).toMatchObject({ old: { size: 4e15 }, lost: [[0, Number.parseInt(second!, 10)], [400, 4e15]] });
  });

  test('without the old key nobody vouches for it, and that is said', async () => {
    const old = await written();
    rmSync(join(keysDir(), 'log.key'));
    const begun = await begin();
    expect((await verify(dir(), { vkey: begun.vkey })).wrong).toEqual([]);
    expect((await verify(dir(), { vkey: old.vkey })).wrong).toEqual([expect.stringMatching(/that one did not sign for the new beginning/)]);
  });

  test.each(['before anything is moved', 'half moved', 'before the new log is signed'])('a crash %s is finished by doing it again; till then nothing starts', async (when) => {
    const old = await written();
    const copy = join(data(), 'copy');
    for (const name of ['log', 'keys']) cpSync(join(data(), name), join(copy, name), { recursive: true });
    const begun = await begin('first');
    const { folder } = begun.plan.old;
    const plan = { ...begun.plan, isMoved: false };
    if (when === 'before the new log is signed') {
      writeFileSync(join(keysDir(), 'new-origin.json'), JSON.stringify({ ...plan, isMoved: true }));
    } else {
      for (const name of ['log', 'keys']) {
        rmSync(join(data(), name), { recursive: true });
        cpSync(join(copy, name), join(data(), name), { recursive: true });
      }
      writeFileSync(join(keysDir(), 'new-origin.json'), JSON.stringify(plan));
      if (when === 'half moved') {
        cpSync(file('tile'), file('old', folder, 'tile'), { recursive: true });
        rmSync(file('tile'), { recursive: true });
        renameSync(file('checkpoint'), file('old', folder, 'checkpoint'));
      }
    }
    await expect(open()).rejects.toThrow(/a new origin was begun and not finished/);
    const { vkey: key } = await begin('second');
    expect(recordsOf(dir()).map(({ kind, because }) => [kind, because])).toEqual([['new_origin', 'first']]);
    for (const by of [key, old.vkey]) expect((await verify(dir(), { vkey: by })).wrong).toEqual([]);
    expect(existsSync(file('old', folder, 'segments'))).toBe(true);
  });
});

test('F22: a plan that lies in the log\'s folder is not believed, and stops start and act alike', async () => {
  await (await open()).close();
  writeFileSync(file('new-origin.json'), JSON.stringify({ old: { origin: 'x', vkey: null, size: 0, checkpoint: null, folder: 'x' }, lost: [], more: 0, because: 'so', isMoved: true }));
  const message = /log\/new-origin\.json: an earlier version of Sluice began a new origin and did not finish it.*if nobody asked for a new origin, remove this file/;
  await expect(open()).rejects.toThrow(message);
  await expect(beginNewOrigin({ dir: dir(), keysDir: keysDir(), because: 'so', now: () => AT_MS })).rejects.toThrow(message);
});
