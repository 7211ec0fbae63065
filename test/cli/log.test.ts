import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDataDir } from '../../src/datadir/datadir.ts';
import { openLog } from '../../src/log/log.ts';
import { MAX_UNSIGNED_RECORDS } from '../../src/log/tree/tree.ts';
import { hands } from '../log/start/world.ts';
import { recordsOf } from '../log/support.ts';
import { fill } from '../log/tree/support.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
let data = '';
const dir = () => path.join(data, 'log');

beforeEach(async () => {
  data = mkdtempSync(path.join(tmpdir(), 'cli-log-'));
  (await openDataDir(data)).close();
  const log = await openLog({ dir: dir(), keysDir: path.join(data, 'keys'), now: () => Date.UTC(2026, 0, 1), maxSegmentBytes: 20_000 });
  await fill(log, 0, 300);
  await fill(log, 300, 600);
  await log.close();
});
afterEach(() => rmSync(data, { recursive: true }));

function sluice(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync('sh', ['scripts/node.sh', 'src/cli/main.ts', 'log', ...args], { cwd: ROOT, encoding: 'utf8', env: { PATH: process.env['PATH'], SLUICE_DATA_DIR: data, ...env } });
  return { status, out: stdout, err: stderr };
}

test('verify: the log of the data directory, or a copy of it; exit 1 and the place when it is not the one that was signed', () => {
  const vkey = readFileSync(path.join(dir(), 'log.vkey'), 'utf8').trim();
  expect(sluice(['verify'])).toEqual({ status: 0, err: '', out: expect.stringMatching(/^note {3}no --vkey: .*\nOK: 600 records, 600 of them signed for, \d+ checkpoints, up to 2026-01-01T00:00:00\.000Z\n$/) });
  expect(sluice(['verify', dir(), '--vkey', vkey])).toMatchObject({ status: 0, out: expect.stringMatching(/^OK: 600 records/) });
  const name = readdirSync(path.join(dir(), 'segments')).sort()[1]!;
  const file = path.join(dir(), 'segments', name);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"n":(\d+)1}/, '"n":$12}'));
  expect(sluice(['verify', '--vkey', vkey])).toMatchObject({ status: 1, out: expect.stringMatching(new RegExp(`^WRONG {2}segments/${name}:\\d+: record \\d+1 was changed`)) });
  expect(sluice(['verify', data])).toMatchObject({ status: 2, err: expect.stringContaining('is no log: it has no segments/ and no checkpoints') });
});

test('prove: a file that verify.mjs checks alone', () => {
  const out = path.join(data, 'x.tlog-proof');
  expect(sluice(['prove', '77', '--out', out])).toMatchObject({ status: 0, out: expect.stringMatching(/verify\.mjs --proof \S+ --vkey sluice\/\S+\+\S+ --record FILE/) });
  const record = path.join(data, 'record.json');
  writeFileSync(record, sluice(['show', '77', '--json']).out);
  const vkey = readFileSync(path.join(dir(), 'log.vkey'), 'utf8').trim();
  const { status, stdout } = spawnSync(process.execPath, [path.join(ROOT, 'verify.mjs'), '--proof', out, '--vkey', vkey, '--record', record], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, 'OK: the record is in the log\n']);
  expect(sluice(['prove', '600'])).toMatchObject({ status: 1, err: expect.stringContaining('the last checkpoint signs for 600 records: there is no record 600 yet') });
  expect(sluice(['prove'])).toMatchObject({ status: 2 });
});

test('rotate-key, rotate-names-key (J30), prune and new-origin each leave a record, and the log verifies by its first key', async () => {
  const vkey = readFileSync(path.join(dir(), 'log.vkey'), 'utf8').trim();
  const hashed = async () => {
    const opened = await openDataDir(data);
    const text = opened.hashName('someone');
    opened.close();
    return text;
  };
  const before = await hashed();
  expect(sluice(['rotate-key'])).toMatchObject({ status: 0, out: expect.stringMatching(/sluice\/[0-9a-f]{16}\+[0-9a-f]{8}\+/) });
  expect(sluice(['rotate-names-key'])).toMatchObject({ status: 0 });
  expect(await hashed()).not.toBe(before);
  expect(readdirSync(path.join(data, 'keys/old'))).toEqual([expect.stringMatching(/^names-[0-9a-f]{16}\.key$/)]);
  expect(sluice(['prune'])).toMatchObject({ status: 2, err: expect.stringContaining('SLUICE_LOG_KEEP_DAYS') });
  for (const date of ['yesterday', '2026-02-31']) expect(sluice(['prune', '--before', date])).toMatchObject({ status: 2, err: expect.stringContaining('--before takes a date') });
  expect(sluice(['prune', '--before', '2999-01-01'])).toMatchObject({ status: 2, err: expect.stringContaining('in the future') });
  expect(sluice(['prune', '--before', '2025-12-01'])).toMatchObject({ status: 0, out: expect.stringContaining('Nothing to prune') });
  // As the server does: what a sink still lacks stays.
  const cursor = path.join(data, 'ship', 'siem.json');
  mkdirSync(path.dirname(cursor));
  const shippedUpTo = (next: number) => writeFileSync(cursor, JSON.stringify({ origin: readFileSync(path.join(dir(), 'origin'), 'utf8').trim(), next }));
  shippedUpTo(20);
  expect(sluice(['prune'], { SLUICE_LOG_KEEP_DAYS: '1' })).toMatchObject({ status: 2, err: expect.stringContaining('siem still lacks records') });
  expect(recordsOf(dir())[0]).toMatchObject({ index: 0 });
  shippedUpTo(600);
  expect(sluice(['prune'], { SLUICE_LOG_KEEP_DAYS: '1' })).toMatchObject({ status: 0, out: expect.stringMatching(/^Records 0 to \d+ \(\d+ segments?\) were removed/) });
  expect(sluice(['verify', '--vkey', vkey])).toMatchObject({ status: 0, out: expect.stringMatching(/were pruned, by record 602/) });
  expect(recordsOf(dir()).slice(-3).map(({ kind }) => kind)).toEqual(['key_rotated', 'names_key_rotated', 'pruned']);
  const shown = sluice(['show', '--lines', '3']).out.split('\n');
  expect(shown).toEqual([expect.stringMatching(/key_rotated {2,}from now on signed by sluice\/\S+\+\S+$/), expect.stringMatching(/names_key_rotated {2,}from [0-9a-f]+ to [0-9a-f]+$/), expect.stringMatching(/pruned {2,}records from 0 to before \d+$/), '']);

  expect(sluice(['new-origin'])).toMatchObject({ status: 2, err: expect.stringContaining('--because') });
  expect(sluice(['new-origin', '--because', 'a test'])).toMatchObject({ status: 0, out: expect.stringMatching(/has begun; its first record names sluice\//) });
  expect(recordsOf(dir()).map(({ kind, because }) => [kind, because])).toEqual([['new_origin', 'a test']]);
  expect(sluice(['verify'])).toMatchObject({ status: 0 });
  expect(existsSync(path.join(dir(), 'old'))).toBe(true);
});

test('nothing is done to a log that a server holds', async () => {
  const held = await openDataDir(data);
  try {
    for (const act of [['rotate-key'], ['rotate-names-key'], ['new-origin', '--because', 'x'], ['prune', '--before', '2026-02-01']]) {
      expect(sluice(act)).toMatchObject({ status: 2, err: expect.stringContaining('another Sluice is using this data directory') });
    }
  } finally {
    held.close();
  }
  expect(sluice(['what'])).toMatchObject({ status: 2, err: expect.stringContaining('sluice log verify') });
});

test('F22: accept-unsigned signs what a start refuses, by a record that says why; with the copy at its configured place', async () => {
  const where = { SLUICE_LOG_CHECKPOINT_FILE: path.join(data, 'elsewhere.json') };
  renameSync(path.join(data, 'keys', 'log.checkpoint'), where.SLUICE_LOG_CHECKPOINT_FILE);
  expect(sluice(['accept-unsigned'], where)).toMatchObject({ status: 2, err: expect.stringContaining('say why, in one line') });
  expect(sluice(['accept-unsigned', '--because', 'so'], where)).toEqual({ status: 0, err: '', out: 'There are no records that no checkpoint covers: nothing was changed.\n' });
  hands(dir()).append(MAX_UNSIGNED_RECORDS + 1);
  expect(sluice(['rotate-key'], where)).toMatchObject({ status: 2, err: expect.stringMatching(/\d+\.ndjson:\d+: no checkpoint covers records 600 to 131672: 131073, and a log that is written leaves at most 131072\. .*"sluice log accept-unsigned --because …"/) });
  expect(sluice(['accept-unsigned', '--because', 'the checkpoints could not be written'], where)).toEqual({ status: 0, err: '', out: '131073 records from 600 on, which no checkpoint covered, are signed now. The log has a record of it, which says why.\n' });
  expect(sluice(['show', '--kind', 'recovered'])).toMatchObject({ status: 0, out: expect.stringMatching(/recovered .*unsigned_accepted: records 600 to before 131673, since the checkpoints could not be written\n$/) });
  expect(sluice(['rotate-key'], where)).toMatchObject({ status: 0 });
  expect(sluice(['verify'])).toMatchObject({ status: 0, out: expect.stringContaining('and an operator had them signed: the checkpoints could not be written') });
  expect(sluice(['rotate-key'])).toMatchObject({ status: 2, err: expect.stringContaining('log.checkpoint: missing; it is the copy of the log\'s newest checkpoint') });
});

test('F22: new-origin is the way on where nothing but the keys is left of a log', () => {
  rmSync(dir(), { recursive: true });
  expect(sluice(['rotate-key'])).toMatchObject({ status: 2 });
  expect(sluice(['new-origin', '--because', 'the folder was removed'])).toMatchObject({ status: 0, out: expect.stringContaining('Of the 600 records that were signed for there, missing or changed: records 0 to 599.') });
  expect(sluice(['verify'])).toMatchObject({ status: 0 });
});
