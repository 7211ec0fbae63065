import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { importFiles } from '../../../src/sources/import/files.ts';
import { loadYaml } from '../../../src/sources/yaml/load.ts';
import { findBuiltOpa, ROOT } from '../../support/world.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'import-'));
});
afterEach(() => rm(dir, { recursive: true }));

const DATA = fileURLToPath(new URL('../../../../shared/data/events', import.meta.url));
if (!existsSync(DATA)) test.skip('real definitions (skipped: no data folder)', () => undefined);
else
  describe('real definitions', () => {
    // Of iglu's 2,131 property slots some are objects, so no leaves; elements of lists, and objects and lists that may
    // be empty or null, come on top.
    test.each([
      ['iglu', { files: 129, events: 129, fields: 2_188, written: 129 }],
      ['matrix', { files: 36, events: 36, fields: 152, written: 36 }],
      ['segment', { files: 2, events: 31, fields: 215, written: 31 }],
      ['gitlab', { files: 37, events: 37, fields: 105, written: 37 }],
    ])('%s', async (folder, want) => {
      const report = await importFiles([join(DATA, folder)], dir);
      expect({
        files: report.files,
        events: report.events,
        fields: report.fields,
        written: report.written.length,
      }).toEqual(want);
      expect([report.failed, report.skipped, report.warnings.map((w) => w.event)]).toEqual([
        [],
        [],
        folder === 'iglu' ? ['com.snowplowanalytics.snowplow/payload_data'] : [],
      ]);
      expect(report.whole).toBe(true);
      const loaded = new Set((await loadYaml(dir)).events.values());
      expect([...loaded].reduce((sum, { fields }) => sum + fields.length, 0)).toBe(want.fields);
      const files = await readdir(join(dir, 'events'));
      const events = await Promise.all(
        files.map(async (file) => parse(await readFile(join(dir, 'events', file), 'utf8')) as Record<string, unknown>),
      );
      expect(events.reduce((sum, event) => sum + Object.keys(event.fields as object).length, 0)).toBe(want.fields);
      expect(new Set(events.flatMap((event) => Object.keys(event)))).toEqual(
        new Set(['event', 'version', 'kind', 'source', 'fields']),
      );
      expect(
        new Set(
          events.flatMap((event) =>
            Object.values(event.fields as Record<string, object | null>).flatMap((entry) => Object.keys(entry ?? {})),
          ),
        ),
      ).toEqual(new Set(['category', 'type', ...(folder === 'gitlab' ? [] : ['enum'])]));
      expect(
        events
          .flatMap((event) => Object.values(event.fields as Record<string, { category: unknown } | null>))
          .filter((entry) => entry !== null && entry.category !== null),
      ).toEqual([]);
    });

    test('F17: schemas that are called by their versions come out as many as they went in', async () => {
      const from = join(dir, 'from');
      const files = (await readdir(join(DATA, 'iglu'), { recursive: true })).filter((name) =>
        /\d+-\d+-\d+$/.test(name),
      );
      for (const name of files) {
        const { self: _, ...schema } = JSON.parse(await readFile(join(DATA, 'iglu', name), 'utf8')) as Record<
          string,
          unknown
        >;
        const to = join(from, `${name.replaceAll('-', '.')}.json`);
        await mkdir(dirname(to), { recursive: true });
        await writeFile(to, JSON.stringify(schema));
      }
      const report = await importFiles([from], join(dir, 'out'));
      expect([files.length, report.files, report.written.length, report.failed, report.skipped, report.whole]).toEqual([
        129,
        129,
        129,
        [],
        [],
        true,
      ]);
      expect(new Set((await loadYaml(join(dir, 'out'))).events.values()).size).toBe(129);
    });

    test('F17: the same definitions in YAML give the same events', async () => {
      await mkdir(join(dir, 'from'));
      for (const name of await readdir(join(DATA, 'matrix'))) {
        await writeFile(
          join(dir, 'from', name.replace('.json', '.yaml')),
          stringify(JSON.parse(await readFile(join(DATA, 'matrix', name), 'utf8'))),
        );
      }
      const [json, yaml] = [
        await importFiles([join(DATA, 'matrix')], join(dir, 'json')),
        await importFiles([join(dir, 'from')], join(dir, 'yaml')),
      ];
      expect([yaml.written, yaml.fields, yaml.whole]).toEqual([json.written, json.fields, true]);
      for (const file of json.written) {
        const text = await readFile(join(dir, 'json', file), 'utf8');
        expect(await readFile(join(dir, 'yaml', file), 'utf8')).toBe(text.replace(/^(source: .*)\.json$/m, '$1.yaml'));
      }
    });

    test('F17: all of it at once builds within an initialised world', async () => {
      expect(await sluice('init', '.')).toMatchObject({ code: 0 });
      const imported = await sluice(
        'import',
        ...['iglu', 'matrix', 'segment', 'gitlab'].map((folder) => join(DATA, folder)),
      );
      // One definition a file, and the rules of the two plans: 129 + 36 + 37, and 25 + 6. Matrix and GitLab call no
      // event alike.
      expect(imported).toMatchObject({
        code: 0,
        out: expect.stringContaining(
          '233 events in 204 files: 233 written below policies, 0 there already, 0 left out',
        ),
      });
      expect(await sluice('build')).toMatchObject({ code: 0, out: expect.stringContaining('built: ') });
      expect(await sluice('import', join(DATA, 'matrix'))).toMatchObject({
        code: 0,
        out: expect.stringContaining('36 events in 36 files: 0 written below policies, 36 there already, 0 left out'),
      });
    }, 120_000);
  });

describe('F17: what is left out is listed, and the exit code is 1', () => {
  test('of a folder', async () => {
    await mkdir(join(dir, 'from'));
    await writeFile(join(dir, 'from/a.json'), '{"type":"object","properties":{"x":{"$ref":"elsewhere.json"}}}');
    await writeFile(join(dir, 'from/b.json'), '{"type":"object",\n');
    const { code, out, err } = await sluice('import', 'from');
    expect([code, err.trimEnd().split('\n')]).toEqual([
      1,
      [
        'b.json:2:1: not JSON: a key in double quotes is wanted',
        'a.json: a: reference "elsewhere.json" leads nowhere in what is imported: not followed',
      ],
    ]);
    expect(out).toBe(
      '1 event in 2 files: 1 written below policies, 0 there already, 1 left out\n' +
        'what was left out is listed above\nof 1 event some fields were left out: listed above\n',
    );
  });

  test('of a folder without a definition', async () => {
    await mkdir(join(dir, 'from'));
    await writeFile(join(dir, 'from/readme.md'), '#');
    expect(await sluice('import', 'from')).toMatchObject({
      code: 1,
      out: 'no event in from: 0 files of JSON, YAML or called by a version, 1 other file passed over\n',
    });
  });

  test('as JSON', async () => {
    await writeFile(join(dir, 'a.json'), '{"type":"object"}');
    const { code, out } = await sluice('import', '--json', 'a.json');
    expect([code, JSON.parse(out)]).toMatchObject([
      0,
      { files: 1, events: 1, written: ['events/a.yaml'], whole: true },
    ]);
  });
});

/** The command in the scratch folder. */
async function sluice(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const env = {
    ...process.env,
    SLUICE_OPA: await findBuiltOpa(),
    SLUICE_DATA_DIR: join(dir, 'data'),
    FORCE_COLOR: undefined,
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(ROOT, 'src/cli/main.ts'), ...args],
      { cwd: dir, env, maxBuffer: 1e8 },
      (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, out, err }),
    );
  });
}
