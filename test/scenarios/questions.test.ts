import { because, codes, effects, openWorld, pathsOf, removeWorlds, type World } from '../support/world.ts';

const telemetry = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed' };
let world: World;

beforeAll(async () => { world = await openWorld(); });
afterAll(removeWorlds);

describe('questions (J20–J25, J30–J33)', () => {
  test('J20 R35 acting for somebody needs a stored relation, and both must be allowed', async () => {
    const w = await openWorld({ 'grants/fixture.yaml': { grants: {
      'sam-too': { role: 'support_agent', vendors: ['mixpanel'], purposes: ['analytics'], categories: ['system.ai.prompt_category'] },
      'sam-masked': { role: 'support_agent', vendors: ['mixpanel'], purposes: ['analytics'], categories: ['system.operations.error_code'], effect: 'transform', obligations: [{ op: 'mask' }] },
    } }, 'identities/fixture.yaml': { identities: { 'agent:tied': { roles: ['genai_tool'], manifest: { onBehalfOf: 'required', vendors: ['amplitude'], environments: ['production'], categories: ['system.ai.*'] } } } } });
    const genai = { identity: 'agent:copilot', vendor: 'mixpanel', environment: 'production', event: 'genai.tool_run' };
    const both = w.ask({ ...genai, onBehalfOf: 'user:sam', fields: ['prompt_category', 'error_code'] });
    expect(effects(both)).toEqual({ prompt_category: 'allow', error_code: 'transform' });
    expect(both.obligations).toEqual([expect.objectContaining({ field: 'error_code', op: 'mask' })]);
    expect(codes(world.ask({ ...genai, onBehalfOf: 'user:sam', fields: ['prompt_category'] }))).toEqual(['identity_not_allowed']);
    expect(codes(w.ask({ ...genai, onBehalfOf: 'user:dana', fields: ['prompt_category'] }))).toContain('delegation_denied');
    expect(codes(w.ask({ ...genai, onBehalfOf: 'user:nobody', fields: ['prompt_category'] }))).toEqual(expect.arrayContaining(['unknown_identity', 'delegation_denied']));
    const tied = because(w.ask({ ...genai, identity: 'agent:tied', environment: 'staging', fields: ['prompt_category', 'error_code'] }));
    expect(tied).toEqual(expect.arrayContaining(['delegation_denied@on-behalf-of-required', 'identity_not_allowed@manifest-vendor', 'environment_not_allowed@manifest-environment', 'category_not_granted@manifest-category']));
  });

  test('J22 categories are judged as fields of a raw event, and answered by their name', () => {
    const decision = world.ask({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', purpose: 'analytics.reporting', categories: ['user.unique_id.pseudonymous', 'system.tenant.org_id', 'no.such.category'] });
    expect(effects(decision)).toEqual({ 'user.unique_id.pseudonymous': 'allow', 'system.tenant.org_id': 'deny', 'no.such.category': 'deny' });
    expect(codes(decision)).toContain('unknown_field');
    expect(() => world.ask({ ...telemetry, categories: ['user.contact'] })).toThrow('ask about its leaves');
  });

  test('J22 a dot inside a key is no path', async () => {
    const w = await openWorld({ 'events/fixture.yaml': { event: 'nested', kind: 'raw_event', defaultPurpose: 'analytics.reporting', fields: { 'properties.flag': 'system.operations.feature_flag' } } });
    expect(effects(w.ask({ ...telemetry, event: 'nested', payload: { properties: { flag: 1 } } }))).toEqual({ 'properties.flag': 'allow' });
    expect(codes(w.ask({ ...telemetry, event: 'nested', payload: { 'properties.flag': 1 } }))).toEqual(['unknown_field']);
    expect(codes(w.ask({ ...telemetry, event: 'nested', payload: { properties: { flag: { deep: 1 } } } }))).toEqual(['unknown_field']);
  });

  test('J23 R14 with an event only its schema counts; without one the dictionary', () => {
    expect(codes(world.ask({ ...telemetry, event: 'usage.event', fields: ['device_id'] }))).toEqual(['unknown_field']);
    expect(codes(world.ask({ ...telemetry, event: undefined, purpose: 'analytics.reporting', fields: ['device_id'] }))).not.toContain('unknown_field');
  });

  test('J24 R22 the name of an event is judged by pattern, registered or not; envelope slots stand once', () => {
    const decision = world.ask({ ...telemetry, event: 'use_tool__salesforce', purpose: 'analytics.reporting', fields: ['anon_user_id'] });
    expect(codes({ reasons: decision.reasons.filter(({ fields }) => fields.includes('anon_user_id')) })).toEqual(['unknown_event']);
    expect(codes({ reasons: decision.reasons.filter(({ fields }) => fields.includes('$event')) })).toEqual(expect.arrayContaining(['unknown_event', 'forbidden_category']));
    expect(codes(world.ask({ ...telemetry, event: 'alias', payload: { userId: 'a@b.c', previousId: 'u1' } }))).toContain('claim_missing');
  });

  test('J24 J30 a dynamic key is judged by its category, and recorded hashed', () => {
    const asked = { ...telemetry, event: 'settings.changed', payload: { config: { 'my-secret-project': 'x' } } };
    expect(Object.keys(world.ask(asked).fields)).toEqual(['config.my-secret-project']);
    expect(JSON.stringify(world.record(asked))).not.toContain('my-secret-project');
    expect(pathsOf(world.record(asked))).toEqual(['config.?17']);
  });

  test('J30 R67 names that nobody knows stand in the answer, and in the record only hashed', () => {
    const canary = 'canary.person@example.org';
    const asked = { identity: `user:${canary}`, vendor: canary, environment: canary, purpose: canary, event: canary, about: `account:${canary}`, dataSubject: { region: canary }, fields: [canary], onBehalfOf: `user:${canary}` };
    expect(JSON.stringify(world.ask(asked))).toContain(canary);
    expect(JSON.stringify(world.record(asked))).not.toContain(canary);
    const judged = world.judge(asked);
    expect(JSON.stringify(judged.prepared.shape)).not.toContain(canary);
    const grouped = { ...telemetry, identity: 'user:sam', vendor: 'intercom', event: 'usage.report', fields: ['plan'], aggregate: { groupBy: [canary], minCell: 25 } };
    expect(JSON.stringify([world.record(grouped), world.judge(grouped).prepared.shape])).not.toContain(canary);
    expect(JSON.stringify(world.record({ ...telemetry, payload: { [canary]: canary, region: canary } }))).not.toContain(canary);
  });

  test('J30 a context name must be declared, its value of the declared type; only what is read enters the input', async () => {
    const w = await openWorld({ 'context.yaml': { context: { consent: { type: 'boolean' }, tier: { type: 'enum', values: ['a', 'b'] }, unread: { type: 'number' } } }, 'grants/fixture.yaml': { grants: {
      consented: { role: 'web_tag', vendors: ['mixpanel'], purposes: ['analytics'], categories: ['system.operations.feature_flag'], conditions: [{ code: 'no_permit', if: { 'context.consent': { equals: true } } }] },
    } } });
    const ask = (context: object) => w.judge({ ...telemetry, identity: 'tag:web', fields: ['feature_flag'], context });
    expect(ask({ consent: true, unread: 4 }).decision.decision).toBe('allow');
    expect(ask({ consent: true, unread: 4 }).prepared.shape.views[0]!.input.context).toEqual({ consent: true });
    expect(ask({ consent: false }).decision.decision).toBe('deny');
    expect(ask({}).decision.decision).toBe('deny');
    for (const bad of [{ consent: 'yes' }, { tier: 'c' }, { consnet: true }]) expect(() => ask(bad)).toThrow(/context/);
  });

  test('R19 R20 values: outside an enum, of another type, text, a secret; the answer names the path only', async () => {
    const w = await openWorld({ 'events/fixture.yaml': { event: 'clicked', kind: 'raw_event', defaultPurpose: 'analytics.reporting', fields: {
      label: { category: 'system.operations.feature_flag', enum: ['save', 'open'] }, count: { category: 'system.operations.feature_flag', type: 'integer' },
    } } });
    const ask = (payload: object) => w.ask({ ...telemetry, event: 'clicked', payload });
    expect(codes(ask({ label: 'save', count: 3 }))).toEqual([]);
    expect(codes(ask({ label: 'please summarise the contract of ACME' }))).toEqual(['value_not_in_enum']);
    expect(codes(ask({ count: 'a long story about somebody' }))).toEqual(['free_text']);
    expect(codes(ask({ count: '3' }))).toEqual(['unknown_field']);
    const secret = ask({ label: 'save', count: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U' });
    expect(codes(secret)).toContain('secret_detected');
    expect(JSON.stringify(secret)).not.toContain('eyJ');
  });

  test('F27: a secret in a path, an event\'s name or a category is found, whichever way it comes; the record has only hashes', async () => {
    const w = await openWorld({
      'events/fixture.yaml': { event: 'configured', kind: 'raw_event', defaultPurpose: 'analytics.reporting', fields: { 'config.*': 'system.operations.feature_flag', region: 'user.location.imprecise.region' } },
    });
    const secrets = ['AKIAABCDEFGHIJKLMNOP', `slc_${'aB3dE'.repeat(8)}xyz`, `permit_key_${'aB3dE'.repeat(16)}`];
    for (const secret of secrets) {
      const asked: readonly object[] = [
        { event: 'configured', fields: [`config.${secret}`] }, { event: 'configured', fields: ['region', `nowhere.${secret}.x`] }, { event: 'configured', payload: { config: { [secret]: 1 } } },
        { event: 'configured', payload: { [secret]: {} } }, { fields: [secret], purpose: 'analytics.reporting' }, { event: `use_tool__${secret}`, fields: ['a'] }, { event: `use_tool__${secret}`, fields: ['$event'] },
        { event: undefined, categories: [secret], purpose: 'analytics.reporting' },
      ];
      for (const more of asked) {
        const question = { ...telemetry, event: undefined, ...more };
        const answer = w.ask(question);
        expect([more, answer.decision, codes(answer).includes('secret_detected')]).toEqual([more, 'deny', true]);
        expect(answer.reasons.flatMap(({ detector }) => detector ?? [])).toHaveLength(1);
        expect(JSON.stringify(answer.reasons.map(({ message, fix }) => [message, fix]))).not.toContain(secret);
        expect(JSON.stringify(w.record(question))).not.toContain(secret);
      }
    }
    const clean = w.ask({ ...telemetry, event: 'configured', fields: ['config.theme_token', 'config.a-key', 'region'] });
    expect(codes(clean)).not.toContain('secret_detected');
  });

  test('J25 R30 what the caller cannot do is denied; supports defaults to the caller\'s own list', () => {
    const asked = { ...telemetry, fields: ['city'] };
    expect(world.ask(asked).decision).toBe('transform');
    expect(because(world.ask({ ...asked, supports: ['hmac', 'no_such_op'] }))).toEqual(['obligation_unsupported@telemetry-city']);
    expect(because(world.ask({ ...asked, supports: [] }))).toEqual(['obligation_unsupported@telemetry-city']);
  });

  test('J33 an unknown event denies with unknown_event alone, an unknown vendor with all that it does not claim', () => {
    expect(codes(world.ask({ ...telemetry, event: 'nothing', fields: ['a', 'b'] }))).toEqual(['unknown_event']);
    expect(codes(world.ask({ ...telemetry, vendor: 'nowhere', fields: ['email'] }))).toEqual(expect.arrayContaining(['unknown_vendor', 'claim_missing', 'transfer_basis_missing']));
  });

  test('J33 __proto__ and constructor are names like others, and unknown', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const decision = world.ask({ identity: name, vendor: name, environment: name, purpose: name, event: name, fields: [name] });
      expect(decision.decision).toBe('deny');
      expect(Object.keys(decision.fields)).toEqual([name]);
      const known = world.ask({ ...telemetry, fields: [name] });
      expect(codes(known)).toEqual(['unknown_field']);
    }
  });

  test('R38 an agent\'s tool call outside with a tenant id is denied; so is a secret in a prompt', () => {
    expect(codes(world.ask({ identity: 'agent:copilot', vendor: 'openai', environment: 'production', event: 'genai.tool_run', channel: 'tool_call', fields: ['tenant_id'] }))).toContain('forbidden_category');
    expect(codes(world.ask({ identity: 'agent:copilot', vendor: 'openai', environment: 'production', event: 'genai.tool_run', channel: 'prompt', payload: { prompt: 'use AKIAABCDEFGHIJKLMNOP' } }))).toContain('secret_detected');
  });

  test('R39 R66 whatever the channel, the same policy decides, and the record names it', () => {
    const bundles = ['telemetry', 'export', 'webhook', 'prompt', 'tool_call'].map((channel) => world.record({ ...telemetry, channel, fields: ['anon_user_id'] }));
    expect(new Set(bundles.map(({ bundle }) => bundle)).size).toBe(1);
    expect(bundles[0]).toMatchObject({
      identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', purpose: 'analytics.reporting', channel: 'telemetry', event: 'genai_dashboard.viewed', eventKind: 'raw_event', decision: 'allow',
      fields: [{ paths: ['anon_user_id'], profile: 0, effect: 'allow', category: 'user.unique_id.pseudonymous', rules: ['telemetry-basic'] }],
      input: expect.stringMatching(/^sha256:/), bundle: expect.stringMatching(/^sha256:/), revision: { number: 1, digest: expect.stringMatching(/^sha256:/) }, program: 'test',
      asserted: expect.arrayContaining(['purpose', 'channel']),
    });
  });

  test('J32 over 64 profiles in several evaluations, over 1,024 too_large', async () => {
    const many = (count: number) => {
      const names = Array.from({ length: count }, (_, index) => `c${index}`);
      return openWorld({
        'categories/fixture.yaml': { categories: Object.fromEntries(names.map((name) => [`system.many.${name}`, { sensitivity: 'internal', identifiability: 'none' }])) },
        'grants/fixture.yaml': { grants: { many: { role: 'dashboard_telemetry', vendors: ['mixpanel'], purposes: ['analytics'], categories: ['system.many.*'], except: ['system.many.c70'] } } },
      });
    };
    const ask = (w: World, count: number) => w.ask({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', purpose: 'analytics.reporting', categories: Array.from({ length: count }, (_, index) => `system.many.c${index}`) });
    const decision = ask(await many(150), 150);
    expect(Object.values(effects(decision)).filter((effect) => effect === 'allow')).toHaveLength(149);
    expect(decision.fix).toEqual({ drop: ['system.many.c70'], exact: true });
    const w = await openWorld({ 'fields/fixture.yaml': { fields: Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`f${index}`, { category: 'user.location.imprecise.city', labels: { n: index } }])) } });
    const fields = (count: number) => Array.from({ length: count }, (_, index) => `f${index}`);
    const asked = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', purpose: 'analytics.reporting' };
    expect(w.ask({ ...asked, fields: fields(300) }).decision).toBe('transform');
    expect(() => w.ask({ ...asked, fields: fields(1000) })).toThrow('distinct profiles');
  });
});
