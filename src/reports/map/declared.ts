import type { Catalogue, KnownEvent, KnownGrant } from '../../core/catalogue/catalogue.ts';
import { coversProfile, namesVendor } from '../../core/catalogue/grant-index.ts';
import { isBelow } from '../../core/catalogue/selectors.ts';
import type { Vendor } from '../../core/facts.ts';

/** A field that a grant which somebody holds speaks of, for a vendor and an environment. Rules may forbid it all the same. */
export interface DeclaredFlow {
  /** Empty where the event names none. */
  readonly app: string;
  readonly event: string;
  readonly field: string;
  readonly category: string;
  readonly vendor: string;
  readonly environment: string;
  /** Types of the identities that may: where it is generated; sorted. */
  readonly sources: readonly string[];
}

export interface FlowFilter {
  readonly app?: string;
  readonly vendor?: string;
}

/** Declared flows, one after the other; a field that several grants speak of comes as often. */
export function* declaredFlows(catalogue: Catalogue, filter: FlowFilter = {}): Iterable<DeclaredFlow> {
  for (const { grant, events, vendors, environments, sources } of meetings(catalogue, filter)) {
    for (const vendor of vendors) for (const event of events) for (const { declared, fact, profile } of event.fields) {
      if (fact.category === undefined || !coversProfile(grant, profile)) continue;
      for (const environment of environments) yield { app: event.fact.app ?? '', event: event.fact.name, field: declared, category: fact.category, vendor, environment, sources };
    }
  }
}

/** How many different events, vendors and environments the declared flows have. */
export function countDeclared(catalogue: Catalogue, filter: FlowFilter = {}): number {
  const found = new Set<string>();
  for (const { events, vendors, environments } of meetings(catalogue, filter)) {
    for (const { fact } of events) for (const vendor of vendors) for (const environment of environments) found.add(JSON.stringify([fact.name, vendor, environment]));
  }
  return found.size;
}

/** A grant that somebody holds, with the events that it covers a field of and the vendors that it is open to. */
interface Meeting {
  readonly grant: KnownGrant;
  readonly events: readonly KnownEvent[];
  readonly vendors: readonly string[];
  readonly environments: readonly string[];
  readonly sources: readonly string[];
}

function* meetings(catalogue: Catalogue, { app, vendor: only }: FlowFilter): Iterable<Meeting> {
  const { facts } = catalogue;
  const names = new Set([...facts.events.values()].filter((fact) => app === undefined || fact.app === app).map(({ name }) => name));
  const all = [...names].map((name) => catalogue.event(name)!);
  const types = holderTypes(catalogue);
  for (const vendor of facts.vendors.values()) {
    if (only !== undefined && vendor.id !== only) continue;
    for (const [role, holders] of types) for (const grant of catalogue.grantsOf(role, vendor)) {
      if (!isOpen(grant, vendor, catalogue)) continue;
      const events = all.filter((event) => coversEvent(grant, event));
      if (events.length > 0) yield { grant, events, vendors: [vendor.id], environments: grant.environments ?? [...facts.environments.keys()], sources: [...holders].sort() };
    }
  }
}

/** An exclusive grant closes its vendor for all others (J3). */
function isOpen(grant: KnownGrant, vendor: Vendor, catalogue: Catalogue): boolean {
  const { ids, grants } = catalogue.exclusivesOf(vendor);
  return namesVendor(grant, vendor) && (ids.length === 0 || grants.some(({ id }) => id === grant.id));
}

/** By role, of which types those are that hold it. Who holds a role by a relation or a condition is told by no list: `*`. */
function holderTypes({ facts, rolesOf }: Catalogue): ReadonlyMap<string, ReadonlySet<string>> {
  const types = new Map<string, Set<string>>();
  const note = (role: string, type: string) => types.set(role, (types.get(role) ?? new Set()).add(type));
  for (const { id, type, assigned } of facts.identities.values()) {
    for (const role of rolesOf(id)) note(role, type);
    for (const roles of assigned?.values() ?? []) for (const role of roles) note(role, type);
  }
  for (const { id, heldIf, heldOn } of facts.roles.values()) if (heldIf !== undefined || heldOn !== undefined) note(id, '*');
  return types;
}

function coversEvent(grant: KnownGrant, { fact, fields }: KnownEvent): boolean {
  const { events, kinds, purposes } = grant;
  const kind = fact.kind === 'aggregate' ? 'aggregate' : 'raw_event';
  return events?.includes(fact.name) !== false && kinds?.some((one) => one === kind) !== false
    && fact.purposes.some((purpose) => purposes.some((granted) => granted === '*' || isBelow(purpose, granted) || isBelow(granted, purpose)))
    && fields.some(({ fact: { category }, profile }) => category !== undefined && coversProfile(grant, profile));
}
