import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
// npm finds the registry by its own configuration; OPA and a checkout's tools must not be found at all.
const env = { ...process.env, PATH: [path.dirname(process.execPath), '/usr/bin', '/bin'].join(':'), SLUICE_OPA: '', NODE_OPTIONS: '' };

interface Packed { readonly filename: string; readonly size: number; readonly unpackedSize: number; readonly files: readonly { readonly path: string }[] }

let project: string;
let packed: Packed;

beforeAll(async () => {
  project = await mkdtemp(path.join(tmpdir(), 'sluice-package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: root, env: { ...env, PATH: `${env.PATH}:${process.env['PATH']}` }, maxBuffer: 1 << 24 });
  packed = (JSON.parse(stdout.slice(stdout.indexOf('['))) as [Packed])[0];
  await writeFile(path.join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
  await run('npm', ['install', '--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', path.join(project, packed.filename)], { cwd: project, env });
}, 480_000);
afterAll(() => rm(project, { recursive: true, force: true }));

const sluice = (args: readonly string[], cwd = project) => run(path.join(project, 'node_modules', '.bin', 'sluice'), args, { cwd, env });

async function program(text: string): Promise<string> {
  const file = path.join(project, 'program.mjs');
  await writeFile(file, text);
  return (await run(process.execPath, [file], { cwd: project, env })).stdout;
}

test('holds what a user needs, and nothing of the workshop', () => {
  const allowed = /^(bin|dist|bundles|rego|policies)\/|^(package\.json|verify\.mjs|README\.md|LICENSE|NOTICE|CHANGELOG\.md|SECURITY\.md)$/;
  expect(packed.files.map(({ path: name }) => name).filter((name) => !allowed.test(name))).toEqual([]);
  expect(packed.files.map(({ path: name }) => name)).toEqual(expect.arrayContaining(['bin/sluice.mjs', 'dist/index.js', 'dist/index.d.ts', 'dist/sdk/client.d.ts', 'rego/capabilities.json', 'LICENSE']));
  expect(packed.files.some(({ path: name }) => /\.ts$/.test(name) && !/\.d\.ts$/.test(name))).toBe(false);
  expect(packed.size).toBeLessThan(1_000_000);
});

test('the command begins a world, builds, tests and answers in it, without OPA', async () => {
  expect((await sluice(['--version'])).stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  await sluice(['init', 'world']);
  const cwd = path.join(project, 'world');
  expect((await sluice(['test'], cwd)).stdout).toMatch(/2 passed/);
  const question = JSON.stringify({ identity: 'service:web', vendor: 'example-analytics', environment: 'production', event: 'signup.completed', fields: ['plan'] });
  expect(JSON.parse((await sluice(['check', question, '--json'], cwd)).stdout)).toMatchObject({ decision: 'allow' });
});

test('rules of one\'s own want OPA, and one message says how to get it', async () => {
  await sluice(['init', 'own']);
  const cwd = path.join(project, 'own');
  const rules = path.join(cwd, 'rego', 'egress', 'rules', 'genai.rego');
  await writeFile(rules, `${await readFile(rules, 'utf8')}\n# changed\n`);
  await expect(sluice(['build'], cwd)).rejects.toMatchObject({ stderr: expect.stringMatching(/opa[\s\S]*SLUICE_OPA/i) });
});

test('the library decides in the program, durably', async () => {
  await cp(path.join(root, 'policies'), path.join(project, 'policies'), { recursive: true });
  const said = JSON.parse(await program(`
    import { createPdp } from 'sluice';
    const pdp = await createPdp({ caller: 'demo-gateway', dataDir: 'data' });
    const answer = await pdp.check({ identity: 'service:telemetry', vendor: 'mixpanel', environment: 'production', event: 'genai_dashboard.viewed', fields: ['anon_user_id', 'org_id'] });
    const none = await createPdp({ caller: 'nobody', dataDir: 'other' }).catch((error) => error.message);
    await pdp.close();
    console.log(JSON.stringify({ answer, none }));`)) as { answer: unknown; none: string };
  expect(said).toMatchObject({ answer: { decision: 'deny', fields: { anon_user_id: { effect: 'allow' }, org_id: { effect: 'deny' } } }, none: 'callers.yaml has no caller nobody' });
  expect((await sluice(['log', 'show', '--data-dir', 'data'])).stdout).toContain('mixpanel');
});

test('the client denies what it cannot ask', async () => {
  const answer = JSON.parse(await program(`
    import { createClient } from 'sluice/client';
    const client = createClient({ url: 'http://127.0.0.1:9', token: 'none' });
    console.log(JSON.stringify(await client.check({ identity: 'a', vendor: 'b', environment: 'c', fields: ['d'] })));`)) as unknown;
  expect(answer).toMatchObject({ decision: 'deny', unavailable: expect.anything() });
});

test('its types hold under strict', async () => {
  await writeFile(path.join(project, 'typed.mts'), `
    import { createPdp, type Answer, type EmbeddedPdp } from 'sluice';
    import { createClient } from 'sluice/client';
    const pdp: EmbeddedPdp = await createPdp({ caller: 'demo' });
    const answer = await pdp.check({ identity: 'a', vendor: 'b', environment: 'c', fields: ['d'] });
    const effect: 'allow' | 'transform' | 'review' | 'deny' | undefined = answer.fields['d']?.effect;
    export const decisions: Answer['decision'][] = [answer.decision, (await createClient({ url: 'http://localhost', token: 't' }).check({ identity: 'a', vendor: 'b', environment: 'c', fields: ['d'] })).decision];
    // @ts-expect-error a caller is wanted
    await createPdp({ policies: 'x', effect });
  `);
  await writeFile(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: { strict: true, module: 'nodenext', target: 'es2024', noEmit: true, types: [], skipLibCheck: false }, files: ['typed.mts'] }));
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await expect(run(process.execPath, [tsc, '-p', 'tsconfig.json'], { cwd: project, env }).catch((error: { stdout: string }) => ({ stdout: error.stdout }))).resolves.toMatchObject({ stdout: '' });
});
