import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { SluiceError } from '../../src/core/errors.ts';
import { parseBatch, parsePermitted, parseQuestion, PERMITTED_SCHEMA, QUESTION_SCHEMA } from '../../src/core/parse/parse.ts';

const WHO = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production' };
const QUESTION = { ...WHO, fields: ['plan'] };
const PARSED = { ...QUESTION, channel: 'telemetry', dataSubject: {}, context: {} };

/** What came out, or what was said. Whatever else is thrown fails the test. */
function outcome<T>(parse: () => T): T | string {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SluiceError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const asked = (more: object) => outcome(() => parseQuestion({ ...QUESTION, ...more }));
const without = (key: string) => Object.fromEntries(Object.entries(QUESTION).filter(([name]) => name !== key));
const words = (count: number, length: number) => Array.from({ length: count }, (_, i) => String(i).padStart(length, 'x'));
const entries = (count: number) => Object.fromEntries(words(count, 4).map((name) => [name, 1]));

describe('a question that is right', () => {
  test('gets its defaults', () => {
    expect(asked({})).toEqual(PARSED);
  });

  test('with everything', () => {
    const { fields: _, ...rest } = PARSED;
    const given = {
      ...WHO, v: 1, onBehalfOf: 'user:sam', destination: 'https://API-eu.Mixpanel.com:8443/track?token=x#y', purpose: 'analytics.reporting', channel: 'export', event: 'usage.report@2',
      payload: { plan: 'pro', seats: [1, 2] }, aggregate: { groupBy: ['plan'], minCell: 25 }, rows: 250, about: 'account:A1', dataSubject: { region: 'DE' },
      context: { consent: true, tier: 'gold', seats: 3.5 }, supports: ['mask', 'drop', 'teleport', 'drop'], minRevision: 0,
    };
    expect(outcome(() => parseQuestion(given))).toEqual({
      ...rest, onBehalfOf: 'user:sam', destination: { host: 'api-eu.mixpanel.com', secure: true }, purpose: 'analytics.reporting', channel: 'export', event: 'usage.report@2',
      payload: [{ path: 'plan', value: 'pro', kind: 'string' }, { path: 'seats[]', value: 1, kind: 'number' }, { path: 'seats[]', value: 2, kind: 'number' }],
      aggregate: { groupBy: ['plan'], minCell: 25 }, rows: 250, about: 'account:A1', dataSubject: { region: 'DE' },
      context: { consent: true, tier: 'gold', seats: 3.5 }, supports: ['drop', 'mask'], minRevision: 0,
    });
  });

  test.each<[string, object, object]>([
    ['J22 categories instead of fields', { fields: undefined, categories: ['user.contact.email'] }, { fields: undefined, categories: ['user.contact.email'] }],
    ['a destination instead of a vendor', { vendor: undefined, destination: 'http://a.example' }, { vendor: undefined, destination: { host: 'a.example', secure: false } }],
    ['only the host of a destination counts', { destination: 'https://user:pw@a.example:1/x?y#z' }, { destination: { host: 'a.example', secure: true } }],
    ['a host in other letters is the host as it is asked for', { destination: 'HTTPS://bücher.example' }, { destination: { host: 'xn--bcher-kva.example', secure: true } }],
    ['J33 an unknown op is ignored', { supports: ['teleport'] }, { supports: [] }],
    ['J25 no op at all', { supports: [] }, { supports: [] }],
    ['an aggregate of all', { aggregate: {} }, { aggregate: { groupBy: [] } }],
    ['J30 unknown, odd and look-alike names', { identity: 'x', event: 'a\0b', purpose: '\u202Eb', fields: ['pl\u0430n', '__proto__', 'constructor'] }, { identity: 'x', event: 'a\0b', purpose: '\u202Eb', fields: ['pl\u0430n', '__proto__', 'constructor'] }],
    ['names of 256 characters', { event: 'x'.repeat(256) }, { event: 'x'.repeat(256) }],
    ['J32 1,000 fields', { fields: words(1000, 30) }, { fields: words(1000, 30) }],
    ['J32 paths of 512 bytes', { fields: ['ü'.repeat(256)] }, { fields: ['ü'.repeat(256)] }],
    ['context named like members of objects', { context: { constructor: 1, toString: true } }, { context: { constructor: 1, toString: true } }],
  ])('%s', (_name, more, want) => {
    expect(asked(more)).toEqual({ ...PARSED, ...want });
  });
});

describe('a question that is wrong', () => {
  test.each<[string, object, string]>([
    ['J22 an unknown key', { enviroment: 'x' }, 'unknown key "enviroment"; did you mean environment?'],
    ['J22 another', { 'zz top': 1 }, 'unknown key "zz top"'],
    ['J22 shown in part, without control characters', { [`\u001b[31m\u202e"${'z'.repeat(100)}`]: 1 }, `unknown key "?[31m?\\"${'z'.repeat(57)}"`],
    ['J22 in aggregate', { aggregate: { groupby: [] } }, 'unknown key "groupby"; did you mean groupBy?'],
    ['J22 in dataSubject', { dataSubject: { Region: 'EU' } }, 'unknown key "Region"; did you mean region?'],
    ['J22 names of JavaScript', { constructor: 1 }, 'unknown key "constructor"'],
    ['J22 an own __proto__', JSON.parse('{"__proto__":{"identity":"x"}}'), 'unknown key "__proto__"'],
    ['J22 fields and payload', { payload: { a: 1 } }, 'exactly one of fields, payload and categories is required'],
    ['J22 fields and categories', { categories: ['a'] }, 'exactly one of fields, payload and categories is required'],
    ['J22 an empty list', { fields: [] }, 'fields must be a list of at least one string'],
    ['J22 an empty list of categories', { fields: undefined, categories: [] }, 'categories must be a list of at least one string'],
    ['J33 a repeated field', { fields: ['a', 'b', 'a'] }, 'fields names something twice'],
    ['J33 payload {}', { fields: undefined, payload: {} }, 'payload must not be empty'],
    ['a payload that is a list', { fields: undefined, payload: [1] }, 'payload must be an object'],
    ['fields that is a string', { fields: 'plan' }, 'fields must be a list of at least one string'],
    ['a field that is a number', { fields: ['a', 1] }, 'fields must be a list of strings, none of them empty or with a lone surrogate'],
    ['an empty field', { fields: [''] }, 'fields must be a list of strings, none of them empty or with a lone surrogate'],
    ['a lone surrogate in a field', { fields: ['a\ud83d'] }, 'fields must be a list of strings, none of them empty or with a lone surrogate'],
    ['J32 a path of 513 bytes', { fields: [`${'ü'.repeat(256)}x`] }, 'fields: a path of more than 512 bytes'],
    ['an empty identity', { identity: '' }, 'identity must be a string that is not empty'],
    ['an identity that is null', { identity: null }, 'identity must be a string that is not empty'],
    ['an identity of 257 characters', { identity: 'x'.repeat(257) }, 'identity: more than 256 characters'],
    ['a lone surrogate', { identity: 'user:\udc00' }, 'identity holds a lone surrogate'],
    ['an event that is a list', { event: ['x'] }, 'event must be a string that is not empty'],
    ['about that is an object', { about: {} }, 'about must be a string that is not empty'],
    ['J33 an unknown channel', { channel: 'telemetri' }, 'channel must be one of telemetry, export, webhook, prompt, retrieval, tool_call, response; did you mean telemetry?'],
    ['J33 one that is like none', { channel: 7 }, 'channel must be one of telemetry, export, webhook, prompt, retrieval, tool_call, response'],
    ['a channel that is a member of objects', { channel: 'toString' }, 'channel must be one of telemetry, export, webhook, prompt, retrieval, tool_call, response'],
    ['J18 minCell 0', { aggregate: { minCell: 0 } }, 'aggregate.minCell must be an integer of at least 1'],
    ['J18 minCell 2.5', { aggregate: { minCell: 2.5 } }, 'aggregate.minCell must be an integer of at least 1'],
    ['J18 minCell "25"', { aggregate: { minCell: '25' } }, 'aggregate.minCell must be an integer of at least 1'],
    ['groupBy that is a string', { aggregate: { groupBy: 'plan' } }, 'aggregate.groupBy must be a list of strings'],
    ['an empty group key', { aggregate: { groupBy: [''] } }, 'aggregate.groupBy must be a list of strings, none of them empty or with a lone surrogate'],
    ['J32 a group key of 513 bytes', { aggregate: { groupBy: ['x'.repeat(513)] } }, 'aggregate.groupBy: a path of more than 512 bytes'],
    ['an aggregate that is a list', { aggregate: [] }, 'aggregate must be an object'],
    ['rows 0', { rows: 0 }, 'rows must be an integer of at least 1'],
    ['rows beyond 2^53', { rows: 2 ** 53 }, 'rows must be an integer of at least 1'],
    ['minRevision -1', { minRevision: -1 }, 'minRevision must be an integer of at least 0'],
    ['v 2', { v: 2 }, 'v must be 1'],
    ['v "1"', { v: '1' }, 'v must be 1'],
    ['context that is a list', { context: [] }, 'context must be an object'],
    ['context of objects', { context: { a: {} } }, 'a value in context must be a number within ±(2^53 - 1), a boolean or a string of at most 256 characters'],
    ['context with null', { context: { a: null } }, 'a value in context must be a number within ±(2^53 - 1), a boolean or a string of at most 256 characters'],
    ['context with NaN', { context: { a: NaN } }, 'a value in context must be a number within ±(2^53 - 1), a boolean or a string of at most 256 characters'],
    ['F7 context with a number beyond 2^53', { context: { a: 2 ** 53 } }, 'a value in context must be a number within ±(2^53 - 1), a boolean or a string of at most 256 characters'],
    ['context with a long string', { context: { a: 'x'.repeat(257) } }, 'a value in context must be a number within ±(2^53 - 1), a boolean or a string of at most 256 characters'],
    ['context with 65 names', { context: entries(65) }, 'context: more than 64 names'],
    ['context with a long name', { context: { ['x'.repeat(257)]: 1 } }, 'a name in context: more than 256 characters'],
    ['a region that is null', { dataSubject: { region: null } }, 'dataSubject.region must be a string that is not empty'],
    ['supports that is a string', { supports: 'drop' }, 'supports must be a list of at most 100 strings'],
    ['supports with a number', { supports: [1] }, 'supports must be a list of strings, none of them empty or with a lone surrogate'],
  ])('%s', (_name, more, want) => {
    expect(asked(more)).toBe(`request_invalid: ${want}`);
  });

  test.each(['identity', 'environment'])('%s is missing', (key) => {
    expect(outcome(() => parseQuestion(without(key)))).toBe(`request_invalid: ${key} is required`);
  });

  test('nobody receives, or nothing is sent', () => {
    expect([outcome(() => parseQuestion(without('vendor'))), outcome(() => parseQuestion(without('fields')))])
      .toEqual(['request_invalid: vendor or destination is required', 'request_invalid: exactly one of fields, payload and categories is required']);
  });

  test('what is inherited is not stated', () => {
    expect(outcome(() => parseQuestion(Object.assign(Object.create({ identity: 'user:root' }), without('identity'))))).toBe('request_invalid: identity is required');
  });

  test.each([[null], [undefined], ['x'], [1], [[]], [[QUESTION]], [true]])('%j is no question', (body) => {
    const no = 'request_invalid: the question must be an object';
    expect([outcome(() => parseQuestion(body)), outcome(() => parsePermitted(body))]).toEqual([no, no]);
  });

  test.each([
    'api.mixpanel.com', '', '//a.example', 'ftp://a.example', 'javascript:alert(1)', 'file:///etc/passwd', 'https:', 'https://', 'https:///a.example', 'https:/a.example', 'https:a.example', 'https:\\\\a.example',
    'https://a.example\\@b.example', ' https://a.example', 'https://a.example\n', 'https://a.ex\tample', 'https://a b.example', 'https://a.example:99999', 'https://%', 'https://a.example/\ud83d', `https://a.example/${'x'.repeat(8192)}`, 7, null, {},
  ])('the destination %j', (destination) => {
    expect(asked({ destination })).toBe('request_invalid: destination must be an address that starts with https:// or http://, of at most 8192 characters');
  });
});

describe('J32: what is too large', () => {
  test.each<[string, object, string]>([
    ['1,001 fields', { fields: words(1001, 4) }, 'fields: more than 1000'],
    ['1,001 categories', { fields: undefined, categories: words(1001, 4) }, 'categories: more than 1000'],
    ['more than 32 KiB of paths', { fields: words(65, 512) }, 'the paths have more than 32768 bytes together'],
    ['counted in bytes', { fields: words(64, 170).map((path) => path.replaceAll('x', '漢')) }, 'accepted'],
    ['of three each', { fields: words(66, 170).map((path) => path.replaceAll('x', '漢')) }, 'the paths have more than 32768 bytes together'],
    ['group keys are paths too', { fields: words(60, 512), aggregate: { groupBy: words(8, 511) } }, 'the paths have more than 32768 bytes together'],
    ['and fields', { fields: words(600, 4), aggregate: { groupBy: words(600, 5) } }, 'more than 1000 fields'],
    ['1,001 fields of a payload', { fields: undefined, payload: entries(1001) }, 'more than 1000 fields'],
    ['J33 before all that is wrong besides', { v: 2, channel: 'x', bogus: 1, identity: '', fields: ['', ...words(1000, 4)] }, 'fields: more than 1000'],
  ])('%s', (_name, more, want) => {
    const got = asked(more);
    expect(typeof got === 'string' ? got : 'accepted').toBe(want === 'accepted' ? want : `too_large: ${want}`);
  });
});

describe('POST /permitted', () => {
  test('asks about no fields', () => {
    const { fields: _, ...want } = PARSED;
    expect(outcome(() => parsePermitted(WHO))).toEqual(want);
  });

  test.each(['fields', 'payload', 'categories'])('refuses %s', (key) => {
    expect(outcome(() => parsePermitted({ ...WHO, [key]: ['a'] }))).toBe(`request_invalid: ${key} is not for this call: it answers for every category, or for every field of the event`);
  });

  test('refuses what a question does', () => {
    expect([outcome(() => parsePermitted({ ...WHO, vendro: 'x' })), outcome(() => parsePermitted({ ...WHO, rows: 0 }))])
      .toEqual(['request_invalid: unknown key "vendro"; did you mean vendor?', 'request_invalid: rows must be an integer of at least 1']);
  });
});

describe('POST /check/batch (J26)', () => {
  const batch = (body: unknown) => outcome(() => parseBatch(body).items.map((item) => outcome(item)));

  test.each<[string, object | undefined, unknown, unknown]>([
    ['an item alone', undefined, QUESTION, PARSED],
    ['defaults alone', QUESTION, {}, PARSED],
    ['the item goes over the defaults', { ...QUESTION, purpose: 'a' }, { purpose: 'b', fields: ['x'] }, { ...PARSED, purpose: 'b', fields: ['x'] }],
    ['shallowly', { ...QUESTION, context: { a: 1 } }, { context: { b: 2 } }, { ...PARSED, context: { b: 2 } }],
    ['null unsets', { ...QUESTION, purpose: 'a', payload: { p: 1 } }, { purpose: null, payload: null }, PARSED],
    ['null in the defaults says nothing', { ...QUESTION, purpose: null }, {}, PARSED],
    ['null unsets what is required', QUESTION, { identity: null }, 'request_invalid: identity is required'],
    ['fields do not replace the defaults\' payload', { ...WHO, payload: { a: 1 } }, { fields: ['a'] }, 'request_invalid: exactly one of fields, payload and categories is required'],
    ['J22 an unknown key of the item', QUESTION, { bogus: null }, 'request_invalid: unknown key "bogus"'],
    ['an item that is no object', QUESTION, null, 'request_invalid: the item must be an object'],
    ['an item that is too large', QUESTION, { fields: words(1001, 4) }, 'too_large: fields: more than 1000'],
    ['an item with an own __proto__', QUESTION, JSON.parse('{"__proto__":{"identity":"x"}}'), 'request_invalid: unknown key "__proto__"'],
  ])('%s', (_name, defaults, item, want) => {
    expect(batch({ ...(defaults !== undefined && { defaults }), items: [item, item] })).toEqual([want, want]);
  });

  test.each<[string, unknown, string]>([
    ['no object', [QUESTION], 'request_invalid: the body must be an object'],
    ['no items', { defaults: {} }, 'request_invalid: items must be a list of at least one question'],
    ['items that are no list', { items: {} }, 'request_invalid: items must be a list of at least one question'],
    ['no item', { items: [] }, 'request_invalid: items must be a list of at least one question'],
    ['1,001 items', { items: Array(1001).fill(QUESTION), bogus: 1 }, 'too_large: items: more than 1000'],
    ['an unknown key', { items: [QUESTION], default: {} }, 'request_invalid: unknown key "default"; did you mean defaults?'],
    ['defaults that are no object', { items: [QUESTION], defaults: null }, 'request_invalid: defaults must be an object'],
    ['J22 an unknown key in the defaults', { items: [QUESTION], defaults: { evnt: 'x' } }, 'request_invalid: unknown key "evnt"; did you mean event?'],
  ])('the whole fails: %s', (_name, body, want) => {
    expect(batch(body)).toBe(want);
  });

  test('1,000 items are 1,000 questions', () => {
    expect(batch({ defaults: WHO, items: words(1000, 4).map((path) => ({ fields: [path] })) })).toEqual(words(1000, 4).map((path) => ({ ...PARSED, fields: [path] })));
  });

  test('the error of one item is its own', () => {
    expect(batch({ items: [QUESTION, { ...QUESTION, rows: 0 }, null, , QUESTION] })).toEqual([ // eslint-disable-line no-sparse-arrays
      PARSED, 'request_invalid: rows must be an integer of at least 1', 'request_invalid: the item must be an object', 'request_invalid: the item must be an object', PARSED,
    ]);
  });

  test('an item parses when it is asked for, and the defaults\' payload once for all', () => {
    let reads = 0;
    const payload = new Proxy({ a: 1 }, { ownKeys: (target) => { reads += 1; return Reflect.ownKeys(target); } });
    const { items } = parseBatch({ defaults: { ...WHO, payload }, items: [{}, {}, { payload: { b: 1 } }] });
    expect(reads).toBe(0);
    const [first, second, third] = items.map((item) => item());
    expect([reads, first!.payload === second!.payload, third!.payload]).toEqual([1, true, [{ path: 'b', value: 1, kind: 'number' }]]);
  });
});

describe('the schemas', () => {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, formats: { int64: true } });
  const question = ajv.compile(QUESTION_SCHEMA);
  const permitted = ajv.compile(PERMITTED_SCHEMA);

  // One member spoilt or odd in each; what a schema can't say (bytes, all paths together, payload) is not among them.
  const members: Readonly<Record<string, readonly unknown[]>> = {
    v: [1, 2, '1', null], identity: ['x', '', 'x'.repeat(256), 'x'.repeat(257), 1, null], onBehalfOf: ['user:sam', ''], vendor: ['', 'x', null], environment: ['', 'x', {}], purpose: ['', 'a.b'], event: ['', 'x@1'], about: ['', 'account:A1'],
    destination: ['https://a.example/x', 'http://a.example', 'HTTPS://a.example', 'ftp://a.example', 'a.example', 'https:///a', 'https://', 7, null],
    channel: ['export', 'Export', '', null], fields: [['a'], [], ['a', 'a'], [''], [1], 'a', words(1000, 4), words(1001, 4), ['x'.repeat(512)], ['x'.repeat(513)], null],
    categories: [[], ['a']], payload: [{}, { a: 1 }, [], null, 'x'], rows: [0, 1, 1.5, 2 ** 53, 2 ** 53 - 1, '1'], minRevision: [-1, 0, 1.5, 2 ** 53],
    aggregate: [{}, { groupBy: [] }, { groupBy: ['a'], minCell: 1 }, { minCell: 0 }, { minCell: 1.5 }, { groupBy: [''] }, { groupBy: 'a' }, { other: 1 }, [], { groupBy: ['x'.repeat(513)] }],
    dataSubject: [{}, { region: 'EU' }, { region: '' }, { country: 'DE' }, null], context: [{}, { a: 1, b: 'x', c: true }, { a: 2 ** 53 }, { a: -(2 ** 53 - 1) }, { a: null }, { a: [] }, entries(64), entries(65), { a: 'x'.repeat(257) }, { ['x'.repeat(257)]: 1 }, { '': 1 }, []],
    supports: [[], ['drop', 'teleport'], [''], [1], 'drop', Array(100).fill('drop'), Array(101).fill('drop')], other: [1],
  };
  const rows = Object.entries(members).flatMap(([key, values]) => values.map((value) => [key, value] as const));
  const accepts = (parse: () => unknown) => typeof outcome(parse) !== 'string';

  test.each(rows.map(([key, value]) => [key, JSON.stringify(value).slice(0, 40), value] as const))('say of %s %s what the parser says', (key, _shown, value) => {
    const bodies = [QUESTION, WHO, without('vendor'), { ...WHO, categories: ['a'] }].map((base) => ({ ...base, [key]: value }));
    expect(bodies.map((body) => question(body))).toEqual(bodies.map((body) => accepts(() => parseQuestion(body))));
    expect(bodies.map((body) => permitted(body))).toEqual(bodies.map((body) => accepts(() => parsePermitted(body))));
  });

  test.each(Object.keys(QUESTION))('say of a question without %s what the parser says', (key) => {
    expect(question(without(key))).toBe(accepts(() => parseQuestion(without(key))));
  });
});

const member = fc.constantFrom('v', 'identity', 'onBehalfOf', 'vendor', 'destination', 'environment', 'purpose', 'channel', 'event', 'fields', 'payload', 'categories', 'aggregate', 'rows', 'about', 'dataSubject', 'context', 'supports', 'minRevision', 'items', 'defaults', 'other');
const anything = fc.oneof(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true, withNullPrototype: true, withUnicodeString: true }), fc.constantFrom<unknown>('CANARY7313', ['CANARY7313', 7], { region: ['CANARY7313'] }, { groupBy: [{}], minCell: 'CANARY7313' }, 'ftp://CANARY7313', 'CANARY7313'.repeat(30), { a: 'CANARY7313\ud83d' }));

test('whatever it is given, it refuses with an error of its own that holds no value', () => {
  fc.assert(fc.property(fc.dictionary(member, anything, { maxKeys: 6 }), fc.boolean(), (members, whole) => {
    const body = whole ? { ...QUESTION, ...members } : members;
    for (const said of [outcome(() => parseQuestion(body)), outcome(() => parsePermitted(body)), outcome(() => parseBatch(body).items.map((item) => outcome(item)))]) {
      for (const message of Array.isArray(said) ? said : [said]) if (typeof message === 'string') expect(message).not.toContain('CANARY');
    }
  }), { numRuns: 2000 });
});

test('the order of the keys never matters', () => {
  const given = { ...QUESTION, context: { a: 1 }, rows: 3, supports: ['drop'], aggregate: { minCell: 12 } };
  const want = parseQuestion(given);
  fc.assert(fc.property(fc.shuffledSubarray(Object.entries(given), { minLength: Object.keys(given).length }), (shuffled) => { expect(parseQuestion(Object.fromEntries(shuffled))).toEqual(want); }));
});
