import { because, codes, effects, NOON, openWorld, removeWorlds, shippedEngine } from '../support/world.ts';

const telemetry = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed' };
const valid = { value: true, issued: '2026-01-01', expires: '2036-12-31' };
const scc = (covers: boolean) => ({ ...valid, value: { type: 'SCC', covers_subprocessors: covers } });
const everything = { role: 'dashboard_telemetry', vendors: [{}], purposes: ['analytics'], categories: ['*'] };
const world = (vendors: object, more: object = {}) => openWorld({ 'vendors/fixture.yaml': { vendors }, 'grants/fixture.yaml': { grants: { everything } }, ...more });
const third = (more: object) => ({ name: 'V', party: 'third', categories: ['billing'], ...more });
const assured = { dpa: valid, transfer_basis: scc(true), trains_on_data: { ...valid, value: false }, breach_notice_hours: { ...valid, value: 24 }, retention_days: { ...valid, value: 30 } };

afterAll(removeWorlds);

describe('vendors and their supply chain (J14–J17)', () => {
  test('R42 R44 R45 R46 J14 what a third party did not claim counts as the worst; a first party claims nothing', async () => {
    const w = await world({
      bare: third({ claims: { transfer_basis: scc(true) } }), good: third({ claims: assured }),
      trains: third({ claims: { ...assured, trains_on_data: { ...valid, value: true } } }),
      slow: third({ claims: { ...assured, breach_notice_hours: { ...valid, value: 96 }, retention_days: { ...valid, value: 365 } } }),
      own: { name: 'Own', party: 'first', categories: ['billing'] },
    });
    const reasons = (vendor: string, field: string) => because(w.ask({ ...telemetry, vendor, fields: [field] }));
    expect(reasons('bare', 'email')).toEqual(['claim_missing@breach-notice-missing', 'claim_missing@dpa-missing', 'claim_missing@retention-missing']);
    expect(reasons('good', 'email')).toEqual([]);
    expect(reasons('own', 'email')).toEqual([]);
    expect(reasons('slow', 'email')).toEqual(['claim_insufficient@breach-notice-insufficient', 'claim_insufficient@retention-insufficient']);
    const ai = (vendor: string) => because(w.ask({ identity: 'service:telemetry', vendor, environment: 'production', event: 'genai.tool_run', fields: ['prompt_category'] }));
    expect(ai('bare')).toEqual(['claim_missing@trains-on-data-missing']);
    expect(ai('trains')).toEqual(['claim_insufficient@trains-on-data-insufficient']);
    expect(ai('good')).toEqual([]);
  });

  test('R43 evidence expires without a policy change: segment had a DPA until 2026-01-31', async () => {
    const w = await world({});
    const ask = (atMs: number) => codes(w.ask({ ...telemetry, vendor: 'segment', fields: ['email'] }, { atMs }));
    expect(ask(NOON)).toContain('claim_expired');
    expect(ask(Date.parse('2026-01-15T00:00:00Z'))).not.toContain('claim_expired');
  });

  test('R47 J15 J33 residency: the EU needs no basis, a US sub-processor behind an EU host does', async () => {
    const w = await world({
      'eu-host': third({ regions: ['DE', 'NO'], claims: assured }),
      'us-host': third({ regions: ['US'], claims: { ...assured, transfer_basis: undefined } }),
      'eu-alone': third({ regions: ['EU'], claims: { ...assured, transfer_basis: undefined } }),
      'eu-with-us': third({ regions: ['IE'], claims: { ...assured, transfer_basis: scc(false) }, edges: [{ to: 'us-sub', type: 'sub_processor', regions: ['US'] }] }),
      'us-sub': third({ regions: ['US'] }),
    });
    const ask = (vendor: string, region?: string) => w.ask({ ...telemetry, vendor, fields: ['anon_user_id', 'region'], ...(region !== undefined && { dataSubject: { region } }) });
    expect(codes(ask('us-host'))).toEqual(['transfer_basis_missing']);
    expect(effects(ask('us-host'))).toEqual({ anon_user_id: 'deny', region: 'allow' });
    expect(codes(ask('us-host', 'FR'))).toEqual(['transfer_basis_missing']);
    expect(codes(ask('us-host', 'US'))).toEqual([]);
    expect(codes(ask('us-host', 'neverland'))).toEqual([]);
    expect(codes(ask('eu-alone'))).toEqual([]);
    expect(codes(ask('eu-host'))).toEqual([]);
    expect(ask('eu-with-us').reasons).toEqual([expect.objectContaining({ code: 'residency', path: ['eu-with-us', 'us-sub'] })]);
  });

  test('R48 R49 R50 tenant data to a chain that reaches a language model: intercom → openai, and the cycle ends', async () => {
    const decision = (await world({})).ask({ ...telemetry, vendor: 'intercom', fields: ['org_id'] });
    expect(decision.reasons).toContainEqual(expect.objectContaining({ code: 'reaches_llm', rule: 'tenant-ids-reach-llm', path: ['intercom', 'openai'] }));
  });

  test('R48 J16 R76 an edge known to be off does not count, one of unknown state does; warehouses and owners never', async () => {
    const chain = (edge: object) => ({ chained: third({ claims: assured, edges: [{ to: 'openai', ...edge }] }) });
    const reaches = async (edge: object) => codes((await world(chain(edge))).ask({ ...telemetry, vendor: 'chained', fields: ['org_id'] })).includes('reaches_llm');
    expect(await reaches({ type: 'sub_processor', condition: { feature: 'ai' } })).toBe(true);
    expect(await reaches({ type: 'sub_processor', condition: { feature: 'ai' }, on: false })).toBe(false);
    expect(await reaches({ type: 'user_connector' })).toBe(true);
    expect(await reaches({ type: 'user_connector', on: false })).toBe(false);
    expect(await reaches({ type: 'exports_to' })).toBe(false);
    expect(await reaches({ type: 'owned_by' })).toBe(false);
  });

  test('R51 J16 a CDP is judged with each destination that is on; one that is refused denies, or is scoped out', async () => {
    const destinations = { hub: { ...third({ claims: assured }), categories: ['cdp'], edges: [
      { to: 'fine', type: 'forwards_to', on: true }, { to: 'poor', type: 'forwards_to' }, { to: 'off', type: 'forwards_to', on: false },
    ] }, fine: third({ claims: assured }), poor: third({ claims: { transfer_basis: scc(true) } }), off: third({}) };
    const plain = (await world(destinations)).ask({ ...telemetry, vendor: 'hub', fields: ['anon_user_id', 'email'] });
    expect(effects(plain)).toEqual({ anon_user_id: 'allow', email: 'deny' });
    expect(plain.reasons[0]).toMatchObject({ code: 'claim_missing', path: ['hub', 'poor'] });

    const scoped = await openWorld({ 'vendors/fixture.yaml': { vendors: destinations }, 'grants/fixture.yaml': { grants: { everything: { ...everything, obligations: [{ op: 'scope_destinations' }] } } } });
    expect(scoped.ask({ ...telemetry, vendor: 'hub', fields: ['anon_user_id', 'email'] })).toMatchObject({
      decision: 'transform', reasons: [], obligations: [{ field: '*', op: 'scope_destinations', params: { exclude: ['poor'] } }],
    });
    expect(scoped.ask({ ...telemetry, vendor: 'hub', fields: ['email'], supports: ['drop'] }).decision).toBe('deny');
  });

  test('J16 what a destination hands on by itself cannot be scoped out at the hub', async () => {
    const forwards = (to: string) => [{ to, type: 'forwards_to', on: true }];
    const vendors = {
      hub: { ...third({ claims: assured, edges: forwards('relay') }), categories: ['cdp'] },
      relay: third({ claims: assured, edges: forwards('poor') }), poor: third({ claims: { transfer_basis: scc(true) } }),
    };
    const w = await openWorld({ 'vendors/fixture.yaml': { vendors }, 'grants/fixture.yaml': { grants: { everything: { ...everything, obligations: [{ op: 'scope_destinations' }] } } } });
    expect(w.ask({ ...telemetry, vendor: 'hub', fields: ['email'] }).decision).toBe('deny');
  });

  test('J16 a destination is scoped out with all that hands on to it, or not at all', async () => {
    const forwards = (...to: string[]) => to.map((id) => ({ to: id, type: 'forwards_to', on: true }));
    const poor = third({ claims: { transfer_basis: scc(true) } });
    const ask = async (relay: object) => (await openWorld({
      'vendors/fixture.yaml': { vendors: { hub: { ...third({ claims: assured, edges: forwards('relay', 'poor') }), categories: ['cdp'] }, relay, poor } },
      'grants/fixture.yaml': { grants: { everything: { ...everything, obligations: [{ op: 'scope_destinations' }] } } },
    })).ask({ ...telemetry, vendor: 'hub', fields: ['email'] });
    expect((await ask(third({ claims: assured, edges: forwards('poor') }))).decision).toBe('deny');
    expect(await ask(third({ claims: { transfer_basis: scc(true) }, edges: forwards('poor') }))).toMatchObject({
      decision: 'transform', obligations: [{ op: 'scope_destinations', params: { exclude: ['poor', 'relay'] } }],
    });
  });

  test('R52 J33 a vendor is found by host, alias included; an unknown host is an unknown vendor; no DNS', async () => {
    const w = await world({ tracker: third({ claims: assured, hosts: ['api.tracker.example'], aliases: ['events.mycorp.example'] }) });
    const ask = (destination: string) => w.ask({ ...telemetry, vendor: undefined, destination, fields: ['anon_user_id'] });
    expect(ask('https://api.tracker.example/v1/track?key=abc').decision).toBe('allow');
    expect(ask('https://EVENTS.mycorp.example/').decision).toBe('allow');
    expect(codes(ask('https://other.example/'))).toContain('unknown_vendor');
    for (const host of ['tracker', 'internal-obs', 'mixpanel']) expect(codes(ask(`https://${host}/`))).toContain('unknown_vendor'); // called like a vendor, and none
    expect(codes(ask('https://sub.api.tracker.example/'))).toContain('unknown_vendor');
  });

  test('R74 J25 http denies insecure_transport; a vendor and a destination that disagree are refused', async () => {
    const w = await openWorld();
    expect(codes(w.ask({ ...telemetry, vendor: undefined, destination: 'http://api.mixpanel.com/track', fields: ['anon_user_id'] }))).toEqual(['insecure_transport']);
    expect(() => w.ask({ ...telemetry, destination: 'https://api.intercom.io/', fields: ['anon_user_id'] })).toThrow('different receivers');
    expect(() => w.ask({ ...telemetry, destination: 'https://nobody.example/', fields: ['anon_user_id'] })).toThrow('different receivers');
  });

  test('R53 a grant by vendor category covers any vendor that has all it names', async () => {
    const w = await openWorld({
      'vendors/fixture.yaml': { vendors: { both: { ...third({ claims: assured }), categories: ['analytics', 'billing'] } } },
      'grants/fixture.yaml': { grants: { two: { role: 'web_tag', vendors: [{ categories: ['analytics', 'billing'] }], purposes: ['analytics'], categories: ['system.operations.feature_flag'] } } },
    });
    const ask = (vendor: string) => w.ask({ ...telemetry, identity: 'tag:web', vendor, fields: ['feature_flag'] }).decision;
    expect([ask('both'), ask('mixpanel')]).toEqual(['allow', 'deny']);
  });

  test('R54 J17 under review turns permits into review; breached and terminated forbid; the worst of catalogue and switch wins', async () => {
    const ask = async (state: 'under_review' | 'breached' | 'terminated') => (await openWorld({}, new Map([['mixpanel', state]]))).ask({ ...telemetry, fields: ['anon_user_id'] });
    expect(await ask('under_review')).toMatchObject({ decision: 'review', approval: { approverRole: 'privacy_officer' } });
    expect(codes(await ask('under_review'))).toEqual(['approval_required']);
    expect(because(await ask('breached'))).toEqual(['vendor_suspended@vendor-breached']);
    expect(because(await ask('terminated'))).toEqual(['vendor_suspended@vendor-terminated']);
    const worst = await openWorld({ 'vendors/fixture.yaml': { vendors: { gone: third({ state: 'terminated' }) } } }, new Map([['gone', 'under_review']]));
    expect(because(worst.ask({ ...telemetry, vendor: 'gone', fields: ['anon_user_id'] }))).toContain('vendor_suspended@vendor-terminated');
  });

  test('R83 after a breach only claims issued since make a vendor active again', async () => {
    const breached = (issued: string) => world({ back: third({ breached: '2026-06-01', claims: { dpa: { value: true, issued, expires: '2036-01-01' } } }) });
    await expect(breached('2026-05-01')).rejects.toThrow(/vendors.fixture.yaml:\d+:\d+: back was breached on 2026-06-01 .*renew dpa/);
    await expect(breached('2026-07-01')).resolves.toBeDefined();
  });

  test('R55 restricted data goes to first parties; a third party gets only aggregates of it', async () => {
    const w = await world({}, {
      'events/fixture.yaml': { event: 'health.report', kind: 'aggregate', defaultPurpose: 'analytics.reporting', fields: { steps: { category: 'user.content.private', role: 'measure' } } },
    });
    const ask = (more: object) => codes(w.ask({ ...telemetry, vendor: 'vendor-x', identity: 'service:analytics-pipeline', ...more }));
    expect(ask({ event: undefined, purpose: 'analytics.reporting', fields: ['prompt'] })).toContain('first_party_only');
    expect(ask({ event: 'health.report', fields: ['steps'], aggregate: { groupBy: [], minCell: 20 } })).not.toContain('first_party_only');
  });

  test('J21 a rule that does not exist, a profile out of range, a grant not asked about: evaluation_failed', async () => {
    const { engine } = await shippedEngine();
    const { parseRulings } = await import('../../src/core/decide/rulings.ts');
    const bounds = { profiles: 1, grants: new Set(['g']) };
    const parse = (result: unknown) => () => parseRulings(result, engine.rules, bounds);
    const good = { rulings: { 'unknown-field': [0] }, permits: { g: [0] }, failed: [] };
    expect(parse(good)).not.toThrow();
    for (const bad of [
      undefined, null, [], {}, { ...good, rulings: { nobody: [0] } }, { ...good, rulings: { 'unknown-field': [1] } }, { ...good, rulings: { 'unknown-field': ['x'] } },
      { ...good, permits: { h: [0] } }, { ...good, permits: { g: [-1] } }, { ...good, failed: [{ grant: 'g', code: 'nonsense' }] }, { ...good, rulings: [] },
    ]) expect(parse(bad)).toThrow();
  });
});
