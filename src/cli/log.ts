import { existsSync } from 'node:fs';
import path from 'node:path';
import type { FieldsRecord } from '../core/record.ts';
import { didYouMean } from '../core/suggest.ts';
import { readLog } from '../log/read.ts';
import type { RecordKind } from '../log/types.ts';
import { FOLDER_OPTIONS, foldersOf, UsageError, type Command } from './command.ts';
import { createPaint, EFFECT_STYLE, printable, type Paint } from './paint.ts';

interface Row {
  readonly index: number;
  readonly line: string;
  readonly record: Readonly<Record<string, unknown>>;
}

const KINDS = Object.keys({
  decision: 0, permitted: 0, refused: 0, input: 0, start: 0, stop: 0, gap: 0, config_changed: 0, bundle_activated: 0,
  snapshot_activated: 0, vendor_state: 0, clock_jump: 0, log_read: 0,
} satisfies Record<RecordKind, 0>);

export const log: Command = {
  summary: 'read the decision log',
  usage: `sluice log show [INDEX]    the record at INDEX, or the last ones
sluice log tail            the last ones, then new ones as they come
sluice log query           search; "sluice log query --help" says by what

  --lines N        how many (default: 20)
  --kind KIND      only records of this kind, such as decision or refused
  --json           the stored lines, byte for byte
  --data-dir DIR   where log/ is (default: .sluice, or SLUICE_DATA_DIR)`,
  options: { 'data-dir': FOLDER_OPTIONS['data-dir'], lines: { type: 'string' }, kind: { type: 'string' }, json: { type: 'boolean' } },
  async run(invocation, context) {
    const { values, positionals: [action, index] } = invocation;
    if (action !== 'show' && action !== 'tail') throw new UsageError('say: sluice log show, sluice log tail, or sluice log query');
    const kind = values['kind'];
    if (kind !== undefined && !KINDS.includes(String(kind))) throw new UsageError(`no record is of kind ${String(kind)}${didYouMean(String(kind), KINDS)}; there are ${KINDS.join(', ')}`);
    const dir = path.join(foldersOf(invocation, context).dataDir, 'log');
    if (!existsSync(dir)) throw new UsageError(`${dir}: there is no log; name its data directory with --data-dir`);
    const paint = createPaint(context.colour);
    const print = ({ index: at, line, record }: Row) => context.out(values['json'] === true ? line : describe(at, record, paint));
    const wanted = ({ record }: Row) => kind === undefined || record['kind'] === kind;
    if (index !== undefined) {
      for await (const row of readLog(dir, { from: whole(index, 'INDEX'), limit: 1 })) {
        context.out(values['json'] === true ? row.line : JSON.stringify(row.record, null, 2));
        return 0;
      }
      throw new UsageError(`the log has no record ${index}`);
    }
    const lines = whole(values['lines'] === undefined ? '20' : String(values['lines']), '--lines');
    const last: Row[] = [];
    for await (const row of readLog(dir, { reverse: true })) {
      if (wanted(row)) last.push(row);
      if (last.length >= lines) break;
    }
    for (const row of last.toReversed()) print(row);
    if (action === 'show') return 0;
    const newest = last[0]?.index ?? -1;
    for await (const row of readLog(dir, { from: newest + 1, follow: true })) if (wanted(row)) print(row);
    return 0;
  },
};

function whole(text: string, what: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`${what} takes a whole number`);
}

/** What a record that is no answer says; the texts are fit for a terminal. */
const DETAILS: Readonly<Partial<Record<RecordKind, (text: (name: string) => string) => string>>> = {
  refused: (text) => `${text('code')}, asked by ${text('caller')}`,
  vendor_state: (text) => `${text('vendor')} ${text('state')}, by ${text('caller')}`,
  log_read: (text) => `${text('rows') || 'all'} by ${text('caller')} (${text('read')}${text('state') === '' ? '' : ` ${text('state')}`})`,
  gap: (text) => `${text('refused')} not written since ${text('since')}: ${text('reason')}`,
  clock_jump: (text) => `by ${text('byMs')} ms`,
  bundle_activated: (text) => text('bundle'),
  snapshot_activated: (text) => text('digest'),
  start: (text) => text('program'),
  stop: (text) => text('program'),
};

function describe(index: number, record: Readonly<Record<string, unknown>>, paint: Paint): string {
  const text = (name: string) => (record[name] === undefined ? '' : printable(String(record[name])));
  const decision = text('decision');
  const style = EFFECT_STYLE[decision as keyof typeof EFFECT_STYLE];
  const reasons = ((record['reasons'] ?? []) as readonly { code: string; rule: string }[]).map(({ code, rule }) => `${code}@${rule}`).join(' ');
  const fields = ((record['fields'] ?? []) as readonly FieldsRecord[]).flatMap(({ paths }) => paths).map(printable).join(',');
  return [
    paint('dim', `${String(index).padStart(8)}  ${text('time')}`), text('kind').padEnd(18),
    style === undefined ? '' : paint(style, decision.padEnd(9)),
    record['identity'] === undefined ? '' : `${text('identity')} → ${text('vendor')} in ${text('environment')}`,
    text('event'), paint('dim', fields), reasons, DETAILS[text('kind') as RecordKind]?.(text) ?? '',
  ].filter((part) => part !== '').join('  ');
}
