import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findBuiltOpa, ROOT } from '../support/world.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-warnings-'));
  expect(await sluice('init', '.')).toMatchObject({ code: 0 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command as a person would, in a folder of its own. */
async function sluice(...args: readonly string[]): Promise<Ran> {
  const env = {
    ...process.env,
    SLUICE_OPA: await findBuiltOpa(),
    SLUICE_DATA_DIR: path.join(folder, 'data'),
    FORCE_COLOR: undefined,
    SLUICE_PERMIT_KEYS_FILE: undefined,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args], { cwd: folder, env }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, out, err }),
    );
  });
}

const rule = (id: string, condition: string) => `package egress.rules.own.extra

import rego.v2

# METADATA
# title: Plans stay here
# custom:
#   code: forbidden_category
#   message: Plans stay here.
#   fix: Drop the plan.
rulings["${id}"] contains index if {
\tsome index, profile in input.profiles
\tprofile.category == "system.operations.plan"
\t${condition}
}
`;

async function writeRule(id: string, condition: string): Promise<void> {
  await mkdir(path.join(folder, 'policies/rules'), { recursive: true });
  await writeFile(path.join(folder, 'policies/rules/extra.rego'), rule(id, condition));
}

test('F6: warnings stand apart from mistakes and refuse nothing; with --strict they are mistakes', async () => {
  await writeFile(path.join(folder, 'policies/roles.yaml'), 'roles:\n  product_events: {}\n  idle: {}\n');
  const grants = await readFile(path.join(folder, 'policies/grants.yaml'), 'utf8');
  await writeFile(
    path.join(folder, 'policies/grants.yaml'),
    `${grants}  wide:
    role: idle
    vendors: [{}]
    purposes: [analytics]
    categories: [system.operations.plan]
    expires: 2020-01-01
`,
  );
  const expected = [
    'policies/grants.yaml:10:11: nobody has the role idle: the grant permits nothing',
    'policies/grants.yaml:11:15: every vendor is selected, those too that come later: ' +
      'name them, or say party or categories',
    'policies/grants.yaml:14:14: expired: the grant permits nothing; renew or remove it',
  ];
  const built = await sluice('build');
  expect([built.code, built.err.trimEnd().split('\n')]).toEqual([0, expected.map((line) => `warning: ${line}`)]);
  expect(built.out).toMatch(/^built: /);
  const strict = await sluice('build', '--strict');
  expect([strict.code, strict.err.trimEnd().split('\n'), strict.out]).toEqual([1, expected, '']);
  expect(JSON.parse((await sluice('build', '--json')).out)).toMatchObject({ problems: [], warnings: expected });
  expect(JSON.parse((await sluice('build', '--json', '--strict')).out)).toMatchObject({
    problems: expected,
    warnings: [],
  });
}, 60_000);

test('F6: neither the world that init writes has a warning, nor the shipped one', async () => {
  expect(await sluice('build', '--strict')).toMatchObject({ code: 0, err: '' });
  const shipped = ['--policies', path.join(ROOT, 'policies'), '--rego', path.join(ROOT, 'rego')];
  expect(await sluice('build', '--strict', ...shipped)).toMatchObject({ code: 0, err: '' });
}, 60_000);

test('F6: a forbid of one’s own that no case and no probe hits is a warning', async () => {
  await writeRule('plans-stay', 'input.environment.id == "production"\n\tinput.environment.id == "development"');
  const { code, err } = await sluice('build');
  expect(code).toBe(0);
  expect(err.split('\n')).toEqual([
    expect.stringMatching(
      /^warning: policies\/rules\/extra\.rego:\d+: the rule plans-stay hits in no case and no probe: write a case/,
    ),
    '',
  ]);
  await writeRule('plans-stay', 'input.environment.id == "development"');
  expect(await sluice('build', '--strict')).toMatchObject({ code: 0, err: '' });
}, 60_000);

test('F6: what only a case hits is no warning', async () => {
  await writeRule('plans-stay', 'input.context.consent == false\n\tinput.dataSubject.region == "FR"');
  await writeFile(path.join(folder, 'policies/context.yaml'), 'context:\n  consent: { type: boolean }\n');
  expect((await sluice('build')).err).toMatch(/the rule plans-stay hits in no case and no probe/);
  await writeFile(
    path.join(folder, 'policies/cases/french.yaml'),
    `cases:
  - name: plans of the French stay
    caller: demo
    question:
      { identity: "service:web", vendor: example-analytics, environment: production, event: signup.completed,
        fields: [plan], dataSubject: { region: FR }, context: { consent: false } }
    want: { decision: deny }
`,
  );
  expect(await sluice('build', '--strict')).toMatchObject({ code: 0, err: '' });
}, 60_000);
