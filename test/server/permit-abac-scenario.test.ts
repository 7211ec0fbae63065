// Sets of users and of vendors by their attributes, as Permit's own tests of its SDKs exercise them: administered and
// asked by the SDK alone.
import type { Permit } from 'permitio';
import { closeEmulators } from '../emulators/harness.ts';
import { endServers } from '../support/server.ts';
import { expectPermissions, expectRows, FLAG, openScenarios, PLAN, VENDOR_ACTIONS, type Scenario } from './permit-scenario-support.ts';

const GROWTH = 'service|growth';
const SALES = 'service|sales';

async function fill({ api }: Permit): Promise<void> {
  await api.resources.create({ key: 'vendor', name: 'Vendor', actions: VENDOR_ACTIONS, attributes: { tier: { type: 'string' }, score: { type: 'number' } } });
  for (const [key, tier, score] of [['crm', 'gold', 9], ['mail', 'basic', 7]] as const) await api.resourceInstances.create({ resource: 'vendor', key, tenant: 'default', attributes: { tier, score } });
  await api.resourceInstances.create({ resource: 'vendor', key: 'plain', tenant: 'default' });
  await api.users.create({ key: GROWTH, attributes: { team: 'growth', clearance: 3 } });
  await api.users.create({ key: SALES, attributes: { team: 'sales', clearance: 5 } });
  await api.roles.create({ key: 'auditor', name: 'Auditor' });
  const users = (key: string, ...conditions: object[]) => api.conditionSets.create({ key, name: key, type: 'userset', conditions: { allOf: [{ allOf: conditions }] } });
  const vendors = (key: string, ...conditions: object[]) => (
    api.conditionSets.create({ key, name: key, type: 'resourceset', resource_id: 'vendor' as unknown as object, conditions: { allOf: [{ allOf: conditions }] } })
  );
  await users('growth_team', { 'subject.team': { equals: 'growth' } });
  await users('cleared', { 'user.clearance': { 'greater-than-equals': 5 } });
  await vendors('gold', { 'resource.tier': { equals: 'gold' } });
  await vendors('scored', { 'resource.score': { 'greater-than': 6 } }, { 'context.consent': { equals: true } });
  await api.conditionSetRules.create({ user_set: 'growth_team', permission: `vendor:${PLAN}`, resource_set: 'gold' });
  await api.conditionSetRules.create({ user_set: 'cleared', permission: `vendor:${FLAG}`, resource_set: 'scored' });
  await api.conditionSetRules.create({ user_set: 'auditor', is_role: true, permission: `vendor:${PLAN}`, resource_set: 'gold' });
}

let scenario: Scenario;
beforeAll(async () => { ({ production: scenario } = await openScenarios({ production: fill })); });
afterAll(async () => {
  await endServers();
  await closeEmulators();
});

test('a rule permits its users its vendors; an attribute that is missing meets nothing', async () => {
  await expectRows(scenario, [
    [`${GROWTH} ${PLAN} vendor:crm`, true], [`${GROWTH} ${PLAN} vendor:mail`, false], [`${GROWTH} ${PLAN} vendor:plain`, false], [`${GROWTH} ${FLAG} vendor:crm`, false],
    [`${SALES} ${PLAN} vendor:crm`, false], [`service|nobody ${PLAN} vendor:crm`, false],
  ]);
  await expectPermissions(scenario, GROWTH, { 'vendor:crm': [PLAN] });
  await expectPermissions(scenario, SALES, {});
});

test('the context counts where a set reads it, and with the value that is declared', async () => {
  const { permit } = scenario;
  const ask = (context: object) => Promise.all(['crm', 'mail', 'plain'].map((key) => permit.check(SALES, FLAG, `vendor:${key}`, context as Record<string, unknown>)));
  expect(await ask({ consent: true })).toEqual([true, true, false]);
  for (const context of [{}, { consent: false }, { consent: 1 }, { consent: null }, { Consent: true }]) expect([context, await ask(context)]).toEqual([context, [false, false, false]]);
  expect(await permit.bulkCheck([{ user: SALES, action: FLAG, resource: 'vendor:crm' }, { user: GROWTH, action: FLAG, resource: 'vendor:crm' }], { consent: true })).toEqual([true, false]);
  expect(Object.keys(await scenario.post('/user-permissions', { user: { key: SALES }, context: { consent: true } }))).toEqual(['vendor:crm', 'vendor:mail']);
});

test('attributes and roles that the caller states override none that are stored, and add none', async () => {
  const { permit } = scenario;
  const as = (key: string, attributes: object) => ({ key, attributes: attributes as Record<string, unknown> });
  const vendor = (key: string, attributes: object) => ({ type: 'vendor', key, attributes: attributes as Record<string, unknown> });
  expect(await permit.check(as(SALES, { team: 'growth', clearance: 9, roles: ['auditor'] }), PLAN, vendor('crm', {}))).toBe(false);
  expect(await permit.check(as(GROWTH, {}), PLAN, vendor('mail', { tier: 'gold', score: 10 }))).toBe(false);
  expect(await permit.check(as(GROWTH, {}), PLAN, vendor('plain', { tier: 'gold' }))).toBe(false);
  expect(await permit.check(as(GROWTH, { team: 'sales' }), PLAN, vendor('crm', { tier: 'basic' }))).toBe(true);
  expect(await permit.check(as(SALES, {}), PLAN, vendor('crm', {}), { user: { team: 'growth' }, team: 'growth', roles: ['auditor'] })).toBe(false);
});

test('a plain role in a rule permits the vendors of its set; attributes that change here change who may', async () => {
  const { users, resourceInstances } = scenario.permit.api;
  await users.assignRole({ user: SALES, role: 'auditor', tenant: 'default' });
  await expectRows(scenario, [[`${SALES} ${PLAN} vendor:crm`, true], [`${SALES} ${PLAN} vendor:mail`, false]]);
  await resourceInstances.update('vendor:mail', { attributes: { tier: 'gold', score: 7 } });
  await users.update(GROWTH, { attributes: { team: 'sales', clearance: 3 } });
  await expectRows(scenario, [[`${SALES} ${PLAN} vendor:mail`, true], [`${GROWTH} ${PLAN} vendor:crm`, false], [`${GROWTH} ${PLAN} vendor:mail`, false]]);
});

test('a rule that goes permits nothing any more; a condition that nobody knows permits nothing', async () => {
  const { conditionSets, conditionSetRules } = scenario.permit.api;
  await conditionSetRules.delete({ user_set: 'auditor', is_role: true, permission: `vendor:${PLAN}`, resource_set: 'gold' });
  await expectRows(scenario, [[`${SALES} ${PLAN} vendor:crm`, false]]);
  expect(await scenario.permit.check(SALES, FLAG, 'vendor:crm', { consent: true })).toBe(true);
  await conditionSets.update('cleared', { conditions: { allOf: [{ 'user.clearance': { 'is-about': 5 } }] } });
  await conditionSetRules.create({ user_set: 'growth_team', permission: `vendor:${FLAG}`, resource_set: 'gold' });
  await scenario.permit.api.users.update(GROWTH, { attributes: { team: 'growth' } });
  // In once this is in: both came with one reading, or with one before it.
  await expectRows(scenario, [[`${GROWTH} ${FLAG} vendor:crm`, true]]);
  expect(await scenario.permit.check(SALES, FLAG, 'vendor:crm', { consent: true })).toBe(false);
});
