// Roles by tenant, as Permit's own tests of its SDK exercise them, on vendors: administered and asked by the SDK alone.
import type { Permit } from 'permitio';
import { closeEmulators } from '../emulators/harness.ts';
import { endServers } from '../support/server.ts';
import { expectPermissions, expectRows, FLAG, openScenarios, PLAN, VENDOR_ACTIONS, type Scenario } from './permit-scenario-support.ts';

const USER = 'job|nightly';
const IN_NORTH = { user: USER, tenant: 'north' } as const;

async function fill({ api }: Permit): Promise<void> {
  await api.resources.create({ key: 'vendor', name: 'Vendor', actions: VENDOR_ACTIONS });
  await api.resources.create({ key: 'account', name: 'Account', actions: { read: {} } });
  for (const key of ['north', 'south']) await api.tenants.create({ key, name: key });
  for (const [key, tenant] of [['crm', 'north'], ['mail', 'south'], ['mixpanel', 'default']] as const) await api.resourceInstances.create({ resource: 'vendor', key, tenant });
  await api.roles.create({ key: 'reader', name: 'Reader', permissions: [`vendor:${PLAN}`, 'account:read'] });
  await api.roles.create({ key: 'sender', name: 'Sender', permissions: [`vendor:${FLAG}`], extends: ['reader'] } as Parameters<typeof api.roles.create>[0]);
  await api.users.bulkUserCreate([{ key: USER }, { key: 'service|billing', role_assignments: [{ role: 'sender', tenant: 'default' }] }]);
}

let scenario: Scenario;
beforeAll(async () => { ({ production: scenario } = await openScenarios({ production: fill })); });
afterAll(async () => {
  await endServers();
  await closeEmulators();
});

test('a user without a role may do nothing, another user\'s roles are not its own', async () => {
  await expectRows(scenario, [
    [`${USER} ${PLAN} vendor:crm@north`, false], [`${USER} ${PLAN} vendor:mixpanel`, false],
    [`service|billing ${PLAN} vendor:mixpanel`, true], [`service|billing ${FLAG} vendor:mixpanel`, true],
  ]);
  const { debug } = await scenario.post('/allowed', { user: { key: USER }, action: PLAN, resource: { type: 'vendor', key: 'crm', tenant: 'north' } });
  expect(debug).toMatchObject({ code: 'no_user_roles', decision: 'deny' });
});

test('R34 a role permits its actions in the tenant of its assignment alone; what nobody knows is false and no error', async () => {
  await scenario.permit.api.users.assignRole({ ...IN_NORTH, role: 'reader' });
  await expectRows(scenario, [
    [`${USER} ${PLAN} vendor:crm@north`, true],
    [`${USER} ${FLAG} vendor:crm@north`, false],
    [`${USER} ${PLAN} vendor:mail@south`, false],
    [`${USER} ${PLAN} vendor:mail@north`, false],
    [`${USER} ${PLAN} vendor:crm@south`, false],
    [`${USER} ${PLAN} vendor:crm`, false],
    [`${USER} ${PLAN} vendor:crm@nowhere`, false],
    [`${USER} ${PLAN} vendor:nobody@north`, false],
    [`${USER} ${PLAN} vendor@north`, false],
    [`${USER} send-system-operations-nothing vendor:crm@north`, false],
    [`${USER} read account:crm@north`, false],
    [`service|nobody ${PLAN} vendor:crm@north`, false],
  ]);
  const { debug } = await scenario.post('/allowed', { user: { key: USER }, action: PLAN, resource: { type: 'vendor', key: 'mail', tenant: 'south' } });
  expect(debug).toMatchObject({ code: 'no_role_in_tenant' });
});

test('a role that extends another permits what that one does', async () => {
  const { users } = scenario.permit.api;
  await users.assignRole({ ...IN_NORTH, role: 'sender' });
  await users.unassignRole({ ...IN_NORTH, role: 'reader' });
  await expectRows(scenario, [[`${USER} ${FLAG} vendor:crm@north`, true], [`${USER} ${PLAN} vendor:crm@north`, true], [`${USER} ${FLAG} vendor:mail@south`, false]]);
  expect((await users.getAssignedRoles({ user: USER })).map(({ role, tenant }) => `${role} ${tenant}`)).toEqual(['sender north']);
});

test('another role in another tenant: the lists say of each what a check says', async () => {
  await scenario.permit.api.users.assignRole({ user: USER, role: 'reader', tenant: 'south' });
  await expectRows(scenario, [
    [`${USER} ${PLAN} vendor:mail@south`, true], [`${USER} ${FLAG} vendor:mail@south`, false], [`${USER} ${FLAG} vendor:crm@north`, true], [`${USER} ${PLAN} vendor:mixpanel`, false],
  ]);
  await expectPermissions(scenario, USER, { 'vendor:crm': [PLAN, FLAG], 'vendor:mail': [PLAN] });
  await expectPermissions(scenario, USER, { 'vendor:mail': [PLAN] }, ['south']);
  await expectPermissions(scenario, USER, {}, ['default']);
  const { permit } = scenario;
  expect((await permit.checkAllTenants(USER, PLAN, 'vendor:mail', {}, 'node')).map(({ key }) => key)).toEqual(['south']);
  expect(await permit.checkAllTenants(USER, FLAG, 'vendor:mail', {}, 'node')).toEqual([]);
  const { users } = await scenario.post('/authorized_users', { action: PLAN, resource: { type: 'vendor', key: 'crm', tenant: 'north' } });
  // The role that has the permission: the one that the user's own extends.
  expect(users).toEqual({ [USER]: [{ user: USER, tenant: 'north', resource: 'vendor:crm', role: 'reader' }] });
});

test('a permission that is taken from a role, and a user that is deleted, permit nothing any more', async () => {
  await scenario.permit.api.roles.removePermissions('reader', [`vendor:${PLAN}`]);
  await expectRows(scenario, [[`${USER} ${PLAN} vendor:crm@north`, false], [`${USER} ${FLAG} vendor:crm@north`, true], [`service|billing ${PLAN} vendor:mixpanel`, false], [`service|billing ${FLAG} vendor:mixpanel`, true]]);
  await scenario.permit.api.users.delete(USER);
  await expectRows(scenario, [[`${USER} ${FLAG} vendor:crm@north`, false], [`service|billing ${FLAG} vendor:mixpanel`, true]]);
  await expectPermissions(scenario, USER, {});
  const { debug } = await scenario.post('/allowed', { user: { key: USER }, action: FLAG, resource: { type: 'vendor', key: 'crm', tenant: 'north' } });
  expect(debug).toMatchObject({ code: 'user_not_synced' });
});
