import { closeDropIns, openDropIn, sdkOf, type OpenedDropIn } from './permit-support.ts';
import { removeWorlds } from '../support/world.ts';

// The unmodified SDK of Permit, against a real server.

let server: OpenedDropIn;
beforeAll(async () => { server = await openDropIn(); });
afterAll(async () => {
  await closeDropIns();
  await removeWorlds();
});

const ID = 'send-user-unique_id-pseudonymous';
const vendor = (key: string) => ({ type: 'vendor', key });

test('permit.check: what /check allows is true, everything else false; each is recorded', async () => {
  const permit = sdkOf(server);
  expect(await permit.check('service|telemetry', ID, 'vendor:mixpanel')).toBe(true);
  expect(await permit.check({ key: 'service:telemetry' }, ID, vendor('mixpanel'))).toBe(true);
  expect(await permit.check('service|telemetry', 'send-user-contact-email', vendor('mixpanel'))).toBe(false);
  const records = (await server.records()).filter(({ kind }) => kind === 'decision');
  expect(records.map(({ caller, identity, vendor: to, environment, purpose, decision }) => [caller, identity, to, environment, purpose, decision])).toEqual([
    ['permit:production', 'service:telemetry', 'mixpanel', 'production', 'analytics.reporting', 'allow'],
    ['permit:production', 'service:telemetry', 'mixpanel', 'production', 'analytics.reporting', 'allow'],
    ['permit:production', 'service:telemetry', 'mixpanel', 'production', 'analytics.reporting', 'deny'],
  ]);
});
