import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

const PYTHON = path.resolve(import.meta.dirname, '../../../.tools/permit-python/bin/python3');

/** Skipped, and counted so, where `scripts/install-permit-python.sh` could not install it: it said why. */
export const withPython = existsSync(path.join(path.dirname(PYTHON), '../installed.txt')) ? test : test.skip;

export interface PythonSdk {
  /** By the method's name below `Permit`: `api.users.create`. @throws {PythonError} what the SDK raised. */
  call<T = Record<string, unknown>>(name: string, args?: readonly unknown[], named?: object): Promise<T>;
}

export class PythonError extends Error {
  override readonly name = 'PythonError';
  /** The class that Python has for it. */
  readonly kind: string;

  constructor(kind: string, message: string) {
    super(`${kind}: ${message}`);
    this.kind = kind;
  }
}

type Line = { readonly value: unknown } | { readonly error: string; readonly message: string };

interface Python {
  ask(asked: object): Promise<Line>;
  end(): Promise<void>;
}

let python: Python | undefined;

/** For `afterAll`: ends the process that the tests of a file share. */
export async function closePython(): Promise<void> {
  await python?.end();
  python = undefined;
}

function startPython(): Python {
  const child = spawn(PYTHON, [path.join(import.meta.dirname, 'driver.py')]);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  // One after the other: answers come in the order of the questions.
  let last: Promise<unknown> = Promise.resolve();
  return {
    ask(asked) {
      const answer = last.then(async () => {
        child.stdin.write(`${JSON.stringify(asked)}\n`);
        const { value: line, done } = await lines.next();
        if (done === true) throw new Error(`Python ended: ${errors}`);
        return JSON.parse(line) as Line;
      });
      last = answer.catch(() => {});
      return answer;
    },
    async end() {
      const closed = once(child, 'close');
      child.stdin.end();
      await closed;
    },
  };
}

/** Permit's SDK for Python as anyone would make it; what it does, it does in a process that all of a file share. */
export const pythonSdk = (made: {
  readonly token: string;
  readonly api_url?: string;
  readonly pdp?: string;
}): PythonSdk => ({
  async call<T>(name: string, args: readonly unknown[] = [], named: object = {}) {
    python ??= startPython();
    const answer = await python.ask({ made, name, args, named });
    if ('error' in answer) throw new PythonError(answer.error, answer.message);
    return answer.value as T;
  },
});
