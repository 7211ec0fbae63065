import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { ImportedEvent } from '../../../src/sources/import/definitions.ts';
import { loadYaml } from '../../../src/sources/yaml/load.ts';
import { fileNameOf, toYaml, writeImported } from '../../../src/sources/import/write.ts';

const event = (name: string, more: Partial<ImportedEvent> = {}): ImportedEvent => ({
  name,
  version: '1',
  source: 's.json',
  fields: [],
  losses: [],
  notes: [],
  ...more,
});

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'import-'));
});
afterEach(() => rm(dir, { recursive: true }));

describe('the YAML of an event', () => {
  test('is as policies/README.md has it, every category null', () => {
    const fields = [
      { path: 'plan', types: ['string' as const], enum: ['free', 'pro'] },
      { path: 'items[].sku', types: ['string' as const, 'null' as const] },
      { path: 'any', types: [] },
      { path: 'config.*', types: ['number' as const] },
    ];
    expect(toYaml(event('usage.report', { version: '1-0-0', fields })))
      .toBe(`# Imported. A field without a category is denied: write one for each field that may leave.

event: usage.report
version: 1-0-0
kind: raw_event
source: s.json
fields:
  plan: { category: null, type: string, enum: [ free, pro ] }
  items[].sku: { category: null, type: [ string, "null" ] }
  any: null
  config.*: { category: null, type: number }
`);
  });

  test('of an event without fields has none', () => {
    expect(parse(toYaml(event('x')))).toEqual({
      event: 'x',
      version: '1',
      kind: 'raw_event',
      source: 's.json',
      fields: {},
    });
  });

  test.each(['1', '2', '1.0', '1-0-0', '1e3', '0x10', '2026-11-22', 'true', 'null', '~'])(
    'keeps version %s a text',
    (version) => {
      expect(parse(toYaml(event('x', { version })))).toMatchObject({ version });
    },
  );

  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => text.isWellFormed()),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.constantFrom(
      '__proto__',
      'constructor',
      '<<',
      '*',
      '&a',
      '!!js/function x',
      '? ',
      '- ',
      ': ',
      '# x',
      "'",
      '"',
      '\n',
      ' a',
      'a ',
      '\ta',
      '---',
      '...',
      '%YAML',
      '{{',
      '\u2028',
      '\u0085',
      '\u0000',
      '\u007f',
      '\uFEFF',
      'null',
      'yes',
      '=',
      'x\ny: z',
      '\r\n',
      '😀',
      'é'.repeat(1_500),
      `${'a b '.repeat(60)}`,
    ),
  );
  const value = fc.oneof(
    hostile,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
  const field = fc.record(
    {
      path: hostile,
      types: fc.subarray(['string', 'null', 'number', 'object'] as const),
      enum: fc.array(value, { minLength: 1, maxLength: 5 }),
    },
    { requiredKeys: ['path', 'types'] },
  );

  test('gives any name, path and value back as it was', () => {
    fc.assert(
      fc.property(
        hostile,
        hostile,
        fc.uniqueArray(field, { selector: (f) => f.path, maxLength: 6 }),
        (name, source, fields) => {
          const back = parse(toYaml(event(name, { source, fields })), { mapAsMap: true, maxAliasCount: 0 }) as Map<
            string,
            unknown
          >;
          expect([back.get('event'), back.get('source')]).toEqual([name, source]);
          expect(
            [...(back.get('fields') as Map<string, Map<string, unknown> | null>)].map(([path, entry]) => ({
              path,
              type: entry?.get('type'),
              enum: entry?.get('enum'),
            })),
          ).toEqual(
            fields.map((f) => ({
              path: f.path,
              type: f.types.length === 1 ? f.types[0] : f.types.length === 0 ? undefined : f.types,
              enum: f.enum,
            })),
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('file names', () => {
  test.each([
    ['usage.report', '1', 'usage.report.yaml'],
    ['a_b-c', '1', 'a_b-c.yaml'],
    ['usage.report', '1-0-2', /^usage\.report-1-0-2-[0-9a-f]{8}\.yaml$/],
    ['Signup', '1', /^signup-[0-9a-f]{8}\.yaml$/],
    ['com.olark/transcript', '1-0-0', /^com\.olark-transcript-1-0-0-[0-9a-f]{8}\.yaml$/],
    ['../../etc/passwd', '1', /^etc-passwd-[0-9a-f]{8}\.yaml$/],
    ['.hidden', '1', /^hidden-[0-9a-f]{8}\.yaml$/],
    ['', '1', /^event-[0-9a-f]{8}\.yaml$/],
    ['😀', '1', /^event-[0-9a-f]{8}\.yaml$/],
    ['a'.repeat(300), '1', /^a{80}-[0-9a-f]{8}\.yaml$/],
  ])('%s in version %s: %s', (name, version, want) => {
    expect(fileNameOf({ name, version })).toMatch(
      want instanceof RegExp ? want : new RegExp(`^${RegExp.escape(want)}$`),
    );
  });

  test('are safe, and differ where names or versions differ, also without regard to case', () => {
    const head = fc.record({
      name: fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string(),
        fc.constantFrom('a', 'A', 'a-2', 'a b', 'a-b', 'event'),
      ),
      version: fc.constantFrom('1', '2', '1-0-0'),
    });
    fc.assert(
      fc.property(fc.uniqueArray(head, { selector: (h) => JSON.stringify(h), maxLength: 8 }), (heads) => {
        const files = heads.map(fileNameOf);
        expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(heads.length);
        expect(files.filter((file) => !/^[a-z0-9_][a-z0-9._-]{0,100}\.yaml$/.test(file))).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('writing', () => {
  test('makes the folder and never overwrites a file', async () => {
    const out = join(dir, 'policies');
    expect(await writeImported([event('a'), event('b')], out)).toEqual({
      written: ['events/a.yaml', 'events/b.yaml'],
      skipped: [],
    });
    await writeFile(join(out, 'events/a.yaml'), 'classified by hand');
    expect(await writeImported([event('a'), event('c')], out)).toEqual({
      written: ['events/c.yaml'],
      skipped: [
        {
          file: 'events/a.yaml',
          event: 'a',
          source: 's.json',
          reason: 'exists',
          message: 'events/a.yaml is there already, and is not this event',
        },
      ],
    });
    expect(await readFile(join(out, 'events/a.yaml'), 'utf8')).toBe('classified by hand');
  });

  test('does with force', async () => {
    await writeImported([event('a')], dir);
    await writeFile(join(dir, 'events/a.yaml'), 'old, and longer than what is to come. '.repeat(50));
    expect(await writeImported([event('a')], dir, { force: true })).toEqual({
      written: ['events/a.yaml'],
      skipped: [],
    });
    expect(await readFile(join(dir, 'events/a.yaml'), 'utf8')).toBe(toYaml(event('a')));
  });

  const field = (path: string) => ({ path, types: ['string' as const] });

  test.each([false, true])(
    'F17: of two events of one name and version the first stays, and the error names both files, force %s',
    async (force) => {
      const twice = [
        event('a', { source: 'first' }),
        event('a', { source: 'second', fields: [field('x')] }),
        event('a', { version: '2' }),
      ];
      expect((await writeImported(twice, dir, { force })).skipped).toEqual([
        {
          file: 'events/a.yaml',
          event: 'a',
          source: 'second',
          reason: 'twice',
          message:
            'a version 1 stands in first too, with other fields: ' +
            'rename one of them, or name events by their paths (--by-path)',
        },
      ]);
      expect(await readFile(join(dir, 'events/a.yaml'), 'utf8')).toContain('first');
      expect(await readdir(join(dir, 'events'))).toHaveLength(2);
    },
  );

  test('F17: an equal definition that stands twice is no loss', async () => {
    const { written, skipped } = await writeImported(
      [event('a', { source: 'x.json' }), event('a', { source: 'x.yaml' })],
      dir,
    );
    expect([written, skipped.map(({ reason, message }) => [reason, message])]).toEqual([
      ['events/a.yaml'],
      [['same', 'a version 1 stands in x.json too, with the same fields']],
    ]);
  });

  test('F17: an event that another file of the policies has is not written again; what it lacks is said', async () => {
    const theirs = 'event: a\nkind: raw_event\nenvelopes: [common]\nfields: { x: null }\n';
    await mkdir(join(dir, 'events'));
    await writeFile(join(dir, 'events/theirs.yaml'), theirs);
    await writeFile(join(dir, 'envelopes.yaml'), 'envelopes:\n  common: { fields: { ip: null } }\n');
    const twice = [
      event('a', { fields: [field('x'), field('ip')] }),
      event('a', { version: '2', fields: [field('y')] }),
    ];
    const first = await writeImported(twice, dir, { force: true });
    expect(first.skipped).toEqual([
      {
        file: 'events/theirs.yaml',
        event: 'a',
        source: 's.json',
        reason: 'kept',
        message: 'events/theirs.yaml has it already',
      },
    ]);
    const more = await writeImported([event('a', { fields: [field('x'), field('z'), field('q')] })], dir);
    expect(more.skipped).toMatchObject([
      { reason: 'exists', message: 'events/theirs.yaml has it already, without 2 of its fields: z, q' },
    ]);
    expect((await writeImported(twice, dir)).skipped.map(({ reason }) => reason)).toEqual(['kept', 'kept']);
    expect(await readFile(join(dir, 'events/theirs.yaml'), 'utf8')).toBe(theirs);
  });

  test.each([
    ['a name over 256 characters', [event('a'.repeat(257))], 'must have at most 256 characters'],
    ['a version over 64 characters', [event('a', { version: '1'.repeat(65) })], 'must have at most 64 characters'],
    ['a reserved name', [event('constructor')], 'this name is reserved'],
    ['no name', [event('')], 'must have at least 1 characters'],
    [
      'a name that is a version of another event',
      [event('a'), event('a@1')],
      'it is called as a version of another event',
    ],
  ])('F17: %s is not written, and said', async (_, events, message) => {
    const { written, skipped } = await writeImported(events, dir);
    expect(written).toHaveLength(events.length - 1);
    expect(skipped).toMatchObject([
      { event: events.at(-1)!.name, reason: 'invalid', message: expect.stringContaining(message) },
    ]);
    if (written.length > 0) await loadYaml(dir);
  });

  test('1,500 events', async () => {
    const { written } = await writeImported(
      Array.from({ length: 1_500 }, (_, i) => event(`event.${i}`)),
      dir,
    );
    expect([written.length, (await readdir(join(dir, 'events'))).length]).toEqual([1_500, 1_500]);
  });
});
