import { createHash } from 'node:crypto';
import { createCatalogue } from './core/catalogue/catalogue.ts';
import { isBelow } from './core/catalogue/selectors.ts';
import { tokensOf, type Caller, type CallerToken, type Facts, type VendorState } from './core/facts.ts';
import type { World } from './core/prepare/prepare.ts';
import type { Bundle } from './opa/build.ts';
import type { Engine } from './opa/engine.ts';

/** What an environment is decided by: policy, catalogue, facts, vendor states. Immutable. */
export interface Snapshot {
  readonly world: World;
  readonly engine: Engine;
  /** `sha256:` and hex over all of it. */
  readonly digest: string;
  /** Number of the revision by environment, for those that are known and decided by this. */
  readonly numbers: ReadonlyMap<string, number>;
  /** How old its facts are at this wall time, in whole milliseconds. */
  readonly ageMs: (nowMs: number) => number;
}

export interface SnapshotParts {
  readonly facts: Facts;
  readonly bundle: Bundle;
  readonly engine: Engine;
  readonly vendorStates: ReadonlyMap<string, VendorState>;
  /** The environments that it decides; default: all that the facts know. */
  readonly environments?: readonly string[];
  readonly ageMs: (nowMs: number) => number;
  /** The number of an environment's revision with this digest; only grows (J27). */
  readonly revisionOf: (environment: string, digest: string) => number;
}

/** All environments' snapshots: swapped by one pointer. */
export interface Snapshots {
  /**
   * The environment's own, else the one that all others share: of an environment that nobody knows too. `undefined`
   * where facts of its own are still to come.
   */
  of(environment: string): Snapshot | undefined;
  /** The one of the files alone, and those of environments with facts of their own. */
  all(): readonly Snapshot[];
  /** Numbers of the revisions by environment, sorted. */
  numbers(): readonly (readonly [environment: string, number: number])[];
  /** Environments whose own facts are still to come. */
  readonly waiting: readonly string[];
  /** Over all of them. */
  readonly digest: string;
  /** By the SHA-256 of their tokens. */
  readonly callers: ReadonlyMap<string, { readonly caller: Caller; readonly token: CallerToken }>;
}

/** @param own of environments with facts of their own; undefined: still to come. */
export function createSnapshots(base: Snapshot, own: ReadonlyMap<string, Snapshot | undefined> = new Map()): Snapshots {
  const present = [...own].flatMap(([environment, snapshot]) => (snapshot === undefined ? [] : [[environment, snapshot] as const]));
  return {
    of: (environment) => (own.has(environment) ? own.get(environment) : base),
    all: () => [base, ...present.map(([, snapshot]) => snapshot)],
    numbers: () => [...base.numbers, ...present.flatMap(([, { numbers }]) => [...numbers])].sort(),
    waiting: [...own].filter(([, snapshot]) => snapshot === undefined).map(([environment]) => environment),
    digest: own.size === 0 ? base.digest : digestOf([base.digest, present.map(([environment, { digest }]) => [environment, digest]).sort()]),
    callers: new Map([...base.world.catalogue.facts.callers.values()].flatMap((caller) => tokensOf(caller).map((token) => [token.sha256, { caller, token }]))),
  };
}

export function createSnapshot({ facts, bundle, engine, vendorStates, environments = [...facts.environments.keys()], ageMs, revisionOf }: SnapshotParts): Snapshot {
  const catalogue = createCatalogue(facts);
  const states = [...vendorStates].sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = digestOf([engine.digest, facts.digest, states]);
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
    numbers: new Map(environments.map((environment) => [environment, revisionOf(environment, digest)])),
    ageMs,
  };
}

/** Of facts that were read at this wall time. */
export const ageSince = (readAtMs: number) => (nowMs: number): number => Math.max(0, nowMs - readAtMs);

const digestOf = (parts: readonly unknown[]) => `sha256:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;

/** Whether some condition or some rule reads this name below `root`; a rule that reads all of `root`, or what it stands in, reads every name. */
function reader(byConditions: ReadonlySet<string>, byRules: readonly string[], root: string): (name: string) => boolean {
  const names = new Set([...byConditions, ...byRules.filter((name) => name.startsWith(`${root}.`)).map((name) => name.slice(root.length + 1).split('.')[0]!)]);
  const all = byRules.some((name) => isBelow(root, name));
  return (name) => all || names.has(name);
}
