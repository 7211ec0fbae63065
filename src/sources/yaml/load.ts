import type { Facts } from '../../core/facts.ts';
import { recallFacts, rememberFacts, type FactsCache } from '../kept.ts';
import { collect, type Collector } from './collect.ts';
import { digestOf } from './digest.ts';
import { checkDuplicates } from './checks/duplicates.ts';
import { checkEnums } from './checks/enums.ts';
import { toFacts } from './facts.ts';
import { parseTexts, readTexts, type TextFile } from './files.ts';
import { createNames } from './names.ts';
import { PoliciesError, type Problem } from './problems.ts';
import { checkReferences } from './checks/references.ts';
import { checkRelations } from './checks/relations.ts';
import { checkSense } from './checks/sense.ts';

/**
 * Reads the policies folder; policies/README.md shows its format. Some 10,000 fields a second.
 *
 * @throws {PoliciesError} with every mistake, each with file:line:column: syntax, shape, names that stand twice or for
 * nothing, and what could never apply. Of an entry without its shape only the names are looked at.
 *
 * @param cache for the facts of files that were good before: they are not parsed again.
 */
export async function loadYaml(dir: string, cache?: FactsCache): Promise<Facts> {
  const texts = await readTexts(dir);
  const known = cache === undefined ? undefined : recallFacts(cache, texts);
  if (known !== undefined) return known;
  const { facts } = checkFiles(dir, texts);
  if (cache !== undefined) rememberFacts(cache, texts, facts);
  return facts;
}

/** The facts of these files, and their entries. @throws {PoliciesError} as `loadYaml`. */
export function checkFiles(dir: string, texts: readonly TextFile[]): { readonly facts: Facts; readonly collector: Collector } {
  const read = parseTexts(dir, texts);
  const { collector, problems: shapeless } = collect(read);
  const names = createNames(collector);
  const { facts, problems: conditions } = toFacts(collector, names);
  const unshaped = [...read.problems, ...elsewhere(read.problems, shapeless)];
  const problems = [
    ...unshaped,
    ...checkDuplicates(collector),
    ...elsewhere(unshaped, [
      ...checkReferences(collector, names), ...checkRelations(collector, names), ...checkEnums(collector),
    ]),
    ...conditions,
    ...checkSense(collector, facts, names),
  ];
  if (problems.length > 0) throw new PoliciesError(problems);
  return { facts: { ...facts, digest: digestOf(facts) }, collector };
}

/** Those that don't stand where something has been said already. */
function elsewhere(said: readonly Problem[], problems: readonly Problem[]): readonly Problem[] {
  const placeOf = ({ file, line, column }: Problem) => `${line}:${column}:${file}`;
  const places = new Set(said.map(placeOf));
  return problems.filter((problem) => !places.has(placeOf(problem)));
}
