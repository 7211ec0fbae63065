import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openLog } from '../../src/log/log.ts';
import { findBuiltOpa, ROOT } from '../support/world.ts';

let folder: string;

beforeAll(async () => { folder = await mkdtemp(path.join(tmpdir(), 'sluice-cli-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ran { readonly code: number; readonly out: string; readonly err: string }

/** Runs the command as a person would, in `cwd`, with its data directory in the scratch folder. */
async function sluice(args: readonly string[], { cwd = ROOT, input = '' } = {}): Promise<Ran> {
  const env = { ...process.env, SLUICE_OPA: await findBuiltOpa(), SLUICE_DATA_DIR: path.join(folder, 'data'), SLUICE_SOAK: undefined, FORCE_COLOR: undefined };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args], { cwd, env }, (error, out, err) => (
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, out, err })
    ));
    child.stdin?.end(input);
  });
}

const question = (fields: readonly string[]) => JSON.stringify({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields });

describe('sluice', () => {
  test('says what it can do, and what was meant', async () => {
    expect(await sluice(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('explain') });
    expect((await sluice([])).code).toBe(2);
    expect(await sluice(['chekc'])).toMatchObject({ code: 2, err: expect.stringContaining('did you mean check?') });
    expect(await sluice(['check', '--jsn', '{}'])).toMatchObject({ code: 2, err: expect.stringContaining('--jsn') });
    for (const command of ['serve', 'check', 'explain', 'build', 'test', 'import', 'token', 'log', 'init']) {
      expect(await sluice([command, '--help'])).toMatchObject({ code: 0, out: expect.stringContaining(`usage: sluice ${command}`) });
    }
  });

  test('check: 0 may leave, 1 may not, 2 wrong; by argument, file and standard input; no colours off a terminal', async () => {
    expect(await sluice(['check', question(['anon_user_id'])])).toMatchObject({ code: 0, out: expect.stringContaining('allow') });
    const denied = await sluice(['check', '-', '--json'], { input: question(['anon_user_id', 'org_id']) });
    expect(denied.code).toBe(1);
    expect(JSON.parse(denied.out)).toMatchObject({ decision: 'deny', fix: { drop: ['org_id'] } });
    await writeFile(path.join(folder, 'q.json'), question(['city']));
    const transformed = await sluice(['check', `@${path.join(folder, 'q.json')}`]);
    expect(transformed).toMatchObject({ code: 0, out: expect.stringContaining('coarsen_geo region') });
    expect(transformed.out).not.toContain('\u001B');
    expect(await sluice(['check', '{"identity": 7}'])).toMatchObject({ code: 2, err: expect.stringContaining('identity') });
  });

  test('explain names every rule and grant that spoke, with its place', async () => {
    const { code, out } = await sluice(['explain', question(['city', 'org_id'])]);
    expect(code).toBe(0);
    expect(out).toMatch(/grant telemetry-city: transform/);
    expect(out).toMatch(/rule tenant-ids-stay-home: forbid forbidden_category .*guardrails\.rego:\d+/);
  });

  test('token new prints a token and its hash', async () => {
    const { token, tokenSha256 } = JSON.parse((await sluice(['token', 'new', '--json'])).out) as Record<string, string>;
    expect(createHash('sha256').update(token!).digest('hex')).toBe(tokenSha256);
  });

  test('init writes a world that builds and passes its cases, and never over another', async () => {
    const world = path.join(folder, 'world');
    expect(await sluice(['init', world])).toMatchObject({ code: 0 });
    await access(path.join(world, 'rego', 'egress', 'decision.rego'));
    expect(await sluice(['build', '--json'], { cwd: world })).toMatchObject({ code: 0, out: expect.stringContaining('"problems":[]') });
    expect(await sluice(['test'], { cwd: world })).toMatchObject({ code: 0, out: expect.stringContaining('2 passed, 0 failed') });
    expect(await sluice(['init', world])).toMatchObject({ code: 2, err: expect.stringContaining('nothing was written') });

    // The example among its rules, with the # taken away as it says.
    const example = path.join(world, 'policies', 'rules', 'example.rego');
    const commented = await readFile(example, 'utf8');
    const begin = commented.indexOf('# # METADATA');
    await writeFile(example, commented.slice(0, begin) + commented.slice(begin).replaceAll(/^# ?/gm, ''));
    const built = JSON.parse((await sluice(['build', '--json'], { cwd: world })).out) as Record<string, unknown>;
    expect(built).toMatchObject({ problems: [] });
    expect(await sluice(['test'], { cwd: world })).toMatchObject({ code: 0 });
    await writeFile(example, commented);

    const grants = path.join(world, 'policies', 'grants.yaml');
    await writeFile(grants, (await readFile(grants, 'utf8')).replace('[system.operations.plan]', '[user.contact.email]'));
    expect(await sluice(['test'], { cwd: world })).toMatchObject({ code: 1, out: expect.stringMatching(/failed {2}a plan may go to analytics .*signup\.yaml:\d+/) });
    await writeFile(grants, (await readFile(grants, 'utf8')).replace('product_events', 'product_evnts'));
    // Whoever asks by such files has no answer, which is no denial.
    expect(await sluice(['check', question(['region'])], { cwd: world })).toMatchObject({ code: 2, out: '', err: expect.stringContaining('did you mean product_events') });
    expect(await sluice(['build'], { cwd: world })).toMatchObject({ code: 1, err: expect.stringMatching(/grants\.yaml:\d+:\d+: .*product_evnts.*did you mean product_events/) });
  });

  test('build says of a case what is wrong with its form, where, and what was meant', async () => {
    const policies = path.join(folder, 'policies');
    await cp(path.join(ROOT, 'policies'), policies, { recursive: true });
    await writeFile(path.join(policies, 'cases', 'bad.yaml'), 'cases:\n  - name: n\n    at: yesterday\n    question: []\n    wnat: {}\n  - { name: n, question: {}, want: { decision: alow } }\n');
    const { code, err } = await sluice(['build', '--policies', policies]);
    expect(code).toBe(1);
    expect(err.trim().split('\n').map((line) => line.slice(line.indexOf('bad.yaml'))).toSorted()).toEqual([
      'bad.yaml:2:5: want is missing',
      'bad.yaml:3:9: a time is 2026-11-22T12:00:00Z',
      'bad.yaml:4:5: must be a map, not a list',
      'bad.yaml:5:5: wnat is not known here (did you mean want?)',
      'bad.yaml:6:48: must be one of allow, transform, review, deny (did you mean allow?)',
    ]);
    expect(await sluice(['test', '--policies', policies])).toMatchObject({ code: 1, out: expect.stringMatching(/failed {2}\(no case\) .*bad\.yaml:3:9\n\s+a time is/) });
  });

  test('what is not there, and what nothing is called, is told in words', async () => {
    expect(await sluice(['check', '@/nowhere'])).toMatchObject({ code: 2, err: 'sluice: /nowhere: there is no such file or folder\n' });
    expect(await sluice(['build', '--rego', '/nowhere'])).toMatchObject({ code: 1, err: expect.stringContaining('/nowhere: cannot be read (ENOENT)') });
    expect(await sluice(['log', 'show', '--data-dir', '/nowhere'])).toMatchObject({ code: 2, err: expect.stringContaining('/nowhere/log: there is no log') });
    expect(await sluice(['log', 'show', '--kind', 'decisoin'])).toMatchObject({ code: 2, err: expect.stringContaining('did you mean decision?') });
  });

  test('log takes whole numbers only, and shows what was decided of which fields', async () => {
    const { code, err } = await sluice(['log', 'show', 'x', '--data-dir', path.join(folder, 'logged')]);
    expect([code, err]).toEqual([2, expect.stringContaining('there is no log')]);
    const log = await openLog({ dir: path.join(folder, 'data', 'log'), now: () => 0 });
    await log.append({ kind: 'decision', members: '"decision":"deny","identity":"a:b","vendor":"v","environment":"e","fields":[{"paths":["city","org_id"],"profile":0,"effect":"deny","rules":[]}],"reasons":[]' }).durable;
    await log.close();
    expect(await sluice(['log', 'show', 'x'])).toMatchObject({ code: 2, err: expect.stringContaining('whole number') });
    expect(await sluice(['log', 'show', '--kind', 'decision'])).toMatchObject({ code: 0, out: expect.stringMatching(/decision .*deny .*a:b → v in e .*city,org_id/) });
  });
});
