// Terms over the grants of the YAML: they only narrow. Over permissions of Permit's: test/sources/permit.
import { because, codes, effects, openWorld, removeWorlds } from '../support/world.ts';

afterAll(removeWorlds);

const city = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['region', 'feature_flag'] };
const withTerm = (term: object) => openWorld({ 'terms/extra.yaml': { terms: { extra: { roles: ['dashboard_telemetry'], vendors: ['mixpanel'], ...term } } } });

test.each<[string, object, string[]]>([
  ['environments', { environments: ['staging'] }, ['environment_not_allowed@telemetry-basic']],
  ['purposes', { purposes: ['marketing'] }, ['purpose_not_allowed@telemetry-basic']],
  ['purposes that are narrower', { purposes: ['analytics.reporting.system'] }, ['purpose_not_allowed@telemetry-basic']],
  ['channels', { channels: ['export'] }, ['channel_not_allowed@telemetry-basic']],
  ['kinds', { kinds: ['aggregate'] }, ['no_permit@default-deny', 'identity_not_allowed@product-events']],
  ['events', { events: ['usage.event'] }, ['no_permit@default-deny', 'identity_not_allowed@product-events']],
  ['an end', { expires: '2026-11-21' }, ['grant_expired@telemetry-basic']],
  ['conditions', { conditions: [{ claim: 'soc2_type2' }] }, ['category_not_granted@telemetry-city', 'claim_missing@telemetry-basic']],
  ['review', { effect: 'review', approverRole: 'privacy_officer' }, ['approval_required@telemetry-basic']],
])('a term narrows the grants that it covers: by %s', async (_, term, want) => {
  const world = await withTerm(term);
  expect(because(world.ask(city))).toEqual(want);
  expect(world.ask({ ...city, vendor: 'amplitude' }).decision).toBe('allow');
});

test('of categories it narrows those that it covers', async () => {
  const world = await withTerm({ categories: ['user.location.*'], environments: ['staging'] });
  expect(effects(world.ask(city))).toEqual({ region: 'deny', feature_flag: 'allow' });
});

test('its obligations bind beside those of the grant', async () => {
  const world = await withTerm({ categories: ['system.operations.feature_flag'], effect: 'transform', obligations: [{ op: 'truncate' }] });
  const decision = world.ask(city);
  expect([decision.decision, decision.obligations.map(({ field, op }) => `${field} ${op}`)]).toEqual(['transform', ['feature_flag truncate']]);
});

test('J3 an exclusive term closes its vendor to all that it does not cover, for everybody', async () => {
  const world = await withTerm({ categories: ['user.location.*'], exclusive: true });
  expect(effects(world.ask(city))).toEqual({ region: 'allow', feature_flag: 'deny' });
  expect(because(world.ask({ ...city, identity: 'service:checkout', fields: ['feature_flag'] }))).toEqual(['identity_not_allowed@extra']);
});

test('J3 it opens nothing that an exclusive grant closes', async () => {
  const world = await openWorld({ 'terms/extra.yaml': { terms: { extra: { roles: ['product_events'], vendors: ['vendor-x'], exclusive: true } } } });
  expect(codes(world.ask({ identity: 'service:checkout', vendor: 'vendor-x', environment: 'production', event: 'usage.event', fields: ['feature_flag'] }))).toEqual(['identity_not_allowed']);
});

test('J28 its dates are thresholds of the answer', async () => {
  expect((await withTerm({ expires: '2026-11-22' })).judge(city).prepared.expiresAtMs).toBe(Date.parse('2026-11-23'));
  const starting = await withTerm({ starts: '2026-11-23' });
  expect(starting.ask(city).decision).toBe('deny');
  expect(starting.ask(city, { atMs: Date.parse('2026-11-23') }).decision).toBe('allow');
});

test('J29 the shipped terms change nothing of what Rego gets for the shipped grants', async () => {
  const [with_, without] = [await openWorld(), await openWorld({ 'terms.yaml': { terms: {} } })];
  for (const question of [city, { ...city, vendor: 'internal-obs' }, { ...city, fields: ['city'] }, { ...city, identity: 'service:analytics-pipeline', vendor: 'vendor-x', event: 'usage.event', fields: ['event'] }]) {
    expect(with_.judge(question).inputs).toEqual(without.judge(question).inputs);
  }
});
