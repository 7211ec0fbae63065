/** One mistake, where it stands, and what to do. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** All mistakes of a policies folder at once. */
export class PoliciesError extends Error {
  override readonly name = 'PoliciesError';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column));
    super(`${problems.length} ${problems.length === 1 ? 'mistake' : 'mistakes'} in the policies:\n${sorted.map(format).join('\n')}`);
    this.problems = sorted;
  }
}

export const format = ({ file, line, column, message }: Problem) => `${file}:${line}:${column}: ${message}`;
