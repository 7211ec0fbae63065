import { hash } from 'node:crypto';
import type { Facts, Grant, Identity } from '../../core/facts.ts';
import { ancestorsOf } from '../../core/catalogue/selectors.ts';
import { PermitError } from './data.ts';
import type { Mapped } from './map/map.ts';
import { contextNames } from './map/sets.ts';
import { createUnmappables, type Unmappables, type Unmapped } from './map/unmapped.ts';
import { mergeEdges, mergeVendors } from './merge-vendors.ts';

export interface Merged {
  readonly facts: Facts;
  /** Also what only the catalogue can tell. */
  readonly unmapped: readonly Unmapped[];
  /** One line a kind: what of the YAML doesn't count here. */
  readonly setAside: readonly string[];
}

/**
 * The facts of an environment that has a Permit key: Permit alone gives identities, roles, assignments, grants, tuples and
 * vendor attributes, the YAML the rest. What only restricts is never set aside: manifests, exclusive grants, edges, vendor
 * states, terms. Pure.
 *
 * @throws {PermitError} `invalid` when an id is both a user and an instance.
 */
export function mergePermit(yaml: Facts, mapped: Mapped): Merged {
  if (mapped.conflicts.length > 0) throw new PermitError('invalid', mapped.conflicts.join('; '));
  const unmapped = createUnmappables();
  for (const { object, reason } of mapped.unmapped) unmapped.add(object, reason);
  const facts: Omit<Facts, 'digest'> = {
    ...yaml,
    identities: mergeIdentities(yaml.identities, mapped.identities),
    roles: mapped.roles,
    grants: known(mapped.grants, yaml, unmapped),
    closures: new Map([...yaml.grants].filter(([, grant]) => grant.exclusive)),
    tuples: mapped.tuples,
    relationRules: mapped.relationRules,
    ...(mapped.graph !== undefined && { graph: mapped.graph }),
    vendors: mergeVendors(yaml.vendors, mapped.vendors, unmapped),
    edges: mergeEdges(yaml.edges, mapped.edges),
  };
  listIdleTerms(yaml, mapped, unmapped);
  return { facts: { ...facts, digest: `sha256:${hash('sha256', `${yaml.digest} ${mapped.digest}`)}` }, unmapped: unmapped.list(), setAside: setAsideOf(yaml) };
}

/** An identity of the YAML that Permit doesn't have is none; its manifest restricts the one of the same id. */
function mergeIdentities(yaml: Facts['identities'], mapped: Facts['identities']): Facts['identities'] {
  const manifests = new Map([...yaml].flatMap(([id, { manifest }]) => (manifest === undefined ? [] : [[id, manifest] as const])));
  const restrict = (identity: Identity): Identity => {
    const manifest = manifests.get(identity.id);
    return manifest === undefined ? identity : { ...identity, manifest };
  };
  return manifests.size === 0 ? mapped : mapValues(mapped, restrict);
}

/** Each value as it is asked for: of a hundred thousand identities few are. */
function mapValues<T>(map: ReadonlyMap<string, T>, change: (value: T) => T): ReadonlyMap<string, T> {
  const changed: ReadonlyMap<string, T> = {
    size: map.size,
    has: (key) => map.has(key),
    get(key) {
      const value = map.get(key);
      return value === undefined ? undefined : change(value);
    },
    keys: () => map.keys(),
    values: () => map.values().map(change),
    entries: () => map.entries().map(([key, value]): [string, T] => [key, change(value)]),
    [Symbol.iterator]: () => changed.entries(),
    forEach(call, self) {
      for (const [key, value] of changed) call.call(self, value, key, changed);
    },
  };
  return changed;
}

/** The grants of categories and context names that the catalogue has. */
function known(grants: Facts['grants'], { categories, context }: Facts, unmapped: Unmappables): Facts['grants'] {
  const parents = new Set([...categories.keys()].flatMap((id) => ancestorsOf(id).slice(1, -1)));
  const mistake = ({ categories: [category = ''], conditions }: Grant): string | undefined => {
    if (parents.has(category)) return `${category} has categories below it: permit its leaves, or make the action a group of them`;
    if (!categories.has(category)) return `the catalogue has no category ${category}`;
    const strange = conditions.flatMap(({ any }) => contextNames(any)).find((name) => !context.has(name));
    return strange === undefined ? undefined : `a condition reads context.${strange}, which context.yaml does not declare`;
  };
  return new Map([...grants].filter(([id, grant]) => {
    const reason = mistake(grant);
    if (reason !== undefined) unmapped.add(`permission ${id}`, reason);
    return reason === undefined;
  }));
}

/** A term for a role that isn't there narrows nothing: the role may be called otherwise. */
function listIdleTerms({ terms }: Facts, { roles }: Mapped, unmapped: Unmappables): void {
  for (const term of terms.values()) for (const role of term.roles ?? []) {
    if (!roles.has(role)) unmapped.add(`term ${term.id}`, `Permit has no role ${role}`);
  }
}

const SET_ASIDE = ['identities', 'roles', 'grants', 'tuples'] as const;

function setAsideOf(yaml: Facts): readonly string[] {
  const count = (of: (typeof SET_ASIDE)[number]) => (of === 'tuples' ? yaml.tuples.length : yaml[of].size);
  const claims = [...yaml.vendors.values()].reduce((sum, vendor) => sum + vendor.claims.length, 0);
  return [...SET_ASIDE.map((kind) => `${count(kind)} ${kind}`), `${claims} claims of vendors`].filter((line) => !line.startsWith('0 '));
}
