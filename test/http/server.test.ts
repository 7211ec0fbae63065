import { once } from 'node:events';
import { QUESTION, closeAll, fakePdp, openHarness } from './harness.ts';

afterEach(closeAll);

const HEAD = 'POST /check HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer gateway\r\nContent-Type: application/json\r\n';

/** Of a response as text. */
function parse(text: string) {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head, body: JSON.parse(body) as Record<string, unknown> };
}

test.each([
  ['no HTTP', 'hello\r\n\r\n', 400, 'request_invalid'],
  ['a bad chunk', `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400, 'request_invalid'],
  ['two lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400, 'request_invalid'],
  ['a length and chunks', `${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, 400, 'request_invalid'],
  ['headers over 16 KiB', `${HEAD}X-A: ${'a'.repeat(17_000)}\r\n\r\n`, 431, 'too_large'],
  ['no Host', 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'request_invalid'],
])('%s → %i in JSON, and the connection ends', async (_name, text, status, code) => {
  const { raw } = await openHarness();
  const response = parse(await raw(text).received);
  expect({ status: response.status, body: response.body }).toEqual({ status, body: { code, message: expect.any(String), requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) } });
  expect(response.head).toContain('Content-Type: application/json; charset=utf-8');
  expect(response.head).toContain('Connection: close');
});

test('a body that does not arrive is given up', async () => {
  const { raw } = await openHarness({ limits: { requestTimeout: 60, headersTimeout: 50, connectionsCheckingInterval: 10 } });
  const response = parse(await raw(`${HEAD}Content-Length: 100\r\n\r\n{"identity`).received);
  expect({ status: response.status, body: response.body }).toEqual({ status: 408, body: expect.objectContaining({ code: 'request_invalid' }) });
});

test('headers that do not arrive are given up', async () => {
  const { raw } = await openHarness({ limits: { requestTimeout: 60, headersTimeout: 50, connectionsCheckingInterval: 10 } });
  expect(parse(await raw('POST /check HTTP/1.1\r\nHost: a\r\n').received).status).toBe(408);
});

test('a client that reads no answer is cut off', async () => {
  const { raw, server } = await openHarness({ limits: { idleTimeout: 200 } });
  const connected = once(server, 'connection') as Promise<[NodeJS.EventEmitter]>;
  const { socket } = raw();
  socket.pause();
  const [peer] = await connected;
  const closed = once(peer, 'close');
  socket.on('error', () => {}).write('GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2_000));
  await closed;
  socket.destroy();
});

test('a client that goes away in the middle leaves no line, and others are served', async () => {
  const { raw, lines, server, send } = await openHarness();
  const arrived = once(server, 'request');
  const { socket, received } = raw(`${HEAD}Content-Length: 100\r\n\r\n{"identity`);
  const [req] = await arrived as [NodeJS.EventEmitter];
  const closed = new Promise((resolve) => req.on('close', resolve));
  socket.destroy();
  await Promise.all([received, closed]);
  expect((await send('/check', { body: QUESTION })).status).toBe(200);
  expect(lines).toEqual([]);
});

test('a client that goes away before its answer leaves no line', async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: go, resolve: answer } = Promise.withResolvers<void>();
  const pdp = fakePdp({ async check() { ask(); await go; return { json: '{}', answer: undefined as never }; } });
  const { raw, lines, send, server } = await openHarness({ pdp });
  const connected = once(server, 'connection') as Promise<[NodeJS.EventEmitter]>;
  const body = JSON.stringify(QUESTION);
  const { socket } = raw(`${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`);
  const closed = connected.then(([peer]) => new Promise((resolve) => peer.on('close', resolve)));
  await asked;
  socket.destroy();
  await closed;
  answer();
  expect((await send('/livez')).status).toBe(200);
  expect(lines).toEqual([]);
});

test('a 413 is seen by a client that sends everything first', async () => {
  const { raw } = await openHarness();
  const { socket, received } = raw(`${HEAD}Content-Length: ${10 * 1024 * 1024}\r\nConnection: close\r\n\r\n`);
  const responded = once(socket, 'data').then(() => 'responded');
  for (let sent = 0; sent < 10; sent += 1) {
    const written = new Promise<string>((resolve) => socket.write(Buffer.alloc(1024 * 1024, 0x20), () => resolve('written')));
    expect(await Promise.race([written, responded])).toBe('written');
  }
  expect(parse(await received)).toMatchObject({ status: 413, body: { code: 'too_large' } });
});

test('a connection serves on after a 413', async () => {
  const { raw } = await openHarness();
  const body = JSON.stringify(QUESTION);
  const { received } = raw(`${HEAD}Content-Length: ${2 * 1024 * 1024}\r\n\r\n${' '.repeat(2 * 1024 * 1024)}${HEAD}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  expect((await received).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
});

test('a body without an end is answered once 16 MiB are thrown away', async () => {
  const { raw } = await openHarness();
  const { socket, received } = raw(`${HEAD}Content-Length: ${10 ** 12}\r\n\r\n`);
  const chunk = Buffer.alloc(256 * 1024, 0x20);
  const more = () => { while (!socket.destroyed && socket.writable && socket.write(chunk)); };
  socket.on('drain', more).on('end', () => socket.destroy());
  more();
  // The end of the connection may take the answer with it, but the server must not read for ever.
  const answer = await received;
  // 17 MiB are read, and the buffers between here and there hold some more.
  expect(socket.bytesWritten).toBeLessThan(100 * 1024 * 1024);
  expect(answer).toMatch(/^(HTTP\/1\.1 413 [^]*Connection: close|$)/);
});

test('Expect: 100-continue is answered, other expectations are passed over', async () => {
  const { raw } = await openHarness();
  const body = JSON.stringify(QUESTION);
  const waiting = raw(`${HEAD}Connection: close\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`);
  expect(String((await once(waiting.socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 100 Continue/);
  waiting.socket.write(body);
  expect(await waiting.received).toContain('HTTP/1.1 200 OK');
  expect(await raw(`${HEAD}Connection: close\r\nExpect: a-pony\r\nContent-Length: ${body.length}\r\n\r\n${body}`).received).toMatch(/^HTTP\/1\.1 200 OK/);
});

test.each(['/livez', '/readyz', '/openapi.json', '/admin/sync', '/nothing', '/check'])('F20: HEAD %s has the headers of GET and no body', async (path) => {
  const { send } = await openHarness({ pdp: fakePdp({ sync: { status: () => [], poll() {}, rollback: async () => {}, resume: async () => {} } }) });
  const [head, get] = [await send(path, { method: 'HEAD', token: 'operator' }), await send(path, { token: 'operator' })];
  const { 'x-request-id': _, date: __, ...headers } = get.headers;
  expect({ status: head.status, headers: head.headers, text: head.text }).toEqual({ status: get.status, headers: expect.objectContaining(headers), text: '' });
  expect(Number(head.headers['content-length'])).toBe(Buffer.byteLength(get.text));
});
