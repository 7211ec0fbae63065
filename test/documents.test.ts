import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const textOf = (file: string) => readFileSync(path.join(root, file), 'utf8');

interface Stated {
  /** `J7`, `R52` */
  readonly number: string;
  /** Files, from the root. */
  readonly tests: readonly string[];
}

const numbered = (letter: string, last: number) => Array.from({ length: last }, (_, i) => `${letter}${i + 1}`);
const filesIn = (text: string) => [...text.matchAll(/`((?:test|rego|policies)\/[^`]+)`/g)].map(([, file]) => file!);

/** Each rule with the files of its own paragraph. */
function rulesOf(text: string): readonly Stated[] {
  return text.split(/\n(?=- \*\*J\d+ )/).slice(1).map((paragraph) => {
    const body = paragraph.split('\n## ')[0]!;
    return { number: /^- \*\*(J\d+) /.exec(body)![1]!, tests: filesIn(/Tests: .*/.exec(body)?.[0] ?? '') };
  });
}

const requirementsOf = (text: string): readonly Stated[] =>
  [...text.matchAll(/^\| (R\d+) \|.*\| (.*) \|$/gm)].map(([, number, by]) => ({ number: number!, tests: filesIn(by!) }));

const RULES = rulesOf(textOf('docs/semantics.md'));
const REQUIREMENTS = requirementsOf(textOf('docs/requirements.md'));

describe('the law stands in the repository', () => {
  test('docs/semantics.md states J1 to J33, each once and in order, each with its tests', () => {
    expect(RULES.map(({ number }) => number)).toEqual(numbered('J', 33));
    expect(RULES.filter(({ tests }) => tests.length === 0)).toEqual([]);
  });

  test('docs/requirements.md states R1 to R84, each once and in order', () => {
    expect(REQUIREMENTS.map(({ number }) => number)).toEqual(numbered('R', 84));
  });

  test.each([...RULES, ...REQUIREMENTS].filter(({ tests }) => tests.length > 0))('$number is shown by what it names', ({ number, tests }) => {
    const silent = tests.filter((file) => !existsSync(path.join(root, file)) || !new RegExp(String.raw`\b${number}\b`).test(textOf(file)));
    expect(silent).toEqual([]);
  });

  test('what has no test is marked as not yet delivered, and what is marked so has none', () => {
    const rows = [...textOf('docs/requirements.md').matchAll(/^\| (R\d+) \|.*\| (.*) \|$/gm)];
    const named = new Set(testFiles().flatMap((file) => textOf(file).match(/\bR\d{1,2}\b/g) ?? []));
    expect(rows.filter(([, number, by]) => (by === 'not yet') === named.has(number!)).map(([, number]) => number)).toEqual([]);
  });
});

function testFiles(): readonly string[] {
  const under = (folder: string, pattern: RegExp) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => pattern.test(name))
      .map((name) => path.join(folder, name));
  const found = [...under('test', /\.ts$/), ...under('rego', /_test\.rego$/), ...under('policies/rules', /_test\.rego$/), ...under('policies/cases', /\.ya?ml$/)];
  return found.filter((file) => !['documents.test.ts', 'repository.test.ts'].includes(path.basename(file)));
}

describe('references lead somewhere', () => {
  const known = new Set([...RULES, ...REQUIREMENTS].map(({ number }) => number));
  const tracked = (() => {
    try {
      return execFileSync('git', ['ls-files', '-z', 'src', 'rego', 'policies', 'test', 'docs'], { cwd: root, encoding: 'utf8' })
        .split('\0')
        .filter((file) => /\.(ts|rego|ya?ml|md)$/.test(file) && existsSync(path.join(root, file)));
    } catch {
      return undefined; // an unpacked archive
    }
  })();

  (tracked === undefined ? test.skip : test)('every J and R that a file names is stated', () => {
    const lost = tracked!.flatMap((file) =>
      (textOf(file).match(/(?<![\w-])[JR][1-9]\d?(?![\w-])/g) ?? []).filter((number) => !known.has(number)).map((number) => `${file}: ${number}`));
    expect(lost).toEqual([]);
  });
});
