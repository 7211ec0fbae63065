import { isAlias, isMap, isScalar, isSeq, parseDocument, type Alias, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { createReader, type Respelt } from './raw.ts';
import type { At, Problem, Report } from './problems.ts';

/** The text of one file, as plain values. `raw` is undefined when it isn't YAML. */
export interface Parsed {
  readonly raw?: unknown;
  readonly problems: readonly Problem[];
  readonly report: Report;
  /** What in `raw` says something else than what is written. */
  readonly respelt: readonly Respelt[];
}

// No YAML 1.1, no tags beyond JSON's, no key that isn't a string. Keys that stand twice are found while reading: the parser takes quadratic time for it.
export const OPTIONS = { version: '1.2', schema: 'core', stringKeys: true, resolveKnownTags: false, uniqueKeys: false, prettyErrors: false } as const;

export const BETTER: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a file is one document: leave out the ---',
  RESOURCE_EXHAUSTION: 'this is nested too deeply',
  NON_STRING_KEY: 'a key is a string: quote it, and leave out anchors and tags',
};

/** Each costs the parser some 500 bytes: 8 MiB of `[` would take all memory. */
export const MAX_INDICATORS = 2_000_000;
const INDICATORS: ReadonlySet<number> = new Set([...'[{,:?-&*!\n'].map((indicator) => indicator.charCodeAt(0)));

/** After so many syntax errors in a file the rest follows from them. */
const MAX_ERRORS = 100;

/** Places are looked for only when there is a mistake, by parsing once more. */
export function parseText(file: string, text: string): Parsed {
  const place = createPlaces(file, text);
  const { report } = place;
  const unread = { report, respelt: [] };
  if (isTooDense(text)) {
    return { problems: [place.at(0, `the file has over ${MAX_INDICATORS} keys and values: split it`)], ...unread };
  }
  const parsed = parseDocument(text, OPTIONS);
  const broken = [...parsed.errors, ...parsed.warnings].slice(0, MAX_ERRORS);
  if (broken.length > 0) {
    return { problems: broken.map(({ code, message, pos }) => place.at(pos[0], BETTER[code] ?? message)), ...unread };
  }
  const problems: Problem[] = [];
  const respelt: Respelt[] = [];
  const complain = (offset: number, message: string) => void problems.push(place.at(offset, message));
  const raw = createReader(complain, { respelt })(parsed.contents);
  return { raw, problems, report, respelt };
}

export function isTooDense(text: string): boolean {
  let count = 0;
  for (let at = 0; at < text.length && text.length > MAX_INDICATORS; at += 1) count += INDICATORS.has(text.charCodeAt(at)) ? 1 : 0;
  return count > MAX_INDICATORS;
}

function createPlaces(file: string, text: string) {
  let starts: readonly number[] | undefined;
  let find: ((at: At, key: boolean) => number) | undefined;
  const at = (offset: number, message: string): Problem => {
    starts ??= [0, ...text.matchAll(/\n/g).map(({ index }) => index + 1)];
    const line = lineOf(starts, offset);
    return { file, line, column: offset - starts[line - 1]! + 1, message };
  };
  const report: Report = (steps, message, key) => at((find ??= createFinder(text))(steps, key === 'key'), message);
  return { at, report };
}

function lineOf(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}

/** The offset of a value or its key; of the nearest thing around it, where there is none. */
function createFinder(text: string): (at: At, key: boolean) => number {
  const document = parseDocument(text, OPTIONS);
  const indexes = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();
  const pairOf = (map: YAMLMap, key: string) => {
    const index = indexes.get(map) ?? new Map(map.items.toReversed().map((pair) => [String((pair.key as Scalar).value), pair]));
    indexes.set(map, index);
    return index.get(key);
  };
  return (at, wantsKey) => {
    let node: Node | null | undefined = document.contents;
    let offset = startOf(node) ?? 0;
    for (const [index, step] of at.entries()) {
      if (isAlias(node)) node = (node as Alias).resolve(document);
      const pair: Pair | undefined = isMap(node) ? pairOf(node, String(step)) : undefined;
      const next: unknown = pair === undefined && isSeq(node) ? node.items[Number(step)] : pair?.value;
      if (pair === undefined && next === undefined) return offset;
      node = next as Node | null;
      const inner = isMap(node) || isSeq(node) || isEmpty(node) || (wantsKey && index === at.length - 1);
      offset = (pair !== undefined && inner ? startOf(pair.key as Node) : startOf(node)) ?? offset;
    }
    return offset;
  };
}

const startOf = (node: Node | null | undefined) => node?.range?.[0];

const isEmpty = (node: Node | null | undefined) => !node || (isScalar(node) && node.value === null && node.source === '');
