import type { FieldsRecord } from '../../core/record.ts';
import { objectsOf, textOf, textsOf, type LogLine } from '../../log/index/ask/facets.ts';
import { EFFECT_STYLE, printable, type Paint } from '../paint.ts';

/** One record as a person reads it. What only a machine reads (digests, profiles, the input's shape) is counted, or left to --json. */
export function describeRecord(record: LogLine, paint: Paint): string {
  const text = (name: string) => printable(textOf(record[name]));
  const kind = text('kind');
  const rows = kind === 'input' ? inputRows(record) : isQuestion(record) ? questionRows(record, paint) : memberRows(record);
  // Verdicts are the names of their rows.
  const dress = (name: string, padded: string) => (Object.hasOwn(EFFECT_STYLE, name) ? paint(EFFECT_STYLE[name as keyof typeof EFFECT_STYLE], padded) : paint('dim', padded));
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    `${paint('bold', `record ${text('index')}`)}  ${kind}${text('decision') === '' ? '' : `  ${dress(text('decision'), text('decision'))}`}  ${paint('dim', text('time'))}`,
    '',
    ...rows.filter(([, value]) => value !== '').map(([name, value]) => `  ${dress(name, name.padEnd(width))}  ${value}`),
    '',
    paint('dim', `sluice log show ${text('index')} --json gives the stored line`),
  ].join('\n');
}

type Row = readonly [name: string, value: string];

const isQuestion = (record: LogLine) => record['fields'] !== undefined || record['kind'] === 'refused';
const objectOf = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === 'object' && value !== null ? value as Readonly<Record<string, unknown>> : {});

function questionRows(record: LogLine, paint: Paint): readonly Row[] {
  const text = (name: string) => printable(textOf(record[name]));
  const with_ = (word: string, name: string) => (text(name) === '' ? '' : ` ${word} ${text(name)}`);
  const revision = objectOf(record['revision']);
  const fields = objectsOf<FieldsRecord>(record['fields']);
  const drop = textsOf(objectOf(record['fix'])['drop']).map(printable).join(', ');
  const isShadow = record['mode'] === 'shadow';
  return [
    ['who', `${text('identity')}${with_('for', 'onBehalfOf')}, asked by ${text('caller')}`],
    ['to', `${text('vendor')} in ${text('environment')}${with_('for', 'purpose')}${with_('by', 'channel')}`],
    ['event', `${text('event')}${with_('version', 'eventVersion')}${with_('about', 'about')}`],
    ['refused', record['kind'] === 'refused' ? text('code') : ''],
    ['shadow', isShadow ? `would be ${printable(textOf(objectOf(record['wouldBe'])['decision']))}` : ''],
    ...fields.flatMap(({ paths, effect: verdict, category, rules, findings = [] }): readonly Row[] => [[
      printable(textOf(verdict)),
      [textsOf(paths).map(printable).join(', '), paint('dim', printable(category ?? 'not classified')), printable(textsOf(rules).join(', ')), findings.map(({ detector, code }) => printable(detector ?? code)).join(', ')].filter((part) => part !== '').join('  '),
    ]]),
    ...objectsOf<{ field: string; op: string; params?: object }>(record['obligations']).map(({ field, op, params }): Row => ['do', printable(`${textOf(op)} ${textOf(field)} ${Object.entries(params ?? {}).map((pair) => pair.join(' ')).join(', ')}`.trimEnd())]),
    ...objectsOf<{ code: string; rule: string; fields: unknown }>(record['reasons']).map(({ code, rule, fields: of }): Row => ['because', printable(`${textOf(code)} by ${textOf(rule)}${textsOf(of).length === 0 ? '' : `: ${textsOf(of).join(', ')}`}`)]),
    ['fix', drop === '' ? '' : `drop ${drop}`],
    ['rows', text('rows')],
    ['decided', revision['number'] === undefined ? '' : `by revision ${textOf(revision['number'])}${record['memo'] === true ? ', from memory' : ''}; valid until ${record['expiresAt'] == null ? 'something changes' : text('expiresAt')}`],
    ['id', [text('decisionId'), text('requestId')].filter((part) => part !== '').join(', request ')],
  ];
}

function inputRows(record: LogLine): readonly Row[] {
  const views = objectsOf<{ readonly input: unknown }>(objectOf(record['shape'])['views']);
  const rowsOf = (view: unknown): readonly Row[] => {
    const input = objectOf(view);
    const id = (name: string) => printable(textOf(objectOf(input[name])['id']));
    const profiles = objectsOf<{ category?: string }>(input['profiles']).map(({ category }) => printable(textOf(category)));
    const grants = objectsOf<{ id: string }>(input['grants']).map((grant) => printable(textOf(grant.id)));
    return [
      ['who', `${id('identity')} with ${textsOf(objectOf(input['identity'])['roles']).map(printable).join(', ') || 'no role'}`],
      ['to', `${id('vendor')} in ${id('environment')} for ${id('purpose')} by ${printable(textOf(input['channel']))}`],
      ['event', id('event')],
      ['profiles', profiles.join(', ')],
      ['grants', grants.join(', ') || 'none'],
    ];
  };
  return [['is', 'what the policy was given for the decisions that name this digest'], ['digest', printable(textOf(record['digest']))], ...views.flatMap(({ input }) => rowsOf(input))];
}

const OF_EVERY = ['v', 'index', 'time', 'origin', 'kind'];
const MAX_TEXT = 200;

function memberRows(record: LogLine): readonly Row[] {
  return Object.entries(record).filter(([name]) => !OF_EVERY.includes(name)).map(([name, value]): Row => {
    const text = printable(typeof value === 'string' ? value : JSON.stringify(value));
    return [printable(name), text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text];
  });
}
