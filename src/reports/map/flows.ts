import type { Catalogue } from '../../core/catalogue/catalogue.ts';
import type { Claim } from '../../core/facts.ts';
import { canLeave, destinationsOf, leftBy, UNCLASSIFIED, type Form } from '../../replay/leaving.ts';
import { isHashed } from '../../replay/recorded.ts';
import type { Group } from '../../replay/scan.ts';
import { basisText, gapsOf, withoutInputText, type Basis } from '../basis.ts';
import { NO_EVENT } from '../held/holding.ts';
import { coverageOf, type Coverage } from '../coverage.ts';
import { windowOf, type Window, type WindowReport } from '../window.ts';
import { declaredFlows } from './declared.ts';

/** One field of one event on its way to one vendor in one environment: declared, observed, or both (R8, R60, R61). */
export interface Flow {
  readonly app: string;
  readonly event: string;
  /** As it is declared; a path that nobody knew is hashed. */
  readonly field: string;
  /** As asked about. */
  readonly category: string;
  /** Where it is generated: types of identities; sorted. */
  readonly source: string;
  /** Who asked; empty for what nobody has asked for. */
  readonly identity: string;
  readonly vendor: string;
  /** The customer-data platform that hands it on to the vendor; empty: it goes there itself. */
  readonly via: string;
  readonly environment: string;
  /** As what it left; empty when it never did. */
  readonly form: Form | '';
  readonly permitted: number;
  readonly refused: number;
  readonly rows: number;
  readonly first: string;
  readonly last: string;
  /** Grants speak of it; or, where a spreadsheet is given, that lists it. */
  readonly declared: boolean;
  readonly observed: boolean;
}

export interface FlowMap {
  readonly report: 'data-flow';
  readonly v: 1;
  readonly window: WindowReport;
  readonly basis: Basis;
  readonly flows: readonly Flow[];
  readonly vendors: readonly FlowVendor[];
  /** To whom vendors hand on, and those in turn; `exports_to` is a warehouse of our own (R76). */
  readonly edges: readonly { readonly from: string; readonly to: string; readonly type: string; readonly on: boolean; readonly source: string | null }[];
  readonly coverage: Coverage;
  readonly notes: readonly string[];
  /** More than 100,000 flows: the rest is left out. */
  readonly incomplete: boolean;
}

interface FlowVendor {
  readonly id: string;
  readonly name: string;
  readonly party: string;
  readonly dpa: string;
  readonly dpaEvidence: string | null;
}

const MAX_FLOWS = 100_000;
type Names = Pick<Flow, 'app' | 'event' | 'field' | 'category' | 'source' | 'identity' | 'vendor' | 'via' | 'environment' | 'form'>;
type Counting = { -readonly [K in keyof Flow]: Flow[K] } & { firstMs: number; lastMs: number };

export interface FlowOptions extends Window {
  readonly catalogue: Catalogue;
  readonly basis: Basis;
  /** Only events of this app. */
  readonly app?: string;
  /** An inventory kept by hand: it takes the place of what the grants speak of. */
  readonly declared?: readonly Flow[];
  /** By when contracts must hold. */
  readonly nowMs: number;
}

/** Every field that was asked about on its way to a vendor, and every one that is declared. */
export async function flowsOf(groups: AsyncIterable<Group>, { catalogue, basis, app, declared: inventory, nowMs, ...window }: FlowOptions): Promise<FlowMap> {
  const declared = declaredOf(catalogue, { inventory, app });
  const flows = createFlows();
  let withoutInput = 0;
  for await (const group of groups) {
    if (canLeave(group.record) && group.shape() === undefined) withoutInput += group.count;
    for (const { names, isGranted, left } of namesOf(group, catalogue)) {
      if (app !== undefined && names.app !== app) continue;
      // What no event declares only grants can speak of.
      const isDeclared = declared.has(names) || (inventory === undefined && names.event === NO_EVENT && isGranted);
      flows.note(names, { group, left, isDeclared });
    }
  }
  const seen = flows.list();
  const all = [...seen, ...declared.unseen(MAX_FLOWS - seen.length)].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return {
    report: 'data-flow', v: 1, window: windowOf(window), basis, flows: all, ...surroundings(all, catalogue, nowMs),
    coverage: coverageOf(catalogue, app === undefined ? {} : { app }), notes: [...gapsOf(basis, window), ...basisText(basis), ...(withoutInput === 0 ? [] : [withoutInputText(withoutInput)])], incomplete: flows.incomplete() || declared.incomplete(),
  };
}

function createFlows() {
  const flows = new Map<string, Counting>();
  let incomplete = false;
  return {
    incomplete: () => incomplete,
    note(names: Names, { group, left, isDeclared }: { readonly group: Group; readonly left: boolean; readonly isDeclared: boolean }): void {
      const key = keyOf(names);
      const flow = flows.get(key) ?? { ...names, permitted: 0, refused: 0, rows: 0, first: '', last: '', declared: isDeclared, observed: true, firstMs: Infinity, lastMs: -Infinity };
      if (!flows.has(key) && flows.size >= MAX_FLOWS) {
        incomplete = true;
        return;
      }
      flows.set(key, flow);
      flow[left ? 'permitted' : 'refused'] += group.count;
      flow.rows += group.rows;
      flow.declared ||= isDeclared;
      flow.firstMs = Math.min(flow.firstMs, group.firstMs);
      flow.lastMs = Math.max(flow.lastMs, group.lastMs);
    },
    list: () => [...flows.values()].map(({ firstMs, lastMs, ...flow }): Flow => ({ ...flow, first: new Date(firstMs).toISOString(), last: new Date(lastMs).toISOString() })),
  };
}

interface Seen {
  readonly names: Names;
  readonly isGranted: boolean;
  readonly left: boolean;
}

/** The fields of one question, each to all who get it: what stays goes to nobody's destinations. */
function namesOf({ record, shape }: Group, catalogue: Catalogue): readonly Seen[] {
  const known = record.event === undefined ? undefined : catalogue.event(record.event);
  const left = new Map(leftBy(record).map((one) => [one.path, one]));
  const destinations = left.size === 0 ? [] : destinationsOf(shape(), record);
  const source = isHashed(record.identity) ? 'unknown' : record.identity.slice(0, record.identity.indexOf(':'));
  return record.fields.flatMap(({ paths, effect, category = UNCLASSIFIED }) => paths.flatMap((path): readonly Seen[] => {
    const form = left.get(path)?.form ?? '';
    const names = {
      app: known?.fact.app ?? '', event: record.event ?? NO_EVENT, field: known?.field(path)?.declared ?? path, category, source, identity: record.identity,
      vendor: record.vendor, via: '', environment: record.environment, form,
    } as const;
    const isGranted = effect === 'allow' || effect === 'transform';
    const on = form === '' ? [] : destinations.map((vendor) => ({ names: { ...names, vendor, via: record.vendor }, isGranted, left: true }));
    return [{ names, isGranted, left: form !== '' }, ...on];
  }));
}

interface Declared {
  has(names: Names): boolean;
  /** Those that nobody has asked for. */
  unseen(most: number): readonly Flow[];
  incomplete(): boolean;
}

const UNSEEN = { identity: '', via: '', form: '', permitted: 0, refused: 0, rows: 0, first: '', last: '', declared: true, observed: false } as const;

/** An inventory's row need not say who asks: then it speaks of whoever does. */
function declaredOf(catalogue: Catalogue, { inventory, app }: { readonly inventory: readonly Flow[] | undefined; readonly app: string | undefined }): Declared {
  const wayOf = ({ event, field, vendor, environment }: Pick<Flow, 'event' | 'field' | 'vendor' | 'environment'>) => JSON.stringify([event, field, vendor, environment]);
  const ways = new Map<string, Flow[]>();
  const seen = new Set<Flow>();
  let incomplete = false;
  const add = (flow: Flow) => {
    const known = ways.get(wayOf(flow)) ?? [];
    known.push(flow);
    ways.set(wayOf(flow), known);
  };
  for (const flow of inventory ?? []) if (flow.declared && (app === undefined || flow.app === app || flow.app === '')) add(flow);
  if (inventory === undefined) for (const { sources, ...flow } of declaredFlows(catalogue, app === undefined ? {} : { app })) {
    const [known] = ways.get(wayOf(flow)) ?? [];
    if (known === undefined && ways.size >= MAX_FLOWS) incomplete = true;
    else if (known === undefined) add({ ...flow, source: sources.join(' '), ...UNSEEN });
    else Object.assign(known, { source: [...new Set([...known.source.split(' '), ...sources])].sort().join(' ') });
  }
  return {
    has(names) {
      const found = (ways.get(wayOf(names)) ?? []).filter(({ identity }) => identity === '' || identity === names.identity);
      for (const one of found) seen.add(one);
      return found.length > 0;
    },
    unseen(most) {
      const rest = [...ways.values()].flat().filter((one) => !seen.has(one)).map((one): Flow => ({ ...one, ...UNSEEN, identity: one.identity, via: one.via, form: one.form }));
      if (rest.length > most) incomplete = true;
      return rest.slice(0, Math.max(0, most));
    },
    incomplete: () => incomplete,
  };
}

const keyOf = ({ app, event, field, category, source, identity, vendor, via, environment, form }: Names) => (
  JSON.stringify([app, event, field, category, source, identity, vendor, via, environment, form])
);

function surroundings(flows: readonly Flow[], { facts, vendorGraph }: Catalogue, nowMs: number): Pick<FlowMap, 'vendors' | 'edges'> {
  const receivers = new Set(flows.flatMap(({ vendor }) => [vendor, ...vendorGraph.reached(vendor).map((reached) => reached.vendor)]));
  const edges = facts.edges.filter(({ from }) => receivers.has(from));
  const ids = [...new Set([...flows.map(({ vendor }) => vendor), ...edges.flatMap(({ from, to }) => [from, to])])].sort();
  return {
    vendors: ids.map((id) => {
      const vendor = facts.vendors.get(id);
      const dpa = vendor?.claims.find(({ name }) => name === 'dpa');
      return { id, name: vendor?.name ?? id, party: vendor?.party ?? 'unknown', dpa: vendor?.party === 'first' ? 'not needed' : dpaState(dpa, nowMs), dpaEvidence: dpa?.evidence ?? null };
    }),
    edges: edges.map(({ from, to, type, on, source }) => ({ from, to, type, on: on !== false, source: source ?? null })).sort((a, b) => (`${a.from} ${a.to} ${a.type}` < `${b.from} ${b.to} ${b.type}` ? -1 : 1)),
  };
}

const dpaState = (dpa: Claim | undefined, nowMs: number) => (dpa === undefined || dpa.value === null || dpa.value === false ? 'missing' : nowMs >= (dpa.untilMs ?? Infinity) ? 'expired' : 'recorded');
