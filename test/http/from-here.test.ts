import { QUESTION, closeAll, openHarness } from './harness.ts';

afterEach(closeAll);

const PROXIED = [
  'Forwarded', 'Via', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-Prefix', 'X-Forwarded-Client-Cert', 'X-Forwarded', 'X-Real-IP', 'X-Client-IP', 'X-Cluster-Client-IP',
  'True-Client-IP', 'Client-IP', 'X-Original-Forwarded-For', 'X-Original-URI', 'X-Envoy-External-Address', 'CF-Connecting-IP', 'CF-Ray', 'Fastly-Client-IP', 'Fly-Client-IP', 'X-Azure-ClientIP', 'X-Amzn-Trace-Id',
];

test.each(PROXIED)('F26: with %s a request is not from here: no demo caller, no /metrics', async (name) => {
  const { send } = await openHarness();
  // Also empty, as a proxy sends it that knows nothing of its client.
  for (const value of ['127.0.0.1', '']) {
    const headers = { [name]: value };
    const statuses = [await send('/check', { body: QUESTION, token: 'demo', headers }), await send('/metrics', { token: null, headers }), await send('/check', { body: QUESTION, token: 'gateway', headers })].map(({ status }) => status);
    expect(statuses).toEqual([401, 404, 200]);
  }
});

test('F26: what clients of this machine send by themselves does not make them strangers', async () => {
  const { send } = await openHarness();
  const headers = { 'user-agent': 'curl/8', accept: '*/*', 'x-request-id': 'a', origin: 'http://localhost:3000', traceparent: '00-0', 'x-forward': 'a' };
  expect((await send('/check', { body: QUESTION, token: 'demo', headers })).status).toBe(200);
  expect((await send('/metrics', { token: null, headers })).status).toBe(200);
});

test('F26: nginx as it is by default, without a header of its own, is known by HTTP/1.0', async () => {
  const { raw, port } = await openHarness();
  const body = JSON.stringify(QUESTION);
  const ask = async (version: string, token: string) => {
    const head = `POST /check HTTP/${version}\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    return (await raw(head).received).slice(9, 12);
  };
  expect([await ask('1.0', 'demo'), await ask('1.1', 'demo'), await ask('1.0', 'gateway')]).toEqual(['401', '200', '200']);
  expect(await raw(`GET /metrics HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\n\r\n`).received).toMatch(/^HTTP\/1\.1 404 /);
});
