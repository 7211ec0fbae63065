import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { listSegments, readOrigin } from '../log/layout.ts';
import { readLog } from '../log/read.ts';
import { parseCursor } from './cursor.ts';
import { readSinks } from './sinks-file.ts';

/** How far one sink has the log. */
interface Progress {
  readonly sink: string;
  /** Index of the first record that it may not have. */
  readonly next: number;
}

/**
 * Those of the sinks that lack a record which pruning up to a moment would take. Looked up in the log: what a sink tells
 * of its lag is about its last batch. What lies in the last segment is never pruned.
 *
 * @param dir `<data directory>/log`
 */
export async function lacking(dir: string, sinks: readonly Progress[], beforeMs: number): Promise<readonly string[]> {
  const segments = await listSegments(dir);
  const behind: string[] = [];
  for (const { sink, next } of sinks) {
    if (next >= (segments.at(-1) ?? 0)) continue;
    for await (const { record } of readLog(dir, { from: next, limit: 1 })) if (Date.parse(String(record['time'])) < beforeMs) behind.push(sink);
  }
  return behind;
}

/** How far the sinks of a data directory are: those that have ever had something, and those of the file. */
export function progressIn(dataDir: string, sinksFile: string | undefined): readonly Progress[] {
  const folder = path.join(dataDir, 'ship');
  const known = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length)) : [];
  const named = sinksFile === undefined ? [] : readSinks(sinksFile).map(({ name }) => name);
  const origin = readOrigin(path.join(dataDir, 'log'));
  return [...new Set([...known, ...named])].sort().map((sink) => {
    const file = path.join(folder, `${sink}.json`);
    const kept = existsSync(file) ? parseCursor(readFileSync(file, 'utf8')) : undefined;
    return { sink, next: kept?.origin === origin ? kept.next : 0 };
  });
}
