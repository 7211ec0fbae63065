import fc from 'fast-check';
import { eventsOf, linesOf, linesOfProperty, warningsOf } from './support.ts';

describe('leaves', () => {
  test.each<[string, unknown, string[]]>([
    ['a type', { type: 'string' }, ['x: string']],
    ['several types', { type: ['string', 'null'] }, ['x: string|null']],
    ['no type', {}, ['x: ']],
    ['anything goes', true, ['x: ']],
    ['nothing goes', false, []],
    ['a type that JSON Schema does not have', { type: ['any', 'string'] }, ['x: string']],
    ['enum', { enum: ['a', 1, null] }, ['x: string|number|null = ["a",1,null]']],
    ['const is an enum of one', { const: 'a' }, ['x: string = ["a"]']],
    ['an enum of objects says nothing', { enum: [{}] }, ['x: ']],
    ['an object', { properties: { a: { type: 'string' } }, required: ['a'] }, ['x.a: string']],
    [
      'an object that may be empty',
      { type: 'object', properties: { a: { type: 'string' } } },
      ['x: object', 'x.a: string'],
    ],
    [
      'an object that may be null',
      { type: ['object', 'null'], properties: { a: {} }, required: ['a'] },
      ['x: null', 'x.a: '],
    ],
    ['an object without properties is a leaf', { type: 'object' }, ['x: object']],
    ['also one with at least one member', { type: 'object', minProperties: 1 }, ['x: object']],
    ['an array of scalars', { type: 'array', minItems: 1, items: { type: 'string' } }, ['x[]: string']],
    [
      'an array that may be empty',
      { type: 'array', items: { type: 'string', enum: ['a'] } },
      ['x: array', 'x[]: string = ["a"]'],
    ],
    [
      'an array of objects',
      { minItems: 1, items: { required: ['sku'], properties: { sku: { type: 'string' } } } },
      ['x[].sku: string'],
    ],
    ['an array of arrays', { minItems: 1, items: { minItems: 1, items: { type: 'number' } } }, ['x[][]: number']],
    ['an array of anything', { type: 'array' }, ['x: array', 'x[]: ']],
    [
      'a tuple',
      { minItems: 1, items: [{ type: 'string' }, { type: 'number' }], additionalItems: { type: 'null' } },
      ['x[]: string|number|null'],
    ],
    [
      'a tuple of 2020-12',
      { minItems: 1, prefixItems: [{ type: 'string' }], items: { type: 'number' } },
      ['x[]: number|string'],
    ],
    ['additional properties', { minProperties: 1, additionalProperties: { type: 'string' } }, ['x.*: string']],
    ['any additional property is unknown, so denied', { type: 'object', additionalProperties: true }, ['x: object']],
    [
      'patterns',
      { minProperties: 1, patternProperties: { '^a': { type: 'string' }, '^b': { type: 'number' } } },
      ['x.*: string|number'],
    ],
    [
      'named and additional ones',
      {
        required: ['a'],
        properties: { a: { type: 'string' } },
        additionalProperties: { type: 'object', required: ['b'], properties: { b: {} } },
      },
      ['x.a: string', 'x.*.b: '],
    ],
    [
      'a property that is forbidden',
      { required: ['a'], properties: { a: { type: 'string' }, b: false } },
      ['x.a: string'],
    ],
  ])('%s', (_name, schema, want) => {
    expect(linesOfProperty(schema)).toEqual(want);
  });

  test('a list at the root stands for its elements, and that is said', () => {
    const list = { type: 'array', items: { properties: { a: { type: 'string' } } }, $schema: '' };
    expect([linesOf(list), warningsOf(list)]).toEqual([
      ['a: string'],
      ['a list at the root: imported as its elements, since a payload is an object'],
    ]);
  });

  test('dynamic keys at the root', () => {
    expect(linesOf({ type: 'object', additionalProperties: { type: 'number' } })).toEqual(['*: number']);
  });
});

describe('alternatives', () => {
  test.each<[string, unknown, string[]]>([
    [
      'constants (as in matrix)',
      { type: 'string', oneOf: [{ const: 'a' }, { const: 'b' }] },
      ['x: string = ["a","b"]'],
    ],
    ['types', { anyOf: [{ type: 'string' }, { type: 'number' }] }, ['x: string|number']],
    ['an open one opens the enum', { anyOf: [{ enum: ['a'] }, { type: 'string' }] }, ['x: string']],
    ['null does not', { anyOf: [{ type: 'string', enum: ['a'] }, { type: 'null' }] }, ['x: string|null = ["a",null]']],
    ['one that says nothing opens the type', { anyOf: [{ type: 'string' }, { description: 'anything' }] }, ['x: ']],
    ['unless the whole states it', { type: 'string', anyOf: [{ minLength: 1 }, { maxLength: 3 }] }, ['x: string']],
    [
      'nor does an object',
      {
        oneOf: [
          { type: 'string', enum: ['a'] },
          { type: 'object', required: ['b'], properties: { b: {} } },
        ],
      },
      ['x: string = ["a"]', 'x.b: '],
    ],
    [
      'leaves are united',
      {
        minProperties: 1,
        oneOf: [{ properties: { a: { type: 'string' } } }, { properties: { a: { type: 'number' }, b: {} } }],
      },
      ['x.a: string|number', 'x.b: '],
    ],
    [
      'with the properties beside',
      { required: ['a'], properties: { a: {} }, anyOf: [{ properties: { b: {} } }, { required: ['c'] }] },
      ['x.a: ', 'x.b: '],
    ],
    [
      'all of',
      {
        allOf: [{ required: ['a'], properties: { a: { type: 'string' } } }, { properties: { b: { type: 'string' } } }],
      },
      ['x.a: string', 'x.b: string'],
    ],
    ['all of: enums with nothing in common', { allOf: [{ enum: ['a'] }, { enum: ['b'] }] }, ['x: string = ["a"]']],
    [
      'all of: the narrower enum',
      { allOf: [{ enum: ['a', 'b', 'c'] }, { enum: ['c', 'b', 'd'] }] },
      ['x: string = ["b","c"]'],
    ],
    [
      'a condition adds leaves, and narrows nothing',
      {
        required: ['k'],
        properties: { k: { enum: ['a', 'b'] } },
        if: {},
        then: { properties: { k: { const: 'a' }, t: {} } },
        else: { properties: { e: {} } },
      },
      ['x.k: string = ["a","b"]', 'x.t: ', 'x.e: '],
    ],
    [
      'dependent schemas',
      {
        required: ['a'],
        properties: { a: {} },
        dependentSchemas: { a: { properties: { d: {} } } },
        dependencies: { a: ['b'] },
      },
      ['x.a: ', 'x.d: '],
    ],
    ['not says nothing', { type: 'string', not: { enum: ['a'] } }, ['x: string']],
  ])('%s', (_name, schema, want) => {
    expect(linesOfProperty(schema)).toEqual(want);
  });
});

describe('names', () => {
  test('hostile keys become one step of a path', () => {
    const keys = [
      'a.b',
      'a[0]',
      'a[]',
      '*',
      'back\\slash',
      '"quo\'te',
      'new\nline',
      'constructor',
      '😀',
      ' ',
      '$ref',
      '#',
      'null',
      '- x: y',
    ];
    const text = `{"properties":{${keys.map((key) => `${JSON.stringify(key)}:{"type":"string"}`).join()}}}`;
    expect(eventsOf(text, 'x')[0]?.fields.map((f) => f.path)).toEqual([
      'a\\.b',
      'a\\[0\\]',
      'a\\[\\]',
      '\\*',
      'back\\\\slash',
      '"quo\'te',
      'new\nline',
      'constructor',
      '😀',
      ' ',
      '$ref',
      '#',
      'null',
      '- x: y',
    ]);
  });

  test('an empty key is a step too, but none at the root, where it would be no path', () => {
    const schema = {
      properties: {
        '': { type: 'string' },
        x: { required: [''], properties: { '': { required: [''], properties: { '': { type: 'string' } } } } },
      },
    };
    expect([linesOf(schema), warningsOf(schema)]).toEqual([
      ['x..: string'],
      ['a key "" at the root: left out, since no question can name it'],
    ]);
  });

  test('__proto__ is a key like any other below the root; at the root no question can name it', () => {
    const [event] = eventsOf(
      '{"properties":{"__proto__":{},"x":{"required":["__proto__"],"properties":{"__proto__":{"type":"string"}}}}}',
      'f',
    );
    expect([event?.fields, event?.losses]).toEqual([
      [{ path: 'x.__proto__', types: ['string'] }],
      ['a key "__proto__" at the root: left out, since no question can name it'],
    ]);
  });

  test('a key that is no Unicode text is left out, and said', () => {
    const [event] = eventsOf('{"properties":{"\\ud800":{},"\\udc00":{},"a":{}}}', 'x');
    expect([event?.fields.map((f) => f.path), event?.losses]).toEqual([
      ['a'],
      ['keys that are no Unicode text: left out, since no question can name them'],
    ]);
  });

  test('a path over 512 bytes is left out, and said', () => {
    const schema = (length: number) => ({ properties: { ['é'.repeat(length)]: { type: 'string' } } });
    expect([linesOf(schema(256)).length, warningsOf(schema(256))]).toEqual([1, []]);
    expect([linesOf(schema(257)).length, warningsOf(schema(257))]).toEqual([0, ['paths over 512 bytes: left out']]);
  });
});

describe('which definition it is', () => {
  const head = (definition: unknown, file = 'dir/usage.report.json') =>
    eventsOf(JSON.stringify(definition), file).map(({ name, version, source }) => ({ name, version, source }));

  test('a JSON Schema is named as its file', () => {
    expect(head({ type: 'object' })).toEqual([{ name: 'usage.report', version: '1', source: 'dir/usage.report.json' }]);
    expect(head({ properties: {} }, 'a\\Signup.schema.json')[0]?.name).toBe('Signup');
    expect(head({ properties: {} }, '.json')[0]?.name).toBe('.json');
  });

  test('an Iglu schema by vendor, name and version', () => {
    const self = { vendor: 'com.olark', name: 'transcript', format: 'jsonschema', version: '1-0-2' };
    expect(head({ self, type: 'object' }, '1-0-2')).toEqual([
      { name: 'com.olark/transcript', version: '1-0-2', source: '1-0-2' },
    ]);
  });

  test('a tracking plan by its rules; a call without a key by its type', () => {
    const jsonSchema = { properties: {} };
    const rules = [
      { key: 'Order Done', type: 'TRACK', version: 2, jsonSchema },
      { type: 'IDENTIFY', jsonSchema },
      { key: '', type: 'GROUP', jsonSchema },
    ];
    expect(head({ rules }, 'plan.json')).toEqual([
      { name: 'Order Done', version: '2', source: 'plan.json' },
      { name: 'identify', version: '1', source: 'plan.json' },
      { name: 'group', version: '1', source: 'plan.json' },
    ]);
  });

  test('a rule for the whole message keeps properties and traits in its paths, one for its properties has none', () => {
    const whole = {
      properties: {
        properties: { required: ['plan'], properties: { plan: { type: 'string' } } },
        traits: { type: 'object' },
      },
    };
    expect(linesOf({ rules: [{ key: 'a', jsonSchema: whole }] })).toEqual([
      'properties.plan: string',
      'traits: object',
    ]);
    expect(linesOf({ rules: [{ key: 'a', jsonSchema: { properties: { plan: { type: 'string' } } } }] })).toEqual([
      'plan: string',
    ]);
  });

  test.each([
    ['text', '"a"', 'not an object'],
    [
      'something else',
      '{"a":1}',
      expect.stringMatching(/^neither a JSON Schema of an object, nor an Iglu schema, nor a tracking plan/),
    ],
    [
      'a schema of something else than an object',
      '{"$schema":"http://json-schema.org/draft-07/schema#","type":"string"}',
      expect.stringMatching(/^neither/),
    ],
    ['a self without a version', '{"self":{"vendor":"v","name":"n"}}', 'self needs vendor, name and version'],
    [
      'definitions alone',
      '{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"a":{"type":"object"}}}',
      'definitions alone: which of them is an event, nothing says',
    ],
    [
      'a plan without its rules',
      '{"data":{"trackingPlan":{"id":"tp_1"}}}',
      'a tracking plan without its rules: export them too',
    ],
    [
      'an OpenAPI document',
      '{"openapi":"3.1.0","$schema":"x","properties":{}}',
      'an OpenAPI document: give the schemas of its events in files of their own',
    ],
  ])('refuses %s', (_name, text, message) => {
    expect(() => eventsOf(text, 'f')).toThrow(expect.objectContaining({ code: 'request_invalid', message }));
  });

  test('takes a byte order mark', () => {
    expect(eventsOf('\uFEFF{"properties":{}}', 'f')).toHaveLength(1);
  });
});

test('whatever JSON it is: events, or a refusal', () => {
  const key = fc.constantFrom(
    'properties',
    'items',
    'type',
    'enum',
    'const',
    'allOf',
    'anyOf',
    '$ref',
    '$defs',
    'additionalProperties',
    'patternProperties',
    'required',
    'then',
    'dependencies',
    'a',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>('string', 'object', '#', '#/$defs/a', 1, null, true, false),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(key, tree), (schema) => {
      for (const { fields } of eventsOf(JSON.stringify({ ...schema, type: 'object' }), 'f')) {
        expect(new Set(fields.map((f) => f.path)).size).toBe(fields.length);
      }
    }),
    { numRuns: 2_000 },
  );
});
