import type { DatabaseSync } from 'node:sqlite';
import type { Facets } from './ask/facets.ts';
import type { IndexedLine } from './line.ts';
import { facetNumber, prepareRows } from './store.ts';

/** How many keys and names are kept at hand; the others are looked up in the index. */
const KEPT = 2 ** 18;

/** Gives lines their shape; the first line of a shape brings its facets into the index. For use within a transaction. */
export function createShapes(db: DatabaseSync): (line: IndexedLine, index: number) => number {
  const findShape = prepareRows(db, 'SELECT id FROM shapes WHERE key = ?');
  const addShape = db.prepare('INSERT INTO shapes (key, first) VALUES (?, ?)');
  const findName = prepareRows(db, 'SELECT id FROM names WHERE text = ?');
  const addName = db.prepare('INSERT INTO names (text) VALUES (?)');
  const addFacet = db.prepare('INSERT INTO facets VALUES (?, ?, ?)');
  const idOf = (row: unknown) => (row as readonly [number] | undefined)?.[0];

  const nameOf = createKept((text, _: undefined) => idOf(findName.get(text)) ?? Number(addName.run(text).lastInsertRowid));

  function write(facets: Facets, shape: number): void {
    for (const [facet, values] of facets) {
      for (const value of values) addFacet.run(facetNumber(facet), nameOf(value, undefined), shape);
    }
  }

  const shapeOf = createKept((key, { line, index }: { readonly line: IndexedLine; readonly index: number }) => {
    const bytes = Buffer.from(key, 'latin1');
    const known = idOf(findShape.get(bytes));
    if (known !== undefined) return known;
    const shape = Number(addShape.run(bytes, index).lastInsertRowid);
    write(line.facets(), shape);
    return shape;
  });
  return (line, index) => shapeOf(line.key, { line, index });
}

/** Remembers at least the `KEPT` results used last, and at most twice as many. */
function createKept<T>(find: (key: string, from: T) => number): (key: string, from: T) => number {
  let young = new Map<string, number>();
  let old = new Map<string, number>();
  return (key, from) => {
    const kept = young.get(key);
    if (kept !== undefined) return kept;
    const found = old.get(key) ?? find(key, from);
    if (young.size >= KEPT) [young, old] = [new Map(), young];
    young.set(key, found);
    return found;
  };
}
