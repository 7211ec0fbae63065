import { because, codes, effects, openWorld, removeWorlds } from '../support/world.ts';

const telemetry = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed' };
const modes = (vendors: object, events: object = {}) => openWorld({ 'modes.yaml': { modes: { vendors, events } } });

afterAll(removeWorlds);

describe('what holds where nothing is listed (J12, J13)', () => {
  test('R6 enforce denies what no grant permits; review asks; shadow lets it out and says what it would be', async () => {
    const asked = { ...telemetry, fields: ['anon_user_id', 'browser'] };
    expect((await modes({})).ask(asked)).toMatchObject({ decision: 'deny', mode: 'enforce' });
    const review = (await modes({ mixpanel: { unmatched: 'review' } })).ask(asked);
    expect(review).toMatchObject({ decision: 'review', fix: { drop: ['browser'] } });
    expect(review.approval?.id).toMatch(/^apr_/);
    const shadow = (await modes({ mixpanel: { mode: 'shadow' } })).ask(asked);
    expect(shadow).toMatchObject({ decision: 'allow', mode: 'shadow', reasons: [], wouldBe: { decision: 'deny', reasons: [expect.objectContaining({ code: 'category_not_granted' })] } });
  });

  test('R11 J12 an unknown path denies; strip takes it out, and denies when nothing is left', async () => {
    const payload = { anon_user_id: 'a', debug_ctx: { deep: [1] } };
    expect(because((await modes({})).ask({ ...telemetry, payload }))).toEqual(['unknown_field@unknown-field']);
    const strip = await modes({ mixpanel: { unknown: 'strip' } });
    const stripped = strip.ask({ ...telemetry, payload });
    expect(stripped).toMatchObject({ decision: 'transform', obligations: [{ field: 'debug_ctx.deep[]', op: 'drop' }], reasons: [] });
    expect(strip.ask({ ...telemetry, payload: { debug_ctx: 1 } })).toMatchObject({ decision: 'deny', fix: null, reasons: [{ code: 'unknown_field' }] });
    expect(codes(strip.ask({ ...telemetry, payload, supports: ['hmac'] }))).toEqual(['obligation_unsupported']);
  });

  test('J12 J13 of vendor and event the stricter wins', async () => {
    const w = await modes({ mixpanel: { mode: 'shadow', unknown: 'strip', unmatched: 'review' } }, { 'genai_dashboard.viewed': { mode: 'enforce', unknown: 'deny', unmatched: 'deny' } });
    expect(w.ask({ ...telemetry, payload: { debug_ctx: 1, browser: 'x' } })).toMatchObject({ decision: 'deny', mode: 'enforce' });
  });

  test('J13 shadow never lifts a forbid, an unknown identity, event or purpose, a found secret, or an unknown field without observe', async () => {
    const shadow = await modes({ mixpanel: { mode: 'shadow' } });
    const ask = (more: object) => codes(shadow.ask({ ...telemetry, fields: ['anon_user_id'], ...more }));
    expect(ask({ fields: ['org_id'] })).toContain('forbidden_category');
    expect(ask({ identity: 'service:nobody' })).toEqual(['unknown_identity']);
    expect(ask({ event: 'nothing' })).toEqual(['unknown_event']);
    expect(ask({ purpose: 'nothing' })).toEqual(['unknown_purpose']);
    expect(ask({ environment: 'nowhere' })).toEqual(['unknown_environment']);
    expect(ask({ fields: undefined, payload: { feature_flag: 'sk-proj-abcdefghijklmnopqrstuvwxyz0123456789' } })).toEqual(['secret_detected']);
    expect(ask({ fields: ['debug_ctx'] })).toEqual(['unknown_field']);
    const observe = await modes({ mixpanel: { mode: 'shadow', unknown: 'observe' } });
    expect(observe.ask({ ...telemetry, fields: ['debug_ctx'] })).toMatchObject({ decision: 'allow', wouldBe: { decision: 'deny' } });
    expect((await modes({ mixpanel: { unknown: 'observe' } })).ask({ ...telemetry, fields: ['debug_ctx'] }).decision).toBe('deny');
  });

  test('J13 obligations stay: where the real answer has some, shadow answers transform', async () => {
    const shadow = await modes({ mixpanel: { mode: 'shadow' } });
    expect(shadow.ask({ ...telemetry, fields: ['city', 'browser'] })).toMatchObject({ decision: 'transform', obligations: [{ field: 'city', op: 'coarsen_geo' }], wouldBe: { decision: 'deny' } });
  });

  test('J13 an exclusive vendor cannot be in shadow', async () => {
    await expect(modes({ 'vendor-x': { mode: 'shadow' } })).rejects.toThrow(/modes.yaml:\d+:\d+: vendor-x is closed by the exclusive grant/);
  });

  test('J3 J13 neither shadow of a hub or an event nor an approval of what is unmatched opens an exclusive vendor', async () => {
    const hub = { name: 'Hub', party: 'third', categories: ['cdp'], claims: { transfer_basis: { value: { covers_subprocessors: true } } }, edges: [{ to: 'vendor-x', type: 'forwards_to', on: true }] };
    const shadowed = await openWorld({
      'vendors/fixture.yaml': { vendors: { hub } },
      'modes.yaml': { modes: { vendors: { hub: { mode: 'shadow', unmatched: 'review' } }, events: { 'genai_dashboard.viewed': { mode: 'shadow', unmatched: 'review' } } } },
    });
    for (const vendor of ['hub', 'vendor-x']) expect(shadowed.ask({ ...telemetry, vendor, fields: ['anon_user_id'] })).toMatchObject({ decision: 'deny', mode: 'enforce' });
  });

  test('J13 J16 a hub in shadow does not put its destinations there: what they are refused stays refused', async () => {
    const asked = { ...telemetry, vendor: 'segment', fields: ['browser'] };
    const shadow = { mode: 'shadow', unknown: 'observe' } as const;
    expect((await modes({ segment: shadow })).ask(asked)).toMatchObject({ decision: 'deny', mode: 'enforce' });
    expect((await modes({ segment: { unmatched: 'review' } })).ask(asked).decision).toBe('deny');
    expect((await modes({ segment: shadow, mixpanel: shadow })).ask(asked)).toMatchObject({ decision: 'allow', mode: 'shadow' });
    expect((await modes({}, { 'genai_dashboard.viewed': shadow })).ask(asked)).toMatchObject({ decision: 'allow', mode: 'shadow' });
  });

  test('J13 combinations are lifted by shadow, and recorded as what would be', async () => {
    const w = await modes({ amplitude: { mode: 'shadow' } });
    const fields = ['user_agent', 'timezone', 'screen', 'language'];
    const decision = w.ask({ identity: 'service:checkout', vendor: 'amplitude', environment: 'production', event: 'web.page_viewed', fields });
    expect(effects(decision)).toEqual({ user_agent: 'allow', timezone: 'allow', screen: 'allow', language: 'allow' });
    expect(decision.wouldBe).toMatchObject({ decision: 'deny', reasons: [{ code: 'combination' }] });
    expect(w.record({ identity: 'service:checkout', vendor: 'amplitude', environment: 'production', event: 'web.page_viewed', fields })).toMatchObject({ mode: 'shadow', wouldBe: { decision: 'deny' } });
  });
});

describe('combinations and the fix (J9, J10)', () => {
  const tenantAllowed = {
    'vendors/fixture.yaml': { vendors: { own: { name: 'Own', party: 'first', categories: ['analytics'] }, plain: { name: 'Plain', party: 'third', categories: ['billing'], claims: {
      dpa: { value: true }, breach_notice_hours: { value: 1 }, retention_days: { value: 1 }, transfer_basis: { value: { covers_subprocessors: true } }, trains_on_data: { value: false },
    } } } },
    'grants/fixture.yaml': { grants: { all: { role: 'dashboard_telemetry', vendors: ['own', 'plain'], purposes: ['analytics'], categories: ['*'], except: ['user.location.imprecise.city'] },
      city: { role: 'dashboard_telemetry', vendors: ['own', 'plain'], purposes: ['analytics'], categories: ['user.location.imprecise.city'], effect: 'transform', obligations: [{ op: 'coarsen_geo', params: { to: 'region' } }] } } },
    'combinations/fixture.yaml': { combinations: {
      'mail-and-region': { members: ['user.contact.email', 'user.location.imprecise.region'], message: 'm', fix: 'f' },
      'three-of-four': { members: ['user.contact.email', 'user.device.browser', 'user.location.imprecise.country', 'system.operations.feature_flag'], min: 3, effect: 'review', approverRole: 'privacy_officer', message: 'm', fix: 'f' },
    } },
  };

  test('J9 R17 a combination is judged on what would leave: a city coarsened to a region is a region', async () => {
    const w = await openWorld(tenantAllowed);
    const decision = w.ask({ ...telemetry, vendor: 'plain', fields: ['email', 'city'] });
    expect(because(decision)).toContain('combination@mail-and-region');
    expect(effects(decision)).toEqual({ email: 'deny', city: 'deny' });
    expect(decision.obligations).toEqual([]);
    expect(decision.fix).toEqual({ drop: ['email'], exact: true });
  });

  test('J9 J33 a field denied by itself is no member; first parties have no combinations', async () => {
    const w = await openWorld(tenantAllowed);
    expect(effects(w.ask({ ...telemetry, vendor: 'own', fields: ['email', 'region'] }))).toEqual({ email: 'allow', region: 'allow' });
    const fields = ['anon_user_id', 'region', 'email'];
    expect(effects(w.ask({ ...telemetry, fields }))).toEqual({ anon_user_id: 'allow', region: 'allow', email: 'deny' });
  });

  test('J9 n of m, and a review instead of a denial', async () => {
    const w = await openWorld(tenantAllowed);
    const decision = w.ask({ ...telemetry, vendor: 'plain', fields: ['browser', 'country', 'feature_flag'] });
    expect(decision).toMatchObject({ decision: 'review', approval: { approverRole: 'privacy_officer' } });
    expect(decision.fix?.drop).toHaveLength(1);
    expect(w.ask({ ...telemetry, vendor: 'plain', fields: ['browser', 'country'] }).decision).toBe('allow');
  });

  test('J10 R15 ties go to the more sensitive field, then by path; null when allowed or nothing would be left', async () => {
    const w = await openWorld(tenantAllowed);
    expect(w.ask({ ...telemetry, vendor: 'plain', fields: ['email', 'region'] }).fix).toEqual({ drop: ['email'], exact: true });
    expect(w.ask({ ...telemetry, vendor: 'plain', fields: ['browser', 'country', 'feature_flag'] }).fix?.drop).toEqual(['browser']);
    expect(w.ask({ ...telemetry, vendor: 'plain', fields: ['region'] }).fix).toBeNull();
    expect(w.ask({ ...telemetry, fields: ['org_id'] }).fix).toBeNull();
  });

  test('J10 R22 the event name cannot be dropped', async () => {
    const w = await openWorld({ 'events/fixture.yaml': { event: 'use_tool__search', kind: 'raw_event', defaultPurpose: 'analytics.reporting', fields: { anon_id: 'user.unique_id.pseudonymous' } } });
    const decision = w.ask({ ...telemetry, event: 'use_tool__search', fields: ['anon_id'] });
    expect(effects(decision)).toEqual({ anon_id: 'allow', $event: 'deny' });
    expect(decision.fix).toBeNull();
  });

  test('J10 over 16 members the fix is still small, and says that it is not proven smallest', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `c${index}`);
    const w = await openWorld({
      'categories/fixture.yaml': { categories: Object.fromEntries(names.map((name) => [`system.many.${name}`, { sensitivity: 'internal', identifiability: 'none' }])) },
      'fields/fixture.yaml': { fields: Object.fromEntries(names.map((name) => [name, `system.many.${name}`])) },
      'grants/fixture.yaml': { grants: { many: { role: 'dashboard_telemetry', vendors: ['mixpanel'], purposes: ['analytics'], categories: ['system.many.*'] } } },
      'combinations/fixture.yaml': { combinations: { pairs: { members: names.map((name) => `system.many.${name}`), min: 19, message: 'm', fix: 'f' } } },
    });
    const question = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', purpose: 'analytics.reporting', fields: names };
    const { fix } = w.ask(question);
    expect(fix).toMatchObject({ exact: false });
    expect(fix?.drop).toHaveLength(2);
    expect(w.ask({ ...question, fields: names.filter((name) => !fix!.drop.includes(name)) }).decision).toBe('allow');
  });
});
