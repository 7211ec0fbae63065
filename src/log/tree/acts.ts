import { join } from 'node:path';
import { replaceFile } from '../../datadir/durable.ts';
import { blocks } from '../blocks.ts';
import { openPlain, readPlainSync } from '../files.ts';
import { segmentPath } from '../layout.ts';

const actsPath = (dir: string) => join(dir, 'acts.ndjson');

const MAX_BYTES = 1 << 26;

const KINDS = ['key_rotated', 'pruned', 'new_origin'].map((kind) => `","kind":"${kind}"`);
const ACT = /^\{"v":1,"index":(\d+),"time":"[^"]*","origin":"[^"]*","kind":"(?:key_rotated|pruned|new_origin)"/;

/**
 * Keeps, of segments that are about to leave, the records by which a verifier follows the log: which key signs, what was
 * pruned, how it began. Their lines as they are, so that each hashes to the leaf which the tiles keep of it. On return
 * they are on disk. Gives how many there are from before record `to`, where the segments that stay begin.
 */
export async function keepActs(dir: string, leaving: readonly number[], to: number): Promise<number> {
  const kept = readPlainSync(actsPath(dir), MAX_BYTES)?.toString().split('\n').slice(0, -1) ?? [];
  const lines = new Map(kept.map((line) => [indexOf(line), line]));
  for (const first of leaving) for (const line of await actsOf(dir, first)) lines.set(indexOf(line), line);
  if (lines.size !== kept.length) replaceFile(actsPath(dir), [...lines].sort(([a], [b]) => a - b).map(([, line]) => `${line}\n`).join(''));
  return [...lines.keys()].filter((index) => index < to).length;
}

const indexOf = (line: string) => Number(ACT.exec(line)?.[1]);

async function actsOf(dir: string, segment: number): Promise<readonly string[]> {
  const lines: string[] = [];
  const file = await openPlain(segmentPath(dir, segment));
  try {
    for await (const block of blocks(file)) for (const kind of KINDS) for (let at = block.indexOf(kind); at !== -1; at = block.indexOf(kind, at + 1)) {
      const line = block.toString('utf8', block.lastIndexOf(10, at) + 1, block.indexOf(10, at));
      if (ACT.test(line)) lines.push(line); // and not a member that looks like it
    }
  } finally {
    await file.close();
  }
  return lines;
}
