import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient, mayLeave, type ClientAnswer, type ClientOptions } from '../../src/sdk/client.ts';
import { listen } from '../../src/http/server.ts';
import { QUESTION, answerTo, closeAll, openHarness } from '../http/harness.ts';

const servers: Server[] = [];
afterEach(async () => {
  await closeAll();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); })));
});

/** A client of a server that answers whatever the test says. */
async function clientOf(listener: RequestListener, options: Partial<ClientOptions> = {}) {
  const server = createServer(listener);
  servers.push(server);
  const port = await listen(server, 0, '127.0.0.1');
  return createClient({ url: `http://127.0.0.1:${port}`, ...('tokenFile' in options ? {} : { token: 't' }), timeoutMs: 5_000, ...options });
}

const answering = (status: number, body: unknown): RequestListener => (_req, res) => {
  res.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body));
};

const FIELDS = { city: { effect: 'deny', rules: [] }, org_id: { effect: 'deny', rules: [] } };
const deniedWith = (code: string) => ({ decision: 'deny', fields: FIELDS, obligations: [], reasons: [], fix: null, unavailable: { code, message: expect.any(String) } });
const good = { ...answerTo(QUESTION as never), decision: 'allow', fields: { city: { effect: 'allow', rules: ['a'] }, org_id: { effect: 'allow', rules: ['a'] } } };

test('a well-formed answer comes back as it is, keys of a newer server included', async () => {
  const client = await clientOf(answering(200, { ...good, newer: 1 }));
  expect(await client.check(QUESTION)).toEqual({ ...good, newer: 1 });
});

test('it speaks to the real server', async () => {
  const { port } = await openHarness();
  const client = createClient({ url: `http://localhost:${port}/`.replace('localhost', '127.0.0.1'), token: 'gateway', timeoutMs: 5_000 });
  expect(await client.check(QUESTION)).toEqual(answerTo(QUESTION as never));
  expect(await client.checkBatch([{}, { identity: '' }, { fields: ['x'] }], QUESTION)).toEqual([
    answerTo(QUESTION as never), deniedWith('request_invalid'), expect.objectContaining({ fields: { x: expect.anything() } }),
  ]);
  const { fields: _, ...permitted } = QUESTION;
  expect(await client.permitted(permitted)).toMatchObject({ fields: { city: { effect: 'deny' } } });
  expect(await createClient({ url: `http://127.0.0.1:${port}`, token: 'stranger', timeoutMs: 5_000 }).check(QUESTION)).toEqual(deniedWith('unauthenticated'));
});

test.each([
  ['503', answering(503, { code: 'audit_unavailable', message: 'no', requestId: '1' }), 'audit_unavailable'],
  ['an error of a proxy', answering(502, '<html>'), 'http_502'],
  ['an error in another shape', answering(500, { error: 'x' }), 'http_500'],
  ['204', answering(204, ''), 'http_204'],
  ['an allow with 201', answering(201, good), 'http_201'],
  ['a redirect to an allow', ((req, res) => (req.url === '/elsewhere' ? answering(200, good)(req, res) : void res.writeHead(307, { location: '/elsewhere' }).end())) as RequestListener, 'unreachable'],
  ['no JSON', answering(200, 'allow'), 'answer_invalid'],
  ['null', answering(200, 'null'), 'answer_invalid'],
  ['a list', answering(200, [good]), 'answer_invalid'],
  ['no decision', answering(200, { ...good, decision: undefined }), 'answer_invalid'],
  ['an unknown decision', answering(200, { ...good, decision: 'maybe' }), 'answer_invalid'],
  ['no fields', answering(200, { ...good, fields: undefined }), 'answer_invalid'],
  ['a field too few', answering(200, { ...good, fields: { city: { effect: 'allow', rules: [] } } }), 'answer_invalid'],
  ['an unknown effect', answering(200, { ...good, fields: { ...good.fields, city: { effect: 'yes', rules: [] } } }), 'answer_invalid'],
  ['an allow with a denied field', answering(200, { ...good, fields: { ...good.fields, city: { effect: 'deny', rules: [] } } }), 'answer_invalid'],
  ['no obligations', answering(200, { ...good, obligations: undefined }), 'answer_invalid'],
  ['an obligation that can not be read', answering(200, { ...good, obligations: [{ op: 'hmac' }] }), 'answer_invalid'],
  ['an allow with an obligation', answering(200, { ...good, obligations: [{ field: 'city', op: 'hmac' }] }), 'answer_invalid'],
  ['an allow with a field to transform', answering(200, { ...good, fields: { ...good.fields, city: { effect: 'transform', rules: [] } } }), 'answer_invalid'],
  ['a transform that does not say how', answering(200, { ...good, decision: 'transform', fields: { ...good.fields, city: { effect: 'transform', rules: [] } }, obligations: [{ field: 'org_id', op: 'hmac' }] }), 'answer_invalid'],
  ['a connection cut', ((req: IncomingMessage) => void req.socket.destroy()) as RequestListener, 'unreachable'],
  ['an answer cut', ((_req, res) => { res.writeHead(200, { 'content-length': 1000 }).write('{"decision":"allow"'); res.socket!.destroySoon(); }) as RequestListener, 'unreachable'],
])('%s is a denial of every field', async (_name, listener, code) => {
  expect(await (await clientOf(listener)).check(QUESTION)).toEqual(deniedWith(code));
});

test.each([
  ['no answer', (() => {}) as RequestListener],
  ['an answer that does not end', ((_req, res) => { res.writeHead(200).write('{'); }) as RequestListener],
])('%s in time is a denial', async (_name, listener) => {
  expect(await (await clientOf(listener, { timeoutMs: 50 })).check(QUESTION)).toEqual(deniedWith('timeout'));
});

test('nobody listening is a denial', async () => {
  const { port, server } = await openHarness();
  await new Promise((resolve) => server.close(resolve));
  expect(await createClient({ url: `http://127.0.0.1:${port}`, token: 't' }).check(QUESTION)).toEqual(deniedWith('unreachable'));
});

test('a question that is no JSON is a denial', async () => {
  const client = await clientOf(answering(200, good));
  expect(await client.check({ ...QUESTION, rows: 1n as never })).toEqual(deniedWith('question_invalid'));
});

test('a field called __proto__ is denied like any other', async () => {
  const answer = await (await clientOf(answering(503, ''))).check({ ...QUESTION, fields: ['__proto__'] });
  expect(Object.hasOwn(answer.fields, '__proto__')).toBe(true);
  expect(mayLeave(answer, '__proto__')).toBe(false);
});

test.each([
  ['fewer answers', answering(200, { items: [good] }), ['answer_invalid', 'answer_invalid']],
  ['no items', answering(200, good), ['answer_invalid', 'answer_invalid']],
  ['an error of the whole', answering(413, { code: 'too_large', message: 'no' }), ['too_large', 'too_large']],
  ['an error of one', answering(200, { items: [{ error: { code: 'stale_revision', message: 'no' } }, good] }), ['stale_revision', undefined]],
  ['an answer to another question', answering(200, { items: [good, { ...good, fields: {} }] }), [undefined, 'answer_invalid']],
])('a batch with %s', async (_name, listener, codes) => {
  const answers = await (await clientOf(listener)).checkBatch([QUESTION, QUESTION]);
  expect(answers.map((answer) => answer.unavailable?.code)).toEqual(codes);
  expect(answers.map((answer) => mayLeave(answer, 'city'))).toEqual(codes.map((code) => code === undefined));
});

test('without an answer nothing is permitted', async () => {
  const { fields: _, ...permitted } = QUESTION;
  expect(await (await clientOf(answering(503, ''))).permitted(permitted)).toEqual({ fields: {}, obligations: [], reasons: [], unavailable: { code: 'http_503', message: expect.any(String) } });
  expect((await (await clientOf(answering(200, { fields: { a: 1 } }))).permitted(permitted)).unavailable?.code).toBe('answer_invalid');
});

describe('mayLeave', () => {
  const answer = (parts: object) => ({ ...good, ...parts }) as unknown as ClientAnswer;
  const transform = answer({
    decision: 'transform', fields: { city: { effect: 'transform', rules: [] }, org_id: { effect: 'allow', rules: [] }, ip: { effect: 'transform', rules: [] } },
    obligations: [{ field: 'city', op: 'coarsen_geo' }, { field: 'city', op: 'hmac' }, { field: 'ip', op: 'drop' }],
  });
  test.each([
    ['an allowed field', answer({}), 'city', [], true],
    ['a field that was not asked about', answer({}), 'plan', [], false],
    ['a name that every object has', answer({}), 'constructor', [], false],
    ['any field of a denial', answer({ decision: 'deny' }), 'city', [], false],
    ['any field under review', answer({ decision: 'review' }), 'city', [], false],
    ['an allowed field beside transformed ones', transform, 'org_id', [], true],
    ['a field as it was, that is to be transformed', transform, 'city', [], false],
    ['a field transformed by half', transform, 'city', ['hmac'], false],
    ['a field transformed', transform, 'city', ['hmac', 'coarsen_geo'], true],
    ['a field to transform of which nobody says how', answer({ decision: 'transform', fields: { city: { effect: 'transform', rules: [] } } }), 'city', ['hmac'], false],
    ['a field that is to be dropped', transform, 'ip', ['drop'], false],
    ['a field of a question whose destinations are not scoped', answer({ decision: 'transform', obligations: [{ field: '*', op: 'scope_destinations' }] }), 'city', [], false],
    ['a field of a question whose destinations are scoped', answer({ decision: 'transform', obligations: [{ field: '*', op: 'scope_destinations' }] }), 'city', ['scope_destinations'], true],
  ] as const)('%s', (...[, given, field, applied, may]) => {
    expect(mayLeave(given, field, applied)).toBe(may);
  });
});

describe('a token from a file', () => {
  let folder: string;
  beforeAll(async () => { folder = await mkdtemp(path.join(tmpdir(), 'sluice-client-')); });
  afterAll(() => rm(folder, { recursive: true }));

  /** Takes the token `current` alone, and notes all that came. */
  async function guarded(tokenFile: string) {
    const seen: string[] = [];
    const guard = { current: 'Bearer one' };
    const client = await clientOf((req, res) => {
      seen.push(req.headers.authorization!);
      (req.headers.authorization === guard.current ? answering(200, good) : answering(401, { code: 'unauthenticated', message: 'no' }))(req, res);
    }, { tokenFile });
    return { client, seen, guard };
  }

  test('is read again when it is refused, and not asked with twice', async () => {
    const tokenFile = path.join(folder, 'token');
    await writeFile(tokenFile, 'one\n');
    const { client, seen, guard } = await guarded(tokenFile);
    expect((await client.check(QUESTION)).decision).toBe('allow');
    await writeFile(tokenFile, 'two\n');
    expect((await client.check(QUESTION)).decision).toBe('allow');
    guard.current = 'Bearer two';
    expect((await client.check(QUESTION)).decision).toBe('allow');
    guard.current = 'Bearer three';
    expect(await client.check(QUESTION)).toEqual(deniedWith('unauthenticated'));
    expect(seen.map((token) => token.slice(7))).toEqual(['one', 'one', 'one', 'two', 'two']);
  });

  test('that is not there yet denies, and is found later', async () => {
    const tokenFile = path.join(folder, 'later');
    const { client } = await guarded(tokenFile);
    expect(await client.check(QUESTION)).toEqual(deniedWith('token_unreadable'));
    await writeFile(tokenFile, 'one');
    expect((await client.check(QUESTION)).decision).toBe('allow');
  });
});

test.each<[string, ClientOptions]>([
  ['no address', { url: 'sluice', token: 't' }],
  ['another protocol', { url: 'ftp://127.0.0.1', token: 't' }],
  ['http to another machine', { url: 'http://sluice.internal', token: 't' }],
  ['no token', { url: 'http://127.0.0.1' }],
  ['two tokens', { url: 'http://127.0.0.1', token: 't', tokenFile: 'f' }],
  ['no time', { url: 'http://127.0.0.1', token: 't', timeoutMs: 0 }],
])('createClient throws for %s', (_name, options) => {
  expect(() => createClient(options)).toThrow(TypeError);
});

test('http to another machine is possible for those who say so', () => {
  expect(() => createClient({ url: 'http://sluice.internal', token: 't', insecure: true })).not.toThrow();
});
