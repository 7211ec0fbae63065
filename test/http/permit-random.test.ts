import fc from 'fast-check';
import { removeWorlds } from '../support/world.ts';
import { closeDropIns, openDropIn, type OpenedDropIn } from './permit-support.ts';

let server: OpenedDropIn;
beforeAll(async () => { server = await openDropIn(); });
afterAll(async () => {
  await closeDropIns();
  await removeWorlds();
});

// Anything a client might send, most of it nearly right.
const wild = fc.jsonValue({ maxDepth: 3 });
const near = (...values: readonly unknown[]) => fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: wild });
const object = (members: Readonly<Record<string, fc.Arbitrary<unknown>>>) => fc.oneof({ weight: 30, arbitrary: fc.record(members) }, { weight: 1, arbitrary: fc.record(members, { requiredKeys: [] }) }, { weight: 1, arbitrary: wild });
const ACTION = 'send-user-unique_id-pseudonymous';
const asked = object({
  user: object({ key: near('service|telemetry', 'service:telemetry'), attributes: wild }), action: near(ACTION),
  resource: object({ type: near('vendor'), key: near('mixpanel'), tenant: near('default', null), attributes: wild }),
  context: fc.oneof(near({}, null, { purpose: 'analytics.reporting' }), object({ purpose: near(null, 'analytics.reporting') })), tenants: near(null, ['default']), more: wild,
});

/** Written a second time, for one question: what must hold of a body that is allowed. */
function isRight(body: unknown): boolean {
  const of = (value: unknown, name: string): unknown => (typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined);
  const [user, resource, context] = [of(body, 'user'), of(body, 'resource'), of(body, 'context') ?? {}];
  return ['service|telemetry', 'service:telemetry'].includes(of(user, 'key') as string) && of(body, 'action') === ACTION
    && of(resource, 'type') === 'vendor' && of(resource, 'key') === 'mixpanel' && ['default', '', undefined, null].includes(of(resource, 'tenant') as string)
    && typeof context === 'object' && !Array.isArray(context) && (of(context, 'purpose') ?? 'analytics.reporting') === 'analytics.reporting';
}

test('whatever is sent, there is no 5xx, and nothing malformed is allowed', async () => {
  const counts = { allowed: 0, refused: 0 };
  await fc.assert(fc.asyncProperty(asked, async (body) => {
    const text = JSON.stringify(body);
    const single = await server.post('/allowed', text);
    expect([200, 422]).toContain(single.status);
    if (single.status === 200) {
      expect(typeof single.json()['allow']).toBe('boolean');
      expect(single.json()['allow']).toBe(isRight(body));
      if (single.json()['allow'] === true) counts.allowed += 1;
    } else counts.refused += 1;
    const bulk = await server.post('/allowed/bulk', `[${text}]`);
    if (bulk.status === 200) {
      const [{ allow }] = bulk.json()['allow'] as [{ allow: unknown }];
      expect(allow).toBe(single.status === 200 && single.json()['allow']);
    } else expect(bulk.status).toBe(422);
    const tenants = await server.post('/allowed/all-tenants', text, { token: null });
    expect([200, 401, 403, 422]).toContain(tenants.status);
    for (const url of ['/user-permissions', '/authorized_users']) expect([200, 422]).toContain((await server.post(url, text)).status);
  }), { numRuns: 300 });
  expect(counts.allowed).toBeGreaterThan(10);
  expect(counts.refused).toBeGreaterThan(10);
});
