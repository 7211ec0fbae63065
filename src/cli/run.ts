import path from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { ConfigError } from '../config.ts';
import { EvaluationFailed } from '../core/decide/rulings.ts';
import { SluiceError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import { groupWarning, openToGroup } from '../files/access.ts';
import { PolicyError } from '../opa/build.ts';
import { PoliciesError } from '../sources/yaml/problems.ts';
import { VERSION } from '../version.ts';
import { exposure } from './audit/exposure.ts';
import { replay } from './audit/replay.ts';
import { report as reportCommand } from './audit/report.ts';
import { build } from './build.ts';
import { check } from './check.ts';
import { UsageError, type Command, type Context } from './command.ts';
import { explain } from './explain.ts';
import { importCommand } from './import.ts';
import { init } from './init.ts';
import { logQuery } from './log/query.ts';
import { log } from './log.ts';
import { serve } from './serve.ts';
import { sync } from './sync/sync.ts';
import { test } from './test.ts';
import { token } from './token.ts';

const COMMANDS: Readonly<Record<string, Command>> = { serve, check, explain, build, test, import: importCommand, token, log, exposure, replay, report: reportCommand, sync, init };

const HELP = `Sluice ${VERSION}: may identity X send field set F to vendor V in environment E?

usage: sluice COMMAND [options]     sluice COMMAND --help says more

${Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`).join('\n')}

exit codes: 0 yes, 1 no (denied, failed, mistakes found), 2 wrong use`;

/** 128 and the number of SIGPIPE, which Node ignores. */
const BROKEN_PIPE = 141;

/** Runs the command that the arguments name; gives the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const context: Context = {
    root: path.resolve(import.meta.dirname, '../..'),
    env: process.env,
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(line.startsWith('\r') ? line : `${line}\n`),
    colour: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
    interactive: process.stderr.isTTY,
    stdin: () => text(process.stdin),
  };
  // Whoever reads has seen enough (… | head): it ends as a program does that such a pipe ends, and not with a yes or a no.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (argv[0] !== 'serve') process.exit(BROKEN_PIPE);
  });
  const [name, ...args] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    context.out(HELP);
    return name === undefined ? 2 : 0;
  }
  if (name === '--version') {
    context.out(VERSION);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const near = nearest(name, Object.keys(COMMANDS));
    context.err(`sluice: there is no command ${name}${near === undefined ? '' : `; did you mean ${near}?`}\n\n${HELP}`);
    return 2;
  }
  // A search has options of its own, of the same names.
  return runCommand(command === log && args[0] === 'query' ? logQuery : command, args, context);
}

async function runCommand(command: Command, args: readonly string[], context: Context): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: { ...command.options, help: { type: 'boolean', short: 'h' } }, allowPositionals: true });
    if (values['help'] === true) {
      context.out(`usage: ${command.usage}`);
      return 0;
    }
    const code = await command.run({ values, positionals }, context);
    // A server says so by itself.
    if (command !== serve && openToGroup().length > 0) context.err(`sluice: ${groupWarning}: ${openToGroup().join(', ')}`);
    return code;
  } catch (error) {
    return report(error, command, context);
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder', EACCES: 'this user may not read or write it', EISDIR: 'it is a folder', ENOTDIR: 'it is in no folder',
};

/** A mistake of the user's is told without a stack; anything else is a bug, and shows where it is. */
function report(error: unknown, command: Command, { err }: Context): number {
  const mistakes = error instanceof AggregateError ? error.errors as readonly unknown[] : [error];
  if (mistakes.every((mistake) => mistake instanceof PoliciesError || mistake instanceof PolicyError)) {
    for (const mistake of mistakes) err((mistake as Error).message);
    // Whoever asks something else by files that are wrong has no answer: no yes, and no no.
    return command === build || command === test ? 1 : 2;
  }
  const code = (error as { code?: string }).code;
  if (error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS') === true) {
    err(`sluice: ${(error as Error).message}\n\nusage: ${command.usage.split('\n')[0]}`);
    return 2;
  }
  if (error instanceof EvaluationFailed) {
    err(`sluice: the policy cannot be evaluated: ${error.message}`);
    return 1;
  }
  if (error instanceof SluiceError || error instanceof ConfigError) {
    err(`sluice: ${error.message}`);
    return 2;
  }
  if (code !== undefined && Object.hasOwn(UNREADABLE, code)) {
    err(`sluice: ${(error as { path?: string }).path ?? 'what should be a file'}: ${UNREADABLE[code]}`);
    return 2;
  }
  err(error instanceof Error ? error.stack ?? error.message : String(error));
  return 1;
}
