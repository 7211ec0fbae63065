import { bullets, code, codes, plain } from '../../replay/text/markdown.ts';
import { coverageText } from '../coverage.ts';
import type { Incident } from '../incident.ts';
import { clockLines } from './clock.ts';
import { amountText, lines, windowText } from './parts.ts';

/** In the order of GDPR Art. 33(3). */
export function incidentText({ vendor, window, nature, likelyConsequences, measures, clock, ...rest }: Incident): string {
  return lines(
    `# Incident at ${plain(vendor.name)}`,
    '',
    `For a notification by GDPR Art. 33; ${windowText(window)}. What is marked "fill in" Sluice can't know.`,
    '',
    '## (a) What happened',
    '',
    plain(nature.description),
    '',
    bullets(natureLines(nature, rest.evidence.isWhole)),
    '',
    '## (b) Contact',
    '',
    'Data protection officer: fill in.',
    '',
    '## (c) Likely consequences',
    '',
    bullets(likelyConsequences.map(plain)),
    '',
    '## (d) Measures',
    '',
    bullets([
      ...measures.taken.map((one) => `Taken: ${plain(one)}`),
      ...measures.proposed.map((one) => `Proposed: ${plain(one)}`),
    ]),
    '',
    clock === undefined ? [] : clockLines(clock),
    '## What it rests on',
    '',
    bullets(evidenceLines(rest.evidence)),
    '',
    '## Still to be stated',
    '',
    bullets(rest.toBeStated.map(code)),
  );
}

function natureLines({ records }: Incident['nature'], isWhole: boolean): readonly string[] {
  const bound = isWhole ? ' at most' : ', of what this log holds';
  return [
    'Kinds of people: fill in. How many: unknown; callers state rows, not people.',
    `Records permitted to leave${bound}: ${amountText(records.permittedAtMost)}. Reported as sent: unknown.`,
    ...records.categories.map(({ category, madeOf, form, sensitivity }) => {
      const origin = madeOf === undefined ? '' : ` of ${code(madeOf)}`;
      return `${code(category)}, ${form}${origin}, ${plain(sensitivity)}`;
    }),
  ];
}

const evidenceLines = ({ revisions, categoriesNeverPermitted, coverage, notes }: Incident['evidence']): readonly string[] => [
  `Policy: ${codes(revisions)}`,
  `Asked for and never permitted: ${codes(categoriesNeverPermitted)}`,
  coverageText(coverage),
  ...notes.map(plain),
];
