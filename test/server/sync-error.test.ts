import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { endServers, missingFrom, newDataDir, QUESTION, readRecords, startLoad, startServer, until } from '../support/server.ts';
import { ROOT } from '../support/world.ts';

afterAll(endServers);

// Stands beside the server as its tracer, and gives the error instead of the system call's own answer.
const INJECT = ['strace', '-D', '-f', '-qq', '-o', '/dev/null', '--seccomp-bpf', '-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO:when=40+'];
const works = spawnSync('strace', [...INJECT.slice(1), 'true']).status === 0;

const name = 'J31: a real fdatasync that fails with EIO: 503 from then on, nothing is tried again, and what was answered is there after a restart';
// The same with an injected file layer: test/log/faults.test.ts.
(works ? test : test.skip)(works ? name : `${name} (skipped: no strace here that may trace)`, async () => {
  const dataDir = await newDataDir();
  const server = await startServer({ dataDir, under: INJECT });
  const load = startLoad(server, 8);
  await until(() => server.send('/readyz'), ({ status }) => status === 503);
  const { failures } = await load.stop();
  expect(failures).toHaveLength(8);
  expect(failures[0]).toContain('"code":"audit_unavailable"');
  for (let n = 0; n < 5; n += 1) {
    const { status, text } = await server.send('/check', { body: QUESTION });
    expect({ status, text }).toEqual({ status: 503, text: expect.stringContaining('the log can\'t be synced (EIO)') as string });
  }
  expect((await server.end()).code).toBe(0);

  const again = await startServer({ dataDir });
  await again.check();
  await again.end();
  const records = await readRecords(dataDir);
  expect(missingFrom(records, load.acknowledged)).toEqual([]);
  expect(spawnSync(process.execPath, [path.join(ROOT, 'verify.mjs'), path.join(dataDir, 'log')]).status).toBe(0);
});
