import { because, effects, openWorld, removeWorlds } from '../support/world.ts';

afterAll(removeWorlds);

const genai = { identity: 'agent:copilot', environment: 'production', purpose: 'analytics.reporting' };
const grant = (role: string, more: object) => ({
  role,
  vendors: ['intercom', 'segment', 'mixpanel', 'amplitude'],
  purposes: ['analytics'],
  ...more,
});
const HASHED = { effect: 'transform', obligations: [{ op: 'hmac' }] };
const SAM = { onBehalfOf: 'user:sam' };

describe('F5: two verdicts, each formed alone (J20)', () => {
  test('F5: what the agent would hash is denied where the person alone is denied, for the same reasons', async () => {
    const world = await openWorld({
      'grants/fixture.yaml': {
        grants: {
          'copilot-hashed': grant('genai_tool', { categories: ['user.device.cookie_id'], ...HASHED }),
          'sam-plain': grant('support_agent', { categories: ['user.device.cookie_id'] }),
        },
      },
    });
    const asked = { ...genai, vendor: 'intercom', categories: ['user.device.cookie_id'] };
    expect(world.ask(asked).decision).toBe('transform');
    const sam = world.ask({ ...asked, identity: 'user:sam' });
    expect(because(sam)).toEqual(
      expect.arrayContaining(['claim_missing@breach-notice-missing', 'claim_missing@retention-missing']),
    );
    const both = world.ask({ ...asked, ...SAM });
    expect(effects(both)).toEqual({ 'user.device.cookie_id': 'deny' });
    expect(because(both)).toEqual(because(sam));
    expect(both.obligations).toEqual([]);
  });

  test('F5: if both let it leave, the obligations of both bind; two that can not be done together deny', async () => {
    const categories = ['system.operations.error_code', 'system.operations.latency', 'system.operations.fallback'];
    const world = await openWorld({
      'grants/fixture.yaml': {
        grants: {
          'copilot-all': grant('genai_tool', { categories: categories.slice(1), ...HASHED }),
          'sam-latency': grant('support_agent', {
            categories: ['system.operations.latency'],
            effect: 'transform',
            obligations: [{ op: 'mask' }],
          }),
          'sam-fallback': grant('support_agent', {
            categories: ['system.operations.fallback'],
            effect: 'transform',
            obligations: [{ op: 'bucket' }],
          }),
          'sam-error': grant('support_agent', { categories: ['system.operations.error_code'] }),
        },
      },
    });
    const both = world.ask({ ...genai, ...SAM, vendor: 'mixpanel', categories });
    expect(effects(both)).toEqual({
      'system.operations.error_code': 'allow',
      'system.operations.latency': 'transform',
      'system.operations.fallback': 'deny',
    });
    expect(both.obligations.map(({ field, op }) => `${field} ${op}`)).toEqual([
      'system.operations.latency hmac',
      'system.operations.latency mask',
    ]);
    expect(because(both)).toEqual(['obligation_unsupported@copilot-all', 'obligation_unsupported@sam-fallback']);
    expect(both.fix).toEqual({ drop: ['system.operations.fallback'], exact: true });
  });

  test('F5: what leaves after the obligations of both is judged for both; grants are not asked again', async () => {
    const world = await openWorld({
      'grants/fixture.yaml': {
        grants: {
          'copilot-hashed': grant('genai_tool', {
            categories: ['user.location.imprecise.city'],
            effect: 'transform',
            obligations: [{ op: 'coarsen_geo', params: { to: 'region' } }],
          }),
          'sam-plain': grant('support_agent', { categories: ['user.location.imprecise.city'] }),
        },
      },
    });
    const asked = { ...genai, vendor: 'mixpanel', categories: ['user.location.imprecise.city'] };
    // Neither has a grant for the region.
    expect(world.ask({ ...asked, ...SAM })).toMatchObject({
      decision: 'transform',
      obligations: [{ op: 'coarsen_geo', resultCategory: 'user.location.imprecise.region' }],
    });
  });

  test('F5: a combination that one alone would send is refused, though the other coarsens a member', async () => {
    const categories = ['user.location.imprecise.city', 'system.operations.plan'];
    const world = await openWorld({
      'combinations/fixture.yaml': {
        combinations: {
          'plan-and-city': {
            title: 't',
            members: ['user.location.imprecise.city', 'system.operations.plan'],
            message: 'm',
            fix: 'f',
          },
        },
      },
      'grants/fixture.yaml': {
        grants: {
          'copilot-region': grant('genai_tool', {
            categories: ['user.location.imprecise.city'],
            effect: 'transform',
            obligations: [{ op: 'coarsen_geo', params: { to: 'region' } }],
          }),
          'copilot-plan': grant('genai_tool', { categories: ['system.operations.plan'] }),
          'sam-plain': grant('support_agent', { categories }),
        },
      },
    });
    const asked = { ...genai, vendor: 'mixpanel', categories };
    expect(world.ask(asked).decision).toBe('transform');
    expect(because(world.ask({ ...asked, identity: 'user:sam' }))).toEqual(['combination@plan-and-city']);
    const both = world.ask({ ...asked, ...SAM });
    expect(because(both)).toEqual(['combination@plan-and-city']);
    expect(both.fix?.drop).toHaveLength(1);
  });

  test('F5: J16 each verdict is over the vendor and its destinations, whose obligations are merged', async () => {
    const category = 'user.device.cookie_id';
    const hub = (who: string, role: string, hashedFor: string) => ({
      [`${who}-segment`]: {
        role,
        vendors: ['segment'],
        purposes: ['analytics'],
        categories: [category],
        ...(hashedFor === 'segment' && HASHED),
      },
      [`${who}-mixpanel`]: {
        role,
        vendors: ['mixpanel'],
        purposes: ['analytics'],
        categories: [category],
        ...(hashedFor === 'mixpanel' && HASHED),
      },
    });
    const ask = async (grants: object, more: object = {}) =>
      (await openWorld({ 'grants/fixture.yaml': { grants } })).ask({
        identity: 'user:sam',
        environment: 'production',
        purpose: 'analytics.reporting',
        vendor: 'segment',
        categories: [category],
        ...more,
      });
    // Hashed for the destination is hashed for the hub: the platform does it before it has the field.
    const merged = await ask(hub('sam', 'support_agent', 'mixpanel'));
    expect(merged.decision).toBe('transform');
    // The agent's hashing is none of the person's, whose verdict alone is no.
    const acting = hub('copilot', 'genai_tool', 'segment');
    const plain = hub('sam', 'support_agent', '');
    expect((await ask(plain)).decision).toBe('deny');
    const both = await ask({ ...acting, ...plain }, { identity: 'agent:copilot', ...SAM });
    expect(both.decision).toBe('deny');
    expect(because(both)).toEqual(expect.arrayContaining(because(await ask(plain))));
  });
});
