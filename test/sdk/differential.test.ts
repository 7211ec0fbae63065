import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createApp } from '../../src/http/app.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { createServer, listen } from '../../src/http/server.ts';
import { createEmbedded, openSluice, type Embedded, type Sluice } from '../../src/index.ts';
import { createClient, type Client, type ClientAnswer } from '../../src/sdk/client.ts';
import { send } from '../http/harness.ts';
import { copyPolicies, findBuiltOpa, removeWorlds, ROOT } from '../support/world.ts';

// One decision point, asked in its own process, by the Node client and over HTTP alone: each says the same, or all refuse.

const FLAG = 'system.operations.feature_flag';
const EVENT = {
  event: 'differential.sent', kind: 'raw_event', purposes: ['analytics'], defaultPurpose: 'analytics.reporting', about: { type: 'account', field: 'account' },
  fields: {
    account: FLAG, flag: { category: FLAG, enum: ['on', 1, 0, null] }, count: { category: FLAG, type: 'integer' }, ratio: { category: FLAG, type: 'number', nullable: false }, mail: 'user.contact.email',
    'list[]': { category: FLAG, type: ['string', 'number'] }, 'deep.a.b[].c': FLAG, 'deep.a.mail': 'user.contact.email', 'keys.*': FLAG, 'constructor.name': FLAG,
  },
};

let [dataDir, server, port]: [string, Server | undefined, number] = ['', undefined, 0];
let sluice: Sluice;
let client: Client;
let embedded: Embedded;
const logger = { info() {}, warn() {}, error() {} };

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-differential-'));
  const policies = await copyPolicies({ 'events/differential.yaml': EVENT, 'context/differential.yaml': { context: { level: { type: 'number' } } } });
  const registry = new Registry();
  const observer = createMetrics(registry);
  sluice = await openSluice({ policies, rego: path.join(ROOT, 'rego'), dataDir, env: { ...process.env, SLUICE_OPA: await findBuiltOpa() }, logger, observer, memoBytes: 1024 * 1024, now: () => Date.parse('2026-11-22T12:00:00Z') });
  server = createServer(createApp({ pdp: sluice.pdp, logger: pino({ level: 'silent' }), registry, config: { demoCallers: true }, isDraining: () => false }));
  port = await listen(server, 0, '127.0.0.1');
  client = createClient({ url: `http://127.0.0.1:${port}`, token: 'demo-gateway', timeoutMs: 20_000 });
  embedded = createEmbedded(sluice.pdp, sluice.facts().callers.get('demo-gateway')!);
});
afterAll(async () => {
  await new Promise((resolve) => { server?.close(resolve); server?.closeAllConnections(); });
  await sluice.close();
  await rm(dataDir, { recursive: true });
  await removeWorlds();
});

const WHO = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: EVENT.event };

/** What is the same at every asking; of a refusal only that it is one. */
function verdictOf({ decision, fields, obligations, reasons, fix, unavailable }: Pick<ClientAnswer, 'decision' | 'fields' | 'obligations' | 'reasons' | 'fix' | 'unavailable'>) {
  return unavailable === undefined ? { decision, fields, obligations, reasons, fix } : 'refused';
}

/** By each way; `refused` where there is no decision. */
async function askAll(question: object) {
  const direct = async () => {
    // Whoever has no client sends what JSON makes of it, if JSON makes anything of it.
    const { status, json } = await send(port, '/check', { body: JSON.stringify(question), token: 'demo-gateway' });
    return status === 200 ? verdictOf(json() as unknown as ClientAnswer) : 'refused';
  };
  const item = async () => verdictOf((await client.checkBatch([WHO, question as never, {}], WHO))[1]!);
  return { embedded: verdictOf(await embedded.check(question as never)), client: verdictOf(await client.check(question as never)), item: await item(), direct };
}

class Sent { a = 1; }
const circle: Record<string, unknown> = {};
circle['self'] = circle;

describe('F3: what is not what is sent is refused by the client and in process alike', () => {
  test.each<[string, unknown]>([
    ['a Map', new Map([['mail', 'a@example.org']])], ['a Set', new Set(['a'])], ['an Error', new Error('x')], ['a Date', new Date(0)], ['NaN', NaN], ['Infinity', Infinity], ['a hidden member', Object.defineProperty({}, 'mail', { value: 'x' })],
    ['toJSON', { toJSON: () => 'x' }], ['a BigInt', 1n], ['undefined', undefined], ['a function', () => 1], ['a symbol', Symbol('x')], ['a symbol key', { [Symbol('x')]: 1 }], ['a hole', [1, , 2]], // eslint-disable-line no-sparse-arrays
    ['a typed array', new Uint8Array(2)], ['a Buffer', Buffer.from('x')], ['a getter', { get a() { return 1; } }], ['a changing proxy', new Proxy({ a: 1 }, { get: () => Math.random() })], ['a circle', circle], ['an instance of a class', new Sent()],
    ['half of a surrogate pair in a key', { '\ud800': 1 }], ['a string object', Object('x')], ['a list with members of its own', Object.assign([1], { a: 1 })], ['a promise', Promise.resolve(1)], ['33 levels', Array.from({ length: 33 }).reduce<unknown>((inner) => [inner], 1)],
  ])('%s', async (_name, value) => {
    for (const payload of [{ flag: 'on', 'keys': { a: value } }, { flag: 'on', list: ['x', value] }]) {
      const question = { ...WHO, payload: payload as never };
      const answers = [await client.check(question), ...(await client.checkBatch([question])), await embedded.check(question)];
      for (const answer of answers) expect(answer).toMatchObject({ decision: 'deny', unavailable: { code: expect.stringMatching(/^(question|request)_invalid$/), message: expect.stringMatching(/^payload\.(keys\.a|list\[1\])/) } });
      expect(new Set(answers.map(({ unavailable }) => unavailable?.message)).size).toBe(1);
    }
  });

  test('the rest of a batch is asked all the same', async () => {
    const fields = ['flag'];
    const answers = await client.checkBatch([{ fields }, { payload: { flag: NaN } }, null as never, { fields: ['mail'] }, { context: { level: 1n as never }, fields }], WHO);
    expect(answers.map(({ decision, unavailable }) => [decision, unavailable?.code])).toEqual([['allow', undefined], ['deny', 'question_invalid'], ['deny', 'request_invalid'], ['deny', undefined], ['deny', 'question_invalid']]);
    expect((await client.checkBatch([{ fields }, {}], { ...WHO, payload: { a: new Map() as never } })).map(({ unavailable }) => unavailable?.message)).toEqual(new Array(2).fill(expect.stringMatching(/^payload\.a is a Map/)));
    expect(await client.permitted({ ...WHO, context: { level: NaN } })).toMatchObject({ fields: {}, unavailable: { code: 'question_invalid' } });
    expect((await client.check(null as never)).unavailable?.code).toBe('request_invalid');
  });
});

test('a question of more than a body may hold is refused by all', async () => {
  for (const text of ['x'.repeat(1024 * 1024), '\u0000'.repeat(200_000)]) {
    expect(await askAll({ ...WHO, payload: { list: [text] } })).toMatchObject({ embedded: 'refused', client: 'refused', item: expect.anything() });
  }
  const fits = await askAll({ ...WHO, payload: { list: ['x'.repeat(300_000)] } });
  expect([fits.embedded === 'refused', fits.client]).toEqual([false, fits.embedded]);
});

const key = fc.oneof(fc.constantFrom('account', 'flag', 'count', 'ratio', 'mail', 'list', 'deep', 'keys', 'constructor', '__proto__', 'a', 'b', 'c', '$event', 'toJSON', 'x.y', ''), fc.string({ maxLength: 3 }));
const odd = fc.constantFrom<unknown>(
  undefined, NaN, -Infinity, -0, 1n, Symbol('x'), () => 1, new Map([['a', 1]]), new Set([1]), new Date(0), new Error('x'), new Uint8Array(2), Object('x'), new Sent(), Object.create({ a: 1 }), circle, [1, , 2], // eslint-disable-line no-sparse-arrays
  'x\ud800', { '\udc00': 1 }, { toJSON: () => 1 }, { get a() { return 1; } }, Object.assign([1], { a: 1 }), Object.create(null), runInNewContext('({ a: [1] })'), new Proxy({ a: 1 }, {}), JSON.parse('{"__proto__":{"a":1}}'), Object.freeze([1]), 2 ** 60, 1e300, 5e-324,
);
const plain = fc.oneof(fc.constantFrom<unknown>('on', 1, 0, null, 1.5, 2 ** 53, -(2 ** 70), 1e21, true, {}, [], `sk-${'proj'}-aB3dE5fG7hJ9kL1mN2pQ4rS6`, 'three words here', '1'), fc.string({ unit: 'binary', maxLength: 5 }), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
const { payload } = fc.letrec<{ value: unknown; payload: Record<string, unknown> }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', maxDepth: 5 }, { weight: 24, arbitrary: plain }, { weight: 1, arbitrary: odd }, { weight: 4, arbitrary: tie('payload') }, { weight: 3, arbitrary: fc.array(tie('value'), { maxLength: 3 }) }),
  payload: fc.uniqueArray(fc.tuple(key, tie('value')), { selector: ([name]) => name, maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
}));
const about = fc.record({ about: fc.constantFrom('account:1', 'account:on', 'account:1e+21', 'account:null', undefined) }, { requiredKeys: [] });
const rest = fc.record({
  about: fc.constantFrom('account:1', undefined), context: fc.oneof(fc.constantFrom({ level: 1.5 }, { level: 2 ** 53 }, { level: undefined }, { level: NaN }, { level: -0 }, {}, undefined), odd),
  rows: fc.constantFrom(1, 2 ** 53, NaN, -0, undefined), supports: fc.constantFrom(['drop'], new Set(['drop']), [undefined], undefined), purpose: fc.constantFrom('analytics.reporting', undefined),
}, { requiredKeys: [] });

test('F3, F7, F8, F9: for one payload all say the same, or all refuse', async () => {
  const seen = { refused: 0, decided: 0 };
  await fc.assert(fc.asyncProperty(payload, fc.oneof({ weight: 3, arbitrary: about }, { weight: 1, arbitrary: rest }), async (sent, more) => {
    const question = { ...WHO, ...more, payload: sent };
    const said = await askAll(question);
    expect({ client: said.client, item: said.item }).toEqual({ client: said.embedded, item: said.embedded });
    seen[said.embedded === 'refused' ? 'refused' : 'decided'] += 1;
    if (said.embedded !== 'refused') expect(await said.direct()).toEqual(said.embedded);
  }), { numRuns: 600 });
  expect(Math.min(seen.refused, seen.decided)).toBeGreaterThan(100);
}, 120_000);
