import { appendFileSync, chmodSync, cpSync, existsSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLog } from '../../../src/log/log.ts';
import { AT_MS, diskError, recordsOf, watchedFiles, type Call } from '../support.ts';
import { fill, inDataDir, startVerifier } from './support.ts';

const verify = startVerifier();
const { data, dir, keysDir, file, read, vkey, open } = inDataDir();

/** 600 records in segments of some 150; checkpoints at 0, 400 and 600. */
async function written(): Promise<void> {
  const log = await open({ maxSegmentBytes: 18_000 });
  await fill(log, 0, 200);
  await fill(log, 200, 400);
  await log.evidence!.sign();
  await fill(log, 400, 600);
  await log.close();
}

const segments = () => readdirSync(file('segments')).sort();
const last = () => join('segments', segments().at(-1)!);
const edit = (name: string, change: (text: string) => string) => writeFileSync(file(name), change(read(name)));
const flipIn = (name: string, at: number) => {
  const bytes = readFileSync(file(name));
  bytes[at]! ^= 1;
  writeFileSync(file(name), bytes);
};
const WAY_OUT = /Restore the log from a copy that has the newest checkpoint, since an older one would sign another history; or, if there is none, begin a new origin with "sluice log new-origin --because …"/;

describe('refuses to start, naming the place, the record and the way out, and signs nothing, when', () => {
  const lastLine = () => read(last()).split('\n').length - 1;
  test.each<readonly [string, () => void, () => RegExp | string]>([
    ['the checkpoint is ahead of the data', () => edit(last(), (text) => `${text.split('\n').slice(0, -3).join('\n')}\n`), () => `${file(last())}:${lastLine()}: the log ends with record 597, but ${file('checkpoints.ndjson')} signs for 600 records: 598 to 599 are missing`],
    ['the last segment is gone', () => rmSync(file(last())), () => /the log ends with record \d+, but .* signs for 600 records/],
    ['the first segment is gone', () => rmSync(file('segments', segments()[0]!)), () => /is the first segment, and no record that is signed for tells that those before it were pruned: records 0 to \d+ are missing/],
    ['a record among the last ones was changed', () => edit(last(), (text) => text.replace('"n":599', '"n":598')), () => `${file(last())}:${lastLine()}: record 599 is not the one that was signed`],
    ['any record of the last segment was changed, though its tile is full', () => edit(last(), (text) => text.replace(/"n":(\d+)\}/, '"n":1$1}')), () => new RegExp(`${last()}:1: record ${Number(last().slice(9, 29))} is not the one that was signed`)],
    ['an older record was changed, and a tile is missing', () => { edit(`segments/${segments()[0]!}`, (text) => text.replace('"n":7}', '"n":8}')); rmSync(file('tile/0/001')); }, () => `${file('segments', segments()[0]!)}:8: record 7 is not the one that was signed`],
    ['an older record was changed, and its tile too', () => { edit(`segments/${segments()[0]!}`, (text) => text.replace('"n":7}', '"n":8}')); rmSync(file('tile/0'), { recursive: true }); }, () => /the 600 records are not those that the last checkpoint signs/],
    ['no checkpoints are there', () => rmSync(file('checkpoints.ndjson')), () => /checkpoints\.ndjson: missing/],
    ['a checkpoint was changed', () => edit('checkpoints.ndjson', (text) => text.replace(/n(\d)00\\n(?=[^{]*$)/, 'n500\\n')), () => /is not signed by keys\/log\.key, or has been changed/],
    ['the newest checkpoint was changed', () => edit('checkpoint', (text) => text.replace(/^\d/m, (digit) => String((Number(digit) + 1) % 10))), () => new RegExp(`${file('checkpoint')}: the last checkpoint is not signed`)],
    ['the last checkpoint is none', () => appendFileSync(file('checkpoints.ndjson'), '{"note":"x"}\n'), () => /checkpoints\.ndjson: ends with what is no signed checkpoint/],
    ['the key is gone', () => rmSync(join(keysDir(), 'log.key')), () => /keys\/log\.key: missing/],
    ['the key is another one', () => { rmSync(join(keysDir(), 'log.key')); rmSync(join(keysDir(), 'log.previous.vkey'), { force: true }); cpSync(join(data(), 'other.key'), join(keysDir(), 'log.key')); }, () => /is not signed by keys\/log\.key/],
    ['the public key is gone', () => rmSync(file('log.vkey')), () => /log\.vkey: missing/],
    ['all but the segments and the key is gone', () => ['checkpoint', 'checkpoints.ndjson', 'log.vkey'].forEach((name) => rmSync(file(name))), () => /checkpoints\.ndjson: missing, though there is a key of this log/],
  ])('%s', async (_name, damage, message) => {
    await written();
    const stranger = await openLog({ dir: join(data(), 'stranger/log'), keysDir: join(data(), 'stranger/keys'), now: () => AT_MS });
    await stranger.close();
    cpSync(join(data(), 'stranger/keys/log.key'), join(data(), 'other.key'));
    damage();
    const before = existsSync(file('checkpoints.ndjson')) ? read('checkpoints.ndjson') : undefined;
    const opened = open();
    await expect(opened).rejects.toThrow(message());
    await expect(opened).rejects.toThrow(WAY_OUT);
    expect(existsSync(file('checkpoints.ndjson')) ? read('checkpoints.ndjson') : undefined).toBe(before);
  });

  test('its key can be read by others', async () => {
    await written();
    chmodSync(join(keysDir(), 'log.key'), 0o604);
    await expect(open()).rejects.toThrow(/log\.key: can be read by others/);
  });
});

test.each<readonly [string, () => void, number, readonly string[]]>([
  ['a tile is missing', () => rmSync(file('tile/0/001')), 1, []],
  ['a tile was changed', () => flipIn('tile/0/001', 5), 1, ['tile/0/001']],
  ['a tile is empty', () => truncateSync(file('tile/0/000'), 0), 1, ['tile/0/000']],
  ['a tile that is not full was changed', () => flipIn('tile/0/002.p/88', 5), 1, ['tile/0/002.p/88']],
  ['one of an earlier checkpoint was', () => flipIn('tile/1/000.p/1', 5), 1, ['tile/1/000.p/1']],
  ['all tiles are gone', () => rmSync(file('tile'), { recursive: true }), 2, []],
])('F22: %s: made again from the records, which are the signed ones; what it held is kept, and recorded', async (_name, damage, repaired, asides) => {
  await written();
  damage();
  const held = asides.map((name) => readFileSync(file(name)));
  const log = await open();
  expect(log.evidence!.opening).toMatchObject({ repairedTiles: repaired, asides });
  expect(log.evidence!.status()).toEqual({ size: 600 + asides.length, signed: 600 + asides.length });
  expect(recordsOf(dir()).filter(({ kind }) => kind === 'recovered')).toMatchObject(asides.map((name) => ({ what: 'tiles_set_aside', tiles: [name], more: 0 })));
  expect((asides.length === 0 ? [] : readdirSync(file('aside'))).map((name) => readFileSync(file('aside', name)))).toEqual(held);
  await fill(log, 600, 601);
  await log.close();
  const told = asides.map((name) => expect.stringContaining(`: ${name} held something else than the log's records, and was made again; what it held is kept in aside/`) as string);
  expect(await verify(dir(), { vkey: vkey() })).toMatchObject({ wrong: [], notes: told, signed: 601 + asides.length });
});

test.each<readonly [string, () => void]>([
  ['the newest checkpoint is not there (a crash before its folder was synced)', () => rmSync(file('checkpoint'))],
  ['the newest checkpoint is the one before', () => writeFileSync(file('checkpoint'), (JSON.parse(read('checkpoints.ndjson').split('\n')[1]!) as { note: string }).note)],
  ['the last kept checkpoint is torn', () => appendFileSync(file('checkpoints.ndjson'), '{"note":"slu')],
  ['temporary files were left', () => ['checkpoint.tmp', 'tile/unfinished'].forEach((name) => writeFileSync(file(name), 'x'))],
])('starts when %s, and is whole after', async (_name, crash) => {
  await written();
  crash();
  const log = await open();
  await fill(log, 600, 601);
  await log.close();
  expect(await verify(dir(), { vkey: vkey() })).toMatchObject({ wrong: [], notes: [], signed: 601 });
});

test('a crash at any step of the first start, of a checkpoint or of a tile is recovered from, and never signs two histories', async () => {
  const crashed = join(data(), 'crashed');
  let steps = Infinity;
  for (let step = 0; step < steps; step += 1) {
    const own = join(data(), `run-${step}`);
    let seen = 0;
    let isDown = false;
    const { files, calls } = watchedFiles(() => {
      if (seen === step) {
        rmSync(crashed, { recursive: true, force: true });
        cpSync(own, crashed, { recursive: true });
        isDown = true;
      }
      seen += 1;
    });
    const options = { dir: join(own, 'log'), keysDir: join(own, 'keys'), now: () => AT_MS, signEveryMs: 3_600_000 };
    const log = await openLog({ ...options, files });
    await fill(log, 0, 250);
    await log.evidence!.sign();
    await fill(log, 250, 260);
    await log.close();
    if (!isDown) break;
    steps = calls.length;
    const again = await openLog({ ...options, dir: join(crashed, 'log'), keysDir: join(crashed, 'keys') });
    await fill(again, again.size(), again.size() + 1);
    await again.close();
    // What was signed before the crash still holds, also in the eyes of who kept what was signed after it elsewhere.
    const vkeyThere = readFileSync(join(crashed, 'log/log.vkey'), 'utf8').trim();
    expect([step, await verify(join(crashed, 'log'), { vkey: vkeyThere })]).toMatchObject([step, { wrong: [], notes: [] }]);
    rmSync(own, { recursive: true });
  }
  expect(steps).toBeGreaterThan(40);
});

describe('the disk', () => {
  const broken = async (op: Call['op'], name: RegExp, code: string) => {
    const state = { isBroken: false };
    const { files } = watchedFiles((call) => {
      if (state.isBroken && call.op === op && name.test(call.name)) throw diskError(code);
    });
    const problems: string[] = [];
    const log = await open({ files, onSigningProblem: (reason) => problems.push(reason) });
    await fill(log, 0, 10);
    state.isBroken = true;
    return { log, state, problems };
  };

  test.each([['checkpoints.ndjson', 'write'], ['checkpoint.tmp', 'write'], ['unfinished', 'open']] as const)('no space for %s: records go on, it is told once, and the checkpoint follows when there is space', async (name, op) => {
    const { log, state, problems } = await broken(op, new RegExp(`^${name}$`), 'ENOSPC');
    await expect(log.evidence!.sign()).rejects.toThrow('ENOSPC');
    await fill(log, 10, 300);
    await expect(log.evidence!.sign()).rejects.toThrow('ENOSPC');
    expect([log.failure(), log.evidence!.status(), problems.length]).toEqual([undefined, { size: 300, signed: 0, problem: expect.stringMatching(/^the log's checkpoints can't be written \(ENOSPC\)/) }, 1]);
    state.isBroken = false;
    await log.evidence!.sign();
    expect(log.evidence!.status()).toEqual({ size: 300, signed: 300 });
    await log.close();
    expect(await verify(dir(), { vkey: vkey() })).toMatchObject({ wrong: [], notes: [] });
  });

  test.each([['checkpoints.ndjson', 'datasync'], ['checkpoint.tmp', 'sync'], ['unfinished', 'sync']] as const)('EIO from the sync of %s is final: it is not synced again, nothing more is answered, a restart signs', async (name, op) => {
    const { log, state } = await broken(op, new RegExp(`^${name}$`), 'EIO');
    await fill(log, 10, 300);
    await expect(log.evidence!.sign()).rejects.toThrow('sync failed');
    state.isBroken = false;
    await expect(log.evidence!.sign()).rejects.toThrow(/checkpoints can't be written \(EIO\): see to the disk, then restart/);
    expect(() => log.append({ kind: 'decision', members: '' })).toThrow(expect.objectContaining({ code: 'audit_unavailable' }));
    expect(log.failure()).toMatch(/EIO/);
    await log.close();
    const again = await open();
    expect(again.evidence!.status()).toEqual({ size: 301, signed: 301 }); // with the gap record, which closing still wrote
    await again.close();
    expect(await verify(dir(), { vkey: vkey() })).toMatchObject({ wrong: [], notes: [] });
  });

  test('records that are not on disk are in no tree: a checkpoint never signs what may be lost', async () => {
    const { log } = await broken('datasync', /^0/, 'EIO');
    await expect(fill(log, 10, 20)).rejects.toMatchObject({ code: 'audit_unavailable' });
    await log.evidence!.sign();
    expect(log.evidence!.status()).toEqual({ size: 10, signed: 10 });
    await log.close();
    expect(await verify(dir(), { vkey: vkey() })).toMatchObject({ wrong: [], size: 10 });
  });
});
