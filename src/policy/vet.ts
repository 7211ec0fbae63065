import type { Judged } from '../judge.ts';
import { placeIn } from '../opa/sources.ts';
import { rulesOf, type Folders, type Loaded } from '../workspace.ts';
import { checkNames, undeclaredCodes, type Checked, type Known } from './names.ts';
import { checkIndependence, probe } from './probe.ts';

export type { Checked } from './names.ts';

export interface VetOptions extends Partial<Known> {
  /** For the places of mistakes. */
  readonly folders: Pick<Folders, 'rego' | 'policies'>;
  /** Questions that were judged already, such as those of the cases: what they show of the rules counts too. */
  readonly judged?: readonly Judged[];
}

/**
 * The one check of rules against facts: at build, start and reload alike, whether or not a case meets it. What is wrong
 * with a file alone refuses already while it is loaded.
 *
 * @returns each mistake once, as `file:row: what is wrong, and what to write`.
 */
export async function vet(loaded: Loaded, options: VetOptions): Promise<Checked> {
  const named = vetNames(loaded, options);
  const found = [...undeclaredCodes(loaded), ...await probe(loaded), ...checkIndependence(options.judged ?? [], loaded.engine)];
  return { errors: [...new Set([...named.errors, ...found.map(placed(options))])], warnings: named.warnings };
}

/** Of `vet` what facts may change that come from Permit: a name may leave, and nobody's rule is wrong by that. */
export function vetNames({ facts, bundle }: Pick<Loaded, 'facts' | 'bundle'>, { folders, worlds = [facts], before = [], permit = false }: VetOptions): Checked {
  const { errors, warnings } = checkNames(bundle, { worlds, before, permit });
  const place = placed({ folders });
  return { errors: errors.map(place), warnings: warnings.map(place) };
}

const placed = ({ folders }: Pick<VetOptions, 'folders'>) => (problem: string) => (/^egress\//.test(problem) ? placeIn(rulesOf(folders), problem) : problem);
