import type { ExposureReport } from '../exposure.ts';
import type { AmountReport } from '../tally.ts';

/** Parts of Markdown, a line each; a part that is a list of lines stands as it is. */
export const lines = (...parts: readonly (string | readonly string[])[]): string => `${parts.flat().join('\n')}\n`;

/** `s` for any number but one. */
export const plural = (count: number): string => (count === 1 ? '' : 's');

export function windowText({ from, to }: ExposureReport['window']): string {
  if (from === null && to === null) return 'the whole log';
  return `${from ?? 'the start of the log'} to ${to ?? 'its end'}`;
}

export function amountText({ decisions, rows, decisionsWithoutRows }: AmountReport): string {
  if (decisions === 0) return 'none';
  const counted = `${decisions} decision${plural(decisions)}`;
  if (decisions === decisionsWithoutRows) return `${counted} (callers stated no rows)`;
  const silent = decisionsWithoutRows > 0 ? ` (${decisionsWithoutRows} decisions stated none)` : '';
  return `${counted}, ${rows} rows stated${silent}`;
}
