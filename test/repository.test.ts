import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OPA_VERSION } from '../src/opa/toolchain.ts';
import { VERSION } from '../src/version.ts';

const root = path.resolve(import.meta.dirname, '..');
const textOf = (file: string) => readFileSync(path.join(root, file), 'utf8');
const tracked = trackedFiles();

/** Undefined outside of a git checkout, as in an unpacked archive. */
function trackedFiles(): readonly string[] | undefined {
  const listed = output('git', ['ls-files', '-z']);
  return listed === undefined ? undefined : listed.split('\0').filter((file) => file !== '' && existsSync(path.join(root, file)) && statSync(path.join(root, file)).isFile());
}

function output(program: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 16 * 1024 * 1024 });
  } catch {
    return undefined;
  }
}

const inCheckout = tracked === undefined ? test.skip : test;

function filesWith(words: readonly string[]): string[] {
  return tracked!.flatMap((file) => textOf(file).split('\n').flatMap((line, i) => words.filter((word) => line.includes(word)).map((word) => `${file}:${i + 1} names ${word}`)));
}

describe('what is in the repository holds on every machine', () => {
  inCheckout('no file names the host of a package registry or proxy', () => {
    const addresses = `${output('npm', ['config', 'get', 'registry']) ?? ''},${output('go', ['env', 'GOPROXY']) ?? ''}`;
    const hosts = addresses.split(/[,|\s]+/).filter((address) => URL.canParse(address)).map((address) => new URL(address).host).filter((host) => host !== '');
    expect(filesWith([...new Set(hosts)])).toEqual([]);
  });

  test('what Node makes of the program is kept in .tools, and used again', () => {
    const said = (script: string) => spawnSync('sh', ['scripts/node.sh', ...script.split(' ')], { cwd: root, encoding: 'utf8', env: { PATH: process.env['PATH'], NODE_DEBUG_NATIVE: 'COMPILE_CACHE' }, maxBuffer: 1 << 24 }).stderr;
    expect(said('src/cli/main.ts help')).toContain('[compile cache]');
    expect(said('src/cli/main.ts help')).toMatch(/retrieving transpile cache for StrippedTypeScript file:.*src\/cli\/main\.ts\.\.\.success/);
    expect(existsSync(path.join(root, '.tools', 'compile-cache'))).toBe(true);
  });

  test('the lock file says what a package is, not where it was fetched', () => {
    expect(textOf('package-lock.json')).not.toContain('"resolved"');
  });

  inCheckout('no file names the folder that this checkout lies in', () => {
    const parent = path.dirname(root);
    const tooCommon = ['/', '/home', tmpdir()].includes(parent);
    expect(filesWith([root, ...tooCommon ? [] : [`${parent}/`]])).toEqual([]);
  });

  inCheckout('no build, log or data is tracked', () => {
    expect(tracked!.filter((file) => /(^|\/)(node_modules|\.tools|\.sluice|dist|coverage)\/|\.log$|\.pem$|\.key$/.test(file))).toEqual([]);
  });
});

describe('what a reader needs', () => {
  test.each(['LICENSE', 'NOTICE', 'README.md', 'SECURITY.md', 'CHANGELOG.md', 'policies/README.md'])('%s is there', (file) => {
    expect(textOf(file).length).toBeGreaterThan(200);
  });

  test('the license is the Apache License 2.0, unchanged, and package.json says so', () => {
    expect(textOf('LICENSE')).toContain('Apache License\n                           Version 2.0, January 2004');
    expect(JSON.parse(textOf('package.json'))).toMatchObject({ license: 'Apache-2.0', version: VERSION });
  });

  test('what others wrote is credited, with its license', () => {
    expect(textOf('NOTICE')).toMatch(/Fideslang by Ethyca, Inc\.[\s\S]*CC BY 4\.0[\s\S]*Changed:/);
  });

  test('the changelog has the version, the README the OPA that is wanted', () => {
    expect(textOf('CHANGELOG.md')).toContain(VERSION);
    expect(textOf('README.md')).toContain(OPA_VERSION);
  });

  test('CI runs what a developer runs', () => {
    expect(statSync(path.join(root, '.ci/run')).mode & 0o111).toBe(0o111);
    expect(textOf('.ci/run')).toMatch(/make test\n$/);
  });
});
