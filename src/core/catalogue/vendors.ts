import type { Edge, Vendor } from '../facts.ts';
import { inEu } from './regions.ts';

/** A vendor that gets the data in the end, over edges that count (J16). */
export interface Reached {
  readonly vendor: string;
  /** A shortest way there: the vendor asked about, …, this one. Of several the one whose edges the source lists first. */
  readonly path: readonly string[];
  readonly llm: boolean;
  /** It processes in the EU alone, by all its edges on the way (else by its own regions); unknown is false. */
  readonly inEu: boolean;
  /** Over sub-processor edges alone (J15); then `inEu` is about those edges. */
  readonly subProcessor: boolean;
}

/** A vendor to which another one is told to hand events on. */
export interface Destination {
  readonly vendor: string;
  readonly path: readonly string[];
  /** Everybody who hands on to it: the platform itself, other destinations. */
  readonly from: readonly string[];
}

/** Who hands data on to whom. Ids that the catalogue doesn't have are judged as the worst: an LLM, outside the EU. */
export interface VendorGraph {
  /** All others that `vendor` reaches, nearest first, then in the order of the source. A cycle doesn't bring it back to itself. */
  reached(vendor: string): readonly Reached[];
  /** A shortest way to a language model; one that is a model itself, or is unknown, is its own way. */
  reachesLlm(vendor: string): { readonly path: readonly string[] } | undefined;
  /**
   * What a customer data platform forwards to, directly or not (J16); of a vendor of another category nothing.
   * At most 64; `overrun` says that there are more: then deny.
   */
  destinations(vendor: string): { readonly reached: readonly Destination[]; readonly overrun: boolean };
  /** By a host as declared, whatever its case and with or without the final dot; never by DNS, never a subdomain (R52). */
  byHost(host: string): string | undefined;
}

const MAX_DESTINATIONS = 64;

/** Answers are computed when first asked for, and kept. */
export function createVendorGraph(vendors: ReadonlyMap<string, Vendor>, edges: readonly Edge[]): VendorGraph {
  const counted = edges.filter(counts);
  const all = byFrom(counted);
  const subProcessors = byFrom(counted.filter((edge) => edge.type === 'sub_processor'));
  const forwards = byFrom(counted.filter((edge) => edge.type === 'forwards_to'));
  const hosts = indexHosts(vendors);
  const isLlm = (id: string) => usesLlm(vendors.get(id));
  const reached = cached(vendors, (id): readonly Reached[] => {
    const subs = closure(id, subProcessors);
    return [...closure(id, all)].map(([vendor, way]) => ({
      vendor,
      path: way.path,
      llm: isLlm(vendor),
      inEu: (subs.get(vendor) ?? way).edges.every((edge) => staysInEu(edge, vendors.get(vendor))),
      subProcessor: subs.has(vendor),
    }));
  });

  return {
    reached,
    reachesLlm: cached(vendors, (id) => {
      const path = isLlm(id) ? [id] : reached(id).find((other) => other.llm)?.path;
      return path && { path };
    }),
    destinations: cached(vendors, (id) => {
      if (!vendors.get(id)?.categories.includes('cdp')) return { reached: [], overrun: false };
      const found = [...closure(id, forwards)].map(([vendor, { path, edges: into }]) => ({ vendor, path, from: [...new Set(into.map(({ from }) => from))] }));
      return { reached: found.slice(0, MAX_DESTINATIONS), overrun: found.length > MAX_DESTINATIONS };
    }),
    byHost: (host) => hosts.get(toHostKey(host)),
  };
}

// Unknown is on: only what the catalogue says is off is off.
function counts({ type, on }: Edge): boolean {
  switch (type) {
    case 'sub_processor':
    case 'forwards_to':
    case 'user_connector':
      return on !== false;
    case 'owned_by':
    case 'exports_to':
      return false;
  }
}

const byFrom = (edges: readonly Edge[]): ReadonlyMap<string, readonly Edge[]> => Map.groupBy(edges, (edge) => edge.from);

interface Way {
  readonly path: readonly string[];
  /** Every edge by which data comes to it on the way. */
  readonly edges: Edge[];
}

// Breadth first; a Map keeps the order in which vendors are found, and takes in what is added while it is walked.
function closure(start: string, next: ReadonlyMap<string, readonly Edge[]>): ReadonlyMap<string, Way> {
  const ways = new Map<string, Way>([[start, { path: [start], edges: [] }]]);
  for (const [from, { path }] of ways) {
    for (const edge of next.get(from) ?? []) {
      const known = ways.get(edge.to);
      if (known === undefined) ways.set(edge.to, { path: [...path, edge.to], edges: [edge] });
      else known.edges.push(edge);
    }
  }
  ways.delete(start);
  return ways;
}

function staysInEu(edge: Edge, to: Vendor | undefined): boolean {
  const stated = edge.regions ?? [];
  const regions = stated.length > 0 ? stated : (to?.regions ?? []);
  return regions.length > 0 && regions.every(inEu);
}

// The claim's dates don't matter: a model that a vendor once used is one until the catalogue says false or nothing.
function usesLlm(vendor: Vendor | undefined): boolean {
  if (vendor === undefined) return true;
  return vendor.categories.includes('llm') || vendor.claims.some(({ name, value }) => name === 'uses_llm' && value === true);
}

function indexHosts(vendors: ReadonlyMap<string, Vendor>): ReadonlyMap<string, string | undefined> {
  const hosts = new Map<string, string | undefined>();
  for (const { id, hosts: declared } of vendors.values()) {
    for (const host of declared.map(toHostKey)) {
      // Claimed by two (a loader refuses that): it names neither.
      hosts.set(host, hosts.has(host) && hosts.get(host) !== id ? undefined : id);
    }
  }
  return hosts;
}

const toHostKey = (host: string) => host.toLowerCase().replace(/\.$/, '');

// Of the catalogue's own ids only: names that questions make up must not fill the memory.
function cached<T>(vendors: ReadonlyMap<string, Vendor>, compute: (vendor: string) => T): (vendor: string) => T {
  const known = new Map<string, { readonly value: T }>();
  return (vendor) => {
    const before = known.get(vendor);
    if (before !== undefined) return before.value;
    const value = compute(vendor);
    if (vendors.has(vendor)) known.set(vendor, { value });
    return value;
  };
}
