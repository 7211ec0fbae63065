import { bullets, code, codes, plain, table } from '../../replay/text/markdown.ts';
import type { UnusedGrants } from '../grants.ts';
import { lines } from './parts.ts';

const COLUMNS = ['Grant', 'Title', 'Role', 'Held by', 'Last used', 'Last told of by /permitted'];

export const unusedText = (report: UnusedGrants): string =>
  lines(
    `# Grants unused for ${report.days} days`,
    '',
    sinceSentence(report),
    '',
    report.unused.length === 0 ? noneSentence(report) : table(COLUMNS, report.unused.map(rowOf)),
    '',
    bullets([
      ...report.tooYoung.map(({ grant, starts }) => `${code(grant)} starts ${starts}, and has not been used so far`),
      ...report.notes.map(plain),
    ]),
  );

function sinceSentence({ conclusive, since, basis }: UnusedGrants): string {
  if (conclusive) return `Since ${since}.`;
  const begin = basis.first === null ? 'is empty' : `begins ${basis.first.time}, after ${since}`;
  return `The log ${begin}: a grant listed may have been used before.`;
}

const noneSentence = ({ tooYoung }: UnusedGrants): string =>
  `All grants${tooYoung.length === 0 ? '' : ' that were in force so long'} were used.`;

const rowOf = (one: UnusedGrants['unused'][number]): readonly string[] => [
  code(one.grant),
  plain(one.title),
  code(one.role),
  codes(one.identities),
  one.lastUsed ?? 'not in this log',
  one.lastAsked ?? '',
];
