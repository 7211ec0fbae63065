// Roles on instances and what derives from them, over accounts, groups of vendors and vendors, as Permit's own tests of
// its SDK exercise them on accounts, folders and documents: administered and asked by the SDK alone.
import type { Permit } from 'permitio';
import { closeEmulators, failure } from '../emulators/harness.ts';
import { endServers } from '../support/server.ts';
import { expectPermissions, expectRows, FLAG, openScenarios, PLAN, VENDOR_ACTIONS, type Scenario } from './permit-scenario-support.ts';

const derived = (role: string, on_resource: string, linked_by_relation: string) => ({ users_with_role: [{ role, on_resource, linked_by_relation }] });
const WHO = { admin: 'service|admin', member: 'service|member', group: 'service|group', vendor: 'service|vendor', both: 'service|both', far: 'service|far' } as const;

/** admin of an account → sender of its groups → sender of their vendors; an observer of a group → of its vendors. */
async function fill({ api }: Permit): Promise<void> {
  await api.resources.create({ key: 'account', name: 'Account', actions: {}, roles: { admin: { name: 'Admin' }, member: { name: 'Member' } } });
  await api.resources.create({
    key: 'vendor_group', name: 'Group', actions: {}, relations: { account: 'account' },
    roles: { sender: { name: 'Sender', granted_to: derived('admin', 'account', 'account') }, observer: { name: 'Observer' } },
  });
  await api.resources.create({
    key: 'vendor', name: 'Vendor', actions: VENDOR_ACTIONS, relations: { group: 'vendor_group' },
    roles: {
      sender: { name: 'Sender', permissions: [PLAN, FLAG], granted_to: derived('sender', 'vendor_group', 'group') },
      observer: { name: 'Observer', permissions: [FLAG], granted_to: derived('observer', 'vendor_group', 'group') },
    },
  });
  for (const [tenant, account, group, vendors] of [['t1', 'acme', 'marketing', ['crm', 'mail']], ['t2', 'globex', 'sales', ['phone']]] as const) {
    await api.tenants.create({ key: tenant, name: tenant });
    await api.relationshipTuples.create({ subject: `account:${account}`, relation: 'account', object: `vendor_group:${group}`, tenant });
    for (const vendor of vendors) await api.relationshipTuples.create({ subject: `vendor_group:${group}`, relation: 'group', object: `vendor:${vendor}`, tenant });
  }
  await api.users.bulkUserCreate(Object.values(WHO).map((key) => ({ key })));
  const assign = (user: string, role: string, resource_instance: string) => api.roleAssignments.assign({ user, role, resource_instance });
  await assign(WHO.admin, 'admin', 'account:acme');
  await assign(WHO.member, 'member', 'account:acme');
  await assign(WHO.group, 'sender', 'vendor_group:marketing');
  await assign(WHO.vendor, 'observer', 'vendor:crm');
  await assign(WHO.both, 'admin', 'account:acme');
  await assign(WHO.both, 'observer', 'vendor:crm');
  await assign(WHO.far, 'admin', 'account:globex');
}

let scenario: Scenario;
beforeAll(async () => { ({ production: scenario } = await openScenarios({ production: fill })); });
afterAll(async () => {
  await endServers();
  await closeEmulators();
});

test('a role derives over accounts and groups to vendors, and no role derives that is not named', async () => {
  await expectRows(scenario, [
    [`${WHO.admin} ${PLAN} vendor:crm@t1`, true], [`${WHO.admin} ${FLAG} vendor:mail@t1`, true],
    [`${WHO.group} ${PLAN} vendor:crm@t1`, true], [`${WHO.group} ${PLAN} vendor:mail@t1`, true],
    [`${WHO.member} ${PLAN} vendor:crm@t1`, false], [`${WHO.member} ${FLAG} vendor:crm@t1`, false],
    [`${WHO.vendor} ${FLAG} vendor:crm@t1`, true], [`${WHO.vendor} ${PLAN} vendor:crm@t1`, false], [`${WHO.vendor} ${FLAG} vendor:mail@t1`, false],
    [`${WHO.admin} ${PLAN} vendor@t1`, false], [`${WHO.admin} ${PLAN} vendor_group:marketing@t1`, false],
  ]);
});

test('nothing derives from one tenant to another, whichever tenant is named', async () => {
  await expectRows(scenario, [
    [`${WHO.far} ${PLAN} vendor:phone@t2`, true], [`${WHO.far} ${PLAN} vendor:crm@t1`, false], [`${WHO.far} ${PLAN} vendor:crm@t2`, false],
    [`${WHO.admin} ${PLAN} vendor:phone@t2`, false], [`${WHO.admin} ${PLAN} vendor:phone@t1`, false], [`${WHO.admin} ${PLAN} vendor:crm@t2`, false], [`${WHO.admin} ${PLAN} vendor:crm`, false],
  ]);
  const across = { subject: 'account:acme', relation: 'account', object: 'vendor_group:sales', tenant: 't1' };
  expect(await failure(scenario.permit.api.relationshipTuples.create(across))).toMatchObject({ status: 400 });
});

test('the lists say what checks say: by vendor, by tenant, and by user', async () => {
  await expectPermissions(scenario, WHO.admin, { 'vendor:crm': [PLAN, FLAG], 'vendor:mail': [PLAN, FLAG] });
  await expectPermissions(scenario, WHO.vendor, { 'vendor:crm': [FLAG] });
  await expectPermissions(scenario, WHO.far, { 'vendor:phone': [PLAN, FLAG] });
  await expectPermissions(scenario, WHO.far, {}, ['t1']);
  await expectPermissions(scenario, WHO.member, {});
  const usersOf = async (action: string) => Object.keys((await scenario.post('/authorized_users', { action, resource: { type: 'vendor', key: 'crm', tenant: 't1' } }))['users'] as object).toSorted();
  expect(await usersOf(PLAN)).toEqual([WHO.admin, WHO.both, WHO.group].toSorted());
  expect(await usersOf(FLAG)).toEqual([WHO.admin, WHO.both, WHO.group, WHO.vendor].toSorted());
  expect((await scenario.permit.checkAllTenants(WHO.far, PLAN, 'vendor:phone', {}, 'node')).map(({ key }) => key)).toEqual(['t2']);
});

test('no_direct_roles_on_object: whoever has a role on the vendor itself derives none there, elsewhere it does', async () => {
  await expectRows(scenario, [[`${WHO.both} ${PLAN} vendor:crm@t1`, true]]);
  const { resourceRoles } = scenario.permit.api;
  await resourceRoles.updateRoleDerivationConditions('vendor', 'sender', { no_direct_roles_on_object: true });
  await expectRows(scenario, [
    [`${WHO.both} ${PLAN} vendor:crm@t1`, false], [`${WHO.both} ${FLAG} vendor:crm@t1`, true], [`${WHO.both} ${PLAN} vendor:mail@t1`, true],
    [`${WHO.admin} ${PLAN} vendor:crm@t1`, true], [`${WHO.group} ${PLAN} vendor:crm@t1`, true],
  ]);
  await resourceRoles.updateRoleDerivationConditions('vendor', 'sender', { no_direct_roles_on_object: false });
  await expectRows(scenario, [[`${WHO.both} ${PLAN} vendor:crm@t1`, true]]);
});

test('a tuple, an assignment and a derivation that go take along what derived through them, and no more', async () => {
  const { relationshipTuples, roleAssignments, resourceRoles } = scenario.permit.api;
  await relationshipTuples.delete({ subject: 'vendor_group:marketing', relation: 'group', object: 'vendor:mail' });
  await expectRows(scenario, [[`${WHO.admin} ${PLAN} vendor:mail@t1`, false], [`${WHO.group} ${PLAN} vendor:mail@t1`, false], [`${WHO.admin} ${PLAN} vendor:crm@t1`, true]]);
  await roleAssignments.unassign({ user: WHO.admin, role: 'admin', resource_instance: 'account:acme' });
  await expectRows(scenario, [[`${WHO.admin} ${PLAN} vendor:crm@t1`, false], [`${WHO.group} ${PLAN} vendor:crm@t1`, true], [`${WHO.both} ${PLAN} vendor:crm@t1`, true]]);
  await resourceRoles.deleteRoleDerivation('vendor_group', 'sender', { role: 'admin', on_resource: 'account', linked_by_relation: 'account' });
  await expectRows(scenario, [[`${WHO.both} ${PLAN} vendor:crm@t1`, false], [`${WHO.both} ${FLAG} vendor:crm@t1`, true], [`${WHO.far} ${PLAN} vendor:phone@t2`, false], [`${WHO.group} ${PLAN} vendor:crm@t1`, true]]);
});
