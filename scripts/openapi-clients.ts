// Makes clients of /openapi.json by what people make them with, compiles them, and asks a running server by each.
// The document is read for mistakes first. What isn't installed is said and left out; anything that fails ends with 1.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createOpenApi } from '../src/http/openapi.ts';
import {
  document,
  from,
  generate,
  has,
  installNode,
  installPython,
  into,
  root,
  run,
  say,
  serve,
  venv,
} from './openapi-tools.ts';

/** What each program says of the example world. */
const WANTED = {
  allowed: 'allow',
  denied: 'deny',
  drop: ['org_id'],
  payload: 'allow',
  items: ['allow', 'request_invalid'],
  refused: 'unauthenticated',
};

interface Server {
  readonly url: string;
  readonly token: string;
}
interface Target {
  readonly name: string;
  readonly needs: readonly (readonly [string, ...string[]])[];
  ask(server: Server): Promise<string>;
}

const JAVA = [
  ['java', '-version'],
  ['mvn', '-version'],
] as const;
const CLIENTS: readonly Target[] = [
  {
    name: 'openapi-typescript',
    needs: [],
    async ask({ url, token }) {
      await installNode();
      await run('node_modules/.bin/openapi-typescript', [document, '-o', 'schema.d.ts']);
      cpSync(path.join(from, 'check.ts'), path.join(into, 'check.ts'));
      await run('node_modules/.bin/tsc', [
        '--strict',
        '--module',
        'esnext',
        '--target',
        'es2022',
        '--moduleResolution',
        'bundler',
        '--types',
        'node',
        '--typeRoots',
        path.join(root, 'node_modules', '@types'),
        '--outDir',
        'built',
        'check.ts',
      ]);
      writeFileSync(path.join(into, 'built', 'package.json'), '{"type":"module"}');
      return run(process.execPath, ['built/check.js', url, token]);
    },
  },
  {
    name: 'openapi-python-client',
    needs: [['python3', '--version']],
    async ask({ url, token }) {
      await installPython();
      const out = path.join(into, 'python-client');
      await run(
        path.join(venv, 'openapi-python-client'),
        ['generate', '--path', document, '--output-path', out, '--overwrite', '--fail-on-warning'],
        { env: { PATH: `${venv}${path.delimiter}${process.env['PATH']}` } },
      );
      cpSync(path.join(from, 'check_python_client.py'), path.join(out, 'check.py'));
      await run(path.join(venv, 'mypy'), ['--strict', '--follow-imports', 'silent', 'check.py'], { cwd: out });
      return run(path.join(venv, 'python3'), ['check.py', url, token], { cwd: out });
    },
  },
  {
    name: 'openapi-generator, Python',
    needs: [...JAVA, ['python3', '--version']],
    async ask({ url, token }) {
      await installPython();
      const out = await generate('python', 'packageName=sluice_client');
      cpSync(path.join(from, 'check_generator.py'), path.join(out, 'check.py'));
      await run(path.join(venv, 'python3'), ['-m', 'compileall', '-q', 'sluice_client'], { cwd: out });
      return run(path.join(venv, 'python3'), ['check.py', url, token], { cwd: out });
    },
  },
  {
    name: 'openapi-generator, Go',
    needs: [...JAVA, ['go', 'version']],
    async ask({ url, token }) {
      const out = await generate(
        'go',
        'packageName=sluice',
        '--git-host',
        'example.com',
        '--git-user-id',
        '',
        '--git-repo-id',
        'sluice',
      );
      writeFileSync(
        path.join(out, 'go.mod'),
        readFileSync(path.join(out, 'go.mod'), 'utf8').replace(/^module .*$/m, 'module example.com/sluice'),
      );
      mkdirSync(path.join(out, 'check'), { recursive: true });
      cpSync(path.join(from, 'check.go'), path.join(out, 'check', 'main.go'));
      const env = { GOFLAGS: '-mod=mod', GOWORK: 'off' };
      await run('go', ['mod', 'tidy'], { cwd: out, env });
      await run('go', ['build', './...'], { cwd: out, env });
      return run('go', ['run', './check', url, token], { cwd: out, env });
    },
  },
  {
    name: 'openapi-generator, Java',
    needs: [...JAVA, ['javac', '-version']],
    async ask({ url, token }) {
      // Else what is left out is sent as an empty list, which is a mistake (`fields`) or a statement (`supports`).
      const out = await generate('java', 'containerDefaultToNull=true');
      cpSync(path.join(from, 'Check.java'), path.join(out, 'src', 'main', 'java', 'Check.java'));
      await run(
        'mvn',
        ['-q', '-B', '-DskipTests', 'compile', 'dependency:build-classpath', '-Dmdep.outputFile=classpath.txt'],
        { cwd: out },
      );
      return run(
        'java',
        [
          '-cp',
          `target/classes${path.delimiter}${readFileSync(path.join(out, 'classpath.txt'), 'utf8')}`,
          'Check',
          url,
          token,
        ],
        { cwd: out },
      );
    },
  },
];

async function lint(): Promise<string> {
  await installNode();
  // Warnings are none of its errors: they stand in what it says.
  const said = await run('node_modules/.bin/redocly', ['lint', document, '--format', 'json'], {
    env: { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
  const { totals } = JSON.parse(said.slice(said.indexOf('{'))) as {
    readonly totals: { readonly errors: number; readonly warnings: number };
  };
  if (totals.errors + totals.warnings > 0) throw new Error(said.slice(0, 4000));
  return 'no error, no warning';
}

let failed = 0;
async function step(name: string, needs: Target['needs'], work: () => Promise<string>): Promise<void> {
  for (const [program, ...args] of needs)
    if (!(await has(program, ...args))) return say(`skipped: ${name}: ${program} is not installed`);
  try {
    say(`ok: ${name}: ${await work()}`);
  } catch (error) {
    failed += 1;
    say(`FAILED: ${name}: ${(error as Error).message}`);
  }
}

mkdirSync(into, { recursive: true });
for (const name of ['python', 'go', 'java', 'built', 'python-client'])
  rmSync(path.join(into, name), { recursive: true, force: true });
writeFileSync(
  document,
  JSON.stringify(createOpenApi({ permit: true, reports: true, logAdmin: true, reading: true, proofs: true })),
);
await step('redocly lint', [], lint);
const { port, end } = await serve();
try {
  for (const { name, needs, ask } of CLIENTS) {
    await step(name, needs, async () => {
      const told = JSON.parse(await ask({ url: `http://127.0.0.1:${port}`, token: 'demo-gateway' })) as unknown;
      if (!isDeepStrictEqual(told, WANTED))
        throw new Error(`it was told ${JSON.stringify(told)}, not ${JSON.stringify(WANTED)}`);
      return JSON.stringify(told);
    });
  }
} finally {
  await end();
}
process.exitCode = failed === 0 ? 0 : 1;
