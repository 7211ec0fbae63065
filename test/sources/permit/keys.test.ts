import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openPermitKeys } from '../../../src/sources/permit/keys.ts';

let folder: string;
let file: string;
let nowMs = 0;
const refused: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-keys-'));
  file = path.join(folder, 'permit.keys');
  nowMs = 0;
  refused.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const A = 'permit_key_aaaaaaaaaaaa';
const B = 'permit_key_bbbbbbbbbbbb';
const C = 'permit_key_cccccccccccc';

/** Replaced as an editor or an orchestrator does it: another file under the same name. */
function write(text: string | Buffer, mode = 0o600): void {
  writeFileSync(`${file}.new`, text);
  chmodSync(`${file}.new`, mode);
  renameSync(`${file}.new`, file);
}
const open = () => openPermitKeys(file, () => nowMs, (message) => void refused.push(message));

test('lines environment=key, with comments, empty lines, spaces and the ends of lines of Windows', () => {
  write(`\uFEFF# made by the administrator\r\n\r\n production = ${A} \r\n  # staging=${C}\nstaging=${B}==\n`);
  const keys = open();
  expect(keys.environments()).toEqual(['production', 'staging']);
  expect(keys.key('production')).toBe(A);
  expect(keys.key('staging')).toBe(`${B}==`);
  expect(keys.key('development')).toBeUndefined();
  expect(keys.environmentOf(A)).toBe('production');
  expect(keys.environmentOf(`${B}==`)).toBe('staging');
  for (const other of [C, '', 'production', A.slice(1), `${A} `, A.toUpperCase()]) expect(keys.environmentOf(other)).toBeUndefined();
});

test.each([
  ['a line without =', `production=${A}\n${B}\n`, /permit\.keys:2: must be environment=key/],
  ['a line without a name', `=${A}`, /:1: must be environment=key/],
  ['a name that is too long', `${'e'.repeat(257)}=${A}`, /:1: must be environment=key/],
  ['key and name the wrong way round', `${A}=production`, /:1: must be environment=key/],
  ['no key', 'production=', /:1: what stands after = is no key/],
  ['a key in quotes', `production="${A}"`, /:1: what stands after = is no key.*without quotes/],
  ['a key with a blank', `production=${A} ${B}`, /:1: what stands after = is no key/],
  ['a key that is too long', `production=${'k'.repeat(1025)}`, /:1: what stands after = is no key/],
  ['an environment twice', `production=${A}\n\nproduction=${B}`, /:3: this environment has a key already/],
  ['a key twice', `production=${A}\nstaging=${A}`, /:2: another environment has this key/],
  ['nothing', '# nothing yet\n', /no line environment=key.*SLUICE_PERMIT_KEYS_FILE/],
  ['more than 64 KiB', `production=${A}\n${'#'.repeat(65_536)}`, /more than 65536 bytes/],
])('refused, with its place and what to do, and without the key: %s', (_, text, message) => {
  write(text);
  expect(open).toThrow(message);
  try {
    open();
  } catch (error) {
    for (const key of [A, B]) expect((error as Error).message).not.toContain(key.slice(11));
  }
});

test.each([0o644, 0o604, 0o606, 0o622])('a file of mode %o is refused: others may read or change it', (mode) => {
  write(`production=${A}`, mode);
  expect(open).toThrow(/can be (read|changed|read and changed) by others \(mode 0\d{3}\).*chmod 600/);
});

test('F10: a file that only its owner, or a group of this process, may read or write is read', () => {
  for (const mode of [0o600, 0o400, 0o440, 0o660]) {
    write(`production=${A}`, mode);
    expect(open().key('production')).toBe(A);
  }
});

test('no file, and a folder, are refused with what to do', () => {
  expect(open).toThrow(/can't be read \(ENOENT\): make it/);
  mkdirSync(file);
  expect(open).toThrow(/is no file/);
});

test('a key that is changed in its file counts after a second, without a restart; the old one no longer', () => {
  write(`production=${A}\nstaging=${B}`);
  const keys = open();
  write(`production=${C}\nstaging=${B}`);
  nowMs = 999;
  expect([keys.environmentOf(A), keys.environmentOf(C), keys.key('production')]).toEqual(['production', undefined, A]);
  nowMs = 1000;
  expect([keys.environmentOf(A), keys.environmentOf(C), keys.key('production')]).toEqual([undefined, 'production', C]);
  expect(keys.environmentOf(B)).toBe('staging');
});

test('keys may change places', () => {
  write(`production=${A}\nstaging=${B}`);
  const keys = open();
  write(`production=${B}\nstaging=${A}`);
  nowMs = 1000;
  expect([keys.environmentOf(A), keys.environmentOf(B)]).toEqual(['staging', 'production']);
});

test('an environment that comes later opens nothing before a restart; one that goes opens nothing at once', () => {
  write(`production=${A}\nstaging=${B}`);
  const keys = open();
  write(`production=${A}\ndevelopment=${C}`);
  nowMs = 1000;
  expect(keys.environments()).toEqual(['production', 'staging']);
  expect([keys.environmentOf(A), keys.environmentOf(B), keys.environmentOf(C)]).toEqual(['production', undefined, undefined]);
});

test.each([
  ['cut off', () => write('production=')],
  ['with an environment twice', () => write(`production=${C}\nproduction=${A}`)],
  ['empty', () => write('')],
  ['readable by others', () => write(`production=${C}`, 0o644)],
  ['gone', () => rmSync(file)],
])('a changed file that is %s keeps the old keys, and says so once', (_, change) => {
  write(`production=${A}`);
  const keys = open();
  change();
  for (nowMs = 1000; nowMs < 5000; nowMs += 500) expect([keys.environmentOf(A), keys.environmentOf(C)]).toEqual(['production', undefined]);
  expect(refused).toHaveLength(1);
  expect(refused[0]).toContain('permit.keys');
  expect(refused[0]).not.toContain('cccc');
  write(`production=${C}`);
  nowMs = 10_000;
  expect([keys.environmentOf(A), keys.environmentOf(C)]).toEqual([undefined, 'production']);
  expect(refused).toHaveLength(1);
});

test('a file whose mode alone is loosened is refused; keys are not lost', () => {
  write(`production=${A}`);
  const keys = open();
  chmodSync(file, 0o644);
  nowMs = 1000;
  expect(keys.key('production')).toBe(A);
  expect(refused).toEqual([expect.stringContaining('chmod 600')]);
});

test('a file that is changed in its place is seen, whatever its size', () => {
  write(`production=${A}`);
  const keys = open();
  writeFileSync(file, `production=${B}`);
  nowMs = 1000;
  expect(keys.key('production')).toBe(B);
});
