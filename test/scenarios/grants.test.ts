import { because, codes, effects, NOON, openWorld, removeWorlds, type World } from '../support/world.ts';

const DAY = 24 * 60 * 60 * 1000;
const telemetry = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed' };
const grant = (more: object) => ({ role: 'dashboard_telemetry', vendors: ['mixpanel'], environments: ['production'], purposes: ['analytics'], ...more });

afterAll(removeWorlds);

describe('grants (J1–J7)', () => {
  test('J1 the freest of the grants that cover a field wins; of transforms the id that sorts first', async () => {
    const world = await openWorld({ 'grants/fixture.yaml': { grants: {
      'b-mask': grant({ categories: ['user.device.browser'], effect: 'transform', obligations: [{ op: 'mask' }] }),
      'a-truncate': grant({ categories: ['user.device.browser'], effect: 'transform', obligations: [{ op: 'truncate' }] }),
      'c-review': grant({ categories: ['user.device.browser'], effect: 'review' }),
    } } });
    const { fields, obligations } = world.ask({ ...telemetry, fields: ['browser'] });
    expect(fields['browser']).toMatchObject({ effect: 'transform', rules: ['a-truncate'] });
    expect(obligations.map(({ op }) => op)).toEqual(['truncate']);
  });

  test('J2 duties run in the order of the vocabulary; two that need the raw value deny obligation_unsupported', async () => {
    const world = await openWorld({ 'grants/fixture.yaml': { grants: {
      both: grant({ categories: ['user.device.browser'], effect: 'transform', obligations: [{ op: 'truncate' }, { op: 'hmac' }] }),
      conflict: grant({ categories: ['user.location.imprecise.country'], effect: 'transform', obligations: [{ op: 'hmac' }, { op: 'coarsen_geo' }] }),
    } } });
    const decision = world.ask({ ...telemetry, fields: ['browser', 'country'] });
    expect(decision.obligations.filter(({ field }) => field === 'browser').map(({ op }) => op)).toEqual(['hmac', 'truncate']);
    expect(because({ reasons: decision.reasons.filter(({ fields }) => fields.includes('country')) })).toEqual(['obligation_unsupported@conflict']);
  });

  test('J2 R25 drop ends the list, and the rest is judged without the field', async () => {
    const world = await openWorld({ 'grants/fixture.yaml': { grants: {
      dropped: grant({ categories: ['user.device.browser'], effect: 'transform', obligations: [{ op: 'hmac' }, { op: 'drop' }] }),
    } } });
    const { decision, obligations } = world.ask({ ...telemetry, fields: ['anon_user_id', 'browser'] });
    expect(decision).toBe('transform');
    expect(obligations).toEqual([{ field: 'browser', op: 'drop' }]);
  });

  test('J3 an exclusive grant closes its vendor also before it starts and after it expires', async () => {
    const exclusive = (dates: object) => openWorld({ 'grants/fixture.yaml': { grants: {
      'only-checkout': { role: 'product_events', vendors: ['mixpanel'], purposes: ['analytics'], categories: ['system.operations.feature_flag'], exclusive: true, ...dates },
    } } });
    for (const dates of [{ starts: '2027-01-01' }, { expires: '2026-01-01' }, {}]) {
      const decision = (await exclusive(dates)).ask({ ...telemetry, fields: ['anon_user_id'] });
      expect(because(decision)).toEqual(['identity_not_allowed@only-checkout']);
    }
  });

  test('J5 R26 raw and result are both judged: a hashed e-mail is still denied to GenAI tools', async () => {
    const world = await openWorld({ 'grants/fixture.yaml': { grants: {
      'hashed-mail': { role: 'genai_tool', vendors: ['amplitude'], purposes: ['analytics'], categories: ['user.contact.email'], effect: 'transform', obligations: [{ op: 'hmac' }] },
    } } });
    const decision = world.ask({ identity: 'agent:copilot', vendor: 'amplitude', environment: 'production', purpose: 'analytics.reporting', fields: ['email'] });
    expect(because(decision)).toContain('forbidden_category@genai-no-identifiers');
    expect(decision.fields['email']!.effect).toBe('deny');
  });

  test('J5 R26 a rule that judges the result looks at what leaves: an e-mail address needs assurance, its keyed hash does not', async () => {
    const world = await openWorld({ 'grants/fixture.yaml': { grants: {
      'hashed-mail': grant({ categories: ['user.contact.email'], effect: 'transform', obligations: [{ op: 'hmac' }] }),
    } } });
    const decision = world.ask({ ...telemetry, fields: ['email'] });
    expect(decision).toMatchObject({ decision: 'transform', reasons: [], obligations: [{ field: 'email', op: 'hmac', resultCategory: 'user.unique_id.pseudonymous' }] });
    expect(codes(world.ask({ ...telemetry, fields: ['email'], supports: ['drop'] }))).toEqual(['obligation_unsupported']);
  });

  test('R26 a hash that the app made itself is still an e-mail address', async () => {
    const world = await openWorld({ 'grants/fixture.yaml': { grants: { mail: grant({ categories: ['user.contact.email_hash'] }) } } });
    expect(codes(world.ask({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'project_created', fields: ['email_sha256'] }))).toContain('claim_missing');
  });

  test('J6 R78 a grant covers its purpose and those below; an event only its own purposes', async () => {
    const world = await openWorld();
    const ask = (purpose: string) => world.ask({ ...telemetry, purpose, fields: ['anon_user_id'] });
    expect(ask('analytics.reporting.system').decision).toBe('allow');
    expect(codes(ask('analytics'))).toContain('purpose_not_allowed');
    expect(codes(ask('marketing'))).toContain('purpose_not_allowed');
    expect(codes(ask('no.such.purpose'))).toEqual(['unknown_purpose']);
    expect(codes(world.ask({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', fields: ['anon_id'] }))).toEqual(['purpose_missing']);
  });

  test('J7 each attribute that alone does not fit gives its own code', async () => {
    const world = await openWorld({ 'grants/fixture.yaml': { grants: {
      'browser-over-webhook': grant({ categories: ['user.device.browser'], channels: ['webhook'] }),
      'country-until-2026': grant({ categories: ['user.location.imprecise.country'], expires: '2026-06-30' }),
    } } });
    const reasons = (field: string, more = {}) => because(world.ask({ ...telemetry, ...more, fields: [field] }));
    expect(reasons('browser')).toEqual(['category_not_granted@telemetry-basic', 'channel_not_allowed@browser-over-webhook']);
    expect(reasons('country')).toContain('grant_expired@country-until-2026');
    expect(reasons('anon_user_id', { environment: 'development' })).toEqual(['environment_not_allowed@telemetry-basic']);
    expect(reasons('anon_user_id', { identity: 'tag:web' })).toEqual(['identity_not_allowed@product-events']);
    expect(reasons('anon_user_id', { identity: 'webhook:crm-sync' })).toEqual(['identity_not_allowed@no-role']);
    expect(reasons('anon_user_id', { identity: 'service:nobody' })).toEqual(['unknown_identity@unknown-identity']);
  });

  test('R41 a temporary grant ends by itself, at 24:00 UTC of its last day', async () => {
    const world = await openWorld({ 'grants/fixture.yaml': { grants: {
      debug: grant({ categories: ['user.device.browser'], starts: '2026-11-20', expires: '2026-11-22', temporary: { ticket: 'OPS-1' } }),
    } } });
    const end = Date.parse('2026-11-23T00:00:00Z');
    expect(world.ask({ ...telemetry, fields: ['browser'] }).decision).toBe('allow');
    expect(world.ask({ ...telemetry, fields: ['browser'] }, { atMs: end - 1 }).decision).toBe('allow');
    expect(codes(world.ask({ ...telemetry, fields: ['browser'] }, { atMs: end }))).toContain('grant_expired');
    expect(codes(world.ask({ ...telemetry, fields: ['browser'] }, { atMs: NOON - 10 * DAY }))).not.toContain('grant_expired');
  });

  test('J28 expiresAt is the next moment at which time alone may change the answer; a clock set back revives nothing', async () => {
    const world = await openWorld({ 'grants/fixture.yaml': { grants: { debug: grant({ categories: ['user.device.browser'], expires: '2026-11-30' }), later: grant({ categories: ['user.device.browser'], starts: '2026-11-25' }) } } });
    const end = Date.parse('2026-12-01T00:00:00Z');
    expect(world.judge({ ...telemetry, fields: ['browser'] }).prepared.expiresAtMs).toBe(Date.parse('2026-11-25T00:00:00Z'));
    expect(world.judge({ ...telemetry, fields: ['browser'] }, { atMs: end - 1 }).prepared.expiresAtMs).toBe(end);
    const setBack = world.judge({ ...telemetry, fields: ['browser'] }, { atMs: NOON, latestMs: end });
    expect(codes(setBack.decision)).toContain('grant_expired');
  });

  test('R24 R28 R29 R30 every obligation of the vocabulary stands in the answer with its parameters, where the caller can do it', async () => {
    const ops = { truncate_time: { to: 'hour' }, coarsen_ip: { v4: 24, v6: 48 }, redact_url: { keep: ['utm_source'] }, truncate: { to: 8 }, bucket: { size: 10 }, mask: { keep: 2 }, encrypt: { key: 'ours' }, tokenize: {} } as const;
    for (const [op, params] of Object.entries(ops)) {
      const world = await openWorld({ 'grants/fixture.yaml': { grants: { one: grant({ categories: ['user.device.browser'], effect: 'transform', obligations: [{ op, params }] }) } } });
      expect(world.ask({ ...telemetry, fields: ['browser'] })).toMatchObject({ decision: 'transform', obligations: [{ field: 'browser', op, params }] });
      expect(codes(world.ask({ ...telemetry, fields: ['browser'], supports: ['drop'] }))).toEqual(['obligation_unsupported']);
    }
  });

  test('J4 a field whose category is a sibling is not matched by substring', async () => {
    const world = await openWorld({
      'categories/fixture.yaml': { categories: { 'user.contacts_book.size': { sensitivity: 'internal', identifiability: 'none' } } },
      'fields/fixture.yaml': { fields: { book_size: 'user.contacts_book.size' } },
      'grants/fixture.yaml': { grants: { contacts: grant({ categories: ['user.contact.*'] }) } },
    });
    expect(world.ask({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', purpose: 'analytics.reporting', fields: ['book_size'] }).decision).toBe('deny');
  });

  test('R43 R42 J14 a condition on a claim fails by time alone, under its own code', async () => {
    const world = await openWorld({
      'vendors/fixture.yaml': { vendors: { audited: { name: 'Audited', party: 'third', categories: ['billing'], claims: {
        soc2_type2: { value: true, periodEnd: '2025-12-31' }, transfer_basis: { value: { type: 'SCC', covers_subprocessors: true } },
      } } } },
      'grants/fixture.yaml': { grants: {
        soc: grant({ vendors: ['audited'], categories: ['user.unique_id.pseudonymous'], conditions: [{ claim: 'soc2_type2' }] }),
        iso: grant({ vendors: ['audited'], categories: ['system.operations.feature_flag'], conditions: [{ claim: 'iso27001' }] }),
        keep: grant({ vendors: ['audited'], categories: ['user.location.imprecise.region'], conditions: [{ claim: 'soc2_type2', test: { equals: 'type 2' } }] }),
      } },
    });
    const reasons = (field: string, atMs = NOON) => because(world.ask({ ...telemetry, vendor: 'audited', fields: [field] }, { atMs }));
    expect(reasons('anon_user_id')).toEqual([]);
    expect(reasons('anon_user_id', Date.parse('2027-02-01T00:00:00Z'))).toContain('claim_expired@soc');
    expect(reasons('feature_flag')).toContain('claim_missing@iso');
    expect(reasons('region')).toContain('claim_insufficient@keep');
  });

  test('R5 J11 an approval answers a review, and never lifts a forbid', async () => {
    const approval = (identity: string, event: string, fields: readonly string[], more = {}) => ({
      identity, vendor: 'mixpanel', environment: 'production', purpose: 'analytics.reporting', event, eventVersion: '1', fields, approver: 'user:dana', expires: '2026-12-31', ...more,
    });
    const world: World = await openWorld({
      'grants/fixture.yaml': { grants: { 'browser-by-review': grant({ categories: ['user.device.browser'], effect: 'review', approverRole: 'privacy_officer' }) } },
      'approvals/fixture.yaml': { approvals: {
        'APR-1': approval('agent:copilot', 'genai.tool_run', ['prompt_category', 'tenant_id']),
        'APR-2': approval('service:telemetry', 'genai_dashboard.viewed', ['browser', 'region'], { environment: 'production', starts: '2026-11-22T13:00:00Z' }),
      } },
    });
    const forbidden = world.ask({ identity: 'agent:copilot', vendor: 'mixpanel', environment: 'production', event: 'genai.tool_run', fields: ['prompt_category', 'tenant_id'] });
    expect(because(forbidden)).toEqual(expect.arrayContaining(['forbidden_category@genai-no-identifiers', 'mandatory_forbid@genai-no-identifiers']));
    expect(forbidden.fields['tenant_id']!.effect).toBe('deny');

    const asked = { ...telemetry, fields: ['browser', 'region'] };
    const before = world.ask(asked);
    expect(before).toMatchObject({ decision: 'review', approval: { approverRole: 'privacy_officer', scope: { fields: ['browser', 'region'], identity: 'service:telemetry' } } });
    expect(codes(before)).toEqual(['approval_required']);
    const later = NOON + 2 * 60 * 60 * 1000;
    expect(world.ask(asked, { atMs: later }).decision).toBe('allow');
    expect(world.ask({ ...telemetry, fields: ['browser', 'region', 'anon_user_id'] }, { atMs: later }).decision).toBe('review');
    expect(world.ask({ ...asked, channel: 'export' }, { atMs: later }).decision).toBe('review');
    expect(world.record(asked, { atMs: later })).toMatchObject({ approvals: ['APR-2'] });
  });

  test('J11 the approval to ask for is named by a digest of its whole scope', async () => {
    const world = await openWorld({ 'grants/fixture.yaml': { grants: { r: grant({ categories: ['user.device.browser'], effect: 'review' }) } } });
    const ids = [['browser'], ['browser', 'region']].map((fields) => world.ask({ ...telemetry, fields }).approval?.id);
    expect(ids[0]).toMatch(/^apr_[0-9a-f]{32}$/);
    expect(ids[0]).not.toBe(ids[1]);
    expect(world.ask({ ...telemetry, fields: ['region', 'browser'] }).approval?.id).toBe(ids[1]);
  });

  test('J8 R12 every reason of every field is listed', async () => {
    const decision = (await openWorld()).ask({ ...telemetry, fields: ['email', 'account_id', 'url', 'tool_name'] });
    expect(effects(decision)).toEqual({ email: 'deny', account_id: 'deny', url: 'deny', tool_name: 'deny' });
    for (const field of ['email', 'account_id', 'url', 'tool_name']) expect(decision.reasons.filter(({ fields }) => fields.includes(field)).length).toBeGreaterThanOrEqual(3);
  });
});
