import { createHash } from 'node:crypto';
import type { EventFact, Facts, Vendor } from '../../core/facts.ts';

/** What the files say, before it has a digest. */
export type Loaded = Omit<Facts, 'digest'>;

/** `sha256:` and hex over canonical JSON: keys sorted, and lists whose order says nothing. */
export function digestOf(facts: Loaded): Facts['digest'] {
  const plain = {
    ...facts,
    events: new Map([...facts.events].map(([key, event]) => [key, key === event.name ? event.version : toPlain(event)])),
    edges: Map.groupBy(facts.edges, ({ from }) => from), // of a vendor's edges the first is named first
    vendors: mapValues(facts.vendors, (vendor: Vendor) => ({ ...vendor, claims: Object.fromEntries(vendor.claims.map((claim) => [claim.name, claim])) })),
  };
  return `sha256:${createHash('sha256').update(canonicalJson(plain)).digest('hex')}`;
}

const toPlain = ({ fields, ...event }: EventFact) => ({ ...event, fields: Object.fromEntries(fields.map((field) => [field.path, field])) });

const mapValues = <T, U>(map: ReadonlyMap<string, T>, to: (value: T) => U) => new Map([...map].map(([key, value]) => [key, to(value)]));

/** JSON with sorted keys; a map as an object, a set as a sorted list. */
export function canonicalJson(value: unknown): string {
  if (value instanceof Set) return canonicalJson([...value].sort());
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = [...(value instanceof Map ? value as ReadonlyMap<string, unknown> : Object.entries(value))].filter(([, member]) => member !== undefined);
  return `{${members.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}
