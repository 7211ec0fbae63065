import { because, codes, effects, openWorld, removeWorlds, type World } from '../support/world.ts';

const telemetry = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', fields: ['anon_user_id'] };
const named = (event: string) => ({ event, version: '3', kind: 'raw_event', defaultPurpose: 'analytics.reporting', fields: { anon_user_id: 'user.unique_id.pseudonymous' } });
let world: World;

beforeAll(async () => {
  world = await openWorld({
    'modes.yaml': { modes: { vendors: { amplitude: { unknown: 'strip' } } } },
    'event_names/fixture.yaml': { event_names: { crm_lookup: 'system.ai.tool_id', '*__by_tool': 'system.ai.tool_id' } },
    ...Object.fromEntries(['crm_lookup', 'lookup__by_tool', 'use_tool__crm', 'harmless'].map((event) => [`events/${event}.yaml`, named(event)])),
  });
});
afterAll(removeWorlds);

test.each(['crm_lookup', 'crm_lookup@3', 'lookup__by_tool', 'lookup__by_tool@3', 'use_tool__crm', 'use_tool__crm@3'])('J24 R22 the name %s gives a tool away, with its version and without', (event) => {
  const decision = world.ask({ ...telemetry, event });
  expect(effects(decision)).toEqual({ anon_user_id: 'allow', $event: 'deny' });
  expect(because(decision)).toContain('forbidden_category@tool-ids-stay-home');
});

test('J24 a name that nothing classifies is no field', () => {
  expect(effects(world.ask({ ...telemetry, event: 'harmless@3' }))).toEqual({ anon_user_id: 'allow' });
});

test('J24 J10 an event\'s name is judged by its pattern also when it is asked about, and is never stripped', () => {
  const decision = world.ask({ ...telemetry, vendor: 'amplitude', event: 'use_tool__crm', fields: ['anon_user_id', '$event'] });
  expect(decision).toMatchObject({ decision: 'deny', fields: { $event: { effect: 'deny', category: 'system.ai.tool_id' } } });
  expect(codes(decision)).toContain('forbidden_category');
});
