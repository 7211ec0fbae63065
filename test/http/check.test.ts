import { SluiceError } from '../../src/core/errors.ts';
import type { Asked } from '../../src/pdp.ts';
import { CANARY, QUESTION, answerTo, closeAll, fakePdp, openHarness } from './harness.ts';

afterEach(closeAll);

test('the answer is sent as the PDP wrote it', async () => {
  const asked: Asked[] = [];
  const json = '{"decision": "deny",  "blanks": "kept, \u00fcmlauts too"}';
  const { send } = await openHarness({ pdp: fakePdp({ check: async (_question, by) => (asked.push(by), { json, answer: undefined as never }) }) });
  const { status, headers, text } = await send('/check', { body: QUESTION, headers: { 'x-request-id': 'r-1' }, undescribed: true });
  expect({ status, text }).toEqual({ status: 200, text: json });
  expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'content-length': String(Buffer.byteLength(json)), 'x-request-id': 'r-1', 'cache-control': 'no-store' });
  expect(asked).toEqual([{ caller: expect.objectContaining({ id: 'gateway' }), requestId: 'r-1' }]);
});

test('a question in pieces is put together', async () => {
  const { raw } = await openHarness();
  const body = Buffer.from(JSON.stringify({ ...QUESTION, about: 'account:\u00fc' }));
  const { socket, received } = raw(`POST /check HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: bearer gateway\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`);
  for (const byte of body) socket.write(Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]));
  socket.write('0\r\n\r\n');
  expect(await received).toMatch(/^HTTP\/1\.1 200 /);
});

test.each([
  ['stale_revision', 409, undefined], ['environment_mismatch', 403, undefined], ['audit_unavailable', 503, '1'], ['not_ready', 503, '1'], ['request_invalid', 400, undefined],
] as const)('%s of the PDP is %i', async (code, status, retryAfter) => {
  const { send } = await openHarness({ pdp: fakePdp({ check: async () => { throw new SluiceError(code, 'why'); } }) });
  const received = await send('/check', { body: QUESTION });
  expect(received.status).toBe(status);
  expect(received.json()).toEqual({ code, message: 'why', requestId: received.headers['x-request-id'] });
  expect(received.headers['retry-after']).toBe(retryAfter);
});

test('a fault is a 500 that says nothing, and a log line with its place but not its message', async () => {
  const fault = new TypeError(`could not read ${CANARY}\n    at ${CANARY}`, { cause: new Error(CANARY) });
  const { send, lines } = await openHarness({ pdp: fakePdp({ check: async () => { throw fault; } }) });
  const received = await send('/check', { body: { ...QUESTION, about: CANARY } });
  expect(received.status).toBe(500);
  expect(received.json()).toMatchObject({ code: 'internal' });
  expect(received.text).not.toContain(CANARY);
  const [line] = lines.map((text) => JSON.parse(text) as { error: { name: string; frames: string[]; cause: object } });
  expect(line).toMatchObject({ route: '/check', code: 'internal', requestId: received.headers['x-request-id'], error: { name: 'TypeError', cause: { name: 'Error' } } });
  expect(line!.error.frames[0]).toContain('check.test.ts');
  expect(lines.join('')).not.toContain(CANARY);
});

test('what is thrown and no error is a 500 too', async () => {
  const { send } = await openHarness({ pdp: fakePdp({ check: () => Promise.reject('a string') }) });
  expect((await send('/check', { body: QUESTION })).status).toBe(500);
});

test('J26: each item has its answer or its error, in order', async () => {
  const pdp = fakePdp({
    async check(question) {
      if (question.identity === 'service:unlogged') throw new SluiceError('audit_unavailable', 'not recorded');
      if (question.identity === 'service:fault') throw new Error(CANARY);
      const answer = answerTo(question);
      return { answer, json: JSON.stringify(answer) };
    },
  });
  const { send, lines } = await openHarness({ pdp });
  const { status, json, text } = await send('/check/batch', {
    body: { defaults: QUESTION, items: [{}, { vendro: 1 }, { identity: 'service:unlogged' }, { identity: 'service:fault' }, 7, { fields: null, categories: ['user.contact.email'] }] },
  });
  expect(status).toBe(200);
  expect(json()['items']).toEqual([
    expect.objectContaining({ decision: 'deny', fields: { city: expect.anything(), org_id: expect.anything() } }),
    { error: { code: 'request_invalid', message: expect.stringContaining('did you mean vendor') } },
    { error: { code: 'audit_unavailable', message: 'not recorded' } },
    { error: { code: 'internal', message: expect.any(String) } },
    { error: { code: 'request_invalid', message: expect.any(String) } },
    expect.objectContaining({ fields: { 'user.contact.email': expect.anything() } }),
  ]);
  expect(`${text}${lines.join('')}`).not.toContain(CANARY);
  expect(lines).toHaveLength(1);
});

test('a batch may have 8 MiB; an item that is too deep is an error of its own', async () => {
  const { send } = await openHarness();
  const deep = JSON.parse(`${'['.repeat(33)}${']'.repeat(33)}`) as unknown;
  const { fields: _, ...bare } = QUESTION;
  const { status, json } = await send('/check/batch', { body: { items: [QUESTION, { ...bare, payload: { deep } }, { ...bare, payload: { text: 'x'.repeat(2 ** 20 * 1.5) } }] } });
  expect({ status, ...json() }).toMatchObject({ status: 200, items: [{ decision: 'deny' }, { error: { code: 'request_invalid' } }, { decision: 'deny' }] });
});

test('a batch in which nothing could be recorded is 200 with an error an item', async () => {
  const { send } = await openHarness({ pdp: fakePdp({ check: async () => { throw new SluiceError('audit_unavailable', 'no'); } }) });
  const { status, json } = await send('/check/batch', { body: { items: [QUESTION, QUESTION] } });
  expect({ status, ...json() }).toEqual({ status: 200, items: new Array(2).fill({ error: { code: 'audit_unavailable', message: 'no' } }) });
});

test('/permitted takes no fields', async () => {
  const { send } = await openHarness();
  const { fields: _, ...question } = QUESTION;
  expect((await send('/permitted', { body: question })).status).toBe(200);
  expect((await send('/permitted', { body: QUESTION })).status).toBe(400);
  expect((await send('/permitted', { body: question, token: 'admin' })).json()).toMatchObject({ code: 'forbidden' });
});

test('callers whose token is their name are unknown where they are not allowed', async () => {
  const allowed = await openHarness({ config: { demoCallers: true } });
  expect((await allowed.send('/check', { body: QUESTION, token: 'demo' })).status).toBe(200);
  const refused = await openHarness({ config: { demoCallers: false } });
  expect((await refused.send('/check', { body: QUESTION, token: 'demo' })).status).toBe(401);
  expect((await refused.send('/check', { body: QUESTION, token: 'gateway' })).status).toBe(200);
});

test('a demo caller, whose token is no secret, is none for a web page whose name resolves to this machine', async () => {
  const { send } = await openHarness();
  const status = async (token: string, host: string) => (await send('/check', { body: QUESTION, token, headers: { host } })).status;
  expect(await Promise.all([status('demo', 'evil.example'), status('demo', 'localhost:8181'), status('gateway', 'evil.example')])).toEqual([401, 200, 200]);
});

test('two credentials are none: a proxy may have looked at the other one', async () => {
  const { raw } = await openHarness();
  const body = JSON.stringify(QUESTION);
  const head = (second: string) => `POST /check HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer gateway\r\n${second}Connection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  expect(await raw(head('')).received).toMatch(/^HTTP\/1\.1 200 /);
  expect(await raw(head('authorization: Bearer telemetry\r\n')).received).toMatch(/^HTTP\/1\.1 401 /);
});
