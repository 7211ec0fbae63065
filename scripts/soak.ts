// The fault loops in full, one after the other; each tells how far it is. The last line says how all of them ended.
// SEED=… repeats a run; names of loops as arguments run these alone.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly { readonly assertionResults: readonly { readonly title: string; readonly status: string }[] }[];
}

const LOOPS: Readonly<Record<string, readonly string[]>> = {
  'kill': ['test/server/kill.test.ts', 'test/log/kill.test.ts'],
  'kill-acts': ['test/log/acts-kill.test.ts'],
  'memory': ['test/server/memo-heap.test.ts'],
  'batches': ['test/server/worst-batches.test.ts'],
  'crash': ['test/log/crash.test.ts', 'test/log/tree/start.test.ts', 'test/log/start/ends.test.ts'],
  'attacks': ['test/log/start/attacks.test.ts', 'test/log/start/unsigned.test.ts', 'test/log/start/copy.test.ts'],
  'full-disk': ['test/server/full-disk.test.ts', 'test/server/full-disk-cycles.test.ts', 'test/server/unsigned.test.ts'],
  'sync-error': ['test/server/sync-error.test.ts', 'test/log/faults.test.ts', 'test/log/stalled.test.ts'],
  'torn': ['test/log/recover.test.ts', 'test/log/torn.test.ts'],
  'index': ['test/log/index-damage.test.ts', 'test/log/index-live.test.ts'],
  'clock': ['test/clock-jump.test.ts', 'test/clock-back.test.ts'],
  'others': ['test/log/displaced.test.ts', 'test/server/descriptors.test.ts'],
  'permit': ['test/server/permit-snapshots.test.ts', 'test/sources/permit/keep-faults.test.ts'],
  'shipping': ['test/server/shipping.test.ts'],
};

const root = path.resolve(import.meta.dirname, '..');
process.chdir(root);
const seed = process.env['SEED'] ?? String(Date.now() % 2 ** 31);
const scratch = mkdtempSync(path.join(tmpdir(), 'sluice-soak-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const say = (line: string) => void process.stdout.write(`${line}\n`);
const seconds = (sinceMs: number) => `${((performance.now() - sinceMs) / 1000).toFixed(0)} s`;

/** What a loop says goes to standard error as it comes; of Jest's own output only failures are shown. */
async function run(files: readonly string[], report: string): Promise<string> {
  const child = spawn(process.execPath, ['node_modules/jest/bin/jest.js', '--runInBand', '--json', `--outputFile=${report}`, '--runTestsByPath', ...files], {
    stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, SEED: seed, SLUICE_SOAK: '10' },
  });
  let failures = '';
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (/^\S+\.test\.ts: /.test(line)) say(`  ${line}`);
      else failures += `${line}\n`;
    }
  });
  await new Promise((resolve) => { child.on('close', resolve); });
  return failures;
}

const totals = { passed: 0, failed: 0, skipped: 0 };

async function loop(name: string, files: readonly string[]): Promise<void> {
  const startedAtMs = performance.now();
  const report = path.join(scratch, `${name}.json`);
  say(`── ${name}: ${files.join(' ')}`);
  const failures = await run(files, report);
  if (!existsSync(report)) {
    totals.failed += 1;
    return say(`${failures}${name}: Jest ended without a report`);
  }
  const { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  const failed = numFailedTests + numRuntimeErrorTestSuites;
  for (const { title, status } of testResults.flatMap(({ assertionResults }) => assertionResults)) if (status === 'pending') say(`  skipped: ${title}`);
  if (failed > 0) say(failures);
  totals.passed += numPassedTests;
  totals.failed += failed;
  totals.skipped += numPendingTests;
  say(`   ${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped (${seconds(startedAtMs)})`);
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in LOOPS));
if (unknown.length > 0) {
  say(`there is no loop ${unknown.join(', ')}; there are: ${Object.keys(LOOPS).join(' ')}`);
  process.exit(2);
}
say(`SEED=${seed}`);
const startedAtMs = performance.now();
for (const [name, files] of Object.entries(LOOPS)) {
  const there = files.filter((file) => existsSync(file));
  if (there.length > 0 && (wanted.length === 0 || wanted.includes(name))) await loop(name, there);
}
say(`\nsoak: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped in ${seconds(startedAtMs)} (SEED=${seed})`);
process.exitCode = totals.failed === 0 ? 0 : 1;
