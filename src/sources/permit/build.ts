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
  return { message: { ...mapped, identities: packRows(rowsOf(identities.values())), graph: packGraph(tuples, mapped.relationRules) } };
}

function* rowsOf(identities: Iterable<Identity>): Generator<readonly [string, string]> {
  for (const { assigned, ...identity } of identities) yield [identity.id, JSON.stringify({ ...identity, ...(assigned !== undefined && { assigned: [...assigned] }) })];
}
