import { PermitError } from '../data.ts';

/** A row of a list, as it came. */
export type Row = Readonly<Record<string, unknown>>;

const LONGEST = 512;
const DEEPEST = 16;
const MOST_BYTES = 256 * 1024;

/** Reads members of a row. @throws {PermitError} `invalid`, naming the list, the member and the row's key, never a value of an attribute. */
export function reader(list: string) {
  const fail = (row: Row, member: string, wanted: string): never => {
    const key = typeof row['key'] === 'string' && row['key'].length <= LONGEST ? ` ${JSON.stringify(row['key'])}` : '';
    throw new PermitError('invalid', `${list}${key}: ${member} should be ${wanted}`);
  };
  const text = (row: Row, member: string): string => {
    const value = row[member];
    return typeof value === 'string' && value !== '' && value.length <= LONGEST ? value : fail(row, member, `a text of 1 to ${LONGEST} characters`);
  };
  const optional = (row: Row, member: string): string | undefined => (row[member] === undefined || row[member] === null ? undefined : text(row, member));
  const record = (row: Row, member: string): Row => {
    const value = row[member] ?? {};
    return isRow(value) ? value : fail(row, member, 'an object');
  };
  const texts = (row: Row, member: string): readonly string[] => {
    const value = row[member] ?? [];
    return Array.isArray(value) && value.every((one) => typeof one === 'string' && one.length <= LONGEST) ? (value as string[]).toSorted() : fail(row, member, 'a list of texts');
  };
  const json = (row: Row, member: string): Row => {
    const value = record(row, member);
    if (depthOf(value) > DEEPEST || Buffer.byteLength(JSON.stringify(value)) > MOST_BYTES) fail(row, member, `at most ${DEEPEST} levels deep and ${MOST_BYTES} bytes`);
    return value;
  };
  return { fail, text, optional, record, texts, json };
}

export const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);

function depthOf(value: unknown, above = 0): number {
  if (typeof value !== 'object' || value === null || above > DEEPEST) return above;
  let deepest = above + 1;
  for (const member of Object.values(value)) deepest = Math.max(deepest, depthOf(member, above + 1));
  return deepest;
}
