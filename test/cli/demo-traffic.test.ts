import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { endServers, newDataDir, readRecords } from '../support/server.ts';
import { findBuiltOpa, ROOT } from '../support/world.ts';

const run = promisify(execFile);
const DAY_MS = 86_400_000;
afterAll(endServers);

test('F21: the demo\'s traffic is spread over the ninety days up to now, and has the days of a breach; run again, it goes on', async () => {
  const dataDir = await newDataDir();
  const env = { ...process.env, NODE_ENV: '', SLUICE_DATA_DIR: dataDir, SLUICE_OPA: await findBuiltOpa() };
  const fill = async () => (await run(process.execPath, ['scripts/demo-traffic.ts'], { cwd: ROOT, env })).stdout;
  const before = Date.now();
  const said = await fill();
  const records = await readRecords(dataDir);
  const times = records.map((record) => Date.parse(String(record['time'])));
  expect(times[0]! - (before - 90 * DAY_MS)).toBeLessThan(60_000);
  expect(times.at(-1)).toBeLessThanOrEqual(Date.now());
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  const decisions = records.filter(({ kind }) => kind === 'decision');
  expect(decisions).toHaveLength(2000);
  const perDay = Map.groupBy(decisions, (record) => String(record['time']).slice(0, 10));
  expect(perDay.size).toBeGreaterThan(85);
  expect(records.filter(({ kind }) => kind === 'clock_jump')).toEqual([]);
  expect(decisions.filter((record) => JSON.stringify(record['reasons']).includes('stale_facts'))).toEqual([]);
  expect(records.filter(({ kind }) => kind === 'vendor_state').map((record) => record['state'])).toEqual(['under_review', 'active']);

  // What it says can be pasted.
  const [, ...args] = /exposure (mixpanel) (--from) (\S+) (--to) (\S+)/.exec(said)!;
  const { stdout } = await run(process.execPath, ['src/cli/main.ts', 'exposure', ...args, '--json'], { cwd: ROOT, env });
  expect((JSON.parse(stdout) as { permittedToLeave: { decisions: number } }).permittedToLeave.decisions).toBeGreaterThan(5);

  expect(await fill()).toMatch(/^2000 questions of the 1 days/);
  expect((await readRecords(dataDir)).filter(({ kind }) => kind === 'decision')).toHaveLength(4000);
}, 120_000);
