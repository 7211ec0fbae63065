import type { FieldsRecord } from '../../core/record.ts';
import { objectsOf, textOf, textsOf, type LogLine } from './ask/facets.ts';

type Column = readonly [name: string, cell: (record: LogLine) => unknown];

const member = (name: string): Column => [name, (record) => record[name]];
const unique = (values: readonly unknown[]) => [...new Set(textsOf(values))].join(' ');
const fieldsOf = (record: LogLine) => objectsOf<FieldsRecord>(record['fields']);
const reasonsOf = (record: LogLine) => objectsOf<{ readonly code: string; readonly rule: string }>(record['reasons']);

const COLUMNS: readonly Column[] = [
  ...['index', 'time', 'kind', 'decisionId', 'requestId', 'caller', 'identity', 'onBehalfOf', 'vendor', 'environment', 'purpose', 'channel', 'event', 'eventVersion', 'decision', 'mode'].map(member),
  ['fields', (record) => unique(fieldsOf(record).flatMap(({ paths, effect }) => textsOf(paths).map((path) => `${path}=${textOf(effect)}`)))],
  ['categories', (record) => unique(fieldsOf(record).map(({ category }) => category))],
  ['reasons', (record) => (record['kind'] === 'refused' ? record['code'] : unique(reasonsOf(record).map(({ code }) => code)))],
  ['rules', (record) => unique([...fieldsOf(record).flatMap(({ rules }) => textsOf(rules)), ...reasonsOf(record).map(({ rule }) => rule)])],
  ['obligations', (record) => unique(objectsOf<{ readonly field: string; readonly op: string }>(record['obligations']).map(({ field, op }) => `${textOf(op)}(${textOf(field)})`))],
  ['approvals', (record) => unique(textsOf(record['approvals']))],
  member('rows'),
  ['revision', (record) => (record['revision'] as { readonly number?: number } | undefined)?.number],
  ['revisionDigest', (record) => (record['revision'] as { readonly digest?: string } | undefined)?.digest],
  member('bundle'),
  member('state'),
];

/** RFC 4180, with its line end. */
export const CSV_HEAD = `${COLUMNS.map(([name]) => name).join(',')}\r\n`;

export const toCsv = (record: LogLine): string => `${COLUMNS.map(([, cell]) => toCell(cell(record))).join(',')}\r\n`;

// What a spreadsheet would run as a formula; it leaves the apostrophe out when it shows the cell.
const FORMULA = /^[=+\-@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20]/;

/** A cell that a spreadsheet shows as text, whatever a name in the log begins with. */
export function toCell(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const guarded = FORMULA.test(text) ? `'${text}` : text;
  return /[",;\s]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}
