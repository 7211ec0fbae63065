import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createApp } from '../../src/http/app.ts';
import { createOpenApi } from '../../src/http/openapi.ts';
import { removeWorlds } from '../support/world.ts';
import { pathsOf, validatorOf as validatorIn } from './described.ts';
import { fakePdp, send } from './harness.ts';
import { closeDropIns, KEYS, openDropIn, type OpenedDropIn } from './permit-support.ts';

let server: OpenedDropIn;
beforeAll(async () => { server = await openDropIn(); });
afterAll(async () => {
  await closeDropIns();
  await removeWorlds();
});

const document = createOpenApi({ permit: true });
const paths = pathsOf(document);
interface Layer { readonly route?: { readonly path: string; readonly stack: readonly { readonly method?: string }[] } }

const validatorOf = (...place: readonly (string | number)[]) => validatorIn(document, ...place);

test('with keys every route is described, and every description has its route', () => {
  const app = createApp({ pdp: { ...fakePdp(), dropIn: server.pdp.dropIn! }, logger: pino({ level: 'silent' }), registry: new Registry(), config: { demoCallers: true }, isDraining: () => false, permitKeys: { environmentOf: () => undefined } });
  const routes = (app.router as unknown as { readonly stack: readonly Layer[] }).stack.flatMap(({ route }) => (route === undefined ? [] : route.stack
    .filter(({ method }) => method !== undefined)
    .map(({ method }) => `${method} ${route.path.replace(/:(\w+)/g, '{$1}')}`)));
  expect(routes.toSorted()).toEqual(Object.entries(paths).flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method} ${path}`)).toSorted());
});

test('the document is served as it is', async () => {
  expect((await send(server.port, '/openapi.json', { token: null })).json()).toEqual(JSON.parse(JSON.stringify(document)));
});

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, at]) => at!);
  expect(references.filter((at) => at.split('/').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document) === undefined)).toEqual([]);
});

const QUESTION = { user: { key: 'service|telemetry' }, action: 'send-user-unique_id-pseudonymous', resource: { type: 'vendor', key: 'mixpanel', tenant: 'default' } };

test.each<[string, unknown, string | null, number]>([
  ['/allowed', QUESTION, KEYS['production']!, 200], ['/allowed', { ...QUESTION, action: 'read' }, KEYS['production']!, 200], ['/allowed', {}, KEYS['production']!, 422], ['/allowed', QUESTION, null, 401], ['/allowed', QUESTION, 'nobody', 403],
  ['/allowed/bulk', [QUESTION, {}], KEYS['production']!, 200], ['/allowed/bulk', {}, KEYS['production']!, 422], ['/allowed/bulk', new Array(1001).fill(QUESTION), KEYS['production']!, 413],
  ['/allowed/all-tenants', QUESTION, KEYS['production']!, 200], ['/user-permissions', QUESTION, KEYS['production']!, 200], ['/authorized_users', QUESTION, KEYS['production']!, 200], ['/authorized_users', { action: 'a' }, KEYS['production']!, 422],
])('%s → as described: %#', async (path, body, token, status) => {
  const received = await server.post(path, body, { token });
  expect(received.status).toBe(status);
  const validate = validatorOf('paths', path, 'post', 'responses', status, 'content', 'application/json', 'schema');
  validate(received.json());
  expect(validate.errors).toBeNull();
});

test.each(['/health', '/healthy', '/ready'])('%s as described, ready or not', async (path) => {
  const facts = server.facts();
  for (const status of [503, 200]) {
    await server.activate(status === 200 ? facts : undefined);
    const received = await send(server.port, path, { token: null });
    const validate = validatorOf('paths', path, 'get', 'responses', status, 'content', 'application/json', 'schema');
    validate(received.json());
    expect([received.status, validate.errors]).toEqual([status, null]);
  }
});

test('what is described as a question is one', () => {
  const validate = validatorOf('components', 'schemas', 'PermitQuestion');
  expect([validate(QUESTION), validate({ ...QUESTION, context: null }), validate({ ...QUESTION, user: 'service|telemetry' }), validate({})]).toEqual([true, true, false, false]);
});
