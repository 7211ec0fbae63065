import { spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { formatCheckpoint } from '../src/core/tlog/checkpoint.ts';
import { EMPTY_ROOT } from '../src/core/tlog/merkle.ts';
import { signNote, toVerifierKey } from '../src/core/tlog/note.ts';
import { openLog, type OpenedLog } from '../src/log/log.ts';
import { proveRecord } from '../src/log/tree/prove.ts';
import { fill, startVerifier } from './log/tree/support.ts';

const verify = startVerifier();
const ROOT = path.resolve(import.meta.dirname, '..');
const AT_MS = Date.UTC(2026, 10, 22, 12);

let folder = '';
let pristine = '';
let vkey = '';
let older = '';
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'verify-'));
  pristine = path.join(folder, 'data/log');
  let nowMs = AT_MS;
  const log = await openLog({ dir: pristine, keysDir: path.join(folder, 'data/keys'), now: () => nowMs += 1, signEveryMs: 3_600_000, maxSegmentBytes: 30_000 });
  await fill(log, 0, 100);
  await log.evidence!.sign();
  older = readFileSync(path.join(pristine, 'checkpoint'), 'utf8');
  await fill(log, 100, 400);
  await log.append({ kind: 'decision', members: `"x":"${'x'.repeat(70_000)}"` }).durable;
  await log.evidence!.rotateKey();
  await fill(log, 402, 700);
  await log.close();
  vkey = readFileSync(path.join(pristine, 'log.vkey'), 'utf8').trim();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A copy of the log, for the length of `use`. */
async function withCopy<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(path.join(folder, 'copy-'));
  cpSync(pristine, dir, { recursive: true });
  return use(dir).finally(() => rmSync(dir, { recursive: true }));
}

const filesOf = (dir: string) => readdirSync(dir, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name))).sort();
const segments = () => readdirSync(path.join(pristine, 'segments')).sort().map((name) => `segments/${name}`);
const linesOf = (dir: string, name: string) => readFileSync(path.join(dir, name), 'utf8').split('\n').slice(0, -1);

function change(dir: string, name: string, edit: (lines: string[]) => string[]): void {
  writeFileSync(path.join(dir, name), edit(linesOf(dir, name)).map((line) => `${line}\n`).join(''));
}

test('the log as it is agrees with its first key, through the rotation, and with an older checkpoint', async () => {
  const { wrong, notes, ...counts } = await verify(pristine, { vkey, oldCheckpoint: older });
  expect([wrong, notes]).toEqual([[], [expect.stringMatching(/^record 401 put another key in place: from [0-9a-f]{8} to [0-9a-f]{8}$/), 'the log continues the older checkpoint of 100 records']]);
  expect(counts).toEqual({ size: 700, signed: 700, until: '2026-11-22T12:00:00.700Z', checkpoints: expect.any(Number) });
});

test('any flipped bit of any file is found; one in a line is located by its file and line', async () => {
  const all = filesOf(pristine);
  await fc.assert(fc.asyncProperty(fc.nat(all.length - 1), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(7), (which, where, bit) => withCopy(async (dir) => {
    const name = all[which]!;
    const bytes = readFileSync(path.join(dir, name));
    const at = Math.floor(where * bytes.length);
    const line = bytes.subarray(0, at).filter((byte) => byte === 10).length + 1;
    bytes[at]! ^= 1 << bit;
    writeFileSync(path.join(dir, name), bytes);
    const { wrong, notes } = await verify(dir, { vkey });
    // The last newline of a file that only grows may as well not have been written yet.
    if (at === bytes.length - 1 && (name === segments().at(-1) || name === 'checkpoints.ndjson')) {
      expect([...wrong, ...notes].length).toBeGreaterThan(1);
      return;
    }
    expect([name, at, wrong]).toEqual([name, at, expect.arrayContaining([expect.stringContaining(name.split('.p/')[0]!)])]);
    if (name.startsWith('segments/')) expect(wrong.join('\n')).toMatch(new RegExp(`${name}:(${line}|${line - 1}|${line + 1})\\b`));
  })), { numRuns: 250 });
}, 120_000);

test('any line removed, doubled, swapped or moved to another segment is found at its place', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(segments().length - 1), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.constantFrom('remove', 'double', 'swap', 'move'), (which, where, how) => withCopy(async (dir) => {
    const name = segments()[which]!;
    const count = linesOf(dir, name).length;
    const at = Math.min(count - 2, Math.floor(where * count));
    change(dir, name, (lines) => {
      if (how === 'remove' || how === 'move') return lines.toSpliced(at, 1);
      return how === 'double' ? lines.toSpliced(at, 0, lines[at]!) : lines.toSpliced(at, 2, lines[at + 1]!, lines[at]!);
    });
    if (how === 'move') change(dir, segments()[(which + 1) % segments().length]!, (lines) => [linesOf(pristine, name)[at]!, ...lines]);
    const { wrong } = await verify(dir, { vkey });
    expect(wrong.length).toBeGreaterThan(0);
    const place = how === 'move' && which === segments().length - 1 ? `${segments()[0]!}:1` : `${name}:${how === 'double' ? at + 2 : at + 1}`;
    expect(wrong[0]).toContain(`${place}: must be record`);
  })), { numRuns: 60 });
}, 60_000);

test.each<readonly [string, (dir: string) => void, readonly RegExp[]]>([
  ['a line, changed together with its tile', (dir) => { change(dir, segments()[0]!, (lines) => lines.with(9, lines[9]!.replace('"n":9', '"n":8'))); rmSync(path.join(dir, 'tile/0/000')); }, [/or one up to 255 was changed: its hash is not the one in tile\/1\/000\.p\/\d/, /the checkpoint of 100 records does not agree with them\. the difference lies from segments\/0{20}\.ndjson:1: record 0 to .*: record 99/i]],
  ['a line, changed, without any tile', (dir) => { change(dir, segments()[0]!, (lines) => lines.with(110, lines[110]!.replace('"n":110', '"n":111'))); rmSync(path.join(dir, 'tile'), { recursive: true }); }, [/The first 100 do agree with an earlier one\. The difference lies from .*: record 100 to /]],
  ['a tail beyond a checkpoint, cut off', (dir) => change(dir, segments().at(-1)!, (lines) => lines.slice(0, -3)), [/record 696 is the last one, but checkpoints\.ndjson:\d+ signs for 700 records: records 697 to 699 are missing/]],
  ['the last segment', (dir) => rmSync(path.join(dir, segments().at(-1)!)), [/is the last one, but checkpoints\.ndjson:\d+ signs for 700 records: records \d+ to 699 are missing/]],
  ['a segment in the middle', (dir) => rmSync(path.join(dir, segments()[1]!)), [/begins with record \d+, but the segment before it ends with \d+: records \d+ to \d+ are missing/]],
  ['the first segment', (dir) => rmSync(path.join(dir, segments()[0]!)), [/is the first segment; records 0 to \d+ are missing, and no record that is signed for says that they were pruned/]],
  ['kept checkpoints in another order', (dir) => change(dir, 'checkpoints.ndjson', (lines) => lines.with(1, lines[2]!).with(2, lines[1]!)), [/checkpoints\.ndjson:3: signs for fewer records than a checkpoint before it/]],
  ['the newest checkpoint, put back', (dir) => writeFileSync(path.join(dir, 'checkpoint'), older.replace('sluice', 'slvice')), [/checkpoint: is none of those/]],
  ['the time of a line', (dir) => change(dir, segments()[0]!, (lines) => lines.with(5, lines[5]!.replace('2026-11-22', '2026-11-21'))), [/:6: record 5 is older than the one before it/, /:6: record 5 was changed/]],
  ['a line of another log', (dir) => change(dir, segments()[0]!, (lines) => lines.with(5, lines[5]!.replace(/sluice\/\w+/, 'sluice/0000000000000000'))), [/:6: record 5 does not begin as one of sluice/]],
])('%s: found', async (_name, tamper, messages) => withCopy(async (dir) => {
  tamper(dir);
  const { wrong } = await verify(dir, { vkey });
  expect(wrong).toEqual(messages.length === 1 ? expect.arrayContaining([expect.stringMatching(messages[0]!)]) : messages.map((message) => expect.stringMatching(message)).concat(wrong.slice(messages.length)));
}));

test('a fork is found by whoever kept a checkpoint: the same key signs another history of the same origin', async () => {
  const fork = path.join(folder, 'fork');
  cpSync(path.join(folder, 'data'), fork, { recursive: true });
  for (const name of ['segments', 'tile', 'objects']) rmSync(path.join(fork, 'log', name), { recursive: true });
  for (const name of ['checkpoint', 'checkpoints.ndjson', 'log.vkey']) rmSync(path.join(fork, 'log', name));
  // As an owner would who wants the auditor to see another log: new records, signed by the real key.
  const real = readFileSync(path.join(fork, 'keys/log.key'));
  rmSync(path.join(fork, 'keys'), { recursive: true });
  const begin = await openLog({ dir: path.join(fork, 'log'), keysDir: path.join(fork, 'keys'), now: () => AT_MS });
  await begin.close();
  for (const name of ['checkpoint', 'log.vkey', 'checkpoints.ndjson']) rmSync(path.join(fork, 'log', name));
  writeFileSync(path.join(fork, 'log/checkpoints.ndjson'), '');
  writeFileSync(path.join(fork, 'keys/log.key'), real, { mode: 0o600 });
  // Whoever has the key writes among the keys: also a copy of a checkpoint that there never was.
  const [name, key] = [begin.origin, createPrivateKey(real)];
  writeFileSync(path.join(fork, 'keys/log.checkpoint'), JSON.stringify({ v: 1, vkey: toVerifierKey(name, key).text, note: signNote(formatCheckpoint({ origin: name, size: 0, root: EMPTY_ROOT }), [{ name, key }]) }));
  rmSync(path.join(fork, 'keys/log.first.vkey'));
  const log: OpenedLog = await openLog({ dir: path.join(fork, 'log'), keysDir: path.join(fork, 'keys'), now: () => AT_MS });
  await fill(log, 0, 150);
  await log.close();
  const forkedKey = log.evidence!.vkey();
  const later = readFileSync(path.join(pristine, 'checkpoint'), 'utf8');
  expect((await verify(path.join(fork, 'log'), { vkey: forkedKey })).wrong).toEqual([]);
  expect((await verify(path.join(fork, 'log'), { vkey: forkedKey, oldCheckpoint: older })).wrong).toEqual([expect.stringMatching(/^the log was forked: the older checkpoint signs for another history of its first 100 records/)]);
  expect((await verify(path.join(fork, 'log'), { vkey: forkedKey, oldCheckpoint: later })).wrong).toEqual([expect.stringMatching(/signs for 700 records, and records 150 to 699 are missing/)]);
});

describe('the key', () => {
  test('without --vkey it is said that this shows no origin', async () => {
    expect(await verify(pristine)).toMatchObject({ wrong: [], notes: expect.arrayContaining([expect.stringMatching(/^no --vkey: .* not whose it is\.$/)]) });
  });
  test('of another log, or the later one of this log, is not its first', async () => {
    const stranger = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    expect((await verify(pristine, { vkey: stranger })).wrong).toEqual([expect.stringMatching(/the key given is of PeterNeumann: that one did not sign for the new beginning/)]);
    const rotated = (JSON.parse(linesOf(pristine, segments().find((name) => linesOf(pristine, name).some((line) => line.includes('key_rotated')))!).find((line) => line.includes('key_rotated'))!) as { to: string }).to;
    expect((await verify(pristine, { vkey: rotated })).wrong).toEqual(expect.arrayContaining([expect.stringMatching(/^log\.vkey: is not the key that was given\. Give the first key/)]));
  });
});

describe('as a program', () => {
  const run = (...args: readonly string[]) => {
    const { status, stdout } = spawnSync(process.execPath, [path.join(ROOT, 'verify.mjs'), ...args], { encoding: 'utf8', cwd: folder, env: {} });
    return { status, stdout };
  };

  test('it ends with 0, 1 or 2, and says why', () => withCopy(async (dir) => {
    expect(run(dir, '--vkey', vkey)).toEqual({ status: 0, stdout: expect.stringMatching(/\nOK: 700 records, 700 of them signed for, \d+ checkpoints, up to \S+Z\n$/) });
    change(dir, segments()[1]!, (lines) => lines.toSpliced(3, 1));
    expect(run(dir, '--vkey', vkey)).toEqual({ status: 1, stdout: expect.stringMatching(/^WRONG {2}segments\/\d{20}\.ndjson:4: must be record .*\nThe log is not as it was signed\.\n$/) });
    for (const args of [[], ['--vkey'], [dir, '--vkey', 'nonsense'], [dir, dir], [dir, '--what', 'x'], [dir, '--old-checkpoint', path.join(folder, 'none')]]) expect([args, run(...args)]).toEqual([args, { status: 2, stdout: expect.stringContaining('usage: node verify.mjs DIR') }]);
    expect(run(path.join(folder, 'nothing'), '--vkey', vkey).status).toBe(2);
  }));

  test('a proof is checked alone: by the record\'s line and the key that signed it', async () => {
    const current = (JSON.parse(linesOf(pristine, segments().find((name) => linesOf(pristine, name).some((line) => line.includes('key_rotated')))!).find((line) => line.includes('key_rotated'))!) as { to: string }).to;
    const [proof, record] = [path.join(folder, '500.tlog-proof'), path.join(folder, '500.json')];
    writeFileSync(proof, await proveRecord(pristine, 500));
    const line = segments().flatMap((name) => linesOf(pristine, name))[500]!;
    writeFileSync(record, `${line}\n`);
    const check = (key = current) => run('--proof', proof, '--vkey', key, '--record', record);
    expect(check()).toEqual({ status: 0, stdout: 'OK: the record is in the log\n' });
    expect(check(vkey)).toEqual({ status: 1, stdout: expect.stringMatching(/is not signed by the key [0-9a-f]{8} of \S+, but by [0-9a-f]{8}\. Which key/) });
    expect(run('--help')).toEqual({ status: 0, stdout: expect.stringContaining('usage: node verify.mjs') });
    expect(run(path.join(folder, 'data')).stdout).toContain(`did you mean ${path.join(folder, 'data', 'log')}?`);
    writeFileSync(record, line.replace('"n":500', '"n":501'));
    expect(check()).toEqual({ status: 1, stdout: expect.stringContaining('the record is not the one of index 500') });
    writeFileSync(record, line);
    const text = readFileSync(proof, 'utf8');
    for (const changed of [text.replace('index 500', 'index 501'), text.replace(/\n([A-Za-z0-9])/, (_, c: string) => `\n${c === 'A' ? 'B' : 'A'}`), text.replace(/\n700\n/, '\n699\n'), 'x']) {
      writeFileSync(proof, changed);
      expect(check().status).toBe(1);
    }
  });
});

test('an auditor can read it: one file, plain Node, short enough', () => {
  const text = readFileSync(path.join(ROOT, 'verify.mjs'), 'utf8');
  expect([...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from)).toEqual(expect.arrayContaining(['node:crypto', 'node:fs']));
  expect([...text.matchAll(/from '([^']+)'|import\('?([^')]+)/g)].every(([, from]) => from?.startsWith('node:') === true)).toBe(true);
  expect(text.split('\n').length).toBeLessThanOrEqual(450);
});
