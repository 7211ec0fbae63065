import { importDefinitions } from '../../../src/sources/import/definitions.ts';
import { eventsOf, linesOf, linesOfEvents, linesOfProperty, warningsOf } from './support.ts';

describe('references', () => {
  test.each<[string, unknown, object, string[]]>([
    ['to definitions', { $ref: '#/definitions/d' }, { definitions: { d: { type: 'string' } } }, ['x: string']],
    [
      'to $defs, with odd characters',
      { $ref: '#/$defs/a~1b%20~0c' },
      { $defs: { 'a/b ~c': { type: 'string' } } },
      ['x: string'],
    ],
    [
      'after the own $id',
      { $ref: 'https://e.com/s.json#/$defs/d' },
      { $id: 'https://e.com/s.json', $defs: { d: { type: 'string' } } },
      ['x: string'],
    ],
    [
      'with what stands beside',
      { $ref: '#/$defs/d', required: ['a'], properties: { a: {} } },
      { $defs: { d: { properties: { b: {} } } } },
      ['x.a: ', 'x.b: '],
    ],
    [
      'twice to the same',
      { required: ['a'], properties: { a: { $ref: '#/$defs/d' }, b: { $ref: '#/$defs/d' } } },
      { $defs: { d: { type: 'null' } } },
      ['x.a: null', 'x.b: null'],
    ],
    ['F17: to an $anchor', { $ref: '#d' }, { $defs: { any: { $anchor: 'd', type: 'string' } } }, ['x: string']],
    [
      'F17: to a $dynamicAnchor',
      { $dynamicRef: '#d' },
      { $defs: { any: { $dynamicAnchor: 'd', type: 'string' } } },
      ['x: string'],
    ],
    [
      'F17: to an $id, relative to the document’s',
      { $ref: 'd.json' },
      { $id: 'https://e.com/s/s.json', $defs: { any: { $id: 'd.json', type: 'string' } } },
      ['x: string'],
    ],
    [
      'F17: to an $id of a document without one',
      { $ref: 'd.json' },
      { $defs: { any: { $id: 'd.json', type: 'string' } } },
      ['x: string'],
    ],
    ['F17: to a urn', { $ref: 'urn:uuid:1' }, { $defs: { any: { $id: 'urn:uuid:1', type: 'string' } } }, ['x: string']],
    [
      'F17: to a pointer below an $id',
      { $ref: 'd.json#/properties/a' },
      { $id: 'https://e.com/s.json', $defs: { any: { $id: '/d.json', properties: { a: { type: 'null' } } } } },
      ['x: null'],
    ],
    [
      'F17: to an anchor below an $id',
      { $ref: '/d.json#a' },
      { $id: 'https://e.com/s.json', $defs: { any: { $id: 'd.json', $defs: { a: { $anchor: 'a', type: 'null' } } } } },
      ['x: null'],
    ],
    [
      'F17: to an $id that is an anchor (drafts 6 and 7)',
      { $ref: '#d' },
      { definitions: { any: { $id: '#d', type: 'string' } } },
      ['x: string'],
    ],
    [
      'F17: to an id (draft 4)',
      { $ref: 'd.json' },
      { id: 'http://e.com/s.json#', definitions: { any: { id: 'd.json', type: 'string' } } },
      ['x: string'],
    ],
    [
      'F17: to an id that is an anchor (draft 4)',
      { $ref: '#d' },
      { id: 'http://e.com/s.json', definitions: { any: { id: '#d', type: 'string' } } },
      ['x: string'],
    ],
    [
      'F17: from below an id that is no address, to the document',
      { id: '/properties/x', $ref: '#/definitions/d' },
      { definitions: { d: { type: 'string' } } },
      ['x: string'],
    ],
    [
      'F17: to a property that is called as a keyword',
      { $ref: '#a' },
      { $defs: { o: { properties: { default: { $anchor: 'a', type: 'null' } } } } },
      ['x: null'],
    ],
    [
      'F17: no id in an example is one',
      { $ref: '#d' },
      { examples: [{ $anchor: 'd', type: 'null' }], $defs: { any: { $anchor: 'd', type: 'string' } } },
      ['x: string'],
    ],
    [
      'F17: $ref and extends of draft 3',
      { extends: { $ref: '#/properties/y' } },
      { properties: { y: { type: ['string', { type: 'null' }] }, x: { extends: { $ref: '#/properties/y' } } } },
      ['y: string|null', 'x: string|null'],
    ],
    ['elsewhere', { $ref: 'https://e.com/other.json' }, {}, ['x: ']],
    ['to nothing', { $ref: '#/definitions/none' }, {}, ['x: ']],
    ['to what every object has', { $ref: '#/constructor' }, {}, ['x: ']],
    ['a broken one', { $ref: '#/%' }, {}, ['x: ']],
  ])('%s', (_name, schema, more, want) => {
    expect(linesOfProperty(schema, more)).toEqual(want);
  });

  test.each(['https://e.com/other.json', '#/definitions/none', '#/constructor', '#/properties/x/type/0', '#named'])(
    '%s is not followed, and said',
    ($ref) => {
      expect(warningsOf({ properties: { x: { type: 'object' }, y: { $ref } } })).toEqual([
        `reference "${$ref}" leads nowhere in what is imported: not followed`,
      ]);
    },
  );

  test('one that leads back to itself is followed once, and said', () => {
    const tree = {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string' }, children: { minItems: 1, items: { $ref: '#' } } },
    };
    expect(linesOf(tree)).toEqual(['name: string', 'children[]: object']);
    expect(warningsOf(tree)).toEqual(['reference "#" leads back to itself: followed once']);
    const pair = {
      properties: { a: { $ref: '#/$defs/a' } },
      $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } },
    };
    expect(linesOf(pair)).toEqual(['a: ']);
  });

  test('32 keys deep is followed, no deeper', () => {
    const nested = (depth: number): unknown =>
      depth === 0 ? { type: 'string' } : { type: 'object', required: ['k'], properties: { k: nested(depth - 1) } };
    const path = (depth: number) => Array.from({ length: depth }, () => 'k').join('.');
    expect([linesOf(nested(32)), warningsOf(nested(32))]).toEqual([[`${path(32)}: string`], []]);
    expect([linesOf(nested(33)), warningsOf(nested(33))]).toEqual([
      [`${path(32)}: object`],
      ['deeper than 32 keys: not followed'],
    ]);
  });

  test('a schema that doubles at every level ends, and says so', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [
        `d${i}`,
        { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
      ]),
    );
    expect(warningsOf({ properties: { x: { $ref: '#/$defs/d0' } }, $defs })).toContain(
      'larger than 50000 schemas: the rest is left out',
    );
    const wide = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [
        `d${i}`,
        { properties: { a: { $ref: `#/$defs/d${i + 1}` }, b: { $ref: `#/$defs/d${i + 1}` } } },
      ]),
    );
    expect(linesOf({ properties: { x: { $ref: '#/$defs/d0' } }, $defs: wide }).length).toBeLessThanOrEqual(10_000);
  });

  test('very deeply nested alternatives end', () => {
    const deep = `${'{"anyOf":['.repeat(5_000)}{}${']}'.repeat(5_000)}`;
    expect(eventsOf(`{"properties":{"x":${deep}}}`, 'x')[0]?.losses).toEqual([
      'schemas nested deeper than 128: not followed',
    ]);
  });
});

describe('F17: properties that stand twice lose no field', () => {
  test.each<[string, string, string[]]>([
    [
      'in all of',
      '{"properties":{"a":{"type":"string"}},"allOf":[{"properties":{"b":{}}},{"properties":{"a":{"enum":["x"]}}}]}',
      ['a: string = ["x"]', 'b: '],
    ],
    [
      'as a repeated key',
      '{"properties":{"a":{"type":"string"}},"properties":{"b":{"type":"null"}}}',
      ['a: string', 'b: null'],
    ],
    [
      'as a repeated key within',
      '{"properties":{"x":{"required":["a"],"properties":{"a":{}},"properties":{"b":{}}}}}',
      ['x.a: ', 'x.b: '],
    ],
    [
      'a property that stands twice',
      '{"properties":{"x":{"type":"object","required":["a"],"properties":{"a":{}}},"x":{"properties":{"b":{}}}}}',
      ['x.a: ', 'x.b: '],
    ],
    [
      'in a $ref and beside it',
      '{"$ref":"#/$defs/d","properties":{"a":{}},"$defs":{"d":{"properties":{"b":{}}}}}',
      ['a: ', 'b: '],
    ],
  ])('%s', (_name, text, want) => {
    const { events, left } = importDefinitions(text, { file: 'f.json' });
    expect([linesOfEvents(events), left]).toEqual([want, []]);
  });

  test('that a key stands twice is said, with its place, in JSON and YAML', () => {
    const said = (line: number, column: number) => [
      `${line}:${column}: the key "properties" stands twice: ` +
        'objects are taken together, of other values the later one counts',
    ];
    expect(importDefinitions('{"properties":{},\n "properties":{}}', { file: 'f.json' }).notes).toEqual(said(2, 2));
    const yaml = importDefinitions('type: object\nproperties: { a: {} }\nproperties:\n  b: {}\n', { file: 'f.yaml' });
    expect([yaml.notes, yaml.events[0]?.fields.map(({ path }) => path)]).toEqual([said(3, 1), ['a', 'b']]);
  });
});

test('F17: an enum keeps what its type does not name, and says what it cannot keep', () => {
  expect(linesOfProperty({ type: 'string', enum: ['a', null, 1] })).toEqual(['x: string|null|number = ["a",null,1]']);
  const text = '{"properties":{"x":{"enum":[1,12345678901234567890]},"y":{"enum":[1e400]}}}';
  expect(eventsOf(text, 'f.json').map(({ fields, losses }) => [fields, losses])).toEqual([
    [
      [
        { path: 'x', types: ['number'], enum: [1] },
        { path: 'y', types: [] },
      ],
      ['a number of an enum cannot be kept exactly: left out of it'],
    ],
  ]);
});
