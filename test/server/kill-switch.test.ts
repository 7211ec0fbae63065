import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { endServers, newDataDir, readRecords, startServer, type RunningServer } from '../support/server.ts';
import { codes, copyPolicies, findBuiltOpa, removeWorlds, ROOT } from '../support/world.ts';

afterAll(async () => {
  await endServers();
  await removeWorlds();
});

const QUESTION = { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id'] };

async function memoOf(server: RunningServer, index: number): Promise<unknown> {
  return (await readRecords(server.dataDir))[index]!['memo'];
}

test('R54, J17: a breached vendor is denied from the next check on, memoised or not, after a restart and after a reload', async () => {
  const dataDir = await newDataDir();
  const server = await startServer({ dataDir });
  const before = await server.check(QUESTION);
  const repeated = await server.check(QUESTION);
  expect(repeated.decision).toBe('allow');
  expect(await memoOf(server, repeated.log.index)).toBe(true);

  const set = await server.setVendor('mixpanel', 'breached');
  expect([set.status, set.json()]).toEqual([200, { state: 'breached' }]);
  const after = await server.check(QUESTION);
  expect(after.decision).toBe('deny');
  expect(codes(after)).toEqual(['vendor_suspended']);
  expect(after.revision.number).toBe(before.revision.number + 1);
  expect(await memoOf(server, after.log.index)).toBe(false);
  // Everywhere: for who sends through it, and in every environment.
  expect(codes(await server.check({ ...QUESTION, environment: 'staging' }))).toEqual(['vendor_suspended']);
  expect(codes(await server.check({ ...QUESTION, vendor: 'segment' }))).toContain('vendor_suspended');

  const record = (await readRecords(dataDir)).findLast(({ kind }) => kind === 'vendor_state')!;
  expect(record).toMatchObject({ vendor: 'mixpanel', state: 'breached', caller: 'demo-admin' });
  expect(record.index).toBeLessThan(after.log.index);

  expect(await server.reload()).toMatchObject({ ok: true });
  expect(codes(await server.check(QUESTION))).toEqual(['vendor_suspended']);

  // Not even a clean end is needed.
  await server.end('SIGKILL');
  const restarted = await startServer({ dataDir });
  const still = await restarted.check(QUESTION);
  expect(codes(still)).toEqual(['vendor_suspended']);
  expect(still.revision.number).toBe(after.revision.number);

  // Whoever starts it, or asks by the files beside it, is told.
  expect(restarted.output()).toContain('Stopped by the kill switch: mixpanel (breached)');
  const local = spawnSync('sh', ['scripts/node.sh', 'src/cli/main.ts', 'check', '--json', JSON.stringify(QUESTION)], { cwd: ROOT, encoding: 'utf8', env: { ...process.env, SLUICE_OPA: await findBuiltOpa(), SLUICE_DATA_DIR: dataDir } });
  expect([local.status, codes(JSON.parse(local.stdout) as typeof still)]).toEqual([1, ['vendor_suspended']]);
});

test('R83: a vendor set to breached returns only with claims issued after the breach, also after a restart', async () => {
  const dataDir = await newDataDir();
  const policies = await copyPolicies({});
  let server = await startServer({ dataDir, policies });
  expect((await server.setVendor('mixpanel', 'breached')).status).toBe(200);

  const refuse = async () => {
    for (const state of ['active', 'under_review']) {
      const refused = await server.setVendor('mixpanel', state);
      expect([state, refused.status, refused.json()['code']]).toEqual([state, 400, 'request_invalid']);
    }
    expect(codes(await server.check(QUESTION))).toEqual(['vendor_suspended']);
  };
  await refuse();
  // Nor by way of another state.
  expect((await server.setVendor('mixpanel', 'terminated')).status).toBe(200);
  await refuse();
  await server.end();
  server = await startServer({ dataDir, policies });
  await refuse();

  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const file = path.join(policies, 'vendors.yaml');
  const text = await readFile(file, 'utf8');
  const from = text.indexOf('  mixpanel:');
  const until = text.indexOf('  amplitude:');
  await writeFile(file, `${text.slice(0, from)}${text.slice(from, until).replaceAll(/issued: [\d-]+/g, `issued: ${tomorrow}`)}${text.slice(until)}`);
  expect(await server.reload()).toMatchObject({ ok: true });
  const returned = await server.setVendor('mixpanel', 'active');
  expect([returned.status, returned.json()]).toEqual([200, { state: 'active' }]);
  expect(codes(await server.check(QUESTION))).not.toContain('vendor_suspended');
});

test('J17: of catalogue and switch the worse counts; a state that ends no breach is lifted again', async () => {
  const server = await startServer({ policies: await copyPolicies({}) });
  expect((await server.setVendor('mixpanel', 'under_review')).json()).toEqual({ state: 'under_review' });
  expect((await server.check(QUESTION)).decision).toBe('review');
  expect((await server.setVendor('mixpanel', 'active')).json()).toEqual({ state: 'active' });
  const again = await server.check(QUESTION);
  expect(again.decision).toBe('allow');
  // Each change is a revision.
  expect(again.revision.number).toBe(3);
});

test('the switch refuses who may not, what is no state and what is no vendor', async () => {
  const server = await startServer();
  const post = (vendor: string, body: object, token: string | null = 'demo-admin') => server.send(`/admin/vendors/${vendor}/state`, { body, token });
  expect((await post('mixpanel', { state: 'breached' }, null)).status).toBe(401);
  expect((await post('mixpanel', { state: 'breached' }, 'demo-gateway')).json()['code']).toBe('forbidden');
  expect((await post('mixpanel', { state: 'bad' })).json()['code']).toBe('request_invalid');
  expect((await post('mixpanell', { state: 'breached' })).json()['code']).toBe('not_found');
  expect((await server.check(QUESTION)).decision).toBe('allow');
});
