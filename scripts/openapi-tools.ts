// What scripts/openapi-clients.ts runs: programs, installations of pinned versions, a server of the example world.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');
export const from = path.join(root, 'tools', 'openapi-clients');
export const into = path.join(root, '.tools', 'openapi-clients');
export const document = path.join(into, 'openapi.json');
export const venv = path.join(into, 'venv', 'bin');

export const say = (line: string) => void process.stdout.write(`${line}\n`);

interface Options {
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** What the program wrote to its standard output. @throws {Error} with all that it said, unless it ends with 0. */
export async function run(
  program: string,
  args: readonly string[],
  { cwd = into, input, env = {} }: Options = {},
): Promise<string> {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env } });
  let [out, all] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    all += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    all += text;
  });
  child.stdin.on('error', () => {}).end(input);
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0)
    throw new Error(`${path.basename(program)} ${args.slice(0, 3).join(' ')} ended with ${code}:\n${all.slice(-4000)}`);
  return out;
}

export async function has(program: string, ...args: readonly string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  );
}

/** Once for each state of what it is made from: the stamp is written last. */
async function once(name: string, manifest: string, install: () => Promise<unknown>): Promise<void> {
  const stamp = path.join(into, `${name}.installed`);
  const wanted = readFileSync(path.join(from, manifest), 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say(`installing ${name} …`);
  await install();
  writeFileSync(stamp, wanted);
}

export const installNode = () =>
  once('node', 'package-lock.json', async () => {
    for (const file of ['package.json', 'package-lock.json']) cpSync(path.join(from, file), path.join(into, file));
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  });
export const installPython = () =>
  once('python', 'requirements.txt', async () => {
    await run('python3', ['-m', 'venv', '--clear', 'venv']);
    await run(path.join(venv, 'pip'), ['install', '--quiet', '--no-input', '-r', path.join(from, 'requirements.txt')]);
  });
const installGenerator = () =>
  once('openapi-generator', 'pom.xml', () =>
    run('mvn', [
      '-q',
      '-B',
      '-f',
      path.join(from, 'pom.xml'),
      'dependency:copy-dependencies',
      '-DexcludeTransitive=true',
      '-Dmdep.stripVersion=true',
      `-DoutputDirectory=${into}`,
    ]),
  );
export const generate = async (target: string, properties: string, ...more: readonly string[]) => {
  await installGenerator();
  await run('java', [
    '-jar',
    path.join(into, 'openapi-generator-cli.jar'),
    'generate',
    '-g',
    target,
    '-i',
    document,
    '-o',
    path.join(into, target),
    `--additional-properties=${properties}`,
    '--global-property=apiTests=false,modelTests=false',
    ...more,
  ]);
  return path.join(into, target);
};

/** A server of the example world on a free port, and what ends it. @throws {Error} if it ends at its start. */
export async function serve(): Promise<{ readonly port: number; end(): Promise<void> }> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'sluice-clients-'));
  const child = spawn('sh', ['scripts/node.sh', 'src/main.ts'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PORT: '0', SLUICE_DATA_DIR: dataDir, SLUICE_DRAIN_SECONDS: '0' },
  });
  const closed = new Promise<undefined>((resolve) => child.once('close', () => resolve(undefined)));
  let said = '';
  const banner = new Promise<number>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const port = /^Sluice listens on http:\/\/127\.0\.0\.1:(\d+)/m.exec(said)?.[1];
        if (port !== undefined) resolve(Number(port));
      });
  });
  const port = await Promise.race([banner, closed]);
  if (port === undefined) throw new Error(`the server ended at its start:\n${said}`);
  return {
    port,
    async end() {
      child.kill('SIGTERM');
      await closed;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
