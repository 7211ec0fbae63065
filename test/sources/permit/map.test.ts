import { mapPermit } from '../../../src/sources/permit/map/map.ts';
import type { PermitData } from '../../../src/sources/permit/data.ts';
import { assigned, environment, instance, resource, role, tuple, vendor, VENDOR_TYPE } from './map-data.ts';

const unmappedOf = (more: Partial<PermitData>) => mapPermit(environment(more)).unmapped.map(({ object, reason }) => `${object}: ${reason}`);
const text = (value: unknown) => JSON.stringify(value, (_, one: unknown) => (one instanceof Map ? Object.fromEntries(one) : one instanceof Set ? [...one as Set<unknown>] : one) as unknown);
const rulesOf = (data: PermitData, type: string) => mapPermit(data).relationRules.filter((rule) => rule.type === type);

test('R34 the small environment has nothing unmapped, and every type of identity maps', () => {
  expect(unmappedOf({})).toEqual([]);
  const users = ['user', 'service', 'job', 'webhook', 'tag', 'agent', 'tool', 'connector'].map((type) => ({ key: `${type}|x.y@z`, attributes: {} }));
  expect([...mapPermit(environment({ users, assignments: [] })).identities.values()].map(({ id, type }) => `${type} ${id}`)).toEqual(users.map(({ key }) => `${key.split('|')[0]} ${key.replace('|', ':')}`));
});

test.each([
  ['a key without a type', 'sam', 'user sam: its key names no identity'],
  ['a type that is none', 'robot|sam', 'user robot|sam: its key names no identity'],
  ['no id', 'user|', 'user user|: its key names no identity'],
  ['a set of the graph (`#`)', 'user|a#b', 'user user|a#b: its key has characters that Permit does not allow'],
])('a user that is no identity is listed: %s', (_, key, want) => {
  const { identities, unmapped } = mapPermit(environment({ users: [{ key, attributes: {} }], assignments: [] }));
  expect(identities.size).toBe(0);
  expect(`${unmapped[0]!.object}: ${unmapped[0]!.reason}`).toContain(want);
});

describe('assignments', () => {
  test('are by tenant, each once, and the pseudo-role is none', () => {
    const { identities } = mapPermit(environment({ tenants: ['default', 't2'], roles: ['sender', 'other'].map((key) => ({ key, permissions: [], extends: [] })), assignments: [assigned('service|a sender'), assigned('service|a sender'), assigned('service|a other', 't2'), assigned('service|a tenant-association')] }));
    expect([...identities.get('service:a')!.assigned!]).toEqual([['default', ['sender']], ['t2', ['other']]]);
  });

  test.each([
    ['of an unknown role', assigned('service|a boss'), 'there is no such role'],
    ['in an unknown tenant', assigned('service|a sender', 'nowhere'), 'there is no such tenant'],
    ['of an unknown user', assigned('service|b sender'), 'there is no such user'],
    ['on an instance that is not there', assigned('service|a telemetry vendor:none'), 'there is no instance vendor:none'],
    ['of a role that the type does not have', assigned('service|a telemetry vendor:mixpanel'), 'there is no such role on it'],
    ['in another tenant than the instance', assigned('service|a telemetry vendor:mixpanel', 't2'), 'vendor:mixpanel is of the tenant default'],
  ])('%s is dropped and listed', (_, one, want) => {
    const data = environment({ tenants: ['default', 't2'], assignments: [one] });
    const { identities, tuples } = mapPermit(data);
    expect([identities.get('service:a')!.assigned, tuples]).toEqual([undefined, []]);
    expect(unmappedOf({ tenants: ['default', 't2'], assignments: [one] }).join()).toContain(want);
  });
});

test('a plain role never passes for a role on a vendor or for a user set, whatever its key', () => {
  const roles = ['vendor#telemetry', 'userset:eu'].map((key) => ({ key, permissions: ['vendor:send-system-operations-plan'], extends: [] }));
  const { roles: mapped, grants, identities } = mapPermit(environment({ roles: [...roles, { key: 'sender', permissions: [], extends: ['vendor#telemetry'] }], assignments: [assigned('service|a vendor#telemetry'), assigned('service|a userset:eu'), assigned('service|a sender')] }));
  expect([[...mapped.values()], grants.size, [...identities.get('service:a')!.assigned!]]).toEqual([[{ id: 'sender', extends: [] }], 0, [['default', ['sender']]]]);
});

describe('permissions', () => {
  const permit = (...permissions: string[]) => ({ roles: [{ key: 'sender', permissions, extends: [] }] });
  const grantsOf = (more: Partial<PermitData>) => [...mapPermit(environment(more)).grants.values()].map(({ id, role: of, categories }) => `${id} ${of} ${categories.join()}`);

  test('an action is a category; a group all its actions', () => {
    expect(grantsOf(permit('vendor:send-system-operations-plan'))).toEqual(['permit:sender:send-system-operations-plan sender system.operations.plan']);
    expect(grantsOf(permit('vendor:send-user-contact'))).toEqual(['permit:sender:send-user-contact-email sender user.contact.email', 'permit:sender:send-user-contact-email_domain sender user.contact.email_domain']);
  });

  test.each([
    ['an unknown action', 'vendor:send-everything', 'vendor has no such action'],
    ['no permission', 'vendor', 'vendor is no permission'],
    ['one that sends nothing', 'vendor:read', 'read sends nothing'],
  ])('%s is listed', (_, permission, want) => {
    const more = { resources: [{ ...VENDOR_TYPE, actions: ['read'] }], ...permit(permission) };
    expect([grantsOf(more), unmappedOf(more).join()]).toEqual([[], expect.stringContaining(want)]);
  });

  test('of other types they concern nobody here', () => expect([grantsOf(permit('document:read')), unmappedOf(permit('document:read'))]).toEqual([[], []]));

  test('a role on one vendor has its own, in both spellings; on another type it can have none on vendors', () => {
    const roles = [role('telemetry', { permissions: ['send-system-operations-plan', 'vendor:send-user-contact-email'] })];
    expect(grantsOf({ ...permit(), resources: [{ ...VENDOR_TYPE, roles }] })).toEqual(['permit:vendor#telemetry:send-system-operations-plan vendor#telemetry system.operations.plan', 'permit:vendor#telemetry:send-user-contact-email vendor#telemetry user.contact.email']);
    expect(unmappedOf({ resources: [VENDOR_TYPE, resource('account', { roles: [role('owner', { permissions: ['vendor:send-user-contact-email'] })] })] }).join()).toContain('resource role account#owner: vendor:send-user-contact-email is a permission on vendors');
  });
});

describe('relations', () => {
  const group = resource('vendor_group', { roles: [role('telemetry')] });
  const derived = { role: 'telemetry', on: 'vendor_group', relation: 'group', noDirectRoles: false };
  const withRoles = (...roles: readonly ReturnType<typeof role>[]) => environment({ resources: [{ ...VENDOR_TYPE, roles }, group] });

  test('a role is held directly, by a role that extends it, or through another object', () => {
    expect(rulesOf(withRoles(role('telemetry', { derived: [derived] }), role('admin', { extends: ['telemetry'] })), 'vendor')).toEqual(expect.arrayContaining([
      { type: 'vendor', relation: 'telemetry', from: ['admin'], via: [{ relation: 'group', is: 'telemetry' }] },
      { type: 'vendor', relation: 'admin', from: [], via: [] },
    ]));
  });

  test.each([
    ['at the rule, of that rule alone', { derived: [{ ...derived, noDirectRoles: true }] }],
    ['at the role, of all its rules', { derived: [derived], noDirectRoles: true }],
  ])('no_direct_roles_on_object %s', (_, more) => {
    expect(rulesOf(withRoles(role('telemetry', more), role('viewer')), 'vendor')[0]).toEqual({ type: 'vendor', relation: 'telemetry', from: [], via: [{ relation: 'group', is: 'telemetry', unlessDirect: ['telemetry', 'viewer'] }] });
  });

  test.each([
    ['through a relation that is none', { ...derived, relation: 'family' }],
    ['from a type that the relation does not lead to', { ...derived, on: 'vendor' }],
    ['from a role that is none', { ...derived, role: 'boss' }],
  ])('a derivation %s gives nothing and is listed', (_, one) => {
    const data = withRoles(role('telemetry', { derived: [one] }));
    expect(rulesOf(data, 'vendor')[0]).toMatchObject({ via: [] });
    expect(mapPermit(data).unmapped).toHaveLength(1);
  });

  test('a relation called like a role of its type would be one with it: it gives nothing', () => {
    const data = environment({ resources: [{ ...VENDOR_TYPE, roles: [role('group')] }], instances: [vendor('mixpanel'), instance('vendor_group:g')], tuples: [tuple('vendor_group:g group vendor:mixpanel')] });
    expect(mapPermit(data).tuples).toEqual([]);
    expect(mapPermit(data).unmapped.map(({ object }) => object)).toEqual(['relation vendor#group', 'tuple vendor_group:g group vendor:mixpanel']);
  });

  test.each([
    ['its ends are of two tenants', [vendor('mixpanel', {}, 't2'), instance('vendor_group:g')], 'is of the tenant t2'],
    ['an end is not there', [vendor('mixpanel')], 'there is no instance vendor_group:g'],
  ])('a tuple is dropped and listed: %s', (_, instances, want) => {
    const data = environment({ resources: [VENDOR_TYPE, group], instances, tuples: [tuple('vendor_group:g group vendor:mixpanel')] });
    expect(mapPermit(data).tuples).toEqual([]);
    expect(mapPermit(data).unmapped[0]!.reason).toContain(want);
  });

  test('R35 acts_for is a role on an instance of user, which is the same node as the user', () => {
    const { tuples, conflicts, unmapped } = mapPermit(environment({
      resources: [VENDOR_TYPE, resource('user', { roles: [role('acts_for')] })], users: [{ key: 'agent|copilot', attributes: {} }, { key: 'user|sam', attributes: {} }],
      instances: [instance('user:sam')], assignments: [assigned('agent|copilot acts_for user:sam')],
    }));
    expect([tuples, conflicts, unmapped]).toEqual([[{ subject: 'agent:copilot', relation: 'acts_for', object: 'user:sam' }], [], []]);
  });

  test('R35 a person whose id is no key of an instance can not be spoken for, which is listed', () => {
    expect(unmappedOf({ resources: [VENDOR_TYPE, resource('user', { roles: [role('acts_for')] })], users: [{ key: 'user|sam@x.com', attributes: {} }, { key: 'service|a', attributes: {} }] })).toEqual([expect.stringContaining('user user|sam@x.com: nobody can act for it')]);
  });

  test.each([
    ['in the list', { instances: [instance('service:a')] }],
    ['in a tuple', { tuples: [tuple('service:a parent account:x')] }],
    ['in an assignment', { assignments: [assigned('service|a owner service:a')] }],
  ])('an id that is a user and an instance %s is a conflict that names both', (_, more) => {
    expect(mapPermit(environment({ resources: [VENDOR_TYPE, resource('service', { roles: [role('owner')] })], ...more })).conflicts).toEqual(['service:a is both the user service|a and the instance service:a: rename one of them']);
  });
});

describe('R48 edges', () => {
  test('the object of a tuple uses its subject', () => {
    expect(mapPermit(environment({ instances: [vendor('mixpanel'), vendor('openai')], tuples: [tuple('vendor:openai sub_processor vendor:mixpanel')] })).edges).toEqual([{ from: 'mixpanel', to: 'openai', type: 'sub_processor' }]);
  });

  test('an edge only restricts: it stays whatever its tenants, and to what is no vendor', () => {
    const { edges, unmapped } = mapPermit(environment({ instances: [vendor('mixpanel'), vendor('openai', {}, 't2')], tuples: [tuple('vendor:openai sub_processor vendor:mixpanel'), tuple('account:x owned_by vendor:mixpanel')] }));
    expect(edges).toEqual([{ from: 'mixpanel', to: 'account:x', type: 'owned_by' }, { from: 'mixpanel', to: 'openai', type: 'sub_processor' }]);
    expect(unmapped).toEqual([]);
  });
});

describe('vendor attributes', () => {
  const one = (attributes: Parameters<typeof vendor>[1]) => mapPermit(environment({ instances: [vendor('v', attributes)] }));
  const vendorOf = (attributes: Parameters<typeof vendor>[1]) => one(attributes).vendors.get('v')!;

  test('a claim is an attribute with its name, its dates and evidence beside it', () => {
    expect(vendorOf({ dpa: true, dpa_issued: '2026-01-01', dpa_expires: '2026-01-31', dpa_evidence: 'contract', tier: 'gold' }).claims).toEqual([
      { name: 'dpa', value: true, evidence: 'contract', issuedMs: Date.parse('2026-01-01'), untilMs: Date.parse('2026-02-01') },
    ]);
    expect(vendorOf({ soc2_type2: true, soc2_type2_period_end: '2025-06-30' }).claims[0]).toMatchObject({ untilMs: Date.parse('2026-07-01') });
  });

  test('what is left out is the worst that can be said without it', () => {
    expect(vendorOf({})).toMatchObject({ party: 'third', categories: [], regions: [], state: 'active', claims: [] });
    expect(one({}).unmapped).toEqual([]);
  });

  test.each([
    [{ party: 'First' }, { party: 'third' }],
    [{ status: 'ok' }, { state: 'terminated' }],
    [{ categories: ['analytics', 'spying'] }, { categories: ['analytics'] }],
    [{ regions: ['EU', 'Germany'] }, { regions: [] }],
    [{ regions: ['DE', 'UK'] }, { regions: [] }],
    [{ dpa: 'yes' }, { claims: [] }],
    [{ dpa: true, dpa_expires: 'soon' }, { claims: [] }],
    [{ dpa: true, dpa_issued: 5 }, { claims: [] }],
    [{ retention_days: false }, { claims: [] }],
    [{ retention_days: -1 }, { claims: [] }],
    [{ uses_llm: 'no' }, { claims: [{ name: 'uses_llm', value: true }] }],
  ])('malformed counts as the worst, and is listed without its value: %j', (attributes, want) => {
    expect(vendorOf(attributes)).toMatchObject(want);
    expect(one(attributes).unmapped).toHaveLength(1);
    for (const value of Object.values(attributes)) expect(one(attributes).unmapped[0]!.reason).not.toContain(JSON.stringify(value));
  });
});

test('equal environments give equal values', () => {
  const data = () => environment({ instances: [vendor('a', { dpa: 5 }), vendor('b')], users: [{ key: 'bad', attributes: {} }, { key: 'service|a', attributes: {} }] });
  expect(text(mapPermit(data()))).toBe(text(mapPermit(structuredClone(data()))));
});
