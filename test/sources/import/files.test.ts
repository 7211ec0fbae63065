import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { loadYaml } from '../../../src/sources/yaml/load.ts';
import { importFiles, type ImportProgress } from '../../../src/sources/import/files.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'import-'));
});
afterEach(() => rm(dir, { recursive: true }));

const schema = (...names: string[]) =>
  JSON.stringify({ type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) });

test('takes JSON and files without an extension at any depth, reports the broken ones, and goes on', async () => {
  const from = join(dir, 'from');
  await mkdir(join(from, 'deep/er'), { recursive: true });
  await writeFile(join(from, 'a.json'), schema('x', 'y'));
  await writeFile(join(from, 'deep/er/1-0-0'), schema('z'));
  await writeFile(join(from, 'broken.json'), '{\n  "type": object }');
  await writeFile(join(from, 'read.me'), 'no definition');
  await symlink(from, join(from, 'deep/loop'));
  const seen: ImportProgress[] = [];

  const report = await importFiles([from], join(dir, 'out'), { onProgress: (progress) => seen.push(progress) });

  expect(report).toEqual({
    files: 3,
    others: 2,
    events: 2,
    fields: 3,
    written: ['events/a.yaml', expect.stringMatching(/^events\/deep-er-1-0-0-/)],
    skipped: [],
    failed: [{ file: 'broken.json', line: 2, column: 11, message: 'not JSON: a value is wanted' }],
    warnings: [],
    whole: false,
  });
  expect(seen).toEqual([
    { file: 'a.json', done: 1, total: 3 },
    { file: 'broken.json', done: 2, total: 3 },
    { file: 'deep/er/1-0-0', done: 3, total: 3 },
  ]);
  expect(parse(await readFile(join(dir, 'out', report.written[1]!), 'utf8'))).toMatchObject({
    event: 'deep/er',
    version: '1-0-0',
    source: 'deep/er/1-0-0',
  });
});

test('F17: files called by their versions are events of their folders', async () => {
  for (const name of ['a', 'b', 'shop/c']) {
    await mkdir(join(dir, 'from', name), { recursive: true });
    for (const version of ['1.0.0.json', '1.1.0.yaml', '2-0-0', '3.0.0'])
      await writeFile(join(dir, 'from', name, version), schema('x'));
  }
  const report = await importFiles([join(dir, 'from')], join(dir, 'out'));
  expect([report.events, report.written.length, report.whole]).toEqual([12, 12, true]);
  const { events } = await loadYaml(join(dir, 'out'));
  expect([...events.keys()].filter((name) => name.includes('@')).sort()).toEqual(
    ['a', 'b', 'shop/c'].flatMap((name) => ['1.0.0', '1.1.0', '2-0-0', '3.0.0'].map((version) => `${name}@${version}`)),
  );
  const one = await importFiles([join(dir, 'from/a/1.0.0.json'), join(dir, 'from/b')], join(dir, 'one'));
  expect([...(await loadYaml(join(dir, 'one'))).events.keys()].filter((name) => !name.includes('@')).sort()).toEqual([
    'a',
    'b',
  ]);
  expect(one.events).toBe(5);
});

test('F17: names that collide are an error that names both files, and paths tell them apart', async () => {
  for (const name of ['user', 'order']) {
    await mkdir(join(dir, 'from', name), { recursive: true });
    await writeFile(join(dir, 'from', name, 'created.json'), schema(name));
  }
  const report = await importFiles([join(dir, 'from')], join(dir, 'out'));
  expect([report.written, report.whole]).toEqual([['events/created.yaml'], false]);
  expect(report.skipped).toEqual([
    expect.objectContaining({
      source: 'user/created.json',
      reason: 'twice',
      message: expect.stringContaining('created version 1 stands in order/created.json too, with other fields'),
    }),
  ]);
  const byPath = await importFiles([join(dir, 'from')], join(dir, 'paths'), { byPath: true });
  expect([byPath.written.length, byPath.whole]).toEqual([2, true]);
  expect([...(await loadYaml(join(dir, 'paths'))).events.keys()].filter((name) => !name.includes('@'))).toEqual([
    'order/created',
    'user/created',
  ]);
});

test('F17: what is no definition is passed over; what might be one is not', async () => {
  const from = join(dir, 'from');
  const files: Readonly<Record<string, string>> = {
    'a.json': schema('x'),
    'Composer.json': schema('y'),
    'composer.json': '{"require":{}}',
    'schema.jsonschema': schema('z'),
    '.git/config.json': schema('no'),
    '.hidden.json': schema('no'),
    'node_modules/m/event.json': schema('no'),
    'out/events/mine.yaml': 'event: mine\nkind: raw_event\n',
    'tsconfig.json': '// why\n{ "compilerOptions": {}, }',
    'tsconfig.base.json': '{"$schema":"https://json.schemastore.org/tsconfig","extends":"./x.json"}',
    'package.json': '{"name":"x","type":"module"}',
    'app.config.json': '{"$schema":"https://example.com/app.json","items":[]}',
    LICENSE: 'Do what you want: { }',
    Makefile: 'all:\n\techo',
    'old.yaml': 'event: old\nkind: raw_event\nfields: {}\n',
    'notes.md': '# x',
    'table.csv': 'a,b',
    'data.json': '{"a":1}',
    'list.json': '[1]',
    BROKEN: '{"type":',
    'odd.yaml': 'services: {}\n',
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(from, name)), { recursive: true });
    await writeFile(join(from, name), text);
  }
  const report = await importFiles([from], join(from, 'out'));
  expect(report.failed.map(({ file, message }) => [file, message.slice(0, 8)])).toEqual([
    ['BROKEN', 'not JSON'],
    ['data.json', 'neither '],
    ['list.json', 'item 1 o'],
    ['odd.yaml', 'neither '],
  ]);
  expect({ events: report.events, files: report.files, others: report.others, whole: report.whole }).toEqual({
    events: 3,
    files: 7,
    others: 10,
    whole: false,
  });
  // Named, it is asked for.
  for (const name of ['tsconfig.json', 'package.json', 'LICENSE', 'old.yaml']) {
    const named = await importFiles([join(from, name)], join(dir, 'named'));
    expect([named.events, named.failed.length, named.whole]).toEqual([0, 1, false]);
  }
});

test('F17: nothing found is not whole', async () => {
  await mkdir(join(dir, 'from'));
  expect(await importFiles([join(dir, 'from')], join(dir, 'out'))).toMatchObject({ files: 0, events: 0, whole: false });
});

test('F17: links, pipes, and what is too large or no text are said and not followed', async () => {
  const from = join(dir, 'from');
  await mkdir(from);
  await writeFile(join(dir, 'elsewhere.json'), schema('x'));
  await symlink('../elsewhere.json', join(from, 'out.json'));
  await symlink('gone.json', join(from, 'dangling.json'));
  await writeFile(join(from, 'a.json'), schema('x'));
  await symlink('a.json', join(from, 'latest.json'));
  await writeFile(join(from, 'latin.json'), Buffer.from('{"title":"\xe9"}', 'latin1'));
  await writeFile(join(from, 'large.json'), ' '.repeat(16 * 1024 * 1024 + 1));
  execFileSync('mkfifo', [join(from, 'pipe.json')]);
  const report = await importFiles([from, join(from, 'pipe.json')], join(dir, 'out'));
  expect(report.failed.map(({ file, message }) => `${file}: ${message}`)).toEqual([
    `${join(from, 'pipe.json')}: neither a file nor a folder`,
    'dangling.json: a link to nothing that can be read (ENOENT)',
    'large.json: larger than 16777216 bytes',
    'latin.json: not UTF-8',
    'out.json: a link out of the folder: name what it leads to, if that has definitions',
  ]);
  expect(report.written).toEqual(['events/a.yaml']);
});

test('a file by name is taken whatever it is called; warnings name file and event', async () => {
  await writeFile(join(dir, 'plan.txt'), JSON.stringify({ properties: { x: { $ref: 'other.json' } } }));
  const report = await importFiles([join(dir, 'plan.txt')], dir);
  expect(report.warnings).toEqual([
    {
      file: 'plan.txt',
      event: 'plan.txt',
      message: 'reference "other.json" leads nowhere in what is imported: not followed',
      loses: true,
    },
  ]);
  expect(report.whole).toBe(false);
});

test('what was imported loads as policies: every path there, none with a category', async () => {
  const hostile = [
    'a.b',
    'a[]',
    '*',
    '\\',
    '"\'',
    'new\nline',
    '😀',
    '# x',
    '- y',
    'null',
    '<<',
    '&a',
    '1',
    '',
    '__proto__',
    'x'.repeat(200),
  ];
  const inner = {
    type: 'object',
    required: ['a'],
    properties: Object.fromEntries(
      hostile.map((name) => [name, { type: ['string', 'null'], enum: ['a', null, 1.5, true] }]),
    ),
  };
  await writeFile(
    join(dir, 'hostile.json'),
    JSON.stringify({
      rules: ['Order: "Done"\n', '__proto__ ', '😀', '../x'].map((key) => ({
        key,
        type: 'TRACK',
        version: 3,
        jsonSchema: { properties: { inner } },
      })),
    }),
  );
  const report = await importFiles([join(dir, 'hostile.json')], join(dir, 'policies'));
  const { events } = await loadYaml(join(dir, 'policies'));
  expect([...events.keys()].filter((name) => !name.endsWith('@3')).toSorted()).toEqual([
    '../x',
    'Order: "Done"\n',
    '__proto__ ',
    '😀',
  ]);
  expect([...new Set(events.values())].reduce((sum, { fields }) => sum + fields.length, 0)).toBe(report.fields);
  expect(
    events.get('😀')?.fields.map(({ path, category, types, enum: values }) => ({ path, category, types, values })),
  ).toEqual(
    expect.arrayContaining([
      {
        path: 'inner.a\\.b',
        category: undefined,
        types: ['string', 'null', 'number', 'boolean'],
        values: ['a', null, 1.5, true],
      },
    ]),
  );
});

test('a path that does not exist is an error', async () => {
  await expect(importFiles([join(dir, 'none')], dir)).rejects.toMatchObject({ code: 'ENOENT' });
});

describe('F17: references from one file to another', () => {
  const from = async (files: Readonly<Record<string, unknown>>, ...named: readonly string[]) => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(dir, 'from', name)), { recursive: true });
      await writeFile(join(dir, 'from', name), typeof content === 'string' ? content : JSON.stringify(content));
    }
    const paths = named.length === 0 ? [join(dir, 'from')] : named.map((name) => join(dir, 'from', name));
    const report = await importFiles(paths, join(dir, 'out'));
    const { events } = await loadYaml(join(dir, 'out'));
    const fields = [...new Set(events.values())].map(
      ({ name, fields: of }) => `${name}: ${of.map(({ path }) => path).join(' ')}`,
    );
    return { report, fields: fields.toSorted() };
  };
  const event = ($ref: string) => ({ type: 'object', properties: { x: { $ref } } });
  const parts = { definitions: { who: { required: ['id'], properties: { id: { type: 'string' } } } } };

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['beside it', { 'e.json': event('parts.json#/definitions/who'), 'parts.json': parts }],
    ['above it', { 'deep/e.json': event('../parts.json#/definitions/who'), 'parts.json': parts }],
    [
      'from the folder, without an ending',
      { 'deep/e.json': event('/lib/parts#/definitions/who'), 'lib/parts.yaml': parts },
    ],
    [
      'in YAML',
      {
        'e.json': event('parts.yaml#/definitions/who'),
        'parts.yaml': 'definitions:\n  who: { required: [id], properties: { id: { type: string } } }\n',
      },
    ],
    ['with an odd name', { 'e.json': event('my%20parts@1.json#/definitions/who'), 'my parts@1.json': parts }],
    [
      'though it has an $id',
      {
        'e.json': { ...event('parts.json#/definitions/who'), $id: 'https://acme.example/e.json' },
        'parts.json': parts,
      },
    ],
    [
      'through another one',
      {
        'e.json': event('a.json#/definitions/b'),
        'a.json': { definitions: { b: { $ref: 'parts.json#/definitions/who' } } },
        'parts.json': parts,
      },
    ],
  ])('%s', async (_, files) => {
    const { report, fields } = await from(files);
    expect([fields, report.failed, report.warnings, report.whole]).toEqual([['e: x.id'], [], [], true]);
  });

  test('of files that are named, too; what nothing refers to is left out and said', async () => {
    const { report } = await from(
      { 'e.json': event('parts.json#/definitions/who'), 'parts.json': parts, 'more.json': parts },
      'e.json',
      'parts.json',
      'more.json',
    );
    expect([report.written, report.failed.map(({ file }) => file)]).toEqual([['events/e.yaml'], ['more.json']]);
  });

  test('to each other end', async () => {
    const list = ($ref: string) => ({
      type: 'object',
      required: ['n'],
      properties: { n: { type: 'string' }, next: { $ref } },
    });
    const { report, fields } = await from({ 'a.json': list('b.json'), 'b.json': list('a.json') });
    expect(fields).toEqual(['a: n next.n next.next', 'b: n next.n next.next']);
    expect(report.warnings.map(({ message }) => message)).toEqual(
      ['a.json', 'b.json'].map((name) => `reference "${name}" leads back to itself: followed once`),
    );
  });

  test('out of the folder, or over the network, are not followed', async () => {
    await writeFile(join(dir, 'secret.json'), JSON.stringify(parts));
    const refs = [
      '../secret.json#/definitions/who',
      `file://${dir}/secret.json#/definitions/who`,
      'https://127.0.0.1:1/parts.json#/definitions/who',
    ];
    const { report } = await from(Object.fromEntries(refs.map((ref, index) => [`e${index}.json`, event(ref)])));
    expect(report.warnings.map(({ message }) => message)).toEqual(
      refs.map((ref) => `reference ${JSON.stringify(ref)} leads nowhere in what is imported: not followed`),
    );
  });
});
