import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadBundle } from '../../src/opa/build.ts';
import { findBuiltOpa, ROOT } from '../support/world.ts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(path.join(tmpdir(), 'sluice-shipped-')); });
afterEach(() => rmSync(folder, { recursive: true }));

test.each([['shipped', async () => { throw new Error('opa was asked for'); }], ['built', findBuiltOpa]] as const)('F27: a policy that is %s is kept for one user, whatever the umask', async (kind, opa) => {
  const rego = path.join(ROOT, 'rego');
  const cache = path.join(ROOT, '.tools', 'bundles');
  await loadBundle({ rego, cache, opa: findBuiltOpa });
  const shipped = path.join(folder, 'shipped');
  cpSync(cache, shipped, { recursive: true });
  for (const name of readdirSync(shipped, { recursive: true, encoding: 'utf8' })) chmodSync(path.join(shipped, name), 0o777);
  const kept = path.join(folder, 'bundles');
  const before = process.umask(0);
  try {
    await loadBundle({ rego, cache: kept, opa, ...(kind === 'shipped' && { shipped }) });
  } finally {
    process.umask(before);
  }
  const modes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.startsWith('bundles')).map((name) => [path.basename(name).replace(/^[0-9a-f]{64}$/, '*'), (statSync(path.join(folder, name)).mode & 0o777).toString(8)]);
  expect(Object.fromEntries(modes)).toEqual({ bundles: '700', '*': '700', 'bundle.tar.gz': '600', 'policy.wasm': '600', 'rules.json': '600' });
}, 60_000);
