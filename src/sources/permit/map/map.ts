import { createHash } from 'node:crypto';
import type { Facts, Role } from '../../../core/facts.ts';
import { canonicalJson } from '../../yaml/digest.ts';
import type { PermitData } from '../data.ts';
import { mapGrants } from './grants.ts';
import { conflictsOf, mapIdentities, mapRoles } from './identities.ts';
import { holdableOn, listUnspeakable, mapEdges, mapRules, mapTuples } from './relations.ts';
import { createSets } from './sets.ts';
import { createUnmappables, type Unmapped } from './unmapped.ts';
import { mapVendors, type MappedVendor } from './vendors.ts';

/** What a Permit environment says, in our words; what the catalogue knows of it is for `mergePermit` to see to. */
export interface Mapped extends Pick<Facts, 'identities' | 'roles' | 'grants' | 'tuples' | 'relationRules' | 'graph' | 'edges'> {
  readonly vendors: ReadonlyMap<string, MappedVendor>;
  readonly unmapped: readonly Unmapped[];
  /** Ids of two things at once: no facts may be made of this environment. */
  readonly conflicts: readonly string[];
  /** `sha256:` and hex over all that decides. */
  readonly digest: string;
}

/** Pure and total: of odd data as much is listed as can't be mapped. Equal environments give equal values. */
export function mapPermit(data: PermitData): Mapped {
  const unmapped = createUnmappables();
  const identities = mapIdentities(data, unmapped);
  const { grants, roles } = mapGrants({ data, sets: createSets(data, unmapped), unmapped });
  listUnspeakable(data, unmapped);
  const [tuples, relationRules] = [mapTuples(data, identities, unmapped), mapRules(data, unmapped)];
  const heldOn = holdableOn(tuples, relationRules);
  const onVendor = (role: Role): Role => ({ ...role, ...(heldOn.has(role.id) && { heldOn: heldOn.get(role.id)! }) });
  const mapped = {
    identities,
    roles: new Map([...mapRoles(data, unmapped), ...roles.map(onVendor)].map((role) => [role.id, role])),
    grants,
    tuples,
    relationRules,
    edges: mapEdges(data),
    vendors: mapVendors(data, unmapped),
  };
  return { ...mapped, conflicts: conflictsOf(data), unmapped: unmapped.list(), digest: digestOf(mapped) };
}

/** What is mapped follows from what was read, in its order. In parts, since there may be a million. */
function digestOf({ tuples, ...parts }: Pick<Mapped, 'tuples'> & Readonly<Record<string, Iterable<unknown>>>): string {
  const digest = createHash('sha256');
  for (const [part, entries] of Object.entries(parts)) {
    digest.update(`\n${part}\n`);
    for (const entry of entries) digest.update(canonicalJson(entry)).update('\n');
  }
  for (const { subject, relation, object } of tuples) digest.update(`${subject} ${relation} ${object}\n`); // their keys hold no blank
  return `sha256:${digest.digest('hex')}`;
}
