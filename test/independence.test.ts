import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCases } from '../src/cases.ts';
import { loadBundle } from '../src/opa/build.ts';
import { createEngine } from '../src/opa/engine.ts';
import { checkIndependence } from '../src/policy/probe.ts';
import { findBuiltOpa, openWorld, removeWorlds, ROOT, RULES } from './support/world.ts';

let folder: string;

beforeAll(async () => { folder = await mkdtemp(path.join(tmpdir(), 'sluice-independence-')); });
afterAll(async () => { await rm(folder, { recursive: true, force: true }); await removeWorlds(); });

const METADATA = '# METADATA\n# title: t\n# custom:\n#   code: forbidden_category\n#   message: m\n#   fix: f\n';

async function check(rule: string) {
  const rego = await mkdtemp(path.join(folder, 'rego-'));
  await cp(path.join(ROOT, 'rego'), rego, { recursive: true });
  await writeFile(path.join(rego, 'egress', 'rules', 'extra.rego'), `package egress.rules.extra\n\nimport rego.v2\n\n${METADATA}${rule}\n`);
  const bundle = await loadBundle({ ...RULES, rego, cache: path.join(folder, 'cache'), opa: findBuiltOpa });
  const engine = await createEngine(bundle.wasm, bundle.rules);
  const world = await openWorld();
  const cases = await runCases(path.join(ROOT, 'policies', 'cases'), { ...world.snapshot, engine });
  return checkIndependence(cases.flatMap(({ judged }) => judged ?? []), engine);
}

describe('J21 a ruling depends on its own profile alone', () => {
  test('a rule that counts the other profiles is named, with its place', async () => {
    const [problem, ...others] = await check('rulings["crowd"] contains index if {\n\tcount(input.profiles) > 1\n\tsome index, _ in input.profiles\n}');
    expect(problem).toMatch(/extra\.rego:\d+: rule crowd says something else of \S+ alone/);
    expect(others.every((other) => other.includes('rule crowd'))).toBe(true);
  });

  test('the shipped rules, and one that looks at its own profile, are independent', async () => {
    expect(await check('rulings["alone"] contains index if {\n\tsome index, profile in input.profiles\n\tprofile.personal\n}')).toEqual([]);
  });
});
