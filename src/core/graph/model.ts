import type { GraphImage } from './image.ts';
import type { Tuples } from './tuples.ts';

/** A relation of a type, as one number. */
export type Pair = number;

/** What a relation is derived from, on the same object and through others. */
export interface Rule {
  readonly from: readonly number[];
  readonly via: readonly Step[];
}

interface Step {
  readonly relation: number;
  readonly is: number;
  /** Not for whoever holds one of these directly. */
  readonly unless: readonly number[];
}

/** A step the other way: whoever holds `is` on X holds `gives` on all that a tuple of `kind` makes X a parent of. */
export interface StepDown {
  readonly kind: number;
  readonly gives: number;
  readonly pair: Pair;
  readonly unless: readonly number[];
}

export interface Model {
  pairOf(type: number, relation: number): Pair;
  readonly rules: ReadonlyMap<Pair, Rule>;
  /** Relations that follow on the same object. */
  readonly follows: ReadonlyMap<Pair, readonly number[]>;
  /** Pairs that tuples have as their subject: `group#member`. */
  readonly sets: ReadonlySet<Pair>;
  /** By the relation held, `is`. */
  readonly down: ReadonlyMap<number, readonly StepDown[]>;
  /** Of every type, by number: all relations, declared or in a tuple, sorted by name. */
  readonly relationsOf: ReadonlyMap<number, readonly number[]>;
  /**
   * Pairs from which at least one tuple leads to one of these; so not themselves, unless such objects nest. Undefined:
   * there are too many kinds of tuples to say.
   */
  relevantTo(pairs: readonly Pair[]): ReadonlySet<Pair> | undefined;
}

const MOST_SHAPES = 4096;
const MOST_REMEMBERED = 256;

export function createModel(image: GraphImage, tuples: Tuples): Model {
  const { relations, kinds } = tuples;
  const pairOf = (type: number, relation: number) => type * relations.size + relation;
  const rules = compileRules(image, tuples, pairOf);
  const kindOf = new Map(Array.from(kinds.type, (type, kind) => [pairOf(type, kinds.relation[kind]!), kind]));

  const follows = new Map<Pair, number[]>();
  const down = new Map<number, StepDown[]>();
  const ofType = new Map<number, Set<number>>();
  for (const pair of [...rules.keys(), ...kindOf.keys()]) into(ofType, Math.floor(pair / relations.size), () => new Set()).add(pair % relations.size);
  for (const [pair, { from, via }] of rules) {
    const [type, gives] = [Math.floor(pair / relations.size), pair % relations.size];
    for (const held of from) into(follows, pairOf(type, held), () => []).push(gives);
    for (const { relation, is, unless } of via) {
      const kind = kindOf.get(pairOf(type, relation));
      if (kind !== undefined) into(down, is, () => []).push({ kind, gives, pair, unless });
    }
  }
  const byName = (one: number, other: number) => (relations.text(one) < relations.text(other) ? -1 : 1);
  const relationsOf = new Map([...ofType].map(([type, held]) => [type, [...held].sort(byName)]));
  const sources = image.shapes.kind.byteLength / 4 > MOST_SHAPES ? undefined : sourcesOf(image, rules, { kindOf, pairOf, relations: relations.size });
  const [setOf, typeOfSet] = [new Int32Array(image.shapes.set), new Int32Array(image.shapes.type)];
  const sets = new Set(setOf.keys().filter((shape) => setOf[shape] !== 0).map((shape) => pairOf(typeOfSet[shape]!, setOf[shape]! - 1)));
  return { pairOf, rules, follows, sets, down, relationsOf, relevantTo: sources === undefined ? () => undefined : remembering((pairs) => backwards(pairs, sources)) };
}

function into<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const value = map.get(key) ?? create();
  map.set(key, value);
  return value;
}

function compileRules({ rules }: GraphImage, { relations, types }: Tuples, pairOf: Model['pairOf']): Map<Pair, Rule> {
  const compiled = new Map<Pair, Rule>();
  const byPair = Map.groupBy(rules, (rule) => pairOf(types.find(rule.type), relations.find(rule.relation)));
  const numbers = (names: readonly string[]) => [...new Set(names)].map((name) => relations.find(name));
  for (const [pair, declared] of byPair) {
    const always = declared.flatMap((rule) => rule.unlessDirect ?? []);
    compiled.set(pair, {
      from: numbers(declared.flatMap((rule) => rule.from)),
      via: declared.flatMap((rule) => rule.via).map(({ relation, is, unlessDirect = [] }) => ({
        relation: relations.find(relation), is: relations.find(is), unless: numbers([...always, ...unlessDirect]),
      })),
    });
  }
  return compiled;
}

/** The pairs that a pair is held because of, over all tuples there are: through one tuple, or on the same object. */
interface Sources {
  through(pair: Pair): readonly Pair[];
  same(pair: Pair): readonly Pair[];
}

function sourcesOf({ shapes }: GraphImage, rules: ReadonlyMap<Pair, Rule>, { kindOf, pairOf, relations }: {
  readonly kindOf: ReadonlyMap<Pair, number>; readonly pairOf: Model['pairOf']; readonly relations: number;
}): Sources {
  const [kind, type, set] = [new Int32Array(shapes.kind), new Int32Array(shapes.type), new Int32Array(shapes.set)];
  const ofKind = Map.groupBy(kind.keys(), (shape) => kind[shape]!);
  const of = (pair: Pair) => ofKind.get(kindOf.get(pair) ?? -1) ?? [];
  const typeOf = (pair: Pair) => Math.floor(pair / relations);
  return {
    same: (pair) => (rules.get(pair)?.from ?? []).map((relation) => pairOf(typeOf(pair), relation)),
    through: (pair) => [
      ...of(pair).filter((shape) => set[shape] !== 0).map((shape) => pairOf(type[shape]!, set[shape]! - 1)),
      ...(rules.get(pair)?.via ?? []).flatMap(({ relation, is }) =>
        of(pairOf(typeOf(pair), relation)).filter((shape) => set[shape] === 0).map((shape) => pairOf(type[shape]!, is))),
    ],
  };
}

function backwards(pairs: readonly Pair[], { same, through }: Sources): ReadonlySet<Pair> {
  const asked = new Set(pairs);
  for (const pair of asked) for (const other of same(pair)) asked.add(other);
  const before = new Set([...asked].flatMap(through));
  for (const pair of before) for (const other of [...through(pair), ...same(pair)]) before.add(other);
  return before;
}

function remembering(find: (pairs: readonly Pair[]) => ReadonlySet<Pair>): Model['relevantTo'] {
  const known = new Map<string, ReadonlySet<Pair>>();
  return (pairs) => {
    const key = pairs.join();
    const found = known.get(key) ?? find(pairs);
    if (known.size === MOST_REMEMBERED) known.clear();
    known.set(key, found);
    return found;
  };
}
