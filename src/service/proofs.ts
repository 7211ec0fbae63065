import { parseCheckpoint } from '../core/tlog/checkpoint.ts';
import { TILE_WIDTH, tilePath } from '../core/tlog/edge.ts';
import { readPlain } from '../log/files.ts';
import { readLog } from '../log/read.ts';
import { checkpointPath } from '../log/tree/checkpoints.ts';
import { NotSignedYet, proveRecord } from '../log/tree/prove.ts';
import { readTileFile } from '../log/tree/tiles.ts';

/** What the log offers as a tree, in the C2SP formats. */
export interface TreeProofs {
  /** A `c2sp.org/tlog-proof@v1`; undefined while no checkpoint covers the record. */
  proofOf(index: number): Promise<string | undefined>;
  checkpoint(): Promise<string | undefined>;
  /** By what follows `/log/tile/`: `0/x001/067`, `entries/000.p/5`. */
  tile(path: string): Promise<Uint8Array | undefined>;
}

export function createProofs(dir: string): TreeProofs {
  const text = () => readPlain(checkpointPath(dir)).then((bytes) => bytes?.toString(), () => undefined);
  return {
    proofOf: (index) => proveRecord(dir, index).catch((error: unknown) => {
      if (error instanceof NotSignedYet) return undefined;
      throw error;
    }),
    checkpoint: text,
    async tile(path) {
      const place = parsePath(path);
      if (place === undefined) return undefined;
      const { level, index, width } = place;
      if (level !== undefined) return readTileFile(dir, { level, index }, width);
      // A record that is not signed for may not even be on disk yet.
      const { size = 0 } = parseCheckpoint(await text() ?? '') ?? {};
      return index * TILE_WIDTH + width <= size ? entries(dir, index, width) : undefined;
    },
  };
}

/**
 * Levels are numbers; entries have none. Of an index every group of three digits but the last begins with `x`. Undefined
 * for what no tile is called: each has one name.
 */
function parsePath(path: string): { readonly level: number | undefined; readonly index: number; readonly width: number } | undefined {
  const [kind = '', ...rest] = path.split('/');
  const partial = rest.at(-2)?.endsWith('.p') === true;
  const digits = (partial ? rest.slice(0, -1) : rest).map((part) => part.replace(/^x|\.p$/g, '')).join('');
  const [level, index, width] = [kind === 'entries' ? undefined : Number(kind), Number(digits), partial ? Number(rest.at(-1)) : TILE_WIDTH];
  const name = tilePath({ level: level ?? 0, index }, width).replace(/^tile\/\d+/, level === undefined ? kind : String(level));
  return path === name && width > 0 && width <= TILE_WIDTH ? { level, index, width } : undefined;
}

/** Records as their bundle: each behind its length, two bytes, big-endian. Undefined unless all are there. */
async function entries(dir: string, index: number, width: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let next = index * TILE_WIDTH;
  for await (const { index: at, line } of readLog(dir, { from: next, limit: width })) {
    if (at !== next) return undefined;
    next += 1;
    const bytes = Buffer.from(line);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    parts.push(length, bytes);
  }
  return parts.length === 2 * width ? Buffer.concat(parts) : undefined;
}
