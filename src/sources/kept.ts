import { createHash, hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Facts } from '../core/facts.ts';
import type { TextFile } from './yaml/files.ts';

// Parsing YAML with places for every mistake costs about a second a megabyte; what was good once is kept, as the built
// policy is, under the digest of the very texts that it was made of.

const HEX = 64;

export interface FactsCache {
  readonly folder: string;
  /** Name and version. */
  readonly program: string;
  /** Where the program's source stands, in a checkout. */
  readonly source: string;
}

/** The facts of these texts, if they were checked before by this program; undefined also when the file is damaged. */
export function recallFacts(cache: FactsCache, texts: readonly TextFile[]): Facts | undefined {
  try {
    const content = readFileSync(fileOf(cache, texts));
    const body = content.subarray(HEX);
    return hash('sha256', body) === content.subarray(0, HEX).toString('latin1') ? deserialize(body) as Facts : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the facts of these texts alone. A folder that can't be written costs time at the next start, and nothing else. */
export function rememberFacts(cache: FactsCache, texts: readonly TextFile[], facts: Facts): void {
  const file = fileOf(cache, texts);
  const body = serialize(facts);
  try {
    mkdirSync(cache.folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(cache.folder)) rmSync(path.join(cache.folder, name), { force: true });
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, Buffer.concat([Buffer.from(hash('sha256', body), 'latin1'), body]), { mode: 0o600 });
    renameSync(fresh, file);
  } catch {
    // Nobody asked for it.
  }
}

function fileOf({ folder, program, source }: FactsCache, texts: readonly TextFile[]): string {
  const digest = createHash('sha256').update(`${program} ${process.version} ${stateOf(source)}\0`);
  for (const { name, text } of texts) digest.update(`${name}\0${typeof text === 'string' ? `${Buffer.byteLength(text)}\0${text}` : 'unread'}\0`);
  return path.join(folder, digest.digest('hex'));
}

/** Changes with any file of the program, where it is being worked on: there its version says too little. */
function stateOf(source: string): string {
  if (!existsSync(source)) return '';
  return readdirSync(source, { recursive: true, encoding: 'utf8' }).sort().map((name) => {
    const { size, mtimeMs } = statSync(path.join(source, name));
    return `${name} ${size} ${mtimeMs}`;
  }).join('\n');
}
