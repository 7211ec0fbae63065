import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { endServers, failToStart, makeFolder, newDataDir, startServer, until } from '../support/server.ts';

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

test('F10: a data directory as fsGroup leaves it starts, with one warning that names what is open', async () => {
  const dataDir = await newDataDir();
  await (await startServer({ dataDir })).end();
  execFileSync('chmod', ['-R', 'g+rwX', dataDir]);
  execFileSync('find', [dataDir, '-type', 'd', '-exec', 'chmod', 'g+s', '{}', '+']);
  const { check, end } = await startServer({ dataDir });
  expect((await check()).decision).toBe('deny');
  const { code, stderr } = await end();
  const warnings = stderr.split('\n').filter((line) => line.includes('a group of this process'));
  expect(code).toBe(0);
  expect(warnings).toHaveLength(1);
  expect(JSON.parse(warnings[0]!)).toMatchObject({ level: 40, paths: expect.arrayContaining([dataDir, path.join(dataDir, 'log'), path.join(dataDir, 'keys'), path.join(dataDir, 'keys', 'log.key'), path.join(dataDir, 'keys', 'names.key')]) });
});

const isRoot = process.geteuid?.() === 0 && spawnSync('setpriv', ['--version']).error === undefined;

// As in a pod: another user each time, root's files, the group of the volume.
(isRoot ? test : test.skip)('F10: another user of the volume\'s group serves from what root has left, and the next one from that', async () => {
  const dataDir = await newDataDir();
  const first = await startServer({ dataDir });
  const { log: { index } } = await first.check();
  await first.end();
  for (const uid of [65_532, 65_533]) {
    execFileSync('chown', ['-R', ':20000', dataDir]);
    execFileSync('chmod', ['-R', 'g+rwX', dataDir]);
    execFileSync('find', [dataDir, '-type', 'd', '-exec', 'chmod', 'g+s', '{}', '+']);
    const server = await startServer({ dataDir, under: ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--groups=20000', '--'] });
    expect((await server.check()).log.index).toBeGreaterThan(index);
    expect(await server.reload()).toMatchObject({ ok: true });
    expect((await server.setVendor('segment', 'under_review')).status).toBe(200);
    await until(() => server.send('/decisions?limit=1', { token: 'demo-auditor' }), ({ status }) => status === 200);
    const { code, stderr } = await server.end();
    expect([code, stderr.split('\n').filter((line) => /"level":[56]0/.test(line))]).toEqual([0, []]);
  }
}, 60_000);

test.each([
  ['the data directory', '', 0o777, /read and changed by others \(mode 0777\): chmod 700 it; or name a folder in it, .*SLUICE_DATA_DIR=.*\/sluice/],
  ['the data directory', '', 0o755, /read by others \(mode 0755\): chmod 700 it/],
  ['the log', 'log', 0o777, /\/log: can be changed by others \(mode 0777\): chmod 700 it/],
  ['the keys', 'keys', 0o703, /\/keys: can be changed by others \(mode 0703\): chmod 700 it/],
] as const)('F27: %s open to others (%s, %i) keeps it from starting, with what to write', async (_name, folder, mode, says) => {
  const dataDir = await newDataDir();
  mkdirSync(path.join(dataDir, folder), { recursive: true });
  chmodSync(path.join(dataDir, folder), mode);
  const exit = await failToStart({ dataDir });
  expect(exit).toMatchObject({ code: 1, stdout: '' });
  expect(exit.stderr).toMatch(says);
});

test('F27: what an earlier program made of bundles/ by its umask is shut, and no obstacle', async () => {
  const dataDir = await newDataDir();
  chmodSync(path.join(dataDir, 'bundles'), 0o777);
  const { end } = await startServer({ dataDir });
  expect((await end()).code).toBe(0);
  expect(statSync(path.join(dataDir, 'bundles')).mode & 0o777).toBe(0o700);
});
