import { setImmediate as turn } from 'node:timers/promises';
import { ancestorsOf } from './core/catalogue/selectors.ts';
import { EvaluationFailed } from './core/decide/rulings.ts';
import { SluiceError } from './core/errors.ts';
import { isOwnCode, type OwnCode } from './core/reason-codes.ts';
import { didYouMean } from './core/suggest.ts';
import { complete } from './core/prepare/complete.ts';
import { judge, type Judged } from './judge.ts';
import { PolicyError } from './opa/build.ts';
import { placeIn, type RuleFolders } from './opa/sources.ts';
import type { Engine } from './opa/engine.ts';
import type { Snapshot } from './snapshot.ts';
import { toSnapshot, type Loaded } from './workspace.ts';

/** Every pair of an event and a vendor of a small world; of a larger one a sample. */
const PROBES = 256;
/** Of so many one is evaluated once more for every profile of its own. */
const ALONE_EVERY = 8;

/**
 * Judges questions of the catalogue, so that rules that can't be evaluated are found before they decide anything; others
 * are answered meanwhile. It shows no rule to be right: what hits only where no probe goes denies when it is met (J21).
 *
 * @param folders of the rules, for the places of mistakes.
 * @throws {PolicyError} naming the rules.
 */
export async function probe(loaded: Loaded, folders: RuleFolders): Promise<void> {
  const snapshot = toSnapshot(loaded);
  const { events, vendors, identities, environments } = loaded.facts;
  const problems = new Set<string>();
  for (let at = 0; at < Math.min(PROBES, events.size * vendors.size * identities.size * environments.size); at += 1) {
    if (at % ALONE_EVERY === 0) await turn();
    try {
      const judged = judgeOne(at, snapshot, loaded.loadedAtMs);
      if (at % ALONE_EVERY === 0) for (const problem of checkIndependence(judged, loaded.engine)) problems.add(placeIn(folders, problem));
    } catch (error) {
      if (!(error instanceof EvaluationFailed)) throw error;
      throw new PolicyError([`the rules can't be evaluated: ${error.message}`]);
    }
  }
  if (problems.size > 0) throw new PolicyError([...problems].sort());
}

function judgeOne(at: number, snapshot: Snapshot, nowMs: number): readonly Judged[] {
  const { facts } = snapshot.world.catalogue;
  const [events, vendors] = [[...facts.events.values()], [...facts.vendors.keys()]];
  const [identities, environments] = [[...facts.identities.keys()], [...facts.environments.keys()]];
  const event = events[at % events.length];
  const fields = event?.fields.slice(0, 20).map(({ path }) => path) ?? [];
  if (event === undefined || fields.length === 0) return [];
  const question = {
    identity: identities[at % identities.length] ?? '?',
    vendor: vendors[(at + Math.floor(at / events.length)) % vendors.length] ?? '?',
    environment: environments[at % environments.length] ?? '?',
    event: event.name, fields, channel: 'telemetry', dataSubject: {}, context: {},
  } as const;
  try {
    const asked = complete(question, snapshot.world.catalogue, { supports: [], identities: [], environments: [], powers: [], id: 'probe', demo: false, tokenSha256: '' });
    return [judge(asked, snapshot, { nowMs, latestMs: nowMs }, (error) => { throw error; })];
  } catch (error) {
    if (error instanceof SluiceError) return []; // a hub with too many destinations: whoever asks is told
    throw error;
  }
}

/**
 * Whether each profile's rulings are the same alone and together with others (J21), on real inputs: slices and the
 * smallest fix rest on it.
 * @returns what is wrong, naming the rule.
 */
export function checkIndependence(judged: readonly Judged[], engine: Engine): readonly string[] {
  const problems = new Set<string>();
  for (const { prepared, rulings } of judged) for (const [at, { input }] of prepared.shape.views.entries()) {
    const together = rulings?.[at];
    if (together === undefined || input.profiles.length < 2) continue;
    for (const [index, profile] of input.profiles.entries()) {
      const alone = engine.evaluate({ ...input, profiles: [profile], matches: [input.matches[index]!] });
      const before = new Set(together.rules.filter(({ profiles }) => profiles === '*' || profiles.includes(index)).map(({ rule }) => rule.id));
      const after = new Set(alone.rules.map(({ rule }) => rule.id));
      for (const id of before.symmetricDifference(after)) {
        problems.add(`${engine.rules.get(id)?.location}: rule ${id} says something else of ${profile.category} alone than together with other profiles; a ruling depends on its own profile only (what concerns several fields is a combination)`);
      }
    }
  }
  return [...problems].sort();
}

/** Rules whose code is one of the authors' own (`x_…`) that no codes.yaml declares, as `file:row: what is wrong`. */
export function undeclaredCodes({ facts, bundle }: Pick<Loaded, 'facts' | 'bundle'>): readonly string[] {
  const declared = [...(facts.codes ?? new Map<OwnCode, string>()).keys()];
  return [...bundle.rules.values()].filter(({ code }) => isOwnCode(code) && !declared.includes(code)).map(({ id, code, location }) => (
    `${location}: rule ${id}: the code ${code} stands in no codes.yaml${didYouMean(code, declared)}: write it there, under codes:, with what it means`
  ));
}

/**
 * Categories and purposes that rules name, that the catalogue lacks, and that are one slip of the pen away from one that
 * it has: such a rule never hits, so its forbid fails open. Others are no mistake: rules may name what is not there yet.
 */
export function misspeltNames({ facts, bundle }: Pick<Loaded, 'facts' | 'bundle'>): readonly string[] {
  const known = new Set([...facts.categories.keys(), ...facts.purposes].flatMap((name) => ancestorsOf(name).slice(1)));
  return bundle.literals.filter(({ name }) => !known.has(name)).flatMap(({ name, location }) => {
    const meant = [...known].find((other) => isSlip(name.split('.'), other.split('.')));
    return meant === undefined ? [] : [`${location}: there is no category or purpose ${name} (did you mean ${meant}?): the rule would never hit`];
  });
}

/** Whether the names differ in one word, by one letter or two neighbours swapped; short words are often alike. */
function isSlip(words: readonly string[], others: readonly string[]): boolean {
  if (words.length !== others.length) return false;
  const [at = -1, second] = words.flatMap((word, index) => (word === others[index] ? [] : [index]));
  return at >= 0 && second === undefined && words[at]!.length > 3 && isOneSlip(words[at]!, others[at]!);
}

function isOneSlip(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return (left.length <= 1 && right.length <= 1) || (left.length === 2 && left === [...right].toReversed().join(''));
}
