import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
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

    const grants = path.join(world, 'policies', 'grants.yaml');
    await writeFile(grants, (await readFile(grants, 'utf8')).replace('[system.operations.plan]', '[user.contact.email]'));
    expect(await sluice(['test'], { cwd: world })).toMatchObject({ code: 1, out: expect.stringMatching(/failed {2}a plan may go to analytics .*signup\.yaml:\d+/) });
    await writeFile(grants, (await readFile(grants, 'utf8')).replace('product_events', 'product_evnts'));
    expect(await sluice(['build'], { cwd: world })).toMatchObject({ code: 1, err: expect.stringMatching(/grants\.yaml:\d+:\d+: .*product_evnts.*did you mean product_events/) });
  });

  test('log takes whole numbers only', async () => {
    const { code, err } = await sluice(['log', 'show', 'x']);
    expect([code, err]).toEqual([2, expect.stringContaining('whole number')]);
  });
});
