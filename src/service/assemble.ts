import type { DataDir } from '../datadir/datadir.ts';
import { ageSince, createSnapshot, createSnapshots, type Snapshots } from '../snapshot.ts';
import type { Loaded } from '../workspace.ts';
import type { PermitSource } from './permit.ts';

/** All environments' snapshots of what is loaded: of those administered in Permit, with facts of their own. @throws {PermitError} */
export function assemble(loaded: Loaded, permit: PermitSource | undefined, dataDir: Pick<DataDir, 'vendorStates' | 'revisionOf'>): Snapshots {
  const shared = { ...loaded, vendorStates: dataDir.vendorStates(), revisionOf: (environment: string, digest: string) => dataDir.revisionOf(environment, digest) };
  const own = permit?.own(loaded.facts) ?? new Map();
  const elsewhere = permit?.environments ?? [];
  const base = createSnapshot({ ...shared, environments: [...loaded.facts.environments.keys()].filter((name) => !elsewhere.includes(name)), ageMs: ageSince(loaded.loadedAtMs) });
  return createSnapshots(base, new Map(elsewhere.map((environment) => {
    const facts = own.get(environment);
    return [environment, facts && createSnapshot({ ...shared, facts: facts.facts, environments: [environment], ageMs: () => Math.round(facts.generation.ageMs()) })];
  })));
}

/** What of Permit decides, by environment: the decision log names it, and the next start takes nothing else from disk. */
export function generationsOf({ facts }: Loaded, permit: PermitSource | undefined): Readonly<Record<string, { readonly number: number; readonly digest: string }>> | undefined {
  return permit && Object.fromEntries([...permit.own(facts)].map(([environment, { generation: { number, digest } }]) => [environment, { number, digest }]));
}
