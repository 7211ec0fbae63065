import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { complete } from '../../src/core/prepare/complete.ts';
import { parseQuestion } from '../../src/core/parse/parse.ts';
import { judge } from '../../src/judge.ts';
import { loadBundle } from '../../src/opa/build.ts';
import { createEngine } from '../../src/opa/engine.ts';
import { readTarGz } from '../../src/opa/tar.ts';
import type { Rule } from '../../src/core/decide/rulings.ts';
import { effects, findBuiltOpa, openWorld, removeWorlds, ROOT } from '../support/world.ts';

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-shapes-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await removeWorlds();
});

const HEAD = 'package egress.rules.own.house\n\nimport rego.v2\n\n';
const METADATA = '# METADATA\n# title: t\n# custom:\n#   code: forbidden_category\n#   message: m\n#   fix: f\n';
const EXPORT = 'if input.channel == "export"';
const INDEX = 'some index, _ in input.profiles';

async function build(files: Readonly<Record<string, string>>) {
  const own = await mkdtemp(path.join(folder, 'own-'));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(own, name), text);
  return loadBundle({ rego: path.join(ROOT, 'rego'), own, cache: path.join(folder, 'cache'), opa: findBuiltOpa });
}

describe('F1: a ruling is a set of indexes of profiles, or "*", whether or not a case hits it', () => {
  test.each([
    {
      name: 'true, as a rule without a value',
      body: `${METADATA}rulings["x"] ${EXPORT}`,
      says: /house\.rego:11: rulings\["x"\] is no set of profiles/,
    },
    {
      name: 'true',
      body: `${METADATA}rulings["x"] := true ${EXPORT}`,
      says: /house\.rego:11: rulings\["x"\] is no set of profiles/,
    },
    {
      name: 'an index alone',
      body: `${METADATA}rulings["x"] := index if ${INDEX}`,
      says: /house\.rego:11: rulings\["x"\] is no set of profiles/,
    },
    {
      name: 'a map',
      body: `${METADATA}rulings["x"][index] := true if ${INDEX}`,
      says: /house\.rego:11: write the rule's id|house\.rego:11: rulings\["x"\] is no set/,
    },
    {
      name: 'a set of sets',
      body: `${METADATA}rulings["x"].y contains "*" ${EXPORT}`,
      says: /house\.rego:11: rulings\["x"\] is no set of profiles/,
    },
    {
      name: 'a list of indexes',
      body: `${METADATA}rulings["x"] := [index | ${INDEX}]`,
      says: /house\.rego:11: rulings\["x"\] is no set of profiles/,
    },
    {
      name: 'a function',
      body: `${METADATA}rulings(x) := {x}`,
      says: /house\.rego:11: write the rule's id in its head/,
    },
    {
      name: 'all rulings at once',
      body: `${METADATA}rulings := {"x": {"*"}} ${EXPORT}`,
      says: /house\.rego:11: write the rule's id in its head/,
    },
    {
      name: 'a set of ids',
      body: `${METADATA}rulings contains "x" ${EXPORT}`,
      says: /house\.rego:11: write the rule's id in its head/,
    },
    { name: 'a default', body: 'default rulings := {}', says: /house\.rego:5: write the rule's id in its head/ },
    {
      name: 'a value with an else',
      body: `${METADATA}rulings["x"] := {"*"} ${EXPORT} else := {0}`,
      says: /house\.rego:11: rulings\["x"\] is no set of profiles/,
    },
    {
      name: 'a text that is not "*"',
      body: `${METADATA}rulings["x"] contains "text" ${EXPORT}`,
      says: /house\.rego:11: a rule gives indexes of profiles, or "\*", not "text"/,
    },
    {
      name: 'a number',
      body: `${METADATA}rulings["x"] contains 0 ${EXPORT}`,
      says: /house\.rego:11: a rule gives indexes of profiles/,
    },
    {
      name: 'a fraction',
      body: `${METADATA}rulings["x"] contains 1.5 ${EXPORT}`,
      says: /house\.rego:11: a rule gives indexes of profiles/,
    },
    {
      name: 'a variable that is a fraction',
      body: `${METADATA}rulings["x"] contains half if {\n\t${INDEX}\n\thalf := index + 0.5\n}`,
      says: /house\.rego:11: half may be something other than the index of a profile/,
    },
    {
      name: 'an index that is out of range',
      body: `${METADATA}rulings["x"] contains next if {\n\t${INDEX}\n\tnext := index + 1\n}`,
      says: /house\.rego:11: next may be something other/,
    },
    {
      name: 'an index of another list',
      body: `${METADATA}rulings["x"] contains index if some index, _ in input.grants`,
      says: /house\.rego:11: index may be something other/,
    },
    {
      name: 'an index that only a negated condition names',
      body: `${METADATA}rulings["x"] contains index if {\n\tsome index in {7}\n\tnot input.profiles[index].known\n}`,
      says: /house\.rego:11: index may be something other/,
    },
    {
      name: 'a category',
      body: `${METADATA}rulings["x"] contains profile.category if some profile in input.profiles`,
      says: /house\.rego:11: a rule gives indexes of profiles/,
    },
    {
      name: 'a helper that holds more than indexes',
      body: `${METADATA}rulings["x"] contains index if some index in _hit\n\n_hit contains index if ${INDEX}\n\n_hit contains 7 ${EXPORT}`,
      says: /house\.rego:11: index may be something other/,
    },
    {
      name: 'two shapes',
      body: `${METADATA}rulings["x"] contains "*" ${EXPORT}\n\nrulings["x"] := true if input.channel == "webhook"`,
      says: /house\.rego:\d+: .*(conflicting rules|no set of profiles)/,
    },
    {
      name: 'two clauses that give different things',
      body: `${METADATA}rulings["x"] contains "*" ${EXPORT}\n\nrulings["x"] contains "all" if input.channel == "webhook"`,
      says: /house\.rego:13: a rule gives indexes of profiles, or "\*", not "all"/,
    },
    {
      name: 'a misspelt head without METADATA',
      body: `rulngs["x"] contains "*" ${EXPORT}`,
      says: /house\.rego:5: nobody reads rulngs/,
    },
    {
      name: 'a misspelt head with misspelt METADATA',
      body: `${METADATA.replace('code', 'kode')}rulngs["x"] contains "*" ${EXPORT}`,
      says: /house\.rego:11: nobody reads rulngs/,
    },
    {
      name: 'misspelt METADATA',
      body: `${METADATA.replace('code', 'kode')}rulings["x"] contains "*" ${EXPORT}`,
      says: /house\.rego:11: rule x: METADATA custom\.code is no reason code/,
    },
    {
      name: 'a helper that is not private',
      body: `${METADATA}rulings["x"] contains "*" if exports\n\nexports ${EXPORT}`,
      says: /house\.rego:13: nobody reads exports: .*_exports/,
    },
    {
      name: 'F21 a rule that prints',
      body: `${METADATA}rulings["x"] contains "*" if {\n\tprint(input.channel)\n\tinput.channel == "export"\n}`,
      says: /house\.rego:12: a rule can't print/,
    },
  ])('$name: the build says where', async ({ body, says }) => {
    await expect(build({ 'house.rego': `${HEAD}${body}\n` })).rejects.toThrow(says);
  });

  test('what is such a set builds: by name, by reference, by a helper, with "*" beside it', async () => {
    const bodies = [
      `rulings["a"] contains index if {\n\tsome index, profile in input.profiles\n\tprofile.known\n}`,
      'rulings["b"] contains index if input.profiles[index].known',
      'rulings["c"] contains at if {\n\tprofile := input.profiles[at]\n\tprofile.known\n}',
      'rulings["d"] contains index if {\n\tsome index in _known\n\tinput.channel == "export"\n}\n\n_known contains index if {\n\tindex in _all\n\tinput.profiles[index].known\n}\n\n_all contains index if some index, _ in input.profiles',
      `rulings["e"] contains "*" ${EXPORT}\n\nrulings["e"] contains index if input.profiles[index].personal`,
    ];
    const { shapes, rules } = await build({
      'house.rego': `${HEAD}${bodies.map((body) => `${METADATA}${body}`).join('\n\n')}\n`,
    });
    expect(shapes).toMatchObject({ a: 'profiles', b: 'profiles', c: 'profiles', d: 'profiles', e: 'profiles or all' });
    expect(Object.keys(shapes).toSorted()).toEqual([...rules.keys()].toSorted());
  });

  test.each([
    {
      name: 'with the package of rules',
      text: HEAD,
      says: /house_test\.rego:1: the file is called a test, and its package house is none/,
    },
    {
      name: 'with rulings in it',
      text: HEAD.replace('house', 'house_test'),
      says: /house_test\.rego:11: rulings in a file of tests would never count/,
    },
  ])('a file of tests $name: the build says where', async ({ text, says }) => {
    await expect(
      build({ 'house_test.rego': `${text}${METADATA}rulings["x"] contains "*" ${EXPORT}\n` }),
    ).rejects.toThrow(says);
  });

  test('a test that only speaks of rulings builds nothing anew and is no mistake', async () => {
    const text = `${HEAD.replace('house', 'house_test')}import data.egress.rules.own.house\n\ntest_it if {\n\trulings := house.rulings with input as {}\n\trulings.x == set()\n}\n`;
    const house = `${HEAD}${METADATA}rulings["x"] contains "*" ${EXPORT}\n`;
    const with_ = await build({ 'house.rego': house, 'house_test.rego': text });
    expect(with_.rules.has('x')).toBe(true);
    const edited = await build({
      'house.rego': house,
      'house_test.rego': text.replace('rulings :=', 'found :=').replace('rulings.x', 'found.x'),
    });
    const alone = await build({ 'house.rego': house });
    expect(edited.source).toBe(alone.source);
  });
});

describe('F1: a shape that came through denies evaluation_failed', () => {
  const rule: Rule = {
    id: 'x',
    title: 'x',
    effect: 'forbid',
    code: 'forbidden_category',
    message: 'm',
    fix: 'f',
    judges: 'both',
    obligations: [],
    location: 'x.rego:1',
  };
  const QUESTION = {
    identity: 'service:telemetry',
    vendor: 'mixpanel',
    environment: 'production',
    event: 'genai_dashboard.viewed',
    channel: 'telemetry',
    fields: ['anon_user_id', 'region'],
  };

  /** The shipped collector over a rule that no contract was asked about. */
  async function engineWith(body: string) {
    const tree = await mkdtemp(path.join(folder, 'tree-'));
    await cp(path.join(ROOT, 'rego'), tree, { recursive: true });
    await mkdir(path.join(tree, 'egress/rules/own'));
    await writeFile(path.join(tree, 'egress/rules/own/house.rego'), `${HEAD}${body}\n`);
    const out = path.join(tree, 'out.tar.gz');
    await run(
      await findBuiltOpa(),
      ['build', '-t', 'wasm', '-e', 'egress/decision', '--ignore', '*_test.rego', '-o', out, 'egress'],
      { cwd: tree },
    );
    const { snapshot } = await openWorld();
    return createEngine(
      new Uint8Array(readTarGz(await readFile(out)).get('/policy.wasm')!),
      new Map([...snapshot.engine.rules, ['x', rule]]),
    );
  }

  test.each([
    { name: 'true', body: 'rulings["x"] if input.vendor.id == "mixpanel"' },
    { name: 'false', body: 'rulings["x"] := false if input.vendor.id == "mixpanel"' },
    { name: 'null', body: 'rulings["x"] := null if input.vendor.id == "mixpanel"' },
    { name: 'a number', body: 'rulings["x"] := 0 if input.vendor.id == "mixpanel"' },
    { name: 'a text', body: 'rulings["x"] := "*" if input.vendor.id == "mixpanel"' },
    { name: 'an empty map', body: 'rulings["x"] := {} if input.vendor.id == "mixpanel"' },
    {
      name: 'a map, also an empty one',
      body: 'rulings["x"][0] := true if input.vendor.id == "mixpanel"',
      always: true,
    },
    { name: 'a set with a text', body: 'rulings["x"] contains "text" if input.vendor.id == "mixpanel"' },
    { name: 'a set with a fraction', body: 'rulings["x"] contains 0.5 if input.vendor.id == "mixpanel"' },
    { name: 'a set with an index out of range', body: 'rulings["x"] contains 99 if input.vendor.id == "mixpanel"' },
    {
      name: 'a set with "*" and something else',
      body: 'rulings["x"] contains ["*", "text"][_] if input.vendor.id == "mixpanel"',
    },
    { name: 'a set of ids', body: 'rulings contains "x" if input.vendor.id == "mixpanel"' },
  ])('$name', async ({ body, always = false }) => {
    const { snapshot } = await openWorld();
    const engine = await engineWith(body);
    const ask = (question: object) => {
      const asked = complete(
        parseQuestion(question),
        snapshot.world.catalogue,
        snapshot.world.catalogue.facts.callers.get('demo-gateway')!,
      );
      return judge(
        asked,
        { ...snapshot, engine },
        { nowMs: Date.parse('2026-11-22T12:00:00Z'), latestMs: Date.parse('2026-11-22T12:00:00Z') },
      ).decision;
    };
    const decision = ask(QUESTION);
    expect([decision.decision, effects(decision), decision.reasons.map(({ code }) => code)]).toEqual([
      'deny',
      { anon_user_id: 'deny', region: 'deny' },
      ['evaluation_failed'],
    ]);
    expect(ask({ ...QUESTION, vendor: 'amplitude' }).decision).toBe(always ? 'deny' : 'allow');
  });
});
