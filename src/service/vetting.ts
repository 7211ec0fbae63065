import type { Logger } from '../open.ts';
import { PolicyError } from '../opa/build.ts';
import { vet, vetNames } from '../policy/vet.ts';
import type { Folders, Loaded } from '../workspace.ts';
import type { PermitSource } from './permit.ts';

/** The check of rules against facts, as a running service needs it. */
export interface Vetting {
  /**
   * Before a start or a reload is put to use.
   * @param before what decided until now: a name that is gone since then is told, and refuses nothing.
   * @throws {PolicyError} with every mistake.
   */
  refuse(loaded: Loaded, permit: PermitSource | undefined, before?: Loaded): Promise<void>;
  /** After facts came from Permit: tells, and never refuses. */
  tell(loaded: Loaded, permit: PermitSource | undefined): void;
}

/** Of one check so many are told; the rest is a count, and `sluice build` lists all. */
const TOLD = 20;

/** A warning is logged once, and again when it was gone meanwhile. */
export function createVetting(folders: Folders, logger: Pick<Logger, 'warn'>): Vetting {
  let told: ReadonlySet<string> = new Set();

  function warn(warnings: readonly string[]): void {
    const fresh = warnings.filter((warning) => !told.has(warning));
    told = new Set(warnings);
    if (fresh.length > 0)
      logger.warn(
        { warnings: fresh.slice(0, TOLD), count: fresh.length },
        'rules name what is not there; see sluice build',
      );
  }

  return {
    async refuse(loaded, permit, before) {
      const options = {
        folders,
        ...knownOf(loaded, permit),
        ...(before !== undefined && { before: knownOf(before, permit).worlds }),
      };
      const { errors, warnings } = await vet(loaded, options);
      if (errors.length > 0) throw new PolicyError(errors);
      warn(warnings);
    },
    tell(loaded, permit) {
      const { errors, warnings } = vetNames(loaded, { folders, ...knownOf(loaded, permit) });
      warn([...errors, ...warnings]);
    },
  };
}

function knownOf({ facts }: Loaded, permit: PermitSource | undefined) {
  const own = permit === undefined ? [] : [...permit.own(facts).values()].map((merged) => merged.facts);
  return { worlds: [facts, ...own], permit: permit !== undefined && permit.environments.length > 0 };
}
