import path from 'node:path';
import { openShipping } from '../../src/ship/shipping.ts';
import { inFolder } from '../log/support.ts';
import { until } from '../support/server.ts';

const folder = inFolder();

test('a thread that ends, again and again, is told as failures: the lag alone would not show it', async () => {
  const log = await folder.open({ dir: path.join(folder.dir(), 'log') });
  const warned: object[] = [];
  const shipping = openShipping({
    dataDir: folder.dir(), origin: log.origin, durable: () => 5, revisions: () => ({}), restartMs: 10, check: () => Promise.reject(new Error('nobody is asked')), facts: () => { throw new Error('nobody is asked'); },
    sinks: [{ name: 'warehouse', type: 'postgres', vendor: 'v', environment: 'e', host: 'db.example', port: 5432, database: 'd', user: 'u', caFile: path.join(folder.dir(), 'gone.pem') }],
    logger: { info() {}, warn: (members) => warned.push(members) },
  });
  await until(async () => shipping.status()[0]!.failures, (failures) => failures! > 1);
  expect(shipping.status()).toMatchObject([{ sink: 'warehouse', problem: expect.stringContaining('gone.pem: can\'t be read (ENOENT)') as string, lagRecords: 5 }]);
  await shipping.close();
  expect(warned[0]).toEqual({ reason: expect.stringContaining('gone.pem') as string });
});
