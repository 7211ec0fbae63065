import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { copyRego, endServers, lasting, metric, missingFrom, readRecords, startLoad, startServer, until, type RunningServer } from '../support/server.ts';
import { copyPolicies, removeWorlds, ROOT } from '../support/world.ts';

let policies: string;
let rego: string;
let server: RunningServer;

beforeAll(async () => {
  policies = await copyPolicies({});
  rego = await copyRego();
  server = await startServer({ policies, rego });
});
afterAll(async () => {
  await endServers();
  await removeWorlds();
});

const grants = () => path.join(policies, 'grants.yaml');
const QUESTION = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['browser'] };
const BASIC = 'categories: [user.unique_id.pseudonymous, user.location.imprecise.region, system.operations.feature_flag]';
const MORE = BASIC.replace(']', ', user.device.browser]');

const added = () => path.join(rego, 'egress/rules/added.rego');

/** As they are shipped. */
async function mend(): Promise<void> {
  await copyFile(path.join(ROOT, 'policies/grants.yaml'), grants());
  await rm(added(), { force: true });
}

afterEach(mend);

const BROKEN = 'package egress.rules.added\n\nimport rego.v2\n\nrulings["x"] contains "*" if {\n';

const WILD = `package egress.rules.added

import rego.v2

# METADATA
# title: A rule of this test
# custom:
#   code: forbidden_category
#   message: A rule of this test.
#   fix: Take it out.
rulings["wild-index"] contains 99 if input.vendor.id == "mixpanel"
`;

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} lacks the text to edit`);
  await writeFile(file, text.replace(from, to));
}

test('J27: after a reload the answer follows the edited grant, and the revision counts up; a rollback counts up too', async () => {
  const before = await server.check(QUESTION);
  expect(before.decision).toBe('deny');

  await edit(grants(), BASIC, MORE);
  expect((await server.check(QUESTION)).decision).toBe('deny');
  expect(await server.reload()).toMatchObject({ ok: true, errors: [] });
  const edited = await server.check(QUESTION);
  expect(edited.decision).toBe('allow');
  expect(edited.revision.number).toBe(before.revision.number + 1);
  expect(edited.revision.digest).not.toBe(before.revision.digest);

  await edit(grants(), MORE, BASIC);
  expect(await server.reload()).toMatchObject({ ok: true });
  const back = await server.check(QUESTION);
  expect(back.decision).toBe('deny');
  expect(back.revision).toMatchObject({ number: before.revision.number + 2, digest: before.revision.digest });

  // Nothing changed: the same revision.
  expect(await server.reload()).toMatchObject({ ok: true, digest: before.revision.digest });
  expect((await server.check(QUESTION)).revision.number).toBe(before.revision.number + 2);
  const activations = (await readRecords(server.dataDir)).filter(({ kind }) => kind === 'snapshot_activated');
  expect(activations.map(({ environments }) => (environments as Record<string, number>)['production'])).toEqual([1, 2, 3]);
});

test.each([
  {
    name: 'a broken YAML file',
    spoil: () => edit(grants(), BASIC, BASIC.replace(']', '')),
    says: /\/grants\.yaml:\d+:\d+: \S/,
  },
  {
    name: 'an unknown name in YAML',
    spoil: () => edit(grants(), BASIC, BASIC.replace('feature_flag', 'feature_flog')),
    says: /\/grants\.yaml:\d+:\d+: .*feature_flog.*feature_flag/,
  },
  {
    name: 'a broken rule',
    spoil: () => writeFile(added(), BROKEN),
    says: /added\.rego:\d+/,
  },
  {
    name: 'a rule that names no profile',
    spoil: () => writeFile(added(), WILD),
    says: /added\.rego:11: a rule gives indexes of profiles/,
  },
])('principle 4: with $name the reload says where, and the last good policy stays', async ({ spoil, says }) => {
  const before = await server.check(QUESTION);
  const failedBefore = await metric(server, 'sluice_bundle_activations_total{result="failed"}');
  await spoil();
  const result = await server.reload();
  expect(result).toMatchObject({ ok: false, digest: before.revision.digest });
  expect(result.errors).toContainEqual(expect.stringMatching(says));
  expect(result.errors.join('\n')).not.toMatch(/^\s+at /m);

  expect(lasting(await server.check(QUESTION))).toEqual(lasting(before));
  const ready = await server.send('/readyz');
  expect([ready.status, ready.json()]).toEqual([200, { status: 'degraded', reload: 'failed' }]);
  expect(await metric(server, 'sluice_bundle_activations_total{result="failed"}')).toBe(failedBefore! + 1);
  expect(await metric(server, 'sluice_reload_failed')).toBe(1);

  await mend();
  expect(await server.reload()).toMatchObject({ ok: true, errors: [], digest: before.revision.digest });
  expect((await server.send('/readyz')).json()).toEqual({ status: 'ready' });
  expect(await metric(server, 'sluice_reload_failed')).toBe(0);
});

test('mistakes in policies and in rules are told together', async () => {
  await edit(grants(), BASIC, BASIC.replace(']', ''));
  await writeFile(added(), BROKEN);
  const { ok, errors } = await server.reload();
  expect(ok).toBe(false);
  expect(errors).toContainEqual(expect.stringMatching(/grants\.yaml:\d+:\d+/));
  expect(errors).toContainEqual(expect.stringMatching(/added\.rego:\d+/));
});

test('a new rule is in force after the reload, and counts as an activation', async () => {
  await server.reload();
  const before = await server.check();
  const okBefore = await metric(server, 'sluice_bundle_activations_total{result="ok"}');
  await writeFile(added(), `package egress.rules.added

import rego.v2

# METADATA
# title: Nothing leaves for mixpanel
# custom:
#   code: forbidden_category
#   message: Nothing leaves for mixpanel.
#   fix: Choose another vendor.
rulings["no-mixpanel"] contains "*" if input.vendor.id == "mixpanel"
`);
  expect(await server.reload()).toMatchObject({ ok: true });
  const after = await server.check();
  expect(after.revision.number).toBe(before.revision.number + 1);
  expect(after.reasons).toContainEqual(expect.objectContaining({ code: 'forbidden_category', rule: 'no-mixpanel', fields: ['anon_user_id', 'city', 'org_id'] }));
  expect(await metric(server, 'sluice_bundle_activations_total{result="ok"}')).toBe(okBefore! + 1);
});

test('house 8: a rule that is dropped in among the facts is in force after the reload', async () => {
  await server.reload();
  const own = path.join(policies, 'rules', 'added.rego');
  await writeFile(own, WILD.replace('egress.rules.added', 'egress.rules.own.added').replace('contains 99', 'contains "*"'));
  expect(await server.reload()).toMatchObject({ ok: true });
  expect((await server.check()).reasons).toContainEqual(expect.objectContaining({ rule: 'wild-index' }));
  await rm(own);
  expect(await server.reload()).toMatchObject({ ok: true });
  expect((await server.check()).reasons).not.toContainEqual(expect.objectContaining({ rule: 'wild-index' }));
});

test('SIGHUP reloads like POST /admin/reload, also when that fails', async () => {
  await server.reload();
  const before = await server.check(QUESTION);
  await edit(grants(), BASIC, MORE);
  server.kill('SIGHUP');
  const after = await until(() => server.check(QUESTION), ({ decision }) => decision === 'allow');
  expect(after.revision.number).toBe(before.revision.number + 1);

  await edit(grants(), MORE, 'categories: [');
  server.kill('SIGHUP');
  await until(async () => (await server.send('/readyz')).json(), ({ reload }) => reload === 'failed');
  expect((await server.check(QUESTION)).decision).toBe('allow');

  await edit(grants(), 'categories: [\n', `${BASIC}\n`);
  server.kill('SIGHUP');
  const back = await until(() => server.check(QUESTION), ({ decision }) => decision === 'deny');
  expect(back.revision.number).toBe(before.revision.number + 2);
  expect((await server.send('/readyz')).json()).toEqual({ status: 'ready' });
});

test('under load no decision stands in the log before the activation of its revision, and none is lost', async () => {
  const load = startLoad(server);
  for (let round = 0; round < 4; round += 1) {
    await edit(grants(), round % 2 === 0 ? BASIC : MORE, round % 2 === 0 ? MORE : BASIC);
    expect(await server.reload()).toMatchObject({ ok: true });
    const answered = load.acknowledged.length;
    await until(async () => load.acknowledged.length, (count) => count > answered + 20);
  }
  expect(await load.stop()).toEqual({ failures: [] });
  const records = await readRecords(server.dataDir);
  expect(missingFrom(records, load.acknowledged)).toEqual([]);
  let activated: unknown;
  const early = records.filter(({ kind, digest, revision }) => {
    if (kind === 'snapshot_activated') activated = digest;
    return kind === 'decision' && (revision as { digest: string }).digest !== activated;
  });
  expect(early.map(({ index }) => index)).toEqual([]);
});

test('only who may reload can', async () => {
  const refused = await server.send('/admin/reload', { method: 'POST', token: 'demo-gateway' });
  expect([refused.status, refused.json()['code']]).toEqual([403, 'forbidden']);
  expect((await server.send('/admin/reload', { method: 'POST', token: null })).status).toBe(401);
});
