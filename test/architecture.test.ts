import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';

// Dependencies point inwards (README, "Where things live"): what each ring may import besides itself.
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  threads: [],
  files: [],
  datadir: ['core', 'files'],
  opa: ['core'],
  sources: ['core', 'files', 'threads'],
  log: ['core', 'datadir', 'files', 'threads'],
  pdp: ['core', 'datadir', 'opa', 'sources', 'log'],
  sdk: ['core', 'pdp'],
  replay: ['core', 'opa', 'log', 'pdp'],
  reports: ['core', 'opa', 'log', 'pdp', 'replay'],
  http: ['core', 'threads', 'pdp', 'reports'],
  console: ['core', 'pdp'],
  ship: ['core', 'files', 'datadir', 'threads', 'pdp', 'log'],
  main: ['core', 'files', 'datadir', 'opa', 'sources', 'log', 'pdp', 'reports', 'http', 'console', 'ship'],
  library: ['core', 'files', 'pdp', 'sdk'],
  cli: ['core', 'files', 'datadir', 'opa', 'sources', 'log', 'pdp', 'replay', 'reports', 'sdk', 'main', 'ship'],
};
// Files of src/ itself that are not of the ring pdp. The library is what package.json exports: a door, as http is.
const RING_OF_FILE: Readonly<Record<string, string>> = { 'main.ts': 'main', 'config.ts': 'main', 'index.ts': 'library', 'embedded.ts': 'library' };
// Folders of the rings pdp and main.
const RING_OF_FOLDER: Readonly<Record<string, string>> = { service: 'pdp', policy: 'pdp', serve: 'main' };
const MAX_FILES = 15;

interface Import { readonly file: string; readonly line: number; readonly typeOnly: boolean; readonly from: string }

const src = path.resolve(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => name.split(path.sep).join('/')).sort();
const textOf = new Map(files.map((file) => [file, readFileSync(path.join(src, file), 'utf8')]));
const imports = files.flatMap(importsOf);

function importsOf(file: string): Import[] {
  const text = textOf.get(file)!;
  const found = [...text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'/gm)];
  return found.map(({ index, 1: type, 2: named, 3: dynamic }) => ({ file, line: text.slice(0, index).split('\n').length, typeOnly: type !== undefined, from: (named ?? dynamic)! }));
}

/** The file of src/ that an import names; undefined for a package. */
const target = ({ file, from }: Import) => from.startsWith('.') ? path.posix.join(path.posix.dirname(file), from) : undefined;
const show = ({ file, line, from }: Import) => `src/${file}:${line} imports ${from}`;

function ringOf(file: string): string {
  if (!file.includes('/')) return RING_OF_FILE[file] ?? 'pdp';
  const folder = file.slice(0, file.indexOf('/'));
  return RING_OF_FOLDER[folder] ?? folder;
}

/** Less comments, and less the texts of strings, which may say "process". */
const codeOf = (file: string) => textOf.get(file)!.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' ')).replace(/(^|\s)\/\/.*$/gm, '$1').replace(/'(?:[^'\\\n]|\\.)*'/g, "''");

interface Line { readonly file: string; readonly at: number; readonly code: string }

function linesWith(pattern: RegExp, chosen: readonly string[]): Line[] {
  return chosen.flatMap((file) => codeOf(file).split('\n').flatMap((code, i) => pattern.test(code) ? [{ file, at: i + 1, code: code.trim() }] : []));
}

const showLine = ({ file, at, code }: Line) => `src/${file}:${at} ${code}`;

test('the files are found', () => {
  expect(files.length).toBeGreaterThan(50);
  expect(imports.length).toBeGreaterThan(200);
});

test('every folder of src is a ring', () => {
  expect(files.filter((file) => MAY_IMPORT[ringOf(file)] === undefined)).toEqual([]);
});

test('imports point inwards', () => {
  const outwards = imports.filter((found) => {
    const to = target(found);
    return to !== undefined && ringOf(to) !== ringOf(found.file) && MAY_IMPORT[ringOf(found.file)]?.includes(ringOf(to)) !== true;
  });
  expect(outwards.map(show)).toEqual([]);
});

test('no file imports itself by way of others', () => {
  const next = new Map(files.map((file) => [file, imports.filter((found) => found.file === file && !found.typeOnly).flatMap((found) => target(found) ?? [])]));
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, above: readonly string[]): void => {
    if (above.includes(file)) return void cycles.push([...above.slice(above.indexOf(file)), file].join(' → '));
    if (done.has(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...above, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

test('core imports no package but zod and node:crypto', () => {
  expect(imports.filter((found) => ringOf(found.file) === 'core' && target(found) === undefined && !['zod', 'node:crypto'].includes(found.from)).map(show)).toEqual([]);
});

test('core has no clock, randomness, network, process or logger: it is a function of what it gets', () => {
  const impure = /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bprocess\.|\bperformance\b|\bset(Timeout|Interval|Immediate)\b|\bfetch\(|\bconsole\.|\bglobalThis\b|\brandom(Bytes|UUID|Int|Fill|FillSync)\b|\bgetRandomValues\b/;
  expect(linesWith(impure, files.filter((file) => ringOf(file) === 'core')).map(showLine)).toEqual([]);
});

test('only opa/engine.ts knows the WASM runtime, only http and main know Express', () => {
  const strangers = imports.filter(({ file, from }) => (from.startsWith('@open-policy-agent/') && file !== 'opa/engine.ts') || (from === 'express' && !['http', 'main'].includes(ringOf(file))));
  expect(strangers.map(show)).toEqual([]);
});

test('packages that are imported are dependencies, and the other way round', () => {
  const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(readFileSync(path.resolve(src, '../package.json'), 'utf8')) as Record<'dependencies' | 'peerDependencies', Record<string, string>> & { peerDependenciesMeta: Record<string, { optional: boolean }> };
  const used = imports.map(({ from }) => from).filter((from) => !from.startsWith('.') && !from.startsWith('node:'));
  const names = new Set(used.map((from) => from.split('/').slice(0, from.startsWith('@') ? 2 : 1).join('/')));
  expect([...names].sort()).toEqual([...Object.keys(dependencies), ...Object.keys(peerDependencies)].sort());
  // The clients of sinks are wanted by those alone who have such a sink: imported when one is opened.
  for (const name of Object.keys(peerDependencies)) {
    expect(peerDependenciesMeta[name]).toEqual({ optional: true });
    const importing = files.filter((file) => imports.some((found) => found.file === file && found.from === name));
    expect(importing.map((file) => path.posix.dirname(file))).toEqual(importing.map(() => 'ship/sinks'));
    expect(importing.filter((file) => new RegExp(`^import (?!type)[^;]*from '${name}'`, 'm').test(textOf.get(file)!))).toEqual([]);
  }
  expect(imports.filter(({ from }) => !from.startsWith('node:') && builtinModules.includes(from)).map(show)).toEqual([]); // with node: always
});

test('the client takes only types and constants of core with it: no package, nothing of the server', () => {
  const reached = new Set<string>();
  const follow = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const found of imports.filter((one) => one.file === file && !one.typeOnly)) follow(target(found) ?? found.from);
  };
  for (const file of files.filter((name) => ringOf(name) === 'sdk')) follow(file);
  expect([...reached].filter((name) => !name.startsWith('node:') && !['sdk', 'core'].includes(ringOf(name)))).toEqual([]);
});

test('threads are started in one place, which keeps V8 from freeing a stub twice', () => {
  expect(linesWith(/\bnew Worker\(/, files).map(({ file }) => file)).toEqual(['threads/thread.ts']);
});

test('the environment is read where a program starts, and nowhere else', () => {
  const mainOfToolchain = codeOf('opa/toolchain.ts').split('\n').findIndex((line) => line.startsWith('async function main(')) + 1;
  const mayRead = ({ file, at, code }: Line) => file === 'cli/run.ts' || file === 'config.ts'
    || (file === 'main.ts' && code.includes('serveByEnvironment(process.env, '))
    || (file === 'opa/toolchain.ts' && mainOfToolchain > 0 && at > mainOfToolchain);
  expect(linesWith(/process\.env\b|process\[|\benv\b.*= process\b/, files).filter((line) => !mayRead(line)).map(showLine)).toEqual([]);
});

test(`no folder of src holds more than ${MAX_FILES} files`, () => {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(path.posix.dirname(file), (counts.get(path.posix.dirname(file)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > MAX_FILES).map(([folder, count]) => `src/${folder}: ${count} files`)).toEqual([]);
});
