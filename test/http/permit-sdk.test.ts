import { closeDropIns, KEYS, openDropIn, sdkOf, type OpenedDropIn } from './permit-support.ts';
import { removeWorlds } from '../support/world.ts';

// The unmodified SDK of Permit, against a real server.

let server: OpenedDropIn;
beforeAll(async () => { server = await openDropIn(); });
afterAll(async () => {
  await closeDropIns();
  await removeWorlds();
});

const ID = 'send-user-unique_id-pseudonymous';
const EMAIL = 'send-user-contact-email';
const vendor = (key: string) => ({ type: 'vendor', key });

test('permit.check: what /check allows is true, everything else false; each is recorded', async () => {
  const permit = sdkOf(server);
  const before = (await server.records()).length;
  expect(await permit.check('service|telemetry', ID, 'vendor:mixpanel')).toBe(true);
  expect(await permit.check({ key: 'service:telemetry' }, ID, vendor('mixpanel'))).toBe(true);
  expect(await permit.check('service|telemetry', EMAIL, vendor('mixpanel'))).toBe(false);
  const records = (await server.records()).slice(before).filter(({ kind }) => kind === 'decision');
  expect(records.map(({ caller, identity, vendor: to, environment, purpose, decision }) => [caller, identity, to, environment, purpose, decision])).toEqual([
    ['permit:production', 'service:telemetry', 'mixpanel', 'production', 'analytics.reporting', 'allow'],
    ['permit:production', 'service:telemetry', 'mixpanel', 'production', 'analytics.reporting', 'allow'],
    ['permit:production', 'service:telemetry', 'mixpanel', 'production', 'analytics.reporting', 'deny'],
  ]);
});

test('permit.check: the environment is the key\'s', async () => {
  await sdkOf(server, { token: KEYS['staging']! }).check('service|telemetry', ID, vendor('mixpanel'));
  const { environment, caller } = (await server.records()).at(-1)!;
  expect([environment, caller]).toEqual(['staging', 'permit:staging']);
});

test('permit.check: the purpose is that of the context', async () => {
  const permit = sdkOf(server);
  expect(await permit.check('service|telemetry', ID, vendor('mixpanel'), { purpose: 'analytics.reporting.ad_performance' })).toBe(true);
  expect(await permit.check('service|telemetry', ID, vendor('mixpanel'), { purpose: 'marketing' })).toBe(false);
  expect(await permit.check('service|telemetry', ID, vendor('mixpanel'), { purpose: 'nobody.knows' })).toBe(false);
});

test('permit.bulkCheck: as many answers, in their order', async () => {
  const permit = sdkOf(server);
  const questions = [
    { user: 'service|telemetry', action: ID, resource: 'vendor:mixpanel' },
    { user: 'service|telemetry', action: EMAIL, resource: 'vendor:mixpanel' },
    { user: 'service|nobody', action: ID, resource: vendor('mixpanel') },
    { user: 'service:telemetry', action: ID, resource: vendor('mixpanel') },
    { user: '', action: ID, resource: vendor('mixpanel') },
    { user: 'service|telemetry', action: ID, resource: 'vendor' },
  ];
  expect(await permit.bulkCheck(questions)).toEqual([true, false, false, true, false, false]);
  expect(await permit.bulkCheck([])).toEqual([]);
  const many = Array.from({ length: 1000 }, (_, at) => ({ user: 'service|telemetry', action: at % 3 === 0 ? ID : EMAIL, resource: 'vendor:mixpanel' }));
  expect(await permit.bulkCheck(many)).toEqual(many.map((_, at) => at % 3 === 0));
});

test('permit.getUserPermissions: exactly what permit.check says true to', async () => {
  const permit = sdkOf(server);
  const permissions = await permit.getUserPermissions('service|telemetry');
  expect(Object.keys(permissions)).toContain('vendor:mixpanel');
  const listed = Object.entries(permissions).flatMap(([resource, { permissions: actions }]) => actions.map((action) => `${resource.replace('vendor:', '')} ${action}`));
  expect(listed).toContain(`mixpanel vendor:${ID}`);
  const asked = [...server.facts().vendors.keys()].flatMap((key) => leavesOf(server).map((leaf) => ({ key, action: `send-${leaf.replaceAll('.', '-')}` })));
  const answers: boolean[] = [];
  for (let from = 0; from < asked.length; from += 1000) answers.push(...await permit.bulkCheck(asked.slice(from, from + 1000).map(({ key, action }) => ({ user: 'service|telemetry', action, resource: vendor(key) }))));
  expect(asked.filter((_, at) => answers[at]).map(({ key, action }) => `${key} vendor:${action}`).toSorted()).toEqual(listed.toSorted());
});

function leavesOf({ facts }: OpenedDropIn): readonly string[] {
  const all = [...facts().categories.keys()];
  return all.filter((id) => !all.some((other) => other.startsWith(`${id}.`)));
}

test('permit.getUserPermissions with tenants, resources and types; one record each', async () => {
  const permit = sdkOf(server);
  const before = (await server.records()).length;
  expect(Object.keys(await permit.getUserPermissions('service|telemetry', ['default'], ['vendor:mixpanel', 'vendor:nobody'], ['vendor', 'document']))).toEqual(['vendor:mixpanel']);
  for (const filter of [[['elsewhere']], [undefined, ['vendor:nobody']], [undefined, undefined, ['document']], [[]]] as [string[]?, string[]?, string[]?][]) {
    expect(await permit.getUserPermissions('service|telemetry', ...filter)).toEqual({});
  }
  expect(await permit.getUserPermissions('service|nobody')).toEqual({});
  const records = (await server.records()).slice(before).filter(({ kind }) => kind !== 'input');
  expect(records.map(({ kind }) => kind)).toEqual(new Array(6).fill('permitted'));
  expect(records[0]).toMatchObject({
    caller: 'permit:production', list: 'user_permissions', identity: 'service:telemetry', environment: 'production', purpose: 'analytics.reporting', vendors: 1,
    permitted: [{ identities: ['service:telemetry'], vendors: ['mixpanel'], categories: expect.arrayContaining(['user.unique_id.pseudonymous']) }],
    revision: { number: 1, digest: expect.stringMatching(/^sha256:/) },
  });
  expect(records[5]).toMatchObject({ identity: expect.stringMatching(/^\?/), permitted: [] });
});

test('permit.checkAllTenants, whose key stands in the body', async () => {
  const permit = sdkOf(server);
  expect(await permit.checkAllTenants('service|telemetry', ID, vendor('mixpanel'), {}, 'node')).toEqual([{ key: 'default', attributes: {} }]);
  expect(await permit.checkAllTenants('service|telemetry', ID, 'vendor:mixpanel', { purpose: 'analytics.reporting' }, 'node')).toHaveLength(1);
  expect(await permit.checkAllTenants({ key: 'service:telemetry' }, EMAIL, 'vendor:mixpanel', {}, 'node')).toEqual([]);
  expect(await permit.checkAllTenants('service|telemetry', ID, 'vendor', {}, 'node')).toEqual([]);
  await expect(sdkOf(server, { token: 'permit_key_of_nobody' }).checkAllTenants('service|telemetry', ID, 'vendor:mixpanel', {}, 'node')).rejects.toMatchObject({ response: { status: 403 } });
});

test('a bad key: an error, or false with throwOnError off', async () => {
  const bad = { token: 'permit_key_of_nobody' };
  await expect(sdkOf(server, bad).check('service|telemetry', ID, vendor('mixpanel'))).rejects.toThrow(/403/);
  const quiet = sdkOf(server, { ...bad, throwOnError: false });
  expect(await quiet.check('service|telemetry', ID, vendor('mixpanel'))).toBe(false);
  expect(await quiet.bulkCheck([{ user: 'service|telemetry', action: ID, resource: 'vendor:mixpanel' }])).toEqual([]);
  expect(await quiet.getUserPermissions('service|telemetry')).toEqual({});
});

test('with retry and timeout: facts that are verified meanwhile answer; those that are not never allow', async () => {
  const fresh = await openDropIn();
  const facts = fresh.facts();
  await fresh.activate(undefined);
  const impatient = sdkOf(fresh, { throwOnError: false });
  expect(await impatient.check('service|telemetry', ID, vendor('mixpanel'))).toBe(false);
  await expect(sdkOf(fresh).check('service|telemetry', ID, vendor('mixpanel'))).rejects.toThrow(/503/);
  let attempts = 0;
  const patient = sdkOf(fresh, {
    timeout: 20_000,
    pdpRetry: { maxRetries: 5, retryDelay: 1, respectRetryAfter: false, retryCondition: ({ response }: { readonly response?: { readonly status: number } }) => {
      attempts += 1;
      if (attempts === 2) void fresh.activate(facts);
      return response?.status === 503;
    } },
  } as Parameters<typeof sdkOf>[1]);
  expect(await patient.check('service|telemetry', ID, vendor('mixpanel'))).toBe(true);
  expect(attempts).toBe(2);
  expect(await patient.bulkCheck([{ user: 'service|telemetry', action: ID, resource: 'vendor:mixpanel' }])).toEqual([true]);
  expect(await patient.getUserPermissions('service|telemetry', undefined, ['vendor:mixpanel'])).toHaveProperty(['vendor:mixpanel']);
});
