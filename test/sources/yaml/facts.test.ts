import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { OBLIGATION_OPS } from '../../../src/core/facts.ts';
import { compareVersions } from '../../../src/sources/yaml/events.ts';
import { loadYaml } from '../../../src/sources/yaml/load.ts';
import { load, removeFolders, WORLD, write } from './support.ts';

afterAll(removeFolders);

const at = (date: string) => Date.parse(date);
const withFile = (name: string, text: string) => load({ ...WORLD, [name]: text });

test('categories, purposes, environments, dictionary, event names, roles, context', async () => {
  const facts = await load({ ...WORLD, 'event_names.yaml': 'event_names: { use_*: system.plan, use_tool__*: system.usage }\n', 'context/x.yaml': 'context: { tier: { type: enum, values: [a, b] } }\n', 'roles/x.yaml': 'roles: { x: { title: X, extends: [officer] } }\n' });
  expect(facts.categories.get('user.location.city')).toEqual({ id: 'user.location.city', sensitivity: 'internal', identifiability: 'quasi' });
  expect([...facts.purposes]).toEqual(['analytics', 'analytics.reporting', 'marketing']);
  expect([...facts.environments.values()]).toEqual([{ id: 'production', tier: 'production', maxAgeMs: 7 * 86_400_000 }, { id: 'staging', tier: 'staging' }]);
  expect(facts.fields.get('email')).toEqual({ path: 'email', category: 'user.contact.email', role: 'dimension', labels: {} });
  expect([...facts.eventNames]).toEqual([['use_tool__*', 'system.usage'], ['use_*', 'system.plan']]);
  expect([...facts.roles.values()]).toEqual([{ id: 'telemetry', extends: [] }, { id: 'officer', extends: [] }, { id: 'x', title: 'X', extends: ['officer'] }]);
  expect([...facts.context.values()]).toEqual([{ name: 'consent', type: 'boolean' }, { name: 'tier', type: 'enum', enum: ['a', 'b'] }]);
});

describe('events', () => {
  test('defaults', async () => {
    const { events } = await withFile('events/x.yaml', 'event: x\nkind: raw_event\ndefaultPurpose: marketing\nfields: { a: null, b: { category: null, type: string, enum: [x, "1", null], labels: { gold: true } }, c: { category: system.plan, type: [string, "null"], role: measure } }\n');
    expect(events.get('x')).toEqual({
      name: 'x', version: '1', kind: 'raw_event', minCell: 10, purposes: ['marketing'], defaultPurpose: 'marketing', fields: [
        { path: 'a', category: undefined, role: 'dimension', labels: {} },
        { path: 'b', category: undefined, role: 'dimension', labels: { gold: true }, types: ['string'], enum: ['x', '1', null] },
        { path: 'c', category: 'system.plan', role: 'measure', labels: {}, types: ['string', 'null'] },
      ],
    });
    expect(events.get('x@1')).toBe(events.get('x'));
  });

  test('without any purpose it allows none', async () => {
    expect((await withFile('events/x.yaml', 'event: x\nkind: raw_event\n')).events.get('x')?.purposes).toEqual([]);
  });

  test('an envelope’s fields, overridden by the envelopes after it and by its own', async () => {
    const { events } = await load({ ...WORLD, 'envelopes/x.yaml': 'envelopes: { one: { fields: { a: system.plan, b: system.plan, c: system.plan } }, two: { fields: { b: system.usage, c: system.usage } } }\n',
      'events/x.yaml': 'event: x\nkind: raw_event\nenvelopes: [one, two]\nfields: { c: null, d: system.plan }\n' });
    expect(events.get('x')?.fields.map(({ path, category }) => [path, category])).toEqual([['a', 'system.plan'], ['b', 'system.usage'], ['c', undefined], ['d', 'system.plan']]);
  });

  test('the newest version answers to the bare name, each to its own', async () => {
    const versions = ['9', '"1.10"', '1-9-9', '10-0-1', '10-0-0', 'next'];
    const { events } = await load({ ...WORLD, ...Object.fromEntries(versions.map((version, index) => [`events/x${index}.yaml`, `event: x\nkind: raw_event\nversion: ${version}\n`])) });
    expect(events.get('x')?.version).toBe('10-0-1');
    expect(versions.map((version) => events.get(`x@${version.replaceAll('"', '')}`)?.version)).toEqual(['9', '1.10', '1-9-9', '10-0-1', '10-0-0', 'next']);
  });

  test.each([['1.10', '1.9'], ['10', '9'], ['1-0-1', '1-0-0'], ['1.0.1', '1.0'], ['1.0', '1.0-rc'], ['1.0-rc', '1.0-alpha'], ['2', '1.99'], ['1.0', 'v9'], ['1', 'next']])('%s is newer than %s', (newer, older) => {
    expect(compareVersions(newer, older)).toBeGreaterThan(0);
    expect(compareVersions(older, newer)).toBeLessThan(0);
  });

  test('law: versions have one order', () => {
    const version = fc.array(fc.constantFrom('0', '1', '2', '10', 'a', 'rc'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
    fc.assert(fc.property(version, version, version, (a, b, c) => {
      expect(compareVersions(a, b) === 0).toBe(a === b);
      expect(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a))).toBe(0);
      if (compareVersions(a, b) > 0 && compareVersions(b, c) > 0) expect(compareVersions(a, c)).toBeGreaterThan(0);
    }), { numRuns: 2000 });
  });
});

test('vendors: aliases are hosts, claims end with the earlier of their dates, edges', async () => {
  const { vendors, edges } = await withFile('vendors/x.yaml', `vendors:
  x:
    name: X
    party: third
    categories: [cdn]
    hosts: [x.com]
    aliases: [x.mycorp.com]
    regions: [US]
    breached: 2025-11-09
    claims:
      dpa: { value: true, evidence: example, issued: 2026-01-01, expires: 2026-12-31 }
      soc2_type2: { value: true, issued: 2025-12-01T10:00:00+02:00, periodEnd: 2026-06-30 }
      iso27001: { value: null, issued: 2026-01-01 }
    edges: [{ to: openai, type: forwards_to, on: false, regions: [US], condition: { feature: ai }, source: here, asOf: 2026-01-01 }, { to: mixpanel, type: owned_by }]
`);
  expect(vendors.get('x')).toEqual({
    id: 'x', name: 'X', party: 'third', categories: ['cdn'], hosts: ['x.com', 'x.mycorp.com'], packages: [], regions: ['US'], state: 'active', breachedMs: at('2025-11-09'),
    claims: [
      { name: 'dpa', value: true, evidence: 'example', issuedMs: at('2026-01-01'), untilMs: at('2027-01-01') },
      { name: 'soc2_type2', value: true, issuedMs: at('2025-12-01T08:00:00Z'), untilMs: at('2027-07-01') },
      { name: 'iso27001', value: null, issuedMs: at('2026-01-01') },
    ],
  });
  expect(edges).toEqual([
    { from: 'mixpanel', to: 'openai', type: 'sub_processor' },
    { from: 'x', to: 'openai', type: 'forwards_to', on: false, regions: ['US'], condition: { feature: 'ai' }, source: 'here' },
    { from: 'x', to: 'mixpanel', type: 'owned_by' },
  ]);
});

test.each([
  ['periodEnd: 2026-06-30, expires: 2027-01-31', '2027-02-01'],
  ['periodEnd: 2026-06-30, expires: 2030-01-31', '2027-07-01'],
  ['periodEnd: 2024-02-28', '2025-03-01'],
  ['periodEnd: 2024-02-29', '2025-03-01'],
  ['periodEnd: 2026-12-31', '2028-01-01'],
])('a SOC 2 report with %s counts until %s', async (dates, want) => {
  const { vendors } = await withFile('vendors/x.yaml', `vendors: { x: { name: X, party: third, categories: [cdn], claims: { soc2_type2: { value: true, ${dates} } } } }\n`);
  expect(vendors.get('x')?.claims[0]?.untilMs).toBe(at(want));
});

test('a breached vendor is active with claims from after the breach, and may be breached with any (R83)', async () => {
  const claims = 'claims: { dpa: { value: true, issued: 2026-06-02 } }';
  const { vendors } = await withFile('vendors/x.yaml', `vendors:
  x: { name: X, party: third, categories: [cdn], breached: 2026-06-01, ${claims} }
  y: { name: Y, party: third, categories: [cdn], breached: 2026-07-01, state: breached, ${claims} }
`);
  expect([...vendors.values()].map(({ id, state }) => [id, state])).toEqual([['mixpanel', 'active'], ['openai', 'active'], ['x', 'active'], ['y', 'breached']]);
});

describe('grants', () => {
  const grantOf = async (lines: string) => (await withFile('grants/x.yaml', `grants:\n  x: { role: telemetry, vendors: [mixpanel], purposes: [analytics], categories: [system.plan], ${lines} }\n`)).grants.get('x');

  test('defaults', async () => {
    expect((await load(WORLD)).grants.get('basic')).toEqual({
      id: 'basic', role: 'telemetry', effect: 'permit', obligations: [], vendors: [{ vendor: 'mixpanel' }], purposes: ['analytics'], categories: ['user.contact.*'], except: [], exclusive: false, conditions: [],
    });
  });

  test('all of it', async () => {
    const text = `grants:
  x:
    title: T
    role: telemetry
    vendors: [{ party: third, categories: [analytics] }, {}, openai]
    environments: [staging]
    purposes: [analytics]
    channels: [telemetry, export]
    kinds: [aggregate]
    events: [usage.report]
    categories: ["*"]
    except: [user.contact.*]
    effect: transform
    obligations: [{ op: coarsen_geo, params: { to: region } }, { op: scope_destinations }]
    exclusive: true
    starts: 2026-11-01
    expires: 2026-11-07
    temporary: { ticket: OPS-1 }
    relation: assigned
`;
    expect((await withFile('grants/x.yaml', text)).grants.get('x')).toEqual({
      id: 'x', title: 'T', role: 'telemetry', vendors: [{ party: 'third', categories: ['analytics'] }, {}, { vendor: 'openai' }], environments: ['staging'], purposes: ['analytics'], channels: ['telemetry', 'export'], kinds: ['aggregate'],
      events: ['usage.report'], categories: ['*'], except: ['user.contact.*'], effect: 'transform', obligations: [{ op: 'coarsen_geo', params: { to: 'region' } }, { op: 'scope_destinations' }], exclusive: true,
      fromMs: at('2026-11-01'), untilMs: at('2026-11-08'), ticket: 'OPS-1', relation: 'assigned', conditions: [],
    });
  });

  test('review, with who approves; expired is no mistake', async () => {
    expect(await grantOf('effect: review, approverRole: officer, expires: 2020-01-01T12:00:00Z')).toMatchObject({ effect: 'review', approverRole: 'officer', untilMs: at('2020-01-01T12:00:00Z') });
  });

  const state = (...values: string[]) => ({ path: ['vendor', 'claims', 'retention_days', 'state'], op: 'in', value: values });
  const days = ['vendor', 'claims', 'retention_days', 'value'];

  test('of a claim’s conditions exactly one fails', async () => {
    expect((await grantOf('conditions: [{ claim: retention_days, test: { less-than-equals: 30, not: { equals: 0 } } }]'))?.conditions).toEqual([
      { code: 'claim_missing', any: [[state('valid', 'expired')]] },
      { code: 'claim_expired', any: [[state('valid', 'missing')]] },
      { code: 'claim_insufficient', any: [[state('missing', 'expired')], [{ path: days, op: 'less-than-equals', value: 30 }, { path: days, op: 'equals', value: 0, negate: true }]] },
    ]);
    expect((await grantOf('conditions: [{ claim: retention_days }]'))?.conditions.map(({ code }) => code)).toEqual(['claim_missing', 'claim_expired']);
  });

  test('conditions on attributes', async () => {
    expect((await grantOf('conditions: [{ code: first_party_only, if: { context.consent: { equals: true } } }, { if: { user.team: { equals: { ref: vendor.id } } } }]'))?.conditions).toEqual([
      { code: 'first_party_only', any: [[{ path: ['context', 'consent'], op: 'equals', value: true }]] },
      { code: 'no_permit', any: [[{ path: ['identity', 'attributes', 'team'], op: 'equals', ref: ['vendor', 'id'] }]] },
    ]);
  });
});

test('identities, relations, combinations, modes, approvals', async () => {
  const facts = await load({ ...WORLD,
    'identities/x.yaml': 'identities:\n  agent:x: { roles: [telemetry], attributes: { team: a, tags: [1, { b: null }] }, manifest: { onBehalfOf: required, actsFor: [user:sam], categories: [system.*], vendors: [mixpanel], environments: [staging] } }\n',
    'relations/x.yaml': 'relations:\n  types:\n    folder: { parent: {}, viewer: { via: [{ relation: parent, is: viewer }] } }\n    group: { member: {} }\n  tuples: [agent:x acts_for user:sam, group:eu#member viewer folder:a, user:dana member group:eu]\n',
    'combinations.yaml': 'combinations:\n  x: { title: T, members: [system.plan, [user.contact, user.location.*]], message: m, fix: f }\n  y: { members: [system.plan, system.usage, user.contact], min: 2, effect: review, approverRole: officer, message: m, fix: f }\n',
    'modes/a.yaml': 'modes: { vendors: { mixpanel: { mode: shadow, unknown: strip } }, events: {} }\n',
    'modes/b.yaml': 'modes: { vendors: { openai: { unmatched: review } }, events: { page.viewed: { mode: enforce } } }\n',
    'approvals.yaml': 'approvals:\n  A1: { identity: service:telemetry, onBehalfOf: user:sam, vendor: mixpanel, environment: production, purpose: analytics, event: usage.report, eventVersion: 1-0-0, fields: [users], requester: user:sam, approver: user:dana, starts: 2026-11-01, expires: 2026-12-01, ticket: P-1 }\n',
  });
  expect(facts.identities.get('agent:x')).toEqual({ id: 'agent:x', type: 'agent', roles: ['telemetry'], attributes: { team: 'a', tags: [1, { b: null }] }, manifest: { onBehalfOf: 'required', actsFor: ['user:sam'], categories: ['system.*'], vendors: ['mixpanel'], environments: ['staging'] } });
  expect(facts.tuples).toEqual(expect.arrayContaining([{ subject: 'group:eu#member', relation: 'viewer', object: 'folder:a' }, { subject: 'user:sam', relation: 'owner', object: 'account:A1' }]));
  expect(facts.relationRules).toEqual(expect.arrayContaining([{ type: 'folder', relation: 'viewer', from: [], via: [{ relation: 'parent', is: 'viewer' }] }, { type: 'account', relation: 'assigned', from: ['owner'], via: [] }]));
  expect([...facts.combinations.values()]).toEqual([
    { id: 'x', title: 'T', members: [['system.plan'], ['user.contact', 'user.location.*']], min: 2, effect: 'deny', message: 'm', fix: 'f' },
    { id: 'y', members: [['system.plan'], ['system.usage'], ['user.contact']], min: 2, effect: 'review', approverRole: 'officer', message: 'm', fix: 'f' },
  ]);
  expect(facts.modes).toEqual({ vendors: new Map([['mixpanel', { mode: 'shadow', unknown: 'strip' }], ['openai', { unmatched: 'review' }]]), events: new Map([['page.viewed', { mode: 'enforce' }]]) });
  expect(facts.approvals.get('A1')).toEqual({ id: 'A1', identity: 'service:telemetry', onBehalfOf: 'user:sam', vendor: 'mixpanel', environment: 'production', purpose: 'analytics', channel: 'telemetry', event: 'usage.report', eventVersion: '1-0-0', fields: ['users'], approver: 'user:dana', ticket: 'P-1', fromMs: at('2026-11-01'), untilMs: at('2026-12-02') });
});

test('callers', async () => {
  const { callers } = await withFile('callers/x.yaml', `callers:\n  real: { tokenSha256: ${'ab'.repeat(32)}, identities: [user:sam], environments: [staging], powers: [check, reload], supports: [hmac], ratePerSecond: 5 }\n  all: { demo: true, powers: [read_log], supports: "*" }\n`);
  expect(callers.get('real')).toEqual({ id: 'real', demo: false, tokenSha256: 'ab'.repeat(32), identities: ['user:sam'], environments: ['staging'], powers: ['check', 'reload'], supports: ['hmac'], ratePerSecond: 5 });
  expect(callers.get('all')).toEqual({ id: 'all', demo: true, tokenSha256: createHash('sha256').update('all').digest('hex'), identities: [], environments: [], powers: ['read_log'], supports: OBLIGATION_OPS });
});

test('transforms: the more exact line comes first, wherever it stands', async () => {
  const lines = (order: readonly string[]) => withFile('transforms.yaml', `transforms:\n${order.map((category) => `  - { category: "${category}", op: mask, result: system.usage }\n`).join('')}`);
  const want = ['user.location.city', 'user.location.*', 'user.*', '*'];
  expect((await lines(['*', 'user.*', 'user.location.city', 'user.location.*'])).transforms.map(({ category }) => category)).toEqual(want);
  expect((await lines(want)).transforms.map(({ category }) => category)).toEqual(want);
});

describe('digest', () => {
  const entries = {
    categories: Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`system.x.${name}`, { sensitivity: 'internal', identifiability: 'none' }])),
    grants: Object.fromEntries(['a', 'b', 'c'].map((name) => [name, { role: 'telemetry', vendors: ['mixpanel'], purposes: ['analytics'], categories: [`system.x.${name}`] }])),
    vendors: Object.fromEntries(['va', 'vb', 'vc'].map((name) => [name, { name, party: 'third', categories: ['cdn'], edges: [{ to: 'openai', type: 'sub_processor' }] }])),
    fields: { one: 'system.x.a', two: { category: 'system.x.b', labels: { a: 1, b: 2 } } },
    event_names: { 'x_*': 'system.x.a', 'y_*': 'system.x.b', '*_z': 'system.x.c' },
  };
  const reversed = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).toReversed()) as T;

  test('law: files, their names and the order in them say nothing', async () => {
    const places = fc.record(Object.fromEntries(Object.entries(entries).map(([kind, members]) => [kind, fc.array(fc.constantFrom('m', 'a/z', 'z/a'), { minLength: Object.keys(members).length, maxLength: Object.keys(members).length })])));
    const seen = new Set<string>();
    await fc.assert(fc.asyncProperty(places, fc.boolean(), async (chosen, turned) => {
      const files = Object.entries(entries).flatMap(([kind, members]) => Object.entries(Map.groupBy(Object.entries(turned ? reversed(members) : members), (_, index) => chosen[kind]![index]!).entries().toArray())
        .map(([, [folder, part]]) => [`${kind}/${folder}.yaml`, stringify({ [kind]: Object.fromEntries(part) })] as const));
      seen.add((await load({ ...WORLD, ...Object.fromEntries(files) })).digest);
      expect(seen.size).toBe(1);
    }), { numRuns: 25 });
    expect([...seen][0]).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test('the order of keys, of tuples and of an event’s fields says nothing', async () => {
    const [one, other] = await Promise.all([
      load({ ...WORLD, 'events/x.yaml': 'event: x\nkind: raw_event\nfields: { a: system.plan, b: system.usage }\n', 'relations/x.yaml': 'relations: { tuples: [user:sam owner account:A2, user:sam owner account:A3] }\n' }),
      load({ ...WORLD, 'events/x.yaml': 'kind: raw_event\nfields: { b: { role: dimension, category: system.usage }, a: system.plan }\nevent: x\n', 'relations/x.yaml': '# again\nrelations: { types: {}, tuples: [user:sam owner account:A3, user:sam owner account:A2] }\n' }),
    ]);
    expect(one.digest).toBe(other.digest);
  });

  test.each(Object.entries({
    'categories.yaml': ['quasi', 'none'], 'purposes.yaml': ['marketing', 'sales'], 'environments.yaml': ['7d', '8d'], 'fields.yaml': ['email: user.contact.email', 'email: user.contact.phone'], 'events/viewed.yaml': ['plan: system.plan', 'plan: null'],
    'events/report.yaml': ['1-0-0', '1-0-1'], 'envelopes.yaml': ['system.plan', 'system.usage'], 'vendors.yaml': ['name: Mixpanel', 'name: Mixpanel Inc'], 'identities.yaml': ['user:dana: {}', 'user:dana: { attributes: { a: 1 } }'], 'roles.yaml': ['officer: {}', 'officer: { title: O }'],
    'grants.yaml': ['[user.contact.*]', '[user.contact.email]'], 'relations.yaml': ['account:A1', 'account:A2'], 'callers.yaml': ['powers: [check]', 'powers: [reload]'], 'context.yaml': ['boolean', 'number'],
  }))('a change in %s changes it', async (file, [from, to]) => {
    const text = (WORLD as Record<string, string>)[file]!;
    expect(text).toContain(from);
    expect((await load({ ...WORLD, [file]: text.replace(from!, to!) })).digest).not.toBe((await load(WORLD)).digest);
  });

  test('an edge’s place among its vendor’s edges counts: the first is named first', async () => {
    const edges = (list: string) => withFile('vendors/x.yaml', `vendors: { x: { name: X, party: third, categories: [cdn], edges: [${list}] } }\n`);
    const [a, b] = ['{ to: openai, type: sub_processor }', '{ to: mixpanel, type: sub_processor }'];
    expect((await edges(`${a}, ${b}`)).digest).not.toBe((await edges(`${b}, ${a}`)).digest);
  });
});

test('the shipped policies have no mistake', async () => {
  const facts = await loadYaml(`${__dirname}/../../../policies`);
  expect(facts.vendors.size * facts.events.size * facts.grants.size).toBeGreaterThan(0);
});

test('10,000 fields in 500 files load in a few seconds', async () => {
  const files = Object.fromEntries(Array.from({ length: 500 }, (_, file) => [`events/g${file}.yaml`, `event: g${file}\nkind: raw_event\ndefaultPurpose: analytics\nfields:\n${Array.from({ length: 20 }, (_unused, field) => (
    field % 2 === 0 ? `  properties.group.field_${field}: system.plan\n` : `  properties.field_${field}: { category: system.usage, type: string, enum: [a, b, c] }\n`
  )).join('')}`]));
  const dir = await write({ ...WORLD, ...files });
  const before = process.cpuUsage();
  const { events } = await loadYaml(dir);
  const { user, system } = process.cpuUsage(before);
  expect([...new Set(events.values())].reduce((sum, { fields }) => sum + fields.length, 0)).toBe(10_003);
  expect((user + system) / 1e6).toBeLessThan(5); // some 1 s of CPU; a busy machine takes longer by the clock
});
