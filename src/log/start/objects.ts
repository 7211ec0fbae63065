import { createHash } from 'node:crypto';
import { blocks, eachLine } from '../blocks.ts';
import { openPlain, readPlain } from '../files.ts';
import { listSegments, MAX_OBJECT_BYTES, objectPath, segmentPath } from '../layout.ts';
import { refusal } from './refusal.ts';

const OBJECT = '"object":"sha256:';
/** A line that names its side object is short. */
const NAMING = /^\{"v":1,"index":\d+,"time":"[^"]*","origin":"[^"]*","kind":"\w+","object":"sha256:([^"]*)"\}$/;
const LONGEST = 400;

/**
 * That the side objects which the last segment names are there as they were written. Gives how many bytes they have.
 *
 * @param size how many records the log has; what stands behind is torn.
 * @throws {Error} naming the object, and the line that names it.
 */
export async function checkObjects(dir: string, size: number): Promise<number> {
  const first = (await listSegments(dir)).at(-1);
  if (first === undefined) return 0;
  const seen = new Set<string>();
  let bytes = 0;
  const file = await openPlain(segmentPath(dir, first));
  try {
    let index = first;
    for await (const block of blocks(file)) {
      const named: { readonly hex: string; readonly place: string }[] = [];
      const isNaming = block.includes(OBJECT);
      eachLine(block, (start, newline) => {
        const hex =
          isNaming && newline - start <= LONGEST && index < size
            ? NAMING.exec(block.toString('latin1', start, newline))?.[1]
            : undefined;
        if (hex !== undefined) named.push({ hex, place: `${segmentPath(dir, first)}:${index - first + 1}` });
        index += 1;
      });
      for (const one of named) {
        if (!seen.has(one.hex)) bytes += await checkObject(dir, one);
        seen.add(one.hex);
      }
    }
  } finally {
    await file.close();
  }
  return bytes;
}

async function checkObject(
  dir: string,
  { hex, place }: { readonly hex: string; readonly place: string },
): Promise<number> {
  if (!/^[0-9a-f]{64}$/.test(hex)) throw refusal(`${place}: names a side object that none is called`);
  const bytes = await readPlain(objectPath(dir, hex), MAX_OBJECT_BYTES);
  if (bytes === undefined) throw refusal(`${objectPath(dir, hex)}: missing; ${place} names it`);
  if (createHash('sha256').update(bytes).digest('hex') !== hex)
    throw refusal(`${objectPath(dir, hex)}: has been changed; ${place} names it`);
  return bytes.length;
}
