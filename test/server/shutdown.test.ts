import { once } from 'node:events';
import { connect } from 'node:net';
import { endServers, missingFrom, QUESTION, readRecords, startLoad, startServer, until } from '../support/server.ts';

afterAll(endServers);

test('SIGTERM under load: readyz turns 503, every question under way is answered and recorded, exit 0, the last record is stop', async () => {
  const server = await startServer({ env: { SLUICE_DRAIN_SECONDS: '1' } });
  const load = startLoad(server);
  await until(async () => load.acknowledged.length, (count) => count > 50);
  server.kill('SIGTERM');
  const unready = await until(() => server.send('/readyz'), ({ status }) => status === 503);
  expect(unready.json()).toEqual({ status: 'not_ready', reasons: ['draining'] });
  expect((await server.send('/livez')).status).toBe(200);
  // As a balancer does, it now sends nothing more.
  expect(await load.stop()).toEqual({ failures: [] });

  expect(await server.exited).toMatchObject({ code: 0, signal: null });
  const records = await readRecords(server.dataDir);
  expect(missingFrom(records, load.acknowledged)).toEqual([]);
  expect(records.at(-1)!.kind).toBe('stop');
});

test('a question whose body is still on its way when the server stops to listen gets its answer', async () => {
  const server = await startServer();
  const body = JSON.stringify(QUESTION);
  const socket = connect(server.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  const closed = once(socket.on('data', (chunk) => chunks.push(chunk)), 'close');
  socket.write([
    'POST /check HTTP/1.1', 'Host: localhost', 'Authorization: Bearer demo-gateway', 'Content-Type: application/json', `Content-Length: ${body.length}`, 'Expect: 100-continue', '', body.slice(0, 40),
  ].join('\r\n'));
  // Its headers have been read once there is an answer, even of a hundred.
  await until(async () => Buffer.concat(chunks).length, (length) => length > 0);
  server.kill('SIGTERM');
  await until(() => server.send('/livez').then(() => 'listens', (error: NodeJS.ErrnoException) => error.code), (state) => state === 'ECONNREFUSED');
  socket.write(body.slice(40));

  expect(await closed).toEqual([false]);
  const text = Buffer.concat(chunks).toString('utf8');
  expect(text).toMatch(/HTTP\/1\.1 200 OK\r\n/);
  expect(text).toMatch(/\r\nConnection: close\r\n/);
  expect(await server.exited).toMatchObject({ code: 0 });
  const records = await readRecords(server.dataDir);
  expect(records.slice(-2).map(({ kind }) => kind)).toEqual(['decision', 'stop']);
  expect(text).toContain(records.at(-2)!['decisionId']);
});

test('a second SIGTERM waits no longer', async () => {
  const server = await startServer({ env: { SLUICE_DRAIN_SECONDS: '600' } });
  server.kill('SIGTERM');
  await until(() => server.send('/readyz'), ({ status }) => status === 503);
  expect(await server.end('SIGTERM')).toMatchObject({ code: 0 });
});
