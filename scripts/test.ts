// Runs every check and test, one after the other, and counts them. The last line is "N passed, N failed, N skipped".
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findOpa } from '../src/opa/toolchain.ts';

interface Counts { readonly passed: number; readonly failed: number; readonly skipped: number }
interface Result { readonly code: number; readonly output: string }

const root = path.resolve(import.meta.dirname, '..');
process.chdir(root);
const bin = (name: string) => path.join('node_modules', '.bin', name);
const opa = (await findOpa({ root, env: process.env, log: (line) => process.stderr.write(`${line}\n`) })).path;
const capabilities = ['--capabilities', 'rego/capabilities.json'];
const scratch = mkdtempSync(path.join(tmpdir(), 'sluice-test-'));

function run(command: string, args: readonly string[], quiet = false): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}` } });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => { output += String(chunk); if (!quiet) process.stdout.write(chunk); });
    child.stderr.on('data', (chunk: Buffer) => { if (!quiet) process.stderr.write(chunk); });
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('exit', (code) => resolve({ code: code ?? 1, output }));
  });
}

const verdict = ({ code }: Result): Counts => ({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
const one = (command: string, ...args: readonly string[]) => async (): Promise<Counts> => verdict(await run(command, args));

async function regal(): Promise<Counts> {
  const binary = path.join('.tools', 'bin', 'regal');
  if (!existsSync(binary)) return { passed: 0, failed: 0, skipped: 1 };
  // Regal's own OPA is older and knows rego.v1 only: it lints a copy that imports that, line for line the same.
  const copy = path.join(scratch, 'rego');
  for (const file of readdirSync('rego/egress', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.rego'))) {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    writeFileSync(path.join(copy, file), readFileSync(path.join('rego/egress', file), 'utf8').replace('import rego.v2', 'import rego.v1'));
  }
  return verdict(await run(binary, ['lint', '--config-file', path.resolve('.regal/config.yaml'), copy]));
}

async function regoTests(): Promise<Counts> {
  const { output } = await run(opa, ['test', '-f', 'json', 'rego/egress', '-s', 'rego/schemas'], true);
  const tests = JSON.parse(output) as { package: string; name: string; fail?: boolean; error?: unknown; skip?: boolean; sub_results?: Record<string, { fail?: boolean }> }[];
  const cases = tests.flatMap(({ package: name, name: test, fail, error, sub_results: sub }) => (
    sub === undefined ? [{ title: `${name} ${test}`, failed: fail === true || error !== undefined }] : Object.entries(sub).map(([title, result]) => ({ title: `${name} ${test}: ${title}`, failed: result.fail === true }))
  ));
  const failed = cases.filter((one_) => one_.failed);
  for (const { title } of failed) process.stdout.write(`failed: ${title}\n`);
  return { passed: cases.length - failed.length, failed: failed.length, skipped: 0 };
}

async function regoCoverage(): Promise<Counts> {
  const { output } = await run(opa, ['test', '--coverage', '-f', 'json', 'rego/egress'], true);
  const report = JSON.parse(output) as { coverage: number; files: Record<string, { not_covered?: { start: { row: number } }[] }> };
  for (const [file, { not_covered: rows = [] }] of Object.entries(report.files)) for (const { start } of rows) process.stdout.write(`${file}:${start.row}: no test covers this\n`);
  process.stdout.write(`coverage ${report.coverage} %\n`);
  return verdict({ code: report.coverage === 100 ? 0 : 1, output: '' });
}

async function jest(): Promise<Counts> {
  const file = path.join(scratch, 'jest.json');
  const result = await run(process.execPath, [bin('jest').replace('.bin/jest', 'jest/bin/jest.js'), '--json', `--outputFile=${file}`]);
  if (!existsSync(file)) return verdict({ ...result, code: result.code || 1 });
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
  const broken = numFailedTests === 0 && result.code !== 0 ? Math.max(1, numRuntimeErrorTestSuites ?? numFailedTestSuites ?? 1) : numRuntimeErrorTestSuites ?? 0;
  return { passed: numPassedTests ?? 0, failed: (numFailedTests ?? 0) + broken, skipped: (numPendingTests ?? 0) + (numTodoTests ?? 0) };
}

async function cases(): Promise<Counts> {
  const { code, output } = await run(process.execPath, ['src/cli/main.ts', 'test', '--json'], true);
  try {
    const { passed, failed, skipped, failures } = JSON.parse(output) as Counts & { failures: { name: string; location: string; differences: string[] }[] };
    for (const { name, location, differences } of failures) process.stdout.write(`failed: ${name} (${location})\n  ${differences.join('\n  ')}\n`);
    return { passed, failed, skipped };
  } catch {
    process.stdout.write(output);
    return verdict({ code: code || 1, output });
  }
}

const LINT: readonly (readonly [string, () => Promise<Counts>])[] = [
  ['types', one(bin('tsc'), '-p', '.')],
  ['lint', one(bin('oxlint'), '--type-aware', '--deny-warnings', 'src', 'test', 'scripts', 'bench')],
  ['Rego format', one(opa, 'fmt', '--fail', '--list', 'rego/egress')],
  ['Rego check', one(opa, 'check', '--strict', ...capabilities, '-s', 'rego/schemas', '--ignore', '*_test.rego', 'rego/egress')],
  ['Rego lint', regal],
];
const TESTS: typeof LINT = [['Rego tests', regoTests], ['Rego coverage', regoCoverage], ['policy build', one(process.execPath, 'src/cli/main.ts', 'build')], ['policy cases', cases], ['jest', jest]];

const totals = { passed: 0, failed: 0, skipped: 0 };
for (const [name, check] of process.argv.includes('--lint') ? LINT : [...LINT, ...TESTS]) {
  const startedAt = performance.now();
  process.stdout.write(`\n── ${name}\n`);
  const { passed, failed, skipped } = await check().catch((error: unknown) => {
    process.stdout.write(`${name} broke: ${error instanceof Error ? error.message : 'unknown'}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  });
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
  process.stdout.write(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped (${((performance.now() - startedAt) / 1000).toFixed(1)} s)\n`);
}
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`);
process.exitCode = totals.failed === 0 ? 0 : 1;
