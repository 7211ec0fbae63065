import type { Answer } from '../../src/core/answer.ts';
import { removeWorlds } from '../support/world.ts';
import { CALLERS, closeAll, fakePdp, openHarness } from './harness.ts';
import { closeDropIns, openDropIn, type OpenedDropIn } from './permit-support.ts';

// The example world, with events whose fields are of these types.
const FIELD = { category: 'system.operations.plan' };
const EXTRA = {
  'events/numbers.yaml': {
    event: 'numbers.sent', kind: 'raw_event', purposes: ['analytics'], defaultPurpose: 'analytics.reporting', about: { type: 'account', field: 'account' },
    fields: { account: FIELD, id: { ...FIELD, type: 'integer' }, level: { ...FIELD, enum: [1, 2.5, 0] }, note: FIELD, 'more.*': FIELD },
  },
  'events/counts.yaml': { event: 'numbers.counted', kind: 'aggregate', purposes: ['analytics'], defaultPurpose: 'analytics.reporting', countField: 'people', fields: { people: { ...FIELD, role: 'measure' } } },
  'context/numbers.yaml': { context: { level: { type: 'number' } } },
};

let server: OpenedDropIn;
const TOKEN = { token: 'demo-gateway' };
beforeAll(async () => { server = await openDropIn({ extra: EXTRA }); });
afterAll(async () => {
  await closeDropIns();
  await closeAll();
  await removeWorlds();
});

const WHO = '"identity":"service:telemetry","vendor":"mixpanel","environment":"production","event":"numbers.sent"';
const asking = (payload: string, more = '') => `{${WHO}${more},"payload":${payload}}`;
const ask = async (payload: string, more = '') => (await server.post('/check', asking(payload, more), TOKEN)).json() as unknown as Answer;
const found = ({ reasons }: Answer) => reasons.filter(({ rule }) => rule.startsWith('payload-')).map(({ code, fields }) => `${code} ${fields.join(' ')}`);

describe('F7: numbers of a payload', () => {
  test.each([
    ['of any size', '{"id":9223372036854775807,"note":1e300}', []],
    ['with an exponent that nobody could write out', '{"id":1e999999999,"note":-1e-999999999}', []],
    ['that are whole, however written', '{"id":[]}', ['unknown_field id']],
    ['1.0 is an integer', '{"id":1.0}', []],
    ['-0 is one', '{"id":-0}', []],
    ['and 1.5 none', '{"id":1.5}', ['unknown_field id']],
    ['nor what a double rounds to one', '{"id":1.00000000000000000001}', ['unknown_field id']],
    ['of an enum, by value', '{"level":1.0}', []],
    ['of an enum, in every writing', '{"level":25e-1}', []],
    ['-0 where 0 is listed', '{"level":-0.0}', []],
    ['of an enum, in every digit', '{"level":2.5000000000000000000001}', ['value_not_in_enum level']],
  ])('%s', async (_name, payload, want) => {
    const answer = await ask(payload);
    expect(answer).toMatchObject({ decision: expect.any(String) });
    expect(found(answer)).toEqual(want);
  });

  test.each([
    ['9223372036854775807', '9223372036854775807', []], ['"9223372036854775807"', '9223372036854775807', []], ['9223372036854775806', '9223372036854775807', ['no_relationship account']],
    ['1.0', '1', ['no_relationship account']], ['1', '1', []], ['1e2', '100', ['no_relationship account']], ['null', 'null', ['no_relationship account']], ['true', 'true', ['no_relationship account']],
  ])('the id %s is account:%s by its text (J19)', async (value, id, want) => {
    expect(found(await ask(`{"account":${value}}`, `,"about":"account:${id}"`))).toEqual(want);
  });

  test.each([
    ['10', []], ['10.0', []], ['1e1', []], ['9.99999999999999999999', ['aggregate_too_small people']], ['1e999999999', []], ['99999999999999999999', []], ['-1e300', ['aggregate_too_small people']], ['"10"', ['aggregate_too_small people']],
  ])('a count of %s beside a smallest cell of 10', async (people, want) => {
    const body = asking(`{"people":${people}}`, ',"aggregate":{"minCell":10}').replace('numbers.sent', 'numbers.counted');
    expect(found((await server.post('/check', body, TOKEN)).json() as unknown as Answer)).toEqual(want);
  });

  test.each(['"rows":9007199254740993', '"rows":1e300', '"minRevision":1e16', '"aggregate":{"minCell":1e300}', '"context":{"level":9007199254740992}', '"context":{"level":-1e300}'])('Sluice\'s own are bounded: %s', async (member) => {
    expect((await server.post('/check', asking('{"id":1}', `,${member}`), TOKEN)).status).toBe(400);
  });
});

describe('F7, F8: what Permit\'s SDKs send', () => {
  const question = (more: string) => `{"user":{"key":"service|telemetry"},"action":"send-user-unique_id-pseudonymous","resource":{"type":"vendor","key":"mixpanel","tenant":"default"}${more}}`;
  const LARGE = ',"context":{"clock":1733011200000000123,"deep":[{"x":-1e300}]},"sdk":{"x":1e999999999}';

  test.each([['/allowed', question(LARGE)], ['/allowed/all-tenants', question(LARGE)], ['/user-permissions', question(LARGE)], ['/authorized_users', question(LARGE)], ['/allowed/bulk', `[${question(LARGE)}]`]])('%s passes over numbers of any size that nobody looks at', async (url, body) => {
    expect((await server.post(url, body)).status).toBe(200);
  });

  test('a webhook of Permit\'s may hold numbers of any size', async () => {
    const polled: string[] = [];
    const pdp = fakePdp({ callerOf: () => ({ ...CALLERS[0]!, powers: ['poll'] }), sync: { poll: (environment: string) => void polled.push(environment) } as never });
    const { send } = await openHarness({ pdp });
    expect((await send('/admin/sync/production/poll', { body: '{"at":1733011200000000123,"size":1e300}' })).status).toBe(200);
    expect(polled).toEqual(['production']);
  });

  test('a number that a condition may compare is bounded', async () => {
    expect((await server.post('/allowed', question(',"context":{"level":1e300}'))).status).toBe(422);
    expect((await server.post('/allowed', question(',"context":{"level":9007199254740991}'))).status).toBe(200);
  });

  test.each([
    ['a repeated key', question(',"x":{"a":1,"a":1}')], ['__proto__', question(',"x":[{"__proto__":1}]')], ['a lone surrogate', question(',"x":"\\ud800"')], ['too deep', question(`,"x":${'['.repeat(200)}${']'.repeat(200)}`)], ['a context number', question(',"context":{"level":1e300}')], ['1e300', '1e300'],
  ])('one bad item never refuses a bulk: %s', async (_name, bad) => {
    const { status, json } = await server.post('/allowed/bulk', `[${question('')},${bad},${question(LARGE)}]`);
    expect(status).toBe(200);
    const item = { allow: true, result: true };
    const refusal = _name === '1e300' ? { allow: false, result: false } : { allow: false, result: false, debug: { code: 'request_invalid', reason: expect.any(String) } };
    expect(json()['allow']).toEqual([expect.objectContaining(item), expect.objectContaining(refusal), expect.objectContaining(item)]);
  });
});

describe('F8: one bad item never refuses a batch', () => {
  const good = asking('{"id":9223372036854775807}');
  test.each([
    ['a large number', asking('{"id":1}', ',"rows":1e300')], ['a lone surrogate', asking('{"id":1}', ',"purpose":"\\ud800"')], ['a lone surrogate in a key of the payload', asking('{"\\ud800":1}')], ['a repeated key', asking('{"id":1,"id":1}')],
    ['__proto__', asking('{"id":1}', ',"__proto__":{}')], ['too deep', asking(`{"id":${'['.repeat(31)}${']'.repeat(31)}}`)], ['far too deep', asking(`{"id":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)],
  ])('%s', async (_name, bad) => {
    const { status, json } = await server.post('/check/batch', `{"items":[${good},${bad},${good}]}`, TOKEN);
    expect(status).toBe(200);
    const answered = expect.objectContaining({ fields: { id: expect.objectContaining({ category: 'system.operations.plan' }) } });
    expect(json()['items']).toEqual([answered, { error: { code: 'request_invalid', message: expect.any(String) } }, answered]);
    // Alone it is refused for the same reason.
    expect((await server.post('/check', bad, TOKEN)).status).toBe(400);
  });

  test('invalid JSON is the whole\'s', async () => {
    expect((await server.post('/check/batch', `{"items":[${good},{"a":}]}`, TOKEN)).status).toBe(400);
  });
});

describe('F8: keys of a payload may be any', () => {
  test('__proto__ and constructor are paths like others', async () => {
    const answer = await ask('{"__proto__":{"a":1},"constructor":1,"more":{"__proto__":1},"note":"x\\ud800"}');
    expect(Object.keys(answer.fields).toSorted()).toEqual(['__proto__.a', 'constructor', 'more.__proto__', 'note']);
    expect(answer.reasons.filter(({ code }) => code === 'unknown_field').flatMap(({ fields }) => fields)).toEqual(['__proto__.a', 'constructor']);
    const alone = await ask('{"__proto__":1}');
    expect([Object.keys(alone.fields), alone.decision]).toEqual([['__proto__'], 'deny']);
  });
});

test('F21: a body with a byte order mark is read', async () => {
  const marked = (text: string) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]);
  expect((await server.post('/check', marked(asking('{"id":1}')), TOKEN)).status).toBe(200);
  expect((await server.post('/check', marked(''), TOKEN)).status).toBe(400);
});
