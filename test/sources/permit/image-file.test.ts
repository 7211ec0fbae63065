import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openGraph } from '../../../src/core/graph/graph.ts';
import { packGraph, type GraphImage } from '../../../src/core/graph/image.ts';
import { readImage, writeImage } from '../../../src/sources/permit/image-file.ts';

const tuples = Array.from({ length: 5_000 }, (_, i) => ({ subject: `user:${i}`, relation: 'viewer', object: `doc:ü${i % 50}` }));
let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-image-'));
  file = path.join(folder, 'graph');
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => writeImage(file, packGraph(tuples, [])));

test('what is read is what was written, in shared memory', async () => {
  const graph = openGraph(await readImage<GraphImage>(file));
  expect([graph.holds('user:57', 'viewer', 'doc:ü7'), graph.holds('user:57', 'viewer', 'doc:ü8')]).toEqual(['yes', 'no']);
  await writeImage(`${file}2`, await readImage<GraphImage>(file));
  expect(Buffer.compare(await readFile(file), await readFile(`${file}2`))).toBe(0);
});

test.each([
  ['cut off', async () => truncate(file, 20_000), /is cut off/],
  ['too long', async () => writeFile(file, 'x', { flag: 'a' }), /but its first line says/],
  ['empty', async () => truncate(file, 0), /its first line is missing/],
  ['one line', async () => writeFile(file, '{"a":{"$shared":1000000000000}}\n'), /is cut off/],
])('a file that is %s is refused, before memory is taken for it', async (_name, damage, message) => {
  await damage();
  await expect(readImage(file)).rejects.toThrow(message);
});
