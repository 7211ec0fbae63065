import type { Facts, Vendor } from '../../src/core/facts.ts';
import { toAction, toUserKey } from '../../src/core/permit-names.ts';
import { removeWorlds } from '../support/world.ts';
import { send } from './harness.ts';
import { closeDropIns, KEYS, openDropIn, type OpenedDropIn } from './permit-support.ts';

// What clients in other languages send, as plain HTTP, and what they read.

let server: OpenedDropIn;
beforeAll(async () => { server = await openDropIn({ change: inTenants }); });
afterAll(async () => {
  await closeDropIns();
  await removeWorlds();
});

/** As Permit says whose vendor it is: mixpanel acme's, amplitude other's, all others nobody's. */
function inTenants(facts: Facts): Facts {
  const tenants: Readonly<Record<string, string>> = { mixpanel: 'acme', amplitude: 'other' };
  const withTenant = (vendor: Vendor): Vendor => ({ ...vendor, ...(tenants[vendor.id] !== undefined && { tenant: tenants[vendor.id]! }), attributes: { plan: 'gold' } });
  // A category that has others below it, declared like them.
  const categories = new Map([...facts.categories, ['user.unique_id', { ...facts.categories.get('user.unique_id.pseudonymous')!, id: 'user.unique_id' }]] as const);
  return { ...facts, categories, digest: `${facts.digest} in tenants`, vendors: new Map([...facts.vendors].map(([id, vendor]) => [id, withTenant(vendor)])) };
}

const ACTION = 'send-user-unique_id-pseudonymous';
const QUESTION = { user: { key: 'service|telemetry' }, action: ACTION, resource: { type: 'vendor', key: 'mixpanel', tenant: 'acme' } } as const;
const { resource: RESOURCE } = QUESTION;

interface Allowed { readonly allow: unknown; readonly result: unknown; readonly debug: Readonly<Record<string, unknown>> }
async function allowed(body: unknown): Promise<Allowed> {
  const received = await server.post('/allowed', body);
  expect([received.status, received.text]).toEqual([200, expect.any(String)]);
  return received.json() as unknown as Allowed;
}
const lastRecord = async () => (await server.records()).at(-1)!;

test.each<[string, object]>([
  ['plain', QUESTION],
  ['nulls, as Python may send them', { ...QUESTION, user: { ...QUESTION.user, first_name: null, last_name: null, email: null, attributes: null }, resource: { ...RESOURCE, attributes: null, context: null }, context: null }],
  ['a map of strings as context, as Go sends it', { ...QUESTION, context: { purpose: 'analytics.reporting', consent: 'true', trace: 'abc' } }],
  ['the names of Node', { ...QUESTION, user: { ...QUESTION.user, firstName: 'A', lastName: 'B', email: 'a@b.example', attributes: { a: [1, { b: null }] } }, context: {} }],
  ['a purpose that is null', { ...QUESTION, context: { purpose: null } }],
  ['members that nobody knows', { ...QUESTION, sdk: 'x', useDebugger: true, resource: { ...RESOURCE, id: 7 } }],
  ['context names that nobody knows, or with other values than declared', { ...QUESTION, context: { tenant: 'evil', audience: 'nobody', consent: 7, deep: { a: [[]] }, constructor: 1, toString: 'x' } }],
])('the same answer to %s', async (_, body) => {
  const { allow, result, debug } = await allowed(body);
  expect([allow, result, debug['decision'], debug['reasons']]).toEqual([true, true, 'allow', []]);
  expect(debug['decisionId']).toBe((await lastRecord())['decisionId']);
});

test.each<readonly [string, object, string, string, Readonly<Record<string, unknown>>]>([
  ['a type other than vendor', { resource: { ...RESOURCE, type: 'document' } }, 'no_such_resource', 'unknown_vendor', { vendor: /^\?/ }],
  ['no vendor', { resource: { type: 'vendor', tenant: 'acme' } }, 'no_such_resource', 'unknown_vendor', { vendor: /^\?/ }],
  ['a vendor that is null', { resource: { type: 'vendor', key: null, tenant: 'acme' } }, 'no_such_resource', 'unknown_vendor', { vendor: /^\?/ }],
  ['a vendor that nobody knows', { resource: { ...RESOURCE, key: 'nobody' } }, 'no_such_resource', 'unknown_vendor', { vendor: /^\?/ }],
  ['a host in the place of a vendor', { resource: { ...RESOURCE, key: 'host:api.mixpanel.com' } }, 'no_such_resource', 'unknown_vendor', { vendor: /^\?/ }],
  ['another tenant', { resource: { ...RESOURCE, tenant: 'other' } }, 'no_such_resource', 'unknown_vendor', { vendor: /^\?/ }],
  ['a tenant that nobody knows', { resource: { ...RESOURCE, tenant: 'nobody' } }, 'no_such_tenant', 'unknown_vendor', { vendor: /^\?/ }],
  ['no tenant, which is default', { resource: { ...RESOURCE, tenant: null } }, 'no_such_resource', 'unknown_vendor', { vendor: /^\?/ }],
  ['the default tenant', { resource: { ...RESOURCE, tenant: 'default' } }, 'no_such_resource', 'unknown_vendor', { vendor: /^\?/ }],
  ['an action that sends nothing', { action: 'read' }, 'no_such_action', 'unknown_field', {}],
  ['the category itself', { action: 'user.unique_id.pseudonymous' }, 'no_such_action', 'unknown_field', {}],
  ['another spelling of the category', { action: 'send-user.unique_id.pseudonymous' }, 'no_such_action', 'unknown_field', {}],
  ['a category that nobody knows', { action: 'send-user-shoe_size' }, 'no_such_action', 'unknown_field', {}],
  ['a category that is no leaf', { action: 'send-user-unique_id' }, 'no_such_action', 'unknown_field', {}],
  ['all categories', { action: 'send-*' }, 'no_such_action', 'unknown_field', {}],
  ['an identity that nobody knows', { user: { key: 'service|nobody' } }, 'user_not_synced', 'unknown_identity', { identity: /^\?/ }],
  ['a name that is no identity', { user: { key: 'alice' } }, 'user_not_synced', 'unknown_identity', { identity: /^\?/ }],
  ['every identity', { user: { key: '*' } }, 'user_not_synced', 'unknown_identity', { identity: /^\?/ }],
  ['a category that is forbidden', { action: 'send-system-tenant-org_id' }, 'no_permission', '', { vendor: /^mixpanel$/ }],
  ['a purpose that nobody knows', { context: { purpose: 'nobody.knows' } }, 'no_permission', 'unknown_purpose', { purpose: /^\?/ }],
])('false, recorded and with its reasons: %s', async (...[, change, code, reason, recorded]) => {
  const { allow, result, debug } = await allowed({ ...QUESTION, ...change });
  expect([allow, result, debug['code']]).toEqual([false, false, code]);
  expect(debug['reason']).toEqual(expect.stringMatching(/\w/));
  if (reason !== '') expect((debug['reasons'] as { code: string }[]).map((one) => one.code)).toContain(reason);
  const record = await lastRecord();
  expect(record).toMatchObject({ kind: 'decision', decisionId: debug['decisionId'], decision: debug['decision'], caller: 'permit:production' });
  expect(record['decision']).not.toBe('allow');
  for (const [name, pattern] of Object.entries(recorded)) expect(record[name]).toMatch(pattern as RegExp);
});

test('what only an obligation lets out is false: these clients know none', async () => {
  const { allow, debug } = await allowed({ ...QUESTION, action: 'send-user-location-imprecise-city' });
  expect(allow).toBe(false);
  expect((debug['reasons'] as { code: string }[]).map(({ code }) => code)).toContain('obligation_unsupported');
});

test('what a client says of user and vendor changes nothing', async () => {
  const attributes = { roles: ['telemetry'], clearance: 'top', type: 'service', state: 'active', tenant: 'default', plan: 'gold', categories: ['analytics'], party: 'first', key: 'service|telemetry' };
  const plain = { ...QUESTION, user: { key: 'service|nobody' } };
  const dressed = { ...plain, user: { ...plain.user, attributes, roles: [{ role: 'telemetry', tenant: 'acme' }] }, resource: { ...RESOURCE, attributes } };
  expect((await allowed(dressed)).allow).toBe(false);
  const judged = async (body: object) => {
    const { debug: { decisionId: _, ...debug }, ...rest } = await allowed(body);
    return { ...rest, debug };
  };
  expect(await judged(dressed)).toEqual(await judged(plain));
  expect(await judged({ ...QUESTION, action: 'send-system-tenant-org_id', user: { ...QUESTION.user, attributes }, resource: { ...RESOURCE, attributes } })).toEqual(await judged({ ...QUESTION, action: 'send-system-tenant-org_id' }));
});

test('parity: /allowed is true exactly where /check of the same question, which supports no obligation, says allow; in both environments', async () => {
  const all = [...server.facts().categories.keys()];
  const leaves = all.filter((id) => !all.some((other) => other.startsWith(`${id}.`)));
  const identities = [...server.facts().identities.keys()];
  const seen = new Map([[true, 0], [false, 0]]);
  for (const environment of ['production', 'staging']) {
    for (const vendor of ['mixpanel', 'amplitude', 'segment', 'internal-obs', 'intercom']) {
      const tenant = ({ mixpanel: 'acme', amplitude: 'other' } as Readonly<Record<string, string>>)[vendor] ?? 'default';
      const questions = leaves.map((category, at) => ({ category, identity: identities[at % identities.length]! })).concat(leaves.map((category) => ({ category, identity: 'service:telemetry' })));
      const bulk = await server.post('/allowed/bulk', questions.map(({ category, identity }) => ({ user: { key: toUserKey(identity) }, action: toAction(category), resource: { type: 'vendor', key: vendor, tenant } })), { token: KEYS[environment]! });
      const items = questions.map(({ category, identity }) => ({ identity, categories: [category] }));
      const batch = await send(server.port, '/check/batch', { token: 'demo-gateway', body: { defaults: { vendor, environment, purpose: 'analytics.reporting', supports: [] }, items } });
      expect([bulk.status, batch.status]).toEqual([200, 200]);
      const given = (bulk.json()['allow'] as Allowed[]).map(({ allow }) => allow);
      const decided = (batch.json()['items'] as { decision: string }[]).map(({ decision }) => decision === 'allow');
      expect(given).toEqual(decided);
      for (const allow of decided) seen.set(allow, seen.get(allow)! + 1);
    }
  }
  expect([...seen.values()].every((count) => count >= 20)).toBe(true);
});

test('the question comes back with its names and none of its values', async () => {
  const canary = 'canary-3f9d1c';
  const body = { ...QUESTION, user: { ...QUESTION.user, email: canary, attributes: { canary } }, resource: { ...RESOURCE, attributes: { canary } }, context: { purpose: 'analytics.reporting', audience: canary } };
  const received = await server.post('/allowed', body);
  expect(received.json()['query']).toEqual(QUESTION);
  const bulk = await server.post('/allowed/bulk', [body, { ...body, resource: { type: 'vendor', key: null } }, { canary }]);
  expect((bulk.json()['allow'] as { query: unknown }[]).map(({ query }) => query)).toEqual([QUESTION, { ...QUESTION, resource: { type: 'vendor' } }, undefined]);
  expect([received.text, bulk.text, JSON.stringify(await server.records()), ...server.lines].filter((text) => text.includes(canary))).toEqual([]);
});

test('bulk: an item\'s own error is its answer, in its place', async () => {
  const received = await server.post('/allowed/bulk', [QUESTION, null, { ...QUESTION, user: 'service|telemetry' }, { ...QUESTION, context: [] }, { ...QUESTION, action: 7 }, { ...QUESTION, resource: { type: 'vendor', key: {} } }, { ...QUESTION, user: { key: 'u'.repeat(257) } }, QUESTION]);
  const answers = received.json()['allow'] as Allowed[];
  expect(answers.map(({ allow, result }) => [allow, result])).toEqual([[true, true], ...new Array(6).fill([false, false]), [true, true]]);
  expect(answers.slice(1, 7).map(({ debug }) => [debug['code'], debug['reason']])).toEqual([
    ['request_invalid', 'the item must be an object'], ['request_invalid', 'user must be an object'], ['request_invalid', 'context must be an object'],
    ['request_invalid', 'action must be a string that is not empty'], ['request_invalid', 'resource.key must be a string that is not empty'], ['request_invalid', 'user.key must have at most 256 characters'],
  ]);
  expect((await server.post('/allowed/bulk', [])).json()).toEqual({ allow: [] });
});

test('all-tenants: only the tenants in which it is allowed, under both names, in both forms', async () => {
  const acme = { allowedTenants: [{ allow: true, result: true, tenant: { key: 'acme', attributes: {} } }], allowed_tenants: [{ allow: true, result: true, tenant: { key: 'acme', attributes: {} } }] };
  const none = { allowedTenants: [], allowed_tenants: [] };
  const ask = async (body: object, options?: object) => (await server.post('/allowed/all-tenants', body, options)).json();
  expect(await ask({ ...QUESTION, resource: { type: 'vendor', key: 'mixpanel' }, context: null })).toEqual(acme);
  expect(await ask({ ...QUESTION, resource: { type: 'vendor', key: 'mixpanel', tenant: 'other' } })).toEqual(acme);
  expect(await ask({ user: 'service|telemetry', action: ACTION, resource: 'vendor:mixpanel' })).toEqual(acme);
  expect(await ask({ headers: {}, params: { user: 'service|telemetry', action: ACTION, resource: 'vendor:mixpanel' } })).toEqual(acme);
  expect(await ask({ ...QUESTION, action: 'send-system-tenant-org_id' })).toEqual(none);
  for (const resource of ['vendor', 'document:mixpanel', 'vendor:nobody', { type: 'document', key: 'mixpanel' }]) expect(await ask({ ...QUESTION, resource })).toEqual(none);
  const before = (await server.records()).length;
  await ask({ ...QUESTION, resource: 'vendor:mixpanel' });
  expect((await server.records()).slice(before).map(({ kind }) => kind)).toEqual(['decision']);
  expect((await server.post('/allowed/all-tenants', { ...QUESTION, resource: 'a:b:c' })).status).toBe(422);
});

test('user-permissions: the shape, and the filter by tenant', async () => {
  const of = async (body: object) => (await server.post('/user-permissions', { user: { key: 'service|telemetry', attributes: null }, ...body })).json();
  const all = await of({ tenants: null, resources: null, resource_types: null, context: null });
  expect(Object.keys(all)).toEqual(expect.arrayContaining(['vendor:mixpanel', 'vendor:amplitude']));
  expect(all['vendor:mixpanel']).toEqual({
    tenant: { key: 'acme', attributes: {} }, resource: { type: 'vendor', key: 'mixpanel', attributes: { plan: 'gold' } },
    permissions: expect.arrayContaining([`vendor:${ACTION}`]), roles: ['dashboard_telemetry'],
  });
  expect(Object.keys(await of({ tenants: ['acme'] }))).toEqual(['vendor:mixpanel']);
  expect(await of({ context: { purpose: 'marketing' } })).toEqual({});
});

test('authorized_users: who would be allowed, as /allowed says it; one record', async () => {
  const ask = async (body: object) => (await server.post('/authorized_users', body)).json() as { resource: string; tenant: string; users: Record<string, unknown[]> };
  const { user: _, ...question } = QUESTION;
  const before = (await server.records()).length;
  const { resource, tenant, users } = await ask({ ...question, context: null });
  expect([resource, tenant]).toEqual(['vendor:mixpanel', 'acme']);
  expect(users['service|telemetry']).toEqual([{ user: 'service|telemetry', tenant: 'acme', resource: 'vendor:mixpanel', role: 'dashboard_telemetry' }]);
  const records = (await server.records()).slice(before);
  const identities = [...server.facts().identities.keys()];
  expect(records.map(({ kind }) => kind)).toEqual(['permitted']);
  expect(records[0]).toMatchObject({
    list: 'authorized_users', vendor: 'mixpanel', category: 'user.unique_id.pseudonymous', identities: identities.length, caller: 'permit:production',
    permitted: [{ vendors: ['mixpanel'], categories: ['user.unique_id.pseudonymous'], identities: expect.arrayContaining(['service:telemetry']) }],
  });
  const bulk = await server.post('/allowed/bulk', identities.map((id) => ({ ...QUESTION, user: { key: toUserKey(id) } })));
  const yes = identities.filter((_, at) => (bulk.json()['allow'] as Allowed[])[at]!.allow === true);
  expect(Object.keys(users).toSorted()).toEqual(yes.map(toUserKey).toSorted());
  expect(yes.length).toBeLessThan(identities.length);

  for (const change of [{ resource: { type: 'vendor', tenant: 'acme' } }, { resource: { type: 'document', key: 'mixpanel' } }, { resource: { ...RESOURCE, tenant: 'other' } }, { resource: { ...RESOURCE, key: 'nobody' } }, { action: 'read' }]) {
    expect((await ask({ ...question, ...change })).users).toEqual({});
    expect((await lastRecord())).toMatchObject({ kind: 'permitted', permitted: [], identities: 0 });
  }
  expect((await ask({ ...question, resource: { type: 'vendor' } })).resource).toBe('vendor:*');
});

test('a vendor without a tenant is asked about in the default one, by lists as by /allowed', async () => {
  const identities = [...server.facts().identities.keys()];
  for (const [key, tenant] of [['mixpanel', 'acme'], ['segment', 'default'], ['internal-obs', 'default']]) for (const action of [ACTION, 'send-system-tenant-org_id']) {
    const resource = { type: 'vendor', key };
    const listed = (await server.post('/authorized_users', { action, resource })).json() as { tenant: string; users: object };
    const bulk = (await server.post('/allowed/bulk', identities.map((id) => ({ user: { key: toUserKey(id) }, action, resource })))).json()['allow'] as Allowed[];
    const yes = identities.filter((_, at) => bulk[at]!.allow === true).map(toUserKey);
    expect([key, action, listed.tenant, Object.keys(listed.users).toSorted()]).toEqual([key, action, 'default', yes.toSorted()]);
    if (tenant === 'acme') expect(yes).toEqual([]);
  }
});
