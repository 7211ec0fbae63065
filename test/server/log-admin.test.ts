import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openDataDir } from '../../src/datadir/datadir.ts';
import { openLog } from '../../src/log/log.ts';
import { endServers, makeFolder, metric, newDataDir, QUESTION, startServer, until, type RunningServer } from '../support/server.ts';
import { ROOT } from '../support/world.ts';

afterAll(endServers);

const OCTOBER = Date.UTC(2026, 9, 1);
const ULID = (n: number) => String(n).padStart(26, '0');

/** A data directory whose log began in October: 1,500 records in small segments. */
async function oldDataDir(): Promise<string> {
  const dataDir = await newDataDir();
  const held = await openDataDir(dataDir, () => OCTOBER);
  const log = await openLog({ dir: path.join(dataDir, 'log'), keysDir: path.join(dataDir, 'keys'), now: () => OCTOBER, maxSegmentBytes: 50_000 });
  await Promise.all(Array.from({ length: 1500 }, (_, n) => log.append({ kind: 'decision', members: `"decisionId":"${ULID(n)}","caller":"old","identity":"service:telemetry","vendor":"mixpanel","decision":"deny","expiresAt":null` }).durable));
  await log.close();
  held.close();
  return dataDir;
}

const act = (server: RunningServer, name: string, body: object = {}, token = 'demo-admin') => server.send(`/admin/log/${name}`, { body, token });
const verify = (dataDir: string, vkey: string) => {
  const { status, stdout } = spawnSync(process.execPath, [path.join(ROOT, 'verify.mjs'), path.join(dataDir, 'log'), '--vkey', vkey], { encoding: 'utf8' });
  return { status, stdout };
};
const vkeyOf = (dataDir: string) => readFileSync(path.join(dataDir, 'log', 'log.vkey'), 'utf8').trim();
const segments = (dataDir: string) => readdirSync(path.join(dataDir, 'log', 'segments')).length;
const page = async (server: RunningServer, query: string) => (await until(() => server.send(`/decisions?${query}`, { token: 'demo-auditor' }), ({ status }) => status === 200)).json() as { records: { index: number; kind: string }[]; next: string | null };

test('old segments are pruned while questions are answered; the log verifies, and what is left is read', async () => {
  const dataDir = await oldDataDir();
  const vkey = vkeyOf(dataDir);
  const server = await startServer({ dataDir });
  expect((await page(server, 'order=oldest&limit=1')).records).toMatchObject([{ index: 0 }]);
  const before = segments(dataDir);
  const [pruned] = await Promise.all([act(server, 'prune', { before: '2026-10-02' }), server.check(), act(server, 'prune', { before: '2026-10-02' })]);
  const { from, to, segments: gone } = pruned.json() as { from: number; to: number; segments: number };
  expect({ status: pruned.status, from, gone: gone > 2, left: before - segments(dataDir) }).toEqual({ status: 200, from: 0, gone: true, left: gone });
  expect(to).toBeGreaterThan(1000);

  expect((await page(server, 'order=oldest&limit=1')).records).toMatchObject([{ index: to }]);
  expect((await page(server, 'order=oldest&caller=old&limit=1000')).records).toHaveLength(1500 - to);
  expect((await page(server, 'order=newest&caller=old&limit=1000')).records).toHaveLength(1500 - to);
  expect((await server.send(`/decisions/${ULID(5)}`, { token: 'demo-auditor' })).status).toBe(404);
  // Of a record that only an archive has its place is enough.
  const proofOf = async (id: string) => server.send(`/decisions/${id}/proof`, { token: 'demo-auditor' });
  expect(await proofOf('5')).toMatchObject({ status: 200, text: expect.stringMatching(/^c2sp\.org\/tlog-proof@v1\nindex 5\n/) as string });
  for (const id of [ULID(5), '99999999', '-5', '05']) expect((await proofOf(id)).status).toBe(404);
  const acts = (await page(server, 'kind=config_changed&kind=pruned&order=oldest')).records;
  expect(acts).toMatchObject([{ kind: 'config_changed', log: 'prune', before: '2026-10-02T00:00:00.000Z', caller: 'demo-admin' }, { kind: 'pruned', from: 0, to }, { kind: 'config_changed', log: 'prune' }]);
  await server.check();
  await server.end();
  expect(verify(dataDir, vkey)).toMatchObject({ status: 0, stdout: expect.stringContaining('pruned') as string });
  const again = await startServer({ dataDir });
  await again.check();
  await again.end();
  expect(verify(dataDir, vkey).status).toBe(0);
});

test('both keys are changed while questions are answered: the first public key still leads to the last', async () => {
  const server = await startServer();
  const first = vkeyOf(server.dataDir);
  const unknown = async () => {
    const { log: { index } } = await server.check({ ...QUESTION, vendor: 'unheard-of' });
    return ((await page(server, `caller=demo-gateway&order=newest&limit=1`)).records.find((record) => record.index === index) as unknown as { vendor: string }).vendor;
  };
  const before = await unknown();
  const rotated = await act(server, 'rotate-key');
  expect(rotated.status).toBe(200);
  const { vkey } = rotated.json() as { vkey: string };
  expect(vkey).not.toBe(first);
  expect((await act(server, 'rotate-names-key')).status).toBe(200);
  const after = await unknown();
  expect([before, after].map((name) => /^\?[0-9a-f]{16}$/.test(name))).toEqual([true, true]);
  expect(after).not.toBe(before);
  expect((await page(server, 'kind=key_rotated&kind=names_key_rotated&kind=config_changed&order=oldest')).records.map(({ kind }) => kind)).toEqual(['config_changed', 'key_rotated', 'config_changed', 'names_key_rotated']);
  await server.end();
  expect(verify(server.dataDir, first).status).toBe(0);
});

test('only who has the power acts, and only with a body that says what is known', async () => {
  const server = await startServer();
  for (const name of ['prune', 'rotate-key', 'rotate-names-key']) {
    expect((await act(server, name, {}, 'demo-gateway')).status).toBe(403);
    expect((await act(server, name, { force: true })).status).toBe(400);
  }
  const message = async (body: object) => (await act(server, 'prune', body)).json()['message'];
  expect(await message({})).toBe('say before which date, as {"before": "2026-01-31"}, or set SLUICE_LOG_KEEP_DAYS');
  for (const before of ['yesterday', '2026-02-31', '2026-01-31T24:00:00Z', 5]) expect(await message({ before })).toContain('before must be a date such as');
  expect(await message({ before: new Date(Date.now() + 86_400_000).toISOString() })).toBe('before must not be in the future');
  await server.end();
});

test('SLUICE_LOG_KEEP_DAYS is the date where none is named; what a sink has not got stays', async () => {
  const sinks = path.join(await makeFolder(), 'sinks.yaml');
  writeFileSync(sinks, 'sinks: { siem: { type: opa, vendor: datadog, environment: production, url: "http://127.0.0.1:9" } }\n');
  const dataDir = await oldDataDir();
  const behind = await startServer({ dataDir, env: { SLUICE_SINKS_FILE: sinks, SLUICE_LOG_KEEP_DAYS: '1' } });
  const refused = async () => expect((await act(behind, 'prune')).json()).toMatchObject({ code: 'request_invalid', message: expect.stringContaining('siem still lacks records') as string });
  await refused(); // before the sink has told anything
  await until(() => metric(behind, 'sluice_ship_held{sink="siem"}'), (held) => held === 1);
  await refused();
  await behind.end();
  const server = await startServer({ dataDir, env: { SLUICE_LOG_KEEP_DAYS: '1' } });
  expect((await act(server, 'prune')).json()).toMatchObject({ from: 0 });
  expect(segments(dataDir)).toBeLessThan(4);
  await server.end();
});

test('F14: with SLUICE_LOG_PRUNE=auto what is too old goes by itself, on record; what a sink lacks stays', async () => {
  const sinks = path.join(await makeFolder(), 'sinks.yaml');
  writeFileSync(sinks, 'sinks: { siem: { type: opa, vendor: datadog, environment: production, url: "http://127.0.0.1:9" } }\n');
  const dataDir = await oldDataDir();
  const before = segments(dataDir);
  const vkey = vkeyOf(dataDir);
  const auto = { SLUICE_LOG_KEEP_DAYS: '1', SLUICE_LOG_PRUNE: 'auto' };
  const behind = await startServer({ dataDir, env: { ...auto, SLUICE_SINKS_FILE: sinks } });
  await until(async () => behind.output(), (text) => text.includes('was not pruned: sinks still lack it'));
  expect(segments(dataDir)).toBeGreaterThanOrEqual(before);
  await behind.end();

  const server = await startServer({ dataDir, env: auto });
  await until(async () => server.output(), (text) => text.includes('were pruned'));
  expect((await page(server, 'kind=config_changed&kind=pruned&order=oldest')).records).toMatchObject([{ kind: 'config_changed', log: 'prune', caller: 'sluice' }, { kind: 'pruned', from: 0 }]);
  expect(segments(dataDir)).toBeLessThan(before);
  await server.end();
  expect(verify(dataDir, vkey).status).toBe(0);

  // Nothing is due: nothing is recorded.
  const later = await startServer({ dataDir, env: auto });
  await later.check();
  expect((await page(later, 'kind=config_changed&kind=pruned')).records).toHaveLength(2);
  await later.end();
}, 60_000);

test('the disk of the log and the lag of its index are measured', async () => {
  const server = await startServer();
  await server.check();
  const used = await until(() => metric(server, 'sluice_disk_used_ratio'), (value) => value! > 0);
  expect(used).toBeLessThan(1);
  expect(await metric(server, 'sluice_disk_free_bytes')).toBeGreaterThan(1e6);
  await until(() => metric(server, 'sluice_log_index_lag_records'), (lag) => lag === 0);
  expect(await metric(server, 'sluice_log_index_failed')).toBe(0);
  await server.end();
});
