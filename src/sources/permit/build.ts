import { randomInt } from 'node:crypto';
import { packGraph, type GraphImage } from '../../core/graph/image.ts';
import { packRows, type PackedRows } from '../../core/graph/packed.ts';
import type { Identity } from '../../core/facts.ts';
import type { PermitData } from './data.ts';
import type { Built } from './keep/messages.ts';
import { mapPermit, type Mapped } from './map/map.ts';

/** A mapped environment as it goes from one thread to another: what there may be a million of lies in shared memory. */
export interface PackedMapped extends Omit<Mapped, 'identities' | 'tuples' | 'graph'> {
  readonly identities: PackedRows;
  readonly graph: GraphImage;
}

/** Runs in the thread that reads Permit: the main thread only takes over what it makes (`BuildModule`). */
export function build(content: PermitData): Built & { readonly message: PackedMapped } {
  const { identities, tuples, ...mapped } = mapPermit(content);
  const seed = randomSeed();
  return { message: { ...mapped, identities: packRows(rowsOf(identities.values()), seed), graph: packGraph(tuples, mapped.relationRules, seed) } };
}

// Nobody can choose keys that collide.
const randomSeed = (): readonly [number, number] => [randomInt(2 ** 32), randomInt(2 ** 32)];

function* rowsOf(identities: Iterable<Identity>): Generator<readonly [string, string]> {
  for (const { assigned, ...identity } of identities) yield [identity.id, JSON.stringify({ ...identity, ...(assigned !== undefined && { assigned: [...assigned] }) })];
}
