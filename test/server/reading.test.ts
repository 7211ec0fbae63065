import { rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { endServers, newDataDir, readRecords, startServer, until, type RunningServer } from '../support/server.ts';

afterAll(endServers);

const read = async (server: RunningServer, query: string) => {
  const received = await server.send(`/decisions${query}`, { token: 'demo-auditor' });
  return { status: received.status, body: received.json() };
};

test('issue 6.3: demo-auditor reads what was decided, and demo-gateway does not', async () => {
  const server = await startServer();
  const { decisionId } = await server.check();
  const { status, body } = await read(server, '?vendor=mixpanel&category=system.tenant.org_id&decision=deny');
  expect({ status, body }).toMatchObject({ status: 200, body: { records: [{ decisionId, identity: 'service:telemetry' }], next: null } });
  expect((await server.send(`/decisions/${decisionId}`, { token: 'demo-auditor' })).json()).toMatchObject({ decisionId });
  expect((await server.send('/decisions')).status).toBe(403);
  await server.end();
  const kinds = (await readRecords(server.dataDir)).map(({ kind }) => kind);
  expect(kinds.filter((kind) => ['log_read', 'refused'].includes(kind))).toEqual(['log_read', 'log_read', 'refused']);
  expect(statSync(path.join(server.dataDir, 'index', 'log.sqlite')).mode & 0o777).toBe(0o600);
});

test('without an index checks go on and the log is not read; after a kill the index goes on', async () => {
  const dataDir = await newDataDir();
  writeFileSync(path.join(dataDir, 'index'), 'no folder');
  const server = await startServer({ dataDir });
  await server.check();
  expect(await until(() => read(server, ''), ({ status }) => status === 503)).toMatchObject({ body: { code: 'not_ready', message: expect.stringContaining('its index can\'t be kept') as string } });
  await server.check();
  await server.end('SIGKILL');
  rmSync(path.join(dataDir, 'index'));
  const second = await startServer({ dataDir });
  await second.check();
  expect((await until(() => read(second, ''), ({ status }) => status === 200)).body['records']).toHaveLength(3);
  await second.end('SIGKILL');
  const third = await startServer({ dataDir });
  expect((await until(() => read(third, ''), ({ status }) => status === 200)).body['records']).toHaveLength(3);
});
