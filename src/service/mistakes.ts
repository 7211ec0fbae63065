import { EvaluationFailed } from '../core/decide/rulings.ts';
import { SluiceError } from '../core/errors.ts';
import { PolicyError } from '../opa/build.ts';
import { PermitError } from '../sources/permit/data.ts';
import { PoliciesError } from '../sources/yaml/problems.ts';

/** Our own messages name no value; anybody else's may quote the input, so only its kind is told. */
export const describe = (error: unknown): string => (error instanceof EvaluationFailed || error instanceof SluiceError || error instanceof PermitError ? error.message : error instanceof Error ? error.name : 'unknown');

const MAX_TOLD = 20;

/** For a line of the log, which must stay short: the first mistakes, and how many more there are. */
export const firstOf = (mistakes: readonly string[]): readonly string[] => (mistakes.length <= MAX_TOLD ? mistakes : [...mistakes.slice(0, MAX_TOLD), `and ${mistakes.length - MAX_TOLD} more`]);

export function mistakesOf(error: unknown): readonly string[] {
  if (error instanceof PoliciesError) return error.problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  if (error instanceof PolicyError) return error.problems;
  if (error instanceof AggregateError) return error.errors.flatMap(mistakesOf);
  return [error instanceof Error ? error.message : 'unknown'];
}
