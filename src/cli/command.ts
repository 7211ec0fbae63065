import type { ParseArgsConfig } from 'node:util';

/** What a command may use of the world. */
export interface Context {
  /** The checkout or package: `policies/`, `rego/` and `.tools/` stand in it unless said otherwise. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether standard output is a terminal that wants colours. */
  readonly colour: boolean;
  /** Whether standard error is a terminal, so that progress may be drawn over itself. */
  readonly interactive: boolean;
  readonly stdin: () => Promise<string>;
}

export interface Invocation {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  readonly positionals: readonly string[];
}

/** `run` gives the exit code: 0 yes, 1 no (denied, failed, mistakes found), 2 wrong use. */
export interface Command {
  readonly summary: string;
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  readonly run: (invocation: Invocation, context: Context) => Promise<number>;
}

/** Wrong use: the message says what is wrong and what to do. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The folders of a command, by option, then environment, then below the root. */
export function foldersOf({ values }: Invocation, { root, env }: Context) {
  const text = (name: string) => (typeof values[name] === 'string' ? values[name] : undefined);
  return {
    root,
    env,
    policies: text('policies') ?? env['SLUICE_POLICIES'] ?? 'policies',
    rego: text('rego') ?? env['SLUICE_REGO'] ?? 'rego',
    dataDir: text('data-dir') ?? env['SLUICE_DATA_DIR'] ?? '.sluice',
  };
}

/** `1 grant`, `2 grants`. */
export const count = (n: number, one: string, more = `${one}s`) => `${n} ${n === 1 ? one : more}`;

export const FOLDER_OPTIONS = {
  policies: { type: 'string' }, rego: { type: 'string' }, 'data-dir': { type: 'string' },
} as const;

export const FOLDER_HELP = `  --policies DIR   the facts (default: policies, or SLUICE_POLICIES)
  --rego DIR       the rules (default: rego, or SLUICE_REGO)
  --data-dir DIR   log and built bundle (default: .sluice, or SLUICE_DATA_DIR)`;
