import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Judged } from '../../src/judge.ts';
import type { Snapshot } from '../../src/snapshot.ts';
import type { BenchGrant, BenchVendor } from '../world.ts';
import type { Objection } from './objections.ts';

// Two layouts for OPA's own server. `ours`: our rules and the input that we prepare for them. `tables`: written for OPA,
// with facts in `data` as objects that are looked up by key, what concerns the vendor judged once and not once a profile,
// and a small input of names; it knows no rule that the workload can't hit, and gives the same rulings.

export const PATHS = { ours: '/v1/data/egress/decision', tables: '/v1/data/tables/decision' } as const;

export const oursBody = ({ prepared }: Judged): string => JSON.stringify({ input: prepared.shape.views[0]!.input });

export function tablesBody({ prepared }: Judged): string {
  const { identity, vendor, environment, purpose, profiles } = prepared.shape.views[0]!.input;
  return JSON.stringify({ input: { role: identity.roles[0], vendor: vendor.id, environment: environment.id, purpose: purpose.id, categories: profiles.map(({ category }) => category) } });
}

const tablesRego = (objections: readonly Objection[]) => `package tables

import rego.v1

decision := {"rulings": rulings, "permits": permits}

vendor := data.vendors[input.vendor]

permits[id] contains category if {
	some id, grant in data.grants[input.role][vendor.kind]
	grant.environments[input.environment]
	grant.purposes[input.purpose]
	some category in input.categories
	grant.categories[category]
}

rulings[id] contains category if {
	some id in objecting
	some category in input.categories
	data.speaksOf[id][category]
}

${objections.map(({ rule, rego }) => `objecting contains "${rule}" if {\n${rego.map((line) => `\t${line}`).join('\n')}\n}`).join('\n\n')}
`;

export interface TablesWorld {
  readonly folder: string;
  readonly snapshot: Snapshot;
  readonly vendors: readonly BenchVendor[];
  readonly grants: readonly BenchGrant[];
  readonly objections: readonly Objection[];
  readonly categories: readonly string[];
}

/** What a vendor is to both peers: as the catalogue says, with its chain resolved. */
export function vendorFacts({ id, kind, party, region, claims }: BenchVendor, snapshot: Snapshot) {
  const { vendorGraph } = snapshot.world.catalogue;
  return {
    kind, party, claims, inEu: region === 'DE', reachesLlm: vendorGraph.reachesLlm(id) !== undefined,
    reachesInEu: vendorGraph.reached(id).every(({ subProcessor, inEu }) => !subProcessor || inEu),
  };
}

export async function writeTables({ folder, snapshot, vendors, grants, objections, categories }: TablesWorld): Promise<void> {
  await mkdir(folder, { recursive: true });
  const keys = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, true]));
  const byRole: Record<string, Record<string, Record<string, object>>> = {};
  for (const grant of grants) {
    ((byRole[grant.role] ??= {})[grant.kind] ??= {})[grant.id] = { environments: keys(grant.environments), purposes: keys([grant.purpose]), categories: keys(grant.categories) };
  }
  const data = {
    vendors: Object.fromEntries(vendors.map((vendor) => [vendor.id, vendorFacts(vendor, snapshot)])),
    grants: byRole,
    speaksOf: Object.fromEntries(objections.map(({ rule, speaksOf }) => [rule, keys(categories.filter(speaksOf))])),
  };
  await writeFile(path.join(folder, 'data.json'), JSON.stringify(data));
  await writeFile(path.join(folder, 'tables.rego'), tablesRego(objections));
}

/** Rulings by rule and by grant, as sorted categories; `undefined` where there are none. */
export type Said = Readonly<Record<string, readonly string[]>>;

const sorted = (entries: readonly (readonly [string, readonly string[]])[]): Said => (
  Object.fromEntries(entries.filter(([, list]) => list.length > 0).map(([id, list]) => [id, [...list].sort()] as const).sort(([a], [b]) => (a < b ? -1 : 1)))
);

/** What our engine said, to be compared with either layout. */
export function saidByUs({ prepared, rulings }: Judged): { readonly rulings: Said; readonly permits: Said } {
  const { profiles } = prepared.shape.views[0]!.input;
  const names = (indexes: readonly number[] | '*') => (indexes === '*' ? profiles.map(({ category }) => category) : indexes.map((index) => profiles[index]!.category));
  return {
    rulings: sorted(rulings![0]!.rules.map(({ rule, profiles: hit }) => [rule.id, names(hit)] as const)),
    permits: sorted([...rulings![0]!.permits].map(([grant, hit]) => [grant, names(hit)] as const)),
  };
}

export function saidByOpa(answer: unknown, layout: keyof typeof PATHS, { prepared }: Judged): { readonly rulings: Said; readonly permits: Said } {
  const { rulings, permits } = (answer as { result: { rulings: Record<string, (number | string)[]>; permits: Record<string, (number | string)[]> } }).result;
  const { profiles } = prepared.shape.views[0]!.input;
  const names = (said: Record<string, (number | string)[]>) => sorted(Object.entries(said).map(([id, list]) => [id, layout === 'tables' ? list as string[] : list.map((index) => profiles[index as number]!.category)] as const));
  return { rulings: names(rulings), permits: names(permits) };
}
