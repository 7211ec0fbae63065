import { bullets, code, codes, plain, table } from '../../replay/text/markdown.ts';
import type { Across } from '../across.ts';
import type { NotificationClock } from '../clock.ts';
import { amountText, windowText } from './exposure.ts';
import { basisText } from '../basis.ts';
import { coverageText } from '../coverage.ts';
import type { FlowMap } from '../map/flows.ts';
import { flowsMermaid } from '../map/formats.ts';
import type { UnusedGrants } from '../grants.ts';
import type { Incident } from '../incident.ts';
import type { Negative } from '../negative.ts';
import type { ProcessingRecords } from '../processing.ts';

const lines = (...parts: readonly (string | readonly string[])[]) => `${parts.flat().join('\n')}\n`;

export const incidentText = ({ vendor, window, nature, likelyConsequences, measures, clock, evidence, toBeStated }: Incident): string => lines(
  `# Incident at ${plain(vendor.name)}`, '', `For a notification by GDPR Art. 33; ${windowText(window)}. What is marked "fill in" Sluice can't know.`, '',
  '## (a) What happened', '', plain(nature.description), '',
  bullets([
    'Kinds of people: fill in. How many: unknown; callers state rows, not people.',
    `Records permitted to leave${evidence.isWhole ? ' at most' : ', of what this log holds'}: ${amountText(nature.records.permittedAtMost)}. Reported as sent: unknown.`,
    ...nature.records.categories.map(({ category, madeOf, form, sensitivity }) => `${code(category)}, ${form}${madeOf === undefined ? '' : ` of ${code(madeOf)}`}, ${plain(sensitivity)}`),
  ]), '',
  '## (b) Contact', '', 'Data protection officer: fill in.', '',
  '## (c) Likely consequences', '', bullets(likelyConsequences.map(plain)), '',
  '## (d) Measures', '', bullets([...measures.taken.map((one) => `Taken: ${plain(one)}`), ...measures.proposed.map((one) => `Proposed: ${plain(one)}`)]), '',
  clock === undefined ? [] : clockLines(clock),
  '## What it rests on', '', bullets([`Policy: ${codes(evidence.revisions)}`, `Asked for and never permitted: ${codes(evidence.categoriesNeverPermitted)}`, coverageText(evidence.coverage), ...evidence.notes.map(plain)]), '',
  '## Still to be stated', '', bullets(toBeStated.map(code)),
);

const clockLines = (clock: NotificationClock): readonly string[] => [
  '## Notification clock', '',
  ...bullets([
    `Detected ${clock.detectedAt}; ${clock.notifiedAt === null ? `not notified as of ${clock.asOf}` : `notified ${clock.notifiedAt}`}: ${clock.lagDays} days (${clock.lagHours} hours).`,
    clock.agreedHours === null ? 'No agreed time for the notice is on record: whether the contract was broken is unknown.' : `Agreed: ${clock.agreedHours} hours. ${clock.breachOfContract === true ? '**The contract was broken.**' : clock.notifiedAt === null ? 'That time is not over.' : 'The contract was kept.'}`,
    clock.gdpr.deadline === null ? 'The 72 hours of GDPR Art. 33(1) begin when we become aware.' : `Aware since ${clock.awareAt}. GDPR Art. 33(1): notify the authority by ${clock.gdpr.deadline} (${clock.gdpr.state}${clock.gdpr.state === 'running' ? `, ${clock.gdpr.hoursLeft} hours left` : ''}).`,
  ]), '',
];

export const clockText = (clock: NotificationClock): string => lines(`# Notification by ${plain(clock.vendor)}`, '', clockLines(clock));

const ANSWERS = { 'none permitted': 'None permitted', permitted: 'Permitted', inconclusive: 'The log can not tell' } as const;

export const negativeText = (report: Negative): string => lines(
  `# ${ANSWERS[report.answer]}`, '',
  `Whether ${report.claim.category === null ? 'anything' : code(report.claim.category)}${report.claim.field === null ? '' : ` as ${code(report.claim.field)}`} was permitted to leave for ${report.claim.vendor === null ? 'any vendor' : code(report.claim.vendor)}; ${windowText(report.window)}.`, '',
  bullets([
    `Permitted: ${amountText(report.permitted)}`, `Asked for and refused: ${amountText(report.refused)}`, `Looked through: ${amountText(report.searched)}, under ${report.revisions.length} revision${report.revisions.length === 1 ? '' : 's'}`,
    `Records that could not be written: ${report.notWritten}${report.notWritten === 0 ? '' : ' (nobody was answered, so that nothing may have been sent)'}`,
    ...report.why.map(plain),
    ...(report.onlyAsked === 0 ? [] : [`Answers to /permitted that would let it out: ${report.onlyAsked}; nothing leaves by them`]),
    `**${coverageText(report.coverage)}**${report.answer === 'none permitted' ? ' This is no proof that nothing was sent.' : ''}`,
    ...basisText(report.basis).map(plain),
    ...(report.examples.length === 0 ? [] : ['For instance:']),
    ...report.examples.map(({ index, decisionId, field, category }) => `Record #${index}, ${code(decisionId)}: ${code(field)}, ${code(category)}`),
  ]),
);

export const unusedText = (report: UnusedGrants): string => lines(
  `# Grants unused for ${report.days} days`, '',
  report.conclusive ? `Since ${report.since}.` : `The log ${report.basis.first === null ? 'is empty' : `begins ${report.basis.first.time}, after ${report.since}`}: a grant listed may have been used before.`, '',
  report.unused.length === 0 ? `All grants${report.tooYoung.length === 0 ? '' : ' that were in force so long'} were used.` : table(['Grant', 'Title', 'Role', 'Held by', 'Last used', 'Last told of by /permitted'], report.unused.map((one) => [
    code(one.grant), plain(one.title), code(one.role), codes(one.identities), one.lastUsed ?? 'not in this log', one.lastAsked ?? '',
  ])),
  '', bullets([...report.tooYoung.map(({ grant, starts }) => `${code(grant)} starts ${starts}, and has not been used so far`), ...report.notes.map(plain)]),
);

export const flowsText = (map: FlowMap): string => lines(
  '# Where data flows', '', '```mermaid', flowsMermaid(map).trimEnd(), '```', '',
  table(['App', 'Event', 'Field', 'Category', 'Generated by', 'Vendor', 'Environment', 'Form', 'Permitted', 'Refused', 'First', 'Last', 'Declared', 'Observed'], map.flows.map((one) => [
    plain(one.app), code(one.event), code(one.field), code(one.category), one.identity === '' ? plain(one.source) : code(one.identity), one.via === '' ? code(one.vendor) : `${code(one.vendor)} via ${code(one.via)}`, code(one.environment), one.form,
    String(one.permitted), String(one.refused), one.first, one.last, one.declared ? 'yes' : '**no**', one.observed ? 'yes' : 'no',
  ])), '',
  '## Vendors', '', table(['Vendor', 'Party', 'DPA', 'Evidence'], map.vendors.map((one) => [plain(one.name), one.party, one.dpa, one.dpaEvidence === null ? '' : code(one.dpaEvidence)])), '',
  '## Handed on', '', table(['From', 'To', 'As', 'On', 'Source'], map.edges.map((one) => [code(one.from), code(one.to), one.type, one.on ? 'yes' : 'no', one.source === null ? '' : code(one.source)])),
  '', bullets([windowText(map.window), coverageText(map.coverage), ...map.notes.map(plain), ...(map.incomplete ? ['Over 100,000 flows: the rest is left out.'] : [])]),
);

export const processingText = ({ controller, contact, window, processing, notes }: ProcessingRecords): string => lines(
  '# Record of processing activities', '', `GDPR Art. 30(1), from what was permitted to leave; ${windowText(window)}. Controller: ${plain(controller)}. Contact: ${plain(contact)}. What says "fill in" Sluice can't know.`, '',
  table(['Purpose', 'Recipient', 'Role', 'Sub-processors', 'Apps', 'Data', 'People', 'Regions', 'Third country', 'Transfer basis', 'Retention (days)', 'Forms', 'Law it may bring in'], processing.map((one) => [
    code(one.purpose), plain(one.recipientName), one.role, codes(one.subProcessors), codes(one.apps), codes(one.dataCategories), plain(one.dataSubjects), one.regions.map(plain).join(' '), one.thirdCountry,
    plain(one.transferBasis), plain(one.retentionDays), one.measures.join(' '), one.regulations.join(', '),
  ])), '',
  bullets(notes.map(plain)),
);

export const acrossText = ({ window, vendors, joins, coverage, notes }: Across): string => lines(
  '# What vendors hold together', '', `What was permitted to leave, an upper bound; ${windowText(window)}.`, '',
  table(['Vendor', 'Party', 'Permitted', 'Categories', 'Join keys', 'Can be joined with', 'Combinations', 'Infers the roadmap'], vendors.map((one) => [
    code(one.vendor), one.party, amountText(one.permitted), codes(one.categories), codes(one.joinKeys), codes(one.canJoinWith), one.combinations.map(plain).join('; '), one.infersRoadmap ? 'yes' : 'no',
  ])), '',
  '## What third parties can put together', '',
  joins.length === 0 ? 'No two of them hold the same lasting value as it is.' : bullets(joins.map(({ category, vendors: holders }) => `by ${code(category)}: ${codes(holders)}`)), '',
  bullets(['Whoever holds feature flags, and when and how much they are used, can infer what comes next: "infers the roadmap".', coverageText(coverage), ...notes.map(plain)]),
);
