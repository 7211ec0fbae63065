import { createHash } from 'node:crypto';
import { createCatalogue } from './core/catalogue/catalogue.ts';
import { isBelow } from './core/catalogue/selectors.ts';
import type { Caller, Facts, VendorState } from './core/facts.ts';
import type { World } from './core/prepare/prepare.ts';
import type { Bundle } from './opa/build.ts';
import type { Engine } from './opa/engine.ts';

/** Everything that decisions are made by: policy, catalogue, facts, vendor states. Immutable, swapped by one pointer. */
export interface Snapshot {
  readonly world: World;
  readonly engine: Engine;
  /** `sha256:` and hex over all of it. */
  readonly digest: string;
  /** Number of the revision by environment, for those that are known. */
  readonly numbers: ReadonlyMap<string, number>;
  /** When its facts were read, on the wall clock. */
  readonly loadedAtMs: number;
  readonly callers: ReadonlyMap<string, Caller>;
}

export interface SnapshotParts {
  readonly facts: Facts;
  readonly bundle: Bundle;
  readonly engine: Engine;
  readonly vendorStates: ReadonlyMap<string, VendorState>;
  readonly loadedAtMs: number;
  /** The number of an environment's revision with this digest; only grows (J27). */
  readonly revisionOf: (environment: string, digest: string) => number;
}

export function createSnapshot({ facts, bundle, engine, vendorStates, loadedAtMs, revisionOf }: SnapshotParts): Snapshot {
  const catalogue = createCatalogue(facts);
  const states = [...vendorStates].sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = `sha256:${createHash('sha256').update(JSON.stringify([engine.digest, facts.digest, states])).digest('hex')}`;
  return {
    world: {
      catalogue,
      vendorStates,
      reads: {
        attributes: reader(catalogue.reads.attributes, bundle.reads, 'identity.attributes'),
        context: reader(catalogue.reads.context, bundle.reads, 'context'),
      },
    },
    engine,
    digest,
    numbers: new Map([...facts.environments.keys()].map((environment) => [environment, revisionOf(environment, digest)])),
    loadedAtMs,
    callers: new Map([...facts.callers.values()].map((caller) => [caller.tokenSha256, caller])),
  };
}

/** Whether some condition or some rule reads this name below `root`; a rule that reads all of `root`, or what it stands in, reads every name. */
function reader(byConditions: ReadonlySet<string>, byRules: readonly string[], root: string): (name: string) => boolean {
  const names = new Set([...byConditions, ...byRules.filter((name) => name.startsWith(`${root}.`)).map((name) => name.slice(root.length + 1).split('.')[0]!)]);
  const all = byRules.some((name) => isBelow(root, name));
  return (name) => all || names.has(name);
}
