import { pino } from 'pino';
import { Registry } from 'prom-client';
import { SluiceError } from '../../src/core/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { createOpenApi } from '../../src/http/openapi.ts';
import { pathsOf, validatorOf as validatorIn } from './described.ts';
import { QUESTION, STATUS, closeAll, fakePdp, openHarness, type SendOptions } from './harness.ts';

afterEach(closeAll);

const document = createOpenApi();
const paths = pathsOf(document);

interface Layer { readonly route?: { readonly path: string; readonly stack: readonly { readonly method?: string }[] } }

const validatorOf = (...place: readonly (string | number)[]) => validatorIn(document, ...place);

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

interface Node { readonly at: string; readonly schema: Readonly<Record<string, unknown>> }

/** Every schema of a document, with its place; not those of `dependentSchemas`, which no generator reads. */
function schemasIn(value: unknown, at = '#', isSchema = false): readonly Node[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((one, i) => schemasIn(one, `${at}/${i}`, isSchema));
  const own = isSchema ? [{ at, schema: value as Node['schema'] }] : [];
  return [...own, ...Object.entries(value).flatMap(([key, inner]) => {
    if (isSchema && ['enum', 'required', 'examples', 'dependentSchemas', 'default'].includes(key)) return [];
    if (key === 'schemas' || (isSchema && key === 'properties')) return Object.entries(inner as object).flatMap(([name, one]) => schemasIn(one, `${at}/${key}/${name}`, true));
    return schemasIn(inner, `${at}/${key}`, ['schema', 'items', 'additionalProperties', 'anyOf', 'oneOf'].includes(key));
  })];
}

describe('F20: what generators of clients need', () => {
  const whole = createOpenApi({ permit: true, reports: true, logAdmin: true, reading: true, proofs: true });
  const schemas = schemasIn(JSON.parse(JSON.stringify(whole)));
  const offending = (isBad: (schema: Node['schema']) => boolean) => schemas.filter(({ schema }) => isBad(schema)).map(({ at }) => at);
  const namesOf = ({ properties = {} }: Node['schema']) => Object.keys(properties as object);

  test('every schema has a type, refers to one that has, or is made of such', () => {
    expect(schemas.length).toBeGreaterThan(300);
    const untyped = offending((schema) => !['type', '$ref', 'anyOf', 'oneOf'].some((key) => key in schema));
    expect(untyped).toEqual([expect.stringMatching(/poll\/post\/requestBody.*schema$/)]); // any JSON
  });

  test('null is one of the types, and beside members there is nothing that is put together', () => {
    expect(offending(({ type }) => type === 'null')).toEqual([]);
    expect(offending((schema) => 'properties' in schema && ['anyOf', 'oneOf', 'allOf', 'not', 'if'].some((key) => key in schema))).toEqual([]);
    expect(offending((schema) => ['const', 'patternProperties', 'prefixItems', 'unevaluatedProperties'].some((key) => key in schema))).toEqual([]);
  });

  test('no two members of an object are one name to a language that writes names in its own way', () => {
    const plain = (name: string) => name.replace(/[^A-Za-z0-9]/g, '').toLowerCase();
    expect(offending((schema) => new Set(namesOf(schema).map(plain)).size < namesOf(schema).length)).toEqual([]);
  });

  test('answers let members pass that are added later, at every depth; requests of our own don\'t', () => {
    const open = (place: string) => offending((schema) => 'properties' in schema && schema['additionalProperties'] !== true).filter((at) => at.includes(place));
    const requests = ['Question', 'QuestionPart', 'PermittedQuestion', 'Batch', 'SyncAct', 'VendorStateBody', 'PruneBody'];
    const closed = [...requests, 'Error', 'RecordPage', 'IncidentReport'];
    expect(open('/schemas/').filter((at) => !closed.includes(at.split('/')[3]!))).toEqual([]);
    for (const name of requests) expect(open(`/schemas/${name}`)).toContain(`#/components/schemas/${name}`);
  });

  test('it says where the server is, under which license, and which groups its operations form', () => {
    expect(whole.servers.map(({ url }) => url)).toEqual(['/', 'http://127.0.0.1:8181']);
    expect(whole.info.license).toEqual({ name: 'Apache-2.0', identifier: 'Apache-2.0' });
    const used = Object.values(whole.paths).flatMap((path) => Object.values(path as object).flatMap(({ tags }: { tags: string[] }) => tags));
    expect([...new Set(used)].toSorted()).toEqual(whole.tags.map(({ name }) => name).toSorted());
  });

  test.each(['', 'a b', 'x'.repeat(65), '\u00fc'])('a request id that is not fit to be echoed (%j) is no mistake', async (id) => {
    const { send } = await openHarness();
    const { status, headers } = await send('/livez', { headers: { 'x-request-id': id } });
    expect([status, headers['x-request-id']]).toEqual([200, expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    expect(whole.components.parameters.RequestId.schema).toEqual({ type: 'string' });
  });

  test('F21: forbidden is in the closed list of errors, as every code that an answer may have', () => {
    expect(whole.components.schemas['ErrorCode' as keyof typeof whole.components.schemas]).toMatchObject({ enum: expect.arrayContaining(['forbidden', 'not_your_identity', 'environment_mismatch']) });
  });
});
