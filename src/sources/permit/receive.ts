import { openRows } from '../../core/graph/packed.ts';
import type { Facts, Identity } from '../../core/facts.ts';
import type { PackedMapped } from './build.ts';
import { mergePermit, type Merged } from './merge.ts';

export type { Merged } from './merge.ts';
export type { Unmapped } from './map/unmapped.ts';

/** The facts of an environment, of what the thread has built and the files say. @throws {PermitError} as `mergePermit`. */
export function receive(yaml: Facts, { identities, ...mapped }: PackedMapped): Merged {
  return mergePermit(yaml, { ...mapped, identities: openRows(identities, (row) => toIdentity(row as Row)), tuples: [] });
}

/** As `build` writes it. */
type Row = Omit<Identity, 'assigned'> & { readonly assigned?: readonly (readonly [tenant: string, roles: readonly string[]])[] };

const toIdentity = ({ assigned, ...identity }: Row): Identity => ({ ...identity, ...(assigned !== undefined && { assigned: new Map(assigned) }) });
