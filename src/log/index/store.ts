import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { makeFolder, replaceFile } from '../../datadir/durable.ts';
import { makePrivate } from '../../files/access.ts';
import { IndexDamaged } from './damage.ts';
import { FACETS } from './ask/facets.ts';

/** Raised with every change of the tables or of what they hold: an index of another version is built anew. */
const VERSION = 1;

/** How many records share a part of `postings` and of `ids`: so much of them is written to, the rest lies still. */
export const POSTINGS_PART = 2 ** 22;
export const IDS_PART = 2 ** 20;

// A record is its place in the log and its shape, which is all that askings of one question have in common. The time of
// records never goes back, so that their index orders them by time too.
const TABLES = `
  CREATE TABLE state (only INTEGER PRIMARY KEY CHECK (only = 0), origin TEXT NOT NULL, next INTEGER NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL, last TEXT NOT NULL);
  CREATE TABLE records (idx INTEGER PRIMARY KEY, time INTEGER NOT NULL, shape INTEGER NOT NULL, offset INTEGER NOT NULL, bytes INTEGER NOT NULL, rows INTEGER);
  CREATE TABLE shapes (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, first INTEGER NOT NULL);
  CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
  CREATE TABLE facets (facet INTEGER, name INTEGER, shape INTEGER, PRIMARY KEY (facet, name, shape)) WITHOUT ROWID;
  CREATE TABLE postings (part INTEGER, shape INTEGER, idx INTEGER, PRIMARY KEY (part, shape, idx)) WITHOUT ROWID;
  CREATE TABLE ids (part INTEGER, hash INTEGER, idx INTEGER, PRIMARY KEY (part, hash, idx)) WITHOUT ROWID;
`;

/** How far the log is indexed, and where its next line is. */
export interface State {
  readonly origin: string;
  readonly next: number;
  readonly segment: number;
  readonly offset: number;
  /** Digest of the last line, by which another log of the same origin (a restored copy) is told from this one. */
  readonly last: string;
}

export const indexPath = (folder: string) => `${folder}/log.sqlite`;
const sealPath = (file: string) => `${file}.seal`;

/** Opens the index to read, beside whoever writes it. @throws {Error} when there is none; {IndexDamaged} when it is of another version. */
export function openToRead(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 2000 });
  try {
    checkVersion(db);
    db.exec('PRAGMA cache_size = -32768');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Opens the index to write, an empty one where there is none. What the last writer has closed must have the digest that
 * it left; one that was not closed, its process having been killed, is checked by SQLite.
 *
 * @throws {IndexDamaged} when the file is damaged or of another version: remove it and open again.
 */
export async function openToWrite(folder: string): Promise<DatabaseSync> {
  makeFolder(folder);
  const file = indexPath(folder);
  const isNew = !existsSync(file);
  const isSealed = !isNew && await checkSeal(file);
  const db = new DatabaseSync(file, { timeout: 5000 });
  try {
    makePrivate(file); // the files that SQLite puts beside it get the same mode
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864');
    if (isNew) db.exec(`BEGIN; ${TABLES} PRAGMA user_version = ${VERSION}; COMMIT`);
    else check(db, isSealed);
    rmSync(sealPath(file), { force: true });
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function check(db: DatabaseSync, isSealed: boolean): void {
  checkVersion(db);
  if (!isSealed && db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'] !== 'ok') throw new IndexDamaged('its pages are damaged');
}

function checkVersion(db: DatabaseSync): void {
  const version = db.prepare('PRAGMA user_version').get()?.['user_version'];
  if (version !== VERSION) throw new IndexDamaged(`it is of version ${String(version)}, and ${VERSION} is needed`);
}

/** @throws {IndexDamaged} when the file is not as it was closed; false when it was not closed. */
export async function checkSeal(file: string): Promise<boolean> {
  if (!existsSync(sealPath(file))) return false;
  if (readFileSync(sealPath(file), 'utf8') !== await digestOf(file)) throw new IndexDamaged('it has been changed since it was closed');
  return true;
}

async function digestOf(file: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) digest.update(chunk as Buffer);
  return digest.digest('hex');
}

/** Closes an index so that any later change of the file is found. */
export async function closeSealed(db: DatabaseSync, folder: string): Promise<void> {
  const file = indexPath(folder);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  // While a reader has it open there is a write-ahead log beside it, and the file alone is not all of it.
  const isWhole = !existsSync(`${file}-wal`) || statSync(`${file}-wal`).size === 0;
  if (isWhole) replaceFile(sealPath(file), await digestOf(file));
}

export function removeIndex(folder: string): void {
  const file = indexPath(folder);
  for (const name of [sealPath(file), file, `${file}-wal`, `${file}-shm`]) rmSync(name, { force: true });
}

export function readState(db: DatabaseSync): State | undefined {
  return db.prepare('SELECT origin, next, segment, offset, last FROM state').get() as unknown as State | undefined;
}

export function writeState(db: DatabaseSync, { origin, next, segment, offset, last }: State): void {
  db.prepare('INSERT OR REPLACE INTO state VALUES (0, ?, ?, ?, ?, ?)').run(origin, next, segment, offset, last);
}

/** A statement whose rows are arrays. */
export function prepareRows(db: DatabaseSync, sql: string): StatementSync {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

export const facetNumber = (facet: (typeof FACETS)[number]) => FACETS.indexOf(facet);

/** 53 bits of an id, spread evenly enough; whoever finds a record by it looks at the record itself. */
export function hashId(id: string): number {
  let [low, high] = [0x811c9dc5, 0x9747b28c];
  for (let at = 0; at < id.length; at += 1) {
    const code = id.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b) ^ (high >>> 15);
  }
  return ((high >>> 0) % 2 ** 21) * 2 ** 32 + (low >>> 0);
}
