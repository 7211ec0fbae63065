import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatCheckpoint } from '../../../src/core/tlog/checkpoint.ts';
import { createEdge, tilePath, type Tile } from '../../../src/core/tlog/edge.ts';
import { leafHash } from '../../../src/core/tlog/merkle.ts';
import { signNote, toVerifierKey, type Signer } from '../../../src/core/tlog/note.ts';
import { AT_MS } from '../support.ts';

export interface Signing {
  /** By default the first key of the log. */
  readonly key?: KeyObject;
  readonly others?: readonly Signer[];
  /** Instead of the root of the lines so far. */
  readonly root?: Buffer;
  readonly size?: number;
}

/** A log by hand, as somebody with its key can make one: any lines, and any checkpoints of them. */
export function createForge(dir: string, origin = 'sluice/0123456789abcdef') {
  const keyPair = () => generateKeyPairSync('ed25519').privateKey;
  const first = keyPair();
  const lines: Buffer[] = [];
  const tiles: Tile[] = [];
  const notes: string[] = [];
  const edge = createEdge((tile) => tiles.push(tile));
  const write = (name: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), content);
  };
  const forge = {
    origin,
    first,
    keyPair,
    notes,
    vkeyOf: (key: KeyObject = first, name = origin) => toVerifierKey(name, key).text,
    size: () => lines.length,
    /** A line as it stands. */
    raw(line: string | Uint8Array) {
      lines.push(Buffer.from(line as string));
      edge.append(leafHash(lines.at(-1)!));
    },
    record(kind = 'decision', members: object = { n: lines.length }) {
      forge.raw(`{"v":1,"index":${lines.length},"time":"${new Date(AT_MS + lines.length).toISOString()}","origin":"${origin}","kind":"${kind}",${JSON.stringify(members).slice(1)}`);
    },
    records(count: number) {
      for (let i = 0; i < count; i += 1) forge.record();
    },
    sign({ key = first, others = [], root = edge.root(), size = lines.length }: Signing = {}) {
      notes.push(signNote(formatCheckpoint({ origin, size, root }), [{ name: origin, key }, ...others]));
      return notes.at(-1)!;
    },
    root: () => edge.root(),
    /** @param starts of the segments that are there. */
    write({ starts = [0] }: { readonly starts?: readonly number[] } = {}) {
      for (const [at, start] of starts.entries()) {
        write(`segments/${String(start).padStart(20, '0')}.ndjson`, Buffer.concat(lines.slice(start, starts[at + 1]).flatMap((line) => [line, Buffer.from('\n')])));
      }
      for (const tile of [...tiles, ...edge.partials()]) write(tilePath(tile, tile.hashes.length / 32), tile.hashes);
      write('checkpoints.ndjson', notes.map((note) => `${JSON.stringify({ note })}\n`).join(''));
      if (notes.length > 0) write('checkpoint', notes.at(-1)!);
      write('log.vkey', `${forge.vkeyOf()}\n`);
      write('origin', `${origin}\n`);
    },
  };
  return forge;
}
