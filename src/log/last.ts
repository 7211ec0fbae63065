import { blocksBackwards } from './blocks.ts';
import { openPlain } from './files.ts';
import { listSegments, segmentPath } from './layout.ts';
import type { RecordKind } from './types.ts';
import type { Tail } from './writer.ts';

/**
 * The last record of this kind; `undefined` when there is none. Looks at bytes, not at records: some 1 GB a second.
 *
 * @param tail where the log ends: what a crash has left behind it is no record.
 */
export async function lastOf(dir: string, kind: RecordKind, tail?: Tail): Promise<Readonly<Record<string, unknown>> | undefined> {
  const wanted = Buffer.from(`"kind":"${kind}"`);
  for (const segment of (await listSegments(dir)).toReversed()) {
    const file = await openPlain(segmentPath(dir, segment));
    try {
      for await (const block of blocksBackwards(file, segment === tail?.first ? tail.bytes : undefined)) {
        const record = lastIn(block, wanted, kind);
        if (record !== undefined) return record;
      }
    } finally {
      await file.close();
    }
  }
  return undefined;
}

function lastIn(block: Buffer, wanted: Buffer, kind: RecordKind): Readonly<Record<string, unknown>> | undefined {
  for (let at = block.lastIndexOf(wanted); at !== -1; at = at === 0 ? -1 : block.lastIndexOf(wanted, at - 1)) {
    const start = block.lastIndexOf(10, at) + 1;
    const record = JSON.parse(block.toString('utf8', start, block.indexOf(10, at))) as Readonly<Record<string, unknown>>;
    if (record['kind'] === kind) return record; // and not a name that looks like it
  }
  return undefined;
}
