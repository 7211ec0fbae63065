import { chmod, mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { runCases } from '../../../src/cases.ts';
import { loadYaml } from '../../../src/sources/yaml/load.ts';
import { toHost } from '../../../src/sources/yaml/checks/hosts.ts';
import { isRegion } from '../../../src/sources/yaml/checks/regions.ts';
import { KINDS, type Kind } from '../../../src/sources/yaml/schemas.ts';
import { load, problemsIn, problemsOf, removeFolders, unmark, WORLD, write } from './support.ts';

afterAll(removeFolders);

const field = (text: string) => ({
  'events/x.yaml': `event: x\nkind: raw_event\nfields:\n  plan: { category: system.plan, ${text} }\n`,
});
const vendor = (text: string) => ({
  'vendors/x.yaml': `vendors:\n  x: { name: X, party: third, categories: [cdn], ${text} }\n`,
});
const identity = (text: string) => ({ 'identities/x.yaml': `identities:\n  user:x: { attributes: { ${text} } }\n` });
const grant = (text: string) => ({
  'grants/x.yaml':
    'grants:\n  x:\n    role: telemetry\n    vendors: [mixpanel]\n    purposes: [analytics]\n' +
    `    categories: [system.plan]\n    ${text}\n`,
});

/** Files to add to the world, with § before the place of each mistake, and what is said there. */
type Row = readonly [name: string, files: Readonly<Record<string, string>>, ...messages: readonly string[]];

const rows: readonly Row[] = [
  [
    'an enum of a string field',
    field('type: string, enum: [free, §00123, §1e3, §12, §true, ok, null, "7"]'),
    "00123 is the number 123 to YAML: write '00123' in quotes, or 123",
    "1e3 is the number 1000 to YAML: write '1e3' in quotes, or 1000",
    "12 is a number, and the field is of type string: write '12' in quotes",
    "true is true or false, and the field is of type string: write 'true' in quotes",
  ],
  [
    'an enum of a field without a type',
    field('enum: [free, §1.0, 1]'),
    "1.0 is the number 1 to YAML: write '1.0' in quotes, or 1",
  ],
  [
    'an enum of several types',
    field('type: [integer, boolean], enum: [1, true, §1.5, §a]'),
    '1.5 is a number, and the field is of type integer or boolean: no payload has it',
    '"a" is a string, and the field is of type integer or boolean: no payload has it',
  ],
  [
    'an enum of a field of the dictionary',
    { 'fields/x.yaml': 'fields:\n  y: { category: system.plan, type: string, enum: [§7] }\n' },
    "7 is a number, and the field is of type string: write '7' in quotes",
  ],
  [
    'an enum of an envelope',
    { 'envelopes/x.yaml': 'envelopes:\n  e: { fields: { y: { category: null, type: string, enum: [§7] } } }\n' },
    "7 is a number, and the field is of type string: write '7' in quotes",
  ],
  [
    'octal and hex',
    field('enum: [§0o17, §0x1F, §+5, §.5, §-0]'),
    ...[
      ['0o17', 15],
      ['0x1F', 31],
      ['+5', 5],
      ['.5', 0.5],
      ['-0', 0],
    ].map(([text, number]) => `${text} is the number ${number} to YAML: write '${text}' in quotes, or ${number}`),
  ],
  [
    'true and nothing, spelt otherwise',
    field('enum: [§True, §FALSE, §NULL, ~, yes, NO, 2026-11-22, 12:30]'),
    "True is true to YAML: write 'True' in quotes, or true",
    "FALSE is false to YAML: write 'FALSE' in quotes, or false",
    "NULL is nothing to YAML: write 'NULL' in quotes, or null",
  ],
  [
    'a version',
    { 'events/x.yaml': 'event: x\nkind: raw_event\nversion: §1.0\n' },
    "1.0 is the number 1 to YAML: write '1.0' in quotes, or 1",
  ],
  [
    'a version with zeros before it',
    { 'events/x.yaml': 'event: x\nkind: raw_event\nversion: §007\n' },
    "007 is the number 7 to YAML: write '007' in quotes, or 7",
  ],
  [
    'a version with an exponent',
    { 'events/x.yaml': 'event: x\nkind: raw_event\nversion: §1e2\n' },
    "1e2 is the number 100 to YAML: write '1e2' in quotes, or 100",
  ],
  [
    'the version of an approval',
    {
      'approvals.yaml':
        'approvals:\n  A1: { identity: user:sam, vendor: mixpanel, environment: production, purpose: analytics,\n' +
        '    fields: [email], approver: user:dana, expires: 2027-01-01, event: page.viewed, eventVersion: §1.0 }\n',
    },
    "1.0 is the number 1 to YAML: write '1.0' in quotes, or 1",
  ],
  [
    'an attribute',
    identity('team: §00123, tier: 1, on: §True'),
    "00123 is the number 123 to YAML: write '00123' in quotes, or 123",
    "True is true to YAML: write 'True' in quotes, or true",
  ],
  [
    'an attribute, in a list',
    identity('teams: [{ id: §1e3 }]'),
    "1e3 is the number 1000 to YAML: write '1e3' in quotes, or 1000",
  ],
  ['a label', field('labels: { code: §0800 }'), "0800 is the number 800 to YAML: write '0800' in quotes, or 800"],
  [
    'the value of a claim',
    vendor('claims: { dpa: { value: §1.10 } }'),
    "1.10 is the number 1.1 to YAML: write '1.10' in quotes, or 1.1",
  ],
  [
    'an operand',
    grant('conditions: [{ if: { user.team: { in: [a, §0012] } } }]'),
    "0012 is the number 12 to YAML: write '0012' in quotes, or 12",
  ],
  [
    'a parameter',
    grant('effect: transform\n    obligations: [{ op: mask, params: { keep: §04 } }]'),
    "04 is the number 4 to YAML: write '04' in quotes, or 4",
  ],
  [
    'a name that is a number',
    { 'events/x.yaml': 'event: §42\nkind: raw_event\n' },
    "must be a string, not a number: write '42' in quotes",
  ],
  [
    'a name that is true',
    {
      'grants/x.yaml':
        'grants:\n  x: { role: §true, vendors: [mixpanel], purposes: [analytics], categories: [system.plan] }\n',
    },
    "must be a string, not true or false: write 'true' in quotes",
  ],
  [
    'a name with zeros',
    {
      'grants/x.yaml':
        'grants:\n  x: { role: §007, vendors: [mixpanel], purposes: [analytics], categories: [system.plan] }\n',
    },
    "007 is the number 7 to YAML: write '007' in quotes, or 7",
  ],
  [
    'values of a context name',
    { 'context/x.yaml': 'context:\n  x: { type: enum, values: [a, §1] }\n' },
    "must be a string, not a number: write '1' in quotes",
  ],
  [
    'the type null',
    field('type: [string, §null]'),
    "must be one of string, number, integer, boolean, null, object, array: write 'null' in quotes",
  ],
  [
    'the United Kingdom',
    vendor('regions: [DE, §UK]'),
    'UK is no region: an ISO 3166 code, EU or EEA (did you mean GB?)',
  ],
  ['no country', vendor('regions: [§QQ]'), 'QQ is no region: an ISO 3166 code, EU or EEA'],
  [
    'a country in small letters',
    vendor('regions: [§de]'),
    'de is no region: an ISO 3166 code, EU or EEA (did you mean DE?)',
  ],
  [
    'a country of three letters',
    vendor('regions: [§USA]'),
    'USA is no region: an ISO 3166 code, EU or EEA (did you mean US?)',
  ],
  [
    'a region of an edge',
    vendor('edges: [{ to: openai, type: sub_processor, regions: [§EL] }]'),
    'EL is no region: an ISO 3166 code, EU or EEA (did you mean GR?)',
  ],
  [
    'a host in brackets without quotes',
    {
      'vendors/x.yaml':
        'vendors:\n  x:\n    name: X\n    party: third\n    categories: [cdn]\n    hosts:\n      - §[2001:db8::1]\n',
    },
    'must be a string, not a list: quote it, if it is a text in brackets',
  ],
  [
    'one host in two spellings',
    vendor('hosts: [bücher.example, §XN--BCHER-KVA.example., "[2001:db8::1]", §"2001:0DB8::0001"]'),
    'the host XN--BCHER-KVA.example. is listed twice',
    'the host 2001:0DB8::0001 is listed twice',
  ],
  [
    'a host with a port',
    vendor('hosts: [§"[2001:db8::1]:443"]'),
    '[2001:db8::1]:443 is no host name: leave out scheme, port and path',
  ],
];

const table = rows.map(([name, marked, ...messages]) => ({ name, marked, messages }));

test.each(table)('F18: $name', async ({ marked, messages }) => {
  const { files, places } = unmark(marked);
  const found = await problemsOf(files);
  expect(found).toEqual(places.map((place, index) => ({ ...place, message: messages[index] })));
});

test('F18: what is written as it is meant loads', async () => {
  const facts = await load({
    ...WORLD,
    'events/x.yaml':
      'event: "42"\nkind: raw_event\nversion: "1.0"\nminCell: 1e2\nfields:\n' +
      '  plan: { category: system.plan, type: string, enum: ["00123", \'1e3\', no, 12:30, ~] }\n' +
      '  n: { category: null, enum: [1, 2.5, true] }\n',
    'callers/x.yaml': 'callers:\n  x: { demo: True, powers: [check], ratePerSecond: 0.50 }\n',
    'fields/x.yaml': 'fields:\n  007: system.plan\n  1.0: Null\n',
  });
  const event = facts.events.get('42@1.0');
  expect(event).toMatchObject({ name: '42', version: '1.0', minCell: 100 });
  expect(event?.fields.map(({ enum: values }) => values)).toEqual([
    ['00123', '1e3', 'no', '12:30', null],
    [1, 2.5, true],
  ]);
  expect(facts.callers.get('x')?.ratePerSecond).toBe(0.5);
  expect([...facts.fields.keys()]).toEqual(['email', '007', '1.0']);
});

test('F18: what an alias repeats is said where it is used, too', async () => {
  const { files, places } = unmark({
    'events/x.yaml': 'event: x\nkind: raw_event\nfields: { a: &a { category: null, enum: [§00123] }, b: *a }\n',
  });
  expect((await problemsOf(files)).map(({ line, column }) => [line, column])).toEqual(
    [1, 2].map(() => [places[0]!.line, places[0]!.column]),
  );
});

// A text of this kind would go through: every place where one may stand is found in the schemas themselves.
test('F18: no place that takes a text takes a number that is written otherwise', () => {
  const unions: string[] = [];
  const visit = (schema: unknown, at: string): void => {
    const { def } = (schema as z.ZodType)._zod;
    const inner = def as {
      shape?: object;
      element?: unknown;
      valueType?: unknown;
      innerType?: unknown;
      options?: readonly unknown[];
      in?: unknown;
    };
    const takes = (value: unknown) => (schema as z.ZodType).safeParse(value).success;
    if (inner.shape === undefined && (takes('1') || takes('a')) && (takes(1) || takes(true))) unions.push(at);
    for (const [key, member] of Object.entries(inner.shape ?? {})) visit(member, `${at} ${key}`);
    for (const member of [inner.element, inner.valueType, inner.innerType, inner.in])
      if (member !== undefined) visit(member, at);
    for (const member of inner.options ?? []) visit(member, at);
  };
  for (const kind of Object.keys(KINDS) as Kind[]) visit(KINDS[kind], kind);
  // Each has a row above.
  expect([...new Set(unions)].sort()).toEqual([
    'approvals approvals eventVersion',
    'envelopes envelopes fields enum',
    'envelopes envelopes fields labels',
    'events fields enum',
    'events fields labels',
    'events version',
    'fields fields enum',
    'fields fields labels',
    'grants grants conditions if',
    'grants grants conditions test',
    'grants grants obligations params',
    'identities identities attributes',
    'terms terms conditions if',
    'terms terms conditions test',
    'terms terms obligations params',
    'transforms transforms params',
    'vendors vendors claims value',
    'vendors vendors edges condition',
  ]);
});

test.each([
  ['api.Example.com.', 'api.example.com'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['BÜCHER.example', 'xn--bcher-kva.example'],
  ['例え.テスト', 'xn--r8jz45g.xn--zckzah'],
  ['[2001:db8::1]', '[2001:db8::1]'],
  ['2001:0DB8:0:0::1', '[2001:db8::1]'],
  ['::1', '[::1]'],
  ['::ffff:192.0.2.1', '[::ffff:c000:201]'],
  ['192.0.2.1', '192.0.2.1'],
  ['_dmarc.example', '_dmarc.example'],
  ['https://x.com', undefined],
  ['x.com:443', undefined],
  ['x.com/a', undefined],
  ['user@x.com', undefined],
  ['*.x.com', undefined],
  ['[2001:db8::1]:443', undefined],
  ['[2001:db8::1', undefined],
  ['2001:db8::zz', undefined],
  ['a b', undefined],
  ['', undefined],
  ['x.com?y', undefined],
  ['%41.com', undefined],
  ['[x.com]', undefined],
  ['a..', undefined],
])('F18: the host %s is %s', (text, want) => {
  expect(toHost(text)).toBe(want);
});

test('F18: hosts of any script and IPv6 are found by the address that is asked for', async () => {
  const { vendors } = await load({
    ...WORLD,
    ...vendor('hosts: [bücher.example, "[2001:db8::1]"], aliases: [Mail.X.example.]'),
  });
  expect(vendors.get('x')?.hosts).toEqual(
    ['https://bücher.example/track', 'https://[2001:db8:0::1]:8443/', 'https://mail.x.example'].map(
      (address) => new URL(address).hostname,
    ),
  );
});

test('F18: every country, the EU and the EEA are regions', () => {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  const letters = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index));
  const codes = letters.flatMap((a) => letters.map((b) => `${a}${b}`)).filter(isRegion);
  expect(codes).toHaveLength(251); // 249 countries, Kosovo, the EU
  expect(codes.filter((code) => names.of(code) === undefined)).toEqual([]);
  expect([isRegion('EEA'), isRegion('UK'), isRegion('eu')]).toEqual([true, false, false]);
});

describe('F18: entries of the folder that cannot be read are named, and others are read', () => {
  test('lost+found of a volume is no policy, whether or not it may be read', async () => {
    const dir = await write({ ...WORLD, 'lost+found/x.yaml': '{', 'events/lost+found/y.yaml': '{' });
    expect(await problemsIn(dir)).toEqual([]);
    await chmod(path.join(dir, 'lost+found'), 0);
    expect((await loadYaml(dir)).roles.size).toBe(2);
    await chmod(path.join(dir, 'lost+found'), 0o700);
  });

  test.each([
    ['a link to nothing', 'gone', 'roles', 'this link leads to nothing: mend or remove it'],
    ['a link to nothing that is no kind', 'gone', 'other', 'this link leads to nothing: mend or remove it'],
    ['a link to itself', 'roles', 'roles', 'this link leads back to itself: mend or remove it'],
  ])('%s', async (_, to, name, message) => {
    const dir = await write(WORLD);
    await symlink(to, path.join(dir, name));
    expect(await problemsIn(dir)).toEqual([{ file: name, line: 1, column: 1, message }]);
  });

  const isRoot = process.getuid?.() === 0;
  (isRoot ? test.skip : test)('a folder that may not be read', async () => {
    const dir = await write(WORLD);
    await mkdir(path.join(dir, 'private'), { mode: 0 });
    expect(await problemsIn(dir)).toEqual([
      {
        file: 'private',
        line: 1,
        column: 1,
        message: 'this folder may not be read: give the right to, or move it out of the policies',
      },
    ]);
  });

  test('of a folder that cannot be read nobody knows the names', async () => {
    const { 'roles.yaml': _, ...world } = WORLD;
    const dir = await write(world);
    await symlink('gone', path.join(dir, 'roles'));
    expect((await problemsIn(dir)).map(({ file }) => file)).toEqual(['roles']);
  });
});

describe('F18: cases', () => {
  const snapshot = undefined as unknown as Parameters<typeof runCases>[1]; // no case is judged here

  test('none are missing without a word: an entry that cannot be read is a case that fails', async () => {
    const dir = await write({ 'cases/lost+found/x.yaml': '{' });
    await symlink('gone', path.join(dir, 'cases', 'more'));
    await symlink('gone.yaml', path.join(dir, 'cases', 'x.yaml'));
    const found = await runCases(path.join(dir, 'cases'), snapshot);
    expect(
      found.map(({ location, differences, malformed }) => [path.relative(dir, location), differences, malformed]),
    ).toEqual([
      ['cases/more:1:1', ['this link leads to nothing: mend or remove it'], true],
      ['cases/x.yaml:1:1', ['the file cannot be read (ENOENT)'], true],
    ]);
  });

  test('no folder of them is none; what is no folder is a mistake', async () => {
    const dir = await write({ cases: '' });
    expect(await runCases(path.join(dir, 'none'), snapshot)).toEqual([]);
    await expect(runCases(path.join(dir, 'cases'), snapshot)).rejects.toThrow(
      'cases:1:1: the cases cannot be read (ENOTDIR)',
    );
  });
});
