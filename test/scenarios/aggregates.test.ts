import { because, codes, effects, openWorld, removeWorlds, type World } from '../support/world.ts';

const report = { identity: 'user:sam', vendor: 'intercom', environment: 'production', event: 'usage.report', fields: ['plan', 'week', 'active_users'] };
const account = { ...report, event: 'account.report', fields: ['plan', 'week', 'seats_used'], aggregate: { groupBy: ['plan', 'week'], minCell: 25 } };
let world: World;

beforeAll(async () => { world = await openWorld(); });
afterAll(removeWorlds);

describe('aggregates (J18) and what they are about (J19)', () => {
  test.each([
    { name: 'R3 large cells', aggregate: { groupBy: ['plan', 'week'], minCell: 25 }, want: [] },
    { name: 'exactly k', aggregate: { groupBy: ['plan'], minCell: 10 }, want: [] },
    { name: 'under k', aggregate: { groupBy: ['plan'], minCell: 9 }, want: ['aggregate_too_small'] },
    { name: 'no cell size', aggregate: { groupBy: ['plan'] }, want: ['aggregate_too_small'] },
    { name: 'no aggregate at all', aggregate: undefined, want: ['aggregate_too_small'] },
    { name: 'R3 grouped by ip', aggregate: { groupBy: ['ip'], minCell: 25 }, want: ['aggregate_identifying'] },
    { name: 'grouped by what nobody knows', aggregate: { groupBy: ['shoe_size'], minCell: 25 }, want: ['aggregate_identifying'] },
    { name: 'R32 grouped by a tenant', aggregate: { groupBy: ['org_id'], minCell: 25 }, want: ['aggregate_identifying'] },
  ])('J18 $name', ({ aggregate, want }) => {
    const decision = world.ask({ ...report, ...(aggregate !== undefined && { aggregate }) });
    expect([...new Set(codes(decision))]).toEqual(want);
    expect(Object.values(effects(decision)).every((effect) => effect === (want.length === 0 ? 'allow' : 'deny'))).toBe(true);
  });

  test('J18 a column that identifies is denied alone, cells that are too small deny all', () => {
    expect(effects(world.ask({ ...report, fields: ['plan', 'email'], aggregate: { groupBy: ['plan'], minCell: 25 } }))).toEqual({ plan: 'allow', email: 'deny' });
  });

  test('J18 with a payload, a count under k or under minCell is too small', () => {
    const payload = (active: unknown, minCell = 25) => codes(world.ask({ ...report, fields: undefined, payload: { plan: 'pro', active_users: active }, aggregate: { groupBy: ['plan'], minCell } }));
    expect(payload(30)).toEqual([]);
    expect(payload(24)).toEqual(['aggregate_too_small']);
    expect(payload(9, 10)).toEqual(['aggregate_too_small']);
    expect(payload('many')).toContain('aggregate_too_small');
  });

  test('J18 aggregate on an event of another kind is ignored; a snapshot is judged as a raw event', async () => {
    expect(because(world.ask({ ...report, event: 'raw.event_log', fields: ['email'], aggregate: { groupBy: [], minCell: 99 } }))).toContain('raw_identifiers@support-no-raw-identifiers');
    const snapshot = await openWorld({ 'events/fixture.yaml': { event: 'raw.snapshot', kind: 'snapshot', defaultPurpose: 'analytics.reporting', fields: { email: 'user.contact.email' } } });
    expect(codes(snapshot.ask({ ...report, event: 'raw.snapshot', fields: ['email'] }))).toContain('raw_identifiers');
  });

  test('J18 a snapshot is a raw event for grants and rules alike', async () => {
    const w = await openWorld({
      'events/fixture.yaml': { event: 'raw.snapshot', kind: 'snapshot', defaultPurpose: 'analytics.reporting', fields: { browser: 'user.device.browser' } },
      'grants/fixture.yaml': { grants: { raw: { role: 'dashboard_telemetry', vendors: ['mixpanel'], purposes: ['analytics'], kinds: ['raw_event'], categories: ['user.device.browser'] } } },
    });
    const { decision, prepared } = w.judge({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'raw.snapshot', fields: ['browser'] });
    expect(prepared.shape.views[0]!.input.event.kind).toBe('raw_event');
    expect(decision.decision).toBe('allow');
  });

  test.each([
    { name: 'R7 an assigned account', about: 'account:A1', want: [] },
    { name: 'R7 another account', about: 'account:A2', want: ['no_relationship@support-reports'] },
    { name: 'an account that nobody knows', about: 'account:A9', want: ['no_relationship@support-reports'] },
    { name: 'an object of another type', about: 'user:sam', want: ['no_relationship@support-reports'] },
    { name: 'nothing', about: undefined, want: ['no_relationship@support-reports'] },
  ])('J19 about $name', ({ about, want }) => {
    expect(because(world.ask({ ...account, ...(about !== undefined && { about }) }))).toEqual(want);
  });

  test('J19 a payload whose field names another object is denied', () => {
    const ask = (id: string) => codes(world.ask({ ...account, about: 'account:A1', fields: undefined, payload: { account_id: id, plan: 'pro' } }));
    expect(ask('A1')).not.toContain('no_relationship');
    expect(ask('A2')).toContain('no_relationship');
  });

  test('J33 about on an event that states no about type is ignored', () => {
    expect(world.ask({ ...report, about: 'account:A2', aggregate: { groupBy: ['plan'], minCell: 25 } }).decision).toBe('allow');
  });

  test('R7 a relation may come by union and by inheritance', async () => {
    const inherited = await openWorld({ 'relations/fixture.yaml': { relations: { tuples: ['user:sam owner account:A3', 'account:A3 parent account:A4'] } } });
    for (const id of ['account:A3', 'account:A4']) expect(inherited.ask({ ...account, about: id }).decision).toBe('allow');
  });
});
