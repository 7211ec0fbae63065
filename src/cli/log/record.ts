import type { FieldsRecord } from '../../core/record.ts';
import { objectsOf, textOf, textsOf, type LogLine } from '../../log/index/ask/facets.ts';
import { EFFECT_STYLE, printable, type Paint } from '../paint.ts';

/** One record as a person reads it. What only a machine reads (digests, the input's shape) is left to --json. */
export function describeRecord(record: LogLine, paint: Paint): string {
  const text = (name: string) => printable(textOf(record[name]));
  const kind = text('kind');
  const rows = rowsOf(record, paint);
  // Verdicts are the names of their rows.
  const dress = (name: string, padded: string) => (
    paint(Object.hasOwn(EFFECT_STYLE, name) ? EFFECT_STYLE[name as keyof typeof EFFECT_STYLE] : 'dim', padded)
  );
  const decision = text('decision');
  const head = [
    paint('bold', `record ${text('index')}`), kind, ...(decision === '' ? [] : [dress(decision, decision)]),
    paint('dim', text('time')),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    head.join('  '),
    '',
    ...rows.flatMap(([name, value]) => (value === '' ? [] : [`  ${dress(name, name.padEnd(width))}  ${value}`])),
    '',
    paint('dim', `sluice log show ${text('index')} --json gives the stored line`),
  ].join('\n');
}

type Row = readonly [name: string, value: string];

const isQuestion = (record: LogLine) => record['fields'] !== undefined || record['kind'] === 'refused';
const objectOf = (value: unknown) => (
  (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
);

function rowsOf(record: LogLine, paint: Paint): readonly Row[] {
  if (record['kind'] === 'input') return inputRows(record);
  return isQuestion(record) ? questionRows(record, paint) : memberRows(record);
}

// As they stand in a log, which may be any.
type Asked = Partial<FieldsRecord>;
interface Duty { readonly field: string; readonly op: string; readonly params: object }
interface Why { readonly code: string; readonly rule: string; readonly fields: unknown }

function fieldRow({ paths, effect, category, rules, findings = [] }: Asked, paint: Paint): Row {
  const parts = [
    textsOf(paths).map(printable).join(', '),
    paint('dim', printable(category ?? 'not classified')),
    printable(textsOf(rules).join(', ')),
    findings.map(({ detector, code }) => printable(detector ?? code)).join(', '),
  ];
  return [printable(textOf(effect)), parts.filter((part) => part !== '').join('  ')];
}

function obligationRow({ field, op, params = {} }: Partial<Duty>): Row {
  const how = Object.entries(params).map((pair) => pair.join(' ')).join(', ');
  return ['do', printable(`${textOf(op)} ${textOf(field)} ${how}`.trimEnd())];
}

function reasonRow({ code, rule, fields }: Partial<Why>): Row {
  const of = textsOf(fields).join(', ');
  return ['because', printable(`${textOf(code)} by ${textOf(rule)}${of === '' ? '' : `: ${of}`}`)];
}

function questionRows(record: LogLine, paint: Paint): readonly Row[] {
  const text = (name: string) => printable(textOf(record[name]));
  const with_ = (word: string, name: string) => (text(name) === '' ? '' : ` ${word} ${text(name)}`);
  const revision = objectOf(record['revision']);
  const fields = objectsOf<FieldsRecord>(record['fields']);
  const drop = textsOf(objectOf(record['fix'])['drop']).map(printable).join(', ');
  const isShadow = record['mode'] === 'shadow';
  const from = record['memo'] === true ? ', from memory' : '';
  const number = textOf(revision['number']);
  const until = record['expiresAt'] == null ? 'something changes' : text('expiresAt');
  return [
    ['who', `${text('identity')}${with_('for', 'onBehalfOf')}, asked by ${text('caller')}`],
    ['to', `${text('vendor')} in ${text('environment')}${with_('for', 'purpose')}${with_('by', 'channel')}`],
    ['event', `${text('event')}${with_('version', 'eventVersion')}${with_('about', 'about')}`],
    ['refused', record['kind'] === 'refused' ? text('code') : ''],
    ['shadow', isShadow ? `would be ${printable(textOf(objectOf(record['wouldBe'])['decision']))}` : ''],
    ...fields.map((field) => fieldRow(field, paint)),
    ...objectsOf<Duty>(record['obligations']).map(obligationRow),
    ...objectsOf<Why>(record['reasons']).map(reasonRow),
    ['fix', drop === '' ? '' : `drop ${drop}`],
    ['rows', text('rows')],
    ['decided', number === '' ? '' : `by revision ${number}${from}; valid until ${until}`],
    ['id', [text('decisionId'), text('requestId')].filter((part) => part !== '').join(', request ')],
  ];
}

function inputRows(record: LogLine): readonly Row[] {
  const views = objectsOf<{ readonly input: unknown }>(objectOf(record['shape'])['views']);
  const rowsOfView = (view: unknown): readonly Row[] => {
    const input = objectOf(view);
    const id = (name: string) => printable(textOf(objectOf(input[name])['id']));
    const profiles = objectsOf<{ category?: string }>(input['profiles']).map(({ category }) => textOf(category));
    const roles = textsOf(objectOf(input['identity'])['roles']).map(printable).join(', ');
    const grants = objectsOf<{ id: string }>(input['grants']).map((grant) => printable(textOf(grant.id)));
    return [
      ['who', `${id('identity')} with ${roles || 'no role'}`],
      ['to', `${id('vendor')} in ${id('environment')} for ${id('purpose')} by ${printable(textOf(input['channel']))}`],
      ['event', id('event')],
      ['profiles', printable(profiles.join(', '))],
      ['grants', grants.join(', ') || 'none'],
    ];
  };
  return [
    ['is', 'what the policy was given for the decisions that name this digest'],
    ['digest', printable(textOf(record['digest']))],
    ...views.flatMap(({ input }) => rowsOfView(input)),
  ];
}

const OF_EVERY = ['v', 'index', 'time', 'origin', 'kind'];
const MAX_TEXT = 200;

function memberRows(record: LogLine): readonly Row[] {
  return Object.entries(record).filter(([name]) => !OF_EVERY.includes(name)).map(([name, value]): Row => {
    const text = printable(typeof value === 'string' ? value : JSON.stringify(value));
    return [printable(name), text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text];
  });
}
