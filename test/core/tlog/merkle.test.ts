import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { createEdge, partialWidth, tilePath, type Tile } from '../../../src/core/tlog/edge.ts';
import { EMPTY_ROOT, HASH_BYTES, leafHash, leafHashInPlace, nodeHash, rootOf, verifyConsistency, verifyInclusion, type Hash } from '../../../src/core/tlog/merkle.ts';
import { consistencyRanges, inclusionRanges, rootOfRange, type Range } from '../../../src/core/tlog/proof.ts';

/** The definition, RFC 9162 §2.1.1, word by word. */
function definedRoot(lines: readonly Buffer[]): Buffer {
  const sha = (...parts: Uint8Array[]) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
  if (lines.length === 0) return sha();
  if (lines.length === 1) return sha(Buffer.of(0), lines[0]!);
  let k = 1;
  while (2 * k < lines.length) k *= 2;
  return sha(Buffer.of(1), definedRoot(lines.slice(0, k)), definedRoot(lines.slice(k)));
}

const linesOf = (size: number) => Array.from({ length: size }, (_, n) => Buffer.from(`line ${n}`));
const rangeOf = (lines: readonly Buffer[]) => (range: Range) => rootOfRange(range, async (height, index) => definedRoot(lines.slice(index * 2 ** height, (index + 1) * 2 ** height)));
const flip = (bytes: Uint8Array, bit: number): Buffer => {
  const flipped = Buffer.from(bytes);
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
};

test.each([0, 1, 2, 3, 5, 8, 255, 256, 257, 511, 513, 1000])('the root of %i entries is the defined one, whether kept incrementally or not, and each tile is made once', (size) => {
  const lines = linesOf(size);
  const tiles: Tile[] = [];
  const edge = createEdge((tile) => tiles.push(tile));
  for (const line of lines) edge.append(leafHash(line));
  const atOnce = createEdge(() => {});
  atOnce.append(Buffer.concat(lines.map(leafHash)));
  expect(atOnce.root().equals(edge.root())).toBe(true);
  expect([edge.size(), edge.root().toString('hex')]).toEqual([size, definedRoot(lines).toString('hex')]);
  expect(rootOf(Buffer.concat(lines.map(leafHash))).toString('hex')).toBe(definedRoot(lines).toString('hex'));
  expect(tiles.map(({ level, index, hashes }) => [level, index, hashes.length])).toEqual(Array.from({ length: Math.floor(size / 256) }, (_, index) => [0, index, 8192]));
  expect(edge.partials().map(({ level, hashes }) => [level, hashes.length / HASH_BYTES])).toEqual([0, 1].map((level) => [level, partialWidth(size, level)]).filter(([, width]) => width !== 0));
});

test('65,536 entries fill 256 tiles and one of those above; a tree goes on from its edge as if it had never stopped', () => {
  const tiles: string[] = [];
  let edge = createEdge((tile) => tiles.push(tilePath(tile)));
  const whole = createEdge(() => {});
  const roots = new Set([0, 255, 256, 257, 65_535, 65_536, 65_537]);
  for (let n = 0; n < 65_800; n += 1) {
    const leaf = leafHash(Buffer.from(`line ${n}`));
    if (roots.has(n)) {
      edge = createEdge((tile) => tiles.push(tilePath(tile)), { size: n, partials: edge.partials() });
      expect(edge.root().equals(whole.root())).toBe(true);
    }
    edge.append(leaf);
    whole.append(leaf);
  }
  expect(edge.root().equals(whole.root())).toBe(true);
  expect(tiles.length).toBe(257 + 1);
  expect(tiles.slice(254, 258)).toEqual(['tile/0/254', 'tile/0/255', 'tile/1/000', 'tile/0/256']);
  expect(() => createEdge(() => {}, { size: 3, partials: [{ level: 0, index: 0, hashes: Buffer.alloc(32) }] })).toThrow(RangeError);
});

test('tiles are named as tlog-tiles names them', () => {
  expect([[0, 0], [0, 999], [1, 1000], [2, 1_234_067]].map(([level, index]) => tilePath({ level: level!, index: index! }))).toEqual([
    'tile/0/000', 'tile/0/999', 'tile/1/x001/000', 'tile/2/x001/x234/067',
  ]);
  expect(tilePath({ level: 0, index: 1067 }, 13)).toBe('tile/0/x001/067.p/13');
});

test('a leaf is hashed in place as it is elsewhere', () => {
  const block = Buffer.from('?one\ntwo\n');
  expect([leafHashInPlace(block, 1, 4), leafHashInPlace(block, 5, 8)]).toEqual(['one', 'two'].map((line) => leafHash(Buffer.from(line)).toString('latin1')));
});

const someTree = fc.integer({ min: 1, max: 300 }).chain((size) => fc.record({ size: fc.constant(size), index: fc.nat(size - 1), older: fc.integer({ min: 1, max: size }), bit: fc.nat(HASH_BYTES * 8 - 1), pick: fc.nat() }));

test('every inclusion proof of every tree verifies, and none does with any bit flipped, a hash more or less, or another place', async () => {
  await fc.assert(fc.asyncProperty(someTree, async ({ size, index, bit, pick }) => {
    const lines = linesOf(size);
    const good = { leaf: leafHash(lines[index]!), index, size, root: definedRoot(lines), path: await Promise.all(inclusionRanges(index, size).map(rangeOf(lines))) };
    const at = pick % Math.max(1, good.path.length);
    const others = size > 1 ? [(index + 1 + (pick % (size - 1))) % size] : [];
    const bad = [
      { ...good, leaf: flip(good.leaf, bit) }, { ...good, root: flip(good.root, bit) }, { ...good, path: [...good.path, good.root] }, { ...good, root: good.root.subarray(1) },
      ...good.path.length === 0 ? [] : [{ ...good, path: good.path.with(at, flip(good.path[at]!, bit)) }, { ...good, path: good.path.slice(1) }, { ...good, path: good.path.slice(0, -1) }],
      ...others.map((other) => ({ ...good, index: other })), { ...good, index: size }, { ...good, index: -1 }, { ...good, index: 0.5 }, { ...good, size: 0 },
    ];
    return verifyInclusion(good) && good.path.length <= Math.ceil(Math.log2(Math.max(1, size))) && bad.every((one) => !verifyInclusion(one));
  }), { numRuns: 200 });
});

test('every consistency proof of every tree verifies, and none does with any bit flipped, a hash more or less, or another size', async () => {
  await fc.assert(fc.asyncProperty(someTree, async ({ size, older, bit, pick }) => {
    const lines = linesOf(size);
    const [old, now] = [{ size: older, root: definedRoot(lines.slice(0, older)) }, { size, root: definedRoot(lines) }];
    const proof = await Promise.all(consistencyRanges(older, size).map(rangeOf(lines)));
    const at = pick % Math.max(1, proof.length);
    const bad: [typeof old, typeof now, Buffer[]][] = [
      [{ ...old, root: flip(old.root, bit) }, now, proof], [old, { ...now, root: flip(now.root, bit) }, proof], [old, now, [...proof, now.root]], [{ ...old, size: 0 }, now, proof],
      [{ ...old, size: size + 1 }, now, proof], ...proof.length === 0 ? [] : [[old, now, proof.with(at, flip(proof[at]!, bit))], [old, now, proof.slice(1)], [old, now, proof.slice(0, -1)]] as [typeof old, typeof now, Buffer[]][],
    ];
    return verifyConsistency(old, now, proof) && bad.every((one) => !verifyConsistency(...one));
  }), { numRuns: 200 });
});

test('no proof is made of what a log does not have', () => {
  for (const ask of [() => inclusionRanges(3, 3), () => inclusionRanges(-1, 3), () => inclusionRanges(0, 0), () => consistencyRanges(0, 3), () => consistencyRanges(4, 3)]) expect(ask).toThrow(RangeError);
  expect(nodeHash(EMPTY_ROOT, EMPTY_ROOT)).toHaveLength(HASH_BYTES);
});

const DATA = new URL('../../../../shared/data/vectors/merkle/', import.meta.url);
if (!existsSync(DATA)) test.skip('published vectors (skipped: no data folder)', () => undefined);
else describe('published vectors of transparency-dev/merkle', () => {
  type Row = Readonly<Record<'file' | 'desc', string> & Record<'root' | 'leafHash' | 'root1' | 'root2', string | null> & Record<'leafIdx' | 'treeSize' | 'size1' | 'size2', number> & { proof: readonly string[] | null; wantErr: boolean }>;
  const rows = (name: string) => JSON.parse(readFileSync(new URL(name, DATA), 'utf8')) as readonly Row[];
  const bytes = (text: string | null): Hash => Buffer.from(text ?? '', 'base64');
  const pathOf = ({ proof }: Row) => (proof ?? []).map(bytes);
  const holds = (row: Row) => (row.file.includes('/inclusion/')
    ? verifyInclusion({ leaf: bytes(row.leafHash), index: row.leafIdx, size: row.treeSize, path: pathOf(row), root: bytes(row.root) })
    : verifyConsistency({ size: row.size1, root: bytes(row.root1) }, { size: row.size2, root: bytes(row.root2) }, pathOf(row)));

  test.each([['inclusion.json', 98], ['consistency.json', 98]])('%s: all %i, as they say', (name, count) => {
    const all = rows(name);
    expect(all).toHaveLength(count);
    expect(all.filter((row) => holds(row) === row.wantErr).map(({ file }) => file)).toEqual([]);
  });

  // What the algorithm of the RFC alone would let pass: ours to refuse, by its guards on sizes and on lengths of hashes.
  test.each([
    'inclusion/single-entry/empty-root-and-leaf', 'consistency/additional/size1-is-zero-and-does-not-equal-size2',
    'consistency/additional/size1-is-zero-and-size2-is-not-zero', 'consistency/additional/sizes-are-equal-zero-and-proof-is-empty',
  ])('%s is refused', (name) => {
    const row = [...rows('inclusion.json'), ...rows('consistency.json')].find(({ file }) => file === `testdata/${name}.json`)!;
    expect([row.wantErr, holds(row)]).toEqual([true, false]);
  });
});
