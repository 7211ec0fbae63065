import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { loadYaml } from '../../../src/sources/yaml/load.ts';
import { importFiles, type ImportProgress } from '../../../src/sources/import/files.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'import-'));
});
afterEach(() => rm(dir, { recursive: true }));

const schema = (...names: string[]) => JSON.stringify({ type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) });

test('takes JSON and files without an extension at any depth, reports the broken ones, and goes on', async () => {
  const from = join(dir, 'from');
  await mkdir(join(from, 'deep/er'), { recursive: true });
  await writeFile(join(from, 'a.json'), schema('x', 'y'));
  await writeFile(join(from, 'deep/er/1-0-0'), schema('z'));
  await writeFile(join(from, 'broken.json'), '{');
  await writeFile(join(from, 'read.me'), 'no definition');
  await symlink(from, join(from, 'deep/loop'));
  const seen: ImportProgress[] = [];

  const report = await importFiles([from], join(dir, 'out'), { onProgress: (progress) => seen.push(progress) });

  expect(report).toEqual({
    files: 3, events: 2, fields: 3, written: ['events/a.yaml', 'events/1-0-0.yaml'], skipped: [],
    failed: [{ file: 'broken.json', message: 'broken.json: not JSON' }], warnings: [],
  });
  expect(seen).toEqual([{ file: 'a.json', done: 1, total: 3 }, { file: 'broken.json', done: 2, total: 3 }, { file: 'deep/er/1-0-0', done: 3, total: 3 }]);
  expect(parse(await readFile(join(dir, 'out/events/1-0-0.yaml'), 'utf8'))).toMatchObject({ event: '1-0-0', source: 'deep/er/1-0-0' });
});

test('a file by name is taken whatever it is called; warnings name file and event', async () => {
  await writeFile(join(dir, 'plan.txt'), JSON.stringify({ properties: { x: { $ref: 'other.json' } } }));
  const report = await importFiles([join(dir, 'plan.txt')], dir);
  expect(report.warnings).toEqual([{ file: 'plan.txt', event: 'plan.txt', message: 'reference "other.json" leads nowhere in this file: not followed' }]);
});

test('what was imported loads as policies: every path there, none with a category', async () => {
  const hostile = ['a.b', 'a[]', '*', '\\', '"\'', 'new\nline', '😀', '# x', '- y', 'null', '<<', '&a', '1', '', '__proto__', 'x'.repeat(200)];
  const inner = { type: 'object', required: ['a'], properties: Object.fromEntries(hostile.map((name) => [name, { type: ['string', 'null'], enum: ['a', null, 1.5, true] }])) };
  await writeFile(join(dir, 'hostile.json'), JSON.stringify({ rules: ['Order: "Done"\n', '__proto__ ', '😀', '../x'].map((key) => ({ key, type: 'TRACK', version: 3, jsonSchema: { properties: { inner } } })) }));
  const report = await importFiles([join(dir, 'hostile.json')], join(dir, 'policies'));
  const { events } = await loadYaml(join(dir, 'policies'));
  expect([...events.keys()].filter((name) => !name.endsWith('@3')).toSorted()).toEqual(['../x', 'Order: "Done"\n', '__proto__ ', '😀']);
  expect([...new Set(events.values())].reduce((sum, { fields }) => sum + fields.length, 0)).toBe(report.fields);
  expect(events.get('😀')?.fields.map(({ path, category, types, enum: values }) => ({ path, category, types, values }))).toEqual(
    expect.arrayContaining([{ path: 'inner.a\\.b', category: undefined, types: ['string', 'null'], values: ['a', null, 1.5, true] }]),
  );
});

test('a path that does not exist is an error', async () => {
  await expect(importFiles([join(dir, 'none')], dir)).rejects.toMatchObject({ code: 'ENOENT' });
});

const DATA = fileURLToPath(new URL('../../../../shared/data/events', import.meta.url));
if (!existsSync(DATA)) test.skip('real definitions (skipped: no data folder)', () => undefined);
else describe('real definitions', () => {
  // Of iglu's 2,131 property slots some are objects, so no leaves; elements of lists, and objects and lists that may be empty or null, come on top.
  test.each([
    ['iglu', { files: 129, events: 129, fields: 2_188, written: 129 }],
    ['matrix', { files: 36, events: 36, fields: 152, written: 36 }],
    ['segment', { files: 2, events: 31, fields: 215, written: 31 }],
  ])('%s', async (folder, want) => {
    const report = await importFiles([join(DATA, folder)], dir);
    expect({ files: report.files, events: report.events, fields: report.fields, written: report.written.length }).toEqual(want);
    expect([report.failed, report.skipped, report.warnings.map((w) => w.event)]).toEqual([[], [], folder === 'iglu' ? ['com.snowplowanalytics.snowplow/payload_data'] : []]);
    const loaded = new Set((await loadYaml(dir)).events.values());
    expect([...loaded].reduce((sum, { fields }) => sum + fields.length, 0)).toBe(want.fields);
    const files = await readdir(join(dir, 'events'));
    const events = await Promise.all(files.map(async (file) => parse(await readFile(join(dir, 'events', file), 'utf8')) as Record<string, unknown>));
    expect(events.reduce((sum, event) => sum + Object.keys(event.fields as object).length, 0)).toBe(want.fields);
    expect(new Set(events.flatMap((event) => Object.keys(event)))).toEqual(new Set(['event', 'version', 'kind', 'source', 'fields']));
    expect(new Set(events.flatMap((event) => Object.values(event.fields as Record<string, object | null>).flatMap((entry) => Object.keys(entry ?? {})))))
      .toEqual(new Set(['category', 'type', 'enum']));
    expect(events.flatMap((event) => Object.values(event.fields as Record<string, { category: unknown } | null>)).filter((entry) => entry !== null && entry.category !== null)).toEqual([]);
  });
});
