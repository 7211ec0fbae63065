import { bullets, code, plain } from '../../replay/text/markdown.ts';
import { basisText } from '../basis.ts';
import { coverageText } from '../coverage.ts';
import type { Negative } from '../negative.ts';
import { amountText, lines, plural, windowText } from './parts.ts';

const ANSWERS = {
  'none permitted': 'None permitted',
  permitted: 'Permitted',
  inconclusive: 'The log can not tell',
} as const;

export const negativeText = (report: Negative): string =>
  lines(`# ${ANSWERS[report.answer]}`, '', claimSentence(report), '', bullets([...foundLines(report), ...basisLines(report)]));

function claimSentence({ claim: { category, field, vendor }, window }: Negative): string {
  const what = `${category === null ? 'anything' : code(category)}${field === null ? '' : ` as ${code(field)}`}`;
  const receiver = vendor === null ? 'any vendor' : code(vendor);
  return `Whether ${what} was permitted to leave for ${receiver}; ${windowText(window)}.`;
}

function foundLines({ permitted, refused, searched, revisions, notWritten, why, onlyAsked }: Negative): readonly string[] {
  const unwritten = notWritten === 0 ? '' : ' (nobody was answered, so that nothing may have been sent)';
  return [
    `Permitted: ${amountText(permitted)}`,
    `Asked for and refused: ${amountText(refused)}`,
    `Looked through: ${amountText(searched)}, under ${revisions.length} revision${plural(revisions.length)}`,
    `Records that could not be written: ${notWritten}${unwritten}`,
    ...why.map(plain),
    ...(onlyAsked === 0 ? [] : [`Answers to /permitted that would let it out: ${onlyAsked}; nothing leaves by them`]),
  ];
}

function basisLines({ answer, coverage, basis, examples }: Negative): readonly string[] {
  const caution = answer === 'none permitted' ? ' This is no proof that nothing was sent.' : '';
  return [
    `**${coverageText(coverage)}**${caution}`,
    ...basisText(basis).map(plain),
    ...(examples.length === 0 ? [] : ['For instance:']),
    ...examples.map((one) => `Record #${one.index}, ${code(one.decisionId)}: ${code(one.field)}, ${code(one.category)}`),
  ];
}
