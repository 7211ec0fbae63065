import { nodeFiles } from '../../src/log/files.ts';
import { removeWorlds } from '../support/world.ts';
import { closeDropIns, openDropIn, sdkOf } from './permit-support.ts';

afterAll(async () => {
  await closeDropIns();
  await removeWorlds();
});

const ACTION = 'send-user-unique_id-pseudonymous';
const VENDOR = 'vendor:mixpanel';
const USER = 'service|telemetry';

test('what is not yet on record is no answer: the SDK\'s timeout is an error, or false; once it is, the same question is allowed', async () => {
  let free = Promise.resolve();
  const server = await openDropIn({ files: {
    ...nodeFiles,
    async open(...given) {
      const file = await nodeFiles.open(...given);
      return { ...file, datasync: async () => (await free, file.datasync()) };
    },
  } });
  const quiet = sdkOf(server, { timeout: 50, throwOnError: false });
  const strict = sdkOf(server);
  expect(await sdkOf(server, { timeout: 30_000 }).check(USER, ACTION, VENDOR)).toBe(true);

  const { promise, resolve } = Promise.withResolvers<void>();
  free = promise;
  expect(await quiet.check(USER, ACTION, VENDOR)).toBe(false);
  expect(await quiet.bulkCheck([{ user: USER, action: ACTION, resource: VENDOR }])).toEqual([]);
  expect(await quiet.getUserPermissions(USER)).toEqual({});
  await expect(strict.check(USER, ACTION, VENDOR, {}, { timeout: 50 })).rejects.toThrow(/PDP/);
  resolve();
  expect(await strict.check(USER, ACTION, VENDOR, {}, { timeout: 30_000 })).toBe(true);
  expect(await strict.getUserPermissions(USER, undefined, [VENDOR])).toHaveProperty([VENDOR]);
});
