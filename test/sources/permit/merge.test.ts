import path from 'node:path';
import type { Facts } from '../../../src/core/facts.ts';
import type { PermitData, PermitResource } from '../../../src/sources/permit/data.ts';
import { mapPermit } from '../../../src/sources/permit/map/map.ts';
import { mergePermit } from '../../../src/sources/permit/merge.ts';
import { loadYaml } from '../../../src/sources/yaml/load.ts';
import { closeEmulators, start } from '../../emulators/harness.ts';
import { because, codes, effects, removeWorlds, ROOT, type Extra } from '../../support/world.ts';
import { assigned, environment, instance, resource, role, tuple, vendor } from './map-data.ts';
import { collect, openPermitWorld } from './map-support.ts';

let example: PermitData;
let yaml: Facts;

beforeAll(async () => {
  example = collect(await start({ example: true }), 'production');
  yaml = await loadYaml(path.join(ROOT, 'policies'));
});
afterAll(async () => { await closeEmulators(); await removeWorlds(); });

const openWith = (change: (data: PermitData) => Partial<PermitData>, extra?: Extra) => openPermitWorld({ ...example, ...change(example) }, extra === undefined ? {} : { extra });
const add = <K extends 'roles' | 'rules' | 'assignments' | 'tuples' | 'instances' | 'users' | 'conditionSets' | 'tenants'>(kind: K, ...more: readonly PermitData[K][number][]) => (data: PermitData): Partial<PermitData> => ({ [kind]: [...data[kind], ...more] });
const all = (...changes: readonly ((data: PermitData) => Partial<PermitData>)[]) => (data: PermitData) => changes.reduce<PermitData>((before, change) => ({ ...before, ...change(before) }), data);
const attributes = (key: string, more: object | undefined) => (data: PermitData): Partial<PermitData> => ({
  instances: data.instances.flatMap((one) => (one.type !== 'vendor' || one.key !== key ? [one] : more === undefined ? [] : [{ ...one, attributes: { ...one.attributes, ...more } }])),
});
const inType = (key: string, change: (type: PermitResource) => Partial<PermitResource>) => (data: PermitData): Partial<PermitData> => ({ resources: data.resources.map((one) => (one.key === key ? { ...one, ...change(one) } : one)) });
const merge = (data: PermitData) => mergePermit(yaml, mapPermit(data));

const usage = { event: 'usage.event', environment: 'production', fields: ['feature_flag'] };
const ANALYST = all(add('roles', { key: 'analyst', permissions: ['vendor:send-system-operations-feature_flag'], extends: [] }), add('assignments', assigned('webhook|crm-sync analyst')));
const analyst = { ...usage, identity: 'webhook:crm-sync', vendor: 'datadog' };

describe('what a permission covers', () => {
  test('R78 without terms the default purpose of the event, and its id is the permission', async () => {
    const world = await openWith(ANALYST);
    const decision = world.ask(analyst);
    expect([decision.decision, decision.fields['feature_flag']!.rules]).toEqual(['allow', ['permit:analyst:send-system-operations-feature_flag']]);
    expect(because(world.ask({ ...analyst, event: 'usage.report', fields: ['plan'], aggregate: { groupBy: ['plan'], minCell: 25 } }))).toEqual(['category_not_granted@permit:analyst:send-system-operations-feature_flag']);
  });

  test('R78 another purpose than the default one is not covered, one below it is (J6)', async () => {
    const world = await openWith(all(ANALYST, (data) => ({ roles: data.roles.map((one) => (one.key === 'analyst' ? { ...one, permissions: ['vendor:send-system-operations-plan'] } : one)) })));
    const report = { ...analyst, event: 'usage.report', fields: ['plan'], aggregate: { groupBy: ['plan'], minCell: 25 } };
    expect(world.ask(report).decision).toBe('allow');
    expect(because(world.ask({ ...report, purpose: 'analytics.reporting' }))).toEqual(['purpose_not_allowed@permit:analyst:send-system-operations-plan']);
  });

  test('R78 without an event analytics.reporting and below', async () => {
    const world = await openWith(ANALYST);
    const ask = (purpose: string) => world.ask({ identity: 'webhook:crm-sync', vendor: 'datadog', environment: 'production', purpose, fields: ['feature_flag'] });
    expect(['analytics.reporting', 'analytics.reporting.system', 'analytics', 'marketing'].map((purpose) => ask(purpose).decision)).toEqual(['allow', 'allow', 'deny', 'deny']);
  });

  test('J3 a plain role permission covers every vendor of the tenant, but one that is closed', async () => {
    const world = await openWith(ANALYST);
    expect(['mixpanel', 'splunk', 'posthog-selfhosted'].map((id) => world.ask({ ...analyst, vendor: id }).decision)).toEqual(['allow', 'allow', 'allow']);
    expect(because(world.ask({ ...analyst, vendor: 'vendor-x' }))).toEqual(['identity_not_allowed@analytics-pipeline-vendor-x']);
  });

  test('J3 an exclusive grant of the YAML closes its vendor without any term, and lets its own role pass as far as it says', async () => {
    const world = await openWith(ANALYST, { 'terms.yaml': { terms: {} } });
    expect(because(world.ask({ ...analyst, vendor: 'vendor-x' }))).toEqual(['identity_not_allowed@analytics-pipeline-vendor-x']);
    const own = { ...usage, identity: 'service:analytics-pipeline', vendor: 'vendor-x' };
    expect(world.ask(own).decision).toBe('allow');
    expect(codes(world.ask({ ...own, environment: 'staging' }))).toEqual(['environment_not_allowed']);
    const wider = await openWith((data) => ({ roles: data.roles.map((one) => (one.key === 'analytics_pipeline' ? { ...one, permissions: ['vendor:send-system-operations-timestamp'] } : one)) }), { 'terms.yaml': { terms: {} } });
    expect(codes(wider.ask({ ...own, fields: ['ts'] }))).toContain('identity_not_allowed');
  });

  test('the terms of the example world do what the permissions can not say: without them these differ', async () => {
    const world = await openWith(() => ({}), { 'terms.yaml': { terms: {} } });
    const city = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['city'] };
    expect(world.ask(city).decision).toBe('allow');
    expect(world.ask({ ...city, fields: ['region'], environment: 'development' }).decision).toBe('allow');
  });

  test('a permission of an unknown category, of a parent, or under an undeclared context name gives nothing and is listed', () => {
    const strange = add('conditionSets', { key: 'odd', type: 'userset', autogenerated: false, conditions: { 'context.mood': { equals: true } } });
    const { facts, unmapped } = merge(all(
      inType('vendor', ({ actions }) => ({ actions: [...actions, 'send-user-taste', 'send-user-name'] })), strange,
      add('roles', { key: 'odd', permissions: ['vendor:send-user-taste'], extends: [] }, { key: 'odder', permissions: ['vendor:send-user-name'], extends: [] }),
      (data) => ({ resources: data.resources.map((one) => (one.key === 'vendor' ? { ...one, actionGroups: {} } : one)) }),
      add('rules', { userSet: 'odd', permission: 'vendor:send-user-job_title', resourceSet: '__autogen_vendor' }),
    )(example) as PermitData);
    expect(unmapped.map(({ reason }) => reason)).toEqual([expect.stringContaining('no category user.taste'), expect.stringContaining('user.name has categories below it'), expect.stringContaining('context.mood')]);
    expect([...facts.grants.keys()].filter((id) => id.includes('odd'))).toEqual([]);
  });
});

describe('who holds what', () => {
  test('R7 a role on an account comes from the account above it', async () => {
    const world = await openWith(add('tuples', tuple('account:A1 parent account:A2')));
    const report = { identity: 'user:sam', vendor: 'intercom', environment: 'production', event: 'account.report', about: 'account:A2', fields: ['plan'], aggregate: { groupBy: ['plan'], minCell: 25 } };
    expect(world.ask(report).decision).toBe('allow');
    const other = await openWith(all(add('tenants', 't2'), (data) => ({ instances: [...data.instances.filter(({ key }) => key !== 'A2'), instance('account:A2', 't2')] }), add('tuples', tuple('account:A1 parent account:A2'))));
    expect(because(other.ask(report))).toEqual(['no_relationship@support-reports']);
  });

  test('an assignment counts only for vendors of its tenant', async () => {
    const world = await openWith(all(add('tenants', 't2'), ANALYST, add('instances', vendor('elsewhere', {}, 't2')), add('assignments', assigned('tag|web analyst', 't2'))));
    const ask = (identity: string, id: string) => world.ask({ ...analyst, identity, vendor: id }).decision;
    expect([ask('webhook:crm-sync', 'datadog'), ask('webhook:crm-sync', 'elsewhere'), ask('tag:web', 'datadog'), ask('tag:web', 'elsewhere')]).toEqual(['allow', 'deny', 'deny', 'allow']);
  });

  test('roles that extend each other end, and give what either has', async () => {
    const world = await openWith(all(add('roles', { key: 'a', permissions: [], extends: ['b'] }, { key: 'b', permissions: ['vendor:send-system-operations-feature_flag'], extends: ['a'] }), add('assignments', assigned('webhook|crm-sync a'))));
    expect(world.ask(analyst).decision).toBe('allow');
  });

  test('a user set holds for whoever meets it, in tenants too, with what a resource set asks of the vendor', async () => {
    const world = await openWith(all(
      add('conditionSets', { key: 'eu_staff', type: 'userset', autogenerated: false, conditions: { allOf: [{ allOf: [{ 'user.team': { equals: 'eu' } }] }] } },
        { key: 'contracted', type: 'resourceset', autogenerated: false, resource: 'vendor', conditions: { 'resource.dpa': { equals: true } } }),
      add('rules', { userSet: 'eu_staff', permission: 'vendor:send-system-operations-feature_flag', resourceSet: 'contracted' }),
      (data) => ({ users: data.users.map((one) => (one.key === 'webhook|crm-sync' ? { ...one, attributes: { team: 'eu' } } : one)) }),
    ));
    const decision = world.ask({ ...analyst, vendor: 'mixpanel' });
    expect([decision.decision, decision.fields['feature_flag']!.rules]).toEqual(['allow', ['permit:eu_staff:send-system-operations-feature_flag']]);
    expect(because(world.ask({ ...analyst, vendor: 'datadog' }))).toEqual(['no_permit@permit:eu_staff:send-system-operations-feature_flag']);
    expect(codes(world.ask({ ...analyst, vendor: 'segment', context: {} }))).toContain('no_permit'); // its agreement has expired
    expect(because(world.ask({ ...analyst, identity: 'tag:web', vendor: 'mixpanel' }))).toEqual(['identity_not_allowed@permit:eu_staff:send-system-operations-feature_flag']);
  });

  test('members of a group hold what the group is given', async () => {
    const world = await openWith(all(
      (data) => ({ resources: [...data.resources, resource('group', { roles: [role('member')] })] }),
      inType('vendor', ({ relations, roles }) => ({
        relations: { ...relations, reader_group: 'group' },
        roles: [...roles, role('reader', { permissions: ['send-system-operations-feature_flag'], derived: [{ role: 'member', on: 'group', relation: 'reader_group', noDirectRoles: false }] })],
      })),
      add('instances', instance('group:ops')), add('assignments', assigned('webhook|crm-sync member group:ops')), add('tuples', tuple('group:ops reader_group vendor:datadog')),
    ));
    expect(world.ask(analyst).fields['feature_flag']!.rules).toEqual(['permit:vendor#reader:send-system-operations-feature_flag']);
    expect(codes(world.ask({ ...analyst, vendor: 'splunk' }))).toEqual(['identity_not_allowed']);
  });

  test('J16 destinations of a CDP are judged by the roles that count for them', async () => {
    const world = await openWith(ANALYST);
    expect(world.ask({ ...analyst, vendor: 'segment' }).decision).toBe('allow');
    const other = await openWith(all(ANALYST, add('tenants', 't2'), (data) => ({ instances: data.instances.map((one) => (one.key === 'mixpanel' ? { ...one, tenant: 't2' } : one)) })));
    expect(codes(other.ask({ ...analyst, vendor: 'segment' }))).toEqual(['identity_not_allowed']);
  });

  test('R34 an integration without a role has none; an identity that only the YAML has is none', async () => {
    expect(because((await openWith(() => ({}))).ask({ ...analyst }))).toEqual(['identity_not_allowed@no-role']);
    expect(codes((await openWith((data) => ({ users: data.users.filter(({ key }) => key !== 'webhook|crm-sync') }))).ask(analyst))).toEqual(['unknown_identity']);
  });

  test('R35 the manifest of the YAML restricts the identity of Permit, and acting for somebody is the intersection of both', async () => {
    const world = await openWith(all(add('assignments', assigned('agent|copilot acts_for user:dana')), add('instances', instance('user:dana'))));
    const run = { identity: 'agent:copilot', vendor: 'mixpanel', environment: 'production', event: 'genai.tool_run', fields: ['prompt_category'] };
    expect(world.ask(run).decision).toBe('allow');
    expect(because(world.ask({ ...run, onBehalfOf: 'user:dana' }))).toContain('delegation_denied@acts-for-missing');
    expect(codes(world.ask({ ...run, onBehalfOf: 'user:sam' }))).not.toContain('delegation_denied');
    expect(world.ask({ ...run, onBehalfOf: 'user:sam' }).decision).toBe('deny'); // beyond what sam may
  });
});

describe('vendors', () => {
  const telemetry = { identity: 'service:telemetry', environment: 'production', event: 'genai_dashboard.viewed' };

  test('first party is who both sources say is; what restricts first parties still does', async () => {
    const world = await openWith(all(attributes('mixpanel', { party: 'first' }), attributes('internal-obs', { party: 'third' })));
    const { vendors } = world.merged.facts;
    expect([vendors.get('mixpanel')!.party, vendors.get('internal-obs')!.party]).toEqual(['third', 'third']);
    expect(world.ask({ ...telemetry, vendor: 'internal-obs', fields: ['tool_name'] }).decision).toBe('deny');
    // telemetry-first-party-city still turns the city into its region there
    expect(effects(world.ask({ ...telemetry, vendor: 'internal-obs', fields: ['city'] }))).toEqual({ city: 'transform' });
  });

  test('R53 of a category, for what grants, is who both say is; for what restricts, who either says is', async () => {
    const world = await openWith(all(attributes('amplitude', { categories: ['support'] }), attributes('datadog', { categories: ['analytics', 'llm'] })));
    expect(world.merged.facts.vendors.get('amplitude')).toMatchObject({ categories: ['analytics', 'support'], confirmed: [] });
    expect(world.ask({ ...usage, identity: 'service:checkout', vendor: 'amplitude' }).decision).toBe('deny');
    expect(world.ask({ ...usage, identity: 'service:checkout', vendor: 'datadog' }).decision).toBe('deny');
    expect(world.snapshot.world.catalogue.vendorGraph.reachesLlm('datadog')).toEqual({ path: ['datadog'] });
    expect(codes(world.ask({ ...telemetry, vendor: 'amplitude', fields: ['tool_name'] }))).toContain('forbidden_category');
  });

  test('J14 Permit alone gives claims and regions', async () => {
    const world = await openWith(all(attributes('mixpanel', { dpa: null, regions: ['FR'] })));
    expect(world.merged.facts.vendors.get('mixpanel')).toMatchObject({ regions: ['FR'], hosts: expect.arrayContaining(['api.mixpanel.com']) as unknown });
    expect(codes(world.ask({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['email'] }))).toEqual(expect.arrayContaining(['claim_missing']));
    expect(because(world.ask({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['email'] }))).toContain('claim_missing@dpa-missing');
  });

  test('a vendor that only Permit has is known, a third party, and states what Permit says', async () => {
    const world = await openWith(all(ANALYST, add('instances', vendor('newcomer', { party: 'first', categories: ['analytics'], dpa: true }))));
    expect(world.ask({ ...analyst, vendor: 'newcomer' }).decision).toBe('allow');
    expect(world.merged.facts.vendors.get('newcomer')).toMatchObject({ party: 'third', disputed: true, categories: ['analytics'], confirmed: [], claims: [{ name: 'dpa', value: true }], tenant: 'default' });
    expect(world.merged.unmapped.map(({ object }) => object)).toEqual(['vendor newcomer']);
  });

  test('a vendor that only the catalogue has states nothing and is in no tenant: nothing is permitted there', async () => {
    const world = await openWith(all(ANALYST, attributes('datadog', undefined)));
    expect(because(world.ask(analyst))).toEqual(['identity_not_allowed@no-role']);
    expect(world.merged.facts.vendors.get('datadog')).toMatchObject({ claims: [], regions: [], confirmed: [] });
    expect(world.merged.unmapped).toContainEqual({ object: 'catalogue vendor datadog', reason: expect.stringContaining('Permit does not have it') as string });
  });

  test.each([['breached', 'deny', ['vendor_suspended']], ['terminated', 'deny', ['vendor_suspended']], ['under_review', 'review', ['approval_required']]])('J17 R54 of its states the worst counts: %s in Permit', async (status, decision, want) => {
    const world = await openWith(all(ANALYST, attributes('datadog', { status })));
    const got = world.ask(analyst);
    expect([got.decision, codes(got)]).toEqual([decision, want]);
  });

  test('R83 after a breach only claims issued since make it active, in Permit too', () => {
    const breached = { ...yaml, vendors: new Map([...yaml.vendors].map(([id, one]) => [id, id === 'mixpanel' ? { ...one, breachedMs: Date.parse('2026-01-01') } : one])) };
    const stateIn = (data: PermitData) => mergePermit(breached, mapPermit(data)).facts.vendors.get('mixpanel')!.state;
    expect(stateIn(example)).toBe('breached'); // issued on the day of the breach
    expect(stateIn({ ...example, ...attributes('mixpanel', { dpa_issued: '2026-01-02', transfer_basis_issued: '2026-01-02', trains_on_data_issued: '2026-01-02' })(example) })).toBe('active');
  });
});

describe('edges', () => {
  const tenant = { identity: 'service:telemetry', environment: 'production', event: 'genai_dashboard.viewed', fields: ['org_id'], vendor: 'vendor-x' };

  test('R48 R49 an edge that only a tuple gives counts, with its path', async () => {
    expect(codes((await openWith(() => ({}))).ask(tenant))).not.toContain('reaches_llm');
    const world = await openWith(add('tuples', tuple('vendor:openai sub_processor vendor:vendor-x')));
    expect(world.ask(tenant).reasons.find(({ code }) => code === 'reaches_llm')).toMatchObject({ rule: 'tenant-ids-reach-llm', path: ['vendor-x', 'openai'] });
  });

  test('R50 a cycle of tuples ends', async () => {
    const world = await openWith(add('tuples', tuple('vendor:openai sub_processor vendor:vendor-x'), tuple('vendor:vendor-x sub_processor vendor:openai')));
    expect(world.snapshot.world.catalogue.vendorGraph.reached('vendor-x').map(({ vendor: id }) => id)).toEqual(expect.arrayContaining(['openai', 'intercom']));
  });

  test('R48 the edges of the catalogue stay when Permit has none', async () => {
    const world = await openWith((data) => ({ tuples: data.tuples.filter(({ relation }) => relation === 'group') }));
    expect(world.ask({ ...tenant, vendor: 'intercom' }).reasons.find(({ code }) => code === 'reaches_llm')).toMatchObject({ path: ['intercom', 'openai'] });
  });

  test('J16 a tuple says that an edge is on, whatever the catalogue says; without it the catalogue counts', () => {
    const forwards = (data: PermitData) => merge(data).facts.edges.filter(({ from, to }) => from === 'segment' && to === 'amplitude').map(({ on }) => on);
    expect(forwards(example)).toEqual([false]);
    expect(forwards({ ...example, tuples: [...example.tuples, tuple('vendor:amplitude forwards_to vendor:segment')] })).toEqual([undefined]);
  });
});

test('an id that is both a user and an instance is no facts at all, and the error names both', () => {
  const data = environment({ resources: [resource('service')], instances: [instance('service:a')] });
  expect(() => merge(data)).toThrow(expect.objectContaining({ name: 'PermitError', kind: 'invalid', message: 'service:a is both the user service|a and the instance service:a: rename one of them' }) as Error);
});

test('what is set aside is said', () => {
  expect(merge(example).setAside).toEqual(['9 identities', '8 roles', '10 grants', '2 tuples', '20 claims of vendors']);
});

test('a term for a role that Permit does not have is listed: the role may be called otherwise there', () => {
  expect(merge({ ...example, roles: example.roles.filter(({ key }) => key !== 'genai_tool') }).unmapped).toContainEqual({ object: 'term genai-log', reason: 'Permit has no role genai_tool' });
});

test('the digest is of all that either source says', () => {
  const digests = [example, { ...example, tuples: example.tuples.slice(1) }, { ...example, users: example.users.slice(1) }, { ...example, ...attributes('mixpanel', { tier: 1 })(example) }].map((data) => merge(data).facts.digest);
  expect(new Set([...digests, yaml.digest]).size).toBe(5);
  expect(merge(structuredClone(example)).facts.digest).toBe(digests[0]);
  expect(mergePermit({ ...yaml, digest: 'sha256:other' }, mapPermit(example)).facts.digest).not.toBe(digests[0]);
});
