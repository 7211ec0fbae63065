import type { Combination, EventFact, Facts, FieldFact, Grant, Transform } from '../facts.ts';
import { createGraph, openGraph, type Graph } from '../graph/graph.ts';
import { compileAgeBounds, type AgeBounds } from './age-bounds.ts';
import { createContainers } from './containers.ts';
import { createGrantIndex, type GrantIndex } from './grant-index.ts';
import { compilePatterns, matchName } from '../parse/paths.ts';
import { createProfiles, type Profile, type Profiles } from './profiles.ts';
import { createRoles, type RolesOf } from './roles.ts';
import { ancestorsOf, toSelectors, type Selectors } from './selectors.ts';
import { createNarrowed, type Narrowed } from './terms.ts';
import { createVendorGraph, type VendorGraph } from './vendors.ts';

/** A field as questions meet it. `declared` differs from the asked path where a dynamic key matched. */
export interface KnownField {
  readonly declared: string;
  readonly fact: FieldFact;
  readonly profile: Profile;
}

export interface KnownEvent {
  readonly fact: EventFact;
  field(path: string): KnownField | undefined;
  /** What an empty object or list at `path`, or null in its place, is judged as (J22); undefined with nothing declared below. */
  container(path: string): KnownField | undefined;
  readonly fields: readonly KnownField[];
}

/** A grant with its selectors compiled. */
export interface KnownGrant extends Grant {
  readonly covers: Selectors;
  readonly spares: Selectors;
  /** Its categories as they are written, where `covers` lists what is left of them under terms. */
  readonly written?: Selectors;
}

export interface KnownCombination extends Combination {
  readonly selectors: readonly Selectors[];
}

export interface KnownTransform extends Transform {
  readonly selectors: Selectors;
}

/** The facts, interned and indexed for questions. Immutable; built once per load. */
export interface Catalogue {
  readonly facts: Facts;
  readonly profiles: Profiles;
  readonly graph: Graph;
  readonly vendorGraph: VendorGraph;
  /** The dictionary as an event that has no name: kind raw_event, no default purpose (J23). */
  readonly dictionary: KnownEvent;
  event(name: string): KnownEvent | undefined;
  /** The profile that an event's name has by pattern, registered or not (J24); a version is no part of it. */
  eventName(name: string): Profile | undefined;
  readonly rolesOf: RolesOf;
  /** A role's grants as they are for a vendor, under all terms. */
  readonly grantsOf: Narrowed['grantsOf'];
  readonly exclusivesOf: Narrowed['exclusivesOf'];
  readonly grantsFor: GrantIndex;
  readonly combinations: readonly KnownCombination[];
  readonly transforms: readonly KnownTransform[];
  /** How old facts may be in an environment; undefined: any age. */
  ageBounds(environment: string): AgeBounds | undefined;
  readonly leaves: readonly string[];
  /** Categories that have others below them. */
  readonly parents: ReadonlySet<string>;
  /** Attributes of identities and of vendors, and context names, that some condition reads (J30). */
  readonly reads: Readonly<Record<'attributes' | 'vendorAttributes' | 'context', ReadonlySet<string>>>;
}

export function createCatalogue(facts: Facts): Catalogue {
  const profiles = createProfiles(facts.categories);
  const events = new Map([...facts.events].map(([name, fact]) => [name, knownEvent(fact, profiles)]));
  const grants = new Map([...facts.grants].map(([id, grant]) => [id, knownGrant(grant)]));
  const ages = new Map([...facts.environments].map(([id, environment]) => [id, compileAgeBounds(environment)]));
  const parents = new Set([...facts.categories.keys()].flatMap((id) => ancestorsOf(id).slice(1, -1)));
  const leaves = [...facts.categories.keys()].filter((id) => !parents.has(id)).sort();
  const graph = facts.graph === undefined ? createGraph(facts.tuples, facts.relationRules) : openGraph(facts.graph);
  const narrowed = createNarrowed(grants, facts, leaves);
  return {
    facts,
    profiles,
    graph,
    vendorGraph: createVendorGraph(facts.vendors, facts.edges),
    dictionary: knownEvent(dictionaryOf(facts), profiles),
    event: (name) => events.get(name),
    eventName: (name) => profileOfName(events.get(name)?.fact.name ?? name, facts, profiles),
    rolesOf: createRoles(facts, graph),
    grantsOf: narrowed.grantsOf,
    exclusivesOf: narrowed.exclusivesOf,
    grantsFor: createGrantIndex(narrowed.all),
    combinations: [...facts.combinations.values()].map((c) => ({ ...c, selectors: c.members.map(withAllBelow) })),
    transforms: facts.transforms.map((t) => ({ ...t, selectors: toSelectors([t.category]) })),
    ageBounds: (environment) => ages.get(environment),
    leaves,
    parents,
    reads: readNames(facts),
  };
}

const knownGrant = (grant: Grant): KnownGrant => ({
  ...grant, covers: toSelectors(grant.categories), spares: toSelectors(grant.except),
});

// A combination's members always include all below (J4).
const withAllBelow = (member: readonly string[]): Selectors => ({
  exact: [], below: member.map((s) => (s.endsWith('.*') ? s.slice(0, -2) : s)),
});

function knownEvent(fact: EventFact, profiles: Profiles): KnownEvent {
  const fields = fact.fields.map((field) => ({ declared: field.path, fact: field, profile: profiles.of(field) }));
  const byPath = new Map(fields.map((field) => [field.declared, field]));
  const match = compilePatterns([...byPath.keys()].filter((path) => path.includes('*')));
  // Few payloads hold an empty one: made when the first does.
  let containers: KnownEvent['container'] | undefined;
  return {
    fact,
    fields,
    container: (path) => (containers ??= createContainers(fields))(path),
    field(path) {
      const exact = byPath.get(path);
      if (exact !== undefined) return exact;
      const declared = match(path);
      return declared === undefined ? undefined : byPath.get(declared);
    },
  };
}

const dictionaryOf = (facts: Facts): EventFact => ({
  name: '', version: '', kind: 'raw_event', purposes: [], minCell: 10, fields: [...facts.fields.values()],
});

function profileOfName(name: string, facts: Facts, profiles: Profiles): Profile | undefined {
  for (const [pattern, category] of facts.eventNames) {
    if (matchName(pattern, name)) return profiles.of({ category, role: 'dimension', labels: {} });
  }
  return undefined;
}

function readNames({ grants, terms, closures, roles }: Facts): Catalogue['reads'] {
  const conditions = [grants, terms, closures].flatMap((map) => [...map.values()].flatMap((limits) => limits.conditions.flatMap(({ any }) => any)));
  const atoms = [...conditions, ...[...roles.values()].flatMap(({ heldIf = [] }) => heldIf)].flat();
  const paths = atoms.flatMap((atom) => (atom.ref === undefined ? [atom.path] : [atom.path, atom.ref]));
  const names = (first: string, second?: string) => new Set(
    paths.filter((p) => p[0] === first && (second === undefined || p[1] === second)).map((p) => p[second === undefined ? 1 : 2] ?? ''),
  );
  return { attributes: names('identity', 'attributes'), vendorAttributes: names('vendor', 'attributes'), context: names('context') };
}
