import path from 'node:path';
import { differences } from '../../src/replay/compare.ts';
import { openBundles } from '../../src/replay/bundles.ts';
import { impactOf, type Impact } from '../../src/replay/impact.ts';
import type { AskedRecord } from '../../src/replay/recorded.ts';
import { redecide } from '../../src/replay/redecide.ts';
import { byFacts } from '../../src/replay/rejudge.ts';
import { reproduce } from '../../src/replay/reproduce.ts';
import { scan, type Group } from '../../src/replay/scan.ts';
import { shadowOf } from '../../src/replay/shadow.ts';
import { ageSince, createSnapshot } from '../../src/snapshot.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { record, TELEMETRY, type Recorder } from '../reports/support.ts';
import { endServers } from '../support/server.ts';
import { copyPolicies, NOON, removeWorlds, shippedEngine } from '../support/world.ts';

// Every part of a question is asked again, and every part of an answer is compared.

const grant = (more: object) => ({ title: 'test', role: 'product_events', environments: ['production'], purposes: ['analytics', 'essential'], ...more });
const CHECKOUT = { identity: 'service:checkout', vendor: 'mixpanel', environment: 'production', event: 'usage.event' } as const;
const USAGE = { event: 'usage.event', kind: 'raw_event', purposes: ['analytics.reporting'], defaultPurpose: 'analytics.reporting' };
const FIELDS = { event: 'system.operations.event_name', anon_id: 'user.unique_id.pseudonymous', feature_flag: 'system.operations.feature_flag' };

async function asked(policies: string, ...questions: readonly object[]): Promise<Recorder> {
  const recorder = await record({ policies });
  for (const question of questions) await recorder.ask(question);
  await recorder.close();
  return recorder;
}

async function impact({ dir }: Recorder, policies: string): Promise<Impact> {
  return impactOf(scan({ dir }), byFacts({ snapshot: createSnapshot({ ...await shippedEngine(), facts: await loadYaml(policies), vendorStates: new Map(), ageMs: ageSince(NOON), revisionOf: () => 1 }) }));
}

async function all({ dir }: Recorder): Promise<readonly Group[]> {
  const groups: Group[] = [];
  for await (const group of scan({ dir })) groups.push({ ...group, shape: ((shape) => () => shape)(group.shape()) });
  return groups;
}

let policies: string;
let recorder: Recorder;
beforeAll(async () => {
  policies = await copyPolicies({
    'grants/test.yaml': { grants: {
      consented: grant({ vendors: ['amplitude'], categories: ['system.operations.latency'], conditions: [{ code: 'no_permit', if: { 'context.consent': { equals: true } } }] }),
      old: grant({ vendors: ['posthog-selfhosted'], categories: ['system.operations.latency'] }),
      ask: grant({ vendors: ['posthog-selfhosted'], categories: ['system.operations.error_code'], effect: 'review', approverRole: 'privacy_officer' }),
      cut: grant({ vendors: ['internal-obs'], categories: ['user.location.imprecise.city'], effect: 'transform', obligations: [{ op: 'coarsen_geo', params: { to: 'region' } }] }),
    } },
    // The older one has what the newer one dropped.
    'events/job.done.yaml': { event: 'job.done', version: '1', kind: 'raw_event', purposes: ['analytics.reporting'], defaultPurpose: 'analytics.reporting', fields: { took: 'system.operations.latency', failed: 'system.operations.error_code', city: 'user.location.imprecise.city' } },
    'events/job.done.2.yaml': { event: 'job.done', version: '2', kind: 'raw_event', purposes: ['analytics.reporting'], defaultPurpose: 'analytics.reporting', fields: { failed: 'system.operations.error_code' } },
    'modes.yaml': { modes: { vendors: { mixpanel: { mode: 'shadow' } } } },
  });
  const job = (vendor: string, ...fields: readonly string[]) => ({ ...CHECKOUT, vendor, event: 'job.done@1', fields });
  recorder = await asked(policies,
    { ...job('amplitude', 'took'), context: { consent: true } }, { ...job('amplitude', 'took'), context: { consent: false } },
    { identity: 'user:sam', vendor: 'intercom', environment: 'production', event: 'account.report', about: 'account:A1', payload: { account_id: 'A2', plan: 'pro' }, aggregate: { groupBy: ['plan'], minCell: 25 } },
    { identity: 'user:sam', vendor: 'intercom', environment: 'production', event: 'usage.report', payload: { plan: 'pro', active_users: 3 }, aggregate: { groupBy: ['plan'], minCell: 25 } },
    job('posthog-selfhosted', 'took'), job('posthog-selfhosted', 'took', 'failed'), job('internal-obs', 'city'),
    ...[1, 2, 3].map(() => ({ ...TELEMETRY, fields: ['country'] })));
}, 60_000);
afterAll(() => Promise.all([endServers(), removeWorlds()]));

test('J19, J24, J30: context, findings about the whole payload and an older version of an event are asked again as they were', async () => {
  const groups = await all(recorder);
  // Each of them decides.
  expect(groups.map(({ record: { vendor, decision } }) => `${vendor} ${decision}`)).toEqual(['amplitude allow', 'amplitude deny', 'intercom deny', 'intercom deny', 'posthog-selfhosted allow', 'posthog-selfhosted review', 'internal-obs transform', 'mixpanel allow']);
  expect(groups.filter(({ record: { findings } }) => findings !== undefined).flatMap(({ record: { findings } }) => findings!.map(({ code }) => code)).sort()).toEqual(['aggregate_too_small', 'no_relationship']);
  expect(await impact(recorder, policies)).toMatchObject({ records: 10, unchanged: 10, changes: [], notReplayed: {} });
});

test('R66: whatever of an answer differs is named', async () => {
  const { engine } = await shippedEngine();
  const groups = await all(recorder);
  const of = (decision: string) => groups.find(({ record: one }) => one.decision === decision)!;
  const members = ({ record: one, shape }: Group, change: Partial<AskedRecord>) => differences({ ...one, ...change }, redecide(one, shape()!, engine).decision);
  const [review, transform, deny] = [of('review'), of('transform'), of('deny')];
  const shadow = groups.find(({ record: one }) => one.wouldBe !== undefined)!;
  for (const group of [review, transform, deny, shadow]) expect(members(group, {})).toEqual([]);
  expect(members(review, { approvalAsked: 'apr_0' })).toEqual(['approval']);
  expect(members(review, { fix: null })).toEqual(['fix']);
  expect(members(review, { fix: { ...review.record.fix!, exact: false } })).toEqual(['fix']);
  expect(members(transform, { obligations: transform.record.obligations.map((one) => ({ ...one, params: { to: 'country' } })) })).toEqual(['obligations']);
  expect(members(transform, { fields: transform.record.fields.map((one) => ({ ...one, rules: ['other'] })) })).toEqual(['fields']);
  expect(members(deny, { reasons: [] })).toEqual(['reasons']);
  expect(members(shadow, { wouldBe: { ...shadow.record.wouldBe!, decision: 'review' } })).toEqual(['wouldBe']);
  expect(members(shadow, { wouldBe: { ...shadow.record.wouldBe!, reasons: [] } })).toEqual(['wouldBe']);
  expect(members(deny, { mode: 'shadow' })).toEqual(['decision']);
  expect((await reproduce(scan({ dir: recorder.dir }), openBundles(path.join(recorder.dataDir, 'bundles')))).reproduced).toBe(10);
});

test('J13: what enforcement would have answered alike is counted by its records', async () => {
  const quiet = await asked(await copyPolicies({ 'modes.yaml': { modes: { vendors: { mixpanel: { mode: 'shadow' } } } } }), ...[1, 2, 3].map(() => ({ ...CHECKOUT, fields: ['anon_id'] })), { ...CHECKOUT, fields: ['email'] });
  expect(await shadowOf(scan({ dir: quiet.dir }))).toMatchObject({ records: 4, same: 4 });
});

describe('what another catalogue says of the same field', () => {
  const event = (fields: object) => copyPolicies({ 'events/usage.event.yaml': { ...USAGE, fields: { ...FIELDS, ...fields } } });
  const ask = { ...CHECKOUT, fields: ['anon_id', 'feature_flag'] };

  test('of another category it leaves as something else: that counts both ways', async () => {
    const other = await event({ feature_flag: 'system.operations.event_name' });
    expect(await impact(await asked(await event({}), ask), other)).toMatchObject({ unchanged: 0, newlyAllowed: { records: 1 }, newlyRefused: { records: 1 }, changes: [{ category: 'system.operations.event_name', from: 'allow', to: 'allow' }] });
  }, 60_000);

  test("J24: the event's own name left before it had a category too: to permit it is no news, to deny it is", async () => {
    const before = await asked(await event({}), ask);
    expect(await impact(before, await event({ $event: 'system.operations.event_name' }))).toMatchObject({ unchanged: 1, newlyAllowed: { records: 0 } });
    expect(await impact(before, await event({ $event: 'system.ai.tool_id' }))).toMatchObject({ newlyAllowed: { records: 0 }, newlyRefused: { records: 1 }, changes: [{ category: 'system.ai.tool_id', from: 'allow', to: 'deny' }] });
  }, 60_000);
});
