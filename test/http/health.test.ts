import type { PdpStatus } from '../../src/pdp.ts';
import { QUESTION, STATUS, closeAll, fakePdp, openHarness } from './harness.ts';

afterEach(closeAll);

const withStatus = (parts: Partial<PdpStatus>) => fakePdp({ status: () => ({ ...STATUS, ...parts }) });

test.each([
  { name: 'all is well', parts: {}, draining: false, status: 200, body: { status: 'ready' } },
  { name: 'the last reload failed', parts: { reloadErrors: ['policies/secret-plans.yaml:1:1'] }, draining: false, status: 200, body: { status: 'degraded', reload: 'failed' } },
  { name: 'the log failed', parts: { logFailure: 'ENOSPC on /var/lib' }, draining: false, status: 503, body: { status: 'not_ready', reasons: ['log_failed'] } },
  { name: 'draining', parts: {}, draining: true, status: 503, body: { status: 'not_ready', reasons: ['draining'] } },
  { name: 'all at once', parts: { logFailure: 'EIO', reloadErrors: ['x'] }, draining: true, status: 503, body: { status: 'not_ready', reasons: ['log_failed', 'draining'], reload: 'failed' } },
  { name: 'something in shadow', parts: { shadow: ['mixpanel'] }, draining: false, status: 200, body: { status: 'ready' } },
])('/readyz when $name: state words alone', async ({ parts, draining, status, body }) => {
  const { send } = await openHarness({ pdp: withStatus(parts), isDraining: () => draining });
  const received = await send('/readyz', { token: null });
  expect({ status: received.status, body: received.json() }).toEqual({ status, body });
});

test('/livez depends on nothing', async () => {
  const { send } = await openHarness({ pdp: withStatus({ logFailure: 'EIO' }), isDraining: () => true });
  const received = await send('/livez', { token: null });
  expect({ status: received.status, body: received.json() }).toEqual({ status: 200, body: { status: 'live' } });
});

test('while it drains it answers, and ends each connection', async () => {
  let draining = false;
  const { send, raw } = await openHarness({ isDraining: () => draining });
  const keptAlive = { headers: { connection: 'keep-alive' } };
  expect((await send('/check', { body: QUESTION, ...keptAlive })).headers.connection).toBe('keep-alive');
  draining = true;
  const received = await send('/check', { body: QUESTION, ...keptAlive });
  expect({ status: received.status, connection: received.headers.connection }).toEqual({ status: 200, connection: 'close' });
  // Only an ended connection resolves this.
  expect(await raw('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n').received).toContain('200 OK');
});

test('/metrics is for this machine alone: not for what a proxy on it forwards', async () => {
  const { send } = await openHarness();
  expect((await send('/metrics', { token: null })).status).toBe(200);
  for (const name of ['x-forwarded-for', 'forwarded', 'via']) expect((await send('/metrics', { token: null, headers: { [name]: '127.0.0.1' } })).status).toBe(404);
});

test('/metrics is not for a web page whose name resolves to this machine', async () => {
  const { send } = await openHarness();
  const statuses = async (hosts: readonly string[]) => Promise.all(hosts.map(async (host) => (await send('/metrics', { token: null, headers: { host } })).status));
  expect(await statuses(['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:8181', '10.0.0.1'])).toEqual([404, 404, 404, 404]);
  expect(await statuses(['localhost', 'LOCALHOST:8181', '127.0.0.1:8181', '127.8.8.8', '[::1]:8181'])).toEqual([200, 200, 200, 200, 200]);
});

test('/metrics is not on the main port when it has its own', async () => {
  const { send } = await openHarness({ config: { demoCallers: true, metricsPort: 9464 } });
  expect((await send('/metrics')).status).toBe(404);
});
