// Files of Permit's content on disk that can't be trusted, and answers of Permit's that can't.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { closeEmulators, FACTS } from '../emulators/harness.ts';
import { endServers, until } from '../support/server.ts';
import { act, administered, QUESTION, revoke, statusOf, type Administered } from './permit-support.ts';

afterAll(async () => {
  await endServers();
  await closeEmulators();
});

const ready = async ({ server }: Pick<Administered, 'server'>) => until(() => server.send('/readyz'), ({ status }) => status === 200);
const folderOf = ({ dataDir }: Administered, environment = 'production') => path.join(dataDir, 'permit', environment);
const filesOf = async (world: Administered, environment?: string) => (await readdir(folderOf(world, environment))).filter((name) => name.endsWith('.ndjson')).sort().map((name) => path.join(folderOf(world, environment), name));

const DAMAGES: readonly (readonly [string, (world: Administered) => Promise<void>])[] = [
  ['tampered', async (world) => {
    const [file] = await filesOf(world);
    await writeFile(file!, (await readFile(file!, 'utf8')).replaceAll('support_agent', 'dashboard_telemetry'));
  }],
  ['truncated', async (world) => {
    const [file] = await filesOf(world);
    const text = await readFile(file!, 'utf8');
    await writeFile(file!, text.slice(0, text.length / 2));
  }],
  ['of another environment', async (world) => {
    const [[own], [other]] = [await filesOf(world), await filesOf(world, 'staging')];
    await writeFile(own!, await readFile(other!));
  }],
  ['gone', async (world) => rm((await filesOf(world))[0]!)],
];

test.each(DAMAGES)('%s: the file is refused, nothing decides before Permit was read, and the reason is told', async (_, damage) => {
  const world = await administered();
  await ready(world);
  await world.server.end();
  await damage(world);
  world.emulator.faults.add({ kind: 'status', status: 503 });
  const server = await world.again();
  expect((await server.send('/readyz')).status).toBe(503);
  expect((await server.send('/check', { body: QUESTION })).status).toBe(503);
  expect((await server.check({ ...QUESTION, environment: 'staging' })).decision).toBe('allow');
  expect((await statusOf(server)).refused).toEqual(expect.stringContaining(path.join('permit', 'production')));
  world.emulator.faults.clear();
  await ready({ server });
  expect((await server.check(QUESTION)).decision).toBe('allow');
});

test('rolled back by hand: an older generation in the place of the newer is refused', async () => {
  const world = await administered();
  await ready(world);
  revoke(world.emulator);
  await until(() => world.server.check(QUESTION), ({ decision }) => decision === 'deny');
  await world.server.end();
  const [older, newer] = await filesOf(world);
  await writeFile(newer!, await readFile(older!));
  world.emulator.faults.add({ kind: 'hang' });
  const server = await world.again();
  expect((await server.send('/check', { body: QUESTION })).status).toBe(503);
});

test('lists that are emptied by a bad answer change nothing; emptied in truth they deny', async () => {
  const world = await administered();
  await ready(world);
  const before = (await statusOf(world.server)).active!;
  world.emulator.faults.add({ kind: 'emptied', path: '/v2/facts/*/*/role_assignments', times: 3 });
  await until(() => statusOf(world.server), ({ active }) => active!.ageMs < 500); // a later, good read
  expect((await statusOf(world.server)).active!.digest).toBe(before.digest);
  expect((await world.server.check(QUESTION)).decision).toBe('allow');

  for (const { user, role, tenant, resource_instance: instance } of world.emulator.act({ method: 'GET', url: `${FACTS}/role_assignments?per_page=100` }) as readonly Record<string, string>[]) {
    world.emulator.act({ method: 'DELETE', url: `${FACTS}/role_assignments`, body: { user, role, ...(instance === null ? { tenant } : { resource_instance: instance }) } });
  }
  const denied = await until(() => world.server.check(QUESTION), ({ decision }) => decision !== 'allow');
  expect(denied.decision).toBe('deny');
});

test('a webhook only hints: its body is not believed', async () => {
  const world = await administered({ env: { SLUICE_PERMIT_POLL_SECONDS: '3600' } });
  await ready(world);
  revoke(world.emulator);
  expect((await world.server.send('/admin/sync/production/poll', { body: { allow: 'everything' }, token: 'demo-admin' })).status).toBe(200);
  expect((await until(() => world.server.check(QUESTION), ({ decision }) => decision !== 'allow')).decision).toBe('deny');
  expect((await act(world.server, { action: 'poll' })).status).toBe(200);
});
