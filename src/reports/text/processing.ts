import { bullets, code, codes, plain, table } from '../../replay/text/markdown.ts';
import type { ProcessingRecords } from '../processing.ts';
import { lines, windowText } from './parts.ts';

const COLUMNS = [
  'Purpose', 'Recipient', 'Role', 'Sub-processors', 'Apps', 'Data', 'People', 'Regions', 'Third country',
  'Transfer basis', 'Retention (days)', 'Forms', 'Law it may bring in',
];

export function processingText({ controller, contact, window, processing, notes }: ProcessingRecords): string {
  const who = `Controller: ${plain(controller)}. Contact: ${plain(contact)}.`;
  return lines(
    '# Record of processing activities',
    '',
    `GDPR Art. 30(1), from what was permitted to leave; ${windowText(window)}. ${who} What says "fill in" Sluice can't know.`,
    '',
    table(COLUMNS, processing.map(rowOf)),
    '',
    bullets(notes.map(plain)),
  );
}

const rowOf = (one: ProcessingRecords['processing'][number]): readonly string[] => [
  code(one.purpose),
  plain(one.recipientName),
  one.role,
  codes(one.subProcessors),
  codes(one.apps),
  codes(one.dataCategories),
  plain(one.dataSubjects),
  one.regions.map(plain).join(' '),
  one.thirdCountry,
  plain(one.transferBasis),
  plain(one.retentionDays),
  one.measures.join(' '),
  one.regulations.join(', '),
];
