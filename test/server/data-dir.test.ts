import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { endServers, failToStart, makeFolder, newDataDir, startServer } from '../support/server.ts';

afterAll(endServers);

test('a second server on one data directory ends with 1 and names it; after kill -9 of the first a new one starts at once', async () => {
  const dataDir = await newDataDir();
  const first = await startServer({ dataDir });
  const second = await failToStart({ dataDir });
  expect(second).toMatchObject({ code: 1, stdout: '' });
  expect(second.stderr).toMatch(/^sluice: .*another Sluice is using this data directory.*\n$/);
  expect(second.stderr).toContain(dataDir);

  const before = await first.check();
  await first.end('SIGKILL');
  const third = await startServer({ dataDir });
  const after = await third.check();
  expect(after.revision.number).toBe(before.revision.number);
  expect(after.log.index).toBeGreaterThan(before.log.index);
});

test('J31: a data directory that can not be written: exit 1, one message that names it, no stack', async () => {
  const file = path.join(await makeFolder(), 'file');
  await writeFile(file, '');
  const dataDir = path.join(file, 'data');
  const exit = await failToStart({ dataDir });
  expect(exit).toMatchObject({ code: 1, stdout: '' });
  expect(exit.stderr).toMatch(/^sluice: .*\n$/);
  expect(exit.stderr).toContain(`${dataDir}: the data directory can't be written`);
});
