import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { leafHash } from '../../src/core/tlog/merkle.ts';
import { readFileSync, readdirSync } from 'node:fs';
import type { Shipped } from '../../src/ship/sinks/sink.ts';
import { openNames } from '../../src/datadir/names.ts';
import { openLogService, type LogService } from '../support/log-service.ts';
import { describePostgres, startPostgres, type Postgres } from '../support/postgres.ts';
import { endServers, failToStart, makeFolder, metric, newDataDir, QUESTION, readRecords, startLoad, startServer, until, type RunningServer } from '../support/server.ts';
import { copyPolicies, removeWorlds } from '../support/world.ts';

const services: LogService[] = [];
afterAll(async () => {
  await endServers();
  await removeWorlds();
  await Promise.all(services.splice(0).map((service) => service.close()));
});

async function openService(): Promise<LogService> {
  const service = await openLogService();
  services.push(service);
  return service;
}

async function sinksFile(sinks: object): Promise<string> {
  const file = path.join(await makeFolder(), 'sinks.yaml');
  writeFileSync(file, stringify({ sinks }));
  return file;
}

/** How often the faults are repeated: see `make soak`. */
const SOAK = Number(process.env['SLUICE_SOAK'] ?? 1);

const lagOf = (server: RunningServer, sink: string) => metric(server, `sluice_ship_lag_records{sink="${sink}"}`);
/** However much there is, as long as it becomes less. */
async function shippedAll(server: RunningServer, sink: string): Promise<void> {
  for (let left = Infinity; left > 0;) left = (await until(() => lagOf(server, sink), (lag) => lag! < left))!;
}
const REPORT = { identity: 'user:sam', vendor: 'intercom', environment: 'production', event: 'account.report', about: 'account:A1', fields: ['plan', 'seats_used'], aggregate: { groupBy: ['plan'], minCell: 25 } };

test('R67: a copy for Datadog is an egress like any other: with a tenant\'s id it is denied, and so nothing leaves', async () => {
  const service = await openService();
  const server = await startServer({ env: { SLUICE_SINKS_FILE: await sinksFile({ siem: { type: 'opa', vendor: 'datadog', environment: 'production', url: service.url } }) } });
  await server.check(REPORT);
  await until(() => metric(server, 'sluice_ship_held{sink="siem"}'), (held) => held === 1);
  expect(await lagOf(server, 'siem')).toBeGreaterThan(3);
  expect(server.output()).toContain('records of kind start: v, index, origin, kind, time, leaf may not leave: no_permit (default-deny)');
  const answer = await server.check({ identity: 'service:sluice', vendor: 'datadog', environment: 'production', event: 'sluice.decision_record', fields: ['index', 'about'] });
  expect(answer).toMatchObject({ decision: 'deny', fields: { about: { effect: 'deny', category: 'system.tenant.account_id' } } });
  expect(answer.reasons.map(({ code, rule }) => `${code} ${rule}`)).toContain('forbidden_category tenant-ids-stay-home');
  await server.end();
  expect(service.uploads()).toBe(0);
  const questions = (await readRecords(server.dataDir)).filter(({ caller }) => caller === 'sluice');
  expect(questions.map(({ identity, vendor, decision }) => [identity, vendor, decision])).toEqual(questions.map(() => ['service:sluice', 'datadog', 'deny']));
  expect(questions.length).toBeLessThan(8); // once a kind, not once a record
});

test('at home every member of every kind of record leaves but what nobody declared, and standard output has nothing else', async () => {
  const server = await startServer({ env: { SLUICE_SINKS_FILE: await sinksFile({ out: { type: 'stdout', vendor: 'internal-obs', environment: 'production' } }) } });
  await server.check(REPORT);
  await server.check({ ...QUESTION, identity: 'user:nobody', onBehalfOf: 'user:sam', vendor: 'unheard-of', dataSubject: { region: 'US' }, rows: 5 });
  await server.send('/check', { body: QUESTION, token: 'demo-staging', headers: { 'x-request-id': 'r-1' } });
  await server.send('/permitted', { body: { identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production' } });
  await server.send('/decisions?identity=user:sam&vendor=intercom&limit=1', { token: 'demo-auditor' });
  await server.send('/decisions/export?format=csv', { token: 'demo-auditor' });
  await server.send('/log/checkpoint', { token: 'demo-auditor' });
  await server.setVendor('amplitude', 'under_review');
  await server.reload();
  await shippedAll(server, 'out');
  const { stdout, stderr } = await server.end();
  const lines = stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line) as Shipped);
  const records = await readRecords(server.dataDir);
  expect(lines.map(({ index, kind }) => [index, kind])).toEqual(records.slice(0, lines.length).map(({ index, kind }) => [index, kind]));
  expect(new Set(lines.map(({ kind }) => kind))).toEqual(new Set(['start', 'bundle_activated', 'snapshot_activated', 'input', 'decision', 'refused', 'permitted', 'log_read', 'vendor_state']));
  expect(lines.flatMap(({ kind, withheld }) => withheld.map((member) => `${kind} ${member}`))).toEqual([]);
  for (const { index, record } of lines) {
    const { leaf: _, ...left } = record;
    expect(left).toEqual(withoutEmpty(records[index]));
  }
  expect(stderr).toContain('Sluice listens on');
});

/** As a record is shipped: an empty object or list that nobody has declared says nothing. */
function withoutEmpty(record: unknown): unknown {
  const shape = structuredClone(record) as { shape?: { views: { input: { identity: { attributes?: object }; context?: object } }[] } };
  for (const { input } of shape.shape?.views ?? []) {
    expect([input.identity.attributes, input.context]).toEqual([{}, {}]);
    delete input.identity.attributes;
    delete input.context;
  }
  return JSON.parse(JSON.stringify(shape, (_, value: unknown) => value)) as unknown;
}

describe('a vendor that may have some of it', () => {
  const CLAIMS = Object.fromEntries(Object.entries({ dpa: true, transfer_basis: { type: 'SCC', covers_subprocessors: true }, trains_on_data: false, breach_notice_hours: 24, retention_days: 30 })
    .map(([name, value]) => [name, { value, evidence: 'example', issued: '2026-01-01', expires: '2036-12-31' }]));
  const grant = (id: string, more: object) => ({ [id]: { role: 'decision_log', vendors: ['siem'], purposes: ['essential.service.security'], ...more } });
  const WORLD = {
    'vendors/siem.yaml': { vendors: { siem: { name: 'A SIEM', party: 'third', categories: ['observability'], hosts: ['siem.example'], regions: ['EU'], claims: CLAIMS } } },
    'grants/siem.yaml': { grants: {
      ...grant('siem-outcomes', { categories: ['system.audit.*', 'system.operations.timestamp', 'user.unique_id.pseudonymous'] }),
      ...grant('siem-users', { categories: ['user.unique_id.account'], effect: 'transform', obligations: [{ op: 'hmac' }] }),
    } },
  };
  const start = async (service: LogService, policies: string, dataDir: string) => startServer({
    policies, dataDir, env: { SLUICE_SINKS_FILE: await sinksFile({ siem: { type: 'opa', vendor: 'siem', environment: 'production', url: service.url } }) },
  });

  test('gets users as keyed hashes, no tenant and no request id, and the leaf by which each record is proved', async () => {
    const service = await openService();
    const server = await start(service, await copyPolicies(WORLD), await newDataDir());
    const { log: { index } } = await server.check(REPORT);
    await server.send('/check', { body: QUESTION, headers: { 'x-request-id': 'r-1' } });
    // Who reads the log names whom it looks for, and so do its records.
    await server.send('/decisions?identity=user:sam&onBehalfOf=user:sam&requestId=r-1', { token: 'demo-auditor' });
    await server.send('/check', { body: { ...REPORT, identity: 'agent:copilot', onBehalfOf: 'user:sam' }, token: 'demo-gateway' });
    await shippedAll(server, 'siem');
    await server.end();
    const event = service.events.find(({ labels }) => labels['index'] === String(index))!;
    expect(event.input).toMatchObject({ identity: expect.stringMatching(/^\?[0-9a-f]{16}$/) as string, vendor: 'intercom', event: 'account.report' });
    expect(event).toMatchObject({ path: 'egress/decision', requested_by: 'demo-gateway', result: { decision: 'allow' }, erased: ['/result/requestId', '/input/about'], masked: ['/input/identity'] });
    expect(JSON.stringify(service.events)).not.toMatch(/user:sam|account:A1|r-1/);
    // A hash of this vendor's own: two vendors can't compare what they have, nor with what the log itself hashes.
    const names = openNames(path.join(server.dataDir, 'keys', 'names.key'), false);
    expect([event.input['identity'], event.input['identity'] === names.hash('user:sam')]).toEqual([names.hash('siem\nuser:sam'), false]);
    const [segment] = readdirSync(path.join(server.dataDir, 'log', 'segments'));
    const line = readFileSync(path.join(server.dataDir, 'log', 'segments', segment!), 'utf8').split('\n')[index]!;
    expect(event.labels['leaf']).toBe(leafHash(Buffer.from(line)).toString('hex'));
  });

  test('that is breached gets nothing more from that moment, and what waited when it is trusted again', async () => {
    const service = await openService();
    const policies = await copyPolicies(WORLD);
    const server = await start(service, policies, await newDataDir());
    await shippedAll(server, 'siem');
    await server.setVendor('siem', 'breached');
    await until(() => metric(server, 'sluice_ship_held{sink="siem"}'), (held) => held === 1);
    const had = service.events.length;
    await server.check();
    await until(() => lagOf(server, 'siem'), (lag) => lag! > 3);
    expect(service.events).toHaveLength(had);
    const today = new Date(Date.now() + 1000).toISOString();
    const renewed = Object.fromEntries(Object.entries(CLAIMS).map(([name, claim]) => [name, { ...claim as object, issued: today }]));
    await until(async () => Date.now(), (now) => now > Date.parse(today));
    writeFileSync(path.join(policies, 'vendors', 'siem.yaml'), stringify({ vendors: { siem: { ...WORLD['vendors/siem.yaml'].vendors.siem, claims: renewed } } }));
    expect(await server.reload()).toMatchObject({ ok: true });
    expect((await server.setVendor('siem', 'active')).status).toBe(200);
    await shippedAll(server, 'siem');
    await server.end();
    const indexes = service.events.map(({ labels }) => Number(labels['index']));
    expect(indexes).toEqual(indexes.map((_, index) => index));
  });
});

describePostgres('PostgreSQL', () => {
  let postgres: Postgres;
  beforeAll(async () => { postgres = await startPostgres(); });
  afterAll(() => postgres.end());

  const start = async (dataDir: string, table: string) => startServer({
    dataDir, env: { SLUICE_SINKS_FILE: await sinksFile({ warehouse: {
      type: 'postgres', vendor: 'internal-obs', environment: 'production', table, host: '127.0.0.1', port: postgres.options.port, database: 'postgres', user: 'sluice', passwordFile: postgres.passwordFile,
    } }) },
  });
  const rowsOf = async (table: string) => (await postgres.query<{ index: string; kind: string; id: string | null }>(`SELECT index, kind, record->>'decisionId' AS id FROM ${table} ORDER BY index`))
    .map(({ index, kind, id }) => ({ index: Number(index), kind, id }));
  const countOf = async (table: string) => Number((await postgres.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`).catch(() => []))[0]?.n ?? 0);
  const wanted = async (dataDir: string, upTo: number) => (await readRecords(dataDir)).slice(0, upTo).map((record) => ({ index: record.index, kind: record.kind as string, id: (record['decisionId'] as string | undefined) ?? null }));

  test('killed and started again while records are shipped, it has every record once', async () => {
    const server = await start(await newDataDir(), 'killed');
    const load = startLoad(server);
    const failures = () => metric(server, 'sluice_ship_failures{sink="warehouse"}');
    for (let round = 1; round <= 2 * SOAK; round += 1) {
      // Only a sink that has taken something since: else the pauses add up over the rounds, and the last is a minute.
      const had = await countOf('killed');
      await until(() => countOf('killed'), (count) => count > Math.max(had, round * 300));
      await until(failures, (count) => count === 0);
      await postgres.kill();
      await until(failures, (count) => count! > 0);
      expect(await metric(server, 'sluice_ship_lag_seconds{sink="warehouse"}')).toBeGreaterThan(0);
      await postgres.start();
    }
    expect(await load.stop()).toEqual({ failures: [] }); // whoever asks notices nothing of it
    await shippedAll(server, 'warehouse');
    const rows = await rowsOf('killed');
    expect(rows).toEqual(await wanted(server.dataDir, rows.length));
    expect(load.acknowledged.filter(({ index, decisionId }) => rows[index]?.id !== decisionId)).toEqual([]);
    await server.end();
  }, 60_000 * SOAK);

  test('Sluice killed while it ships goes on where it was: every record once', async () => {
    const dataDir = await newDataDir();
    for (let round = 1; round <= 3 * SOAK; round += 1) {
      const server = await start(dataDir, 'restarted');
      const load = startLoad(server);
      await until(() => countOf('restarted'), (count) => count > round * 200);
      await server.end('SIGKILL');
      await load.stop();
    }
    const server = await start(dataDir, 'restarted');
    await shippedAll(server, 'warehouse');
    await server.end();
    const rows = await rowsOf('restarted');
    expect(rows.length).toBeGreaterThan(600);
    expect(rows).toEqual(await wanted(dataDir, rows.length));
  }, 60_000 * SOAK);
});

test('a file of sinks that can not be used keeps the server from starting, with every mistake by its line', async () => {
  const folder = await makeFolder();
  const file = path.join(folder, 'sinks.yaml');
  const fail = async (text: string) => {
    writeFileSync(file, text);
    const { code, stderr } = await failToStart({ env: { SLUICE_SINKS_FILE: file } });
    expect(code).toBe(1);
    return stderr.replaceAll(folder, '');
  };
  const mistakes = await fail('sinks:\n  siem:\n    type: opa\n    vendor: datadog\n    environment: production\n    url: http://siem.example/\n  Ware house: { type: postgres }\n  out: { type: stdout, vendor: internal-obs }\n');
  expect(mistakes).toContain('/sinks.yaml:6: sinks.siem.url: must be https');
  expect(mistakes).toContain('/sinks.yaml:8: sinks.out.environment: is missing');
  expect(mistakes).toContain('a sink\'s name is small letters, digits and -');
  writeFileSync(path.join(folder, 'token'), 'secret', { mode: 0o644 });
  expect(await fail('sinks:\n  siem: { type: opa, vendor: datadog, environment: production, url: "https://siem.example", tokenFile: token }\n')).toContain('/token: can be read by others (mode 0644): chmod 600 it');
  expect(await fail('sinks: [')).toMatch(/sinks\.yaml:1: /);
  expect(await fail('sinks:\n  a: &a { type: stdout, vendor: internal-obs, environment: production }\n  b: *a\n')).toMatch(/sinks\.yaml:3: aliases/);
});
