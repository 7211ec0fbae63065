import type { Facts, Identity, Vendor } from '../../src/core/facts.ts';
import { nodeFiles } from '../../src/log/files.ts';
import { removeWorlds } from '../support/world.ts';
import { openHarness, closeAll, send } from './harness.ts';
import { closeDropIns, KEYS, openDropIn, type OpenedDropIn } from './permit-support.ts';

let server: OpenedDropIn;
beforeAll(async () => { server = await openDropIn(); });
afterAll(async () => {
  await closeDropIns();
  await closeAll();
  await removeWorlds();
});

const KEY = KEYS['production']!;
const QUESTION = { user: { key: 'service|telemetry' }, action: 'send-user-unique_id-pseudonymous', resource: { type: 'vendor', key: 'mixpanel', tenant: 'default' } } as const;
const QUESTIONS: readonly (readonly [string, unknown])[] = [
  ['/allowed', QUESTION], ['/allowed/bulk', [QUESTION]], ['/allowed/all-tenants', QUESTION], ['/user-permissions', QUESTION], ['/authorized_users', QUESTION],
  ['/allowed_url', { ...QUESTION, url: 'https://api.mixpanel.com/' }], ['/user-tenants', QUESTION],
];
const DETAIL = { detail: expect.any(String) };
const MALFORMED = { detail: [{ loc: expect.arrayContaining(['body']), msg: expect.any(String), type: 'value_error' }] };

test.each(QUESTIONS)('%s answers the key alone: 401 without it or with two, 403 with another, all in the form of Permit', async (url, body) => {
  expect((await server.post(url, body)).status).toBe(200);
  const without = await server.post(url, body, { token: null });
  expect([without.status, without.json(), without.headers['www-authenticate']]).toEqual([401, DETAIL, 'Bearer']);
  for (const authorization of [[`Bearer ${KEY}`, `Bearer ${KEY}`], ['Bearer nobody', `Bearer ${KEY}`]]) {
    const twice = await server.post(url, body, { token: null, headers: { authorization: authorization as unknown as string } });
    expect([twice.status, twice.json()]).toEqual([401, DETAIL]);
  }
  for (const authorization of ['Bearer nobody', `Basic ${KEY}`, KEY, `Bearer ${KEY} x`, 'Bearer demo-gateway', `Bearer ${KEYS['staging']!.toUpperCase()}`]) {
    const other = await server.post(url, body, { token: null, headers: { authorization } });
    expect([other.status, other.json()]).toEqual([403, DETAIL]);
  }
});

test('a key in the body counts on /allowed/all-tenants alone, and only where no header is', async () => {
  const headers = { Authorization: `Bearer ${KEY}` };
  const params = { user: 'service|telemetry', action: QUESTION.action, resource: 'vendor:mixpanel', context: {} };
  for (const [url, body] of QUESTIONS) {
    const withKey = Array.isArray(body) ? [{ ...QUESTION, headers }] : { ...QUESTION, headers, params };
    expect([url, (await server.post(url, withKey, { token: null })).status]).toEqual([url, url === '/allowed/all-tenants' ? 200 : 401]);
  }
  const ask = (body: unknown, token: string | null = null) => server.post('/allowed/all-tenants', body, { token });
  expect((await ask({ headers, params })).json()['allowedTenants']).toHaveLength(1);
  expect((await ask({ headers, params }, 'nobody')).status).toBe(403);
  const twice = await server.post('/allowed/all-tenants', { headers, params }, { token: null, headers: { authorization: [`Bearer ${KEY}`, `Bearer ${KEY}`] as unknown as string } });
  expect(twice.status).toBe(401);
  expect((await ask({ headers: { Authorization: 'Bearer nobody' }, params })).status).toBe(403);
  for (const body of [{ params }, { headers: {}, params }, { headers: { Authorization: 7 }, params }, { headers: [headers], params }, { params: { ...params, headers } }, { headers: { authorization: headers.Authorization }, params }, null, [], '{', '']) {
    expect([body, (await ask(body)).status]).toEqual([body, 401]);
  }
});

test('of a body whose sender is not known yet little is read', async () => {
  const body = { headers: { Authorization: `Bearer ${KEY}` }, params: { user: 'service|telemetry', action: QUESTION.action, resource: 'vendor:mixpanel' }, padding: 'x'.repeat(64 * 1024) };
  const received = await server.post('/allowed/all-tenants', body, { token: null });
  expect([received.status, received.json()]).toEqual([413, DETAIL]);
  expect((await server.post('/allowed/all-tenants', body)).status).toBe(200);
});

test('keys of Permit open nothing else, and tokens of callers.yaml nothing of Permit\'s', async () => {
  expect((await server.post('/check', {}, { token: KEY })).status).toBe(401);
  expect((await server.post('/admin/reload', {}, { token: KEY })).status).toBe(401);
  expect((await server.post('/allowed', QUESTION, { token: 'demo-gateway' })).status).toBe(403);
});

test.each<[string, string]>([
  ['no JSON', '{'], ['nothing', ''], ['null', 'null'], ['a string', '"a"'], ['a number', '1'], ['a list', '[]'], ['an empty object', '{}'],
  ['a repeated key', JSON.stringify(QUESTION).replace('{', '{"action":"a",')],
  ['the key __proto__', JSON.stringify(QUESTION).replace('{', '{"__proto__":{"action":"a"},')],
  ['__proto__ in the context', JSON.stringify({ ...QUESTION, context: { x: 1 } }).replace('"x"', '"__proto__"')],
  ['a deep context', JSON.stringify(QUESTION).replace(/}$/, `,"context":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`)],
  ['a lone surrogate', JSON.stringify(QUESTION).replace('telemetry', 'telemetry\\ud800')],
  ['a purpose that is a list', JSON.stringify({ ...QUESTION, context: { purpose: ['analytics.reporting'] } })],
  ['an empty purpose', JSON.stringify({ ...QUESTION, context: { purpose: '' } })],
  ['a long purpose', JSON.stringify({ ...QUESTION, context: { purpose: 'p'.repeat(257) } })],
])('malformed is 422 with its place, never an answer: %s', async (_, body) => {
  for (const url of ['/allowed', '/user-permissions', '/authorized_users', '/allowed/all-tenants']) {
    // The repeated key is none of these calls' own mistakes, but of JSON: all alike.
    const received = await server.post(url, body);
    expect([url, received.status, received.json()]).toEqual([url, 422, MALFORMED]);
  }
  // A list's body is read item by item: what stands beside the items is too large before it is wrong (J33).
  if (body !== '[]') expect((await server.post('/allowed/bulk', body)).status).toBe(body.length > 100_000 ? 413 : 422);
});

test('422 names the member, and never its value', async () => {
  const canary = 'canary-3f9d1c';
  for (const [body, loc] of [
    [{ ...QUESTION, user: { key: [canary] } }, ['body', 'user', 'key']], [{ ...QUESTION, user: undefined }, ['body', 'user']], [{ ...QUESTION, action: { canary } }, ['body', 'action']],
    [{ ...QUESTION, resource: { ...QUESTION.resource, tenant: [canary] } }, ['body', 'resource', 'tenant']], [{ ...QUESTION, resource: `vendor:${canary}` }, ['body', 'resource']],
    [{ ...QUESTION, context: canary }, ['body', 'context']], [{ ...QUESTION, context: { purpose: { canary } } }, ['body', 'context', 'purpose']],
  ] as const) {
    const received = await server.post('/allowed', body);
    expect(received.status).toBe(422);
    expect((received.json()['detail'] as { loc: unknown }[])[0]!.loc).toEqual(loc);
    expect(received.text).not.toContain(canary);
  }
  for (const name of ['tenants', 'resources', 'resource_types']) {
    for (const value of [canary, [7], ['x'.repeat(513)], new Array(1001).fill('x'), {}]) {
      expect((await server.post('/user-permissions', { ...QUESTION, [name]: value })).json()).toEqual({ detail: [{ loc: ['body', name], msg: expect.any(String), type: 'value_error' }] });
    }
  }
  expect(server.lines.filter((line) => line.includes(canary) || line.includes(KEY))).toEqual([]);
});

test('too large, no JSON by its type, and another method: 413, 415, 405 with detail', async () => {
  expect((await server.post('/allowed', ''.padEnd(2 ** 20 + 1))).status).toBe(413);
  const many = await server.post('/allowed/bulk', new Array(1001).fill(QUESTION));
  expect([many.status, many.json()]).toEqual([413, DETAIL]);
  const text = await server.post('/allowed', QUESTION, { headers: { 'content-type': 'text/plain' } });
  expect([text.status, text.json()]).toEqual([415, DETAIL]);
  for (const [url] of QUESTIONS) {
    const got = await server.post(url, '', { method: 'GET' });
    expect([got.status, got.json(), got.headers['allow']]).toEqual([405, DETAIL, 'POST']);
  }
  const posted = await server.post('/health', {});
  expect([posted.status, posted.headers['allow']]).toEqual([405, 'GET, HEAD']);
});

test('what else Permit\'s PDP serves is 501 with detail; anything else is 404', async () => {
  for (const [method, url] of [
    ['POST', '/access/v1/evaluation'], ['POST', '/access/v1/search/subject'], ['GET', '/.well-known/authzen-configuration'], ['POST', '/trino/allowed'],
    ['GET', '/nginx_allowed'], ['POST', '/kong'], ['GET', '/local/role_assignments?user=a'], ['GET', '/v2/facts/p/e/users'], ['PUT', '/facts/users/a'], ['GET', '/healthchecks/opa/ready'],
    ['POST', '/policy-updater/trigger'], ['GET', '/version'], ['POST', '/_exit'], ['POST', '/control-plane/connectivity/disable'], ['POST', '/cloud/x'], ['GET', '/sdk/x'],
  ] as const) {
    const received = await server.post(url, method === 'GET' ? '' : '{}', { method, token: null });
    expect([url, received.status, received.json()]).toEqual([url, 501, DETAIL]);
  }
  for (const url of ['/', '/allowed/', '/Allowed', '/allowed/x', '/facts', '/factsx/y', '/access/v1/x', '/user_permissions', '/v2/schema/p/e/roles']) expect([url, (await server.post(url, '{}')).status]).toEqual([url, 404]);
});

test('without keys none of it is there', async () => {
  const { port } = await openHarness();
  for (const url of [...QUESTIONS.map(([path]) => path), '/health', '/ready', '/healthy', '/version', '/v2/facts/p/e/users']) {
    expect([url, (await send(port, url, { body: {}, token: KEY })).status]).toEqual([url, 404]);
  }
});

const health = (of: OpenedDropIn, url: string) => send(of.port, url, { token: null });

test('facts that are not verified: 503 with detail everywhere, never an answer; health says so', async () => {
  const fresh = await openDropIn();
  expect((await health(fresh, '/health')).json()).toEqual({ status: 'ok', components: { sluice: { status: 'ok', error: null, details: { reasons: [] } } } });
  await fresh.activate(undefined);
  for (const [url, body] of QUESTIONS) {
    const received = await fresh.post(url, body);
    expect([url, received.status, received.json(), received.headers['retry-after']]).toEqual([url, 503, DETAIL, '1']);
  }
  for (const url of ['/health', '/ready', '/healthy']) {
    const received = await health(fresh, url);
    expect([received.status, received.json()]).toEqual([503, { status: 'error', components: { sluice: { status: 'error', error: 'facts_unverified', details: { reasons: ['facts_unverified'] } } } }]);
  }
  expect(await fresh.records()).toEqual([]);
});

test('a log that can not be written: 503 with detail everywhere', async () => {
  let isFull = false;
  const full = await openDropIn({ files: {
    ...nodeFiles,
    async open(...given) {
      const file = await nodeFiles.open(...given);
      return {
        ...file,
        async write(bytes) {
          if (isFull) throw Object.assign(new Error('no disk'), { code: 'EIO' });
          return file.write(bytes);
        },
      };
    },
  } });
  expect((await full.post('/allowed', QUESTION)).json()['allow']).toBe(true);
  isFull = true;
  for (const [url, body] of QUESTIONS) {
    const received = await full.post(url, body);
    expect([url, received.status, received.json()]).toEqual([url, 503, DETAIL]);
  }
  expect((await health(full, '/ready')).status).toBe(503);
});

test('above 1,000 vendors or 10,000 identities a list is 413; a part of it is answered; others are answered meanwhile', async () => {
  const many = await openDropIn({ change: crowded });
  const refused = await many.post('/user-permissions', QUESTION);
  expect([refused.status, refused.json()]).toEqual([413, DETAIL]);
  expect((await many.post('/authorized_users', QUESTION)).status).toBe(413);
  const part = many.post('/user-permissions', { ...QUESTION, tenants: ['half'] });
  let answered = 0;
  let isDone = false;
  void part.then(() => { isDone = true; });
  while (!isDone) {
    expect((await many.post('/allowed', QUESTION)).json()['allow']).toBe(true);
    if (!isDone) answered += 1;
  }
  expect((await part).status).toBe(200);
  expect(Object.keys((await part).json())).toHaveLength(500);
  expect(answered).toBeGreaterThan(3);
});

/** A thousand and more vendors, 500 of them in the tenant `half`, and more than ten thousand identities. */
function crowded(facts: Facts): Facts {
  const [mixpanel, telemetry] = [facts.vendors.get('mixpanel')!, facts.identities.get('service:telemetry')!];
  const vendors = Array.from({ length: 1001 }, (_, at): [string, Vendor] => [`v${at}`, { ...mixpanel, id: `v${at}`, hosts: [], ...(at < 500 && { tenant: 'half' }) }]);
  const identities = Array.from({ length: 10_001 }, (_, at): [string, Identity] => [`service:s${at}`, { ...telemetry, id: `service:s${at}` }]);
  return { ...facts, digest: `${facts.digest} crowded`, vendors: new Map([...facts.vendors, ...vendors]), identities: new Map([...facts.identities, ...identities]) };
}

test('a list under way when somebody loses a role does not tell what was permitted before', async () => {
  const changing = await openDropIn({ change: (facts) => ({ ...crowded(facts), identities: facts.identities }) });
  const asked = changing.post('/user-permissions', { ...QUESTION, tenants: ['half'] });
  // Its first vendors are judged by now: a question that came later has its answer.
  await changing.post('/allowed', QUESTION);
  const { identities, ...facts } = changing.facts();
  await changing.activate({ ...facts, digest: `${facts.digest} revoked`, identities: new Map([...identities].map(([id, identity]) => [id, { ...identity, roles: [] }])) });
  expect((await asked).json()).toEqual({});
  expect((await changing.records()).filter(({ kind }) => kind === 'permitted')).toHaveLength(1);
});
