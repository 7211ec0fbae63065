import { createProofs } from '../../src/service/proofs.ts';
import { fill, inDataDir } from '../log/tree/support.ts';

const { dir, read, open } = inDataDir();
const SEGMENT = `segments/${'0'.repeat(20)}.ndjson`;

test('a tile has one name, and nothing else lies under another', async () => {
  const log = await open();
  await fill(log, 0, 600);
  await log.close();
  const { tile } = createProofs(dir());
  const bytes = async (path: string) => (await tile(path))?.length;
  expect(await Promise.all(['0/000', '0/001', '0/002.p/88', '1/000.p/2'].map(bytes))).toEqual([8192, 8192, 88 * 32, 64]);
  const lines = read(SEGMENT).split('\n').slice(512, 600);
  const entries = Buffer.concat(lines.map((line) => Buffer.concat([Buffer.from([line.length >> 8, line.length & 255]), Buffer.from(line)])));
  expect(Buffer.compare(Buffer.from((await tile('entries/002.p/88'))!), entries)).toBe(0);
  const strangers = ['0', '1', '256', '257', '512', '600', '999'].flatMap((width) => [`entries/000.p/${width}`, `0/000.p/${width}`])
    .filter((path) => path !== 'entries/000.p/1');
  strangers.push('00/000', '0/x000/000', '0/0', 'entries/x000/000', 'entries/000.p/01', '0/000/000', '0/999', 'entries/999', 'entries/002', '63/000', `0/${'x999/'.repeat(8)}999`, `entries/${'x999/'.repeat(8)}999`, '', '0', 'entries', '0/000.p', 'entries/../000');
  expect((await Promise.all(strangers.map(async (path) => [path, await bytes(path)] as const))).filter(([, length]) => length !== undefined)).toEqual([]);
});

test('records are given as entries once they are signed for, not before', async () => {
  const log = await open();
  const { tile } = createProofs(dir());
  await fill(log, 0, 50);
  expect(await tile('entries/000.p/50')).toBeUndefined();
  await log.evidence!.sign();
  await fill(log, 50, 100);
  expect([await tile('entries/000.p/50'), await tile('entries/000.p/51')]).toEqual([expect.any(Buffer), undefined]);
});
