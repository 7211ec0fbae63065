import { bullets, code, codes, plain, table } from './markdown.ts';
import type { Impact } from '../impact.ts';
import type { Reproduction } from '../reproduce.ts';
import type { Shadow } from '../shadow.ts';

const SHOWN = 50;

const more = (list: readonly unknown[]) => (list.length > SHOWN ? ['', `… and ${list.length - SHOWN} more; --json has them all.`] : []);
const examplesOf = (examples: readonly { readonly index: number }[]) => examples.map(({ index }) => `#${index}`).join(' ');

export function reproductionText(report: Reproduction): string {
  const { records, questions, reproduced, different, differentUnderThisProgram, missingBundles, withoutInput, lists, examples, program } = report;
  return [
    '# Reproduction', '',
    `${records} records of ${questions} questions, decided again from their recorded input under the policy that each names, by ${plain(program)}.`, '',
    ...bullets([
      `${reproduced} come out as recorded`,
      `${different} differ`,
      ...(differentUnderThisProgram === 0 ? [] : [`${differentUnderThisProgram} that another version of the program decided come out otherwise in this one`]),
      ...Object.entries(missingBundles).map(([bundle, count]) => `${count} can't be checked: their policy ${code(bundle)} is not kept here; --data-dir says whose bundles/ to look in`),
      ...(lists === 0 ? [] : [`${lists} are lists, which name no input: they let nothing out, and are not made again`]),
      ...(withoutInput === 0 ? [] : [`${withoutInput} can't be checked: their input is not in the log, or not what its digest says`]),
    ]),
    ...(examples.length === 0 ? [] : ['', ...table(['Record', 'Decision', 'Records', 'Differs in', 'Decided by'], examples.map((one) => [`#${one.index}`, code(one.decisionId), String(one.records), one.members.join(', '), one.program === undefined ? 'this program' : plain(one.program)]))]),
    '',
  ].join('\n');
}

const asForm = (effect: string, form: string | null, done?: string) => {
  const how = [...(form === null || form === 'raw' ? [] : [form]), ...(done === undefined || done === '' ? [] : [code(done)])];
  return how.length === 0 ? effect : `${effect} (${how.join(': ')})`;
};

export function impactText(report: Impact): string {
  const { records, questions, unchanged, newlyAllowed, newlyRefused, changes, byEvent, decisions, notReplayed } = report;
  return [
    '# What would change', '',
    `${records} records of ${questions} questions, ${report.method === 'recorded input' ? 'decided again from their recorded input' : 'prepared again by other facts: what was found in payloads stays as it was found'}.`, '',
    ...bullets([
      `${unchanged} stay as they are`,
      `**${newlyAllowed.records} would let out what stayed** (${newlyAllowed.rows} rows stated), as asked or once their fix is applied`,
      `${newlyRefused.records} would keep what left (${newlyRefused.rows} rows stated)`,
      ...(report.onlyAsked === 0 ? [] : [`${report.onlyAsked} answers to /permitted are left out: nothing leaves by them`]),
      ...(report.withHashedNames === 0 ? [] : [`${report.withHashedNames} have names that nobody knew and that only their hash stands for: to the other catalogue they are unknown too`]),
      ...(report.crossedInTime === 0 ? [] : [`${report.crossedInTime} were asked over a moment at which time alone changes the answer: judged as the first of them${report.newlyAllowedInTime === 0 ? '' : `; **from then on ${report.newlyAllowedInTime} at most would let out what stayed**`}`]),
      ...Object.entries(notReplayed).map(([why, count]) => `${count} could not be asked again: ${plain(why)}`),
    ]),
    '',
    ...(decisions.length === 0 ? [] : [...table(['Decision then', 'Now', 'Records', 'Rows'], decisions.map((one) => [one.from, one.to, String(one.records), String(one.rows)])), '']),
    ...(changes.length === 0 ? [] : ['## By vendor, category, identity and rule', '', ...table(['Vendor', 'Category', 'Identity', 'Then', 'Now', 'Decided by', 'Records', 'Rows', 'Examples'], changes.slice(0, SHOWN).map((one) => [
      code(one.vendor), code(one.category), code(one.identity), asForm(one.from, one.leftAs, one.done?.then), asForm(one.to, one.wouldLeaveAs, one.done?.now), codes(one.rule === '' ? [] : one.rule.split(' ')), String(one.records), String(one.rows), examplesOf(one.examples),
    ])), ...more(changes), '']),
    ...(byEvent.length === 0 ? [] : ['## By event', '', ...table(['Event', 'Change', 'Let out what stayed', 'Keep what left', 'Stay', 'Rows'], byEvent.slice(0, SHOWN).map((one) => [
      code(one.event), String(one.records), String(one.newlyAllowed), String(one.newlyRefused), String(one.unchanged), String(one.rows),
    ])), ...more(byEvent), '']),
    ...(report.incomplete ? ['Over 10,000 kinds of change: the rest is counted above, and not listed.', ''] : []),
  ].join('\n');
}

export function shadowText({ records, same, lines }: Shadow): string {
  return [
    '# Shadow', '',
    records === 0 ? 'Nothing was asked in shadow.' : `${records} records were decided in shadow; enforcement would have answered ${same} of them the same.`, '',
    ...(lines.length === 0 ? [] : [...table(['Vendor', 'Event', 'Identity', 'Answered', 'Would be', 'For', 'Records', 'Rows', 'Examples'], lines.slice(0, SHOWN).map((one) => [
      code(one.vendor), code(one.event), code(one.identity), one.decision, one.wouldBe, codes(one.reasons), String(one.records), String(one.rows), examplesOf(one.examples),
    ])), ...more(lines), '']),
  ].join('\n');
}
