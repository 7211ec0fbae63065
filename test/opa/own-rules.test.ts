import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadBundle } from '../../src/opa/build.ts';
import { ownRulesOf } from '../../src/opa/sources.ts';
import { copyPolicies, findBuiltOpa, removeWorlds, ROOT } from '../support/world.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-own-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await removeWorlds();
});

const rule = (name: string, id = 'x') => `package egress.rules.own.${name}

import rego.v2

# METADATA
# title: t
# custom:
#   code: forbidden_category
#   message: m
#   fix: f
rulings["${id}"] contains "*" if input.channel == "export"
`;

async function build(files: Readonly<Record<string, string>>) {
  const own = ownRulesOf(await copyPolicies({}));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(own, name)), { recursive: true });
    await writeFile(path.join(own, name), text);
  }
  return loadBundle({ rego: path.join(ROOT, 'rego'), own, cache: path.join(folder, 'cache'), opa: findBuiltOpa });
}

describe("house 8: rules of one's own stand among the facts", () => {
  test('a file that is dropped in is taken in; its place says that it is one of these', async () => {
    const { rules } = await build({ 'exports.rego': rule('exports', 'no-exports'), 'notes.txt': 'no rule' });
    expect(rules.get('no-exports')).toMatchObject({ location: 'egress/rules/own/exports.rego:11' });
    expect(rules.get('anonymized-only')).toMatchObject({
      location: expect.stringMatching(/^egress\/rules\/own\/vendor_x\.rego:\d+$/),
    });
    expect(rules.get('unknown-vendor')).toMatchObject({
      location: expect.stringMatching(/^egress\/rules\/guardrails\.rego:\d+$/),
    });
  });

  test.each([
    {
      name: 'a name that stands in both folders',
      file: 'genai.rego',
      text: rule('genai'),
      says: /\/rules\/genai\.rego:1: the shipped rules have a file called genai\.rego too/,
    },
    {
      name: 'the package of a shipped file',
      file: 'house.rego',
      text: rule('house').replace('.own', ''),
      says: /\/rules\/house\.rego:1: the package must be egress\.rules\.own\.house/,
    },
    {
      name: 'a folder below',
      file: 'more/house.rego',
      text: rule('house'),
      says: /\/rules\/more\/house\.rego:1: rules stand in this folder itself/,
    },
    {
      name: 'the name of what rules give',
      file: 'rulings.rego',
      text: rule('rulings'),
      says: /\/rules\/rulings\.rego:1: a file of rules can't be called rulings/,
    },
    {
      name: 'a name that only looks like one of a rule file',
      file: 'house.REGO',
      text: rule('house'),
      says: /\/rules\/house\.REGO:1: its name must end in \.rego, in small letters/,
    },
    {
      name: 'broken Rego',
      file: 'house.rego',
      text: `${rule('house')}x if {\n`,
      says: /\/rules\/house\.rego:\d+: rego_parse_error/,
    },
    {
      name: 'an id that a shipped rule has',
      file: 'house.rego',
      text: rule('house', 'unknown-vendor'),
      says: /the rule unknown-vendor has METADATA at \S+ too/,
    },
  ])('$name fails by file:line', async ({ file, text, says }) => {
    await expect(build({ [file]: text })).rejects.toThrow(says);
  });

  test('without a folder of their own there are the shipped rules alone', async () => {
    const bundle = await loadBundle({
      rego: path.join(ROOT, 'rego'),
      own: path.join(folder, 'nowhere'),
      cache: path.join(folder, 'cache'),
      opa: findBuiltOpa,
    });
    expect(bundle.rules.has('anonymized-only')).toBe(false);
    expect(bundle.rules.has('unknown-vendor')).toBe(true);
    const alone = await loadBundle({
      rego: path.join(ROOT, 'rego'),
      cache: path.join(folder, 'cache'),
      opa: findBuiltOpa,
    });
    expect(alone.source).toBe(bundle.source);
  });

  test('folders of a mounted volume are no rules', async () => {
    const own = path.join(folder, 'mounted');
    await cp(path.join(ROOT, 'policies', 'rules'), path.join(own, '..2026_11_22'), { recursive: true });
    await expect(
      loadBundle({ rego: path.join(ROOT, 'rego'), own, cache: path.join(folder, 'cache'), opa: findBuiltOpa }),
    ).resolves.toBeDefined();
  });
});
