import type { Judged } from '../judge.ts';
import { OWN, placeIn } from '../opa/sources.ts';
import { rulesOf, type Folders, type Loaded } from '../workspace.ts';
import { checkNames, undeclaredCodes, type Checked, type Known } from './names.ts';
import { checkIndependence, hitBy, placeOf, probe, tellOnce } from './probe.ts';

export type { Checked } from './names.ts';

export interface VetOptions extends Partial<Known> {
  /** For the places of mistakes. */
  readonly folders: Pick<Folders, 'rego' | 'policies'>;
  /** Questions that were judged already, such as those of the cases: what they show of the rules counts too. */
  readonly judged?: readonly Judged[];
  /** Why questions could not be judged, as `EvaluationFailed` says it. */
  readonly failed?: readonly string[];
}

/**
 * The one check of rules against facts: at build, start and reload alike, whether or not a case meets it. What is wrong
 * with a file alone refuses already while it is loaded.
 *
 * @returns each mistake once, as `file:row: what is wrong, and what to write`.
 */
export async function vet(loaded: Loaded, options: VetOptions): Promise<Checked> {
  const { judged = [], failed = [] } = options;
  const named = vetNames(loaded, options);
  const { mistakes, hit } = await probe(loaded);
  const shown = new Map<string, string>();
  tellOnce(shown, mistakes);
  tellOnce(shown, [
    ...failed.map((message) => placeOf(message, loaded.engine)),
    ...checkIndependence(judged, loaded.engine),
  ]);
  const found = [...undeclaredCodes(loaded), ...shown.values()];
  const idle = options.judged === undefined ? [] : neverHit(loaded.engine, new Set([...hit, ...hitBy(judged)]));
  return {
    errors: [...named.errors, ...found.map(placed(options))],
    warnings: [...named.warnings, ...idle.map(placed(options))],
  };
}

/** Rules of the authors' own that nothing shows to say anything: a forbid that never hits looks like one that holds. */
function neverHit({ rules }: Loaded['engine'], hit: ReadonlySet<string>): readonly string[] {
  const idle = [...rules.values()].filter(({ id, location }) => location.startsWith(OWN) && !hit.has(id));
  return idle
    .map(
      ({ id, location }) =>
        `${location}: the rule ${id} hits in no case and no probe: ` +
        'write a case that it decides, or see if it can hit at all',
    )
    .sort();
}

/** Of `vet` what facts may change that come from Permit: a name may leave, and nobody's rule is wrong by that. */
export function vetNames(
  { facts, bundle }: Pick<Loaded, 'facts' | 'bundle'>,
  { folders, worlds = [facts], before = [], permit = false }: VetOptions,
): Checked {
  const { errors, warnings } = checkNames(bundle, { worlds, before, permit });
  const place = placed({ folders });
  return { errors: errors.map(place), warnings: warnings.map(place) };
}

const placed =
  ({ folders }: Pick<VetOptions, 'folders'>) =>
  (problem: string) =>
    /^egress\//.test(problem) ? placeIn(rulesOf(folders), problem) : problem;
