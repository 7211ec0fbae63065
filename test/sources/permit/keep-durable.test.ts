import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeFolder } from '../../../src/sources/permit/keep/durable.ts';

let folder: string;
beforeEach(async () => { folder = await mkdtemp(path.join(tmpdir(), 'sluice-durable-')); });
afterEach(() => rm(folder, { recursive: true, force: true }));

test.each(['absolute', 'relative'])('folders are made to the last one, given as an %s path', async (kind) => {
  const wanted = path.join(folder, 'data', 'permit', 'production');
  await makeFolder(kind === 'absolute' ? wanted : path.relative(process.cwd(), wanted));
  expect((await stat(wanted)).isDirectory()).toBe(true);
  await makeFolder(wanted); // and again does nothing
});
