import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createEdge, tilePath, type Tile } from '../../../src/core/tlog/edge.ts';
import { leafHash } from '../../../src/core/tlog/merkle.ts';
import { openLog, type LogOptions, type OpenedLog } from '../../../src/log/log.ts';
import { AT_MS, decision, write } from '../support.ts';
import { fill } from '../tree/support.ts';

/** How many records may be unsigned, here. */
export const MAX_UNSIGNED = 64;

export const openIn = (data: string, options: Partial<LogOptions> = {}): Promise<OpenedLog> =>
  openLog({
    dir: join(data, 'log'),
    keysDir: join(data, 'keys'),
    now: () => AT_MS,
    signEveryMs: 3_600_000,
    maxUnsigned: MAX_UNSIGNED,
    ...options,
  });

/**
 * A data directory as a server leaves it: 720 records in segments of some 150, signed for at 0, 200, 450 and all; a side
 * object in the last one.
 */
export async function makeWorld(): Promise<string> {
  const data = mkdtempSync(join(tmpdir(), 'world-'));
  const log = await openIn(data, { maxSegmentBytes: 18_000, maxUnsigned: 1 << 16 });
  for (const [from, to] of [
    [0, 200],
    [200, 450],
    [450, 700],
  ] as const) {
    await fill(log, from, to);
    await log.evidence!.sign();
  }
  await log.close();
  const again = await openIn(data); // its segment holds more: the object goes into the last one
  await write(
    again,
    { kind: 'decision', members: `"x":"${'x'.repeat(70_000)}"` },
    ...Array.from({ length: 19 }, (_, n) => decision(n)),
  );
  await again.close();
  return data;
}

/** A log's files, for whoever can write them and has no key. */
export function hands(dir: string) {
  const at = (...names: readonly string[]) => join(dir, ...names);
  const text = (name: string) => readFileSync(at(name), 'utf8');
  const segments = () =>
    readdirSync(at('segments'))
      .filter((name) => name.endsWith('.ndjson'))
      .sort()
      .map((name) => `segments/${name}`);
  const lines = (name: string) => text(name).split('\n').slice(0, -1);
  const put = (name: string, content: string | Uint8Array) => {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), content);
  };
  const remove = (...names: readonly string[]) =>
    names.forEach((name) => rmSync(at(name), { recursive: true, force: true }));
  const all = () => segments().flatMap(lines);
  return {
    at,
    text,
    segments,
    lines,
    put,
    remove,
    all,
    last: () => segments().at(-1)!,
    edit: (name: string, change: (all: string[]) => string[]) =>
      put(
        name,
        change(lines(name))
          .map((line) => `${line}\n`)
          .join(''),
      ),
    flip(name: string, byte = 5) {
      const bytes = readFileSync(at(name));
      bytes[byte]! ^= 1;
      put(name, bytes);
    },
    /** Checkpoints as they were when so many records had been signed for. */
    rollBack(size: number) {
      const kept = lines('checkpoints.ndjson');
      kept.length = kept.findLastIndex((line) => line.includes(`\\n${size}\\n`)) + 1;
      put('checkpoints.ndjson', kept.map((line) => `${line}\n`).join(''));
      put('checkpoint', (JSON.parse(kept.at(-1)!) as { note: string }).note);
    },
    /** Makes all tiles agree with the records as they stand. */
    forgeTiles() {
      remove('tile');
      const tiles: Tile[] = [];
      const edge = createEdge((tile) => tiles.push(tile));
      for (const line of all()) edge.append(leafHash(Buffer.from(line)));
      for (const tile of [...tiles, ...edge.partials()]) put(tilePath(tile, tile.hashes.length / 32), tile.hashes);
    },
    /** Records as a server would have written them, behind the last one. */
    append(count: number) {
      const [name, size] = [segments().at(-1)!, all().length];
      const origin = text('origin').trim();
      const made = Array.from(
        { length: count },
        (_, n) =>
          `{"v":1,"index":${size + n},"time":"${new Date(AT_MS).toISOString()}","origin":"${origin}","kind":"decision","forged":${n}}\n`,
      );
      writeFileSync(at(name), made.join(''), { flag: 'a' });
    },
  };
}
export type Hands = ReturnType<typeof hands>;

/** What lies in a folder, by path: what a start may not have changed. Links and pipes by their kind. */
export function contentOf(dir: string): ReadonlyMap<string, string> {
  if (!existsSync(dir)) return new Map();
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((name) => !lstatSync(join(dir, name)).isDirectory());
  return new Map(
    files.map((name) => [
      name,
      lstatSync(join(dir, name)).isFile()
        ? createHash('sha256')
            .update(readFileSync(join(dir, name)))
            .digest('hex')
        : 'odd',
    ]),
  );
}

export const copyTo = (from: string, to: string) => cpSync(from, to, { recursive: true, verbatimSymlinks: true });

/** As the version before left it, which kept no copy. */
export const withoutCopy = (data: string) =>
  ['log.checkpoint', 'log.first.vkey'].forEach((name) => rmSync(join(data, 'keys', name), { force: true }));
