import type { CategoryExposure, ExposureReport } from '../exposure.ts';
import { bullets, code, codes, plain, table } from '../../replay/text/markdown.ts';
import { coverageText } from '../coverage.ts';
import { amountText, windowText } from './parts.ts';

const FORM_TEXT = {
  raw: 'as it is', shortened: 'shortened', coarse: 'coarsened', masked: 'masked', hmac: 'pseudonymised (keyed hash, keyed for this vendor)', tokenized: 'as a random token', encrypted: 'encrypted by us',
} as const;

const namesOf = (list: readonly { readonly name: string }[]) => codes(list.map(({ name }) => name));

/** The report for people: a fact sheet for the notice first, then what it rests on. */
export function exposureText(report: ExposureReport): string {
  const { name, vendor, under } = report;
  return [
    `# ${under === undefined ? 'Exposure' : 'Residual exposure'}: ${plain(name)}`,
    '',
    `Vendor ${code(vendor)}, ${windowText(report.window)}.${under === undefined ? '' : ` Not what happened: what ${code(under)} would have permitted of the same questions.`}`,
    '',
    ...factSheet(report),
    '',
    ...evidence(report),
    '',
  ].join('\n');
}

function factSheet(report: ExposureReport): readonly string[] {
  const { categories, gaps, state, permittedToLeave, onlyInShadow, afterFix, refused, contactable, keysToRotate, subProcessors, indirect, objects } = report;
  const formed = (form: (one: CategoryExposure) => boolean) => [...new Set(categories.filter(form).map(({ category }) => category))];
  const raw = formed(({ form }) => form === 'raw');
  const changed = categories.filter(({ form }) => form !== 'raw');
  return [
    '## Fact sheet', '',
    ...gaps.map((gap) => `**${plain(gap)}**`), ...(gaps.length === 0 ? [] : ['']),
    ...(state === undefined || state === 'active' ? [] : [`State of the vendor now: ${state}.`, '']),
    ...(categories.length === 0 ? [`Sluice permitted nothing to leave for this vendor in this time${gaps.length === 0 ? '' : ', as far as this log goes'}.${indirect.length === 0 ? '' : ` It may have received what ${codes(indirect.map(({ through }) => through))} hand on; see below.`} ${coverageText(report.coverage)}`] : [
      ...bullets([
        `Permitted to leave: ${amountText(permittedToLeave)}, first ${permittedToLeave.first ?? ''}, last ${permittedToLeave.last ?? ''}. ${gaps.length === 0 ? 'This is an upper bound.' : 'This is no upper bound, since the log does not hold the whole time.'}`,
        ...(onlyInShadow.decisions === 0 ? [] : [`Of these, ${amountText(onlyInShadow)} left by shadow mode alone: enforcement would have refused.`]),
        'Reported as sent: unknown; enforcement points do not report usage yet.',
        `People concerned: unknown; callers state rows, not people.${objects === 0 ? '' : ` Named as what the data was about: ${objects}.`}`,
        ...(afterFix === undefined || afterFix.decisions === 0 ? [] : [`Of these, ${amountText(afterFix)} would have been refused as asked, and leave once the fields are dropped that the fix names.`]),
        `Kinds of data, as they are: ${codes(raw)}.`,
        ...changed.map(({ category, madeOf, form }) => `${code(madeOf ?? category)} ${FORM_TEXT[form]}${madeOf === undefined || madeOf === category ? '' : `, as ${code(category)}`}.`),
        contactable.length === 0 ? 'No name, address or phone number was permitted: by what left through Sluice nobody can be written to, unless others add to it.' : `Warn of phishing, since this was permitted as it is: ${codes(contactable)}.`,
        `May have been handed on to: ${codes(subProcessors.map((one) => one.vendor))}.`,
        `Asked for and never permitted: ${codes(refused.withheld)}.`,
      ]),
    ]),
    '', '### Rotate', '', ...(keysToRotate.length === 0 ? ['Nothing.'] : bullets(keysToRotate.map(({ key, why }) => `${plain(key)}: ${plain(why)}`))),
  ];
}

function evidence(report: ExposureReport): readonly string[] {
  const { categories, joinKeys, combinations, indirect, refused, subProcessors, onlyAsked } = report;
  return [
    '## What it rests on', '',
    ...(categories.length === 0 ? [] : [...table(['Category', 'Form', 'Sensitivity', 'Identifies', 'Amount', 'Fields', 'Events'], categories.map((one) => [
      code(one.category), `${one.form}${one.madeOf === undefined ? '' : ` of ${code(one.madeOf)}`}`, one.sensitivity, one.identifiability, amountText(one.amount), namesOf(one.fields), namesOf(one.events),
    ])), '']),
    ...bullets([
      `Identities: ${namesOf(report.identities)}`, `Environments: ${namesOf(report.environments)}`, `Events: ${namesOf(report.events)}`, `Purposes: ${namesOf(report.purposes)}`,
      `Asked by: ${namesOf(report.callers)}`,
      ...(report.via.length === 0 ? [] : [`Through: ${namesOf(report.via)}`]),
      `Refused: ${amountText(refused)}${refused.reasons.length === 0 ? '' : `, for ${namesOf(refused.reasons)}`}`,
      `Policy: ${codes(report.revisions)}`,
    ]),
    '', '### What can be put together', '',
    ...(joinKeys.length === 0 ? ['No lasting identifier was permitted.'] : bullets(joinKeys.map(({ category, form, alsoHeldBy }) => (
      `${code(category)} (${form}) links what this vendor has of one person, device or customer${alsoHeldBy.length === 0 ? '' : `, and with what ${codes(alsoHeldBy)} have`}`
    )))),
    '',
    ...(combinations === undefined ? ['Combinations: unknown, the catalogue was not at hand.'] : combinations.length === 0 ? ['No combination that the catalogue names comes about.'] : bullets(combinations.map(({ id, title, categories: members, inOneMessage }) => (
      `${plain(title)} (${code(id)}): ${codes(members)}, ${inOneMessage ? 'in one message' : 'over several messages'}`
    )))),
    '',
    ...(indirect.length === 0 ? [] : ['### It may also have received', '', ...bullets(indirect.map(({ through, categories: members }) => `from ${code(through)}: ${codes(members)}`)), '']),
    ...(subProcessors.length === 0 ? [] : ['### Who else could hold it', '', ...table(['Vendor', 'By way of', 'Language model', 'In the facts of then', 'Source'], subProcessors.map((one) => [
      plain(one.name), one.path === null ? 'no longer known' : one.path.map(code).join(' → '), one.llm === 'unknown' ? 'unknown' : one.llm ? 'yes' : 'no', one.recorded ? 'yes' : 'no', one.sources.map(code).join(', '),
    ])), '']),
    '### How far this goes', '',
    ...bullets([
      coverageText(report.coverage),
      ...report.notes.map(plain),
      ...(onlyAsked.decisions === 0 ? [] : [`Answers to /permitted, by which nothing leaves, are not counted: ${onlyAsked.decisions}.`]),
      ...(report.incomplete ? ['A list was cut off at 1,000 names. sluice exposure --all gives all.'] : []),
    ]),
  ];
}
