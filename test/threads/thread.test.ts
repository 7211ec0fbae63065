import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beside } from '../../src/threads/thread.ts';

const MODULE = path.resolve(import.meta.dirname, '../../src/threads/thread.ts');
let dir = '';
beforeEach(() => { dir = mkdtempSync(path.join(tmpdir(), 'thread-')); });
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** What V8 compiled in a thread that strips types, which is WebAssembly that calls JavaScript; where V8 is to compile from the second call on. */
function compiled(start: string): string {
  writeFileSync(path.join(dir, 'strip.mjs'), `import { stripTypeScriptTypes } from 'node:module';
    for (let i = 0; i < 3; i += 1) stripTypeScriptTypes('interface X { readonly a: string } const a: number = 1;'.repeat(40));`);
  // Stripped here: what the main thread had compiled would serve the other.
  writeFileSync(path.join(dir, 'thread.mjs'), stripTypeScriptTypes(readFileSync(MODULE, 'utf8')));
  writeFileSync(path.join(dir, 'main.mjs'), `import { Worker } from 'node:worker_threads';
    import { startThread } from './thread.mjs';
    const file = new URL('./strip.mjs', import.meta.url);
    await new Promise((resolve) => { (${start}).once('exit', resolve); });`);
  const logs = mkdtempSync(path.join(dir, 'logs-'));
  const { status, stderr } = spawnSync(process.execPath, ['--no-warnings', '--wasm-wrapper-tiering-budget=1', '--log-code', `--logfile=${logs}/v8.log`, 'main.mjs'], { cwd: dir, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  const texts = readdirSync(logs).map((name) => readFileSync(path.join(logs, name), 'latin1'));
  const [ofThread, ...others] = texts.filter((text) => /^code-creation,Script,.*strip\.mjs/m.test(text));
  expect([texts.length, others]).toEqual([2, []]); // one of each isolate
  return ofThread!;
}

test('in a thread no stub from WebAssembly to JavaScript is compiled, since V8 frees them twice when two threads do', () => {
  const stubs = (start: string) => [...compiled(start).matchAll(/wasm-to-js/g)].length;
  expect(stubs('new Worker(file, { execArgv: ["--no-warnings"] })')).toBeGreaterThan(0);
  expect(stubs('startThread(file, { execArgv: ["--no-warnings"] })')).toBe(0);
});

test('a module beside another is looked for in the form that the other has', () => {
  expect([beside('file:///a/b.ts', 'c').href, beside('file:///a/b.js', 'd/c').href]).toEqual(['file:///a/c.ts', 'file:///a/d/c.js']);
});
