import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Facts } from '../../src/core/facts.ts';
import { loadBundle, PolicyError } from '../../src/opa/build.ts';
import { createEngine } from '../../src/opa/engine.ts';
import { checkHeads, type RuleNode } from '../../src/opa/heads.ts';
import { literalsOf } from '../../src/opa/literals.ts';
import { placeIn, readSources } from '../../src/opa/sources.ts';
import { checkNames } from '../../src/policy/names.ts';
import { vet } from '../../src/policy/vet.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { findBuiltOpa, NOON, removeWorlds, ROOT, RULES } from '../support/world.ts';

const run = promisify(execFile);
let folder: string;
let facts: Facts;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-literals-'));
  facts = await loadYaml(path.join(ROOT, 'policies'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await removeWorlds();
});

interface Spot {
  readonly file: string;
  readonly row: number;
  readonly col: number;
  readonly value: string;
}

/** Strings whose change nothing can take for a mistake, by file and text, each with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'egress/rules/conditions.rego code':
    'what the host reads of an unmet condition: else it denies evaluation_failed; the example has no condition',
  'egress/rules/conditions.rego match': 'a key of what a condition states, which may be any map',
};

async function parse(file: string): Promise<{ readonly rules?: readonly RuleNode[] }> {
  return JSON.parse(
    (
      await run(await findBuiltOpa(), ['parse', '-f', 'json', '--json-include', 'locations', file], {
        maxBuffer: 1 << 28,
      })
    ).stdout,
  ) as { readonly rules?: readonly RuleNode[] };
}

/** Every text in quotes that stands in a rule, but for the ids of rulings: these are names that a rule gives itself. */
function spotsOf(file: string, rules: readonly RuleNode[]): readonly Spot[] {
  const spots = new Map<string, Spot>();
  const ids = new Set(rules.filter(({ head }) => head.ref[0]?.value === 'rulings').map(({ head }) => head.ref[1]));
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null || ids.has(node as never)) return;
    const { type, value, location } = node as {
      readonly type?: unknown;
      readonly value?: unknown;
      readonly location?: { readonly row: number; readonly col: number; readonly text?: string };
    };
    const quoted = location?.text !== undefined && Buffer.from(location.text, 'base64').toString().startsWith('"');
    if (type === 'string' && quoted)
      spots.set(`${location.row}:${location.col}`, {
        file,
        row: location.row,
        col: location.col,
        value: String(value),
      });
    for (const member of Object.values(node)) walk(member);
  };
  walk(rules);
  return [...spots.values()];
}

/** The file with one letter changed in the middle of one string. */
function slip(text: string, { row, col, value }: Spot): string {
  const lines = text.split('\n');
  const at = Math.floor(value.length / 2);
  const wrong = `${value.slice(0, at)}${value[at] === 'q' ? 'z' : 'q'}${value.slice(at + 1)}`;
  const line = lines[row - 1]!;
  // Rego counts bytes, and these files are ASCII.
  lines[row - 1] = `${line.slice(0, col - 1)}${line.slice(col - 1).replace(`"${value}"`, () => `"${wrong}"`)}`;
  return lines.join('\n');
}

/** Whether file and catalogue alone show the mistake. */
async function isNamed(spot: Spot, text: string): Promise<boolean> {
  const file = path.join(folder, `${spot.file.replaceAll('/', '_')}-${spot.row}-${spot.col}.rego`);
  await writeFile(file, text);
  const module = await parse(file);
  const ids = new Set((module.rules ?? []).flatMap(({ head }) => String(head.ref[1]?.value)));
  const heads = spot.file === 'egress/decision.rego' ? [] : checkHeads(spot.file, module.rules ?? [], ids);
  const { taxonomy } = await readSources(RULES);
  const { errors } = checkNames(
    { literals: literalsOf(spot.file, module), taxonomy },
    { worlds: [facts], permit: false },
  );
  return heads.length + errors.length > 0;
}

/** Whether a whole build, or the one check after it, refuses. */
async function isRefused(spot: Spot, text: string): Promise<boolean> {
  const rego = await mkdtemp(path.join(folder, 'rego-'));
  await cp(RULES.rego, path.join(rego, 'rego'), { recursive: true });
  await cp(RULES.own, path.join(rego, 'policies', 'rules'), { recursive: true });
  const folders = { rego: path.join(rego, 'rego'), own: path.join(rego, 'policies', 'rules') };
  await writeFile(placeIn(folders, spot.file), text);
  try {
    const bundle = await loadBundle({ ...folders, cache: path.join(folder, 'cache'), opa: findBuiltOpa });
    const loaded = { facts, bundle, engine: await createEngine(bundle.wasm, bundle.rules), loadedAtMs: NOON };
    return (
      (await vet(loaded, { folders: { rego: folders.rego, policies: path.join(rego, 'policies') } })).errors.length > 0
    );
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return true;
  }
}

test('F1 F2: each string of every rule, changed by one letter, fails the check of build, start and reload', async () => {
  const { modules } = await readSources(RULES);
  const spots: Spot[] = [];
  const texts = new Map<string, string>();
  for (const file of modules) {
    const place = placeIn(RULES, file);
    texts.set(file, await readFile(place, 'utf8'));
    spots.push(...spotsOf(file, (await parse(place)).rules ?? []));
  }
  expect(spots.length).toBeGreaterThan(150);
  const missed: string[] = [];
  for (const spot of spots) {
    const text = slip(texts.get(spot.file)!, spot);
    expect(text).not.toBe(texts.get(spot.file));
    if ((await isNamed(spot, text)) || (await isRefused(spot, text))) continue;
    missed.push(`${spot.file} ${spot.value}`);
  }
  expect([...new Set(missed)].toSorted()).toEqual(Object.keys(EXCEPTIONS).toSorted());
}, 600_000);

test('F1: the taxonomy of the shipped rules has what they speak of, and the example world has all of it', async () => {
  const { taxonomy } = await readSources(RULES);
  const bundle = await loadBundle({ ...RULES, cache: path.join(ROOT, '.tools', 'bundles'), opa: findBuiltOpa });
  const shipped = bundle.literals.filter(({ location }) => !location.startsWith('egress/rules/own/'));
  const named = new Set(
    shipped
      .filter(({ domains }) => domains.some((domain) => /^(category|purpose)/.test(domain)))
      .map(({ name }) => name),
  );
  expect(taxonomy.toSorted()).toEqual([...named].filter((name) => name !== '*').toSorted());
  expect(checkNames({ ...bundle, taxonomy: [] }, { worlds: [facts], permit: false })).toEqual({
    errors: [],
    warnings: [],
  });
});
