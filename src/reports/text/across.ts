import { bullets, code, codes, plain, table } from '../../replay/text/markdown.ts';
import type { Across } from '../across.ts';
import { coverageText } from '../coverage.ts';
import { amountText, lines, windowText } from './parts.ts';

const COLUMNS = [
  'Vendor', 'Party', 'Permitted', 'Categories', 'Join keys', 'Can be joined with', 'Combinations', 'Infers the roadmap',
];
const ROADMAP =
  'Whoever holds feature flags, and when and how much they are used, can infer what comes next: "infers the roadmap".';

export const acrossText = ({ window, vendors, joins, coverage, notes }: Across): string =>
  lines(
    '# What vendors hold together',
    '',
    `What was permitted to leave, an upper bound; ${windowText(window)}.`,
    '',
    table(COLUMNS, vendors.map(rowOf)),
    '',
    '## What third parties can put together',
    '',
    joins.length === 0 ? 'No two of them hold the same lasting value as it is.' : bullets(joins.map(joinLine)),
    '',
    bullets([ROADMAP, coverageText(coverage), ...notes.map(plain)]),
  );

const joinLine = ({ category, vendors }: Across['joins'][number]): string => `by ${code(category)}: ${codes(vendors)}`;

const rowOf = (one: Across['vendors'][number]): readonly string[] => [
  code(one.vendor),
  one.party,
  amountText(one.permitted),
  codes(one.categories),
  codes(one.joinKeys),
  codes(one.canJoinWith),
  one.combinations.map(plain).join('; '),
  one.infersRoadmap ? 'yes' : 'no',
];
