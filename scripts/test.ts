// Runs every check and test, one after the other, and counts them. The last line is "N passed, N failed, N skipped".
// With --lint, only what needs nothing to be run: types, lint, and the checks of the rules.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CaseResult } from '../src/cases.ts';
import { findOpa } from '../src/opa/toolchain.ts';

interface Counts { readonly passed: number; readonly failed: number; readonly skipped: number }
interface Result { readonly code: number; readonly output: string; readonly errors: string }
type Check = () => Promise<Counts>;

const PASSED: Counts = { passed: 1, failed: 0, skipped: 0 };
const FAILED: Counts = { passed: 0, failed: 1, skipped: 0 };
const SKIPPED: Counts = { passed: 0, failed: 0, skipped: 1 };

/** Folders of Rego: the guardrails, and the example company's own rules. */
const RULES = ['rego/egress', 'policies/rules'] as const;

const root = path.resolve(import.meta.dirname, '..');
process.chdir(root);
const scratch = mkdtempSync(path.join(tmpdir(), 'sluice-test-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const say = (line: string) => void process.stdout.write(`${line}\n`);
const bin = (name: string) => path.join('node_modules', '.bin', name);

/** `show` may rewrite what is shown; without it nothing is. */
function run(command: string, args: readonly string[], show?: (text: string) => string): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}` } });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text; if (show !== undefined) process.stdout.write(show(text)); });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text; if (show !== undefined) process.stderr.write(show(text)); });
    child.on('error', (error) => resolve({ code: 127, output, errors: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output, errors }));
  });
}

const asIs = (text: string) => text;

/** Passed when every one of the commands ends with 0. */
const all = (...commands: readonly (readonly [string, ...string[]])[]): Check => async () => {
  let failed = false;
  for (const [command, ...args] of commands) {
    const { code, errors } = await run(command, args, asIs);
    if (code === 127) say(errors);
    failed ||= code !== 0;
  }
  return failed ? FAILED : PASSED;
};

/** @throws {Error} with what the program said, when that is no JSON. */
function toJson<T>({ output, errors }: Result): T {
  try {
    return JSON.parse(output) as T;
  } catch {
    throw new Error(`${errors}${output}`.trim() || 'it said nothing');
  }
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function regal(): Promise<Counts> {
  const binary = path.join('.tools', 'bin', 'regal');
  if (!existsSync(binary)) {
    if (isOnPath('go')) throw new Error('there is Go, but no .tools/bin/regal: make builds it');
    say('skipped: Regal is built by Go, which is not installed');
    return SKIPPED;
  }
  // Regal's own OPA is older and knows rego.v1 only: it lints a copy that imports that, line for line the same.
  const rules = RULES.flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.rego')).map((name) => path.join(folder, name)));
  for (const file of rules) {
    mkdirSync(path.dirname(path.join(scratch, file)), { recursive: true });
    writeFileSync(path.join(scratch, file), readFileSync(file, 'utf8').replace('import rego.v2', 'import rego.v1'));
  }
  const { code } = await run(binary, ['lint', '--config-file', path.resolve('.regal/config.yaml'), ...RULES.map((folder) => path.join(scratch, folder))], (text) => text.replaceAll(`${scratch}${path.sep}`, ''));
  return code === 0 ? PASSED : FAILED;
}

interface RegoTest { readonly package: string; readonly name: string; readonly fail?: boolean; readonly skip?: boolean; readonly error?: unknown; readonly sub_results?: Readonly<Record<string, { readonly fail?: boolean }>> }

const regoTests = (opa: string): Check => async () => {
  const result = await run(opa, ['test', '-f', 'json', '-s', 'rego/schemas', ...RULES]);
  const tests = toJson<readonly RegoTest[] | null>(result) ?? [];
  const cases = tests.flatMap(({ package: folder, name, fail, skip, error, sub_results: parts }) => {
    const title = `${folder}.${name}`;
    if (parts === undefined || skip === true) return [{ title, skipped: skip === true, failed: fail === true || error !== undefined }];
    return Object.entries(parts).map(([part, { fail: partFails }]) => ({ title: `${title}: ${part}`, skipped: false, failed: partFails === true }));
  });
  const skipped = cases.filter((one) => one.skipped).length;
  const failed = cases.filter((one) => one.failed);
  for (const { title } of failed) say(`failed: ${title}`);
  if (cases.length === 0 || (result.code !== 0 && failed.length + skipped === 0)) throw new Error(result.errors || 'opa test found no tests, or failed without naming one');
  return { passed: cases.length - failed.length - skipped, failed: failed.length, skipped };
};

const regoCoverage = (opa: string): Check => async () => {
  const result = await run(opa, ['test', '--coverage', '-f', 'json', '-s', 'rego/schemas', ...RULES]);
  const { coverage, files = {} } = toJson<{ coverage?: number; files?: Record<string, { not_covered?: { start: { row: number }; end: { row: number } }[] }> }>(result);
  for (const [file, { not_covered: gaps = [] }] of Object.entries(files)) {
    for (const { start, end } of gaps) say(`${file}:${start.row}${end.row === start.row ? '' : `-${end.row}`}: no test covers this`);
  }
  say(coverage === undefined ? 'no coverage: a test failed' : `coverage ${coverage} %`);
  return coverage === 100 ? PASSED : FAILED;
};

interface JestReport {
  readonly numPassedTests: number; readonly numFailedTests: number; readonly numPendingTests: number; readonly numTodoTests: number; readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly { readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[] }[];
}

async function jest(): Promise<Counts> {
  const file = path.join(scratch, 'jest.json');
  const { code } = await run(process.execPath, ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${file}`], asIs);
  if (!existsSync(file)) throw new Error(`jest ended with ${code} and left no report`);
  const report = JSON.parse(readFileSync(file, 'utf8')) as JestReport;
  for (const { fullName, status } of report.testResults.flatMap((suite) => suite.assertionResults)) {
    if (status === 'pending' || status === 'todo') say(`skipped: ${fullName.replace(/^skipped: /, '')}`);
  }
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  return { passed: report.numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed, skipped: report.numPendingTests + report.numTodoTests };
}

type Failure = Pick<CaseResult, 'name' | 'location' | 'differences' | 'reasons'>;

async function cases(): Promise<Counts> {
  const result = await run(process.execPath, ['src/cli/main.ts', 'test', '--json']);
  const { passed, failed, skipped, failures = [] } = toJson<Counts & { failures?: readonly Failure[] }>(result);
  for (const { name, location, differences, reasons = [] } of failures) {
    say(
      [`failed: ${name} (${location})`, ...differences, ...reasons.map((reason) => `because ${reason}`)].join('\n  '),
    );
  }
  if (result.code !== 0 && failed === 0) throw new Error(result.errors || `it ended with ${result.code}`);
  return { passed, failed, skipped };
}

async function checks(): Promise<readonly (readonly [string, Check])[]> {
  const { path: opa } = await findOpa({ root, env: process.env, log: (line) => void process.stderr.write(`${line}\n`) });
  const strict = ['check', '--strict', '-s', 'rego/schemas'] as const;
  return [
    ['types', all([bin('tsc'), '-p', '.'], [bin('tsc'), '-p', 'scripts'])],
    ['lint', all([bin('oxlint'), '--type-aware', '--deny-warnings', ...['src', 'test', 'scripts', 'bench'].filter((folder) => existsSync(folder))])],
    ['Rego format', all([opa, 'fmt', '--fail', '--list', ...RULES])],
    // The capabilities bind what is shipped; a test may use any built-in.
    ['Rego check', all([opa, ...strict, '--capabilities', 'rego/capabilities.json', '--ignore', '*_test.rego', ...RULES], [opa, ...strict, ...RULES])],
    ['Rego lint', regal],
    ...process.argv.includes('--lint') ? [] : [
      ['Rego tests', regoTests(opa)], ['Rego coverage', regoCoverage(opa)], ['policy build', all([process.execPath, 'src/cli/main.ts', 'build'])], ['policy cases', cases], ['jest', jest],
    ] as const,
  ];
}

const totals = { passed: 0, failed: 0, skipped: 0 };

async function count(name: string, check: Check): Promise<void> {
  const startedAtMs = performance.now();
  say(`\n── ${name}`);
  const { passed, failed, skipped } = await check().catch((error: unknown) => {
    say(`${name} broke: ${error instanceof Error ? error.message : 'unknown'}`);
    return FAILED;
  });
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
  say(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped (${((performance.now() - startedAtMs) / 1000).toFixed(1)} s)`);
}

try {
  for (const [name, check] of await checks()) await count(name, check);
} catch (error) {
  say(`sluice: ${error instanceof Error ? error.message : 'unknown'}`);
  totals.failed += 1;
}
say(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;
