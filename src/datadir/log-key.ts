import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { refuseStrangers, refuseStrangersAt } from '../files/access.ts';
import { makeFolder, replaceFile, syncFolder } from './durable.ts';

/** The keys that sign the log, in a folder of their own: never below `log/`, which auditors copy. Files are 0600. */
export interface LogKeys {
  /** Undefined before the first start. @throws {Error} naming the file when it is damaged or others can read it. */
  current(): KeyObject | undefined;
  /** Makes the first key. @param before what must be on disk before the key is. */
  make(before: (key: KeyObject) => void): KeyObject;
  /** The log's first public key, as text: that this log was begun, and has a copy of its newest checkpoint. */
  first(): string | undefined;
  keepFirst(vkey: string): void;
  /** The public key, as text, of the one before the current: the last checkpoint may still be its. */
  previous(): string | undefined;
  /** The key that a rotation is about to make the current one; its record has at least index `from`. */
  next(): { readonly key: KeyObject; readonly from: number } | undefined;
  makeNext(from: number): KeyObject;
  /** Makes the next key the current one. @param previous the old public key as text. */
  activateNext(previous: string): void;
  dropNext(): void;
  /** Lays the current key aside under this name, for a log that begins anew. */
  retire(name: string): void;
}

const Next = z.strictObject({ from: z.int().min(0), pem: z.string() });

const toPem = (key: KeyObject) => String(key.export({ format: 'pem', type: 'pkcs8' }));

/** @param dir the data directory's `keys`. */
export function openLogKeys(dir: string): LogKeys {
  const [path, nextPath, previousPath, firstPath] = [
    'log.key',
    'log.key.next',
    'log.previous.vkey',
    'log.first.vkey',
  ].map((name) => join(dir, name)) as [string, string, string, string];
  const textIn = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd() : undefined);
  const makeKey = () => generateKeyPairSync('ed25519').privateKey;

  function read<T>(file: string, parse: (text: string) => T): T | undefined {
    if (!existsSync(file)) return undefined;
    refuseStrangersAt(file, {
      why: 'Whoever has this key can sign another log as this one',
      andThen: 'rotate it with "sluice log rotate-key"',
    });
    try {
      return parse(readFileSync(file, 'utf8'));
    } catch (error) {
      throw new Error(`${file}: damaged. Restore it from a copy of the data directory.`, { cause: error });
    }
  }

  return {
    current: () => read(path, toKey),
    make(before) {
      makeFolder(dir);
      const key = makeKey();
      before(key);
      replaceFile(path, toPem(key));
      return key;
    },
    first: () => textIn(firstPath),
    keepFirst: (vkey) => replaceFile(firstPath, `${vkey}\n`),
    previous: () => textIn(previousPath),
    next: () => read(nextPath, (text) => {
      const { from, pem } = Next.parse(JSON.parse(text));
      return { key: toKey(pem), from };
    }),
    makeNext(from) {
      const key = makeKey();
      replaceFile(nextPath, JSON.stringify({ from, pem: toPem(key) }));
      return key;
    },
    activateNext(previous) {
      const next = read(nextPath, (text) => Next.parse(JSON.parse(text)));
      if (next === undefined) throw new Error(`${nextPath}: missing`);
      replaceFile(previousPath, `${previous}\n`);
      replaceFile(path, next.pem);
      this.dropNext();
    },
    dropNext() {
      rmSync(nextPath, { force: true });
      syncFolder(dir);
    },
    retire(name) {
      makeFolder(join(dir, 'old'));
      if (existsSync(path)) renameSync(path, join(dir, 'old', `${name}.key`));
      for (const file of [nextPath, previousPath, firstPath]) rmSync(file, { force: true });
      syncFolder(join(dir, 'old'));
      syncFolder(dir);
    },
  };
}

function toKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('no Ed25519 key');
  return key;
}

/** As `refuseStrangersAt`, of what is no secret: others may read it and not change it. */
export function refuseWriters(path: string, why: string): void {
  const info = statSync(path);
  refuseStrangers(
    path,
    { mode: info.mode & 0o222, uid: info.uid, gid: info.gid, isDirectory: () => info.isDirectory() },
    { why },
  );
}
