// Permit's own SDK asks a server whose environments are administered in Permit: real program, real SDK, emulator.
import { Permit } from 'permitio';
import { closeEmulators } from '../emulators/harness.ts';
import { closePython, pythonSdk, withPython } from '../emulators/python/sdk.ts';
import { DEMO_KEYS } from '../emulators/permit/emulator.ts';
import { toAction, toUserKey } from '../../src/core/permit-names.ts';
import { endServers, metric, readRecords, until, type RunningServer } from '../support/server.ts';
import { administered, grant, revoke, writeKeys, type Administered } from './permit-support.ts';

let world: Administered;
beforeAll(async () => {
  world = await administered();
  await until(() => world.server.send('/readyz'), ({ status }) => status === 200);
});
afterAll(async () => {
  await closePython();
  await endServers();
  await closeEmulators();
});

type Config = NonNullable<ConstructorParameters<typeof Permit>[0]>;
const sdk = ({ port }: RunningServer, token: string = DEMO_KEYS.production, config: Partial<Config> = {}) => new Permit({ token, pdp: `http://127.0.0.1:${port}`, log: { level: 'silent' }, ...config } as Config);

const ACTION = 'send-user-unique_id-pseudonymous';
const VENDOR = 'vendor:mixpanel';
const USER = 'service|telemetry';

test('permitio, unmodified: check, bulkCheck, getUserPermissions, checkAllTenants give what the emulator\'s policy says, with retry and timeout', async () => {
  const retry = { maxRetries: 2, retryDelay: 1 };
  const permit = sdk(world.server, DEMO_KEYS.production, { timeout: 20_000, retry, pdpRetry: retry } as Partial<Config>);
  expect(await permit.check(USER, ACTION, VENDOR)).toBe(true);
  expect(await permit.check(USER, 'send-user-contact-email', VENDOR, {}, { timeout: 20_000 })).toBe(false);
  expect(await permit.bulkCheck([{ user: USER, action: ACTION, resource: VENDOR }, { user: 'service|nobody', action: ACTION, resource: VENDOR }])).toEqual([true, false]);
  const permissions = await permit.getUserPermissions(USER);
  expect(permissions['vendor:mixpanel']).toMatchObject({ resource: { type: 'vendor', key: 'mixpanel' }, permissions: expect.arrayContaining([`vendor:${ACTION}`]), roles: ['dashboard_telemetry'] });
  expect((await permit.checkAllTenants(USER, ACTION, VENDOR, {}, 'node')).map(({ key }) => key)).toEqual(['default']);
  expect(await permit.check(USER, ACTION, { type: 'vendor', key: 'mixpanel', tenant: 'elsewhere' })).toBe(false);
});

test('the SDK administers and asks: a role that is taken away is false here, in lists too', async () => {
  const permit = sdk(world.server);
  revoke(world.emulator);
  await until(() => permit.check(USER, ACTION, VENDOR), (allow) => !allow);
  expect(await permit.getUserPermissions(USER, undefined, [VENDOR])).toEqual({});
  expect(await sdk(world.server, DEMO_KEYS.staging).check(USER, ACTION, VENDOR)).toBe(true);
  grant(world.emulator);
  await until(() => permit.check(USER, ACTION, VENDOR), (allow) => allow);
});

withPython('F19: what Permit\'s SDK for Python writes is synced, and what it asks here follows', async () => {
  const { call } = pythonSdk({ token: DEMO_KEYS.production, api_url: world.emulator.url, pdp: `http://127.0.0.1:${world.server.port}` });
  const check = (user: string) => call<boolean>('check', [user, ACTION, VENDOR]);
  expect([await check(USER), await check('service|python')]).toEqual([true, false]);
  await call('api.users.sync', [{ key: 'service|python', attributes: { team: 'growth' } }]);
  const held = { user: 'service|python', role: 'dashboard_telemetry', tenant: 'default' };
  await call('api.users.assign_role', [held]);
  await until(() => check('service|python'), (allow) => allow);
  expect(await call('get_user_permissions', ['service|python', ['default'], [VENDOR]])).toMatchObject({ [VENDOR]: { roles: ['dashboard_telemetry'] } });
  expect(Object.keys((await call<{ users: object }>('authorized_users', [ACTION, VENDOR])).users)).toContain('service|python');
  await call('api.users.unassign_role', [held]);
  await until(() => check('service|python'), (allow) => !allow);
  await call('api.users.delete', ['service|python']);
});

test('R54: the kill switch is false here at once, remembered answers and lists too', async () => {
  const permit = sdk(world.server);
  const ask = async () => [await permit.check(USER, ACTION, VENDOR), ...await permit.bulkCheck([{ user: USER, action: ACTION, resource: VENDOR }]), 'vendor:mixpanel' in await permit.getUserPermissions(USER)];
  expect([await ask(), await ask()]).toEqual([[true, true, true], [true, true, true]]);
  expect((await world.server.setVendor('mixpanel', 'under_review')).status).toBe(200);
  expect(await ask()).toEqual([false, false, false]);
  expect((await world.server.setVendor('mixpanel', 'active')).status).toBe(200);
  expect(await ask()).toEqual([true, true, true]);
});

test('parity with /check in an environment that Permit administers', async () => {
  const identities = ['service:telemetry', 'service:checkout', 'agent:copilot', 'user:sam'];
  const categories = ['user.unique_id.pseudonymous', 'user.contact.email', 'system.operations.feature_flag', 'user.location.imprecise.region', 'user.location.imprecise.city', 'system.tenant.org_id'];
  const asked = identities.flatMap((identity) => ['mixpanel', 'amplitude', 'internal-obs', 'segment', 'openai'].flatMap((vendor) => categories.map((category) => ({ identity, vendor, category }))));
  const given = await sdk(world.server).bulkCheck(asked.map(({ identity, vendor, category }) => ({ user: toUserKey(identity), action: toAction(category), resource: `vendor:${vendor}` })));
  const items = asked.map(({ identity, vendor, category }) => ({ identity, vendor, categories: [category] }));
  const answers = (await world.server.send('/check/batch', { body: { defaults: { environment: 'production', purpose: 'analytics.reporting', supports: [] }, items } })).json()['items'] as { decision: string }[];
  expect(given).toEqual(answers.map(({ decision }) => decision === 'allow'));
  expect([given.includes(true), given.includes(false)]).toEqual([true, true]);
});

test('each question is a record of permit:production; metrics count it by its route', async () => {
  await sdk(world.server).check(USER, ACTION, VENDOR);
  const record = (await readRecords(world.dataDir)).findLast(({ kind }) => kind === 'decision')!;
  expect(record).toMatchObject({ caller: 'permit:production', identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', purpose: 'analytics.reporting', decision: 'allow' });
  const { text } = await world.server.send('/metrics');
  expect(text).toMatch(/http_request_duration_seconds_count\{route="\/allowed",method="POST",status="200"\} [1-9]/);
  expect(await metric(world.server, 'sluice_facts_unverified')).toBe(0);
  expect(world.server.output()).not.toContain('permit_key');
});

test('a key that is changed in its file asks here from then on, without a restart; the one before no longer', async () => {
  world.emulator.rotateKey(DEMO_KEYS.production, 'permit_key_changed');
  await writeKeys(world.keysFile, { production: 'permit_key_changed', staging: DEMO_KEYS.staging });
  const changed = sdk(world.server, 'permit_key_changed', { throwOnError: false });
  await until(() => changed.check(USER, ACTION, VENDOR), (allow) => allow);
  await expect(sdk(world.server).check(USER, ACTION, VENDOR)).rejects.toThrow(/403/);
});
