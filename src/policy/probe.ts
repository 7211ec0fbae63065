import { setImmediate as turn } from 'node:timers/promises';
import { EvaluationFailed } from '../core/decide/rulings.ts';
import { SluiceError } from '../core/errors.ts';
import { parseQuestion } from '../core/parse/parse.ts';
import { complete } from '../core/prepare/complete.ts';
import { judge, type Judged } from '../judge.ts';
import type { Engine } from '../opa/engine.ts';
import type { Snapshot } from '../snapshot.ts';
import { toSnapshot, type Loaded } from '../workspace.ts';
import { questionsOf } from './questions.ts';

/** Of so many one is evaluated once more for every profile of its own. */
const ALONE_EVERY = 2;
const CALLER = {
  supports: [],
  identities: [],
  environments: [],
  powers: [],
  id: 'probe',
  demo: false,
  tokenSha256: '',
} as const;

interface Probed {
  readonly mistakes: readonly string[];
  readonly hit: ReadonlySet<string>;
}

/**
 * Judges questions made from the catalogue, so that rules that can't be evaluated, or that look at other profiles than
 * their own (J21), are found before they decide anything; others are answered meanwhile. It shows no rule to be right:
 * what hits only where no probe goes denies when it is met.
 *
 * @returns mistakes, each `file:row: what is wrong`, the file as seen in the tree of the rules; and the rules that hit.
 */
export async function probe(loaded: Loaded): Promise<Probed> {
  const snapshot = toSnapshot(loaded);
  const problems = new Map<string, string>();
  const hit = new Set<string>();
  for (const [at, question] of questionsOf(loaded.facts).entries()) {
    await turn();
    try {
      const judged = judgeOne(question, snapshot, loaded.loadedAtMs);
      for (const id of hitBy(judged)) hit.add(id);
      if (at % ALONE_EVERY === 0) tellOnce(problems, checkIndependence(judged, loaded.engine));
    } catch (error) {
      if (!(error instanceof EvaluationFailed)) throw error;
      tellOnce(problems, [placeOf(error.message, loaded.engine)]);
    }
  }
  return { mistakes: [...problems.values()].sort(), hit };
}

/** Of one place one mistake: another category, or another question, says nothing more of the rule. */
export function tellOnce(told: Map<string, string>, problems: readonly string[]): void {
  for (const problem of problems) {
    const place = /^\S+\.rego:\d+: (?:rule \S+)?/.exec(problem)?.[0] ?? problem;
    if (!told.has(place)) told.set(place, problem);
  }
}

/** The rules that said something of any profile. */
export const hitBy = (judged: readonly Judged[]): readonly string[] =>
  judged.flatMap(({ rulings }) => (rulings ?? []).flatMap(({ rules }) => rules.map(({ rule }) => rule.id)));

/** A failure names its place itself, or the rule that it is of. */
export function placeOf(message: string, { rules }: Engine): string {
  const [, id] = /^rule (\S+):/.exec(message) ?? [];
  const location = id === undefined ? undefined : rules.get(id)?.location;
  const [, place, rest] = /^(\S+\.rego:\d+)(?::\d+)?: (.*)$/.exec(message) ?? [];
  if (place !== undefined) return `${place}: the rules can't be evaluated: ${rest}`;
  return `${location === undefined ? '' : `${location}: `}the rules can't be evaluated: ${message}`;
}

function judgeOne(question: object, snapshot: Snapshot, nowMs: number): readonly Judged[] {
  try {
    const asked = complete(parseQuestion(question), snapshot.world.catalogue, CALLER);
    return [
      judge(asked, snapshot, { nowMs, latestMs: nowMs }, (error) => {
        throw error;
      }),
    ];
  } catch (error) {
    if (error instanceof SluiceError) return []; // a hub with too many destinations: whoever asks is told
    throw error;
  }
}

/**
 * Whether each profile's rulings are the same alone and together with others (J21), on real inputs: slices and the
 * smallest fix rest on it.
 * @returns what is wrong, one mistake a rule.
 */
export function checkIndependence(judged: readonly Judged[], engine: Engine): readonly string[] {
  const problems = new Map<string, string>();
  for (const { prepared, rulings } of judged)
    for (const [at, { input }] of prepared.shape.views.entries()) {
      const together = rulings?.[at];
      if (together === undefined || input.profiles.length < 2) continue;
      for (const [index, profile] of input.profiles.entries()) {
        const alone = engine.evaluate({ ...input, profiles: [profile], matches: [input.matches[index]!] });
        const before = new Set(
          together.rules
            .filter(({ profiles }) => profiles === '*' || profiles.includes(index))
            .map(({ rule }) => rule.id),
        );
        const after = new Set(alone.rules.map(({ rule }) => rule.id));
        for (const id of before.symmetricDifference(after))
          if (!problems.has(id)) problems.set(id, dependent(engine.rules.get(id)?.location, id, profile.category));
      }
    }
  return [...problems.values()].sort();
}

const dependent = (location: string | undefined, id: string, category: string) =>
  `${location}: rule ${id} says something else of ${category} alone than together with other profiles; ` +
  'a ruling depends on its own profile only (what concerns several fields is a combination)';
