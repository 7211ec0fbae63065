import path from 'node:path';
import type { Facts, VendorState } from './core/facts.ts';
import { loadBundle, type Bundle } from './opa/build.ts';
import { createEngine, type Engine } from './opa/engine.ts';
import { ownRulesOf, type RuleFolders } from './opa/sources.ts';
import { findOpa } from './opa/toolchain.ts';
import { ageSince, createSnapshot, type Snapshot } from './snapshot.ts';
import { loadYaml } from './sources/yaml/load.ts';
import { PROGRAM } from './version.ts';

export interface Folders {
  readonly policies: string;
  readonly rego: string;
  readonly dataDir: string;
  /** The checkout or package that `.tools/` stands in. */
  readonly root: string;
  /** Where a program started: names the opa binary, the PATH it may be on, and where Go is. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The two folders that rules stand in. */
export const rulesOf = ({ rego, policies }: Pick<Folders, 'rego' | 'policies'>): RuleFolders => ({ rego, own: ownRulesOf(policies) });

/** Policy and facts as the files give them. */
export interface Loaded {
  readonly facts: Facts;
  readonly bundle: Bundle;
  readonly engine: Engine;
  readonly loadedAtMs: number;
}

/**
 * Reads the facts, and builds the policy if its source has changed.
 *
 * @param before what was loaded before: an unchanged policy keeps its engine, which is warm.
 * @throws {PoliciesError} {PolicyError} with every mistake.
 */
export async function load(folders: Folders, now: () => number, before?: Loaded): Promise<Loaded> {
  const loadedAtMs = now();
  const opa = async () => (await findOpa({ root: folders.root, env: folders.env, log: (line) => process.stderr.write(`${line}\n`) })).path;
  const [facts, bundle] = await both(
    loadYaml(folders.policies, { folder: path.join(folders.dataDir, 'facts'), program: PROGRAM, source: path.join(folders.root, 'src') }),
    loadBundle({ ...rulesOf(folders), cache: path.join(folders.dataDir, 'bundles'), shipped: path.join(folders.root, 'bundles'), opa }),
  );
  const engine = before?.bundle.source === bundle.source ? before.engine : await createEngine(bundle.wasm, bundle.rules);
  return { facts, bundle, engine, loadedAtMs };
}

/** Waits for both, so that the mistakes of both are told. @throws {AggregateError} when both failed. */
async function both<A, B>(a: Promise<A>, b: Promise<B>): Promise<readonly [A, B]> {
  const errors: unknown[] = (await Promise.allSettled([a, b])).flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  if (errors.length > 1) throw new AggregateError(errors, errors.map((error) => (error instanceof Error ? error.message : String(error))).join('\n'));
  return Promise.all([a, b]);
}

/** A snapshot of its own, for the command line: no data directory, every revision is 1. */
export function toSnapshot(loaded: Loaded, vendorStates: ReadonlyMap<string, VendorState> = new Map()): Snapshot {
  return createSnapshot({ ...loaded, vendorStates, ageMs: ageSince(loaded.loadedAtMs), revisionOf: () => 1 });
}
