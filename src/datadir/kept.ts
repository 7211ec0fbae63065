import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { replaceFile } from './durable.ts';

/** A map that outlives the process, in one JSON file. */
export interface KeptMap<V> {
  /** The present content; a later `set` makes a new map and leaves this one as it is. */
  get(): ReadonlyMap<string, V>;
  /** On return the file with the new value is on disk. After a throw `get` gives the old content; the file holds one of both, whole. */
  set(name: string, value: V): void;
}

export interface KeptFile<V> {
  readonly path: string;
  readonly value: z.ZodType<V>;
  /** Whether the file may be missing: only before the data directory was first used. */
  readonly isNew: boolean;
  /** What would be forgotten by starting without the file, for the error. */
  readonly holds: string;
}

/** @throws {Error} naming the file when it is missing or damaged: what it holds is never silently forgotten. */
export function openKept<V>({ path, value, isNew, holds }: KeptFile<V>): KeptMap<V> {
  // Pairs, since an object would lose the name `__proto__`.
  const File = z.strictObject({ v: z.literal(1), entries: z.array(z.tuple([z.string(), value])) });
  const write = (map: ReadonlyMap<string, V>) => replaceFile(path, `${JSON.stringify({ v: 1, entries: [...map] })}\n`);
  if (isNew && !existsSync(path)) write(new Map());

  let map: ReadonlyMap<string, V>;
  try {
    map = new Map(File.parse(JSON.parse(readFileSync(path, 'utf8'))).entries as [string, V][]);
  } catch (error) {
    throw new Error(`${path}: missing or damaged; it holds ${holds}. Restore it from a copy of the data directory.`, { cause: error });
  }
  return {
    get: () => map,
    set(name, next) {
      const changed = new Map(map).set(name, next);
      write(changed);
      map = changed;
    },
  };
}
