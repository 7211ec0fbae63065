import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createForge } from './forge.ts';
import { startVerifier } from './support.ts';

const verify = startVerifier();
const SEGMENT = `segments/${'0'.repeat(20)}.ndjson`;

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'located-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const forgeHere = () => createForge(dir);
const file = (name: string) => join(dir, name);
const found = async () => verify(dir, { vkey: readFileSync(file('log.vkey'), 'utf8').trim() });
const edit = (name: string, change: (lines: string[]) => string[]) => writeFileSync(file(name), change(readFileSync(file(name), 'utf8').split('\n').slice(0, -1)).map((line) => `${line}\n`).join(''));

test('whatever the tiles hold, what is said of them is short', async () => {
  const forge = forgeHere();
  forge.records(20_000);
  forge.sign();
  forge.write();
  for (const name of readdirSync(file('tile/0')).filter((one) => !one.endsWith('.p'))) writeFileSync(file(`tile/0/${name}`), Buffer.alloc(8192));
  const { wrong } = await found();
  expect(wrong).toHaveLength(20);
});

test('a flaw of a higher tile does not hide what was changed elsewhere', async () => {
  const forge = forgeHere();
  forge.records(66_000);
  forge.sign();
  forge.write();
  const changed = readFileSync(file('tile/1/000'));
  changed[40]! ^= 1;
  writeFileSync(file('tile/1/000'), changed);
  edit(SEGMENT, (lines) => lines.with(65_800, lines[65_800]!.replace('"n":65800', '"n":65801')));
  const { wrong } = await found();
  expect(wrong).toHaveLength(3);
  expect(wrong).toEqual(expect.arrayContaining([expect.stringMatching(/^segments\/0+\.ndjson:65801: record 65800 was changed/), expect.stringContaining('tile/1/000')]));
});

test('however much else is wrong, what was changed is said', async () => {
  const forge = forgeHere();
  forge.records(300);
  forge.sign();
  forge.write();
  edit(SEGMENT, (lines) => lines.with(7, lines[7]!.replace('"n":7', '"n":8')));
  appendFileSync(file('checkpoints.ndjson'), 'x\n'.repeat(300));
  writeFileSync(file('acts.ndjson'), Buffer.alloc(1 << 26, 10));
  const { wrong } = await found();
  expect(wrong.slice(98)).toEqual([expect.any(String), 'and more of this kind, for which there is no room', expect.stringMatching(/^segments\/0+\.ndjson:8: record 7 was changed/), expect.stringMatching(/^checkpoints\.ndjson:1: the checkpoint of 300 records does not agree/)]);
});
