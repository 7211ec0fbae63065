import { importDefinitions } from '../../../src/sources/import/definitions.ts';
import { nameOf } from '../../../src/sources/import/names.ts';

const read = (definition: unknown, file = 'plan.json') =>
  importDefinitions(typeof definition === 'string' ? definition : JSON.stringify(definition), { file });

/** `name@version: path path`. */
const linesOf = (definition: unknown, file?: string) =>
  read(definition, file).events.map(({ name, version, fields }) =>
    `${name}@${version}: ${fields.map(({ path }) => path).join(' ')}`.trim(),
  );

const schema = (...names: readonly string[]) => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
});

describe('F17: a schema is called as its path, its $id or its title says', () => {
  test.each<[string, Parameters<typeof nameOf>, string]>([
    ['its file', [{}, { file: 'dir/usage.report.json', folder: 'f' }], 'usage.report@1'],
    ['its file less what says that it is a schema', [{}, { file: 'Signup.schema.yaml' }], 'Signup@1'],
    ['its folder, where the file is a version', [{}, { file: 'a/1.0.0.json', folder: 'f' }], 'a@1.0.0'],
    ['all folders', [{}, { file: 'acme/a/jsonschema/1-0-0', folder: 'f' }], 'acme/a@1-0-0'],
    ['backslashes too', [{}, { file: 'acme\\a\\v2.json' }], 'acme/a@2'],
    ['a date', [{}, { file: 'a/2026-11-22.yml' }], 'a@2026-11-22'],
    ['a version before a release', [{}, { file: 'a/1.0.0-rc.1.json' }], 'a@1.0.0-rc.1'],
    [
      'its $id, at the top',
      [
        { $id: 'https://acme.example/shop/checkout/1.0.0.json#', title: 'T' },
        { file: '1.0.0.json', folder: 'f' },
      ],
      'shop/checkout@1.0.0',
    ],
    ['an $id without a version', [{ $id: '/shop/checkout' }, { file: 'v3.json' }], 'shop/checkout@3'],
    ['a urn', [{ $id: 'urn:acme:checkout:1.0.0' }, { file: '1.0.0.json' }], 'acme/checkout@1.0.0'],
    ['an id of draft 4', [{ id: 'checkout' }, { file: '1.json' }], 'checkout@1'],
    ['the folder given, at the top', [{ title: 'T' }, { file: '1.0.0.json', folder: 'checkout' }], 'checkout@1.0.0'],
    ['its title, where nothing else says it', [{ title: ' Check out ' }, { file: '1.0.0.json' }], 'Check out@1.0.0'],
    ['its file, where not even that does', [{}, { file: '1.0.0.json' }], '1.0.0@1'],
    [
      'a file called as many are',
      [{ $id: '/checkout/2.0.0' }, { file: 'shop/checkout/schema.json' }],
      'shop/checkout@2.0.0',
    ],
    ['current.yaml beside versions', [{ $id: '/checkout/1.1.0' }, { file: 'checkout/current.yaml' }], 'checkout@1.1.0'],
    ['its whole path, when asked', [{}, { file: 'user/created.json', byPath: true }], 'user/created@1'],
  ])('%s', (_, given, want) => {
    const { name, version } = nameOf(...given);
    expect(`${name}@${version}`).toBe(want);
  });
});

describe('F17: tracking plans', () => {
  const rules = [
    { key: 'Order Done', type: 'TRACK', version: 2, jsonSchema: schema('plan') },
    { type: 'IDENTIFY', jsonSchema: schema('email') },
  ];
  const events = [{ name: 'Order Done', description: '', version: 3, rules: schema('plan') }];
  const rudder = [
    {
      id: 'ev_1',
      name: 'Order Done',
      eventType: 'track',
      rules: { type: 'object', properties: { properties: schema('plan') } },
    },
    { id: 'ev_2', name: '', eventType: 'identify', rules: schema('traits'), version: '1-0-0' },
  ];
  test.each<[string, unknown, readonly string[]]>([
    ['Segment: rules', { rules }, ['Order Done@2: plan', 'identify@1: email']],
    ['Segment: data.rules', { data: { rules } }, ['Order Done@2: plan', 'identify@1: email']],
    ['Segment: a list of rules', rules, ['Order Done@2: plan', 'identify@1: email']],
    [
      'Segment: rules.events',
      { name: 'w', rules: { identify_traits: [], events, global: schema('ip'), identify: schema('email'), group: {} } },
      ['Order Done@3: plan ip', 'identify@1: email ip'],
    ],
    [
      'RudderStack: events',
      { id: 'tp', name: 'p', events: rudder },
      ['Order Done@1: properties properties.plan', 'identify@1-0-0: traits'],
    ],
    [
      'RudderStack: data',
      { data: rudder, total: 2 },
      ['Order Done@1: properties properties.plan', 'identify@1-0-0: traits'],
    ],
    [
      'in YAML',
      'rules:\n  - key: Order Done\n    jsonSchema: { properties: { plan: { type: string } } }\n',
      ['Order Done@1: plan'],
    ],
  ])('%s', (_, plan, want) => {
    const file = typeof plan === 'string' ? 'plan.yaml' : 'plan.json';
    expect([linesOf(plan, file), read(plan, file).left]).toEqual([want, []]);
  });

  test('a common rule is no event, and its fields are those of every event', () => {
    const common = {
      type: 'COMMON',
      jsonSchema: {
        properties: { context: { required: ['ip'], properties: { ip: { $ref: '#/$defs/ip' } } } },
        $defs: { ip: { type: 'string' } },
      },
    };
    expect(linesOf({ rules: [common, ...rules] })).toEqual([
      'Order Done@2: plan context.ip',
      'identify@1: email context.ip',
    ]);
    expect(() => read({ rules: [common] })).toThrow('a tracking plan without an event: its common rule is none');
  });

  test('a rule that cannot be read is left out alone, and said', () => {
    const { events: found, left } = read({
      rules: ['x', { key: 'a' }, { jsonSchema: {} }, ...rules],
      pagination: { next: 'MQ==' },
    });
    expect([found.length, left]).toEqual([
      2,
      [
        'rule 1 is no object',
        'rule 2 ("a") has no schema (jsonSchema, or rules)',
        'rule 3 has no name (key, or name) and no type',
        'this is one page of a tracking plan: the rules of the next ones are not here',
      ],
    ]);
  });

  test('a list of schemas takes those that say their names', () => {
    const self = { vendor: 'v', name: 'n', format: 'jsonschema', version: '1-0-0' };
    const { events: found, left } = read([{ self, ...schema('a') }, schema('b')]);
    expect([found.map(({ name }) => name), left]).toEqual([
      ['v/n'],
      ['item 2 of the list says no name of its own (self): not imported'],
    ]);
  });
});

describe('F17: YAML', () => {
  test('a JSON Schema', () => {
    expect(
      linesOf(
        '# a comment\n$schema: http://json-schema.org/draft-07/schema#\ntype: object\nproperties:\n' +
          '  a: &x { type: string, enum: [no, "1"] }\n  b: *x\n',
        'checkout.yml',
      ),
    ).toEqual(['checkout@1: a b']);
    const [event] = read('properties: { a: { enum: [no, "1", 1, null] } }', 'c.yaml').events;
    expect(event?.fields).toEqual([{ path: 'a', types: ['string', 'number', 'null'], enum: ['no', '1', 1, null] }]);
  });

  test('an Iglu schema', () => {
    expect(
      linesOf('self: { vendor: v, name: n, version: 1-0-0, format: jsonschema }\nproperties: { a: {} }\n', 'x.yaml'),
    ).toEqual(['v/n@1-0-0: a']);
  });

  test('an event definition of GitLab, old and new', () => {
    expect(
      linesOf(
        '---\ncategory: projects:new\naction: visit\nlabel_description: which link\nproperty_description:\n' +
          'extra_properties:\n  controller: { type: string }\nidentifiers:\n- user\n',
        '1_visit.yml',
      ),
    ).toEqual(['projects:new/visit@1: user label controller']);
    expect(
      linesOf(
        'action: create_build\ninternal_events: true\nidentifiers: [project]\n' +
          'additional_properties:\n  value: { description: x }\n  custom:\n',
        'create_build.yml',
      ),
    ).toEqual(['create_build@1: project value custom']);
  });

  test.each([
    ['a tab', 'type: object\n\tproperties: {}\n', '2:1: not YAML: Tabs are not allowed as indentation'],
    ['two documents', 'type: object\n---\ntype: object\n', '2:1: not YAML: a file is one document: leave out the ---'],
    [
      'an alias without its anchor',
      'type: object\nproperties: { a: *x }\n',
      '2:18: not YAML: no anchor &x stands before this',
    ],
    [
      'nesting without end',
      `a: ${'['.repeat(70)}${']'.repeat(70)}`,
      '1:68: not YAML: this is nested over 64 levels deep',
    ],
  ])('%s is refused, with its place', (_, text, want) => {
    expect(() => read(text, 'x.yaml')).toThrow(expect.objectContaining({ name: 'TextError' }));
    try {
      read(text, 'x.yaml');
    } catch (error) {
      const { line, column, message } = error as { line: number; column: number; message: string };
      expect(`${line}:${column}: ${message}`).toBe(want);
    }
  });

  test('aliases that stand for billions are refused', () => {
    const lines = Array.from(
      { length: 9 },
      (_, level) =>
        `a${level}: &a${level} [${Array.from({ length: 9 }, () => (level === 0 ? 'x' : `*a${level - 1}`)).join(', ')}]`,
    );
    expect(() => read(lines.join('\n'), 'x.yaml')).toThrow('not YAML: aliases stand for over 100000 values');
  });

  test('a whole number that no number of JavaScript is, beside the values, is no matter', () => {
    expect(linesOf('properties: { a: { type: integer, maximum: 9223372036854775807 } }', 'x.yaml')).toEqual(['x@1: a']);
  });
});
