import { bullets, plain } from '../../replay/text/markdown.ts';
import type { NotificationClock } from '../clock.ts';
import { lines } from './parts.ts';

export const clockText = (clock: NotificationClock): string =>
  lines(`# Notification by ${plain(clock.vendor)}`, '', clockLines(clock));

/** The clock as a section of a larger report. */
export const clockLines = (clock: NotificationClock): readonly string[] => [
  '## Notification clock',
  '',
  ...bullets([noticeSentence(clock), agreedSentence(clock), deadlineSentence(clock)]),
  '',
];

function noticeSentence({ detectedAt, notifiedAt, asOf, lagDays, lagHours }: NotificationClock): string {
  const notice = notifiedAt === null ? `not notified as of ${asOf}` : `notified ${notifiedAt}`;
  return `Detected ${detectedAt}; ${notice}: ${lagDays} days (${lagHours} hours).`;
}

function agreedSentence({ agreedHours, breachOfContract, notifiedAt }: NotificationClock): string {
  if (agreedHours === null) {
    return 'No agreed time for the notice is on record: whether the contract was broken is unknown.';
  }
  if (breachOfContract === true) return `Agreed: ${agreedHours} hours. **The contract was broken.**`;
  return `Agreed: ${agreedHours} hours. ${notifiedAt === null ? 'That time is not over.' : 'The contract was kept.'}`;
}

function deadlineSentence({ gdpr, awareAt }: NotificationClock): string {
  if (gdpr.deadline === null) return 'The 72 hours of GDPR Art. 33(1) begin when we become aware.';
  const left = gdpr.state === 'running' ? `, ${gdpr.hoursLeft} hours left` : '';
  return `Aware since ${awareAt}. GDPR Art. 33(1): notify the authority by ${gdpr.deadline} (${gdpr.state}${left}).`;
}
