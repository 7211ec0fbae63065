import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { because, codes, openWorld, removeWorlds, ROOT } from '../support/world.ts';

const telemetry = {
  identity: 'service:telemetry',
  vendor: 'mixpanel',
  environment: 'production',
  event: 'genai_dashboard.viewed',
};
const grant = (more: object) => ({
  role: 'dashboard_telemetry',
  vendors: ['mixpanel'],
  environments: ['production'],
  purposes: ['analytics'],
  ...more,
});
const worldOf = (grants: object, more: Record<string, object> = {}) =>
  openWorld({ 'grants/fixture.yaml': { grants }, ...more });

afterAll(removeWorlds);

describe('F15: the nearest grant is blamed (J7)', () => {
  test('F15: a new grant of another category changes no reason, whatever it is called', async () => {
    const plain = await openWorld();
    const world = await worldOf({
      'a-first': grant({ categories: ['system.audit.proof'] }),
      'a-second': grant({ categories: ['system.audit.proof', 'system.audit.names'], vendors: [{ party: 'third' }] }),
      'a-third': grant({ role: 'product_events', categories: ['system.audit.*'] }),
    });
    for (const identity of ['service:telemetry', 'service:checkout', 'tag:web', 'user:sam']) {
      for (const fields of [
        ['country'],
        ['browser'],
        ['email'],
        ['city'],
        ['feature_flag'],
        ['anon_user_id', 'browser'],
      ]) {
        expect(because(world.ask({ ...telemetry, identity, fields }))).toEqual(
          because(plain.ask({ ...telemetry, identity, fields })),
        );
      }
    }
  });

  test('F15: it is the one that names most of the category, then the one whose name sorts first', async () => {
    const world = await worldOf({
      'a-far': grant({ categories: ['system.operations.plan'] }),
      'b-near': grant({ categories: ['user.device.os'] }),
      'c-near': grant({ categories: ['user.device.model'] }),
      'd-nearest': grant({ categories: ['user.device.browser'], environments: ['staging'] }),
      'e-far': grant({ categories: ['user.*'], environments: ['staging'] }),
    });
    expect(because(world.ask({ ...telemetry, fields: ['browser'] }))).toEqual([
      'category_not_granted@b-near',
      'environment_not_allowed@d-nearest',
    ]);
  });

  test('F15: so it is with grants that others hold, and with those that close a vendor', async () => {
    const others = await worldOf({
      'a-wide': grant({ role: 'product_events', categories: ['*'] }),
      'z-narrow': grant({ role: 'product_events', categories: ['user.unique_id.pseudonymous'] }),
    });
    expect(because(others.ask({ ...telemetry, identity: 'tag:web', fields: ['anon_user_id'] }))).toContain(
      'identity_not_allowed@product-events',
    );
    expect(because(others.ask({ ...telemetry, identity: 'tag:web', fields: ['browser'] }))).toContain(
      'identity_not_allowed@a-wide',
    );
    const closed = await worldOf({
      'a-only': grant({ role: 'product_events', categories: ['system.operations.plan'], exclusive: true }),
      'z-only': grant({ role: 'product_events', categories: ['user.unique_id.account'], exclusive: true }),
    });
    expect(because(closed.ask({ ...telemetry, fields: ['anon_user_id'] }))).toEqual(['identity_not_allowed@z-only']);
    expect(because(closed.ask({ ...telemetry, fields: ['feature_flag'] }))).toEqual(['identity_not_allowed@a-only']);
  });
});

describe('F15: an unmet condition is told as that condition', () => {
  const MORE = {
    'context.yaml': { context: { consent: { type: 'boolean' }, note: { type: 'enum', values: ['canary-in', 'yes'] } } },
    'identities/fixture.yaml': {
      identities: {
        'service:risky': { roles: ['dashboard_telemetry'], attributes: { risk: 99, team: 'canary-team' } },
      },
    },
  };
  const ask = async (conditions: object[]) =>
    (await worldOf({ conditional: grant({ categories: ['user.device.browser'], conditions }) }, MORE)).ask({
      ...telemetry,
      identity: 'service:risky',
      context: { note: 'canary-in' },
      fields: ['browser'],
    });

  test.each<[string, object[], string, RegExp]>([
    [
      'an attribute',
      [{ if: { 'user.risk': { 'less-than': 50 } } }],
      'no_permit@conditional',
      /^The grant conditional demands identity\.risk less-than 50\.$/,
    ],
    [
      'under not',
      [{ if: { not: { 'user.risk': { 'greater-than': 50 } } } }],
      'no_permit@conditional',
      /demands not \(identity\.risk greater-than 50\)\./,
    ],
    [
      'several',
      [{ if: { 'user.team': { in: ['data', 'ops'] } } }, { if: { 'user.risk': { equals: 1 } } }],
      'no_permit@conditional',
      /identity\.team in \["data","ops"\] and identity\.risk equals 1/,
    ],
    [
      'of several only those that are not met',
      [{ if: { 'user.risk': { equals: 99 } } }, { if: { 'user.team': { equals: 'data' } } }],
      'no_permit@conditional',
      /demands identity\.team equals "data"\.$/,
    ],
    [
      'alternatives',
      [{ if: { anyOf: [{ 'user.team': { equals: 'data' } }, { 'context.consent': { equals: true } }] } }],
      'no_permit@conditional',
      /identity\.team equals "data" or context\.consent equals true/,
    ],
    [
      'another attribute',
      [{ if: { 'user.team': { equals: { ref: 'context.note' } } } }],
      'no_permit@conditional',
      /identity\.team equals context\.note/,
    ],
    [
      'a code of its own choice',
      [{ code: 'residency', if: { 'vendor.regions': { array_contains: 'DE' } } }],
      'residency@conditional',
      /demands vendor\.regions array_contains "DE"/,
    ],
    [
      'a claim that is missing',
      [{ claim: 'soc2_type2' }],
      'claim_missing@conditional',
      /demands vendor\.claims\.soc2_type2; the vendor has not stated/,
    ],
    [
      'a claim that is missing, with what is wanted of it',
      [{ claim: 'retention_days', test: { 'less-than': 31 } }],
      'claim_missing@conditional',
      /demands vendor\.claims\.retention_days less-than 31; the vendor has not/,
    ],
    [
      'a claim that is something else',
      [{ claim: 'trains_on_data', test: { equals: true } }],
      'claim_insufficient@conditional',
      /demands vendor\.claims\.trains_on_data equals true; the vendor claims/,
    ],
    [
      'braces in what is wanted',
      [{ if: { 'user.team': { equals: '{fields} {rule}' } } }],
      'no_permit@conditional',
      /equals "\{fields\} \{rule\}"/,
    ],
  ])('F15: %s', async (_, conditions, reason, message) => {
    const { reasons, decision } = await ask(conditions);
    expect(decision).toBe('deny');
    const told = reasons.filter(({ rule }) => rule === 'conditional');
    expect(because({ reasons: told })).toEqual([reason]);
    expect(told[0]!.message).toMatch(message);
    expect(told[0]!.fix).not.toBe('');
    expect(JSON.stringify(reasons)).not.toMatch(/99|canary/);
  });

  test('F15: a relation that is not held', async () => {
    const world = await openWorld();
    const { reasons } = world.ask({
      identity: 'user:sam',
      vendor: 'intercom',
      environment: 'production',
      event: 'account.report',
      fields: ['plan'],
      about: 'account:A2',
      aggregate: { groupBy: [], minCell: 20 },
    });
    expect(reasons).toEqual([
      expect.objectContaining({
        code: 'no_relationship',
        rule: 'support-reports',
        message: 'The grant support-reports demands the relation assigned to the account.',
      }),
    ]);
  });

  test('F15: what it demands is bounded, however long it is', async () => {
    const { reasons } = await ask([
      { if: { 'user.team': { in: Array.from({ length: 1000 }, (_, index) => `team-${index}`) } } },
      { if: { anyOf: Array.from({ length: 200 }, (_, index) => ({ 'user.risk': { equals: index } })) } },
    ]);
    for (const { message } of reasons) expect(message.length).toBeLessThan(400);
  });
});

test('F15: an unknown environment, like any unknown name, tells nothing of what a grant demands', async () => {
  const world = await worldOf(
    {
      everywhere: {
        role: 'dashboard_telemetry',
        vendors: [{}],
        purposes: ['analytics'],
        categories: ['user.device.browser'],
        effect: 'transform',
        obligations: [{ op: 'hmac' }],
      },
      reviewed: {
        role: 'dashboard_telemetry',
        vendors: [{}],
        purposes: ['analytics'],
        categories: ['user.device.os'],
        effect: 'review',
      },
    },
    { 'fields/fixture.yaml': { fields: { the_os: 'user.device.os', the_browser: 'user.device.browser' } } },
  );
  const asked = {
    identity: 'service:telemetry',
    vendor: 'mixpanel',
    environment: 'production',
    purpose: 'analytics.reporting',
    fields: ['the_browser', 'the_os'],
    supports: [],
  };
  expect(codes(world.ask(asked))).toEqual(['approval_required', 'obligation_unsupported']);
  expect(codes(world.ask({ ...asked, environment: 'moon' }))).toEqual(['unknown_environment']);
  expect(codes(world.ask({ ...asked, vendor: 'nobody-inc' }))).not.toContain('obligation_unsupported');
  expect(codes(world.ask({ ...asked, vendor: 'nobody-inc' }))).not.toContain('approval_required');
  expect(world.ask({ ...asked, environment: 'moon' }).decision).toBe('deny');
});

test('F15: a shipped rule that reads what stands in YAML names its key and file', async () => {
  const folder = path.join(ROOT, 'rego', 'egress', 'rules');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.rego') && !name.endsWith('_test.rego'));
  const rules = (await Promise.all(files.map((name) => readFile(path.join(folder, name), 'utf8'))))
    .flatMap((text) => text.split('# METADATA').slice(1))
    .filter((text) => text.includes('\nrulings['));
  const lacking = rules.flatMap((text) => {
    const [metadata = '', body = ''] = text.split('\nrulings[');
    const fix = metadata.slice(metadata.indexOf('#   fix:'));
    const keys = [...body.matchAll(/input\.(?:vendor\.(claims\.\w+)|identity\.(manifest\.\w+))/g)].map(
      ([, claim, manifest]) => claim ?? manifest!,
    );
    const file = (key: string) => (key.startsWith('claims.') ? 'vendors.yaml' : 'identities.yaml');
    return [...new Set(keys)]
      .filter((key) => !(fix.includes(key) && fix.includes(file(key))) && key !== 'manifest.onBehalfOf')
      .map((key) => `${body.slice(0, 40)}: ${key}`);
  });
  expect(lacking).toEqual([]);
  expect(rules.length).toBeGreaterThan(20);
});
