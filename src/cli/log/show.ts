import type { FieldsRecord } from '../../core/record.ts';
import { didYouMean } from '../../core/suggest.ts';
import { objectsOf, textOf, textsOf } from '../../log/index/ask/facets.ts';
import { readLog } from '../../log/read.ts';
import { RECORD_KINDS, type RecordKind } from '../../log/types.ts';
import { UsageError, type Context, type Invocation } from '../command.ts';
import { createPaint, EFFECT_STYLE, printable, type Paint } from '../paint.ts';
import { logDirOf, whole, type Action } from './action.ts';
import { describeRecord } from './record.ts';

interface Row {
  readonly index: number;
  readonly line: string;
  readonly record: Readonly<Record<string, unknown>>;
}

export const show: Action = (invocation, context) => print(invocation, context, false);
export const tail: Action = (invocation, context) => print(invocation, context, true);

async function print(invocation: Invocation, context: Context, follow: boolean): Promise<number> {
  const { values, positionals: [index] } = invocation;
  const kind = values['kind'];
  if (kind !== undefined && !RECORD_KINDS.some((one) => one === kind)) throw new UsageError(`no record is of kind ${String(kind)}${didYouMean(String(kind), RECORD_KINDS)}; there are ${RECORD_KINDS.join(', ')}`);
  const dir = logDirOf(invocation, context);
  const paint = createPaint(context.colour);
  const say = ({ index: at, line, record }: Row) => context.out(values['json'] === true ? line : describe(at, record, paint));
  const wanted = ({ record }: Row) => kind === undefined || record['kind'] === kind;
  if (index !== undefined) return printOne(dir, whole(index, 'INDEX'), values['json'] === true, context);
  const lines = whole(values['lines'] === undefined ? '20' : String(values['lines']), '--lines');
  const last: Row[] = [];
  for await (const row of readLog(dir, { reverse: true })) {
    if (last.length >= lines) break;
    if (wanted(row)) last.push(row);
  }
  for (const row of last.toReversed()) say(row);
  if (!follow) return 0;
  const newest = last[0]?.index ?? -1;
  for await (const row of readLog(dir, { from: newest + 1, follow: true })) if (wanted(row)) say(row);
  return 0;
}

async function printOne(dir: string, index: number, json: boolean, { out, colour }: Context): Promise<number> {
  for await (const row of readLog(dir, { from: index, limit: 1 })) {
    if (row.index !== index) break;
    out(json ? row.line : describeRecord(row.record, createPaint(colour)));
    return 0;
  }
  throw new UsageError(`the log has no record ${index}`);
}

/** What a record that is no answer says; the texts are fit for a terminal. */
const DETAILS: Readonly<Partial<Record<RecordKind, (text: (name: string) => string) => string>>> = {
  refused: (text) => `${text('code')}, asked by ${text('caller')}`,
  vendor_state: (text) => `${text('vendor')} ${text('state')}, by ${text('caller')}`,
  config_changed: (text) => (text('log') === '' ? `${text('sync')} of ${text('environment')}` : `${text('log')}${text('before') === '' ? '' : ` before ${text('before')}`}`) + `, by ${text('caller')}`,
  key_rotated: (text) => `from now on signed by ${text('to')}`,
  names_key_rotated: (text) => `from ${text('from')} to ${text('to')}`,
  pruned: (text) => `records from ${text('from')} to before ${text('to')}`,
  new_origin: (text) => text('because'),
  recovered: (text) => `${text('what')}${text('from') === '' ? '' : `: records ${text('from')} to before ${text('to')}, since ${text('because')}`}`,
  input: (text) => text('digest'),
  log_read: (text) => `${text('rows') || 'all'} by ${text('caller')} (${text('read')}${text('state') === '' ? '' : ` ${text('state')}`})`,
  gap: (text) => `${text('refused')} not written since ${text('since')}: ${text('reason')}`,
  clock_jump: (text) => `by ${text('byMs')} ms`,
  bundle_activated: (text) => text('bundle'),
  snapshot_activated: (text) => text('digest'),
  start: (text) => text('program'),
  stop: (text) => text('program'),
};

function describe(index: number, record: Readonly<Record<string, unknown>>, paint: Paint): string {
  const text = (name: string) => printable(textOf(record[name]));
  const decision = text('decision');
  const style = EFFECT_STYLE[decision as keyof typeof EFFECT_STYLE];
  const reasons = objectsOf<{ code: string; rule: string }>(record['reasons']).map(({ code, rule }) => printable(`${textOf(code)}@${textOf(rule)}`)).join(' ');
  const fields = objectsOf<FieldsRecord>(record['fields']).flatMap(({ paths }) => textsOf(paths)).map(printable).join(',');
  return [
    paint('dim', `${String(index).padStart(8)}  ${text('time')}`), text('kind').padEnd(18),
    style === undefined ? '' : paint(style, decision.padEnd(9)),
    record['identity'] === undefined ? '' : `${text('identity')} → ${text('vendor')} in ${text('environment')}`,
    text('event'), paint('dim', fields), reasons, DETAILS[text('kind') as RecordKind]?.(text) ?? '',
  ].filter((part) => part !== '').join('  ');
}
