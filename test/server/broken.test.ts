import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { copyRego, endServers, failToStart, newDataDir, metric, QUESTION, startServer, type Exit } from '../support/server.ts';
import { copyPolicies, removeWorlds, type Extra } from '../support/world.ts';

afterAll(async () => {
  await endServers();
  await removeWorlds();
});

const rule = (name: string, body: string, imports = 'import rego.v2') => `package egress.rules.${name}

${imports}

# METADATA
# title: A rule of this test
# custom:
#   code: forbidden_category
#   message: A rule of this test.
#   fix: Take it out.
${body}
`;

async function withRules(files: Readonly<Record<string, string>>): Promise<string> {
  const rego = await copyRego();
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(rego, 'egress/rules', `${name}.rego`), text);
  return rego;
}

function expectRefusal(exit: Exit, ...says: readonly RegExp[]): void {
  expect(exit).toMatchObject({ code: 1, stdout: '' });
  expect(exit.stderr).toMatch(/^sluice: /);
  expect(exit.stderr).not.toMatch(/^\s+at /m);
  for (const text of says) expect(exit.stderr).toMatch(text);
}

const BAD_POLICIES: Extra = {
  'modes.yaml': { modes: { vendors: { nobody: { mode: 'shadow' } }, events: {} } },
  'context.yaml': { context: { consent: { tipe: 'boolean' } } },
};

test('broken policies: exit 1, every mistake with file, line and column', async () => {
  const policies = await copyPolicies(BAD_POLICIES);
  expectRefusal(await failToStart({ policies }), /modes\.yaml:\d+:\d+: .*nobody/, /context\.yaml:\d+:\d+: .*tipe/);
});

test('broken Rego: exit 1, every mistake with file and line', async () => {
  const rego = await withRules({ one: 'package egress.rules.one\n\nimport rego.v2\n\nx if {\n', two: 'package egress.rules.two\n\nimport rego.v2\n\ny := = 1\n' });
  expectRefusal(await failToStart({ rego }), /one\.rego:\d+/, /two\.rego:\d+/);
});

test('broken policies and broken Rego are told together', async () => {
  const policies = await copyPolicies(BAD_POLICIES);
  const rego = await withRules({ one: 'package egress.rules.one\n\nimport rego.v2\n\nx if {\n' });
  expectRefusal(await failToStart({ policies, rego }), /modes\.yaml:\d+:\d+/, /one\.rego:\d+/);
});

test('a folder that is not there: exit 1, and its name', async () => {
  expectRefusal(await failToStart({ policies: '/nowhere/policies' }), /\/nowhere\/policies/);
  expectRefusal(await failToStart({ rego: '/nowhere/rego' }), /\/nowhere\/rego/);
});

test('a configuration with mistakes: exit 1, all of them', async () => {
  expectRefusal(await failToStart({ env: { PORT: 'x', LOG_LEVEL: 'loud', SLUICE_POLICY: 'p' } }), /PORT must be/, /LOG_LEVEL must be/, /SLUICE_POLICY is not known; did you mean SLUICE_POLICIES\?/);
});

test.each([
  { name: 'http.send', body: 'rulings["calls-out"] contains "*" if http.send({"method": "get", "url": "http://127.0.0.1/"}).status_code == 200', says: /http\.send/ },
  { name: 'time.now_ns', body: 'rulings["reads-clock"] contains "*" if time.now_ns() > 0', says: /time\.now_ns/ },
  { name: 'rand.intn', body: 'rulings["rolls-dice"] contains "*" if rand.intn("x", 2) == 1', says: /rand\.intn/ },
])('a rule that uses $name: exit 1, named with file and line', async ({ body, says }) => {
  const rego = await withRules({ house: rule('house', body) });
  expectRefusal(await failToStart({ rego }), says, /house\.rego:\d+/);
});

test.each([
  { name: 'a rule file without import rego.v2', text: rule('house', 'rulings["house"] contains "*" if input.channel == "telemetry"', ''), says: /house\.rego:1: import rego\.v2 is missing/ },
  { name: 'a ruling without METADATA', text: 'package egress.rules.house\n\nimport rego.v2\n\nrulings["house"] contains "*" if input.channel == "telemetry"\n', says: /house\.rego:5.*METADATA/ },
  { name: 'a file in the package of another', text: rule('guardrails', 'rulings["house"] contains "*" if input.channel == "telemetry"'), says: /house\.rego:1: the package must be egress\.rules\.house/ },
  { name: 'a misspelt attribute', text: rule('house', 'rulings["house"] contains index if {\n\tsome index, profile in input.profiles\n\tprofile.personnal\n}'), says: /house\.rego:\d+.*personnal|house\.rego:\d+: rego_type_error/ },
])('$name: exit 1', async ({ text, says }) => {
  const rego = await withRules({ house: text });
  expectRefusal(await failToStart({ rego }), says);
});

test.each([
  { name: 'a profile that was not asked about', body: 'rulings["wild-index"] contains 99 if input.vendor.id == "mixpanel"', says: /house\.rego:11: a rule gives indexes of profiles, or "\*"/ },
  { name: 'other profiles than its own', body: 'rulings["counts"] contains index if {\n\tcount(input.profiles) > 1\n\tsome index, _ in input.profiles\n}', says: /house\.rego:\d+: rule counts says something else/ },
])('a rule that gives $name where the catalogue can show it: exit 1', async ({ body, says }) => {
  expectRefusal(await failToStart({ rego: await withRules({ house: rule('house', body) }) }), says);
});

test('J21: two rules that contradict each other where no probe goes deny every field evaluation_failed; other questions are answered', async () => {
  const body = 'rulings["contradiction"] contains "*" if _level == 3\n\n_level := 1 if input.dataSubject.region == "FR"\n\n_level := 2 if input.vendor.id == "mixpanel"';
  const dataDir = await newDataDir();
  const server = await startServer({ dataDir, rego: await withRules({ house: rule('house', body) }) });
  for (let round = 0; round < 2; round += 1) {
    const failed = await server.check({ ...QUESTION, dataSubject: { region: 'FR' } });
    expect(failed.decision).toBe('deny');
    expect(failed.reasons).toEqual([expect.objectContaining({ code: 'evaluation_failed', fields: [...QUESTION.fields] })]);
    expect(Object.values(failed.fields).map(({ effect }) => effect)).toEqual(['deny', 'deny', 'deny']);
    expect(failed.fix).toBeNull();
  }
  expect((await server.check({ ...QUESTION, vendor: 'amplitude', fields: ['anon_user_id'] })).decision).toBe('allow');
  expect((await server.send('/readyz')).status).toBe(200);
  expect(await metric(server, 'sluice_eval_errors_total{kind="EvaluationFailed"}')).toBe(2);
  expect(server.output()).not.toMatch(/^\s+at /m);
  expect(await server.end()).toMatchObject({ code: 0 });
});
