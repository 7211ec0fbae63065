import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { endServers, missingFrom, newDataDir, QUESTION, readRecords, startServer, until, type Acknowledged } from '../support/server.ts';
import { ROOT } from '../support/world.ts';

afterAll(endServers);

const LIMIT = 80;
const limits = spawnSync('sh', ['-c', `ulimit -n ${LIMIT}`]).status === 0;

(limits ? test : test.skip)('J31: a server that has no descriptor left, since others hold its connections open, goes on by itself when it has some again', async () => {
  const dataDir = await newDataDir();
  const server = await startServer({ dataDir, under: ['sh', '-c', `ulimit -n ${LIMIT}; exec "$@"`, 'sh'] });
  const acknowledged: Acknowledged[] = [];
  const ask = async () => {
    const { decisionId, log: { index } } = await server.check();
    acknowledged.push({ decisionId, index });
  };
  await ask();
  // One connection that is kept, to ask on while no other is taken.
  const asking = connect(server.port, '127.0.0.1');
  await once(asking, 'connect');
  const body = JSON.stringify(QUESTION);
  let answers = '';
  asking.setEncoding('utf8').on('data', (text: string) => { answers += text; });
  const askOn = () => asking.write(`POST /check HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer demo-gateway\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  const answered = () => answers.split(/(?=HTTP\/1\.1 )/).filter((one) => one.includes('"decisionId"') || one.includes('"code"')).length;
  const others: Socket[] = [];
  const crowd = (count: number) => others.push(...Array.from({ length: count }, () => connect(server.port, '127.0.0.1').on('error', () => {})));
  crowd(LIMIT);
  // What is on record is answered, though no file can be opened to sign for it.
  let asked = 0;
  await until(async () => {
    asked += 1;
    crowd(4); // what another part lets go of is taken
    askOn();
    await until(async () => answered(), (count) => count === asked);
    return server.output();
  }, (output) => output.includes('checkpoints can\'t be written (EMFILE): they go on when this process has fewer files and connections open'));
  expect(answers.match(/HTTP\/1\.1 200 /g)).toHaveLength(asked);

  for (const socket of others) socket.destroy();
  await until(async () => (await server.send('/readyz').catch(() => undefined))?.status, (status) => status === 200);
  await ask();
  // A checkpoint covers what was written meanwhile.
  await until(() => server.send('/log/checkpoint', { token: 'demo-auditor' }), ({ status, text }) => status === 200 && Number(text.split('\n')[1]) > acknowledged.at(-1)!.index);
  asking.destroy();
  expect(await server.end()).toMatchObject({ code: 0 });
  expect(missingFrom(await readRecords(dataDir), acknowledged)).toEqual([]);
  expect(spawnSync(process.execPath, ['verify.mjs', path.join(dataDir, 'log')], { cwd: ROOT }).status).toBe(0);
});
