/** One mistake, where it stands (from 1; columns in UTF-16 units), and what to do. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** All mistakes of a policies folder at once, by file and place. The message lists each as `file:line:column: message`. */
export class PoliciesError extends Error {
  override readonly name = 'PoliciesError';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted(byPlace);
    super(`${problems.length} ${problems.length === 1 ? 'mistake' : 'mistakes'} in the policies:\n${sorted.map(format).join('\n')}`);
    this.problems = sorted;
  }
}

export const byPlace = (a: Problem, b: Problem): number => (
  a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column
);

export const format = ({ file, line, column, message }: Problem) => `${file}:${line}:${column}: ${message}`;

/** Steps from the root of a file: keys of maps, indexes of lists. */
export type At = readonly (string | number)[];

/** A mistake at the value there; with `key` at its key, as always for a value that is a map, a list or empty. */
export type Report = (at: At, message: string, key?: 'key') => Problem;
