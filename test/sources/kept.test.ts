import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Facts } from '../../src/core/facts.ts';
import type { FactsCache } from '../../src/sources/kept.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { removeFolders, WORLD, write } from './yaml/support.ts';

afterAll(removeFolders);

const POLICIES = path.resolve(__dirname, '../../policies');
const cacheIn = async () => ({ folder: path.join(await write(WORLD), '.cache', 'facts'), program: 'sluice/0', source: await write({ 'a.ts': 'a' }) });
const onlyFile = async ({ folder }: FactsCache) => {
  const names = await readdir(folder);
  expect(names).toHaveLength(1);
  return path.join(folder, names[0]!);
};

test('facts that were kept are those that were checked, member by member', async () => {
  const cache = await cacheIn();
  const [fresh, kept] = [await loadYaml(POLICIES, cache), await loadYaml(POLICIES, cache)];
  expect(kept).not.toBe(fresh);
  expect(kept).toEqual(fresh);
  // An event stands under its name and under name@version.
  expect(new Set(kept.events.values()).size).toBe(new Set(fresh.events.values()).size);
});

test('they are taken from the file, and kept for these texts alone', async () => {
  const [dir, cache] = [await write(WORLD), await cacheIn()];
  const known = await loadYaml(dir, cache);
  const file = await onlyFile(cache);
  expect((await loadYaml(dir, cache)).digest).toBe(known.digest);
  expect(await onlyFile(cache)).toBe(file);

  await writeFile(path.join(dir, 'purposes.yaml'), 'purposes: [analytics, analytics.reporting, marketing, finance]\n');
  const changed: Facts = await loadYaml(dir, cache);
  expect(changed.purposes.has('finance')).toBe(true);
  expect(await onlyFile(cache)).not.toBe(file);
});

test('a program that was changed checks anew', async () => {
  const [dir, cache] = [await write(WORLD), await cacheIn()];
  await loadYaml(dir, cache);
  const file = await onlyFile(cache);
  await writeFile(path.join(cache.source, 'a.ts'), 'another');
  await loadYaml(dir, cache);
  expect(await onlyFile(cache)).not.toBe(file);
});

test('a file that was damaged, or cut, is not believed', async () => {
  const [dir, cache] = [await write(WORLD), await cacheIn()];
  const { digest } = await loadYaml(dir, cache);
  const file = await onlyFile(cache);
  const whole = await readFile(file);
  for (const damaged of [whole.subarray(0, whole.length - 1), Buffer.concat([whole.subarray(0, 70), Buffer.from('x'), whole.subarray(71)]), Buffer.alloc(0)]) {
    await writeFile(file, damaged);
    expect((await loadYaml(dir, cache)).digest).toBe(digest);
    expect(await readFile(file)).toEqual(whole);
  }
});

test('mistakes are never kept, and a cache that cannot be written changes nothing', async () => {
  const cache = await cacheIn();
  const bad = await write({ ...WORLD, 'purposes.yaml': 'purposes: [analytics\n' });
  await expect(loadYaml(bad, cache)).rejects.toThrow(/purposes.yaml/);
  await expect(readdir(cache.folder)).rejects.toThrow('ENOENT');
  const dir = await write(WORLD);
  expect((await loadYaml(dir, { ...cache, folder: path.join(dir, 'purposes.yaml', 'x') })).digest).toBe((await loadYaml(dir)).digest);
});
