import fc from 'fast-check';
import type { Decision } from '../../src/core/answer.ts';
import type { KnownGrant } from '../../src/core/catalogue/catalogue.ts';
import { holds } from '../../src/core/catalogue/conditions.ts';
import { complete } from '../../src/core/prepare/complete.ts';
import { parseQuestion } from '../../src/core/parse/parse.ts';
import { bytesOf, judge, recall, type JudgeDeps, type Judged, type Remembered } from '../../src/judge.ts';
import { createMemo } from '../../src/memo.ts';
import { because, NOON, openWorld, removeWorlds, type World } from '../support/world.ts';

const DAY = 24 * 60 * 60 * 1000;
const FIELDS = [
  'anon_user_id',
  'region',
  'city',
  'country',
  'feature_flag',
  'org_id',
  'tool_name',
  'email',
  'url',
  'browser',
  'nobody.knows',
];
const CATEGORIES = [
  'user.unique_id.pseudonymous',
  'user.location.*',
  'user.location.imprecise.country',
  'system.operations.feature_flag',
  'user.device.browser',
  'user.contact.email',
  'system.*',
  'user.device.os',
];

afterAll(removeWorlds);

const condition = fc.constantFrom<object>(
  { if: { 'user.risk': { 'less-than': 50 } } },
  { if: { not: { 'user.risk': { 'less-than': 50 } } } },
  { claim: 'dpa' },
  { claim: 'soc2_type2' },
  { claim: 'retention_days', test: { 'less-than': 31 } },
  { code: 'residency', if: { 'vendor.regions': { array_contains: 'DE' } } },
  { if: { 'context.consent': { equals: true } } },
);
const date = fc.constantFrom(
  undefined,
  undefined,
  undefined,
  '2026-11-20',
  '2026-11-20',
  '2026-11-23',
  '2026-11-26',
  '2026-11-30',
);
const grant = fc
  .record({
    role: fc.constantFrom(
      'dashboard_telemetry',
      'dashboard_telemetry',
      'genai_tool',
      'support_agent',
      'product_events',
    ),
    vendors: fc.constantFrom<readonly object[]>(
      [{ vendor: 'mixpanel' }],
      [{ party: 'third' }],
      [{ categories: ['analytics'] }],
      [{ vendor: 'segment' }, { vendor: 'mixpanel' }],
    ),
    environments: fc.constantFrom(['production'], ['staging'], ['production', 'staging']),
    purposes: fc.constantFrom(['analytics'], ['analytics'], ['analytics'], ['marketing']),
    categories: fc.uniqueArray(fc.constantFrom(...CATEGORIES), { minLength: 1, maxLength: 3 }),
    conditions: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.uniqueArray(condition, { minLength: 1, maxLength: 2 }) },
    ),
    starts: date,
    expires: date,
  })
  .map(({ starts, expires, ...rest }) => ({
    ...rest,
    ...(starts !== undefined && { starts }),
    ...(expires !== undefined && (starts === undefined || starts < expires) && { expires }),
  }));

const worlds = async (seed: number, count: number): Promise<readonly World[]> =>
  Promise.all(
    fc.sample(fc.array(grant, { minLength: 8, maxLength: 20 }), { numRuns: count, seed }).map((grants) =>
      openWorld({
        'grants/fixture.yaml': {
          grants: Object.fromEntries(grants.map((one, index) => [`g${(index * 7) % 23}`, one])),
        },
        'context.yaml': { context: { consent: { type: 'boolean' } } },
        'identities/fixture.yaml': {
          identities: {
            'service:risky': { roles: ['dashboard_telemetry', 'product_events'], attributes: { risk: '99' } },
          },
        },
      }),
    ),
  );

const question = fc
  .record({
    identity: fc.constantFrom(
      'service:telemetry',
      'service:risky',
      'service:risky',
      'agent:copilot',
      'tag:web',
      'user:sam',
    ),
    vendor: fc.constantFrom('mixpanel', 'mixpanel', 'segment', 'intercom', 'vendor-x', 'internal-obs', 'nobody-inc'),
    environment: fc.constantFrom('production', 'production', 'staging', 'moon'),
    purpose: fc.constantFrom(undefined, undefined, undefined, undefined, 'marketing'),
    onBehalfOf: fc.constantFrom(undefined, undefined, 'user:sam'),
    context: fc.constantFrom({}, { consent: true }),
    supports: fc.constantFrom(undefined, []),
    fields: fc.uniqueArray(fc.constantFrom(...FIELDS), { minLength: 1, maxLength: 5 }),
  })
  .map(
    (asked) =>
      JSON.parse(JSON.stringify({ ...asked, event: 'genai_dashboard.viewed' })) as {
        readonly fields: readonly string[];
        readonly onBehalfOf?: string;
      },
  );

/** What is said of one field, apart from what is dangerous together; texts without the names of the fields. */
function saidOf({ reasons }: Decision, field: string) {
  const told = reasons.filter(({ fields, code }) => fields.includes(field) && code !== 'combination');
  return told.map(({ fields, message, fix, ...reason }) => {
    const names = new RegExp(`(?<![\\w.])${RegExp.escape(fields.join(', '))}(?!\\w)`, 'g');
    return { ...reason, message: message.replace(names, '…'), fix: fix.replace(names, '…') };
  });
}

test('F15: the reasons of a field do not depend on the other fields of the question (J7)', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const open = await worlds(seed, 12);
  let compared = 0;
  fc.assert(
    fc.property(fc.nat(open.length - 1), question, (index, asked) => {
      const world = open[index]!;
      const together = world.ask(asked);
      for (const field of asked.fields) {
        const said = saidOf(together, field);
        expect({ seed, field, said }).toEqual({
          seed,
          field,
          said: saidOf(world.ask({ ...asked, fields: [field] }), field),
        });
        compared += said.length;
      }
    }),
    { numRuns: 400 },
  );
  expect(compared).toBeGreaterThan(500);
});

/** J7 as it is written, for one identity and one vendor: codes and the grants they name. */
function whyNot(
  {
    snapshot: {
      world: { catalogue },
    },
  }: World,
  judged: Judged,
  field: string,
): readonly string[] {
  const { input } = judged.prepared.shape.views[0]!;
  const { category } = input.profiles[judged.prepared.fields.find(({ path }) => path === field)!.profile]!;
  const vendor = catalogue.facts.vendors.get(judged.asked.vendor)!;
  const below = (name: string, selector: string) =>
    selector === '*' || name === selector || (selector.endsWith('.*') && `${name}.`.startsWith(selector.slice(0, -1)));
  const covers = ({ categories, except }: KnownGrant) =>
    categories.some((one) => below(category, one)) && !except.some((one) => below(category, one));
  const shared = (selectors: readonly string[]) =>
    Math.max(
      0,
      ...selectors.map((one) => {
        const [left, right] = [one.replace(/\.?\*$/, '').split('.'), category.split('.')];
        const at = left.findIndex((part, index) => part !== right[index]);
        return at < 0 ? left.length : at;
      }),
    );
  const written = ({ categories, written: all }: KnownGrant) =>
    shared(all === undefined ? categories : [...all.exact, ...all.below]);
  const among = (list: readonly string[] | undefined, one: string) => list?.includes(one) !== false;
  const { exclusives } = input;
  const closing = [...catalogue.facts.grants.values(), ...catalogue.facts.terms.values()].filter(({ id }) =>
    exclusives.includes(id),
  );
  const now = (grant: KnownGrant) =>
    grant.untilMs !== undefined && grant.untilMs <= NOON
      ? 'grant_expired'
      : (grant.fromMs ?? 0) > NOON
        ? ''
        : undefined;
  const oneOff = (grant: KnownGrant) => {
    const names = grant.vendors.some(
      (one) =>
        (one.vendor ?? vendor.id) === vendor.id &&
        (one.party ?? vendor.party) === vendor.party &&
        (one.categories ?? []).every((name) => vendor.categories.includes(name)),
    );
    const off = [
      ...(input.identity.roles.includes(grant.role) ? [] : ['identity_not_allowed']),
      ...(grant.exclusive || exclusives.length === 0 ? [] : ['closed']),
      ...(names && among(grant.kinds, 'raw_event') && among(grant.events, judged.asked.eventName!) ? [] : ['']),
      ...(among(grant.environments, judged.asked.environment) ? [] : ['environment_not_allowed']),
      ...(grant.purposes.some((one) => `${judged.asked.purpose}.`.startsWith(`${one}.`))
        ? []
        : ['purpose_not_allowed']),
      ...(among(grant.channels, judged.asked.channel) ? [] : ['channel_not_allowed']),
      ...[now(grant)].filter((code) => code !== undefined),
      ...(covers(grant) ? [] : ['category_not_granted']),
    ];
    const unmet =
      off.length > 0
        ? []
        : [...new Set(grant.conditions.filter(({ any }) => !holds(any, input as never)).map(({ code }) => code))];
    return [...off, ...unmet];
  };
  const grantsOf = (roles: Iterable<string>) => [...roles].flatMap((role) => catalogue.grantsOf(role, vendor));
  const own = grantsOf(input.identity.roles);
  const near = [
    ...own,
    ...grantsOf(catalogue.facts.roles.keys()).filter((grant) => grant.exclusive && !own.includes(grant)),
  ].flatMap((grant) => {
    const [code, second] = oneOff(grant);
    if (code === undefined || code === '' || second !== undefined) return [];
    if (code === 'closed')
      return closing.map(({ id, categories }) => ({
        code: 'identity_not_allowed',
        rule: id,
        shared: shared(categories),
      }));
    return [{ code, rule: grant.name ?? grant.id, shared: written(grant) }];
  });
  const nearest = (list: readonly { readonly code: string; readonly rule: string; readonly shared: number }[]) =>
    [...Map.groupBy(list, ({ code }) => code).values()].map(
      (group) => group.toSorted((a, b) => b.shared - a.shared || (a.rule < b.rule ? -1 : 1))[0]!,
    );
  if (near.length > 0) return nearest(near).map(({ code, rule }) => `${code}@${rule}`);
  const others = grantsOf(catalogue.facts.roles.keys()).filter(
    (grant) => !input.identity.roles.includes(grant.role) && oneOff(grant).join() === 'identity_not_allowed',
  );
  const [held] = nearest(
    others.map((grant) => ({ code: 'identity_not_allowed', rule: grant.name ?? grant.id, shared: written(grant) })),
  );
  return [held === undefined ? 'no_permit@default-deny' : `identity_not_allowed@${held.rule}`];
}

test('F15: the grants that are blamed are those of J7, read plainly', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const open = await worlds(seed, 12);
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.nat(open.length - 1), question, (index, { onBehalfOf: _, ...asked }) => {
      const world = open[index]!;
      const judged = world.judge(asked);
      const [view] = judged.prepared.shape.views;
      if (judged.prepared.shape.views.length > 1 || !view!.input.vendor.known || !view!.input.environment.known) return;
      for (const { path, profile } of judged.prepared.fields) {
        const permitted = [...judged.rulings![0]!.permits.values()].some((profiles) => profiles.includes(profile));
        if (permitted || !view!.input.profiles[profile]!.known) continue;
        const [, , told] = judged.told.find(([, at]) => at === profile)!;
        const plain = whyNot(world, judged, path);
        expect({ seed, path, told: told.map(([code, rule]) => `${code}@${rule}`).toSorted() }).toEqual({
          seed,
          path,
          told: plain.toSorted(),
        });
        for (const one of plain) seen.set(one.split('@')[0]!, (seen.get(one.split('@')[0]!) ?? 0) + 1);
      }
    }),
    { numRuns: 1000 },
  );
  expect([...seen.keys()]).toEqual(
    expect.arrayContaining(['category_not_granted', 'environment_not_allowed', 'identity_not_allowed', 'no_permit']),
  );
  expect(seen.size).toBeGreaterThan(4);
});

const decisionOf = ({ json }: Remembered) => JSON.parse(`{${json}}`) as Decision;

const asDeps = (): JudgeDeps => ({
  memo: createMemo({ maxBytes: 2 ** 24, bytesOf }),
  hash: (name) => `?${name.length}`,
  program: 'test',
  onFailure: (error) => {
    throw error;
  },
});

test('F15: the memo never tells reasons that time has changed, of grants that end and that start (J28)', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const open = await worlds(seed, 12);
  const times = fc.array(
    fc.integer({ min: -3, max: 12 }).map((half) => NOON + (half * DAY) / 2),
    { minLength: 4, maxLength: 8 },
  );
  const counts = { hits: 0, changed: 0 };
  fc.assert(
    fc.property(fc.nat(open.length - 1), question, times, (index, asked, moments) => {
      const { snapshot } = open[index]!;
      const deps = asDeps();
      const completed = complete(
        parseQuestion(asked),
        snapshot.world.catalogue,
        snapshot.world.catalogue.facts.callers.get('demo-gateway')!,
      );
      const told = new Set<string>();
      let latestMs = 0;
      for (const nowMs of moments) {
        latestMs = Math.max(latestMs, nowMs);
        const { remembered, hit } = recall(completed, snapshot, { nowMs, latestMs }, deps);
        const fresh = judge(completed, snapshot, { nowMs, latestMs });
        expect({ seed, because: because(decisionOf(remembered)), expires: remembered.expiresAtMs }).toEqual({
          seed,
          because: because(fresh.decision),
          expires: fresh.prepared.expiresAtMs,
        });
        if (hit) counts.hits += 1;
        told.add(because(decisionOf(remembered)).join());
      }
      if (told.size > 1) counts.changed += 1;
    }),
    { numRuns: 300 },
  );
  expect([counts.hits > 100, counts.changed > 30]).toEqual([true, true]);
});

test.each([
  ['ends', { expires: '2026-11-24' }, ['environment_not_allowed@near'], ['no_permit@default-deny']],
  ['starts', { starts: '2026-11-25' }, ['no_permit@default-deny'], ['environment_not_allowed@near']],
])('F15: an answer whose near miss %s expires no earlier, but is forgotten then', async (_, dates, before, after) => {
  const world = await openWorld({
    'roles/fixture.yaml': { roles: { lonely: {} } },
    'identities/fixture.yaml': { identities: { 'service:lonely': { roles: ['lonely'] } } },
    'grants/fixture.yaml': {
      grants: {
        near: {
          role: 'lonely',
          vendors: ['internal-obs'],
          purposes: ['analytics'],
          environments: ['staging'],
          categories: ['user.device.browser'],
          ...dates,
        },
      },
    },
  });
  const { snapshot } = world;
  const asked = complete(
    parseQuestion({
      identity: 'service:lonely',
      vendor: 'internal-obs',
      environment: 'production',
      event: 'genai_dashboard.viewed',
      fields: ['browser'],
    }),
    snapshot.world.catalogue,
    snapshot.world.catalogue.facts.callers.get('demo-gateway')!,
  );
  const deps = asDeps();
  const at = Date.parse('2026-11-25T00:00:00Z');
  const ask = (nowMs: number) => recall(asked, snapshot, { nowMs, latestMs: nowMs }, deps);
  expect(ask(NOON)).toMatchObject({ hit: false, remembered: { expiresAtMs: undefined, untilMs: at } });
  expect(because(decisionOf(ask(at - 1).remembered))).toEqual(before);
  expect(ask(at - 1).hit).toBe(true);
  const later = ask(at);
  expect([later.hit, because(decisionOf(later.remembered))]).toEqual([false, after]);
});
