import { createCatalogue } from '../../src/core/catalogue/catalogue.ts';
import { collectFrom } from '../../src/reports/collect.ts';
import { exposureOf } from '../../src/reports/exposure.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { endServers, readRecords, startServer } from '../support/server.ts';
import { ROOT } from '../support/world.ts';

afterAll(endServers);

const QUESTION = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id'] };

test('R54: under load, once the switch has answered, every way of asking denies; the log has the act, then denials alone, and the exposure ends with it', async () => {
  const server = await startServer();
  const asking = { stopped: false, asked: 0 };
  const worker = async () => {
    while (!asking.stopped) await server.check({ ...QUESTION, rows: asking.asked += 1 });
  };
  const workers = Array.from({ length: 16 }, worker);
  while (asking.asked < 200) await server.check(QUESTION);

  expect((await server.setVendor('mixpanel', 'breached')).status).toBe(200);
  const check = await server.check(QUESTION);
  const batch = (await server.send('/check/batch', { body: { items: [QUESTION, { ...QUESTION, environment: 'staging' }] } })).json() as unknown as { items: { decision: string }[] };
  const permitted = (await server.send('/permitted', { body: { ...QUESTION, fields: undefined } })).json() as unknown as { fields: Record<string, { effect: string }> };
  expect([check.decision, ...batch.items.map(({ decision }) => decision)]).toEqual(['deny', 'deny', 'deny']);
  expect(new Set(Object.values(permitted.fields).map(({ effect }) => effect))).toEqual(new Set(['deny']));
  asking.stopped = true;
  await Promise.all(workers);
  await server.end();

  const records = await readRecords(server.dataDir);
  const act = records.findIndex(({ kind }) => kind === 'vendor_state');
  expect(records[act]).toMatchObject({ vendor: 'mixpanel', state: 'breached', caller: 'demo-admin' });
  const activated = records.findIndex(({ kind }, at) => at > act && kind === 'snapshot_activated');
  expect(records[activated]).toMatchObject({ vendorStates: { mixpanel: 'breached' } });
  const after = records.slice(activated).filter(({ kind }) => kind === 'decision');
  expect(after.length).toBeGreaterThan(3);
  expect(new Set(after.map((one) => one['decision']))).toEqual(new Set(['deny']));

  const exposure = exposureOf(await collectFrom({ dir: `${server.dataDir}/log` }), { vendor: 'mixpanel', catalogue: createCatalogue(await loadYaml(`${ROOT}/policies`)) });
  const permittedBefore = records.slice(0, activated).filter(({ kind, decision }) => kind === 'decision' && decision === 'allow');
  expect(exposure.permittedToLeave).toMatchObject({ decisions: permittedBefore.length, last: permittedBefore.at(-1)!['time'] });
  expect(exposure.refused.reasons.map(({ name }) => name)).toEqual(['vendor_suspended']);
}, 60_000);
