import { CANARY, QUESTION, closeAll, openHarness, type Harness, type SendOptions } from './harness.ts';

let harness: Harness;
beforeAll(async () => { harness = await openHarness(); });
afterAll(closeAll);

const MIB = 1024 * 1024;
const deep = (levels: number) => `{"identity":"${CANARY}","payload":${'['.repeat(levels)}${']'.repeat(levels)}}`;
const asJson = (text: string | Buffer) => ({ body: text });
const type = (value: string) => ({ body: QUESTION, headers: { 'content-type': value } });

interface Row extends SendOptions { readonly name: string; readonly path?: string; readonly status: number; readonly code: string }

const ROWS: readonly Row[] = [
  { name: 'no JSON', ...asJson(`${CANARY}{`), status: 400, code: 'request_invalid' },
  { name: 'JSON cut off', ...asJson(`{"identity":"${CANARY}`), status: 400, code: 'request_invalid' },
  { name: 'an empty body', ...asJson(''), status: 400, code: 'request_invalid' },
  { name: 'a body that is no object', ...asJson(`["${CANARY}"]`), status: 400, code: 'request_invalid' },
  { name: 'null', ...asJson('null'), status: 400, code: 'request_invalid' },
  { name: '200,000 levels', ...asJson(deep(200_000)), status: 400, code: 'request_invalid' },
  { name: 'a repeated key', ...asJson(`{"identity":"a","identity":"${CANARY}"}`), status: 400, code: 'request_invalid' },
  { name: 'the key __proto__', ...asJson(`{"__proto__":{"admin":"${CANARY}"}}`), status: 400, code: 'request_invalid' },
  { name: 'a lone surrogate', ...asJson(`{"identity":"${CANARY}\\ud800"}`), status: 400, code: 'request_invalid' },
  { name: 'bytes that are no UTF-8', ...asJson(Buffer.from(JSON.stringify({ ...QUESTION, about: '\u00ff' }), 'latin1')), status: 400, code: 'request_invalid' },
  { name: 'an unknown key', body: { ...QUESTION, vendro: CANARY }, status: 400, code: 'request_invalid' },
  { name: 'an unknown channel', body: { ...QUESTION, channel: CANARY }, status: 400, code: 'request_invalid' },
  { name: 'a body of 1 MiB and a byte', ...asJson(JSON.stringify(CANARY).padEnd(MIB + 1)), status: 413, code: 'too_large' },
  { name: 'a body of 12 MiB', ...asJson(JSON.stringify(CANARY).padEnd(12 * MIB)), status: 413, code: 'too_large' },
  { name: 'a body of 1 MiB, all blank', ...asJson(''.padEnd(MIB)), status: 400, code: 'request_invalid' },
  { name: 'a batch over 8 MiB', path: '/check/batch', ...asJson(''.padEnd(8 * MIB + 1)), status: 413, code: 'too_large' },
  { name: 'a batch of 1,001', path: '/check/batch', body: { items: new Array(1001).fill(QUESTION) }, status: 413, code: 'too_large' },
  { name: 'a batch without items', path: '/check/batch', body: { items: [] }, status: 400, code: 'request_invalid' },
  { name: 'a batch that is a list', path: '/check/batch', body: [QUESTION], status: 400, code: 'request_invalid' },
  { name: 'no content type', body: QUESTION, untyped: true, status: 415, code: 'unsupported_media_type' },
  { name: 'a form', ...type('application/x-www-form-urlencoded'), status: 415, code: 'unsupported_media_type' },
  { name: 'text', ...type('text/plain'), status: 415, code: 'unsupported_media_type' },
  { name: 'latin-1', ...type('application/json; charset=iso-8859-1'), status: 415, code: 'unsupported_media_type' },
  { name: 'two charsets', ...type('application/json; charset=utf-8; charset=utf-16'), status: 415, code: 'unsupported_media_type' },
  { name: 'gzip', body: QUESTION, headers: { 'content-encoding': 'gzip' }, status: 415, code: 'unsupported_media_type' },
  { name: 'no token', body: QUESTION, token: null, status: 401, code: 'unauthenticated' },
  { name: 'a wrong token', body: QUESTION, token: CANARY, status: 401, code: 'unauthenticated' },
  { name: 'another scheme', body: QUESTION, headers: { authorization: `Basic ${CANARY}` }, status: 401, code: 'unauthenticated' },
  { name: 'a blank in the token', body: QUESTION, headers: { authorization: 'Bearer gate way' }, status: 401, code: 'unauthenticated' },
  { name: 'the token of another', body: { ...QUESTION, identity: `service:${CANARY}` }, token: 'telemetry', status: 403, code: 'not_your_identity' },
  { name: 'a caller without the power', body: QUESTION, token: 'admin', status: 403, code: 'forbidden' },
  { name: 'GET', path: '/check', method: 'GET', status: 405, code: 'method_not_allowed' },
  { name: 'PUT', body: QUESTION, method: 'PUT', status: 405, code: 'method_not_allowed' },
  { name: 'OPTIONS', method: 'OPTIONS', status: 405, code: 'method_not_allowed' },
  { name: 'POST of what is read', path: '/livez', body: QUESTION, status: 405, code: 'method_not_allowed' },
  { name: 'an unknown path', path: `/${CANARY}`, body: QUESTION, status: 404, code: 'not_found' },
  { name: 'another spelling', path: '/Check', body: QUESTION, status: 404, code: 'not_found' },
  { name: 'a slash too many', path: '/check/', body: QUESTION, status: 404, code: 'not_found' },
  { name: 'a path that can not be decoded', path: '/admin/vendors/%E0%A4%A/state', body: { state: 'active' }, status: 404, code: 'not_found' },
];

test.each(ROWS)('$name → $status $code', async ({ path = '/check', status, code, name: _, ...options }) => {
  const received = await harness.send(path, options);
  expect(received.status).toBe(status);
  expect(received.json()).toEqual({ code, message: expect.any(String), requestId: received.headers['x-request-id'] });
  expect(received.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(received.headers['cache-control']).toBe('no-store');
  expect(received.headers['x-content-type-options']).toBe('nosniff');
  expect(received.headers['x-powered-by']).toBeUndefined();
  expect(received.headers['allow']).toBe(status !== 405 ? undefined : path === '/livez' ? 'GET, HEAD' : 'POST');
  expect(received.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
});

test('no response and no log line holds a value', async () => {
  for (const { path = '/check', name, status: _, code: __, ...options } of ROWS) {
    const { text, headers } = await harness.send(path, options);
    expect({ name, leaked: `${text}${JSON.stringify(headers)}`.includes(CANARY) }).toEqual({ name, leaked: false });
  }
  expect(harness.lines.length).toBeGreaterThan(ROWS.length);
  expect(harness.lines.filter((line) => line.includes(CANARY))).toEqual([]);
});

// Each row has every fault that comes after its own.
test.each([
  { path: '/nowhere', method: 'PUT', token: null, headers: { 'content-type': 'text/plain' }, body: ''.padEnd(2 * MIB), status: 404 },
  { path: '/check', method: 'PUT', token: null, headers: { 'content-type': 'text/plain' }, body: ''.padEnd(2 * MIB), status: 405 },
  { path: '/check', method: 'POST', token: null, headers: { 'content-type': 'text/plain' }, body: ''.padEnd(2 * MIB), status: 401 },
  { path: '/check', method: 'POST', token: 'admin', headers: { 'content-type': 'text/plain' }, body: ''.padEnd(2 * MIB), status: 415 },
  { path: '/check', method: 'POST', token: 'admin', body: ''.padEnd(2 * MIB), status: 413 },
  { path: '/check', method: 'POST', token: 'admin', body: '{}', status: 400 },
  { path: '/check', method: 'POST', token: 'admin', body: QUESTION, status: 403 },
])('J33: of several faults $status comes first', async ({ path, status, ...options }) => {
  expect((await harness.send(path, options)).status).toBe(status);
});

test.each([
  ['application/json', {}], ['application/json;charset=UTF-8', {}], ['Application/JSON; charset="utf-8"', {}], ['application/json', { 'content-encoding': 'identity' }],
])('%s is read', async (contentType, headers) => {
  expect((await harness.send('/check', { body: QUESTION, headers: { 'content-type': contentType, ...headers } })).status).toBe(200);
});

test('J30: a fit X-Request-ID is echoed, another one replaced', async () => {
  const echoed = async (id: string) => (await harness.send('/check', { body: QUESTION, headers: { 'x-request-id': id } })).headers['x-request-id'];
  expect(await echoed('aZ09._-')).toBe('aZ09._-');
  expect(await echoed('x'.repeat(64))).toBe('x'.repeat(64));
  expect(await echoed('x'.repeat(65))).toMatch(/^[0-9a-f-]{36}$/);
  expect(await echoed(`${CANARY} `.repeat(2))).toMatch(/^[0-9a-f-]{36}$/);
  expect(await echoed('a;b')).toMatch(/^[0-9a-f-]{36}$/);
});
