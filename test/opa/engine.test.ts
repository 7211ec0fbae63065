import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { RegoInput } from '../../src/core/prepare/prepared.ts';
import { complete } from '../../src/core/prepare/complete.ts';
import { parseQuestion } from '../../src/core/parse/parse.ts';
import { judge } from '../../src/judge.ts';
import { ageSince, createSnapshot } from '../../src/snapshot.ts';
import { loadYaml } from '../../src/sources/yaml/load.ts';
import { checkNames } from '../../src/policy/names.ts';
import { EvaluationFailed, type Rule } from '../../src/core/decide/rulings.ts';
import { loadBundle, readBundle } from '../../src/opa/build.ts';
import { createEngine } from '../../src/opa/engine.ts';
import { readTarGz } from '../../src/opa/tar.ts';
import { copyPolicies, findBuiltOpa, openWorld, removeWorlds, ROOT, RULES, shippedEngine } from '../support/world.ts';

const run = promisify(execFile);
const RULE: Rule = { id: 'r', title: 'r', effect: 'forbid', code: 'forbidden_category', message: 'm', fix: 'f', judges: 'both', obligations: [], location: 'x.rego:1' };
let folder: string;

beforeAll(async () => { folder = await mkdtemp(path.join(tmpdir(), 'sluice-engine-')); });
afterAll(async () => { await rm(folder, { recursive: true, force: true }); await removeWorlds(); });

/** Compiles one module whose `decision` is the entrypoint; no contract is checked here. */
async function compile(name: string, body: string, capabilities?: string) {
  const file = path.join(folder, `${name}.rego`);
  await writeFile(file, `package egress\n\nimport rego.v2\n\n${body}\n`);
  const out = path.join(folder, `${name}.tar.gz`);
  await run(await findBuiltOpa(), ['build', '-t', 'wasm', ...(capabilities === undefined ? [] : ['--capabilities', capabilities]), '-e', 'egress/decision', '-o', out, file]);
  return new Uint8Array(readTarGz(await readFile(out)).get('/policy.wasm')!);
}

async function input(): Promise<RegoInput> {
  const world = await openWorld();
  return world.judge({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id', 'city', 'org_id'] }).prepared.shape.views[0]!.input;
}

describe('the WASM engine (facts on OPA, section 3)', () => {
  test('gives checked, sorted rulings of the shipped rules', async () => {
    const { engine } = await shippedEngine();
    const rulings = engine.evaluate(await input());
    expect([...rulings.permits]).toEqual([['telemetry-basic', expect.arrayContaining([0])], ['telemetry-city', [1]]]);
    expect(rulings.rules.map(({ rule }) => rule.id)).toEqual(rulings.rules.map(({ rule }) => rule.id).toSorted());
  });

  test('a built-in that nobody supplies is refused when the module is loaded, not when it is reached', async () => {
    const wasm = await compile('clock', 'decision := {"rulings": {}, "permits": {}, "failed": [], "now": time.now_ns()}');
    await expect(createEngine(wasm, new Map())).rejects.toThrow('built-ins that WASM has not: time.now_ns');
  });

  test('a module without the entrypoint is refused', async () => {
    const file = path.join(folder, 'other.rego');
    await writeFile(file, 'package other\n\nimport rego.v2\n\nanswer := 1\n');
    await run(await findBuiltOpa(), ['build', '-t', 'wasm', '-e', 'other/answer', '-o', path.join(folder, 'other.tar.gz'), file]);
    const wasm = new Uint8Array(readTarGz(await readFile(path.join(folder, 'other.tar.gz'))).get('/policy.wasm')!);
    await expect(createEngine(wasm, new Map())).rejects.toThrow('no entrypoint egress/decision');
  });

  test.each([
    { name: 'an undefined decision', body: 'decision := {} if input.never' },
    { name: 'a conflict between rules', body: 'decision := {"a": 1} if count(input.profiles) > 0\ndecision := {"a": 2} if count(input.profiles) > 0' },
    { name: 'a ruling of an unknown rule', body: 'decision := {"rulings": {"nobody": [0]}, "permits": {}, "failed": []}' },
    { name: 'a ruling on an unknown profile', body: 'decision := {"rulings": {"r": [99]}, "permits": {}, "failed": []}' },
    { name: 'a permit by a grant that was not asked about', body: 'decision := {"rulings": {}, "permits": {"nobody": [0]}, "failed": []}' },
    { name: 'a decision of another shape', body: 'decision := "allow"' },
  ])('J21 $name fails the evaluation, names no value, and leaves the engine usable', async ({ name, body }) => {
    const engine = await createEngine(await compile(name.replace(/\W/g, '_'), body), new Map([['r', RULE]]));
    const asked = await input();
    for (let round = 0; round < 2; round += 1) {
      let failure: unknown;
      try {
        engine.evaluate(asked);
      } catch (error) {
        failure = error;
      }
      expect(failure).toBeInstanceOf(EvaluationFailed);
      expect((failure as Error).message).not.toContain('mixpanel');
    }
  });

  test('a set that comes back in hash order is sorted', async () => {
    const engine = await createEngine(await compile('sets', 'decision := {"rulings": {"r": {index | some index, _ in input.profiles}}, "permits": {}, "failed": []}'), new Map([['r', RULE]]));
    const [hit] = engine.evaluate(await input()).rules;
    expect(hit!.profiles).toEqual((hit!.profiles as number[]).toSorted((a, b) => a - b));
  });

  test('memory does not grow over many evaluations', async () => {
    const { engine } = await shippedEngine();
    const asked = await input();
    for (let round = 0; round < 500; round += 1) engine.evaluate(asked);
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 2000; round += 1) engine.evaluate(asked);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
  });
});

describe('building the policy', () => {
  const build = async (files: Readonly<Record<string, string>>) => {
    const rego = await mkdtemp(path.join(folder, 'rego-'));
    await run('cp', ['-r', `${path.join(ROOT, 'rego')}/.`, rego]);
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(rego, name)), { recursive: true });
      await writeFile(path.join(rego, name), text);
    }
    return loadBundle({ ...RULES, rego, cache: path.join(folder, 'cache'), opa: findBuiltOpa });
  };
  const METADATA = '# METADATA\n# title: t\n# custom:\n#   code: forbidden_category\n#   message: m\n#   fix: f\n';
  const rule = (head: string, more = '') => `package egress.rules.extra\n\nimport rego.v2\n\n${METADATA}${more}${head} contains "*" if input.channel == "export"\n`;

  test('a file beside the others is taken in, nothing is registered', async () => {
    const { rules } = await build({ 'egress/rules/extra.rego': rule('rulings["no-exports"]') });
    expect(rules.get('no-exports')).toMatchObject({ code: 'forbidden_category', effect: 'forbid', judges: 'both', location: expect.stringMatching(/extra.rego:\d+$/) });
  });

  test('an unchanged policy is not built again, a changed one is', async () => {
    const noOpa = async (): Promise<string> => { throw new Error('opa was asked for'); };
    const options = { ...RULES, cache: path.join(folder, 'cache') };
    const first = await loadBundle({ ...options, opa: findBuiltOpa });
    await expect(loadBundle({ ...options, opa: noOpa })).resolves.toMatchObject({ source: first.source });
    const stored = path.join(options.cache, first.source.slice('sha256:'.length), 'policy.wasm');
    await writeFile(stored, 'tampered');
    await expect(loadBundle({ ...options, opa: noOpa })).rejects.toThrow('opa was asked for');
  });

  test('F1: what an earlier program built is read for its records, and built anew before it decides', async () => {
    const options = { ...RULES, cache: path.join(folder, 'earlier') };
    const { source, rules } = await loadBundle({ ...options, opa: findBuiltOpa });
    const kept = path.join(options.cache, source.slice('sha256:'.length));
    const { wasm, rules: described, reads } = JSON.parse(await readFile(path.join(kept, 'rules.json'), 'utf8')) as Record<string, unknown>;
    await writeFile(path.join(kept, 'rules.json'), JSON.stringify({ wasm, rules: described, reads }));
    expect((await readBundle(kept, source))!.rules).toEqual(rules);
    await expect(loadBundle({ ...options, opa: async () => { throw new Error('opa was asked for'); } })).rejects.toThrow('opa was asked for');
    expect((await loadBundle({ ...options, opa: findBuiltOpa })).literals.length).toBeGreaterThan(50);
  });

  test.each([
    { name: 'broken Rego', file: 'package egress.rules.extra\n\nimport rego.v2\n\nrulings := {\n', says: /extra.rego:\d+: rego_parse_error/ },
    { name: 'a misspelt attribute', file: rule('rulings["x"]').replace('input.channel', 'input.chanel'), says: /chanel/ },
    { name: 'a network built-in', file: rule('rulings["x"]').replace('input.channel == "export"', 'http.send({"url": "http://x"}).status_code == 200'), says: /undefined function http.send/ },
    { name: 'no import of rego.v2', file: rule('rulings["x"]').replace('import rego.v2', 'import rego.v1'), says: /extra.rego:1: import rego.v2 is missing/ },
    { name: 'another package', file: rule('rulings["x"]').replace('egress.rules.extra', 'egress.rules.guardrails'), says: /the package must be egress.rules.extra/ },
    { name: 'no METADATA', file: rule('rulings["x"]').replace(METADATA, ''), says: /the rule x has no METADATA/ },
    { name: 'METADATA on a misspelt head', file: rule('ruling["x"]'), says: /extra.rego:\d+: METADATA with a code stands on ruling, not on rulings/ },
    { name: 'an unknown reason code', file: rule('rulings["x"]').replace('forbidden_category', 'because'), says: /rule x: METADATA custom.code is no reason code/ },
    { name: 'an id that is a variable', file: rule('rulings[input.channel]'), says: /write the rule's id in its head/ },
    { name: 'an id used twice', file: rule('rulings["unknown-vendor"]'), says: /the rule unknown-vendor has METADATA at .* too/ },
    { name: 'an unknown effect', file: rule('rulings["x"]', '#   effect: perhaps\n'), says: /effect is forbid or require/ },
    { name: 'a require without a duty', file: rule('rulings["x"]', '#   effect: require\n'), says: /either custom.obligations or custom.review/ },
    { name: 'a placeholder that nothing fills', file: rule('rulings["x"]').replace('fix: f', 'fix: "Drop {field}."'), says: /\/egress\/rules\/extra.rego:\d+: rule x: message and fix may hold {fields}, {path}, {rule} alone/ },
    { name: 'a document of data, which is there in tests and not when a question is judged', file: rule('rulings["x"]').replace('input.channel', 'data.channels[_]'), says: /\/egress\/rules\/extra.rego:11: data.channels is empty when a question is judged/ },
    { name: 'an import of data', file: rule('rulings["x"]').replace('import rego.v2', 'import rego.v2\n\nimport data.channels').replace('input.channel', 'channels[_]'), says: /extra.rego:5: data.channels is empty/ },
    { name: 'a path into the whole input, of which the host gives what rules name', file: rule('rulings["x"]').replace('input.channel', 'object.get(input, ["identity", "attributes", "team"], "")'), says: /extra.rego:11: a rule names what it reads/ },
    { name: 'the whole input handed to a function', file: `${rule('rulings["x"]').replace('input.channel == "export"', '_exports(input)')}\n_exports(doc) if doc.channel == "export"\n`, says: /extra.rego:11: a rule names what it reads/ },
    { name: 'an unknown obligation', file: rule('rulings["x"]', '#   effect: require\n#   obligations: [{ op: shred }]\n'), says: /names an unknown op/ },
  ])('J21 $name does not build', async ({ file, says }) => {
    await expect(build({ 'egress/rules/extra.rego': file })).rejects.toThrow(says);
  });

  test('J30 a rule that reads all of the identity gets all of its attributes', async () => {
    const bundle = await build({ 'egress/rules/extra.rego': rule('rulings["no-contractors"]').replace('input.channel == "export"', 'object.get(input.identity, ["attributes", "contractor"], false)') });
    const identities = { 'service:hired': { roles: ['dashboard_telemetry'], attributes: { contractor: true } }, 'service:own': { roles: ['dashboard_telemetry'], attributes: { contractor: false } } };
    const policies = await copyPolicies({ 'identities/fixture.yaml': { identities } });
    const snapshot = createSnapshot({ facts: await loadYaml(policies), bundle, engine: await createEngine(bundle.wasm, bundle.rules), vendorStates: new Map(), ageMs: ageSince(0), revisionOf: () => 1 });
    const ask = (identity: string) => judge(complete(parseQuestion({ identity, vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id'] }), snapshot.world.catalogue, snapshot.world.catalogue.facts.callers.get('demo-gateway')!), snapshot, { nowMs: 0, latestMs: 0 }).decision.decision;
    expect([ask('service:hired'), ask('service:own')]).toEqual(['deny', 'allow']);
  });

  test('names of the catalogue that rules misspell are found, with their place; the shipped rules may name more than a world has', async () => {
    const bundle = await build({ 'egress/rules/extra.rego': rule('rulings["x"]').replace('input.channel == "export"', 'input.profiles[_].ancestors["system.operatoins"]') });
    const { facts } = (await openWorld()).snapshot.world.catalogue;
    const wrong = 'egress/rules/extra.rego:11: there is no category called system.operatoins (did you mean system.operations?): the rule would never hit';
    expect(checkNames(bundle, { worlds: [facts], permit: false })).toEqual({ errors: [wrong], warnings: [] });
    const few = { ...facts, categories: new Map([...facts.categories].filter(([id]) => id.startsWith('system.operations'))) };
    const shipped = bundle.literals.filter(({ location }) => !location.includes('/own/') && !location.includes('extra'));
    expect(checkNames({ ...bundle, literals: shipped }, { worlds: [few], permit: false })).toEqual({ errors: [], warnings: [] });
  });

  test('the digest of a policy does not depend on where it stands', async () => {
    const { bundle, engine } = await shippedEngine();
    const elsewhere = await build({});
    expect([...elsewhere.rules]).toEqual([...bundle.rules]);
    expect((await createEngine(elsewhere.wasm, elsewhere.rules)).digest).toBe(engine.digest);
  });

  test('J2 a duty that a rule demands binds whatever grant won', async () => {
    const bundle = await build({ 'egress/rules/extra.rego': rule('rulings["mask-exports"]', '#   effect: require\n#   obligations: [{ op: mask }]\n') });
    const engine = await createEngine(bundle.wasm, bundle.rules);
    const world = await openWorld();
    const snapshot = { ...world.snapshot, engine };
    const caller = snapshot.world.catalogue.facts.callers.get('demo-gateway')!;
    const ask = (channel: string) => judge(complete(parseQuestion({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', channel, fields: ['anon_user_id'] }), snapshot.world.catalogue, caller), snapshot, { nowMs: 0, latestMs: 0 }).decision;
    expect(ask('export')).toMatchObject({ decision: 'transform', obligations: [{ field: 'anon_user_id', op: 'mask' }], fields: { anon_user_id: { rules: ['mask-exports', 'telemetry-basic'] } } });
    expect(ask('telemetry').decision).toBe('allow');
  });
});
