import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { logQuery } from '../../src/cli/log/query.ts';
import { openIndexer } from '../../src/log/index/indexer.ts';
import { openLog } from '../../src/log/log.ts';
import { ROOT } from '../support/world.ts';

let folder: string;
const KEY = Buffer.alloc(32, 7);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-query-'));
  await writeLog(12);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const dataDir = () => path.join(folder, 'data');

async function writeLog(count: number): Promise<void> {
  let atMs = Date.UTC(2026, 10, 22, 12);
  const log = await openLog({ dir: path.join(dataDir(), 'log'), now: () => (atMs += 1000) });
  for (let n = 0; n < count; n += 1) {
    const vendor = n === 5 ? `?${createHmac('sha256', KEY).update('nobody').digest('hex').slice(0, 16)}` : n % 2 === 0 ? 'mixpanel' : 'segment\u001B[2J';
    await log.append({ kind: 'decision', members: JSON.stringify({
      decisionId: `d-${n}`, caller: 'gateway', identity: 'service:telemetry', vendor, environment: 'production', event: '=viewed',
      decision: n % 3 === 0 ? 'deny' : 'allow', fields: [{ paths: ['city', 'org_id'], profile: 0, effect: 'deny', category: 'c', rules: [] }],
      reasons: n % 3 === 0 ? [{ code: 'combination', rule: 'r', fields: ['city'] }] : [], expiresAt: null, ageMs: 0, memo: false, micros: 1,
    }).slice(1, -1) }).durable;
  }
  await log.append({ kind: 'refused', members: '"code":"forbidden","caller":"gateway"' }).durable;
  await log.append({ kind: 'stop', members: '' }).durable;
  await log.close();
  await mkdir(path.join(dataDir(), 'keys'), { mode: 0o700 });
  await writeFile(path.join(dataDir(), 'keys', 'names.key'), KEY, { mode: 0o600 });
}

async function buildIndex(until: number): Promise<void> {
  await rm(path.join(dataDir(), 'index'), { recursive: true, force: true });
  const origin = (await readFile(path.join(dataDir(), 'log', 'origin'), 'utf8')).trimEnd();
  const indexer = await openIndexer({ dir: path.join(dataDir(), 'log'), folder: path.join(dataDir(), 'index'), origin });
  await indexer.advance(until);
  await indexer.close();
}

interface Ran { readonly code: number; readonly out: string; readonly err: string }

/** Without a process of its own for each: only what starts it is left out. */
async function query(...args: readonly string[]): Promise<Ran> {
  const ran = { code: 0, out: '', err: '' };
  const { values, positionals } = parseArgs({ args: ['query', ...args], options: logQuery.options, allowPositionals: true });
  const context = { root: ROOT, env: { SLUICE_DATA_DIR: dataDir() }, colour: false, interactive: false, stdin: async () => '' };
  ran.code = await logQuery.run({ values, positionals }, { ...context, out: (line) => void (ran.out += `${line}\n`), err: (line) => void (ran.err += `${line}\n`) });
  return ran;
}

const spawned = (...args: readonly string[]): Promise<Ran> => new Promise((resolve) => {
  const env = { ...process.env, SLUICE_DATA_DIR: dataDir(), FORCE_COLOR: undefined };
  execFile(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), 'log', 'query', ...args], { env }, (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }));
});

const indexes = ({ out }: Ran) => out.split('\n').slice(0, -1).map((line) => (JSON.parse(line) as { index: number }).index);

describe.each([
  { name: 'without an index', until: 0 },
  { name: 'with half an index', until: 7 },
  { name: 'with a whole index', until: 14 },
])('sluice log query $name', ({ until }) => {
  beforeAll(() => buildIndex(until));

  test('finds the same, in either order', async () => {
    expect(indexes(await query('--vendor', 'mixpanel', '--decision', 'deny', '--json'))).toEqual([6, 0]);
    expect(indexes(await query('--order', 'oldest', '--kind', 'refused', '--kind', 'stop', '--json'))).toEqual([12, 13]);
    expect(indexes(await query('--from', '2026-11-22T12:00:03Z', '--to', '2026-11-22T12:00:06Z', '--json'))).toEqual([4, 3, 2]);
  });

  test('J30: finds a name that nobody knew by the key of the data directory', async () => {
    expect(indexes(await query('--vendor', 'nobody', '--json'))).toEqual([5]);
  });

  test('gives pages, one after the other', async () => {
    const first = await query('--limit', '5', '--json');
    expect(indexes(first)).toEqual([12, 11, 10, 9, 8]);
    const after = /--after (\S+)/.exec(first.err)![1]!;
    const second = await query('--limit', '8', '--json', '--after', after);
    expect([indexes(second), second.err]).toEqual([[7, 6, 5, 4, 3, 2, 1, 0], '']);
  });
});

test('the stored lines byte for byte, and a table that no name can break', async () => {
  const stored = await readFile(path.join(dataDir(), 'log', 'segments', `${'0'.repeat(20)}.ndjson`), 'utf8');
  expect((await query('--order', 'oldest', '--kind', 'all', '--json')).out).toBe(stored);
  const { out } = await query('--order', 'oldest', '--limit', '2');
  expect(out.split('\n')).toEqual([
    'INDEX  TIME (UTC)           DECISION  IDENTITY           VENDOR            ENVIRONMENT  EVENT    FIELDS       REASONS',
    '    0  2026-11-22 12:00:01  deny      service:telemetry  mixpanel          production   =viewed  city org_id  combination',
    '    1  2026-11-22 12:00:02  allow     service:telemetry  segment\\u001b[2J  production   =viewed  city org_id',
    '',
  ]);
  expect((await query('--vendor', 'none')).out).toBe('no record fits\n');
});

test('CSV guards its cells', async () => {
  const { out } = await query('--csv', '--limit', '1', '--vendor', 'mixpanel');
  expect(out).toMatch(/^index,time,/);
  expect(out).toContain(',\'=viewed,');
});

test.each([
  { args: ['--decision', 'dney'], says: 'did you mean deny?' },
  { args: ['--limit', '0'], says: '--limit takes a whole number from 1 on' },
  { args: ['--limit', 'x'], says: '--limit takes a whole number' },
  { args: ['--limit', '5', '--all'], says: '--all or --limit, not both' },
  { args: ['--json', '--csv'], says: 'not both' },
  { args: ['vendor=mixpanel'], says: 'filters are options' },
  { args: ['--data-dir', '/nowhere'], says: '/nowhere/log: there is no log' },
])('wrong use: $args says what is right', async ({ args, says }) => {
  await expect(query(...args)).rejects.toThrow(says);
});

test('wrong use is exit code 2, and --help names every filter', async () => {
  expect(await spawned('--vendro', 'x')).toMatchObject({ code: 2, err: expect.stringContaining('--vendro') as string });
  expect(await spawned('--decision', 'dney')).toMatchObject({ code: 2, err: expect.stringContaining('did you mean deny?') as string });
  const { code, out } = await spawned('--help');
  expect(code).toBe(0);
  for (const option of ['--from', '--on-behalf-of', '--category', '--request-id', '--after']) expect(out).toContain(option);
});
