import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createForge } from './forge.ts';
import { startVerifier, type VerifyOptions } from './support.ts';

const verify = startVerifier();
const SEGMENT = `segments/${'0'.repeat(20)}.ndjson`;

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'attack-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const forgeHere = () => createForge(dir);
const file = (name: string) => join(dir, name);
/** 600 records in two segments, signed for at 100, 300 and 600. */
function honest() {
  const forge = forgeHere();
  forge.sign();
  for (const count of [100, 200, 300]) {
    forge.records(count);
    forge.sign();
  }
  forge.write({ starts: [0, 350] });
  return forge;
}
const found = async (options: VerifyOptions = { vkey: createdKey() }) => verify(dir, options);
const createdKey = () => readFileSync(file('log.vkey'), 'utf8').trim();
const edit = (name: string, change: (lines: string[]) => string[]) => writeFileSync(file(name), change(readFileSync(file(name), 'utf8').split('\n').slice(0, -1)).map((line) => `${line}\n`).join(''));
const SECOND = `segments/${String(350).padStart(20, '0')}.ndjson`;

test('an honest log made by hand is one', async () => {
  const forge = honest();
  expect(await found({ vkey: forge.vkeyOf(), oldCheckpoint: forge.notes[1]! })).toEqual({ wrong: [], notes: ['the log continues the older checkpoint of 100 records'], size: 600, signed: 600, until: '2026-11-22T12:00:00.599Z', checkpoints: 4 });
});

describe('whoever has the disk, and no key', () => {
  test.each<readonly [string, (forge: ReturnType<typeof honest>) => void, RegExp]>([
    ['says that a segment was pruned, behind the last checkpoint', (forge) => {
      rmSync(file(SEGMENT));
      appendFileSync(file(SECOND), `{"v":1,"index":600,"time":"2026-12-22T12:00:00.000Z","origin":"${forge.origin}","kind":"pruned","from":0,"to":350}\n`);
    }, /^segments\/0+350\.ndjson: is the first segment; records 0 to 349 are missing, and no record that is signed for says/],
    ['puts all hashes of all tiles out', () => { for (const tile of ['tile/0/000', 'tile/0/001']) writeFileSync(file(tile), Buffer.alloc(8192)); }, /^tile\/0\/000: holds another hash of records 0 to 255: the tile was changed/],
    ['changes a record behind two tiles put out', () => {
      for (const tile of ['tile/0/000', 'tile/0/001']) writeFileSync(file(tile), Buffer.alloc(8192));
      edit(SECOND, (lines) => lines.with(200, lines[200]!.replace('"n":550', '"n":551')));
    }, /^segments\/0+350\.ndjson:201: record 550 was changed/],
    ['cuts a tile short', () => truncateSync(file('tile/0/000'), 100), /^tile\/0\/000: is not 256 hashes long/],
    ['names a tile for a width of no number', () => writeFileSync(file('tile/0/002.p/many'), Buffer.alloc(32)), /^tile\/0\/002\.p\/many: is not NaN hashes long/],
    ['puts a folder where a tile was', () => { rmSync(file('tile/0/000')); mkdirSync(file('tile/0/000')); }, /^tile\/0\/000: is no plain file/],
    ['puts a folder where a segment was', () => { rmSync(file(SECOND)); mkdirSync(file(SECOND)); }, /^segments\/0+350\.ndjson: is no plain file/],
    ['puts a link to an endless file where a segment was', () => { rmSync(file(SECOND)); symlinkSync('/dev/zero', file(SECOND)); }, /^segments\/0+350\.ndjson: is no plain file/],
    ['puts a link to an endless file where the checkpoint was', () => { rmSync(file('checkpoint')); symlinkSync('/dev/zero', file('checkpoint')); }, /^checkpoint: is no plain file/],
    ['puts a pipe that nobody writes where a segment was', () => { rmSync(file(SECOND)); execFileSync('mkfifo', [file(SECOND)]); }, /^segments\/0+350\.ndjson: is no plain file/],
    ['puts a pipe where the kept checkpoints were', () => { rmSync(file('checkpoints.ndjson')); execFileSync('mkfifo', [file('checkpoints.ndjson')]); }, /^checkpoints\.ndjson: is no plain file/],
    ['makes a segment endless, without a newline', () => truncateSync(file(SECOND), 3_000_000_000), /^segments\/0+350\.ndjson:251: must be record 600, and is no record/],
    ['makes the kept checkpoints endless', () => truncateSync(file('checkpoints.ndjson'), 3_000_000_000), /^checkpoints\.ndjson:5: is no checkpoint/],
    ['makes the checkpoint endless', () => truncateSync(file('checkpoint'), 3_000_000_000), /^checkpoint: is no plain file, or larger/],
    ['removes the segments', () => rmSync(file('segments'), { recursive: true }), /^segments: there is no record, but checkpoints\.ndjson:4 signs for 600 records/],
    ['puts a file where the folder of segments was', () => { rmSync(file('segments'), { recursive: true }); writeFileSync(file('segments'), ''); }, /segments: is no folder, or a link to one/],
    ['removes the kept checkpoints', () => rmSync(file('checkpoints.ndjson')), /^checkpoints\.ndjson: missing/],
    ['removes the checkpoint', () => rmSync(file('checkpoint')), /^checkpoint: missing/],
    ['removes the public key', () => rmSync(file('log.vkey')), /^log\.vkey: missing/],
    ['changes the public key', () => writeFileSync(file('log.vkey'), 'sluice/x+00000000+AAAA\n'), /^log\.vkey: missing, or not the public key/],
    ['gives the public key a second newline', () => appendFileSync(file('log.vkey'), '\n'), /^log\.vkey: missing, or not the public key/],
    ['changes the origin', () => writeFileSync(file('origin'), 'sluice/0123456789abcdee\n'), /^origin: is not sluice/],
    ['adds a first segment of a name without end', () => writeFileSync(file(`segments/${'9'.repeat(20)}.ndjson`), ''), /^segments\/9{20}\.ndjson: begins with record/],
    ['adds a segment with the name of a number in the middle of another', () => writeFileSync(file(`segments/${String(100).padStart(20, '0')}.ndjson`), ''), /^segments\/0+100\.ndjson: begins with record 100, but the segment before it ends with 349/],
    ['ends lines with CRLF', () => edit(SEGMENT, (lines) => lines.map((line) => `${line}\r`)), /^segments\/0+\.ndjson:1: record 0 is not whole/],
    ['begins with a byte order mark', () => writeFileSync(file(SEGMENT), `\uFEFF${readFileSync(file(SEGMENT), 'utf8')}`), /^segments\/0+\.ndjson:1: must be record 0, and is no record/],
    ['adds an empty line', () => appendFileSync(file(SECOND), '\n'), /^segments\/0+350\.ndjson:251: must be record 600, and is no record/],
    ['adds an empty line to the kept checkpoints', () => appendFileSync(file('checkpoints.ndjson'), '\n'), /^checkpoints\.ndjson:5: is no checkpoint/],
    ['ends kept checkpoints with CRLF', () => edit('checkpoints.ndjson', (lines) => lines.map((line) => `${line}\r`)), /^checkpoints\.ndjson:1: is no checkpoint/],
    ['puts a checkpoint of another log among the kept ones', () => { const other = createForge(dir, 'sluice/ffffffffffffffff'); edit('checkpoints.ndjson', (lines) => lines.toSpliced(2, 0, JSON.stringify({ note: other.sign() }))); }, /^checkpoints\.ndjson:3: a checkpoint of sluice\/f{16}/],
    ['signs one for 10^15 records with a key of its own', (forge) => { const note = createForge(dir).sign({ size: 1e15 }); edit('checkpoints.ndjson', (lines) => lines.toSpliced(1, 0, JSON.stringify({ note }))); expect(note).toContain(forge.origin); }, /^checkpoints\.ndjson:2: the checkpoint of 1000000000000000 records is not signed/],
    ['says a note twice in a line', (forge) => edit('checkpoints.ndjson', (lines) => lines.with(2, `{"note":${JSON.stringify(forge.notes[1])},"note":${JSON.stringify(forge.notes[2])}}`)), /^checkpoints\.ndjson:3: is no checkpoint/],
    ['adds what is no signature below a checkpoint', (forge) => edit('checkpoints.ndjson', (lines) => lines.with(2, JSON.stringify({ note: `${forge.notes[2]}and this\n` }))), /^checkpoints\.ndjson:3: is no checkpoint/],
    ['adds a second, wrong signature of the same key', (forge) => {
      const [, signature = ''] = forge.notes[2]!.split('\n\n');
      const bytes = Buffer.from(signature.split(' ')[2]!, 'base64');
      bytes[20]! ^= 1;
      edit('checkpoints.ndjson', (lines) => lines.with(2, JSON.stringify({ note: `${forge.notes[2]}${signature.split(' ').slice(0, 2).join(' ')} ${bytes.toString('base64')}\n` })));
    }, /^checkpoints\.ndjson:3: the checkpoint of 300 records is not signed by key/],
  ])('%s: found', async (_name, attack, message) => {
    const forge = honest();
    attack(forge);
    const { wrong } = await found({ vkey: forge.vkeyOf() });
    expect(wrong).toEqual(expect.arrayContaining([expect.stringMatching(message)]));
    expect(wrong.join('\n')).not.toMatch(/undefined|\bat check|TypeError/);
    // A pair of wrong places is no help: the first is the right one, or nearly.
    expect(wrong.slice(0, 3).some((text) => message.test(text))).toBe(true);
  });

  test('changes a line and breaks another: both are found', async () => {
    honest();
    edit(SEGMENT, (lines) => lines.with(7, lines[7]!.replace('"n":7', '"n":8')));
    edit(SECOND, (lines) => lines.toSpliced(100, 1));
    expect((await found()).wrong).toEqual([
      expect.stringMatching(/^segments\/0+350\.ndjson:101: must be record 450, and is record 451/),
      expect.stringMatching(/^segments\/0+\.ndjson:8: record 7 was changed/),
      expect.stringMatching(/^checkpoints\.ndjson:2: the checkpoint of 100 records does not agree/),
    ]);
  });

  test('changes a checkpoint and a line: both are found', async () => {
    honest();
    edit(SEGMENT, (lines) => lines.with(7, lines[7]!.replace('"n":7', '"n":8')));
    edit('checkpoints.ndjson', (lines) => lines.with(0, lines[0]!.replace('\\n0\\n', '\\n1\\n')));
    expect((await found()).wrong).toEqual(expect.arrayContaining([
      expect.stringMatching(/^checkpoints\.ndjson:1: the checkpoint of 1 records is not signed/),
      expect.stringMatching(/^segments\/0+\.ndjson:8: record 7 was changed/),
    ]));
  });

  test('puts an older checkpoint in place of the newest: told', async () => {
    const forge = honest();
    writeFileSync(file('checkpoint'), forge.notes[2]!);
    expect(await found()).toMatchObject({ wrong: [], notes: [expect.stringMatching(/^checkpoint: is that of checkpoints\.ndjson:3, not the last: .* or it was put back$/)] });
  });

  test('takes lines off the end of the kept checkpoints: told; out of their middle: told to whoever kept that one', async () => {
    const forge = honest();
    edit('checkpoints.ndjson', (lines) => lines.slice(0, -2));
    expect(await found()).toMatchObject({ wrong: [], signed: 600, notes: [expect.stringMatching(/^checkpoint: is not in checkpoints\.ndjson, .* or has lost its end$/)] });
    forge.write({ starts: [0, 350] });
    edit('checkpoints.ndjson', (lines) => lines.toSpliced(1, 1));
    expect((await found({ vkey: forge.vkeyOf(), oldCheckpoint: forge.notes[1]! })).wrong).toEqual(['checkpoints.ndjson: does not hold the older checkpoint: lines of it were removed']);
    edit('checkpoints.ndjson', (lines) => lines.slice(0, 2));
    writeFileSync(file('checkpoint'), forge.notes[2]!);
    expect((await found({ vkey: forge.vkeyOf(), oldCheckpoint: forge.notes[3]! })).wrong).toEqual([expect.stringMatching(/^checkpoints\.ndjson: does not hold the older checkpoint: lines of it were removed\. If the log was being written while it was copied/)]);
    // One that the key has not signed is no checkpoint of it, though the records are those.
    expect((await found({ vkey: forge.vkeyOf(), oldCheckpoint: forge.sign({ key: forge.keyPair() }) })).wrong).toEqual(['the older checkpoint is signed by none of the keys']);
  });

  test('removes tiles: told, and a change is still found between two checkpoints', async () => {
    honest();
    rmSync(file('tile'), { recursive: true });
    expect(await found()).toMatchObject({ wrong: [], notes: [expect.stringMatching(/^2 full tiles are missing/)] });
    edit(SEGMENT, (lines) => lines.with(150, lines[150]!.replace('"n":150', '"n":151')));
    expect((await found()).wrong).toEqual([expect.stringMatching(/The difference lies from segments\/0+\.ndjson:101: record 100 to segments\/0+\.ndjson:300: record 299$/)]);
  });

  test('leaves other files among the segments, and empty folders: told, and not read', async () => {
    honest();
    mkdirSync(file('segments/folder'));
    expect(await found()).toMatchObject({ wrong: [], notes: ['segments/folder: is no segment, and was not read'] });
    for (const name of ['0.ndjson', `${'0'.repeat(20)}.ndjson.bak`, `${'0'.repeat(19)}x.ndjson`, '\nname']) writeFileSync(file(`segments/${name}`), 'x');
    expect(await found()).toMatchObject({ wrong: [], notes: ['segments/?name and 4 more: is no segment, and was not read'] });
  });
});

describe('whoever has the key', () => {
  test.each<readonly [string, (forge: ReturnType<typeof forgeHere>) => readonly number[] | void, RegExp]>([
    ['signs two histories of one size', (forge) => {
      forge.records(10);
      forge.sign({ root: Buffer.alloc(32) });
      forge.sign();
    }, /^checkpoints\.ndjson:1: the checkpoint of 10 records is one of another history than checkpoints\.ndjson:2, with which the log agrees: the key has signed both$/],
    ['signs fewer records after more', (forge) => {
      const root = forge.root();
      forge.records(10);
      forge.sign();
      forge.sign({ size: 0, root });
    }, /^checkpoints\.ndjson:2: signs for fewer records than a checkpoint before it$/],
    ['hands over from a key that was never the log\'s', (forge) => {
      forge.record('key_rotated', { from: forge.vkeyOf(forge.keyPair()), to: forge.vkeyOf(forge.keyPair()) });
      forge.sign();
    }, /^segments\/0+\.ndjson:1: record 0, key_rotated, does not lead from the last key/],
    ['hands over to a key of another log', (forge) => {
      forge.record('key_rotated', { from: forge.vkeyOf(), to: forge.vkeyOf(forge.keyPair(), 'another') });
      forge.sign();
    }, /^segments\/0+\.ndjson:1: record 0, key_rotated, does not lead/],
    ['hands over to what is no key', (forge) => {
      forge.record('key_rotated', { from: forge.vkeyOf(), to: { a: 1 } });
      forge.sign();
    }, /^segments\/0+\.ndjson:1: record 0, key_rotated, does not lead/],
    ['hands over without the old key\'s signature', (forge) => {
      const next = forge.keyPair();
      forge.records(3);
      forge.sign();
      forge.record('key_rotated', { from: forge.vkeyOf(), to: forge.vkeyOf(next) });
      forge.sign({ key: next });
    }, /^checkpoints\.ndjson:2: the checkpoint of 4 records is not signed by key/],
    ['lets the old key sign after the new one', (forge) => {
      const next = forge.keyPair();
      forge.record('key_rotated', { from: forge.vkeyOf(), to: forge.vkeyOf(next) });
      forge.sign();
      forge.sign({ key: next });
      forge.records(3);
      forge.sign();
    }, /^checkpoints\.ndjson:3: the checkpoint of 4 records is not signed by key/],
    ['says an act in a second "kind"', (forge) => {
      forge.record('pruned', { from: 0, to: 1, kind: 'decision' });
      forge.sign();
    }, /^segments\/0+\.ndjson:1: record 0, pruned, is not what its beginning says$/],
    ['says another index in a second "index"', (forge) => {
      forge.records(2);
      forge.record('pruned', { from: 0, to: 1, index: 7 });
      forge.sign();
    }, /^segments\/0+\.ndjson:3: record 2, pruned, is not what its beginning says$/],
    ['writes an act that is no JSON', (forge) => {
      forge.raw(`{"v":1,"index":0,"time":"2026-11-22T12:00:00.000Z","origin":"${forge.origin}","kind":"pruned",}`);
      forge.sign();
    }, /^segments\/0+\.ndjson:1: record 0, pruned, is not what its beginning says$/],
    ['writes what is not UTF-8', (forge) => {
      forge.raw(Buffer.concat([Buffer.from(`{"v":1,"index":0,"time":"2026-11-22T12:00:00.000Z","origin":"${forge.origin}","kind":"decision","x":"`), Buffer.of(0xff, 0xfe), Buffer.from('"}')]));
      forge.sign();
    }, /^segments\/0+\.ndjson:1: record 0 is not whole$/],
    ['writes a line of 65,536 bytes', (forge) => {
      const start = `{"v":1,"index":0,"time":"2026-11-22T12:00:00.000Z","origin":"${forge.origin}","kind":"decision","x":"`;
      forge.raw(`${start}${'x'.repeat(65_536 - start.length - 2)}"}`);
      forge.sign();
    }, /^segments\/0+\.ndjson:1: record 0 is not whole$/],
    ['names a side object outside the folder', (forge) => {
      forge.record('decision', { object: `sha256:${'../'.repeat(21)}x` });
      forge.sign();
    }, /^objects\/.*: missing or changed; record 0 \(segments\/0+\.ndjson:1\) names it\. If the log was being written/],
    ['prunes what comes after the record that says so', (forge) => {
      forge.records(300);
      forge.record('pruned', { from: 0, to: 512 });
      forge.records(400);
      forge.sign();
      return [512];
    }, /^segments\/0+512\.ndjson: is the first segment; records 0 to 511 are missing/],
    ['prunes its own record', (forge) => {
      forge.records(300);
      forge.record('pruned', { from: 0, to: 301 });
      forge.sign();
    }, /^segments\/0+\.ndjson:301: record 300, pruned, can't be about the range that it names$/],
    ['prunes a range that is none', (forge) => {
      forge.records(300);
      forge.record('pruned', { from: '0', to: 1e300 });
      forge.sign();
    }, /^segments\/0+\.ndjson:301: record 300, pruned, can't be about/],
    ['names a later part than the one that is missing', (forge) => {
      forge.records(600);
      forge.record('pruned', { from: 100, to: 256 });
      forge.sign();
      return [256];
    }, /^segments\/0+256\.ndjson: is the first segment; records 0 to 255 are missing, and no record that is signed for/],
    ['prunes more than the record names', (forge) => {
      forge.records(600);
      forge.record('pruned', { from: 0, to: 200 });
      forge.sign();
      return [256];
    }, /^segments\/0+256\.ndjson: is the first segment; records 200 to 255 are missing/],
    ['begins anew in the middle', (forge) => {
      forge.records(3);
      forge.record('new_origin', { old: { origin: 'x' }, lost: [] });
      forge.sign();
    }, /^segments\/0+\.ndjson:4: record 3, new_origin, is not how a log begins$/],
    ['begins anew after nothing', (forge) => {
      forge.record('new_origin', { old: null, lost: 'none' });
      forge.sign();
    }, /^segments\/0+\.ndjson:1: record 0, new_origin, is not how a log begins$/],
    ['hands over to what can\'t be written as a text', (forge) => {
      forge.record('key_rotated', { from: forge.vkeyOf(), to: { toString: 1, valueOf: 1 } });
      forge.sign();
    }, /^segments\/0+\.ndjson:1: record 0, key_rotated, does not lead/],
    ['prunes at a time that can\'t be written as a text', (forge) => {
      forge.records(300);
      forge.raw(`{"v":1,"index":300,"time":"2026-11-23T12:00:00.000Z","origin":"${forge.origin}","kind":"pruned","from":0,"to":256,"time":{"toString":1}}`);
      forge.sign();
    }, /^segments\/0+\.ndjson:301: record 300, pruned, can't be about/],
    ['begins anew for a reason that can\'t be written as a text', (forge) => {
      forge.record('new_origin', { old: { origin: 'x', vkey: null, size: { toString: 1 }, checkpoint: null, folder: 'x' }, lost: [[{ toString: 1 }, 1]], more: 0, because: { toString: 1 } });
      forge.sign();
    }, /^segments\/0+\.ndjson:1: record 0, new_origin, is not how a log begins$/],
    ['lets the clock run back', (forge) => {
      forge.records(2);
      forge.raw(`{"v":1,"index":2,"time":"2026-11-21T12:00:00.000Z","origin":"${forge.origin}","kind":"decision"}`);
      forge.sign();
    }, /^segments\/0+\.ndjson:3: record 2 is older than the one before it$/],
  ])('%s: found', async (_name, attack, message) => {
    const forge = forgeHere();
    const starts = attack(forge);
    forge.write(starts === undefined ? {} : { starts });
    const { wrong } = await found({ vkey: forge.vkeyOf() });
    expect(wrong[0]).toMatch(message);
    expect(wrong.join('\n')).not.toMatch(/undefined|TypeError/);
  });

  test('names more than was pruned: said which of it is still here', async () => {
    const forge = forgeHere();
    forge.records(600);
    forge.record('pruned', { from: 0, to: 512 });
    forge.sign();
    forge.write({ starts: [256] });
    expect(await found()).toMatchObject({ wrong: [], notes: [expect.stringMatching(/^records 0 to 511 were pruned, .*, though those from 256 on are still here$/)] });
  });

  test('writes reasons that would move the cursor of a terminal: they can\'t', async () => {
    const forge = forgeHere();
    forge.record('new_origin', { old: { origin: 'sluice/old', vkey: null, size: 9, checkpoint: null, folder: 'x' }, lost: [], more: 0, because: 'a\nOK: 1 records\u001b[2K\u202e' });
    forge.sign();
    forge.write();
    const { notes } = await found();
    expect(notes).toEqual([expect.stringContaining('a?OK: 1 records?[2K?')]);
  });

  test('signs a new beginning that hides what the auditor holds a checkpoint of: told', async () => {
    const old = createForge(join(dir, 'old/x'), 'sluice/aaaaaaaaaaaaaaaa');
    old.records(50);
    const early = old.sign();
    old.records(50);
    const late = old.sign();
    old.write();
    const forge = forgeHere();
    forge.record('new_origin', { old: { origin: old.origin, vkey: old.vkeyOf(), size: 50, checkpoint: early, folder: 'x' }, lost: [], more: 0, because: 'so' });
    forge.sign({ others: [{ name: old.origin, key: old.first }] });
    forge.write();
    expect(await found({ vkey: old.vkeyOf() })).toMatchObject({ wrong: [], notes: [expect.stringContaining('whose key signed for it')] });
    expect((await found({ vkey: old.vkeyOf(), oldCheckpoint: late })).wrong).toEqual([expect.stringMatching(/check it against that log, in old\/\. It signs for 100 records; the new log names 50 of its last one$/)]);
    // Any change of the old key's signature is found too, whichever key the auditor has.
    const [, , theirs = ''] = forge.notes[0]!.split('— ');
    const bytes = Buffer.from(theirs.split(' ')[1]!, 'base64');
    for (const at of [0, 30]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      const note = forge.notes[0]!.replace(bytes.toString('base64'), changed.toString('base64'));
      writeFileSync(file('checkpoints.ndjson'), `${JSON.stringify({ note })}\n`);
      writeFileSync(file('checkpoint'), note);
      expect((await found({ vkey: forge.vkeyOf() })).wrong).toEqual(['checkpoints.ndjson:1: the signature by sluice/aaaaaaaaaaaaaaaa is not that of its key']);
    }
  });

  test('signs for nothing but the empty log: that vouches for no beginning', async () => {
    const old = createForge(join(dir, 'old/x'), 'sluice/aaaaaaaaaaaaaaaa');
    const forge = forgeHere();
    forge.sign({ others: [{ name: old.origin, key: old.first }] });
    forge.record('new_origin', { old: { origin: old.origin, vkey: old.vkeyOf(), size: 0, checkpoint: null, folder: 'x' }, lost: [], more: 0, because: 'so' });
    forge.sign();
    forge.write();
    expect((await found({ vkey: old.vkeyOf() })).wrong).toEqual([expect.stringMatching(/that one did not sign for the new beginning$/)]);
  });

  test('begins anew after a log of which it has not got the key, by another of that name: that vouches for nothing', async () => {
    const old = createForge(join(dir, 'old/x'), 'sluice/aaaaaaaaaaaaaaaa');
    const forge = forgeHere();
    const own = forge.keyPair();
    forge.record('new_origin', { old: { origin: old.origin, vkey: forge.vkeyOf(own, old.origin), size: 0, checkpoint: null, folder: 'x' }, lost: [], more: 0, because: 'so' });
    forge.sign({ others: [{ name: old.origin, key: own }] });
    forge.write();
    expect((await found({ vkey: old.vkeyOf() })).wrong).toEqual([expect.stringMatching(/that one did not sign for the new beginning, but \w{8} of that name\. It counts only if /)]);
  });

  test('adds the signatures of witnesses: they are passed over', async () => {
    const forge = forgeHere();
    forge.records(3);
    forge.sign({ others: [{ name: 'witness.example', key: forge.keyPair() }] });
    forge.write();
    expect(await found()).toMatchObject({ wrong: [], notes: [] });
  });
});

describe('used wrongly', () => {
  const run = (...args: readonly string[]) => spawnSync(process.execPath, [resolve(import.meta.dirname, '../../../verify.mjs'), ...args], { encoding: 'utf8' });
  test.each<readonly [string, (vkey: string) => readonly string[]]>([
    ['an older checkpoint of an empty name', (vkey) => [dir, '--vkey', vkey, '--old-checkpoint', '']],
    ['an older checkpoint that is none', (vkey) => [dir, '--vkey', vkey, '--old-checkpoint', file('origin')]],
    ['a key of nothing', () => [dir, '--vkey', '']],
    ['a proof together with a folder', (vkey) => [dir, '--vkey', vkey, '--proof', file('checkpoint'), '--record', file('checkpoint')]],
    ['a folder, and a proof without its record', (vkey) => [dir, '--vkey', vkey, '--proof', file('checkpoint')]],
    ['a proof and an older checkpoint', (vkey) => ['--vkey', vkey, '--proof', file('checkpoint'), '--record', file('checkpoint'), '--old-checkpoint', file('checkpoint')]],
    ['two folders', (vkey) => [dir, dir, '--vkey', vkey]],
    ['a folder that is no log', (vkey) => [file('segments'), '--vkey', vkey]],
    ['a file', (vkey) => [file('checkpoint'), '--vkey', vkey]],
  ])('%s: refused, never passed over', (_name, args) => {
    const forge = honest();
    const { status, stdout, stderr } = run(...args(forge.vkeyOf()));
    expect([status, stdout, stderr]).toEqual([2, expect.stringContaining('usage: node verify.mjs DIR'), '']);
    expect(existsSync(file('checkpoint'))).toBe(true);
  });
  test('what it says of a damaged log is no stack', () => {
    const forge = honest();
    rmSync(file('segments'), { recursive: true });
    writeFileSync(file('segments'), '');
    cpSync(file('checkpoint'), file('checkpoints.ndjson'));
    const { status, stdout, stderr } = run(dir, '--vkey', forge.vkeyOf());
    expect([status, stdout, stderr]).toEqual([1, expect.not.stringMatching(/ {4}at /), '']);
  });
});
