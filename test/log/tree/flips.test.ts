import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { openLog } from '../../../src/log/log.ts';
import { beginNewOrigin } from '../../../src/log/tree/new-origin.ts';
import { AT_MS } from '../support.ts';
import { fill, startVerifier } from './support.ts';

const verify = startVerifier();
const DAY_MS = 86_400_000;
let folder = '';
let vkey = '';
const pristine = () => join(folder, 'log');

/** A log that all has happened to: begun anew after another, two keys, two prunings, a side object, an unsigned tail. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flips-'));
  let nowMs = AT_MS;
  const open = () => openLog({ dir: pristine(), keysDir: join(folder, 'keys'), now: () => nowMs, signEveryMs: 3_600_000, maxSegmentBytes: 16_000 });
  const first = await open();
  await fill(first, 0, 10);
  await first.close();
  vkey = readFileSync(join(pristine(), 'log.vkey'), 'utf8').trim();
  await beginNewOrigin({ dir: pristine(), keysDir: join(folder, 'keys'), because: 'so', now: () => nowMs });
  const log = await open();
  for (let day = 0; day < 4; day += 1) {
    for (let part = 0; part < 3; part += 1) await fill(log, day * 300 + part * 100, day * 300 + part * 100 + 100);
    if (day === 0) await log.evidence!.rotateKey();
    if (day > 1) await log.evidence!.prune({ beforeMs: AT_MS + (day - 1) * DAY_MS });
    nowMs += DAY_MS;
  }
  await log.append({ kind: 'decision', members: `"x":"${'x'.repeat(70_000)}"` }).durable;
  await fill(log, 0, 1); // begins the last segment
  await log.evidence!.sign();
  await fill(log, 0, 3);
  cpSync(pristine(), join(folder, 'copy'), { recursive: true });
  await log.close();
  rmSync(pristine(), { recursive: true });
  cpSync(join(folder, 'copy'), pristine(), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

// What lies in old/ is another log, to be verified as one.
const files = () => readdirSync(pristine(), { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((entry) => entry.isFile())
  .map((entry) => relative(pristine(), join(entry.parentPath, entry.name))).filter((name) => !name.startsWith('old/')).sort();

test('as it is it agrees with the first key of the log before it', async () => {
  const { wrong, notes, size, signed } = await verify(pristine(), { vkey });
  expect([wrong, size - signed]).toEqual([[], 3]);
  for (const part of ['put another key in place', 'were pruned', 'began anew', 'follow the last checkpoint']) expect(notes.join('\n')).toContain(part);
  expect(files()).toEqual(expect.arrayContaining(['acts.ndjson', 'checkpoint', 'checkpoints.ndjson', 'log.vkey', 'origin', 'pruned']));
});

test('every file may be gone: none is missed but the origin and tiles, which the rest tells', async () => {
  for (const name of files()) {
    const copy = mkdtempSync(join(folder, 'gone-'));
    cpSync(pristine(), copy, { recursive: true });
    rmSync(join(copy, name));
    const { wrong, notes } = await verify(copy, { vkey });
    const isTold = wrong.length > 0 || notes.join('\n').includes('without them a changed line');
    expect([name, isTold]).toEqual([name, !/^origin$|^pruned$|\.p\/\d+$|^tile\/[1-9]/.test(name) || isTold]);
    rmSync(copy, { recursive: true });
  }
}, 60_000);

test('a flipped bit of any file is found; in lines that nobody has signed for yet it may be another line', async () => {
  const all = files();
  await fc.assert(fc.asyncProperty(fc.nat(all.length - 1), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(7), async (which, where, bit) => {
    const name = all[which]!;
    const copy = mkdtempSync(join(folder, 'flip-'));
    try {
      cpSync(pristine(), copy, { recursive: true });
      const bytes = readFileSync(join(copy, name));
      const at = Math.floor(where * bytes.length);
      bytes[at]! ^= 1 << bit;
      writeFileSync(join(copy, name), bytes);
      const { wrong } = await verify(copy, { vkey });
      const isUnsigned = name.startsWith('segments/') && name === all.findLast((one) => one.startsWith('segments/')) && bytes.subarray(at).filter((byte) => byte === 10).length <= 3;
      const isLastNewline = name === 'checkpoints.ndjson' && at === bytes.length - 1;
      expect([name, at, bit, wrong.length > 0 || isUnsigned || isLastNewline]).toEqual([name, at, bit, true]);
      if (wrong.length > 0) expect([name, wrong.some((one) => one.includes(name.split('.p/')[0]!))]).toEqual([name, true]);
    } finally {
      rmSync(copy, { recursive: true });
    }
  }), { numRuns: 200 });
}, 120_000);
