import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { SluiceError } from '../../src/core/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { createOpenApi } from '../../src/http/openapi.ts';
import { QUESTION, STATUS, closeAll, fakePdp, openHarness, type SendOptions } from './harness.ts';

afterEach(closeAll);

const document = createOpenApi();
interface Operation { readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>> }
const paths = document.paths as unknown as Readonly<Record<string, Readonly<Record<string, Operation>>>>;

interface Layer { readonly route?: { readonly path: string; readonly stack: readonly { readonly method?: string }[] } }

/** The validator of one place in the document. */
function validatorOf(...place: readonly (string | number)[]): ValidateFunction {
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'sluice', ...document });
  const pointer = place.map((part) => encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  return ajv.compile({ $ref: `sluice#/${pointer}` });
}

test('every route is described, and every description has its route', () => {
  const app = createApp({ pdp: fakePdp(), logger: pino({ level: 'silent' }), registry: new Registry(), config: { demoCallers: true }, isDraining: () => false });
  const routes = (app.router as unknown as { readonly stack: readonly Layer[] }).stack.flatMap(({ route }) => (route === undefined ? [] : route.stack
    .filter(({ method }) => method !== undefined)
    .map(({ method }) => `${method} ${route.path.replace(/:(\w+)/g, '{$1}')}`)));
  const described = Object.entries(paths).flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method} ${path}`));
  expect(routes.toSorted()).toEqual(described.toSorted());
});

test('acts on the log are described where they are served, and only there', () => {
  const acts = { prune: async () => ({ from: 0, to: 0, segments: 0 }), rotateKey: async () => 'key', rotateNamesKey: async () => {} };
  const app = createApp({ pdp: fakePdp(), logger: pino({ level: 'silent' }), registry: new Registry(), config: { demoCallers: true }, isDraining: () => false, logAdmin: { acts, keptFor: () => Promise.resolve(undefined) } });
  const routes = (app.router as unknown as { readonly stack: readonly Layer[] }).stack.flatMap(({ route }) => (route === undefined ? [] : [route.path.replace(/:(\w+)/g, '{$1}')]));
  expect(routes.toSorted()).toEqual(Object.keys(createOpenApi({ logAdmin: true }).paths).toSorted());
  expect(routes.filter((route) => route.startsWith('/admin/log/'))).toHaveLength(3);
});

interface Row extends SendOptions { readonly name: string; readonly path: string; readonly template?: string; readonly status: number }

const { fields: _, ...PERMITTED } = QUESTION;
const STATE = '/admin/vendors/{id}/state';
const ROWS: readonly Row[] = [
  { name: 'a question', path: '/check', body: QUESTION, status: 200 },
  { name: 'a bad question', path: '/check', body: '{', status: 400 },
  { name: 'nobody', path: '/check', body: QUESTION, token: null, status: 401 },
  { name: 'another identity', path: '/check', body: { ...QUESTION, identity: 'service:x' }, token: 'telemetry', status: 403 },
  { name: 'too old', path: '/check', body: { ...QUESTION, minRevision: 99 }, status: 409 },
  { name: 'GET', path: '/check', method: 'GET', status: 405 },
  { name: 'too much', path: '/check', body: ' '.repeat(2 ** 20 + 1), status: 413 },
  { name: 'text', path: '/check', body: 'a', headers: { 'content-type': 'text/plain' }, status: 415 },
  { name: 'not recorded', path: '/check', body: { ...QUESTION, rows: 503 }, status: 503 },
  { name: 'a fault', path: '/check', body: { ...QUESTION, rows: 500 }, status: 500 },
  { name: 'a batch', path: '/check/batch', body: { items: [QUESTION, {}] }, status: 200 },
  { name: 'a batch that is none', path: '/check/batch', body: {}, status: 400 },
  { name: 'what is permitted', path: '/permitted', body: PERMITTED, status: 200 },
  { name: 'a reload', path: '/admin/reload', method: 'POST', token: 'admin', status: 200 },
  { name: 'a reload without the power', path: '/admin/reload', method: 'POST', status: 403 },
  { name: 'a state', path: '/admin/vendors/mixpanel/state', template: STATE, token: 'admin', body: { state: 'breached' }, status: 200 },
  { name: 'a state of nobody', path: '/admin/vendors/nobody/state', template: STATE, token: 'admin', body: { state: 'breached' }, status: 404 },
  { name: 'life', path: '/livez', status: 200 },
  { name: 'readiness', path: '/readyz', status: 200 },
  { name: 'a POST of readiness', path: '/readyz', body: {}, status: 405 },
  { name: 'the document', path: '/openapi.json', status: 200 },
];

test.each(ROWS)('$path: $name → $status as described', async ({ path, template = path, status, name: __, ...options }) => {
  const base = fakePdp();
  const { send } = await openHarness({ pdp: {
    ...base,
    async check(question, asked) {
      if (question.minRevision === 99) throw new SluiceError('stale_revision', 'older');
      if (question.rows === 503) throw new SluiceError('audit_unavailable', 'not recorded');
      if (question.rows === 500) throw new Error('a fault');
      return base.check(question, asked);
    },
    async setVendorState(vendor, state) {
      if (vendor === 'nobody') throw new SluiceError('not_found', 'no vendor has this id');
      return { state };
    },
  } });
  const received = await send(path, options);
  expect(received.status).toBe(status);
  // Methods that are not described have the description of the one that is.
  const [method = ''] = Object.keys(paths[template]!);
  const validate = validatorOf('paths', template, method, 'responses', status, 'content', 'application/json', 'schema');
  validate(received.json());
  expect(validate.errors).toBeNull();
});

test('/readyz as described when it is degraded and when it is not ready', async () => {
  for (const [status, parts] of [[200, { reloadErrors: [''] }], [503, { logFailure: '' }]] as const) {
    const { send } = await openHarness({ pdp: fakePdp({ status: () => ({ ...STATUS, ...parts }) }), isDraining: () => status === 503 });
    const received = await send('/readyz');
    const validate = validatorOf('paths', '/readyz', 'get', 'responses', status, 'content', 'application/json', 'schema');
    validate(received.json());
    expect({ status: received.status, errors: validate.errors }).toEqual({ status, errors: null });
  }
});

test('the schemas refuse what is no answer', () => {
  const validate = validatorOf('components', 'schemas', 'Answer');
  expect(validate({ decision: 'allow' })).toBe(false);
  expect(validatorOf('components', 'schemas', 'Question')({ identity: 'a', environment: 'b', vendor: 'c' })).toBe(false);
  expect(validatorOf('components', 'schemas', 'Question')(QUESTION)).toBe(true);
});

test('every reference leads somewhere', () => {
  const text = JSON.stringify(document);
  const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, at]) => at!);
  expect(references.length).toBeGreaterThan(20);
  const missing = references.filter((at) => at.split('/').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document) === undefined);
  expect(missing).toEqual([]);
});

test('the document is served as it is', async () => {
  const { send } = await openHarness();
  expect((await send('/openapi.json', { token: null })).json()).toEqual(JSON.parse(JSON.stringify(document)));
});
