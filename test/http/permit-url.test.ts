import type { Facts } from '../../src/core/facts.ts';
import { removeWorlds } from '../support/world.ts';
import { CANARY } from './harness.ts';
import { closeDropIns, openDropIn, type OpenedDropIn } from './permit-support.ts';

// Two further routes of Permit's PDP: what an address is for, and a user's tenants.

let server: OpenedDropIn;
beforeAll(async () => {
  server = await openDropIn({ change: inTenants });
});
afterAll(async () => {
  await closeDropIns();
  await removeWorlds();
});

function inTenants(facts: Facts): Facts {
  const tenants: Readonly<Record<string, string>> = { amplitude: 'acme' };
  return {
    ...facts,
    digest: `${facts.digest} in tenants`,
    vendors: new Map(
      [...facts.vendors].map(([id, vendor]) => [
        id,
        { ...vendor, ...(tenants[id] !== undefined && { tenant: tenants[id]! }) },
      ]),
    ),
  };
}

const ACTION = 'send-user-unique_id-pseudonymous';
const ASKED = {
  user: { key: 'service|telemetry' },
  http_method: 'POST',
  url: `https://api-eu.mixpanel.com/track?${CANARY}=1`,
  tenant: 'default',
  context: { action: ACTION },
} as const;
const { context: _, ...SILENT } = ASKED;

interface Allowed {
  readonly allow: boolean;
  readonly result: boolean;
  readonly query: object;
  readonly debug: Readonly<Record<string, unknown>>;
}
async function ask(parts: object = {}): Promise<Allowed> {
  const received = await server.post('/allowed_url', { ...ASKED, ...parts });
  expect([received.status, received.text]).toEqual([200, expect.not.stringContaining(CANARY)]);
  return received.json() as unknown as Allowed;
}
const lastRecord = async () => (await server.records()).findLast(({ kind }) => kind === 'decision')!;

test('F19: /allowed_url asks about the vendor that has the host; its record has no address', async () => {
  const { allow, result, query, debug } = await ask();
  expect([allow, result, debug['decision']]).toEqual([true, true, 'allow']);
  expect(query).toEqual({
    user: { key: 'service|telemetry' },
    action: ACTION,
    resource: { type: 'vendor', key: 'mixpanel', tenant: 'default' },
  });
  const record = await lastRecord();
  expect(record).toMatchObject({
    decisionId: debug['decisionId'],
    caller: 'permit:production',
    identity: 'service:telemetry',
    vendor: 'mixpanel',
    purpose: 'analytics.reporting',
    decision: 'allow',
  });
  expect(JSON.stringify(await server.records())).not.toMatch(new RegExp(`${CANARY}|api-eu`));
  expect(server.lines.join()).not.toContain(CANARY);
});

test.each<[string, object, string, object]>([
  [
    'a host that nobody has',
    { url: 'https://mixpanel.com.evil.example/' },
    'no_such_resource',
    { vendor: expect.stringMatching(/^\?/) },
  ],
  [
    'a host with the vendor in its user part',
    { url: 'https://api.mixpanel.com@evil.example/' },
    'no_such_resource',
    {},
  ],
  ['a way that is not encrypted', { url: 'http://api.mixpanel.com/track' }, 'no_permission', { vendor: 'mixpanel' }],
  ['a vendor of another tenant', { tenant: 'acme' }, 'no_such_resource', { vendor: expect.stringMatching(/^\?/) }],
  ['a tenant that nobody has', { tenant: 'nobody' }, 'no_such_tenant', {}],
  ['another category', { context: { action: 'send-user-contact-email' } }, 'no_permission', { vendor: 'mixpanel' }],
  ['an action that names no category', { context: { action: 'POST' } }, 'no_such_action', {}],
  ['no action: an address does not say what is sent', { context: {} }, 'no_such_action', { vendor: 'mixpanel' }],
  ['no action, whatever the method', { ...SILENT, context: null, http_method: ACTION }, 'no_such_action', {}],
  ['a user that nobody knows', { user: { key: 'service|nobody' } }, 'user_not_synced', {}],
  ['a purpose that is not permitted', { context: { action: ACTION, purpose: 'marketing' } }, 'no_permission', {}],
])('F19: /allowed_url is false for %s, recorded', async (_name, parts, code, record) => {
  const { allow, result, debug } = await ask(parts);
  expect([allow, result, debug['code'], debug['reason']]).toEqual([false, false, code, expect.stringMatching(/./)]);
  expect(await lastRecord()).toMatchObject({ decisionId: debug['decisionId'], decision: 'deny', ...record });
});

test('F19: /allowed_url takes what SDKs send of it: nulls, an upper-case scheme, a port', async () => {
  expect(
    (
      await ask({
        user: { key: 'service:telemetry', attributes: null, first_name: null },
        tenant: null,
        sdk: null,
        http_method: null,
      })
    ).allow,
  ).toBe(true);
  expect((await ask({ url: 'HTTPS://API.mixpanel.com:443/track' })).allow).toBe(true);
  expect((await ask({ url: 'https://api.amplitude.com/2/httpapi', tenant: 'acme' })).query).toMatchObject({
    resource: { key: 'amplitude', tenant: 'acme' },
  });
});

test.each<[string, object, (string | number)[]]>([
  ['no address', { url: undefined }, ['body', 'url']],
  ['an address of another kind', { url: `ftp://${CANARY}.example/` }, ['body', 'url']],
  ['a path alone', { url: `/${CANARY}` }, ['body', 'url']],
  ['an address that is too long', { url: `https://api.mixpanel.com/${'x'.repeat(8200)}` }, ['body', 'url']],
  ['a number', { url: 7 }, ['body', 'url']],
  ['no user', { user: undefined }, ['body', 'user']],
  ['a plain user', { user: 'service|telemetry' }, ['body', 'user']],
  ['a list as action', { context: { action: [ACTION] } }, ['body', 'context', 'action']],
  ['a list as tenant', { tenant: ['default'] }, ['body', 'tenant']],
])('F19: /allowed_url says 422 and where for %s, and quotes nothing', async (_name, parts, loc) => {
  const received = await server.post('/allowed_url', { ...ASKED, ...parts });
  expect([received.status, received.json()]).toEqual([
    422,
    { detail: [{ loc, msg: expect.not.stringContaining(CANARY), type: 'value_error' }] },
  ]);
});

test('F19: /user-tenants lists the tenants of what /user-permissions lists; one record', async () => {
  const tenants = async (user: string, rest: object = {}) =>
    (await server.post('/user-tenants', { user: { key: user }, ...rest })).json();
  const permitted = (await server.post('/user-permissions', { user: { key: 'service|telemetry' } })).json() as Record<
    string,
    { tenant: { key: string } }
  >;
  const wanted = [...new Set(Object.values(permitted).map(({ tenant }) => tenant.key))].toSorted();
  expect(wanted).toContain('default');
  expect(await tenants('service|telemetry', { context: null })).toEqual(wanted.map((key) => ({ key, attributes: {} })));
  expect((await server.records()).at(-1)).toMatchObject({
    kind: 'permitted',
    list: 'user_tenants',
    identity: 'service:telemetry',
    caller: 'permit:production',
  });
  expect(await tenants('service|nobody')).toEqual([]);
  expect(await tenants('service|telemetry', { context: { purpose: 'nobody.knows' } })).toEqual([]);
  expect((await server.post('/user-tenants', {})).status).toBe(422);
});

test('F19: /user-tenants names a tenant only to whom something is permitted there', async () => {
  const facts = server.facts();
  await server.activate({
    ...facts,
    digest: `${facts.digest} alone`,
    vendors: new Map([...facts.vendors].map(([id, vendor]) => [id, { ...vendor, tenant: id }])),
  });
  const listed = (await server.post('/user-tenants', { user: { key: 'service|telemetry' } })).json() as unknown as {
    key: string;
  }[];
  const permitted = (await server.post('/user-permissions', { user: { key: 'service|telemetry' } })).json();
  expect(listed.map(({ key }) => `vendor:${key}`)).toEqual(Object.keys(permitted).toSorted());
  expect(listed.length).toBeGreaterThan(1);
});
