import { SluiceError } from '../../src/core/errors.ts';
import { CANARY, closeAll, fakePdp, openHarness, STATUS } from './harness.ts';

afterEach(closeAll);

test('POST /admin/reload says what came of it', async () => {
  const { send } = await openHarness({ pdp: fakePdp({ reload: async () => ({ ok: false, errors: ['grants.yaml:3:1: no'], digest: STATUS.digest }) }) });
  const { status, json } = await send('/admin/reload', { method: 'POST', token: 'admin' });
  expect({ status, body: json() }).toEqual({ status: 200, body: { ok: false, errors: ['grants.yaml:3:1: no'], digest: STATUS.digest } });
});

test.each([
  { name: 'an empty object', token: 'admin', body: {}, status: 200 },
  { name: 'something to do', token: 'admin', body: { force: true }, status: 400 },
  { name: 'a list', token: 'admin', body: [], status: 400 },
  { name: 'text', token: 'admin', body: 'now', headers: { 'content-type': 'text/plain' }, status: 415 },
  { name: 'nobody', token: null, body: {}, status: 401 },
  { name: 'a caller without the power', token: 'gateway', body: {}, status: 403 },
])('POST /admin/reload of $name → $status', async ({ status, name: _, ...options }) => {
  let reloads = 0;
  const { send } = await openHarness({ pdp: fakePdp({ reload: async () => (reloads += 1, { ok: true, errors: [], digest: STATUS.digest }) }) });
  expect({ status: (await send('/admin/reload', { method: 'POST', ...options })).status, reloads }).toEqual({ status, reloads: status === 200 ? 1 : 0 });
});

test('POST /admin/vendors/{id}/state hands the vendor, the state and who asked on', async () => {
  const calls: unknown[] = [];
  const { send } = await openHarness({ pdp: fakePdp({ setVendorState: async (...call) => (calls.push(call), { state: 'terminated' }) }) });
  const { status, json } = await send('/admin/vendors/mix%2Fpanel/state', { token: 'admin', body: { state: 'breached' }, headers: { 'x-request-id': 'r-2' } });
  expect({ status, body: json() }).toEqual({ status: 200, body: { state: 'terminated' } });
  expect(calls).toEqual([['mix/panel', 'breached', { caller: expect.objectContaining({ id: 'admin' }), requestId: 'r-2' }]]);
});

test.each([
  { name: 'an unknown state', body: { state: CANARY }, status: 400 },
  { name: 'no state', body: {}, status: 400 },
  { name: 'another member', body: { state: 'active', why: CANARY }, status: 400 },
  { name: 'no object', body: 'null', status: 400 },
  { name: 'no body', body: '', status: 400 },
  { name: 'a caller without the power', body: { state: 'active' }, token: 'gateway', status: 403 },
])('a vendor state with $name → $status, and nothing is set', async ({ body, token = 'admin', status }) => {
  const setVendorState = jest.fn();
  const { send, lines } = await openHarness({ pdp: fakePdp({ setVendorState }) });
  const received = await send('/admin/vendors/mixpanel/state', { token, body });
  expect(received.status).toBe(status);
  expect(`${received.text}${lines.join('')}`).not.toContain(CANARY);
  expect(setVendorState).not.toHaveBeenCalled();
});

test('an unknown vendor is 404', async () => {
  const { send } = await openHarness({ pdp: fakePdp({ setVendorState: async () => { throw new SluiceError('not_found', 'no vendor has this id'); } }) });
  const received = await send('/admin/vendors/nobody/state', { token: 'admin', body: { state: 'active' } });
  expect({ status: received.status, ...received.json() }).toMatchObject({ status: 404, code: 'not_found' });
});

test('the switch does not wait for a rate', async () => {
  const pdp = fakePdp();
  const slow = { ...pdp.callerOf('admin')!, ratePerSecond: 1 };
  const { send } = await openHarness({ pdp: { ...pdp, callerOf: () => slow } });
  for (let times = 0; times < 3; times += 1) expect((await send('/admin/vendors/a/state', { token: 'x', body: { state: 'breached' } })).status).toBe(200);
});
