import { toAction, toUserKey } from '../../src/core/permit-names.ts';
import { createPace } from '../../src/service/drop-in/pace.ts';
import { createPermitLists, MAX_LISTS, MAX_LIST_MS } from '../../src/service/drop-in/lists.ts';
import { removeWorlds } from '../support/world.ts';
import { closeDropIns, openDropIn, type OpenedDropIn } from './permit-support.ts';

afterAll(async () => {
  await closeDropIns();
  await removeWorlds();
});

const QUESTION = { user: { key: 'service|telemetry' } };
const CALLER = { id: 'permit:production', tokenSha256: '', demo: false, identities: ['*'], environments: ['production'], powers: ['check' as const], supports: [] };

test('eight lists at once; the ninth is told to come again, and no other question waits for them', async () => {
  const server = await openDropIn();
  const lists = await Promise.all(Array.from({ length: MAX_LISTS + 1 }, () => server.post('/user-permissions', QUESTION)));
  const statuses = lists.map(({ status }) => status).toSorted();
  expect(statuses).toEqual([...new Array(MAX_LISTS).fill(200), 429]);
  const refused = lists.find(({ status }) => status === 429)!;
  expect([refused.json(), refused.headers['retry-after']]).toEqual([{ detail: expect.any(String) }, '1']);
  expect((await server.post('/user-permissions', QUESTION)).status).toBe(200);
});

test('a list that takes longer than it may ends, without an answer and without a record; the next has the whole time', async () => {
  const server = await openDropIn();
  let stepMs = MAX_LIST_MS / 5;
  let nowMs = 0;
  const lists = createPermitLists(server.deps, () => nowMs += stepMs);
  const ask = () => lists.permissions({ user: 'service|telemetry', context: {} }, { caller: CALLER, environment: 'production' });
  for (let again = 0; again <= MAX_LISTS; again += 1) await expect(ask()).rejects.toMatchObject({ code: 'too_large', message: expect.stringMatching(/part of it/) });
  expect(await server.records()).toEqual([]);
  stepMs = 1;
  expect(await ask()).not.toEqual([]);
});

test('lists that are asked for at once are made one after the other, each with a record before the next begins', async () => {
  const server = await openDropIn();
  const seen: string[] = [];
  const { clock, log } = server.deps;
  const lists = createPermitLists({
    ...server.deps,
    clock: { ...clock, moment: () => (seen.push('begins'), clock.moment()) },
    log: { ...log, append: (entry) => (seen.push('is recorded'), log.append(entry)) },
  });
  const asking = { caller: CALLER, environment: 'production' };
  const vendor = { resource: { type: 'vendor', key: 'mixpanel' }, action: 'send-user-unique_id-pseudonymous', context: {} };
  const all = [lists.permissions({ user: 'service|telemetry', context: {} }, asking), lists.authorized(vendor, asking), lists.permissions({ user: 'service|nobody', context: {} }, asking)];
  await Promise.all(all);
  expect(seen).toEqual(['begins', 'is recorded', 'begins', 'is recorded', 'begins', 'is recorded']);
});

test('a list whose time others\' lists took is told to come again; after one that fails the next is made', async () => {
  const server = await openDropIn();
  let stepMs = MAX_LIST_MS / 5;
  let nowMs = 0;
  const lists = createPermitLists(server.deps, () => nowMs += stepMs);
  const ask = () => lists.permissions({ user: 'service|telemetry', context: {} }, { caller: CALLER, environment: 'production' });
  const [first, second] = await Promise.allSettled([ask(), ask()]);
  expect(first).toMatchObject({ status: 'rejected', reason: { code: 'too_large' } });
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'rate_limited', retryAfterSeconds: 1 } });
  expect(await server.records()).toEqual([]);
  stepMs = 1;
  expect(await ask()).not.toEqual([]);
});

test('others have their turn after each few milliseconds of a list', async () => {
  let nowMs = 0;
  const pace = createPace(() => nowMs, MAX_LIST_MS);
  let turns = 0;
  setImmediate(() => { turns += 1; });
  nowMs = 4;
  await pace();
  expect(turns).toBe(0);
  nowMs = 5;
  await pace();
  expect(turns).toBe(1);
});

test('J11 an approval of one category alone is found by lists too, where /allowed finds it', async () => {
  const approval = { id: 'one', identity: 'agent:copilot', vendor: 'openai', environment: 'production', purpose: 'analytics.reporting', channel: 'telemetry' as const, approver: 'user:sam' };
  const server = await openDropIn({ change: (facts) => {
    const all = [...facts.categories.keys()];
    const leaves = all.filter((id) => !all.some((other) => other.startsWith(`${id}.`)));
    // Every vendor asks for review of what nothing permits; one category is approved.
    const vendors = new Map([...facts.vendors].map(([id, vendor]) => [id, { ...vendor, state: 'under_review' as const }]));
    const approvals = new Map(leaves.slice(0, 5).map((_, at) => [`a${at}`, { ...approval, id: `a${at}`, identity: 'service:telemetry', vendor: 'mixpanel', fields: ['user.unique_id.pseudonymous'] }]));
    return { ...facts, digest: `${facts.digest} approved`, vendors, approvals };
  } });
  const allowed = await server.post('/allowed', { ...QUESTION, action: 'send-user-unique_id-pseudonymous', resource: { type: 'vendor', key: 'mixpanel' } });
  expect(allowed.json()['allow']).toBe(true);
  expect((await server.post('/allowed', { ...QUESTION, action: 'send-user-unique_id-pseudonymous', resource: { type: 'vendor', key: 'amplitude' } })).json()['allow']).toBe(false);
  expect((await server.post('/user-permissions', QUESTION)).json()).toEqual({ 'vendor:mixpanel': expect.objectContaining({ permissions: ['vendor:send-user-unique_id-pseudonymous'] }) });
});

async function compare(server: OpenedDropIn, vendors: readonly string[]): Promise<number> {
  const all = [...server.facts().categories.keys()];
  const leaves = all.filter((id) => !all.some((other) => other.startsWith(`${id}.`)));
  let total = 0;
  for (const identity of ['service:telemetry', 'service:checkout', 'agent:copilot']) {
    const listed = (await server.post('/user-permissions', { user: { key: toUserKey(identity) } })).json() as Record<string, { permissions: string[] }>;
    for (const key of vendors) {
      const actions = leaves.map((leaf) => `send-${leaf.replaceAll('.', '-')}`);
      const answers = (await server.post('/allowed/bulk', actions.map((action) => ({ user: { key: identity }, action, resource: { type: 'vendor', key } })))).json()['allow'] as { allow: boolean }[];
      const yes = actions.filter((_, at) => answers[at]!.allow).map((action) => `vendor:${action}`);
      expect([identity, key, (listed[`vendor:${key}`]?.permissions ?? []).toSorted()]).toEqual([identity, key, yes.toSorted()]);
      total += yes.length;
    }
  }
  return total;
}

test('J13 J17 lists say what /allowed says also in shadow, and of vendors that are stopped', async () => {
  const server = await openDropIn({ change: (facts) => ({
    ...facts, digest: `${facts.digest} shadow`,
    modes: { vendors: new Map([['amplitude', { mode: 'shadow' }], ['internal-obs', { mode: 'shadow', unmatched: 'review' }]]), events: new Map() },
    vendors: new Map([...facts.vendors].map(([id, vendor]) => [id, id === 'mixpanel' ? { ...vendor, state: 'breached' } : vendor])),
  }) });
  expect(await compare(server, ['mixpanel', 'amplitude', 'internal-obs', 'segment'])).toBeGreaterThan(20);
});

test('J9 categories that may not leave together are listed where each may leave alone', async () => {
  const server = await openDropIn();
  expect(await compare(server, ['amplitude', 'mixpanel'])).toBeGreaterThan(10);
  const listed = (await server.post('/user-permissions', { user: { key: 'service|checkout' } })).json() as Record<string, { permissions: string[] }>;
  const together = ['user.device.user_agent', 'user.device.timezone', 'user.device.screen', 'user.device.language'];
  expect(listed['vendor:amplitude']!.permissions).toEqual(expect.arrayContaining(together.map((category) => `vendor:${toAction(category)}`)));
});

test('R72 facts that are too old permit nothing in lists either', async () => {
  const server = await openDropIn({ ageMs: 60_000, change: (facts) => ({
    ...facts, digest: `${facts.digest} aged`,
    environments: new Map([...facts.environments].map(([id, environment]) => [id, { ...environment, maxAgeMs: 600_000, maxAgeOf: [{ category: 'user.*', maxAgeMs: 60_000 }] }])),
  }) });
  expect(await compare(server, ['mixpanel', 'internal-obs'])).toBeGreaterThan(0);
  const listed = (await server.post('/user-permissions', QUESTION)).json() as Record<string, { permissions: string[] }>;
  expect(listed['vendor:mixpanel']!.permissions.filter((permission) => permission.startsWith('vendor:send-user-'))).toEqual([]);
});

test('the drop-in speaks for the environment of its key alone', async () => {
  const server = await openDropIn();
  const caller = { ...CALLER, id: 'permit:staging', environments: ['staging'] };
  const asked = server.pdp.dropIn!.allowed({ user: 'service|telemetry', action: 'a', resource: { type: 'vendor' }, context: {} }, { caller, environment: 'production' });
  await expect(asked).rejects.toMatchObject({ code: 'environment_mismatch' });
});
