import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openLog } from '../../src/log/log.ts';
import { ROOT } from '../support/world.ts';

const COUNT = 2_300;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-many-'));
  let atMs = Date.UTC(2026, 10, 22, 12);
  const log = await openLog({ dir: path.join(folder, 'log'), now: () => (atMs += 10) });
  await Promise.all(Array.from({ length: COUNT }, (_, n) => log.append({ kind: 'decision', members: JSON.stringify({
    decisionId: `d-${n}`, caller: 'gateway', identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', purpose: 'analytics', channel: 'telemetry', event: 'viewed', eventVersion: '1',
    decision: 'deny', mode: 'enforce', fields: [
      { paths: ['city', '\u001B[2J'], profile: 0, effect: 'transform', category: 'user.location', rules: ['telemetry-city'] },
      { paths: ['org_id'], profile: 1, effect: 'deny', category: 'system.tenant.org_id', rules: ['tenant-ids'], findings: [{ code: 'secret_detected', detector: 'jwt' }] },
    ],
    obligations: [{ field: 'city', op: 'coarsen_geo', params: { to: 'region' } }], reasons: [{ code: 'forbidden_category', rule: 'tenant-ids', fields: ['org_id'] }], fix: { drop: ['org_id'], exact: true },
    revision: { number: 3, digest: 'sha256:aa' }, expiresAt: null, ageMs: 0, memo: true, micros: 1,
  }).slice(1, -1) }).durable));
  await log.append({ kind: 'input', members: JSON.stringify({ digest: 'sha256:bb', shape: { views: [{ input: { identity: { id: 'service:telemetry', roles: ['telemetry'] }, vendor: { id: 'mixpanel' }, environment: { id: 'production' }, purpose: { id: 'analytics' }, event: { id: 'viewed' }, channel: 'telemetry', profiles: [{ category: 'user.location', ancestors: { '*': true } }], grants: [{ id: 'telemetry-city' }] } }] } }).slice(1, -1) }).durable;
  await log.append({ kind: 'vendor_state', members: '"vendor":"mixpanel","state":"breached","caller":"ops"' }).durable;
  await log.append({ kind: 'refused', members: '"code":"forbidden","caller":"gateway"' }).durable;
  await log.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ran { readonly code: number; readonly out: string; readonly err: string }

const run = (file: string, args: readonly string[]): Promise<Ran> => new Promise((resolve) => {
  execFile(file, [...args], { env: { ...process.env, SLUICE_DATA_DIR: folder, FORCE_COLOR: undefined }, maxBuffer: 1 << 26 }, (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }));
});
const CLI = path.join(ROOT, 'src/cli/main.ts');
const sluice = (...args: readonly string[]) => run(process.execPath, [CLI, ...args]);
const indexes = ({ out }: Ran) => out.split('\n').slice(0, -1).map((line) => (JSON.parse(line) as { index: number }).index);

test('F21: a search gives more than a thousand: with --all all there are, with --limit as many as it says', async () => {
  const all = await sluice('log', 'query', '--all', '--json', '--vendor', 'mixpanel');
  expect(indexes(all)).toEqual(Array.from({ length: COUNT }, (_, n) => COUNT - 1 - n));
  expect(all.err).toBe('');
  const some = await sluice('log', 'query', '--limit', '1500', '--json', '--order', 'oldest');
  expect(indexes(some)).toEqual(Array.from({ length: 1500 }, (_, n) => n));
  const after = /^there is more: --after (\S+), or --all$/m.exec(some.err)![1]!;
  expect(indexes(await sluice('log', 'query', '--all', '--json', '--order', 'oldest', '--kind', 'decision', '--kind', 'permitted', '--kind', 'refused', '--after', after))).toHaveLength(COUNT - 1500 + 1);
  const table = (await sluice('log', 'query', '--all')).out.split('\n').slice(0, -1);
  expect(table).toHaveLength(COUNT + 2);
  expect(table.filter((line) => line.startsWith('INDEX'))).toHaveLength(1);
  const csv = (await sluice('log', 'query', '--all', '--csv')).out.split('\n').filter((line) => line.startsWith('index,'));
  expect(csv).toHaveLength(1);
}, 60_000);

test('F21: one record is shown for a person: who, to whom, each verdict, why; control characters can do nothing', async () => {
  const { out } = await sluice('log', 'show', '17');
  expect(out.split('\n').slice(0, -1)).toEqual([
    expect.stringMatching(/^record 17 {2}decision {2}deny {2}2026-11-22T12:00:\S+Z$/), '',
    '  who        service:telemetry, asked by gateway',
    '  to         mixpanel in production for analytics by telemetry',
    '  event      viewed version 1',
    '  transform  city, \\u001b[2J  user.location  telemetry-city',
    '  deny       org_id  system.tenant.org_id  tenant-ids  jwt',
    '  do         coarsen_geo city to region',
    '  because    forbidden_category by tenant-ids: org_id',
    '  fix        drop org_id',
    '  decided    by revision 3, from memory; valid until something changes',
    '  id         d-17', '',
    'sluice log show 17 --json gives the stored line',
  ]);
  const input = (await sluice('log', 'show', String(COUNT))).out;
  expect(input).toContain('profiles  user.location\n');
  expect(input).toContain('service:telemetry with telemetry');
  expect(input).not.toContain('ancestors');
  expect((await sluice('log', 'show', String(COUNT + 1))).out).toMatch(/vendor {2}mixpanel\n {2}state {3}breached\n {2}caller {2}ops\n/);
  expect((await sluice('log', 'show', String(COUNT + 2))).out).toMatch(/refused {2}forbidden\n/);
  expect(JSON.parse((await sluice('log', 'show', '17', '--json')).out)).toMatchObject({ index: 17, decisionId: 'd-17' });
}, 60_000);

test('F21: who reads the first lines alone gets them, without an error; what it was is no yes and no no', async () => {
  const { out, err } = await run('bash', ['-c', `'${process.execPath}' '${CLI}' log query --all --json | head -n 1; echo "\${PIPESTATUS[0]}"`]);
  const [first, code] = out.trim().split('\n');
  expect(JSON.parse(first!)).toMatchObject({ index: COUNT + 2 });
  expect([code, err]).toEqual(['141', '']);
}, 30_000);

test('F21: a list of a report has more than a thousand names with --all', async () => {
  const data = await mkdtemp(path.join(tmpdir(), 'sluice-names-'));
  const log = await openLog({ dir: path.join(data, 'log'), now: () => Date.UTC(2026, 10, 22, 12) });
  await Promise.all(Array.from({ length: 1_200 }, (_, n) => log.append({ kind: 'decision', members: JSON.stringify({
    decisionId: `d-${n}`, caller: 'gateway', identity: `user:u${n}`, vendor: 'mixpanel', environment: 'production', channel: 'telemetry', event: 'viewed', decision: 'allow', mode: 'enforce',
    fields: [{ paths: ['city'], profile: 0, effect: 'allow', category: 'user.location', rules: ['g'] }], obligations: [], reasons: [], fix: null, expiresAt: null, ageMs: 0, memo: false, micros: 1,
  }).slice(1, -1) }).durable));
  await log.close();
  const listed = async (...args: readonly string[]) => {
    const { identities, incomplete } = JSON.parse((await sluice(...args, '--json', '--data-dir', data)).out) as { identities: unknown[]; incomplete: boolean };
    return [identities.length, incomplete];
  };
  expect(await listed('exposure', 'mixpanel')).toEqual([1000, true]);
  expect(await listed('exposure', 'mixpanel', '--all')).toEqual([1200, false]);
  expect(await listed('report', 'exposure', 'mixpanel', '--all')).toEqual([1200, false]);
  await rm(data, { recursive: true });
}, 60_000);
