/** The index does not fit the log: it is to be removed and built anew. */
export class IndexDamaged extends Error {
  override readonly name = 'IndexDamaged';
}

/** The log itself is not what it must be; nothing that an index can mend. Of the line nothing is quoted. */
export const damagedLog = (place: string, cause: unknown) => new Error(`${place}: must be a record of this log, and is not: "sluice log verify" says more`, { cause });

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
const SQLITE_IOERR_SHORT_READ = 522;

/** What SQLite says of a damaged file becomes `IndexDamaged`; any other error stays what it is. */
export function toDamage(error: unknown): unknown {
  const { errcode, code, message = '' } = error as { readonly errcode?: number; readonly code?: string; readonly message?: string };
  if (code === 'ERR_OUT_OF_RANGE') return new IndexDamaged('it holds a number that is none of a log', { cause: error });
  if (errcode === undefined) return error;
  const isDamage = [SQLITE_CORRUPT, SQLITE_NOTADB].includes(errcode & 0xff) || errcode === SQLITE_IOERR_SHORT_READ || /no such (table|column)/.test(message);
  return isDamage ? new IndexDamaged(message, { cause: error }) : error;
}
